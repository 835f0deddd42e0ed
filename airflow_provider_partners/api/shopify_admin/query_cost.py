"""Query cost of the Admin API: keep the rate limit up to date, and reduce pages that cost too much.

Each answer reports the cost of its query and the points left in the shop's bucket. Too few points mean waiting. A query
above 1,000 points means a smaller page at the same cursor.
See https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit

T = TypeVar("T")


def update_rate_limit(response: Response, rate_limit: RateLimit) -> None:
    """Update the rate limit from the cost that an answer reports.

    :param rate_limit: the shop's
    """
    if b'"throttleStatus"' not in response.content:
        return
    cost = response.json()["extensions"]["cost"]
    status = cost["throttleStatus"]
    # Shopify charges nothing for a refused query, and refunds the unused points of an executed one.
    unused = float(cost.get("requestedQueryCost") or 0.0) - float(cost.get("actualQueryCost") or 0.0)
    rate_limit.update_from_server(
        available=float(status["currentlyAvailable"]),
        capacity=float(status["maximumAvailable"]),
        rate=float(status["restoreRate"]),
        refund=max(0.0, unused),
    )


def throttle_wait(body: Mapping[str, Any]) -> float | None:
    """Return the seconds until the bucket holds the points of a throttled query, at least one second.

    :param body: the decoded answer; ``None`` is returned if it lacks ``extensions.cost``
    """
    cost = (body.get("extensions") or {}).get("cost") or {}
    status = cost.get("throttleStatus") or {}
    requested, available, rate = (
        cost.get("requestedQueryCost"),
        status.get("currentlyAvailable"),
        status.get("restoreRate"),
    )
    if requested is None or available is None or not rate:
        return None
    return max(1.0, (float(requested) - float(available)) / float(rate))


class QueryTooCostlyError(ConfigurationError):
    """A query above Shopify's limit of points; a smaller page may pass."""


class AdaptivePageSize:
    """The number of objects per request, halved whenever Shopify finds a query too costly. Thread-safe.

    :param size: the initial size
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()

    def call(self, fetch: Callable[[int], T]) -> T:
        """Call ``fetch`` with the largest size that Shopify accepts.

        :param fetch: sends a request for that many objects
        :raises ConfigurationError: if a single object costs too much
        """
        while True:
            size = self._size
            try:
                return fetch(size)
            except QueryTooCostlyError as error:
                if size <= 1:
                    message = "a single object costs more than Shopify allows for a query"
                    remedy = "Request fewer 'fields'."
                    raise ConfigurationError(message, remedy=remedy, request_id=error.request_id) from error
                with self._lock:
                    self._size = min(self._size, size // 2)
