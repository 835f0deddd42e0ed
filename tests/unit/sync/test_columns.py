"""Flat rows become Yotpo orders. The properties: https://core-api.yotpo.com/reference/create-order."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.columns import ColumnMapping
from airflow_provider_partners.sync.grouping import group_records
from airflow_provider_partners.sync.payload.models import Order, StoreCustomer
from airflow_provider_partners.sync.plain_records import parse_order

COLUMNS: dict[str, Any] = {
    "external_id": "order_no",
    "order_date": "placed_at",
    "currency": {"value": "EUR"},
    "customer.email": "mail",
    "custom_properties.delivery.type": "carrier",
    "line_items.external_product_id": "sku",
    "line_items.quantity": "qty",
    "line_items.product.name": "title",
    "fulfillments.external_id": "parcel",
    "fulfillments.fulfillment_date": "sent_at",
    "fulfillments.status": {"value": "success"},
    "fulfillments.fulfilled_items.external_product_id": "sku",
    "fulfillments.fulfilled_items.quantity": "qty",
}


def row(order: Any, sku: str = "mug", **cells: Any) -> dict[str, Any]:
    return {
        "order_no": order,
        "placed_at": "2024-05-01",
        "mail": "zoe@example.com",
        "carrier": "",
        "sku": sku,
        "qty": "1",
        "title": sku.title(),
        "parcel": "",
        "sent_at": "",
        **cells,
    }


def grouped(rows: Any, columns: Any = None, kind: str = "orders") -> list[Any]:
    return list(group_records(kind, rows, columns=columns or COLUMNS))


def test_rows_of_one_order_become_one_wherever_they_stand() -> None:
    first, second = grouped([row("1"), row("2"), row(1, "cup")])

    assert first == {
        "external_id": "1",
        "order_date": "2024-05-01",
        "currency": "EUR",
        "customer": {"email": "zoe@example.com"},
        "line_items": [
            {"external_product_id": "mug", "quantity": "1", "product": {"name": "Mug"}},
            {"external_product_id": "cup", "quantity": "1", "product": {"name": "Cup"}},
        ],
    }
    assert second["external_id"] == "2"
    assert Order.violations(parse_order(first).payload) == []


def test_a_row_gives_a_fulfillment_where_its_columns_are_filled() -> None:
    shipped = {"parcel": "p-1", "sent_at": "2024-05-02"}

    (order,) = grouped([row("1", **shipped), row("1", "cup", **shipped), row("1", "jar")])

    assert order["fulfillments"] == [
        {
            "external_id": "p-1",
            "fulfillment_date": "2024-05-02",
            "status": "success",
            "fulfilled_items": [
                {"external_product_id": "mug", "quantity": "1"},
                {"external_product_id": "cup", "quantity": "1"},
            ],
        },
    ]


def test_an_own_column_of_a_shipped_item_makes_a_fulfillment_that_the_check_can_refuse() -> None:
    columns = {**COLUMNS, "fulfillments.fulfilled_items.quantity": "shipped"}

    (order,) = grouped([row("1", shipped=1)], columns)

    assert order["fulfillments"] == [
        {"status": "success", "fulfilled_items": [{"external_product_id": "mug", "quantity": 1}]}
    ]


def test_one_fulfillment_for_an_order_under_its_own_number() -> None:
    """As Yotpo's Magento module sends it (https://github.com/YotpoLtd/magento2-module-core)."""
    columns = {**COLUMNS, "fulfillments.external_id": "order_no"}

    shipped, waiting = grouped([row("1", sent_at="2024-05-02"), row("2")], columns)

    assert [each["external_id"] for each in shipped["fulfillments"]] == ["1"]
    assert "fulfillments" not in waiting


def test_repeated_products_add_up() -> None:
    (order,) = grouped([row("1", qty="2"), row("1", qty=3)])

    assert parse_order(order).payload["line_items"] == [{"external_product_id": "mug", "quantity": 5}]


def test_rows_of_one_line_by_its_key_are_one_line() -> None:
    columns = {**COLUMNS, "line_items.key": "line"}
    rows = [
        row("1", line=1, qty=2, parcel="p-1", sent_at="2024-05-02"),
        row("1", line=1, qty=2, parcel="p-2", sent_at="2024-05-03"),
        row("1", line=2, qty=1, parcel="p-2", sent_at="2024-05-03"),
    ]

    (order,) = grouped(rows, columns)

    assert [line["quantity"] for line in order["line_items"]] == [2, 1]
    assert all("key" not in line for line in order["line_items"])
    assert [len(each["fulfilled_items"]) for each in order["fulfillments"]] == [1, 2]


@pytest.mark.parametrize(
    ("cells", "path"),
    [
        ({"placed_at": "2024-05-02"}, "order_date"),
        ({"mail": "li@example.com"}, "customer.email"),
        ({"parcel": "p-1", "sent_at": "2024-05-03"}, "fulfillments.fulfillment_date"),
    ],
)
def test_rows_that_contradict_each_other_are_rejected_whole_and_name_the_property(
    cells: dict[str, Any], path: str
) -> None:
    rows = [row("1", parcel="p-1", sent_at="2024-05-02"), row("1", "cup", **cells)]

    (order,) = grouped(rows)

    assert order == {"external_id": "1", "rows": rows, "unmappable": f"{path}: its rows differ"}


@pytest.mark.parametrize("cells", [{"placed_at": "2024-05-01T00:00:00Z"}, {"mail": ""}, {"mail": None}])
def test_another_spelling_and_an_empty_cell_contradict_nothing(cells: dict[str, Any]) -> None:
    (order,) = grouped([row("1"), row("1", "cup", **cells)])

    assert "unmappable" not in order


def test_a_line_needs_a_column_and_not_only_constants() -> None:
    columns = {"external_id": "id", "line_items.external_product_id": "sku", "line_items.quantity": {"value": 1}}

    (order,) = grouped([{"id": 1, "sku": "mug"}, {"id": 1, "sku": ""}], columns)

    assert order["line_items"] == [{"external_product_id": "mug", "quantity": 1}]


@pytest.mark.parametrize(("source", "value"), [({"value": "EUR"}, "EUR"), ("constant:EUR", "EUR"), ({"value": 5}, 5)])
def test_a_constant_is_written_as_in_the_mappings_of_custom_properties(source: Any, value: Any) -> None:
    (order,) = grouped([{"id": 1}], {"external_id": "id", "custom_properties.custom": source})

    assert order["custom_properties"] == {"custom": value}


def test_columns_of_nested_records_and_json_in_a_cell() -> None:
    columns = {"external_id": "order.no", "customer": "buyer", "custom_properties": "extra"}

    (order,) = grouped([{"order": {"no": 1}, "buyer": {"email": "a@b.c"}, "extra": '{"vip": true}'}], columns)

    assert order == {"external_id": "1", "customer": {"email": "a@b.c"}, "custom_properties": {"vip": True}}


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"external_id": "id", "ordr_date": "d"}, "has no property 'ordr_date': did you mean 'order_date'"),
        ({"external_id": "id", "line_items.qty": "q"}, "'line_items' of orders has no property 'qty'"),
        ({"external_id": "id", "currency.code": "c"}, "orders has no property 'currency'"),
        ({"external_id": 7}, "gives 'external_id' neither a column nor a constant"),
        ({"order_date": "d"}, "has no external_id, which says what a row of orders belongs to"),
    ],
)
def test_a_wrong_mapping_is_refused_before_anything_is_read(columns: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ColumnMapping.parse("orders", columns)
    assert problem in str(caught.value)


def test_a_column_that_no_row_has_is_refused_before_anything_is_written() -> None:
    with pytest.raises(ConfigurationError, match="the column 'order_nr', which no record has") as caught:
        next(group_records("orders", [row("1"), row("2")], columns={**COLUMNS, "order_name": "order_nr"}))
    assert "order_no" not in str(caught.value), "the names may be a customer, if a file had no header"


def test_a_column_in_another_spelling_is_named() -> None:
    with pytest.raises(ConfigurationError, match="which no record has: there it is spelled 'order_no'"):
        next(group_records("orders", [row("1")], columns={**COLUMNS, "order_name": "Order No"}))


def test_a_column_that_some_rows_have_is_none_that_is_missing() -> None:
    assert len(grouped([{"id": 1}, {"id": 2, "name": "b"}], {"external_id": "id", "order_name": "name"})) == 2


def test_rows_without_an_id_are_not_one_order() -> None:
    assert len(grouped([row(""), row(None), row("1")])) == 3


def test_plain_records_of_one_id_become_one_as_if_written_one_after_the_other() -> None:
    parts = [
        {"external_id": "1", "payment_status": "pending", "customer": {"email": "a@b.c"}},
        {"external_id": "2"},
        {"external_id": 1, "payment_status": "paid", "customer": {"first_name": "Zoë"}},
    ]

    first, second = group_records("orders", parts)

    assert first["payment_status"] == "paid"
    assert first["customer"] == {"email": "a@b.c", "first_name": "Zoë"}
    assert second == {"external_id": "2"}


def test_whole_records_of_one_order_do_not_double_its_lines() -> None:
    order = {"external_id": "1", "line_items": [{"external_product_id": "p", "quantity": 1}]}

    (merged,) = group_records("orders", [order, order])

    assert merged == order


def test_built_records_and_what_is_no_record_pass_through() -> None:
    built = {"external_id": "1", "order": {"external_id": "1"}, "products": [], "version": {}}

    assert list(group_records("orders", [built, 7, {"external_id": "1"}])) == [built, 7, {"external_id": "1"}]


def test_customers_without_an_id_are_grouped_by_their_address() -> None:
    columns = {"email": "mail", "first_name": "name"}

    customers = grouped([{"mail": "a@b.c", "name": "Zoë"}, {"mail": "d@e.f", "name": ""}], columns, "customers")

    assert [StoreCustomer.violations(customer) for customer in customers] == [[], []]


def test_customers_are_the_same_in_every_spelling_of_their_address() -> None:
    """RFC 5321 lets a domain have capital letters, and E.164 has no blanks. Retries know customers by these."""
    rows = [{"email": "zoe@Example.com"}, {"email": "Zoe@example.com", "first_name": "Zoë"}]
    rows += [{"phone_number": "+49 170 1234567"}, {"phone_number": "+491701234567", "last_name": "Li"}]

    first, second = group_records("customers", rows)

    assert (first["first_name"], second["last_name"]) == ("Zoë", "Li")


def test_ids_of_rows_agree_in_every_spelling() -> None:
    """A driver returns 1001.0 for a numeric column with empty cells, and RFC 4180 keeps blanks of a cell."""
    rows = [row(1001, parcel="7", sent_at="2024-05-02"), row(1001.0, " mug ", parcel=7.0, sent_at="2024-05-02")]

    (order,) = group_records("orders", [*rows, row(" 1001 ", "cup")], columns=COLUMNS)

    assert order["external_id"] == "1001"
    assert [line["external_product_id"] for line in order["line_items"]] == ["mug", "mug", "cup"]
    assert [each["external_id"] for each in order["fulfillments"]] == ["7"]


def test_fulfillments_of_flat_rows() -> None:
    columns = {
        "order_external_id": "order",
        "external_id": "parcel",
        "fulfilled_items.external_product_id": "sku",
        "fulfilled_items.quantity": "qty",
    }
    rows = [{"order": o, "parcel": 1, "sku": sku, "qty": 1} for o, sku in (("1", "mug"), ("2", "mug"), ("1", "cup"))]

    first, second = grouped(rows, columns, "fulfillments")

    assert [item["external_product_id"] for item in first["fulfilled_items"]] == ["mug", "cup"]
    assert second["order_external_id"] == "2"


def test_memory_does_not_grow_with_the_rows() -> None:
    def rows(count: int) -> Iterator[dict[str, Any]]:
        return (row(str(number // 2)) for number in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in group_records("orders", rows(count), columns=COLUMNS):
            pass
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    small, large = peak(2_000), peak(8_000)
    assert large < small * 1.5
