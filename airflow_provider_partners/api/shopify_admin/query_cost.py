"""Points: what the Admin API charges for a query, and what to do when it is too much.

Each answer tells what its query cost and what the shop's bucket holds. Too little in the bucket means waiting, a query
above 1,000 points means a smaller page, at the same cursor. Must not know what is asked for.
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
    """Read the points that an answer took, and what is left, into the budget.

    :param response: any answer
    :param rate_limit: the shop's
    """
    if b'"throttleStatus"' not in response.content:
        return
    cost = response.json()["extensions"]["cost"]
    status = cost["throttleStatus"]
    # A refused query is not charged at all, an executed one is refunded what it didn't need.
    unused = float(cost.get("requestedQueryCost") or 0.0) - float(cost.get("actualQueryCost") or 0.0)
    rate_limit.update_from_server(
        available=float(status["currentlyAvailable"]),
        capacity=float(status["maximumAvailable"]),
        rate=float(status["restoreRate"]),
        refund=max(0.0, unused),
    )


def throttle_wait(body: Mapping[str, Any]) -> float | None:
    """Seconds until the bucket holds what a throttled query asked for, at least one.

    :param body: the decoded answer, with ``extensions.cost`` where Shopify gives it
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
    """How many objects are asked for at once; threads share one.

    :param size: to begin with
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()

    def call(self, fetch: Callable[[int], T]) -> T:
        """What a question brings at the largest size that passes.

        :param fetch: asks with a size
        :raises ConfigurationError: when a single object costs too much
        """
        while True:
            size = self._size
            try:
                return fetch(size)
            except QueryTooCostlyError as error:
                if size <= 1:
                    message = "a single object costs more than Shopify allows for a query"
                    remedy = "Ask for fewer 'fields'."
                    raise ConfigurationError(message, remedy=remedy, request_id=error.request_id) from error
                with self._lock:
                    self._size = min(self._size, size // 2)
