"""A function of the Dag's author changes a payload, or leaves its order out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.transform import LeaveOut

SHOP = "a.myshopify.com"


def built(transform: Any, **order: Any) -> BuiltOrder | UnmappableOrder:
    (one,) = build_orders([make.order(7, **order)], shop=SHOP, transform=transform)
    return one


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of the Dag's author, on the path as a Dag bundle is."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_transform_gets_the_payload_the_order_and_its_context() -> None:
    seen: dict[str, Any] = {}

    def transform(payload: dict[str, Any], *, order: Any, context: Any) -> dict[str, Any]:
        seen.update(order=order["legacyResourceId"], returns=[each["id"] for each in context.returns])
        payload["custom_properties"]["custom"] = order["name"]
        return payload

    returns = [{"id": "r1", "order_id": "7", "state": "requested"}]
    (one,) = build_orders([make.order(7)], returns, shop=SHOP, transform=transform)

    assert seen == {"order": "7", "returns": ["r1"]}
    assert isinstance(one, BuiltOrder)
    assert one.order["custom_properties"]["custom"] == make.order(7)["name"]


def test_the_function_may_be_named_by_its_import_path(module: Path) -> None:
    (module / "my_mapping_one.py").write_text(
        "def keep_total(payload, *, order, context):\n    return {**payload, 'total_price': 1.5}\n"
    )
    one = built("my_mapping_one:keep_total")
    assert isinstance(one, BuiltOrder)
    assert one.order["total_price"] == 1.5


def test_leave_out_is_counted_by_its_reason_and_is_no_reject() -> None:
    one = built(lambda payload, *, order, context: LeaveOut("sold in a marketplace"))
    assert one == UnmappableOrder("7", "sold in a marketplace", is_excluded=True)
    one = built(lambda payload, *, order, context: LeaveOut("order 100432 is sold in a marketplace"))
    assert isinstance(one, UnmappableOrder)
    assert (one.reason, one.rule) == ("order 100432 is sold in a marketplace", "order … is sold in a marketplace")


@pytest.mark.parametrize("reason", ["", "  ", None, 3])
def test_leave_out_needs_a_reason(reason: Any) -> None:
    with pytest.raises(TypeError, match="needs a reason"):
        LeaveOut(reason)


def test_the_result_is_checked_by_yotpos_rules() -> None:
    """``payment_status`` is an enum: https://core-api.yotpo.com/reference/orders."""
    one = built(lambda payload, *, order, context: {**payload, "payment_status": "half-paid"})
    assert isinstance(one, UnmappableOrder)
    assert not one.is_excluded
    assert one.reason.startswith("after the transform: The order breaks Yotpo's rules: payment_status: ")
    assert "half-paid" not in one.reason


@pytest.mark.parametrize("result", [None, "payload", True])
def test_any_other_result_is_a_reject(result: Any) -> None:
    one = built(lambda payload, *, order, context: result)
    assert isinstance(one, UnmappableOrder)
    assert one.reason == f"the transform returned a {type(result).__name__}, and a payload or LeaveOut is needed"


def test_an_error_rejects_that_order_and_shows_type_and_place_and_no_data(module: Path) -> None:
    (module / "my_mapping_two.py").write_text(
        "import json\n\ndef fails(payload, *, order, context):\n    if order['legacyResourceId'] == '7':\n"
        "        json.loads(order['email'])\n    return payload\n"
    )
    orders = [make.order(7, email="jane@private.example"), make.order(8, email="x@y.example")]
    first, second = build_orders(orders, shop=SHOP, transform="my_mapping_two:fails")

    assert isinstance(first, UnmappableOrder)
    assert first.reason == "the transform failed: JSONDecodeError in my_mapping_two.py, line 5"
    assert isinstance(second, BuiltOrder)


@pytest.mark.parametrize(
    ("transform", "problem"),
    [
        ("no_such_module_here:f", "its module can't be imported: No module named 'no_such_module_here'"),
        ("orjson:dumbs", "orjson has no 'dumbs': did you mean 'dumps'?"),
        ("json", "is no import path"),
        ("my/module.py:f", "is no import path"),
        ("airflow_provider_partners:__path__", "is a list, and a function is needed"),
        ("airflow_provider_partners._lazy:exports", r"can't be called as transform\(payload, \*, order, context\)"),
        ("os:getcwd", "os belongs to Python itself"),
        (3, "is a int, and a function is needed"),
        (lambda payload: payload, r"can't be called as transform\(payload, \*, order, context\)"),
    ],
)
def test_a_wrong_function_is_an_error_before_any_record_is_read(transform: Any, problem: str) -> None:
    def orders() -> Any:
        pytest.fail("read")
        yield

    with pytest.raises(ConfigurationError, match=problem):
        build_orders(orders(), shop=SHOP, transform=transform)


def test_a_module_that_fails_is_an_error_with_its_place(module: Path) -> None:
    (module / "my_mapping_three.py").write_text("x = 1\nx.y\n")
    with pytest.raises(ConfigurationError, match=r"its module fails: AttributeError in my_mapping_three.py, line 2"):
        build_orders([], shop=SHOP, transform="my_mapping_three:f")


def test_products_that_the_transform_removes_are_not_sent() -> None:
    lines = [make.line(1, make.product(11)), make.line(2, make.product(12))]

    def first_line(payload: dict[str, Any], *, order: Any, context: Any) -> dict[str, Any]:
        return {**payload, "line_items": payload["line_items"][:1], "fulfillments": None}

    one = built(first_line, lineItems=lines, fulfillments=[])
    assert isinstance(one, BuiltOrder)
    assert [product["external_id"] for product in one.products] == ["11"]


@pytest.mark.covers("yotpo.order_properties.suppress_review_request")
@pytest.mark.parametrize(("value", "reasons"), [(True, ["the transform"]), (False, [])])
def test_a_suppression_of_the_transform_is_counted_as_its_own(value: bool, reasons: list[str]) -> None:
    def suppress(payload: dict[str, Any], *, order: Any, context: Any) -> dict[str, Any]:
        return {**payload, "custom_properties": {"suppress_review_request": value}}

    one = built(suppress)
    assert isinstance(one, BuiltOrder)
    assert one.suppressed == reasons


def test_a_suppression_that_the_transform_lifts_is_not_counted() -> None:
    def lift(payload: dict[str, Any], *, order: Any, context: Any) -> dict[str, Any]:
        return {**payload, "custom_properties": {"suppress_review_request": False}}

    returns = [{"id": "r1", "order_id": "7", "state": "refunded"}]
    (one,) = build_orders([make.order(7)], returns, shop=SHOP, transform=lift)
    assert isinstance(one, BuiltOrder)
    assert one.suppressed == []


def test_a_second_order_with_the_external_id_of_another_is_a_reject() -> None:
    """``external_id`` is unique in a store: https://core-api.yotpo.com/reference/orders. The later would replace it."""
    orders = [make.order(7), make.order(8), make.order(7), make.order(9)]

    def transform(payload: dict[str, Any], *, order: Any, context: Any) -> dict[str, Any]:
        return {**payload, "external_id": "9" if order["legacyResourceId"] == "8" else "A-1"}

    first, second, again, third = build_orders(orders, shop=SHOP, transform=transform)

    assert [each.external_id for each in (first, second, again) if isinstance(each, BuiltOrder)] == ["A-1", "9", "A-1"]
    assert isinstance(third, UnmappableOrder)
    assert not third.is_excluded
    assert third.external_id == "9"
    assert third.reason == "after the transform: external_id: another order has the same one, order 7"
    assert third.rule == "after the transform: external_id: another order has the same one"
