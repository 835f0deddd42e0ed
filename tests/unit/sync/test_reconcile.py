"""Built orders are compared with Yotpo's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_partners.sync.reconcile import REPAIRABLE, OrderDifference, reconcile_orders

Record = dict[str, Any]


def built(number: int, changed_at: str | None = "2026-05-02T10:00:00Z", **fields: Any) -> Record:
    order = {"external_id": str(number), "order_name": f"#{number}", "total_price": 10.0, **fields}
    return {"external_id": str(number), "order": order, "products": [], "suppressed": [], "changed_at": changed_at}


def yotpo_order(number: int, updated_at: str = "2026-05-02T10:00:05", **fields: Any) -> Record:
    return {
        "yotpo_id": number + 5_000_000_000,
        "external_id": str(number),
        "order_name": f"#{number}",
        "total_price": 10.0,
        "updated_at": updated_at,
        **fields,
    }


def compare(built_orders: list[Record], yotpo_orders: list[Record], **options: Any) -> list[tuple[str, str, list[str]]]:
    return [
        (difference.external_id, difference.state, difference.fields)
        for difference in reconcile_orders(built_orders, yotpo_orders, **options)
    ]


def test_each_order_of_either_side_is_reported_once() -> None:
    built_orders, yotpo_orders = (
        [built(1), built(2), built(3, total_price=11.0)],
        [yotpo_order(1), yotpo_order(3), yotpo_order(4)],
    )

    assert compare(built_orders, yotpo_orders) == [
        ("1", "same", []),
        ("2", "missing", []),
        ("3", "different", ["total_price"]),
        ("4", "extra", []),
    ]


def test_an_order_that_changed_in_shopify_after_yotpos_is_stale() -> None:
    yotpo_orders = [yotpo_order(1, order_name="#old", updated_at="2026-05-02T09:59:59")]

    assert compare([built(1)], yotpo_orders) == [("1", "stale", ["order_name"])]
    assert compare([built(1, changed_at=None)], yotpo_orders) == [("1", "stale", ["order_name"])]


def test_an_order_that_another_writer_changed_later_is_different() -> None:
    yotpo_orders = [yotpo_order(1, order_name="#theirs", updated_at="2026-05-03T00:00:00")]

    assert compare([built(1)], yotpo_orders) == [("1", "different", ["order_name"])]


def test_an_older_order_with_the_same_values_is_the_same() -> None:
    assert compare([built(1)], [yotpo_order(1, updated_at="2020-01-01T00:00:00")]) == [("1", "same", [])]


def test_repairable_differences_carry_the_built_order() -> None:
    built_orders = [built(1), built(2), built(3)]
    differences = list(reconcile_orders(built_orders, [yotpo_order(2, order_name="x"), yotpo_order(3), yotpo_order(4)]))

    repaired = [difference.built for difference in differences if difference.state in REPAIRABLE]
    assert repaired == built_orders[:2]
    assert [difference.built for difference in differences if difference.state not in REPAIRABLE] == [None, None]


def test_extra_orders_have_a_reason() -> None:
    yotpo_orders = [
        yotpo_order(7),
        yotpo_order(8),
        yotpo_order(9),
        yotpo_order(9),
        {"external_id": None, "yotpo_id": 5},
    ]
    differences = list(reconcile_orders([built(9)], yotpo_orders, excluded={"7": "not built: it is a test order"}))

    assert {
        (difference.external_id, difference.reason) for difference in differences if difference.state == "extra"
    } == {
        ("7", "not built: it is a test order"),
        ("8", "Shopify has no such order here"),
        ("9", "Yotpo has it twice"),
        ("without external id: 5", "Shopify has no such order here"),
    }


def test_a_stored_difference_has_no_customers_data() -> None:
    (difference,) = reconcile_orders([built(1, customer={"email": "a@example.com"})], [])

    assert difference.to_dict() == {"external_id": "1", "state": "missing", "fields": [], "reason": ""}
    assert "example" not in repr(OrderDifference("1", "missing", built=built(1, customer={"email": "a@example.com"})))


def test_the_temporary_files_are_removed(tmp_path: Path) -> None:
    comparison = reconcile_orders([built(1)], [yotpo_order(1)], spill_dir=tmp_path)
    next(comparison)
    assert list(tmp_path.iterdir())

    list(comparison)

    assert list(tmp_path.iterdir()) == []
