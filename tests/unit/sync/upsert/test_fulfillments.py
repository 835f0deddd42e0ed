"""Fulfillments are written apart from their orders."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.exceptions import ConflictError, RejectedError
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders


def shipment(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "external_id": str(number),
        "fulfillment_date": "2026-03-02T08:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
        **fields,
    }


def run(store: FakeYotpoStore, records: list[dict[str, Any]], **options: Any) -> list[tuple[str, str]]:
    return [(outcome.external_id, outcome.action) for outcome in upsert_fulfillments(store, records, **options)]


@pytest.fixture
def two_orders(store: FakeYotpoStore) -> FakeYotpoStore:
    """A store with the orders 1 and 2; order 1 has the fulfillment 10."""
    list(upsert_orders(store, [make.built(1, fulfillments=[shipment(10)]), make.built(2)]))
    store.calls.clear()
    store.sent.clear()
    return store


def test_new_fulfillments_are_created_and_differing_ones_updated_by_their_listed_id(two_orders: FakeYotpoStore) -> None:
    records = [make.built(1, fulfillments=[shipment(10, status="cancelled"), shipment(11)]), make.built(2)]

    assert run(two_orders, records) == [("10", "updated"), ("11", "created")]
    assert two_orders.sent == [("fulfillments.update", {"status": "cancelled"}), ("fulfillments.create", shipment(11))]
    assert two_orders.calls["fulfillments.list"] == 1
    assert run(two_orders, records) == [("10", "unchanged"), ("11", "unchanged")]


def test_unchanged_fulfillments_cost_one_lookup_per_batch(two_orders: FakeYotpoStore) -> None:
    assert run(two_orders, [make.built(1, fulfillments=[shipment(10)])]) == [("10", "unchanged")]
    assert two_orders.calls == {"orders.list": 1}


def test_an_order_that_yotpo_lacks_is_rejected(two_orders: FakeYotpoStore) -> None:
    (outcome,) = upsert_fulfillments(two_orders, [make.built(3, fulfillments=[shipment(30)])])

    assert outcome.action == "rejected"
    assert "upsert orders before" in str(outcome.reason)


def test_a_dry_run_writes_nothing(two_orders: FakeYotpoStore) -> None:
    records = [make.built(1, fulfillments=[shipment(10, status="open"), shipment(11)])]

    assert run(two_orders, records, dry_run=True) == [("10", "would_update"), ("11", "would_create")]
    assert two_orders.sent == []


def test_a_conflict_is_looked_up_again(two_orders: FakeYotpoStore) -> None:
    two_orders.errors["fulfillments.create"] = [ConflictError("exists", status=409)]

    assert run(two_orders, [make.built(2, fulfillments=[shipment(20)])]) == [("20", "created")]
    assert two_orders.calls["fulfillments.list"] == 2


def test_a_refused_one_becomes_a_reject_that_can_be_replayed(two_orders: FakeYotpoStore) -> None:
    two_orders.errors["fulfillments.create"] = [RejectedError("no", status=400)]
    records = [make.built(2, fulfillments=[shipment(20), shipment(21)])]

    refused, created = upsert_fulfillments(two_orders, records)

    assert (refused.action, created.action) == ("rejected", "created")
    assert refused.reject
    assert run(two_orders, [refused.reject]) == [("20", "created"), ("21", "unchanged")]


def test_an_invalid_fulfillment_is_rejected_without_being_sent(two_orders: FakeYotpoStore) -> None:
    (outcome,) = upsert_fulfillments(two_orders, [make.built(1, fulfillments=[shipment(12, fulfilled_items=[])])])

    assert "fulfilled_items" in str(outcome.reason)
    assert two_orders.sent == []


def test_skipped_fulfillments_are_not_written(two_orders: FakeYotpoStore) -> None:
    records = [make.built(1, fulfillments=[shipment(10), shipment(11)])]

    assert run(two_orders, records, skip={"1/11"}) == [("10", "unchanged")]


def test_workers_keep_the_order(two_orders: FakeYotpoStore) -> None:
    records = [make.built(1, fulfillments=[shipment(11), shipment(12)]), make.built(2, fulfillments=[shipment(21)])]

    assert [key for key, _ in run(two_orders, records, workers=4)] == ["11", "12", "21"]


def test_records_of_one_order_are_merged_and_each_fulfillment_has_one_outcome(two_orders: FakeYotpoStore) -> None:
    records = [
        make.built(1, fulfillments=[shipment(11)]),
        make.built(2, fulfillments=[shipment(21)]),
        make.built(1, fulfillments=[shipment(12, status="open")]),
        make.built(1, fulfillments=[shipment(12)]),
    ]

    assert run(two_orders, records) == [("11", "created"), ("12", "created"), ("21", "created")]
    assert [payload["status"] for _, payload in two_orders.sent] == ["success"] * 3
    assert run(two_orders, records, batch_size=1)[0] == ("11", "unchanged")


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        5,
        {"external_id": "1", "version": "x"},
        {"external_id": "1", "order": 5},
        {"external_id": "1", "order": {"fulfillments": [None]}},
    ],
)
def test_a_malformed_record_is_rejected_and_the_others_are_written(two_orders: FakeYotpoStore, malformed: Any) -> None:
    record = make.built(1, fulfillments=[shipment(11)])

    assert run(two_orders, [malformed, record]) == [("", "rejected"), ("11", "created")]
