"""Orders are joined with the records that belong to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_provider_partners.sync.context import OrderContext
from airflow_provider_partners.sync.join import join_orders


def orders(*numbers: int) -> list[dict[str, Any]]:
    return [
        {"legacyResourceId": str(number), "name": f"#{number}", "customer": {"legacyResourceId": f"c{number}"}}
        for number in numbers
    ]


def contexts(*numbers: int, **sides: Any) -> list[OrderContext]:
    return [context for _, context in join_orders(orders(*numbers), **sides)]


def ids(records: tuple[dict[str, Any], ...]) -> list[str]:
    return [record["id"] for record in records]


def test_returns_join_by_order_id_in_each_of_its_forms() -> None:
    returns = [
        {"id": "a", "order_id": "1"},
        {"id": "b", "order_id": 2},
        {"id": "c", "order_id": "gid://shopify/Order/1"},
        {"id": "d", "order_id": "9"},
    ]

    one, two = contexts(1, 2, returns=returns)

    assert (ids(one.returns), ids(two.returns)) == (["a", "c"], ["b"])


def test_a_return_without_an_order_id_joins_by_the_orders_name() -> None:
    one, two = contexts(
        1, 2, returns=[{"id": "a", "order_name": "#2"}, {"id": "b", "order_id": "9", "order_name": "#1"}]
    )

    assert (ids(one.returns), ids(two.returns)) == ([], ["a"])


def test_claims_join_by_the_orders_they_name_and_by_customer() -> None:
    claims = [
        {"id": "a", "customer_id": "c1", "claim_items": [{"order_id": "1"}, {"order_id": "2"}]},
        {"id": "b", "customer_id": "c1", "claim_items": []},
        {"id": "c", "customer_id": "x", "claim_items": ["2"]},
    ]

    one, two = contexts(1, 2, claims=claims)

    assert [(record["id"], record["of_order"]) for record in one.claims] == [("a", True), ("b", False)]
    assert [(record["id"], record["of_order"]) for record in two.claims] == [("a", True), ("c", True)]


def test_customers_join_by_shopifys_customer_id() -> None:
    one, two = contexts(1, 2, customers=[{"id": "uuid", "customer_id": "c2"}])

    assert one.customer is None
    assert two.customer == {"id": "uuid", "customer_id": "c2"}


def test_of_a_record_that_comes_twice_the_last_counts() -> None:
    (context,) = contexts(1, returns=[{"id": "a", "order_id": "1", "state": s} for s in ("requested", "refunded")])

    assert [record["state"] for record in context.returns] == ["refunded"]


def test_redemptions_join_by_any_of_their_keys() -> None:
    records = [{"id": "r_1", "keys": ["order:1"]}, {"id": "r_2", "keys": ["order:9", "name:#2"]}]

    one, two = contexts(1, 2, redemptions=records)

    assert ids(one.redemptions) == ["r_1"]
    assert ids(two.redemptions) == ["r_2"]


def test_orders_keep_their_sequence_and_are_yielded_one_by_one() -> None:
    read: list[str] = []

    def source() -> Iterator[dict[str, Any]]:
        for order in orders(*range(1000)):
            read.append(order["name"])
            yield order

    joined = join_orders(source(), returns=[{"id": "a", "order_id": "0"}])
    first, context = next(joined)

    assert (first["name"], ids(context.returns)) == ("#0", ["a"])
    assert len(read) <= 100
    assert [order["name"] for order, _ in joined] == [f"#{number}" for number in range(1, 1000)]


def test_an_order_without_any_key_has_an_empty_context() -> None:
    ((_, context),) = join_orders([{}], returns=[{"id": "a"}, {"id": "b", "order_id": "1"}])

    assert context == OrderContext()


def test_the_temporary_files_are_removed(tmp_path: Path) -> None:
    joined = join_orders(orders(1, 2), spill_dir=tmp_path)
    next(joined)
    assert list(tmp_path.iterdir())

    joined.close()

    assert list(tmp_path.iterdir()) == []
