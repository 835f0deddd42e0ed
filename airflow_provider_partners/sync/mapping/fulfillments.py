"""Map Shopify's fulfillments to Yotpo's, and removed units to a cancelled fulfillment.

External ids are Shopify's ids and must never change: Yotpo would store a shipment twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

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
from airflow_provider_partners.sync.values import (
    format_utc,
    items,
    percent_encoded,
    shopify_id,
    text,
    text_within_limit,
    to_count,
)

REMOVED_SUFFIX = "-removed"
"""Suffix of the order's id in the external id of the fulfillment of removed units."""


def map_fulfillments(order: Record, lines: OrderLines, options: MappingOptions, notes: list[str]) -> list[Record]:
    """Return the order's fulfillments. One that Yotpo can't take is left out with a note."""
    by_id: dict[str, Record] = {}
    for fulfillment in items(order.get("fulfillments")):
        external_id = shopify_id(fulfillment)
        status = translate_value(FULFILLMENT_STATUS, fulfillment.get("status"), "fulfillment status", notes)
        date = next(
            filter(
                None, (format_utc(fulfillment.get(name)) for name in FULFILLMENT_DATE_FIELDS[options.fulfillment_date])
            ),
            None,
        )
        fulfilled_items = _fulfilled_items(fulfillment, lines)
        if external_id and status and date and fulfilled_items:
            by_id[external_id] = OrderFulfillment.payload_of({
                "external_id": external_id,
                "fulfillment_date": date,
                "status": status,
                "shipment_info": _shipment_info(fulfillment, notes),
                "fulfilled_items": fulfilled_items,
            })
        elif not fulfilled_items:
            notes.append("a fulfillment without any of the order's lines was left out")
    return list(by_id.values())


def map_removed_units(order: Record, external_id: str, order_date: str, lines: OrderLines) -> Record | None:
    """Return the units that were removed from the order before they were shipped, as a ``cancelled`` fulfillment.

    Yotpo's documentation cancels a part of an order in this way
    (https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments). The removed units of a line are those
    ordered, minus those shipped, minus those still to be shipped. Shipped and returned units stay in their shipment.

    :param order_date: the date of the order, as sent
    """
    reduced = [line for line in items(order.get("lineItems")) if _removed_count(line) > 0]
    if not reduced:
        return None
    shipped = _shipped_units(order)
    removed: Counter[str] = Counter()
    for line in reduced:
        line_id = str(line.get("id"))
        never_shipped = to_count(line.get("quantity")) - shipped[line_id] - to_count(line.get("unfulfilledQuantity"))
        if line_id in lines.product_of and (units := min(_removed_count(line), never_shipped)) > 0:
            removed[lines.product_of[line_id]] += units
    if not removed:
        return None
    return OrderFulfillment.payload_of({
        "external_id": f"{external_id}{REMOVED_SUFFIX}",
        # Shopify has no date of the removal that later edits of the order leave unchanged.
        "fulfillment_date": order_date,
        "status": "cancelled",
        "fulfilled_items": _to_fulfilled_items(removed),
    })


def _removed_count(line: Record) -> int:
    """Return how many units of a line were removed from the order, shipped or not."""
    ordered, current = line.get("quantity"), line.get("currentQuantity")
    return 0 if current is None or current == ordered else to_count(ordered) - to_count(current)


def _shipped_units(order: Record) -> Counter[str]:
    """Return the shipped units by the id of their line."""
    shipped: Counter[str] = Counter()
    for fulfillment in items(order.get("fulfillments")):
        if str(fulfillment.get("status")).upper() not in INACTIVE_FULFILLMENTS:
            for item in items(fulfillment.get("fulfillmentLineItems")):
                shipped[str(get_path(item, "lineItem.id"))] += to_count(item.get("quantity"))
    return shipped


def _fulfilled_items(fulfillment: Record, lines: OrderLines) -> list[Record]:
    units: dict[str, int] = {}
    for item in items(fulfillment.get("fulfillmentLineItems")):
        product = lines.product_of.get(str(get_path(item, "lineItem.id")))
        if product and (count := to_count(item.get("quantity"))) > 0:
            units[product] = units.get(product, 0) + count
    return _to_fulfilled_items(units)


def _to_fulfilled_items(units: Mapping[str, int]) -> list[Record]:
    return [
        FulfilledItem.payload_of({"external_product_id": product, "quantity": count})
        for product, count in units.items()
    ]


def _shipment_info(fulfillment: Record, notes: list[str]) -> Record | None:
    """Return the shipment's status and one parcel, because Yotpo takes one.

    It is the first that has a number or a URL. If none has, it is the first that names its carrier.
    """
    parcels = [known for parcel in items(fulfillment.get("trackingInfo")) if (known := _tracking(parcel))]
    trackable = (parcel for parcel in parcels if parcel.keys() & {"tracking_number", "tracking_url"})
    fields = next(trackable, parcels[0] if parcels else {})
    status = translate_value(SHIPMENT_STATUS, fulfillment.get("displayStatus"), "shipment status", notes)
    if status is not None:
        fields["shipment_status"] = status
    return ShipmentInfo.payload_of(fields) or None


def _tracking(parcel: Record) -> dict[str, str]:
    fields = {
        "tracking_company": text(parcel.get("company"), 255),
        "tracking_url": percent_encoded(parcel.get("url"), 2048),
        "tracking_number": text_within_limit(parcel.get("number"), 255),
    }
    return {name: value for name, value in fields.items() if value is not None}
