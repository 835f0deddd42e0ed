"""Fulfillments by themselves."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConflictError, RejectedError
from airflow_provider_partners.sync.upsert.orders import upsert_fulfillments, upsert_orders


def shipment(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "external_id": str(number),
        "fulfillment_date": "2026-03-02T08:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
        **fields,
    }


def run(store: Any, rows: list[dict[str, Any]], **options: Any) -> list[tuple[str, str]]:
    return [(outcome.external_id, outcome.action) for outcome in upsert_fulfillments(store, rows, **options)]


@pytest.fixture
def there(store: Any, make: Any) -> Any:
    """A store with the orders 1 and 2; order 1 has the fulfillment 10."""
    list(upsert_orders(store, [make.built(1, fulfillments=[shipment(10)]), make.built(2)]))
    store.calls.clear()
    store.sent.clear()
    return store


def test_new_ones_are_created_and_differing_ones_updated_by_their_listed_id(there: Any, make: Any) -> None:
    rows = [make.built(1, fulfillments=[shipment(10, status="cancelled"), shipment(11)]), make.built(2)]

    assert run(there, rows) == [("10", "updated"), ("11", "created")]
    assert there.sent == [("fulfillments.update", {"status": "cancelled"}), ("fulfillments.create", shipment(11))]
    assert there.calls["fulfillments.list"] == 1
    assert run(there, rows) == [("10", "unchanged"), ("11", "unchanged")]


def test_what_is_there_costs_one_look_up_per_batch(there: Any, make: Any) -> None:
    assert run(there, [make.built(1, fulfillments=[shipment(10)])]) == [("10", "unchanged")]
    assert there.calls == {"orders.list": 1}


def test_an_order_that_is_not_there_is_told(there: Any, make: Any) -> None:
    (outcome,) = upsert_fulfillments(there, [make.built(3, fulfillments=[shipment(30)])])

    assert outcome.action == "rejected"
    assert "upsert orders before" in str(outcome.reason)


def test_a_dry_run_writes_nothing(there: Any, make: Any) -> None:
    rows = [make.built(1, fulfillments=[shipment(10, status="open"), shipment(11)])]

    assert run(there, rows, dry_run=True) == [("10", "would_update"), ("11", "would_create")]
    assert there.sent == []


def test_a_conflict_is_looked_up_again(there: Any, make: Any) -> None:
    there.answers["fulfillments.create"] = [ConflictError("exists", status=409)]

    assert run(there, [make.built(2, fulfillments=[shipment(20)])]) == [("20", "created")]
    assert there.calls["fulfillments.list"] == 2


def test_a_refused_one_is_set_aside_and_can_be_replayed(there: Any, make: Any) -> None:
    there.answers["fulfillments.create"] = [RejectedError("no", status=400)]
    rows = [make.built(2, fulfillments=[shipment(20), shipment(21)])]

    refused, created = upsert_fulfillments(there, rows)

    assert (refused.action, created.action) == ("rejected", "created")
    assert refused.reject
    assert run(there, [refused.reject]) == [("20", "created"), ("21", "unchanged")]


def test_one_against_the_rules_is_rejected_without_being_sent(there: Any, make: Any) -> None:
    (outcome,) = upsert_fulfillments(there, [make.built(1, fulfillments=[shipment(12, fulfilled_items=[])])])

    assert "fulfilled_items" in str(outcome.reason)
    assert there.sent == []


def test_what_is_done_is_left_alone(there: Any, make: Any) -> None:
    assert run(there, [make.built(1, fulfillments=[shipment(10), shipment(11)])], done={"11"}) == [("10", "unchanged")]


def test_workers_keep_the_order(there: Any, make: Any) -> None:
    rows = [make.built(1, fulfillments=[shipment(11), shipment(12)]), make.built(2, fulfillments=[shipment(21)])]

    assert [key for key, _ in run(there, rows, workers=4)] == ["11", "12", "21"]
