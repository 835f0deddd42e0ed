"""Unusual properties of orders: texts that are too long, invalid numbers, missing people.

There are two tables, keyed by the names that scenarios use: :data:`BASICS` changes an order before it is built,
:data:`EDGE_CASES` changes the document after. Neither changes amounts, quantities or statuses that are derived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world import customers


@dataclass(frozen=True, kw_only=True)
class OrderBasics:
    """What is decided about an order before it is built.

    :param abroad: True if the buyer pays in another currency than the shop's
    :param reduced: True if an automatic discount applies to each product
    :param product_code: percentage of a discount code for each product
    :param order_code: percentage of a discount code for the whole order
    :param amount_off: an amount off the whole order, in dollars, that the merchant gave by hand
    :param shipping: True if it is shipped; ``charged`` if shipping always costs something
    :param tip: True if the buyer gave a tip
    """

    test: bool = False
    abroad: bool = False
    reduced: bool = False
    product_code: int = 0
    order_code: int = 0
    amount_off: int = 0
    shipping: bool = True
    charged: bool = False
    tip: bool = False
    gateway: str = "shopify_payments"
    source: str = "web"


LONG_GATEWAY = "Buy Now, Pay In Fourteen Comfortable Instalments By The Universal Consumer Credit Company of 1893"

BASICS: Mapping[str, Mapping[str, object]] = {
    "test": {"test": True, "gateway": "bogus"},
    "foreign currency": {"abroad": True},
    "reduced": {"reduced": True},
    "product code": {"product_code": 50},
    "coupon": {"order_code": 10},
    "amount off": {"amount_off": 10},
    "free": {"order_code": 100, "shipping": False, "gateway": ""},
    "no shipping": {"shipping": False},
    "charged shipping": {"charged": True},
    "tip": {"tip": True},
    "long gateway": {"gateway": LONG_GATEWAY},
    "point of sale": {"source": "pos", "gateway": "cash", "shipping": False},
}

_LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-" * 8


def guest(order: Document) -> None:
    """Bought without an account: no customer, but an email address."""
    order["customer"] = None


def redacted(order: Document) -> None:
    """Personal data was erased, or the app has no access to it."""
    order.update(email=None, phone=None, note=None, customer=customers.redacted(order["customer"]))
    for field in ("billingAddress", "shippingAddress"):
        order[field] = customers.redacted_address(order[field])


def invalid_phones(order: Document) -> None:
    """Phone numbers as people type them."""
    order["phone"] = customers.INVALID_PHONES[0]
    order["customer"]["phone"] = customers.INVALID_PHONES[1]
    order["customer"]["defaultPhoneNumber"] = {
        "phoneNumber": customers.INVALID_PHONES[1],
        "marketingState": "NOT_SUBSCRIBED",
    }
    order["billingAddress"]["phone"] = customers.INVALID_PHONES[2]
    order["shippingAddress"]["phone"] = customers.INVALID_PHONES[5]


def local_phones(order: Document) -> None:
    """Phone numbers as people write them in their country, with its digits and a trunk prefix in parentheses."""
    order["phone"], written = customers.LOCAL_PHONES[0], customers.LOCAL_PHONES[1]
    order["customer"].update(phone=written)
    order["customer"]["defaultPhoneNumber"] = {"phoneNumber": written, "marketingState": "SUBSCRIBED"}
    order["billingAddress"]["phone"] = customers.LOCAL_PHONES[2]
    order["shippingAddress"]["phone"] = customers.LOCAL_PHONES[3]


def long_texts(order: Document) -> None:
    """Names and addresses longer than 255 characters."""
    order["note"] = "Please ring twice. " * 60
    order["customer"].update(firstName=_LONG_NAME, displayName=f"{_LONG_NAME} {order['customer']['lastName']}")
    for field in ("billingAddress", "shippingAddress"):
        order[field].update(
            firstName=_LONG_NAME,
            name=f"{_LONG_NAME} {order[field]['lastName']}",
            company="Donaudampfschifffahrtsgesellschaft " * 9,
            address1="Rear building, third staircase, second floor on the left, " * 5,
            zip="9" * 70,
            provinceCode="TOO-LONG-TO-BE-A-CODE" * 4,
        )


def odd_characters(order: Document) -> None:
    """Quotes, markup, line breaks, right-to-left text and emoji."""
    order["note"] = 'Say "hello"\n<b>& bye</b>\t\\ \u2028 ; DROP TABLE orders'
    order["customAttributes"].append({"key": "gift_note", "value": "יום הולדת שמח 🎁"})
    order["customer"].update(firstName="✨Ñandú\u202e", lastName="<script>", displayName="✨Ñandú\u202e <script>")
    order["shippingAddress"].update(address2="\"Haus\" 'am' Ufer 🏠", city="Ærøskøbing")
    order["tags"] = ["10%", "a,b", "ünïcödé"]


def point_of_sale(order: Document) -> None:
    """Bought in a physical store without a customer."""
    order.update(customer=None, email=None, phone=None, billingAddress=None, shippingAddress=None)


def no_shipping(order: Document) -> None:
    """Nothing is shipped, so there is no address."""
    order["shippingAddress"] = None


def on_hold(order: Document) -> None:
    """The merchant holds the fulfillment."""
    order["displayFulfillmentStatus"] = "ON_HOLD"


def scheduled(order: Document) -> None:
    """Shipping is scheduled for a later day."""
    order["displayFulfillmentStatus"] = "SCHEDULED"


def shown_as_restocked(order: Document) -> None:
    """The status that older orders have after a cancellation."""
    order["displayFulfillmentStatus"] = "RESTOCKED"


EDGE_CASES: Mapping[str, Callable[[Document], None]] = {
    "guest": guest,
    "redacted": redacted,
    "invalid phones": invalid_phones,
    "local phones": local_phones,
    "long texts": long_texts,
    "odd characters": odd_characters,
    "point of sale": point_of_sale,
    "no shipping": no_shipping,
    "on hold": on_hold,
    "scheduled": scheduled,
    "shown as restocked": shown_as_restocked,
}
