"""What a store may respond to a write, and the outcome of the order then."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import order_builders as make
import pytest
from fakes.yotpo_api import FakeYotpoApi, error_response, yotpo_client
from fakes.yotpo_store import FakeYotpoStore, unknown_products

from airflow_provider_partners.exceptions import NotFoundError, RejectedError
from airflow_provider_partners.sync.outcomes import OutcomeSummary, format_summary
from airflow_provider_partners.sync.upsert import upsert_orders


def run(store: FakeYotpoStore, records: Any, **options: Any) -> list[Any]:
    return list(upsert_orders(store, records, sleep=store.slept.append, **options))


def actions(outcomes: list[Any]) -> list[str]:
    return [outcome.action for outcome in outcomes]


def test_a_conflict_with_another_writer_ends_in_an_update(store: FakeYotpoStore) -> None:
    run(store, [make.built(1, payment_status="pending")])
    store.hidden["1"] = 1  # not listed yet when the batch is looked up

    outcomes = run(store, [make.built(1, payment_status="paid"), make.built(2)])

    assert actions(outcomes) == ["updated", "created"]
    assert store.get("order", "1")["payment_status"] == "paid"


def test_a_second_writer_does_not_make_the_filter_look_broken(store: FakeYotpoStore, caplog: Any) -> None:
    run(store, [make.built(1), make.built(2)])
    store.hidden.update({"1": 1, "2": 1})

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, [make.built(1), make.built(2), make.built(3)])

    assert actions(outcomes) == ["unchanged", "unchanged", "created"]
    assert caplog.messages == []


def test_a_record_that_exists_but_is_not_listed_yet_is_looked_for_again(store: FakeYotpoStore) -> None:
    run(store, [make.built(1)])
    store.hidden["1"] = 3

    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert outcome.action == "updated"
    assert store.slept == [0.5, 1.0]


def test_a_record_that_exists_and_is_never_found_is_rejected(store: FakeYotpoStore) -> None:
    run(store, [make.built(1)])
    store.hidden["1"] = 1000

    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "rejected"
    assert "409" in str(outcome.reason)
    assert len(store.records["order"]) == 1


def test_a_filter_that_takes_no_list_is_noticed_once_and_then_single_lookups_are_used(
    store: FakeYotpoStore, caplog: Any
) -> None:
    records = [make.built(number) for number in range(6)]
    run(store, records[:4])
    store.takes_lists = False
    store.calls.clear()

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, records, batch_size=2)

    assert actions(outcomes) == ["unchanged"] * 4 + ["created"] * 2
    assert len(caplog.messages) == 1
    assert "one by one" in caplog.messages[0]
    assert len(store.records["order"]) == 6
    # Two creates per order of the first batch that exists are refused; later batches create new orders only.
    assert store.calls["orders.create"] == 2 + 2


def test_a_filter_that_returns_other_records_is_not_used_again(store: FakeYotpoStore, caplog: Any) -> None:
    run(store, [make.built(number) for number in range(4)])
    store.returns_others = True

    with caplog.at_level(logging.WARNING):
        outcomes = run(store, [make.built(0), make.built(9)])

    assert actions(outcomes) == ["unchanged", "created"]
    assert len(caplog.messages) == 1


def test_a_yotpo_id_that_is_no_longer_valid_is_looked_up_again(store: FakeYotpoStore) -> None:
    run(store, [make.built(1)])
    store.errors["orders.update"] = [NotFoundError("Order was not found", status=404)]

    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert outcome.action == "updated"


def test_an_order_that_vanished_is_created_again(store: FakeYotpoStore) -> None:
    run(store, [make.built(1)])
    store.after_lookup = lambda resource: store.drop("order", "1") if resource == "orders" else None
    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert outcome.action == "created"
    assert store.get("order", "1")["payment_status"] == "paid"


def test_a_yotpo_id_that_stays_invalid_is_a_reject(store: FakeYotpoStore) -> None:
    run(store, [make.built(1)])
    store.errors["orders.update"] = [NotFoundError("Order was not found", status=404)] * 2

    (outcome,) = run(store, [make.built(1, payment_status="paid")])

    assert (outcome.action, outcome.reason) == ("rejected", "Order was not found")


@pytest.mark.parametrize("status", [400, 404])
def test_products_that_turn_out_unknown_are_created_and_the_order_sent_again(
    store: FakeYotpoStore, status: int
) -> None:
    store.add_products("p-1")
    store.after_lookup = lambda resource: store.drop("product", "p-1") if resource == "products" else None
    store.errors["orders.create"] = [unknown_products(["p-1"], status)]
    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "created"
    assert store.get("product", "p-1")["name"] == "P-1"
    assert "created again" in outcome.notes[0]


def test_products_that_stay_unknown_are_a_reject_after_one_more_try(store: FakeYotpoStore) -> None:
    store.add_products("p-1")
    store.errors["orders.create"] = [unknown_products(["p-1"])] * 3

    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "rejected"
    assert store.calls["orders.create"] == 2
    assert store.slept == [1.0]


def test_a_product_that_is_refused_is_created_with_its_id_and_name_alone(store: FakeYotpoStore) -> None:
    # Yotpo's Magento module (YotpoLtd/magento2-module-core) retries with the external id alone. That would show a
    # product without a name in review requests, and Yotpo documents no call that deletes a product.
    store.errors["products.create"] = [RejectedError("url is not valid", status=400)]

    (outcome,) = run(store, [make.built(1)])

    assert outcome.action == "created"
    assert store.sent[1] == ("products.create", {"external_id": "p-1", "name": "P-1"})


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    "products",
    [[], [{"external_id": "p-1", "url": "https://shop.example/p-1"}], [{"external_id": "p-1", "name": " \t"}]],
)
def test_an_unknown_product_without_a_name_is_never_created(
    store: FakeYotpoStore, products: list[dict[str, Any]], dry_run: bool
) -> None:
    (outcome,) = run(store, [{**make.built(1), "products": products}], dry_run=dry_run)

    reason = "the store doesn't have the product p-1, and the record brings no name for it"
    assert (outcome.action, outcome.reason) == ("rejected", reason)
    assert store.sent == []


def test_a_name_that_one_record_of_the_batch_brings_serves_the_others(store: FakeYotpoStore) -> None:
    assert actions(run(store, [make.built(1), {**make.built(2), "products": []}])) == ["created", "created"]


@pytest.mark.parametrize("last", [0, 1])
def test_a_nameless_payload_does_not_displace_one_with_a_name(store: FakeYotpoStore, last: int) -> None:
    nameless = {**make.built(1), "products": [{"external_id": "p-1", "url": "https://shop.example/p-1"}]}
    orders = [make.built(2), make.built(3)]
    orders.insert(last * 2, nameless)

    assert actions(run(store, orders)) == ["created"] * 3
    assert store.get("product", "p-1")["name"] == "P-1"


def test_a_product_that_yotpo_calls_unknown_is_not_created_again_without_a_name(store: FakeYotpoStore) -> None:
    store.errors["orders.create"] = [unknown_products(["p-1"])] * 2
    store.add_products("p-1")
    nameless = {**make.built(1), "products": []}
    (known_later,) = run(store, [nameless])
    store.after_lookup = lambda resource: store.drop("product", "p-1") if resource == "products" else None

    (dropped,) = run(store, [{**make.built(2), "products": []}])

    assert known_later.action == "rejected"
    assert dropped.action == "rejected"
    assert not [name for name, _ in store.sent if name == "products.create"]


def test_an_order_whose_product_is_refused_is_rejected_without_being_sent(store: FakeYotpoStore) -> None:
    store.errors["products.create"] = [RejectedError("no", status=400)] * 2

    outcomes = run(store, [make.built(1, "p-1"), make.built(2, "p-2")])

    assert actions(outcomes) == ["rejected", "created"]
    assert outcomes[0].reason == "its product p-1 was refused: no"
    assert store.calls["orders.create"] == 1


def test_a_product_that_another_writer_creates_is_used(store: FakeYotpoStore) -> None:
    store.add_products("p-1")
    store.hidden["p-1"] = 1

    assert actions(run(store, [make.built(1)])) == ["created"]


def test_a_refused_order_becomes_a_reject_that_can_be_replayed(store: FakeYotpoStore) -> None:
    store.errors["orders.create"] = [RejectedError("currency is not supported", status=400, request_id="r-1")]

    refused, created = run(store, [make.built(1), make.built(2)])
    (replayed,) = run(store, [refused.reject])

    assert (refused.action, refused.reason) == ("rejected", "currency is not supported")
    assert refused.reject["rejected"]["request_id"] == "r-1"
    assert created.action == replayed.action == "created"


def test_a_payload_against_the_rules_is_rejected_without_a_call(store: FakeYotpoStore) -> None:
    wrong = make.built(1, payment_status="bartered")
    alien = {"external_id": "2", "order": {"id": "2"}}
    mixed_up = {**make.built(3), "external_id": "4"}

    outcomes = run(store, [wrong, alien, mixed_up])

    assert actions(outcomes) == ["rejected"] * 3
    assert "payment_status" in outcomes[0].reason
    assert "id: unknown field" in outcomes[1].reason
    assert sum(store.calls.values()) == 0


@pytest.mark.parametrize("status", [400, 422])
def test_a_rejects_reason_repeats_no_customers_data_of_the_response(status: int) -> None:
    """Reasons go into XCom, logs and datasets. A server may quote the request (RFC 9457, section 5)."""

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={request.url.path.rpartition("/")[2]: [], "pagination": {}})
        if request.url.path.endswith("/products"):
            return httpx.Response(201, json={"product": {"yotpo_id": 5}})
        return error_response(
            status, "order 1: Erika Mustermann in Musterstadt, Heidestraße 17, has no valid zip 51147"
        )

    customer = {"external_id": "9", "first_name": "Erika", "last_name": "Mustermann", "email": "e@example.com"}
    address = {"address1": "Heidestraße 17", "city": "Musterstadt", "zip": "51147", "country_code": "DE"}
    order = make.built(1, customer=customer, shipping_address=address)
    outcomes = list(upsert_orders(yotpo_client(FakeYotpoApi(respond)), [order]))
    summary = OutcomeSummary.of(outcomes)

    assert actions(outcomes) == ["rejected"]
    assert "has no valid zip" in str(outcomes[0].reason)
    shown = f"{outcomes[0].to_dict()} {outcomes[0].reject['rejected']} {summary.to_dict()} {format_summary(summary)}"
    assert not any(text in shown for text in ("Erika", "Mustermann", "Musterstadt", "Heide", "51147"))
