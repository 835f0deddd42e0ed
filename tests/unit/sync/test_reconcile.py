"""Orders as they should be against orders as Yotpo has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_partners.sync.reconcile import REPAIRABLE, OrderDifference, reconcile_orders

Record = dict[str, Any]


def built(number: int, changed_at: str | None = "2026-05-02T10:00:00Z", **fields: Any) -> Record:
    order = {"external_id": str(number), "order_name": f"#{number}", "total_price": 10.0, **fields}
    return {"external_id": str(number), "order": order, "products": [], "suppressed": [], "changed_at": changed_at}


def held(number: int, updated_at: str = "2026-05-02T10:00:05", **fields: Any) -> Record:
    return {
        "yotpo_id": number + 5_000_000_000,
        "external_id": str(number),
        "order_name": f"#{number}",
        "total_price": 10.0,
        "updated_at": updated_at,
        **fields,
    }


def found(wanted: list[Record], there: list[Record], **options: Any) -> list[tuple[str, str, list[str]]]:
    return [(each.external_id, each.state, each.fields) for each in reconcile_orders(wanted, there, **options)]


def test_each_order_of_either_side_is_found_once() -> None:
    wanted, there = [built(1), built(2), built(3, total_price=11.0)], [held(1), held(3), held(4)]

    assert found(wanted, there) == [
        ("1", "same", []),
        ("2", "missing", []),
        ("3", "different", ["total_price"]),
        ("4", "extra", []),
    ]


def test_what_changed_in_shopify_after_yotpos_copy_is_stale() -> None:
    there = [held(1, order_name="#old", updated_at="2026-05-02T09:59:59")]

    assert found([built(1)], there) == [("1", "stale", ["order_name"])]
    assert found([built(1, changed_at=None)], there) == [("1", "stale", ["order_name"])]


def test_what_somebody_else_wrote_later_is_different() -> None:
    there = [held(1, order_name="#theirs", updated_at="2026-05-03T00:00:00")]

    assert found([built(1)], there) == [("1", "different", ["order_name"])]


def test_an_old_copy_that_says_the_same_is_the_same() -> None:
    assert found([built(1)], [held(1, updated_at="2020-01-01T00:00:00")]) == [("1", "same", [])]


def test_what_is_to_be_repaired_comes_with_the_order_as_it_should_be() -> None:
    wanted = [built(1), built(2), built(3)]
    findings = list(reconcile_orders(wanted, [held(2, order_name="x"), held(3), held(4)]))

    repaired = [each.built for each in findings if each.state in REPAIRABLE]
    assert repaired == wanted[:2]
    assert [each.built for each in findings if each.state not in REPAIRABLE] == [None, None]


def test_extra_orders_say_why_they_are() -> None:
    there = [held(7), held(8), held(9), held(9), {"external_id": None, "yotpo_id": 5}]
    findings = list(reconcile_orders([built(9)], there, excluded={"7": "not built: it is a test order"}))

    assert {(each.external_id, each.reason) for each in findings if each.state == "extra"} == {
        ("7", "not built: it is a test order"),
        ("8", "Shopify has no such order here"),
        ("9", "Yotpo has it twice"),
        ("without external id: 5", "Shopify has no such order here"),
    }


def test_a_finding_holds_no_customers_data_when_it_is_kept() -> None:
    (finding,) = reconcile_orders([built(1, customer={"email": "a@example.com"})], [])

    assert finding.to_dict() == {"external_id": "1", "state": "missing", "fields": [], "reason": ""}
    assert "example" not in repr(OrderDifference("1", "missing", built=built(1, customer={"email": "a@example.com"})))


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    walk = reconcile_orders([built(1)], [held(1)], spill_dir=tmp_path)
    next(walk)
    assert list(tmp_path.iterdir())

    list(walk)

    assert list(tmp_path.iterdir()) == []
