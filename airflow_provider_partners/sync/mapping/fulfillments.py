"""Shipments: Shopify's fulfillments as Yotpo's, and what was taken off an order as a cancelled one.

Ids are Shopify's own and never change, since a changed scheme would make Yotpo hold a shipment twice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.mapping.lines import OrderLines
from airflow_provider_partners.sync.mapping.tables import (
    FULFILLMENT_DATE_FIELDS,
    FULFILLMENT_STATUS,
    INACTIVE_FULFILLMENTS,
    SHIPMENT_STATUS,
    translate_value,
)
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.payload.models import FulfilledItem, OrderFulfillment, ShipmentInfo
from airflow_provider_partners.sync.values import format_utc, items, shopify_id, text, text_within_limit, to_count

REMOVED_SUFFIX = "-removed"
"""What follows the order's id in the external id of the fulfillment that stands for removed units."""


def map_fulfillments(
    order: Record, lines: OrderLines, options: MappingOptions, notes: list[str]
) -> list[OrderFulfillment]:
    """The order's fulfillments; one that can't be told to Yotpo is left out with a note."""
    found: dict[str, OrderFulfillment] = {}
    for row in items(order.get("fulfillments")):
        key = shopify_id(row)
        status = translate_value(FULFILLMENT_STATUS, row.get("status"), "fulfillment status", notes)
        date = next(
            filter(None, (format_utc(row.get(name)) for name in FULFILLMENT_DATE_FIELDS[options.fulfillment_date])),
            None,
        )
        fulfilled = _fulfilled_items(row, lines)
        if key and status and date and fulfilled:
            found[key] = OrderFulfillment(
                external_id=key,
                fulfillment_date=date,
                status=status,  # type: ignore[arg-type]
                shipment_info=_shipment_info(row, notes),
                fulfilled_items=fulfilled,
            )
        elif not fulfilled:
            notes.append("a fulfillment without any of the order's lines was left out")
    return list(found.values())


def map_removed_units(order: Record, external_id: str, order_date: str, lines: OrderLines) -> OrderFulfillment | None:
    """The units that were taken off the order before they were shipped, as a fulfillment that is ``cancelled``.

    That is how Yotpo's documentation cancels a part of an order. A line's cancelled units are those ordered, less
    those shipped, less those still to be shipped; shipped and returned units stay in their shipment. The date is the
    order's own, as Shopify has none that would not change with every later edit.

    :param order_date: of the order, as sent
    """
    shipped: Counter[str] = Counter()
    for row in items(order.get("fulfillments")):
        if str(row.get("status")).upper() not in INACTIVE_FULFILLMENTS:
            for part in items(row.get("fulfillmentLineItems")):
                shipped[str(get_path(part, "lineItem.id"))] += to_count(part.get("quantity"))
    gone: Counter[str] = Counter()
    for row in items(order.get("lineItems")):
        line_id = str(row.get("id"))
        if line_id not in lines.product_of or row.get("currentQuantity") is None:
            continue
        ordered = to_count(row.get("quantity"))
        taken = ordered - to_count(row.get("currentQuantity"))
        never_shipped = ordered - shipped[line_id] - to_count(row.get("unfulfilledQuantity"))
        if (units := min(taken, never_shipped)) > 0:
            gone[lines.product_of[line_id]] += units
    if not gone:
        return None
    return OrderFulfillment(
        external_id=f"{external_id}{REMOVED_SUFFIX}",
        fulfillment_date=order_date,
        status="cancelled",
        fulfilled_items=_to_fulfilled_items(gone),
    )


def _fulfilled_items(fulfillment: Record, lines: OrderLines) -> list[FulfilledItem]:
    units: Counter[str] = Counter()
    for part in items(fulfillment.get("fulfillmentLineItems")):
        product = lines.product_of.get(str(get_path(part, "lineItem.id")))
        if product and (count := to_count(part.get("quantity"))) > 0:
            units[product] += count
    return _to_fulfilled_items(units)


def _to_fulfilled_items(units: Counter[str]) -> list[FulfilledItem]:
    return [FulfilledItem(external_product_id=product, quantity=count) for product, count in units.items()]


def _shipment_info(fulfillment: Record, notes: list[str]) -> ShipmentInfo | None:
    """Where it is, and the first parcel that has a number or an address: Yotpo has room for one."""
    parcels = [parcel for parcel in items(fulfillment.get("trackingInfo")) if any(map(text, parcel.values()))]
    parcel: dict[str, Any] = parcels[0] if parcels else {}
    fields = {
        "shipment_status": translate_value(SHIPMENT_STATUS, fulfillment.get("displayStatus"), "shipment status", notes),
        "tracking_company": text(parcel.get("company"), 255),
        "tracking_url": text_within_limit(parcel.get("url"), 2048),
        "tracking_number": text_within_limit(parcel.get("number"), 255),
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return ShipmentInfo(**known) if known else None  # type: ignore[arg-type]
