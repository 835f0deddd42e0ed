"""What can be odd about an order: texts too long, numbers that are none, people who are not there.

Two tables by the names that scenarios use: what changes the terms before an order is made, and what is done to the
document after. Neither touches amounts, quantities or statuses that follow from other facts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world import customers


@dataclass(frozen=True, kw_only=True)
class OrderBasics:
    """What is decided of an order before it is made.

    :param abroad: whether the buyer pays in another currency than the shop's
    :param coupon: percent that a discount code takes off
    :param shipping: whether it is shipped at all; ``charged`` when that costs for sure
    :param tip: whether the buyer gave a tip
    """

    test: bool = False
    abroad: bool = False
    coupon: int = 0
    shipping: bool = True
    charged: bool = False
    tip: bool = False
    gateway: str = "shopify_payments"
    source: str = "web"


LONG_GATEWAY = "Buy Now, Pay In Fourteen Comfortable Instalments By The Universal Consumer Credit Company of 1893"

BASICS: Mapping[str, Mapping[str, object]] = {
    "test": {"test": True, "gateway": "bogus"},
    "foreign currency": {"abroad": True},
    "coupon": {"coupon": 10},
    "free": {"coupon": 100, "shipping": False, "gateway": ""},
    "no shipping": {"shipping": False},
    "charged shipping": {"charged": True},
    "tip": {"tip": True},
    "long gateway": {"gateway": LONG_GATEWAY},
    "point of sale": {"source": "pos", "gateway": "cash", "shipping": False},
}

_LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-" * 8


def guest(order: Document) -> None:
    """Bought without an account: no customer, an e-mail all the same."""
    order["customer"] = None


def redacted(order: Document) -> None:
    """Personal data was erased, or the app may not see it."""
    order.update(email=None, phone=None, note=None, customer=customers.redacted(order["customer"]))
    for field in ("billingAddress", "shippingAddress"):
        order[field] = customers.redacted_address(order[field])


def invalid_phones(order: Document) -> None:
    """Telephone numbers as people type them."""
    order["phone"] = customers.INVALID_PHONES[0]
    order["customer"]["phone"] = customers.INVALID_PHONES[1]
    order["customer"]["defaultPhoneNumber"] = {
        "phoneNumber": customers.INVALID_PHONES[1],
        "marketingState": "NOT_SUBSCRIBED",
    }
    order["billingAddress"]["phone"] = customers.INVALID_PHONES[2]
    order["shippingAddress"]["phone"] = customers.INVALID_PHONES[5]


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
    """Quotes, mark-up, line breaks, right-to-left text and pictures."""
    order["note"] = 'Say "hello"\n<b>& bye</b>\t\\ \u2028 ; DROP TABLE orders'
    order["customAttributes"].append({"key": "gift_note", "value": "יום הולדת שמח 🎁"})
    order["customer"].update(firstName="✨Ñandú\u202e", lastName="<script>", displayName="✨Ñandú\u202e <script>")
    order["shippingAddress"].update(address2="\"Haus\" 'am' Ufer 🏠", city="Ærøskøbing")
    order["tags"] = ["10%", "a,b", "ünïcödé"]


def point_of_sale(order: Document) -> None:
    """Bought over the counter by a stranger."""
    order.update(customer=None, email=None, phone=None, billingAddress=None, shippingAddress=None)


def no_shipping(order: Document) -> None:
    """Nothing to send, so nobody asked where to."""
    order["shippingAddress"] = None


def on_hold(order: Document) -> None:
    """The merchant holds the shipment back."""
    order["displayFulfillmentStatus"] = "ON_HOLD"


def scheduled(order: Document) -> None:
    """To be shipped on a day to come."""
    order["displayFulfillmentStatus"] = "SCHEDULED"


def shown_as_restocked(order: Document) -> None:
    """The status older orders have after a cancellation."""
    order["displayFulfillmentStatus"] = "RESTOCKED"


EDGE_CASES: Mapping[str, Callable[[Document], None]] = {
    "guest": guest,
    "redacted": redacted,
    "invalid phones": invalid_phones,
    "long texts": long_texts,
    "odd characters": odd_characters,
    "point of sale": point_of_sale,
    "no shipping": no_shipping,
    "on hold": on_hold,
    "scheduled": scheduled,
    "shown as restocked": shown_as_restocked,
}
