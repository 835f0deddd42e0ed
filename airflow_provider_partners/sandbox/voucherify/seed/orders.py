"""Voucherify's orders: synchronized from the shop or taken by another channel, with the discounts of coupons.

The ``source_id`` of an order with a coupon is any text that the shop's app wrote: Voucherify only documents it as a
reference (https://docs.voucherify.io/api-reference). Amounts are minor units; an amount of zero is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.products import Goods, minor_units
from airflow_provider_partners.sandbox.voucherify.seed.records import format_timestamp_ms, letter_id

#: The forms of an order's ``source_id``. The order's name is not unique across shops.
SOURCE_IDS: Sequence[Callable[[Document], str | None]] = (
    lambda order: order["legacyResourceId"],
    lambda order: order["id"],
    lambda order: order["name"],
    lambda _: None,
)
_STATUS = {"PAID": "PAID", "PARTIALLY_PAID": "PAID", "PENDING": "CREATED", "AUTHORIZED": "CREATED"}


def empty_order(rng: Random, *, source_id: str | None, customer: Document | None, at: datetime) -> Document:
    """Return an order without items."""
    return {
        "id": letter_id(rng, "ord"),
        "source_id": source_id,
        "created_at": format_timestamp_ms(at),
        "updated_at": None,
        "status": "PAID",
        "amount": 0,
        "total_amount": 0,
        "items": [],
        "metadata": {},
        "customer_id": customer and customer["id"],
        "referrer_id": None,
        "object": "order",
        "redemptions": {},
    } | ({"customer": {"id": customer["id"], "object": "customer"}} if customer else {})


def shop_order(
    rng: Random, goods: Goods, order: Document, *, source_id: str | None, customer: Document | None, at: datetime
) -> Document:
    """Return an order of the shop, before any discount."""
    body = empty_order(rng, source_id=source_id, customer=customer, at=at)
    body["status"] = "CANCELED" if order["cancelledAt"] else _STATUS.get(order["displayFinancialStatus"] or "", "PAID")
    body["items"] = [_item(goods, line) for line in order["lineItems"] if line["quantity"]]
    return update_totals(body)


def external_order(
    rng: Random, goods: Goods, *, source_id: str | None, customer: Document | None, at: datetime
) -> Document:
    """Return an order of another channel, which the shop does not have."""
    body = empty_order(rng, source_id=source_id, customer=customer, at=at)
    skus = list(goods.skus.values())
    products = {record["id"]: record for record in goods.products.values()}
    body["items"] = [
        item_from_sku(products[sku["product_id"]], sku, rng.randint(1, 3))
        for sku in rng.sample(skus, k=rng.randint(1, 3))
    ]
    body["metadata"] = {"channel": "pos"}
    return update_totals(body)


def item_from_sku(product: Document, sku: Document, quantity: int) -> Document:
    """Return an order item."""
    amount = sku["price"] * quantity
    return {
        "object": "order_item",
        "source_id": sku["source_id"],
        "related_object": "sku",
        "product_id": product["id"],
        "sku_id": sku["id"],
        "quantity": quantity,
        "amount": amount,
        "price": sku["price"],
        "subtotal_amount": amount,
        "product": {name: product[name] for name in ("id", "source_id", "name", "price")},
        "sku": {name: sku[name] for name in ("id", "source_id", "sku", "price")},
    }


def _item(goods: Goods, line: Document) -> Document:
    price = minor_units(line["originalUnitPriceSet"]["shopMoney"]["amount"])
    product = line["product"] and goods.products.get(line["product"]["id"])
    sku = line["variant"] and goods.skus.get(line["variant"]["id"])
    if product and sku:
        return item_from_sku(product, sku | {"price": price}, line["quantity"])
    amount = price * line["quantity"]
    return {
        "object": "order_item",
        "quantity": line["quantity"],
        "amount": amount,
        "price": price,
        "subtotal_amount": amount,
        "product": {"name": line["title"][:100], "override": True},
    }


def update_totals(order: Document) -> Document:
    """Compute the totals of an order from its items."""
    order["amount"] = sum(item["amount"] for item in order["items"])
    order["total_amount"] = order["amount"] - order.get("total_discount_amount", 0)
    return order


def discount_amount(order: Document, discount: Document) -> int:
    """Return the amount that a discount takes off an order, at most its remaining total."""
    amount: int = (
        order["amount"] * discount["percent_off"] // 100 if discount["type"] == "PERCENT" else discount["amount_off"]
    )
    return min(amount, int(order["total_amount"]))


def apply_discount(order: Document, amount: int, *, items: bool = False) -> Document:
    """Subtract an amount from an order, and return the order as this redemption shows it.

    ``…discount_amount`` sums up all redemptions so far, ``…applied_discount_amount`` has this one only, as in the
    published examples of stacked redemptions (https://github.com/voucherifyio/voucherify-openapi).

    :param items: divide the amount among the items, in proportion to their price
    """
    prefix = "items_" if items else ""
    for name in (f"{prefix}discount_amount", "total_discount_amount"):
        order[name] = order.get(name, 0) + amount
    order["total_amount"] = order["amount"] - order["total_discount_amount"]
    snapshot = copy.deepcopy(order)
    shares = _shares(order, amount) if items else []
    for item, snapshot_item, share in zip(order["items"], snapshot["items"], shares, strict=False):
        item["discount_amount"] = snapshot_item["discount_amount"] = item.get("discount_amount", 0) + share
        item["applied_discount_amount"] = item["discount_amount"]
        snapshot_item["applied_discount_amount"] = share
        item["subtotal_amount"] = snapshot_item["subtotal_amount"] = item["amount"] - item["discount_amount"]
    applied = {f"{prefix}applied_discount_amount": amount, "total_applied_discount_amount": amount}
    for name in applied:
        order[name] = order.get(name, 0) + amount
    return {name: value for name, value in snapshot.items() if "applied" not in name} | applied


def _shares(order: Document, amount: int) -> list[int]:
    """Divide an amount among the items in proportion to their price; the last item gets the rounding difference."""
    total = order["amount"] or 1
    shares = [amount * item["amount"] // total for item in order["items"]]
    shares[-1] += amount - sum(shares)
    return shares


def remove_discounts(order: Document, at: datetime) -> None:
    """Cancel an order and remove all discounts: every redemption was rolled back."""
    for name in [name for name in order if name.endswith("discount_amount")]:
        del order[name]
    for item in order["items"]:
        item.pop("discount_amount", None)
        item.pop("applied_discount_amount", None)
        item["subtotal_amount"] = item["amount"]
    order.update(status="CANCELED", total_amount=order["amount"], updated_at=format_timestamp_ms(at))


def without_redemptions(order: Document) -> Document:
    """Return an order as the single redemptions of a stack show it."""
    return {name: value for name, value in order.items() if name not in {"redemptions", "customer"}} | {
        "customer_id": None
    }
