"""The cost that Shopify's answers report: https://shopify.dev/docs/api/usage/limits."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.api.shopify_admin.query_cost import throttle_wait


def throttled(requested: Any = 752, available: Any = 52, rate: Any = 100) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate}
    return {"extensions": {"cost": {"requestedQueryCost": requested, "throttleStatus": status}}}


def test_a_throttled_query_waits_until_the_bucket_holds_its_points() -> None:
    assert throttle_wait(throttled()) == pytest.approx(7.0)
    assert throttle_wait(throttled(available=751)) == 1.0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"extensions": None},
        {"extensions": {"cost": []}},
        throttled(rate=0),
        throttled(requested="many"),
        throttled(available=None),
        throttled(requested=10**400),
    ],
)
def test_an_unreadable_cost_leaves_the_wait_to_us(body: dict[str, Any]) -> None:
    assert throttle_wait(body) is None
