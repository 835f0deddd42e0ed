"""Orders and products get into a store: once, at little cost, whatever the store answers."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.sync.build import Built, build
from airflow_provider_partners.sync.upsert import upsert_orders, upsert_products


def run(store: Any, rows: Any, **options: Any) -> list[Any]:
    return list(upsert_orders(store, rows, **{"sleep": store_sleep(store), **options}))


def store_sleep(store: Any) -> Any:
    store.slept = getattr(store, "slept", [])
    return store.slept.append


def actions(outcomes: list[Any]) -> list[str]:
    return [outcome.action for outcome in outcomes]


def test_a_new_order_is_created_with_its_products_first(store: Any, make: Any) -> None:
    (outcome,) = run(store, [make.built(1, "p-1", "p-2")])

    assert (outcome.action, outcome.external_id) == ("created", "1")
    assert outcome.yotpo_id == store.has("order", "1")["yotpo_id"]
    assert [name for name, _ in store.sent] == ["products.create", "products.create", "orders.create"]
    assert store.has("product", "p-2")["name"] == "P-2"
    assert outcome.notes == ["products created first: p-1, p-2"]


def test_a_second_run_writes_nothing(store: Any, make: Any) -> None:
    rows = [make.built(number, f"p-{number % 7}") for number in range(250)]
    run(store, rows)
    store.calls.clear()

    outcomes = run(store, rows)

    assert set(actions(outcomes)) == {"unchanged"}
    assert all(outcome.yotpo_id for outcome in outcomes)
    assert store.writes == 0
    assert sum(store.calls.values()) / len(rows) <= 0.03


def test_new_orders_cost_little_more_than_one_call_each(store: Any, make: Any) -> None:
    products = [f"p-{number}" for number in range(40)]
    store.add_products(*products)
    store.calls.clear()
    rows = [make.built(number, products[number % 40]) for number in range(1000)]

    outcomes = run(store, rows)

    assert set(actions(outcomes)) == {"created"}
    assert sum(store.calls.values()) / len(rows) <= 1.05


def test_real_orders_are_created_and_then_left_alone(store: Any, make: Any) -> None:
    orders = [make.order(number) for number in range(1, 30)]
    rows = [built.to_dict() for built in build(orders, shop="a.myshopify.com") if isinstance(built, Built)]

    assert set(actions(run(store, rows))) == {"created"}
    assert set(actions(run(store, rows))) == {"unchanged"}


def test_only_the_difference_is_patched(store: Any, make: Any) -> None:
    run(store, [make.built(1)])

    (outcome,) = run(store, [make.built(1, custom_properties={"suppress_review_request": True})])

    assert (outcome.action, outcome.changed) == ("updated", ["custom_properties"])
    assert store.sent[-1] == ("orders.update", {"custom_properties": {"suppress_review_request": True}})


def test_the_reasons_of_a_suppression_stay_with_the_outcome(store: Any, make: Any) -> None:
    row = {**make.built(1), "suppressed": ["return is refunded"]}

    assert [outcome.suppressed for outcome in (*run(store, [row]), *run(store, [row]))] == [row["suppressed"]] * 2


def test_an_order_twice_in_a_batch_is_sent_as_it_came_last(store: Any, make: Any) -> None:
    outcomes = run(
        store, [make.built(1, payment_status="pending"), make.built(2), make.built(1, payment_status="paid")]
    )

    assert [(outcome.external_id, outcome.action) for outcome in outcomes] == [("2", "created"), ("1", "created")]
    assert store.has("order", "1")["payment_status"] == "paid"


def test_an_order_twice_in_different_batches_is_never_doubled(store: Any, make: Any) -> None:
    rows = [make.built(1, payment_status="pending"), make.built(2), make.built(1, payment_status="paid")]

    outcomes = run(store, rows, batch_size=2)

    assert actions(outcomes) == ["created", "created", "updated"]
    assert len(store.rows["order"]) == 2


def test_what_is_done_is_left_alone_without_a_call(store: Any, make: Any) -> None:
    outcomes = run(store, [make.built(1), make.built(2)], done={"1"})

    assert [outcome.external_id for outcome in outcomes] == ["2"]


def test_a_dry_run_plans_and_writes_nothing(store: Any, make: Any) -> None:
    run(store, [make.built(1), make.built(2)])
    store.sent.clear()

    outcomes = run(store, [make.built(1), make.built(2, payment_status="paid"), make.built(3, "new")], dry_run=True)

    assert actions(outcomes) == ["unchanged", "would_update", "would_create"]
    assert outcomes[1].changed == ["payment_status"]
    assert outcomes[2].notes == ["products to create first: new"]
    assert store.sent == []


def test_a_conflict_with_another_writer_ends_in_an_update(store: Any, make: Any) -> None:
    run(store, [make.built(1, payment_status="pending")])
    store.hidden["1"] = 1  # not yet there when the batch is looked up

    outcomes = run(store, [make.built(1, payment_status="paid"), make.built(2)])

    assert actions(outcomes) == ["updated", "created"]
    assert store.has("order", "1")["payment_status"] == "paid"


def test_a_race_is_not_taken_for_a_broken_filter(store: Any, make: Any, caplog: Any) -> None:
    run(store, [make.built(1), make.built(2)])
    store.hidden.update({"1": 1, "2": 1})

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, [make.built(1), make.built(2), make.built(3)])

    assert actions(outcomes) == ["unchanged", "unchanged", "created"]
    assert caplog.messages == []


def test_a_record_that_exists_but_is_not_listed_yet_is_looked_for_again(store: Any, make: Any) -> None:
    run(store, [make.built(1)])
    store.hidden["1"] = 3

    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert outcome.action == "updated"
    assert store.slept == [0.5, 1.0]


def test_a_record_that_exists_and_is_never_found_is_rejected(store: Any, make: Any) -> None:
    run(store, [make.built(1)])
    store.hidden["1"] = 1000

    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "rejected"
    assert "409" in str(outcome.reason)
    assert len(store.rows["order"]) == 1


def test_a_filter_that_takes_no_list_is_found_out_once_and_singles_are_asked(
    store: Any, make: Any, caplog: Any
) -> None:
    rows = [make.built(number) for number in range(6)]
    run(store, rows[:4])
    store.takes_lists = False
    store.calls.clear()

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, rows, batch_size=2)

    assert actions(outcomes) == ["unchanged"] * 4 + ["created"] * 2
    assert len(caplog.messages) == 1
    assert "one by one" in caplog.messages[0]
    assert len(store.rows["order"]) == 6
    # One attempt per order of the first batch; after that nothing is tried that is there.
    assert store.calls["orders.create"] == 2 + 2


def test_a_filter_that_gives_what_was_not_asked_for_is_not_trusted(store: Any, make: Any, caplog: Any) -> None:
    run(store, [make.built(number) for number in range(4)])
    store.leaks = True

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, [make.built(0), make.built(9)])

    assert actions(outcomes) == ["unchanged", "created"]
    assert len(caplog.messages) == 1


def test_an_id_that_is_stale_is_looked_up_again(store: Any, make: Any) -> None:
    run(store, [make.built(1)])
    store.answers["orders.update"] = [NotFoundError("Order was not found", status=404)]

    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert outcome.action == "updated"


def test_an_order_that_vanished_is_created_again(store: Any, make: Any) -> None:
    run(store, [make.built(1)])
    lookup = store.orders

    def vanishing(ids: Any) -> Any:
        found = lookup(ids)
        store.drop("order", "1")
        return found

    store.orders = vanishing
    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert outcome.action == "created"
    assert store.has("order", "1")["payment_status"] == "paid"


def test_an_id_that_stays_stale_is_a_reject(store: Any, make: Any) -> None:
    run(store, [make.built(1)])
    store.answers["orders.update"] = [NotFoundError("Order was not found", status=404)] * 2

    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert (outcome.action, outcome.reason) == ("rejected", "Order was not found")


@pytest.mark.parametrize("status", [400, 404])
def test_products_that_turn_out_unknown_are_created_and_the_order_sent_again(
    store: Any, make: Any, status: int
) -> None:
    store.add_products("p-1")
    lookup = store.products

    def forgetting(ids: Any) -> Any:
        found = lookup(ids)
        store.drop("product", "p-1")
        return found

    store.products = forgetting
    store.answers["orders.create"] = [make.unknown_products(["p-1"], status)]
    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "created"
    assert store.has("product", "p-1")["name"] == "P-1"
    assert "created again" in outcome.notes[0]


def test_products_that_stay_unknown_are_a_reject_after_one_more_try(store: Any, make: Any) -> None:
    store.add_products("p-1")
    store.answers["orders.create"] = [make.unknown_products(["p-1"])] * 3

    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "rejected"
    assert store.calls["orders.create"] == 2
    assert store.slept == [1.0]


def test_a_product_that_is_refused_is_created_with_its_id_alone(store: Any, make: Any) -> None:
    store.answers["products.create"] = [RejectedError("url is not valid", status=400)]

    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "created"
    assert store.sent[1] == ("products.create", {"external_id": "p-1"})


def test_an_order_whose_product_is_refused_is_rejected_without_being_sent(store: Any, make: Any) -> None:
    store.answers["products.create"] = [RejectedError("no", status=400)] * 2

    outcomes = run(store, [make.built(1, "p-1"), make.built(2, "p-2")])

    assert actions(outcomes) == ["rejected", "created"]
    assert outcomes[0].reason == "its product p-1 was refused: no"
    assert store.calls["orders.create"] == 1


def test_a_product_that_another_writer_creates_is_no_trouble(store: Any, make: Any) -> None:
    store.add_products("p-1")
    store.hidden["p-1"] = 1

    assert actions(run(store, [make.built(1)])) == ["created"]


def test_a_refused_order_is_set_aside_and_can_be_replayed(store: Any, make: Any) -> None:
    store.answers["orders.create"] = [RejectedError("currency is not supported", status=400, request_id="r-1")]

    refused, created = run(store, [make.built(1), make.built(2)])
    (replayed,) = run(store, [refused.reject])

    assert (refused.action, refused.reason) == ("rejected", "currency is not supported")
    assert refused.reject["rejected"]["request_id"] == "r-1"
    assert created.action == replayed.action == "created"


def test_a_payload_against_the_rules_is_rejected_without_a_call(store: Any, make: Any) -> None:
    wrong = make.built(1, payment_status="bartered")
    alien = {"external_id": "2"}
    mixed_up = {**make.built(3), "external_id": "4"}

    outcomes = run(store, [wrong, alien, mixed_up])

    assert actions(outcomes) == ["rejected"] * 3
    assert "payment_status" in outcomes[0].reason
    assert "external_id: required" in outcomes[1].reason
    assert sum(store.calls.values()) == 0


@pytest.mark.parametrize(
    "error", [AuthenticationError("no"), TransientError("down"), ThrottledError("wait", retry_after=900)]
)
@pytest.mark.parametrize("workers", [1, 4])
def test_an_error_of_the_run_comes_through_after_the_outcomes_before_it(
    store: Any, make: Any, error: Exception, workers: int
) -> None:
    store.add_products("p-1")
    outcomes = upsert_orders(store, [make.built(n) for n in range(3)], sleep=store_sleep(store), workers=workers)
    first = next(outcomes)
    later = upsert_orders(store, [make.built(n) for n in range(3, 9)], sleep=store_sleep(store), workers=workers)
    store.answers["orders.create"] = [error] * 9

    assert first.action == "created"
    with pytest.raises(type(error)):
        list(later)
    store.answers.clear()
    assert actions(run(store, [make.built(n) for n in range(9)])).count("rejected") == 0
    assert len(store.rows["order"]) == 9


def test_workers_keep_the_order_of_outcomes(store: Any, make: Any) -> None:
    rows = [make.built(number, f"p-{number % 5}") for number in range(120)]

    outcomes = run(store, rows, workers=8)

    assert [outcome.external_id for outcome in outcomes] == [row["external_id"] for row in rows]
    assert set(actions(outcomes)) == {"created"}
    assert set(actions(run(store, rows, workers=8))) == {"unchanged"}


def test_workers_find_out_a_broken_filter_together(store: Any, make: Any, caplog: Any) -> None:
    rows = [make.built(number) for number in range(40)]
    run(store, rows)
    store.takes_lists = False

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, rows, workers=8, batch_size=20)

    assert set(actions(outcomes)) == {"unchanged"}
    assert len(caplog.messages) == 1


def test_records_are_read_a_batch_at_a_time(store: Any, make: Any) -> None:
    endless = (make.built(number) for number in itertools.count())

    first = next(upsert_orders(store, endless, sleep=store_sleep(store)))

    assert first.external_id == "0"


def test_fulfillments_can_be_left_to_their_own_upsert(store: Any, make: Any) -> None:
    shipment = {
        "external_id": "501",
        "fulfillment_date": "2026-03-02T08:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
    }

    run(store, [make.built(1, fulfillments=[shipment])], with_fulfillments=False)

    assert store.has("order", "1")["fulfillments"] == []


def products(store: Any, rows: list[dict[str, Any]], **options: Any) -> list[Any]:
    return list(upsert_products(store, rows, sleep=store_sleep(store), **options))


def test_products_are_created_updated_and_left_alone(store: Any) -> None:
    rows = [{"external_id": str(number), "name": f"Cup {number}"} for number in range(150)]
    assert set(actions(products(store, rows))) == {"created"}
    store.calls.clear()

    rows[3]["name"] = "Mug"
    outcomes = products(store, rows)

    assert [outcome.external_id for outcome in outcomes if outcome.action == "updated"] == ["3"]
    assert store.sent[-1] == ("products.update", {"name": "Mug"})
    assert sum(store.calls.values()) == 3


def test_products_twice_skipped_refused_and_rehearsed(store: Any) -> None:
    rows = [{"external_id": "1", "name": "a"}, {"external_id": "1", "name": "b"}, {"external_id": "2"}, {"name": "x"}]

    rehearsed = products(store, rows, dry_run=True, skip={"2"})
    outcomes = products(store, rows, skip={"2"})

    assert actions(rehearsed) == ["would_create", "rejected"]
    assert actions(outcomes) == ["created", "rejected"]
    assert store.has("product", "1")["name"] == "b"


def test_a_product_that_exists_already_is_updated(store: Any) -> None:
    store.add_products("1")
    store.hidden["1"] = 1

    assert actions(products(store, [{"external_id": "1", "name": "Cup"}])) == ["updated"]


def test_a_refused_product_can_be_replayed(store: Any) -> None:
    store.answers["products.create"] = [ConflictError("?", status=409), RejectedError("no", status=400)]

    _, refused = products(store, [{"external_id": "1"}, {"external_id": "2", "name": "Cup"}])

    assert refused.reason == "no"
    assert actions(products(store, [refused.reject])) == ["created"]
