"""Shopify's values and fields beside Yotpo's, as tables.

Yotpo's enums are those of Shopify's older API, value for value, so most rows only change case; where Shopify has grown
since, the nearest value is taken, or None: left out.

Data alone; a value that is in no table is left out with a note, since Shopify adds values with every version.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PAYMENT_STATUS: Mapping[str, str | None] = MappingProxyType({
    "PENDING": "pending",
    "AUTHORIZED": "authorized",
    "PARTIALLY_PAID": "partially_paid",
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "partially_refunded",
    "REFUNDED": "refunded",
    "VOIDED": "voided",
    "EXPIRED": None,
})
"""``displayFinancialStatus`` to ``payment_status``."""

FULFILLMENT_STATUS: Mapping[str, str | None] = MappingProxyType({
    "SUCCESS": "success",
    "CANCELLED": "cancelled",
    "CANCELED": "cancelled",
    "ERROR": "error",
    "FAILURE": "failure",
    "OPEN": "open",
    "PENDING": "pending",
})
"""A fulfillment's ``status`` to ``status``; Shopify spells the cancelled one differently in its display status."""

SHIPMENT_STATUS: Mapping[str, str | None] = MappingProxyType({
    "ATTEMPTED_DELIVERY": "attempted_delivery",
    "CARRIER_PICKED_UP": "in_transit",
    "CONFIRMED": "confirmed",
    "DELAYED": "in_transit",
    "DELIVERED": "delivered",
    "FAILURE": "failure",
    "IN_TRANSIT": "in_transit",
    "LABEL_PRINTED": "label_printed",
    "LABEL_PURCHASED": "label_purchased",
    "NOT_DELIVERED": "failure",
    "OUT_FOR_DELIVERY": "out_for_delivery",
    "PICKED_UP": "delivered",
    "READY_FOR_PICKUP": "ready_for_pickup",
    # These speak of the shipment's paperwork, not of where it is.
    "CANCELED": None,
    "FULFILLED": None,
    "LABEL_VOIDED": None,
    "MARKED_AS_FULFILLED": None,
    "SUBMITTED": None,
})
"""A fulfillment's ``displayStatus`` to ``shipment_status``."""

ADDRESS_FIELDS: Mapping[str, tuple[str, int]] = MappingProxyType({
    "address1": ("address1", 255),
    "address2": ("address2", 255),
    "city": ("city", 255),
    "company": ("company", 255),
    "state": ("province", 64),
    "zip": ("zip", 64),
})
"""Yotpo's field to Shopify's and the length it is cut to; codes and phones have forms of their own."""

ORDER_DATE_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "created": ("createdAt", "processedAt"),
    "processed": ("processedAt", "createdAt"),
})
"""The option ``order_date`` to the fields asked in turn."""

FULFILLMENT_DATE_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "created": ("createdAt",),
    "delivered": ("deliveredAt", "createdAt"),
})
"""The option ``fulfillment_date`` to the fields asked in turn."""

MARKETING_CONSENT: Mapping[str, bool] = MappingProxyType({
    "SUBSCRIBED": True,
    "UNSUBSCRIBED": False,
    "NOT_SUBSCRIBED": False,
    # Asked to confirm and has not yet, or erased: not a consent.
    "PENDING": False,
    "REDACTED": False,
    "INVALID": False,
})
"""``marketingState`` to consent; any other value is left out."""

INACTIVE_FULFILLMENTS = frozenset({"CANCELLED", "CANCELED", "ERROR", "FAILURE"})
"""Statuses of fulfillments whose units have not left."""


def translate_value(table: Mapping[str, str | None], value: object, field: str, notes: list[str]) -> str | None:
    """The table's value; None with a note for one that is not in it.

    :param field: Shopify's field, for the note
    """
    if value is None:
        return None
    key = str(value).strip().upper()
    if key not in table:
        notes.append(f"{field} {key[:40]!r} is unknown and was left out")
        return None
    return table[key]
