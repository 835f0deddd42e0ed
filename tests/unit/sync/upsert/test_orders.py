"""Orders are written once, with few calls, and with outcomes in order."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.exceptions import AuthenticationError, ThrottledError, TransientError
from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.upsert import upsert_orders


def run(store: FakeYotpoStore, records: Any, **options: Any) -> list[Any]:
    return list(upsert_orders(store, records, sleep=store.slept.append, **options))


def actions(outcomes: list[Any]) -> list[str]:
    return [outcome.action for outcome in outcomes]


@pytest.mark.covers("yotpo.line_item.external_product_id.known")
def test_a_new_order_is_created_with_its_products_first(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, [make.built(1, "p-1", "p-2")])

    assert (outcome.action, outcome.external_id) == ("created", "1")
    assert outcome.yotpo_id == store.get("order", "1")["yotpo_id"]
    assert [name for name, _ in store.sent] == ["products.create", "products.create", "orders.create"]
    assert store.get("product", "p-2")["name"] == "P-2"
    assert outcome.notes == ["products created first: p-1, p-2"]


def test_a_second_run_writes_nothing(store: FakeYotpoStore) -> None:
    records = [make.built(number, f"p-{number % 7}") for number in range(250)]
    run(store, records)
    store.calls.clear()

    outcomes = run(store, records)

    assert set(actions(outcomes)) == {"unchanged"}
    assert all(outcome.yotpo_id for outcome in outcomes)
    assert store.writes == 0
    assert sum(store.calls.values()) / len(records) <= 0.03


def test_new_orders_cost_little_more_than_one_call_each(store: FakeYotpoStore) -> None:
    products = [f"p-{number}" for number in range(40)]
    store.add_products(*products)
    store.calls.clear()
    records = [make.built(number, products[number % 40]) for number in range(1000)]

    outcomes = run(store, records)

    assert set(actions(outcomes)) == {"created"}
    assert sum(store.calls.values()) / len(records) <= 1.05


def test_mapped_orders_are_created_and_then_unchanged(store: FakeYotpoStore) -> None:
    orders = [make.order(number) for number in range(1, 30)]
    records = [
        built.to_dict() for built in build_orders(orders, shop="a.myshopify.com") if isinstance(built, BuiltOrder)
    ]

    assert set(actions(run(store, records))) == {"created"}
    assert set(actions(run(store, records))) == {"unchanged"}


def test_only_the_difference_is_patched(store: FakeYotpoStore) -> None:
    run(store, [make.built(1)])

    (outcome,) = run(store, [make.built(1, custom_properties={"suppress_review_request": True})])

    assert (outcome.action, outcome.changed) == ("updated", ["custom_properties"])
    assert store.sent[-1] == ("orders.update", {"custom_properties": {"suppress_review_request": True}})


def test_the_reasons_of_a_suppression_stay_with_the_outcome(store: FakeYotpoStore) -> None:
    record = {**make.built(1), "suppressed": ["return is refunded"]}

    assert [outcome.suppressed for outcome in (*run(store, [record]), *run(store, [record]))] == [
        record["suppressed"]
    ] * 2


def test_of_an_order_twice_in_a_batch_the_last_is_sent(store: FakeYotpoStore) -> None:
    outcomes = run(
        store, [make.built(1, payment_status="pending"), make.built(2), make.built(1, payment_status="paid")]
    )

    assert [(outcome.external_id, outcome.action) for outcome in outcomes] == [("2", "created"), ("1", "created")]
    assert store.get("order", "1")["payment_status"] == "paid"


def test_an_order_twice_in_different_batches_is_never_doubled(store: FakeYotpoStore) -> None:
    records = [make.built(1, payment_status="pending"), make.built(2), make.built(1, payment_status="paid")]

    outcomes = run(store, records, batch_size=2)

    assert actions(outcomes) == ["created", "created", "updated"]
    assert len(store.records["order"]) == 2


def test_skipped_orders_cost_no_call(store: FakeYotpoStore) -> None:
    outcomes = run(store, [make.built(1), make.built(2)], skip={"1"})

    assert [outcome.external_id for outcome in outcomes] == ["2"]


def test_a_dry_run_plans_and_writes_nothing(store: FakeYotpoStore) -> None:
    run(store, [make.built(1), make.built(2)])
    store.sent.clear()

    outcomes = run(store, [make.built(1), make.built(2, payment_status="paid"), make.built(3, "new")], dry_run=True)

    assert actions(outcomes) == ["unchanged", "would_update", "would_create"]
    assert outcomes[1].changed == ["payment_status"]
    assert outcomes[2].notes == ["products to create first: new"]
    assert store.sent == []


@pytest.mark.parametrize(
    "error", [AuthenticationError("no"), TransientError("down"), ThrottledError("wait", retry_after=900)]
)
@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_of_the_run_is_raised_after_the_earlier_outcomes(
    store: FakeYotpoStore, error: Exception, workers: int
) -> None:
    store.add_products("p-1")
    outcomes = upsert_orders(store, [make.built(n) for n in range(3)], sleep=store.slept.append, workers=workers)
    first = next(outcomes)
    later = upsert_orders(store, [make.built(n) for n in range(3, 9)], sleep=store.slept.append, workers=workers)
    store.errors["orders.create"] = [error] * 9

    assert first.action == "created"
    with pytest.raises(type(error)):
        list(later)
    store.errors.clear()
    assert actions(run(store, [make.built(n) for n in range(9)])).count("rejected") == 0
    assert len(store.records["order"]) == 9


def test_workers_keep_the_order_of_outcomes(store: FakeYotpoStore) -> None:
    records = [make.built(number, f"p-{number % 5}") for number in range(120)]

    outcomes = run(store, records, workers=8)

    assert [outcome.external_id for outcome in outcomes] == [record["external_id"] for record in records]
    assert set(actions(outcomes)) == {"created"}
    assert set(actions(run(store, records, workers=8))) == {"unchanged"}


def test_workers_notice_a_broken_filter_once(store: FakeYotpoStore, caplog: Any) -> None:
    records = [make.built(number) for number in range(40)]
    run(store, records)
    store.takes_lists = False

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, records, workers=8, batch_size=20)

    assert set(actions(outcomes)) == {"unchanged"}
    assert len(caplog.messages) == 1


def test_records_are_read_a_batch_at_a_time(store: FakeYotpoStore) -> None:
    endless = (make.built(number) for number in itertools.count())

    first = next(upsert_orders(store, endless, sleep=store.slept.append))

    assert first.external_id == "0"


def test_fulfillments_can_be_left_to_their_own_upsert(store: FakeYotpoStore) -> None:
    shipment = {
        "external_id": "501",
        "fulfillment_date": "2026-03-02T08:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
    }

    run(store, [make.built(1, fulfillments=[shipment])], with_fulfillments=False)

    assert store.get("order", "1")["fulfillments"] == []


@pytest.mark.parametrize(
    ("malformed", "reason"),
    [
        (None, "the record: must be an object"),
        (5, "the record: must be an object"),
        (["a@example.com"], "the record: must be an object"),
        ({"version": "x"}, "version: must be an object with texts"),
        ({"version": {"order": 5}}, "version: must be an object with texts"),
        ({"products": [None]}, "products: must be a list of objects"),
        ({"products": 5}, "products: must be a list of objects"),
        ({"suppressed": [None]}, "suppressed: must be a list of texts"),
    ],
)
def test_a_malformed_record_is_rejected_without_its_data_and_the_others_are_written(
    store: FakeYotpoStore, malformed: Any, reason: str
) -> None:
    if isinstance(malformed, dict):
        malformed = {**make.built(2), **malformed}

    first, second, third, fourth = run(store, [make.built(1), malformed, None, make.built(3)])

    assert [first.action, fourth.action] == ["created", "created"]
    assert (second.action, second.external_id) == ("rejected", "2" if isinstance(malformed, dict) else "")
    assert second.reason == reason
    assert second.reject["rejected"]["reason"] == reason
    assert third.action == "rejected"


def test_records_without_an_id_are_rejected_even_if_an_earlier_try_rejected_one(store: FakeYotpoStore) -> None:
    assert actions(run(store, [None, {}], skip={""})) == ["rejected", "rejected"]
