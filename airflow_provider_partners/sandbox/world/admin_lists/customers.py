"""What a customer's own document has besides the copy in each order: what they spent, and their default address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.money import format_amount
from airflow_provider_partners.sandbox.world.products import metafield


def with_totals(customers: Sequence[Document], orders: Sequence[Document]) -> list[Document]:
    """Return the customers with what follows from their orders.

    :param orders: oldest first
    """
    by_customer: dict[str, list[Document]] = defaultdict(list)
    for order in orders:
        if order["customer"]:
            by_customer[order["customer"]["id"]].append(order)
    return [_with_totals(customer, by_customer[customer["id"]], orders[0]["currencyCode"]) for customer in customers]


def _with_totals(customer: Document, orders: Sequence[Document], currency: str) -> Document:
    spent = sum((Decimal(order["currentTotalPriceSet"]["shopMoney"]["amount"]) for order in orders), Decimal(0))
    number = int(customer["legacyResourceId"])
    joined = customer["createdAt"]
    points = metafield(number, 1, "loyalty.points", "number_integer", int(spent), joined)
    return {
        **customer,
        "amountSpent": {"amount": format_amount(spent), "currencyCode": currency},
        "defaultAddress": orders[-1]["shippingAddress"] if orders else None,
        "taxExemptions": [],
        "metafields": [points] if number % 2 else [],
        # An order changes its customer.
        "updatedAt": max([joined, *(order["createdAt"] for order in orders)]),
    }
