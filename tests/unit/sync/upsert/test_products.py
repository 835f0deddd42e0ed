"""Products are created or updated."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.api.http import memory
from airflow_provider_partners.exceptions import ConflictError, RejectedError
from airflow_provider_partners.sync.upsert import upsert_orders, upsert_products


def actions(outcomes: list[Any]) -> list[str]:
    return [outcome.action for outcome in outcomes]


def products(store: FakeYotpoStore, records: list[dict[str, Any]], **options: Any) -> list[Any]:
    return list(upsert_products(store, records, sleep=store.slept.append, **options))


def test_products_are_created_updated_or_unchanged(store: FakeYotpoStore) -> None:
    records = [{"external_id": str(number), "name": f"Cup {number}"} for number in range(150)]
    assert set(actions(products(store, records))) == {"created"}
    store.calls.clear()

    records[3]["name"] = "Mug"
    outcomes = products(store, records)

    assert [outcome.external_id for outcome in outcomes if outcome.action == "updated"] == ["3"]
    assert store.sent[-1] == ("products.update", {"name": "Mug"})
    assert sum(store.calls.values()) == 3


def test_duplicates_skipped_invalid_and_planned_products(store: FakeYotpoStore) -> None:
    records = [
        {"external_id": "1", "name": "a"},
        {"external_id": "1", "name": "b"},
        {"external_id": "2"},
        {"name": "x"},
    ]

    planned = products(store, records, dry_run=True, skip={"2"})
    outcomes = products(store, records, skip={"2"})

    assert actions(planned) == ["would_create", "rejected"]
    assert actions(outcomes) == ["created", "rejected"]
    assert store.get("product", "1")["name"] == "b"


def test_a_product_that_exists_already_is_updated(store: FakeYotpoStore) -> None:
    store.add_products("1")
    store.hidden["1"] = 1

    assert actions(products(store, [{"external_id": "1", "name": "Cup"}])) == ["updated"]


def test_a_refused_product_can_be_replayed(store: FakeYotpoStore) -> None:
    store.errors["products.create"] = [ConflictError("?", status=409), RejectedError("no", status=400)]

    _, refused = products(store, [{"external_id": "1", "name": "Mug"}, {"external_id": "2", "name": "Cup"}])

    assert refused.reason == "no"
    assert actions(products(store, [refused.reject])) == ["created"]


def test_a_product_without_a_name_is_updated_but_never_created(store: FakeYotpoStore) -> None:
    store.add_products("1")
    records = [{"external_id": "1", "brand": "Maker"}, {"external_id": "2", "brand": "Maker"}]

    planned = products(store, records, dry_run=True)
    outcomes = products(store, records)

    assert actions(planned) == ["would_update", "rejected"]
    assert actions(outcomes) == ["updated", "rejected"]
    assert "no name" in outcomes[1].reason
    assert [name for name, _ in store.sent] == ["products.update"]


@pytest.mark.parametrize("malformed", [None, 5, {"external_id": "2", "name": "B", "version": "x"}])
def test_a_malformed_product_is_rejected_and_the_others_are_written(store: FakeYotpoStore, malformed: Any) -> None:
    outcomes = list(upsert_products(store, [malformed, {"external_id": "1", "name": "A"}]))

    assert [outcome.action for outcome in outcomes] == ["rejected", "created"]
    assert "must be an object" in outcomes[0].reason


def test_the_orders_after_them_look_up_no_product_that_they_have_found_or_created(store: FakeYotpoStore) -> None:
    """A batch of a hundred orders then costs 101 calls: the orders, and their look-up."""
    orders = [make.built(number, f"p-{number % 7}") for number in range(100)]
    assert set(actions(products(store, orders))) == {"created"}
    store.calls.clear()
    assert set(actions(list(upsert_orders(store, orders)))) == {"created"}
    assert store.calls == {"orders.list": 1, "orders.create": 100}


def test_a_product_that_is_gone_meanwhile_is_created_again(store: FakeYotpoStore) -> None:
    order = make.built(1, "p-1", "p-2")
    products(store, [order])
    store.drop("product", "p-2")
    (outcome,) = upsert_orders(store, [order], sleep=store.slept.append)
    assert outcome.action == "created"
    assert store.get("product", "p-2")["name"] == "P-2"


def test_refused_and_planned_products_are_not_taken_for_existing_ones(store: FakeYotpoStore) -> None:
    store.errors["products.create"] = [RejectedError("not today", status=400, partner="Yotpo")]
    refused, planned = make.built(1, "p-1"), make.built(2, "p-2")
    assert actions(products(store, [refused])) == ["rejected"]
    assert actions(products(store, [planned], dry_run=True)) == ["would_create"]
    assert "p-1" not in store.known_products
    assert "p-2" not in store.known_products


def test_so_many_products_are_remembered_that_memory_stays_flat(
    store: FakeYotpoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST_KNOWN_IDS", 3)
    orders = [make.built(number, f"p-{number}") for number in range(5)]
    products(store, orders)
    assert [f"p-{number}" in store.known_products for number in range(5)] == [True] * 3 + [False] * 2
    store.calls.clear()
    assert set(actions(list(upsert_orders(store, orders)))) == {"created"}
    assert store.calls["products.list"] == 1
