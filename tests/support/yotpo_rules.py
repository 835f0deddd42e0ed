"""What Yotpo's documents ask of an order and of a product, read from them alone: no model of the package is used.

Sources: the property tables at https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments, and
https://core-api.yotpo.com/reference/orders, /order-fulfillments, /products, /customers, /address and
/working-with-custom-properties. Codes are ISO's, by pycountry.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pycountry

Rule = Callable[[Any], bool]
Broken = Iterator[str]


def _text(limit: int | None = None) -> Rule:
    return lambda value: isinstance(value, str) and value != "" and (limit is None or len(value) <= limit)


def _one_of(*values: str) -> Rule:
    return lambda value: value in values


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_quantity(value: Any) -> bool:
    # A JSON integer of 32 bits: an integer of the documents is one, and a long is named so.
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31


def _is_time(value: Any) -> bool:
    """ISO 8601 in UTC, in whole seconds, as every recorded request has it."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_phone(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\+[0-9]{7,15}", value) is not None


def _is_url(value: Any) -> bool:
    return (
        isinstance(value, str) and len(value) <= 2048 and re.match(r"https?://[^\s/]", value, re.IGNORECASE) is not None
    )


@cache
def _countries() -> frozenset[str]:
    # Yotpo names ISO 3166-1 alpha-2, which leaves XK to its users: Kosovo.
    return frozenset({"XK", *(each.alpha_2 for each in pycountry.countries)})


@cache
def _currencies() -> frozenset[str]:
    return frozenset(each.alpha_3 for each in pycountry.currencies)


def _is_country(value: Any) -> bool:
    return value in _countries()


def _is_currency(value: Any) -> bool:
    return value in _currencies()


def _is_province(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Za-z]{2}", value) is not None


CUSTOMER: Mapping[str, Rule] = {
    **dict.fromkeys(("external_id", "first_name", "last_name", "email"), _text(255)),
    "phone_number": _is_phone,
    "accepts_sms_marketing": _is_flag,
    "accepts_email_marketing": _is_flag,
}
ADDRESS: Mapping[str, Rule] = {
    **dict.fromkeys(("address1", "address2", "city", "company"), _text(255)),
    **dict.fromkeys(("state", "zip"), _text(64)),
    "province_code": _is_province,
    "country_code": _is_country,
    "phone_number": _is_phone,
}
CANCELLATION: Mapping[str, Rule] = {"cancellation_date": _is_time}
SHIPMENT: Mapping[str, Rule] = {
    "shipment_status": _one_of(
        *("label_printed", "label_purchased", "attempted_delivery", "ready_for_pickup", "confirmed", "in_transit"),
        *("out_for_delivery", "delivered", "failure"),
    ),
    **dict.fromkeys(("tracking_company", "tracking_url", "tracking_number"), _text()),
}
FULFILLED_ITEM: Mapping[str, Rule] = {"external_product_id": _text(255), "quantity": _is_quantity}
FULFILLMENT: Mapping[str, Rule] = {
    "external_id": _text(255),
    "fulfillment_date": _is_time,
    "status": _one_of("pending", "open", "success", "cancelled", "error", "failure"),
    "shipment_info": lambda value: isinstance(value, dict),
    "fulfilled_items": lambda value: isinstance(value, list) and value != [],
}
LINE: Mapping[str, Rule] = {
    **FULFILLED_ITEM,
    "total_price": _is_amount,
    "subtotal_price": _is_amount,
    "coupon_code": _text(),
    "custom_properties": lambda value: isinstance(value, dict),
}
ORDER: Mapping[str, Rule] = {
    "external_id": _text(255),
    "order_date": _is_time,
    **dict.fromkeys(("order_name", "checkout_token", "landing_site_url"), _text()),
    "payment_method": _text(64),
    "total_price": _is_amount,
    "subtotal_price": _is_amount,
    "currency": _is_currency,
    "payment_status": _one_of(
        "pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided"
    ),
    **dict.fromkeys(
        ("cancellation", "customer", "billing_address", "shipping_address", "custom_properties"),
        lambda value: isinstance(value, dict),
    ),
    "line_items": lambda value: isinstance(value, list) and 1 <= len(value) <= 500,
    "fulfillments": lambda value: isinstance(value, list) and len(value) <= 100,
}
PRODUCT: Mapping[str, Rule] = {
    **dict.fromkeys(("external_id", "name", "brand", "sku", "mpn", "handle"), _text(255)),
    **dict.fromkeys(("url", "image_url"), _is_url),
    "custom_properties": lambda value: isinstance(value, dict),
}
"""The fields that orders of a shop give; the documents have more."""

_ORDER_PROPERTIES: Mapping[str, Rule] = {
    "suppress_review_request": _is_flag,
    "coupon_used": _is_flag,
    "customer_country": _is_country,
    "customer_state": _text(64),
    "customer_phonenumber": _is_phone,
}
_LINE_PROPERTIES: Mapping[str, Rule] = {"suppress_review_request": _is_flag, "coupon_used": _is_flag}
_PRODUCT_PROPERTIES: Mapping[str, Rule] = {"is_blocklisted": _is_flag}
_TEXT_PROPERTIES: Mapping[str, frozenset[str]] = {
    "order": frozenset({"delivery_type", "customer_address", "custom"}),
    "line": frozenset({"color", "size", "vendor", "material", "model", "custom"}),
    "product": frozenset({"review_form_tag"}),
}


def _fields(place: str, body: Any, rules: Mapping[str, Rule], required: Iterable[str] = ()) -> Broken:
    if not isinstance(body, dict):
        yield f"{place}: no object"
        return
    for name in required:
        if name not in body:
            yield f"{place}.{name}: required"
    for name, value in body.items():
        if name not in rules:
            yield f"{place}.{name}: not documented"
        elif not rules[name](value):
            yield f"{place}.{name}: {value!r:.80}"


def _properties(place: str, body: Mapping[str, Any], rules: Mapping[str, Rule], texts: frozenset[str]) -> Broken:
    if len(body) > 100:
        yield f"{place}: more than 100"
    for name, value in body.items():
        is_single = _is_flag(value) or _is_amount(value) or _text(255)(value)
        if not re.fullmatch("[a-z0-9_]{1,32}", name):
            yield f"{place}.{name!r}: its name"
        is_kept = rules[name](value) if name in rules else is_single
        if not is_kept or (name in texts and not isinstance(value, str)):
            yield f"{place}.{name}: {value!r:.80}"


def _unique(place: str, values: list[Any]) -> Broken:
    if len(set(values)) < len(values):
        yield f"{place}: named twice"


def _texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, f"{place}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, f"{place}[]")
    elif isinstance(value, str):
        yield place, value


def _travels(body: Any) -> Broken:
    """RFC 8259, section 8.1: JSON between systems is UTF-8, and section 6: it has no NaN and no infinity."""
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError) as error:
        yield f"no JSON: {type(error).__name__}"
    for place, text in _texts(body):
        if "\x00" in text:
            yield f"{place}: NUL"


def _fulfillment(place: str, body: Any, products: set[Any]) -> Broken:
    required = ("external_id", "fulfillment_date", "status", "fulfilled_items")
    yield from _fields(place, body, FULFILLMENT, required)
    fulfilled = body.get("fulfilled_items") or []
    for item in fulfilled:
        yield from _fields(f"{place}.fulfilled_items[]", item, FULFILLED_ITEM, FULFILLED_ITEM)
    named = [item.get("external_product_id") for item in fulfilled]
    yield from _unique(f"{place}.fulfilled_items", named)
    if not set(named) <= products:
        yield f"{place}: fulfills a product that is in no line"
    yield from _fields(f"{place}.shipment_info", body.get("shipment_info") or {}, SHIPMENT)


def broken_by_order(order: Any) -> list[str]:
    """Return what the documents have against an order; empty if it may be sent."""

    def broken() -> Broken:
        yield from _travels(order)
        yield from _fields("order", order, ORDER, ("external_id", "order_date", "line_items"))
        yield from _fields("customer", order.get("customer") or {}, CUSTOMER)
        for name in ("billing_address", "shipping_address"):
            yield from _fields(name, order.get(name) or {}, ADDRESS)
        if "cancellation" in order:
            yield from _fields("cancellation", order["cancellation"], CANCELLATION, CANCELLATION)
        properties = order.get("custom_properties") or {}
        yield from _properties("custom_properties", properties, _ORDER_PROPERTIES, _TEXT_PROPERTIES["order"])
        lines = order.get("line_items") or []
        for line in lines:
            yield from _fields("line_items[]", line, LINE, FULFILLED_ITEM)
            own = line.get("custom_properties") or {}
            yield from _properties("line_items[].custom_properties", own, _LINE_PROPERTIES, _TEXT_PROPERTIES["line"])
        products = [line.get("external_product_id") for line in lines]
        yield from _unique("line_items", products)
        shipments = order.get("fulfillments") or []
        for shipment in shipments:
            yield from _fulfillment("fulfillments[]", shipment, set(products))
        yield from _unique("fulfillments", [shipment.get("external_id") for shipment in shipments])

    return list(broken())


def broken_by_product(product: Any) -> list[str]:
    """Return what the documents have against a product; empty if it may be sent."""

    def broken() -> Broken:
        yield from _travels(product)
        yield from _fields("product", product, PRODUCT, ("external_id",))
        properties = product.get("custom_properties") or {}
        yield from _properties("custom_properties", properties, _PRODUCT_PROPERTIES, _TEXT_PROPERTIES["product"])

    return list(broken())
