"""Plain Yotpo records: whole ones, and parts of orders that Yotpo has.

The shapes are those of https://core-api.yotpo.com/reference/create-order and
https://core-api.yotpo.com/reference/send-aggregated-order-info.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest
from fakes.yotpo_store import FakeYotpoStore
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders, upsert_products

ORDER: dict[str, Any] = {
    "external_id": "1001",
    "order_date": "2024-05-01T10:20:30Z",
    "currency": "EUR",
    "customer": {"external_id": "7", "first_name": "Zoë", "last_name": "Li", "email": "zoe@example.com"},
    "line_items": [
        {"external_product_id": "p-1", "quantity": 2, "total_price": 20.0, "product": {"name": "Mug"}},
        {"external_product_id": "p-2", "quantity": 1, "product": {"name": "Cup", "url": "https://a.example/cup"}},
    ],
    "fulfillments": [
        {
            "external_id": "f-1",
            "fulfillment_date": "2024-05-02T10:20:30Z",
            "status": "open",
            "fulfilled_items": [{"external_product_id": "p-1", "quantity": 2}],
        }
    ],
    "custom_properties": {"gift": "yes"},
}


def run(store: FakeYotpoStore, *records: Any, **options: Any) -> list[Any]:
    return list(upsert_orders(store, records, sleep=store.slept.append, **options))


@pytest.fixture(params=["merge", "replace"])
def store(request: pytest.FixtureRequest) -> FakeYotpoStore:
    """A store with the order. Yotpo doesn't document whether it merges or replaces nested objects."""
    store = FakeYotpoStore()
    store.nested = request.param
    (outcome,) = run(store, ORDER)
    assert outcome.action == "created"
    store.sent.clear()
    return store


def present(store: FakeYotpoStore) -> dict[str, Any]:
    """Return the order without what Yotpo adds."""
    record = copy.deepcopy(store.get("order", "1001"))
    return {name: record.get(name) for name in ORDER}


@pytest.mark.parametrize("record", [ORDER, {"order": ORDER}], ids=["record", "body of the call"])
def test_an_order_is_created_as_the_api_documents_it(record: Any) -> None:
    store = FakeYotpoStore()

    (outcome,) = run(store, record)

    assert (outcome.action, outcome.external_id) == ("created", "1001")
    assert store.get("product", "p-2")["url"] == "https://a.example/cup"
    (sent,) = [payload for name, payload in store.sent if name == "orders.create"]
    assert all("product" not in line for line in sent["line_items"])


def test_the_same_order_again_is_unchanged(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, ORDER)

    assert outcome.action == "unchanged"


@pytest.mark.covers("yotpo.order.yotpo_id", "yotpo.order.created_at", "yotpo.order.updated_at")
def test_what_was_read_can_be_written(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, store.get("order", "1001"))

    assert outcome.action == "unchanged"


@pytest.mark.parametrize(
    "change",
    [
        {"custom_properties": {"suppress_review_request": True}},
        {"cancellation": {"cancellation_date": "2024-05-03T00:00:00Z"}},
        {"customer": {"email": "li@example.com"}},
        {"line_items": [{"external_product_id": "p-1", "custom_properties": {"color": "red"}}]},
        {"fulfillments": [{"external_id": "f-1", "status": "success"}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_part_changes_what_it_names_and_nothing_else(store: FakeYotpoStore, change: dict[str, Any]) -> None:
    before = present(store)

    (outcome,) = run(store, {"external_id": "1001", **change})

    (name,) = change
    assert (outcome.action, outcome.changed) == ("updated", [name])
    after = present(store)
    assert {key: value for key, value in after.items() if key != name} == {
        key: value for key, value in before.items() if key != name
    }
    assert contains(after.get(name) or store.get("order", "1001")[name], change[name])
    assert contains(after.get(name, {}), without(before.get(name, {}), change[name]))
    assert run(store, {"external_id": "1001", **change})[0].action == "unchanged"


def contains(whole: Any, part: Any) -> bool:
    """Return True if the whole has all that the part has; lists by place."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(contains(whole.get(key), value) for key, value in part.items())
    if isinstance(part, list):
        return len(whole) >= len(part) and all(map(contains, whole, part))
    return str(whole).rstrip("Z") == str(part).rstrip("Z")


def without(whole: Any, changed: Any) -> Any:
    """Return what a change doesn't name."""
    if isinstance(whole, dict) and isinstance(changed, dict):
        return {
            key: without(value, changed.get(key))
            for key, value in whole.items()
            if key not in changed or isinstance(value, dict | list)
        }
    if isinstance(whole, list) and isinstance(changed, list):
        return [without(each, change) for each, change in zip(whole, [*changed, *[None] * len(whole)], strict=False)]
    return whole


@pytest.mark.covers("yotpo.order.order_date.required", "yotpo.line_item.quantity.required")
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_part_of_an_order_that_yotpo_lacks_is_rejected_with_what_is_missing(dry_run: bool) -> None:
    store = FakeYotpoStore()

    (outcome,) = run(
        store,
        {"external_id": "1", "line_items": [{"external_product_id": "p", "product": {"name": "P"}}]},
        dry_run=dry_run,
    )

    assert outcome.action == "rejected"
    assert "order_date: required" in outcome.reason
    assert "line_items[0].quantity: required" in outcome.reason
    assert store.sent == []


def test_a_new_line_of_an_order_needs_its_quantity(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, {"external_id": "1001", "line_items": [{"external_product_id": "p-9"}]})

    assert outcome.action == "rejected"
    assert outcome.reason.endswith("line_items[2].quantity: required")
    assert store.sent == []


@pytest.mark.covers("yotpo.fulfillment.fulfilled_items.of_the_order")
def test_a_fulfillment_may_name_a_product_of_a_line_that_yotpo_has(store: FakeYotpoStore) -> None:
    shipment = {**ORDER["fulfillments"][0], "external_id": "f-2"}
    stranger = {**shipment, "fulfilled_items": [{"external_product_id": "p-9", "quantity": 1}]}

    assert run(store, {"external_id": "1001", "fulfillments": [shipment]})[0].action == "updated"
    (outcome,) = run(store, {"external_id": "1001", "fulfillments": [stranger]})
    assert "fulfillments name products that are not in line_items: p-9" in outcome.reason


def test_parts_of_one_order_are_all_written(store: FakeYotpoStore) -> None:
    suppression = {"external_id": 1001, "custom_properties": {"suppress_review_request": True}}
    cancellation = {"external_id": "1001", "cancellation": {"cancellation_date": "2024-05-03"}}

    (outcome,) = run(store, suppression, cancellation)

    assert sorted(outcome.changed) == ["cancellation", "custom_properties"]


@pytest.mark.covers("yotpo.line_item.external_product_id.different")
def test_lines_of_one_product_add_up_with_a_note() -> None:
    """Yotpo refuses two lines of one product (https://core-api.yotpo.com/reference/create-order)."""
    store = FakeYotpoStore()
    lines = [
        {"external_product_id": "p", "quantity": "1", "total_price": "0.1", "custom_properties": {"color": "red"}},
        {"external_product_id": "p", "quantity": 2, "total_price": 0.2, "custom_properties": {"color": "blue"}},
    ]
    store.add_products("p")

    (outcome,) = run(store, {**ORDER, "line_items": lines, "fulfillments": []})

    (line,) = store.get("order", "1001")["line_items"]
    assert (line["quantity"], line["total_price"], line["custom_properties"]) == (3, 0.3, {"color": "red"})
    note = "line_items that are added up differ in custom_properties.color, and the first is sent: p"
    assert note in outcome.notes


def test_a_part_says_nothing_of_the_lines_that_it_does_not_name(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, {"external_id": "1001", "line_items": [{"external_product_id": "p-2", "quantity": 3}]})

    assert (outcome.action, outcome.notes) == ("updated", [note for note in outcome.notes if "Yotpo keeps" not in note])


def test_no_product_counts_as_created_that_was_refused() -> None:
    lines = [{"external_product_id": "new", "quantity": 1}, {**ORDER["line_items"][0], "external_product_id": "named"}]
    (outcome,) = run(FakeYotpoStore(), {**ORDER, "fulfillments": [], "line_items": lines})

    assert outcome.action == "rejected"
    assert "products created first: named" in outcome.notes


def test_a_plan_counts_the_products_that_the_write_then_creates() -> None:
    records = [{**ORDER, "external_id": str(number)} for number in range(6)]
    planned = run(FakeYotpoStore(), *records, dry_run=True, batch_size=2)
    written = run(FakeYotpoStore(), *records, batch_size=2)

    first = [sum("created first" in note.replace("to create", "created") for note in each.notes) for each in planned]
    assert first == [sum("created first" in note for note in each.notes) for each in written]
    assert sum(first) == 2


@pytest.mark.parametrize("external_id", [" 1001", "1001\t", 1001, 1001.0])
def test_an_id_means_the_same_order_with_blanks_around_it(store: FakeYotpoStore, external_id: Any) -> None:
    """Shopify's ids, such as 1001, have no blanks: see ``legacyResourceId``, a number, in its schema."""
    (outcome,) = run(store, {"external_id": external_id, "order_name": "#1"})

    assert (outcome.action, outcome.external_id) == ("updated", "1001")
    assert store.get("order", "1001")["order_name"] == "#1"


def test_an_id_of_blanks_is_none(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, {**ORDER, "external_id": "   "})

    assert outcome.action == "rejected"
    assert outcome.reason is not None
    assert "external_id" in outcome.reason
    assert store.sent == []


def test_a_small_change_of_a_number_of_ones_own_is_written(store: FakeYotpoStore) -> None:
    """Yotpo documents numbers among the types of custom properties, and no precision of them:
    https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments
    """
    for score in (0.001, 0.004):
        (outcome,) = run(store, {"external_id": "1001", "custom_properties": {"score": score}})
        assert outcome.action == "updated"
        assert store.get("order", "1001")["custom_properties"]["score"] == score


def test_a_retry_writes_the_part_whose_built_order_is_finished(store: FakeYotpoStore) -> None:
    built = {"external_id": "1001", "order": ORDER, "products": [], "version": {}}
    part = {"external_id": "1001", "custom_properties": {"gift": "no"}}

    assert [each.action for each in run(store, built, part, skip=Counter({"1001": 1}))] == ["updated"]
    assert store.get("order", "1001")["custom_properties"]["gift"] == "no"
    assert run(store, built, part, skip=Counter({"1001": 2})) == []


def test_a_retry_counts_rejects_without_an_id_once(store: FakeYotpoStore) -> None:
    records = [{"order_name": "#1"}, {"order_name": "#2"}, 5]

    assert len(run(store, *records, skip=Counter({"": 2}))) == 1


def test_the_reject_of_what_is_no_record_holds_it(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, "1001;2024-05-01")

    assert outcome.action == "rejected"
    assert outcome.reject is not None
    assert outcome.reject["value"] == "1001;2024-05-01"


def test_the_reject_of_a_plain_order_can_be_written_again(store: FakeYotpoStore) -> None:
    (outcome,) = run(store, {**ORDER, "payment_status": "bartered"})

    assert outcome.reject["rejected"]["reason"].startswith("The order breaks Yotpo's rules: payment_status: ")
    corrected = {**outcome.reject, "payment_status": "PAID"}
    assert run(store, corrected)[0].changed == ["payment_status"]


def test_a_fulfillment_names_its_order(store: FakeYotpoStore) -> None:
    records = [
        {"order_external_id": 1001, "external_id": "f-1", "status": "success"},
        {"external_id": "1001", "fulfillments": [{**ORDER["fulfillments"][0], "external_id": "f-2"}]},
        {"external_id": "f-3", "status": "success"},
        {"order_external_id": "1001", "external_id": "f-4", "status": "success"},
    ]

    outcomes = list(upsert_fulfillments(store, records))

    by_id = {outcome.external_id: outcome for outcome in outcomes}
    assert {id_: outcome.action for id_, outcome in by_id.items()} == {
        "f-1": "updated",
        "f-2": "created",
        "f-4": "rejected",
        "": "rejected",
    }
    assert by_id["f-1"].key == "1001/f-1"
    assert by_id[""].reason == "order_external_id: required"
    assert "fulfillment_date: required" in by_id["f-4"].reason


def test_a_products_custom_properties_are_written(store: FakeYotpoStore) -> None:
    """The documented ones: https://core-api.yotpo.com/reference/products."""
    records = [
        {"external_id": "p-1", "custom_properties": {"is_blocklisted": "true", "review_form_tag": "mugs"}},
        {"product": {"external_id": "p-2", "price": "10.50"}},
        {"external_id": "p-3", "custom_properties": {"is_blocklisted": True}},
    ]

    first, second, third = upsert_products(store, records)

    assert (first.changed, second.changed) == (["custom_properties"], ["price"])
    assert store.get("product", "p-1")["custom_properties"] == {"is_blocklisted": True, "review_form_tag": "mugs"}
    assert third.action == "rejected"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
_RECORDS = st.fixed_dictionaries(
    {},
    optional={
        name: _JSON | st.just(value)
        for name, value in {
            **ORDER,
            "order": ORDER,
            "order_external_id": "1001",
            "products": [],
            "version": {},
            "rejected": {},
        }.items()
    },
)


@settings(max_examples=80, deadline=None)
@given(records=st.lists(_RECORDS | _JSON, min_size=1, max_size=4))
@pytest.mark.parametrize("write", [upsert_orders, upsert_fulfillments, upsert_products])
def test_any_record_is_written_or_rejected_and_never_ends_the_run(write: Any, records: list[Any]) -> None:
    store = FakeYotpoStore()
    store.add_products("p-1", "p-2")

    for outcome in write(store, records):
        assert outcome.action != "rejected" or outcome.reason
