"""Query cost of the Admin API: keep the rate limit up to date.

Each answer reports the cost of its query and the points left in the shop's bucket. Too few points mean waiting.
See https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.api.http.rate_limit import RateLimit


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

    :param body: the decoded answer; ``None`` is returned if it lacks ``extensions.cost``, or if that is unreadable
    """
    try:
        cost = body["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(1.0, missing / float(status["restoreRate"]))
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return None
