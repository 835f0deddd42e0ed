"""Extracted records become built orders."""

from __future__ import annotations

import json
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.payload.models import Order

SHOP = "a.myshopify.com"


def test_each_order_is_built_or_unmappable() -> None:
    orders = [make.order(1), make.order(2, lineItems=[]), make.order(3)]
    returns = [
        {
            "id": "r",
            "order_id": "3",
            "state": "requested",
            "return_predictions": [{"prediction_category": "empty_box", "predicted_value": 0.91234}],
        }
    ]

    one, two, three = build_orders(orders, returns, shop=SHOP)

    assert isinstance(one, BuiltOrder)
    assert one.suppressed == []
    assert one.order["custom_properties"]["suppress_review_request"] is False
    assert isinstance(two, UnmappableOrder)
    assert isinstance(three, BuiltOrder)
    assert three.suppressed == ["empty_box 0.9123 >= 0.8 (return_predictions)"]
    assert three.order["custom_properties"]["suppress_review_request"] is True


def test_built_orders_are_json_and_valid_for_yotpo() -> None:
    used = {
        "id": "r_1",
        "object": "redemption",
        "result": "SUCCESS",
        "voucher": {"code": "TEN"},
        "order": {"source_id": "1001"},
    }

    (built,) = build_orders([make.order()], shop=SHOP, policy={"level": "line"}, redemptions=[used])

    assert isinstance(built, BuiltOrder)
    record = json.loads(json.dumps(built.to_dict()))
    names = {"external_id", "order", "products", "suppressed", "notes", "outcome_notes", "changed_at", "version"}
    assert record.keys() == names
    assert Order.violations(record["order"]) == []
    assert record["order"]["custom_properties"] == {
        "coupon_used": True,
        "customer_country": "DE",
        "customer_state": "NW",
        "suppress_review_request": False,
    }


def test_wrong_options_are_an_error_before_any_record_is_read() -> None:
    def orders() -> Any:
        pytest.fail("read")
        yield

    with pytest.raises(ConfigurationError, match="test_order: unknown field"):
        build_orders(orders(), shop=SHOP, options={"test_order": "include"})
    with pytest.raises(ConfigurationError, match="suppression policy"):
        build_orders(orders(), shop=SHOP, policy={"nope": 1})
    with pytest.raises(ConfigurationError, match="coupon policy"):
        build_orders(orders(), shop=SHOP, coupon_policy={"kinds": ["cash"]})


def test_the_same_input_gives_the_same_output() -> None:
    orders = [make.order(number) for number in range(5)]

    assert list(build_orders(orders, shop=SHOP)) == list(build_orders(orders, shop=SHOP))
