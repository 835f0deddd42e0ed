"""One malformed record is a reject, and never the end of a build.

Shopify's schema and Yofi's documents say which types fields have. Here each field has another one in turn, as after a
partner's change that nobody announced.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners import sync
from airflow_provider_partners.sync.values import to_count, to_decimal

OTHER_VALUES: tuple[Any, ...] = (
    None, 0, True, "x", [], {}, [None], {"nodes": 5}, {"edges": [None]}, "1E+9999999", float("inf"), 10**400, "\ud83d",
)  # fmt: skip

GOOD = make.order(1)
NUMBER = GOOD["legacyResourceId"]
LISTS: dict[str, Any] = {
    "orders": make.order(2),
    "returns": {
        "id": "r",
        "order_id": NUMBER,
        "customer_id": "7",
        "state": "refunded",
        "customer": {"customer_id": "7", "predictions": [{"type": "abuse", "label": "HIGH"}]},
    },
    "claims": {"id": "c", "customer_id": "7", "claim_items": [{"order_id": NUMBER}], "state": "open"},
    "customers": {"customer_id": "7", "predictions": [{"type": "abuse", "label": "HIGH"}]},
    "redemptions": {
        "id": "r",
        "date": "2026-01-01T00:00:00Z",
        "result": "SUCCESS",
        "order": {"source_id": NUMBER, "metadata": {}},
        "voucher": {"code": "A", "discount": {"type": "PERCENT", "percent_off": 10}},
    },
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        yield from places(entry, (*place, name))


def with_value(record: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(record)
    parent = changed
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return changed


def malformed(name: str) -> list[Any]:
    return [with_value(LISTS[name], place, value) for place in places(LISTS[name]) for value in OTHER_VALUES]


def test_an_order_with_a_field_of_any_other_type_ends_no_build() -> None:
    orders = [*malformed("orders"), GOOD]

    built = list(sync.build_orders(orders, shop="a.myshopify.com"))

    assert len(built) == len(orders)
    assert isinstance(built[-1], sync.BuiltOrder)


@pytest.mark.parametrize("name", sorted(LISTS.keys() - {"orders"}))
def test_a_related_record_with_a_field_of_any_other_type_ends_no_build(name: str) -> None:
    for record in malformed(name):
        (built,) = sync.build_orders([GOOD], **{name: [record]}, shop="a.myshopify.com")
        assert built.external_id == NUMBER


def test_a_record_that_is_no_object_is_a_reject() -> None:
    rejected, good = sync.build_orders([None, GOOD], [None], ["x"], shop="a.myshopify.com")  # type: ignore[list-item]

    assert isinstance(rejected, sync.UnmappableOrder)
    assert (rejected.reason, rejected.is_excluded) == ("the record is not an object", False)
    assert isinstance(good, sync.BuiltOrder)


def test_an_error_that_nobody_foresaw_rejects_its_order_and_quotes_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("Erika Mustermann")

    monkeypatch.setattr("airflow_provider_partners.sync.build.map_order", fail)
    (rejected,) = sync.build_orders([GOOD], shop="a.myshopify.com")

    assert isinstance(rejected, sync.UnmappableOrder)
    assert rejected.external_id == NUMBER
    assert "unknown shape (ValueError in test_build_malformed_records.py, line" in rejected.reason
    assert "Erika" not in rejected.reason


@pytest.mark.parametrize("value", ["1E+9999999", "1E-9999999", "9" * 40, float("inf"), "NaN"])
def test_a_number_that_takes_minutes_to_calculate_with_is_none(value: Any) -> None:
    """JSON has no limit for numbers (RFC 8259, section 6): each receiver sets its own."""
    assert (to_decimal(value), to_count(value)) == (None, 0)
