"""Orders older than six months get no review request from Yotpo.

Source: https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments, property ``order_date``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.old_orders import is_too_old
from airflow_provider_partners.sync.outcomes import OutcomeSummary
from airflow_provider_partners.sync.upsert.orders import upsert_orders

NOTE = "too old for a review request: older than 6 months"
PLACED = datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC)
"""When the order of the builders was created."""


def built(now: datetime, **options: Any) -> BuiltOrder | UnmappableOrder:
    (one,) = build_orders([make.order()], shop="a.myshopify.com", options=options, now=now)
    return one


@pytest.mark.covers("yotpo.order.order_date.six_months")
@pytest.mark.parametrize(
    ("now", "notes"),
    [
        (datetime(2026, 9, 1, 10, 20, 30, tzinfo=UTC), []),
        (datetime(2026, 9, 1, 10, 20, 31, tzinfo=UTC), [NOTE]),
        (PLACED, []),
    ],
)
def test_an_older_order_is_sent_with_a_note(now: datetime, notes: list[str]) -> None:
    one = built(now)
    assert isinstance(one, BuiltOrder)
    assert one.outcome_notes == notes
    assert one.to_dict()["outcome_notes"] == notes


@pytest.mark.covers("yotpo.order.order_date.six_months")
def test_an_option_leaves_older_orders_out() -> None:
    one = built(datetime(2026, 9, 2, tzinfo=UTC), old_orders="exclude")
    assert one == UnmappableOrder("1001", NOTE, "too old for a review request", is_excluded=True)
    assert isinstance(built(datetime(2026, 8, 31, tzinfo=UTC), old_orders="exclude"), BuiltOrder)


def test_the_months_are_a_setting() -> None:
    one = built(datetime(2026, 5, 2, tzinfo=UTC), old_orders="exclude", old_after_months=2)
    assert isinstance(one, UnmappableOrder)
    assert one.reason.endswith("older than 2 months")
    with pytest.raises(ConfigurationError, match="old_after_months"):
        built(PLACED, old_after_months=0)
    with pytest.raises(ConfigurationError, match="old_orders"):
        built(PLACED, old_orders="drop")


def test_months_are_calendar_months() -> None:
    """Six months before the 31st of August is the last day of February."""
    now = datetime(2026, 8, 31, tzinfo=UTC)
    assert is_too_old("2026-02-27T23:59:59Z", now=now, months=6)
    assert not is_too_old("2026-02-28T00:00:00Z", now=now, months=6)
    assert not is_too_old(None, now=now, months=6)


def test_so_many_months_that_they_begin_before_the_calendar_make_no_order_too_old() -> None:
    """Any number of months of 1 or more is allowed, so that a large one switches the option off."""
    one = built(PLACED, old_after_months=1_000_000, old_orders="exclude")
    assert isinstance(one, BuiltOrder)
    assert one.outcome_notes == []


@pytest.mark.covers("yotpo.order.order_date.six_months")
@pytest.mark.parametrize("placed", ["2020-01-01T00:00:00Z", None])
def test_the_outcome_of_a_plain_or_built_order_has_the_note(placed: str | None) -> None:
    line = {"external_product_id": "11", "quantity": 1}
    date = placed or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    plain = {"external_id": "1", "order_date": date, "line_items": [line]}
    built = {
        "external_id": "2",
        "order": {**plain, "external_id": "2"},
        "products": [],
        "outcome_notes": [NOTE] if placed else [],
    }
    store = FakeYotpoStore()
    store.create_product({"external_id": "11", "name": "Mug"})

    outcomes = list(upsert_orders(store, [plain, built]))

    assert [outcome.action for outcome in outcomes] == ["created", "created"]
    assert [outcome.notes for outcome in outcomes] == [[NOTE] if placed else []] * 2
    counted = OutcomeSummary.of(outcomes).notes
    assert counted == ({"too old for a review request": 2} if placed else {})
