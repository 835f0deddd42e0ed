"""Check the prices of mapped lines by the order's own subtotal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow_provider_partners.sync.mapping.order import MappedOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions

EVERY_LINE = MappingOptions(gift_cards="include", missing_products="placeholder", test_orders="include")


def check_lines_add_up(orders: list[dict[str, Any]]) -> None:
    """Fail unless the lines of every order add up to its subtotal, to the smallest unit of the currency.

    Shopify: ``subtotalPriceSet`` is "the sum of the prices for all line items after discounts and before returns"
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/Order).
    """
    discounted = 0
    for order in orders:
        mapped = map_order(order, shop="a.myshopify.com", options=EVERY_LINE)
        assert isinstance(mapped, MappedOrder), mapped
        prices = [Decimal(str(line["subtotal_price"])) for line in mapped.order["line_items"]]
        assert sum(prices) == Decimal(str(mapped.order["subtotal_price"])), order["name"]
        discounted += any(line["discountAllocations"] for line in order["lineItems"])
    assert discounted
