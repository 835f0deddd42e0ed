"""Tables of Shopify's values and fields with Yotpo's.

Yotpo's enums are those of Shopify's REST Admin API, value for value, so most entries only change case. For newer
values of Shopify's GraphQL API, the nearest value is used, or ``None`` to leave the field out. A value that is in no
table is left out with a note, because Shopify adds values with every version.
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
"""A fulfillment's ``status`` to ``status``. Shopify spells the cancelled one differently in its display status."""

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
    # These describe the shipment's documents, not its place.
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
"""Yotpo's field to Shopify's field and the longest text. Codes and phones have rules of their own."""

ORDER_DATE_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "created": ("createdAt", "processedAt"),
    "processed": ("processedAt", "createdAt"),
})
"""The option ``order_date`` to Shopify's fields, in order of preference."""

FULFILLMENT_DATE_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "created": ("createdAt",),
    "delivered": ("deliveredAt", "createdAt"),
})
"""The option ``fulfillment_date`` to Shopify's fields, in order of preference."""

MARKETING_CONSENT: Mapping[str, bool] = MappingProxyType({
    "SUBSCRIBED": True,
    "UNSUBSCRIBED": False,
    "NOT_SUBSCRIBED": False,
    # Not confirmed yet, or erased: no consent.
    "PENDING": False,
    "REDACTED": False,
    "INVALID": False,
})
"""``marketingState`` to consent. Any other value is left out."""

INACTIVE_FULFILLMENTS = frozenset({"CANCELLED", "CANCELED", "ERROR", "FAILURE"})
"""Statuses of fulfillments whose units were not shipped."""


def translate_value(table: Mapping[str, str | None], value: object, field: str, notes: list[str]) -> str | None:
    """Return the table's value. A value that is not in the table gives ``None`` and a note.

    :param field: Shopify's field, for the note
    """
    if value is None:
        return None
    key = str(value).strip().upper()
    if key not in table:
        notes.append(f"{field} {key[:40]!r} is unknown and was left out")
        return None
    return table[key]
