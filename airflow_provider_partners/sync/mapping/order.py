"""Map one Shopify order to one Yotpo order: payload, products, and notes on what was left out.

The same order and options always give the same payload.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.coupons import Coupon
from airflow_provider_partners.sync.mapping.customer import map_address, map_customer
from airflow_provider_partners.sync.mapping.fulfillments import map_fulfillments, map_removed_units
from airflow_provider_partners.sync.mapping.lines import OrderCoupons, OrderLines, group_by_product
from airflow_provider_partners.sync.mapping.properties import map_properties, with_coupon_flag
from airflow_provider_partners.sync.mapping.tables import ORDER_DATE_FIELDS, PAYMENT_STATUS, translate_value
from airflow_provider_partners.sync.options import MappingOptions, Violation, list_violations
from airflow_provider_partners.sync.payload.base import PayloadError
from airflow_provider_partners.sync.payload.codes import currency_codes
from airflow_provider_partners.sync.payload.models import MAX_FULFILLMENTS, MAX_LINE_ITEMS, Cancellation, Order
from airflow_provider_partners.sync.values import format_utc, percent_encoded, shopify_id, text, to_decimal

PAYMENT_METHOD_LIMIT = 64


@dataclass(frozen=True, slots=True)
class MappedOrder:
    """An order that can be sent.

    :param external_id: Shopify's numeric order id
    :param order: Yotpo's payload
    :param products: payloads of the products it names
    :param notes: what was left out, and why
    """

    external_id: str
    order: dict[str, Any]
    products: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UnmappableOrder:
    """An order that is not sent.

    :param external_id: Shopify's numeric order id; empty when the order has none
    :param reason: why it is not sent
    :param rule: the reason without what differs between orders, for counting; the reason itself by default
    :param is_excluded: True if the options exclude it (a test order, nothing to review); False if something is wrong
    """

    external_id: str
    reason: str
    rule: str = ""
    is_excluded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", self.rule or self.reason)

    def to_dict(self) -> dict[str, Any]:
        """Return the record of a dataset of orders that were not built."""
        return {"external_id": self.external_id, "reason": self.reason, "left_out": self.is_excluded}


def map_order(
    order: Record,
    *,
    shop: str,
    options: MappingOptions | None = None,
    coupons: Sequence[Coupon] | None = None,
) -> MappedOrder | UnmappableOrder:
    """Map an order of Shopify's Admin API to a Yotpo payload, or to the reason why it is not sent.

    :param order: as the Admin client returns it, with connections as lists
    :param shop: the shop's domain, for products without a page of their own
    :param coupons: the coupons it was bought with; ``None`` when they are unknown, which leaves the coupon fields out
    """
    options = options or MappingOptions()
    external_id = shopify_id(order)
    order_date = next(
        filter(None, (format_utc(order.get(name)) for name in ORDER_DATE_FIELDS[options.order_date])), None
    )
    if not external_id or not order_date:
        return UnmappableOrder(external_id or "", f"the order has no {'date' if external_id else 'id'}")
    if order.get("test") is True and options.test_orders == "exclude":
        return UnmappableOrder(external_id, "it is a test order", is_excluded=True)
    try:
        lines = group_by_product(order, shop=shop, options=options)
        if not lines.by_product:
            cause, rule = ("; ".join(texts) or "it has no lines" for texts in (lines.notes, lines.causes))
            reason, rule = f"no line can be reviewed: {cause}", f"no line can be reviewed: {rule}"
            return UnmappableOrder(external_id, reason, rule, is_excluded=True)
        return _map_reviewable_order(order, external_id, order_date, lines, options, coupons)
    except ValidationError as error:
        # Pydantic names the class: OrderFulfillment.
        resource = re.sub("(?<=[a-z])(?=[A-Z])", " ", error.title).lower()
        broken = PayloadError(resource, list_violations(error))
        return UnmappableOrder(external_id, broken.message, broken.rule)


def _map_reviewable_order(
    order: Record,
    external_id: str,
    order_date: str,
    lines: OrderLines,
    options: MappingOptions,
    coupons: Sequence[Coupon] | None,
) -> MappedOrder | UnmappableOrder:
    mapping = options.property_mappings["order"]
    line_items = lines.payload(None if coupons is None else OrderCoupons.from_coupons(coupons), options)
    notes = list(dict.fromkeys(lines.notes))
    properties = map_properties(mapping, order, order, notes)
    shipped = map_fulfillments(order, lines, options, notes)
    if violation := _size_violation(len(lines.by_product), len(shipped)):
        return UnmappableOrder(external_id, violation.text, violation.rule)
    cancelled = format_utc(order.get("cancelledAt"))
    if cancelled is None and options.removed_items == "cancelled" and len(shipped) < MAX_FULFILLMENTS:
        removed = map_removed_units(order, external_id, order_date, lines)
        shipped = [*shipped, removed] if removed else shipped
    payload = Order.payload_of({
        "external_id": external_id,
        "order_date": order_date,
        "cancellation": Cancellation.payload_of({"cancellation_date": cancelled}) if cancelled else None,
        "customer": map_customer(order, options),
        "billing_address": map_address(order.get("billingAddress")),
        "shipping_address": map_address(order.get("shippingAddress")),
        "custom_properties": with_coupon_flag(properties, mapping, None if coupons is None else bool(coupons)),
        "line_items": line_items,
        # Without a fulfillment the key is left out: there is nothing to merge.
        "fulfillments": shipped or None,
        **_order_fields(order, notes),
    })
    return MappedOrder(external_id, payload, list(lines.products.values()), notes)


def _size_violation(products: int, shipments: int) -> Violation | None:
    if products > MAX_LINE_ITEMS:
        text = f"it has {products} different products, and Yotpo takes at most {MAX_LINE_ITEMS} line items"
        return Violation(text, f"more than {MAX_LINE_ITEMS} different products")
    if shipments > MAX_FULFILLMENTS:
        text = f"it has {shipments} fulfillments, and Yotpo takes at most {MAX_FULFILLMENTS}"
        return Violation(text, f"more than {MAX_FULFILLMENTS} fulfillments")
    return None


def _known_currency(code: str, notes: list[str]) -> str | None:
    """Return a currency of ISO 4217. Shopify has others (USDC, BYR); an order is worth more than its currency."""
    if not code or code in currency_codes():
        return code or None
    notes.append("its currency is not in ISO 4217, and was left out")
    return None


def _order_fields(order: Record, notes: list[str]) -> dict[str, Any]:
    """Return the fields of the order itself."""
    gateways = order.get("paymentGatewayNames")
    gateway = gateways[0] if isinstance(gateways, list) and gateways else None
    money = get_path(order, "totalPriceSet.shopMoney")
    currency = text(get_path(money, "currencyCode")) or text(order.get("currencyCode")) or ""
    total = to_decimal(get_path(money, "amount"))
    subtotal = to_decimal(get_path(order, "subtotalPriceSet.shopMoney.amount"))
    return {
        "order_name": text(order.get("name"), 255),
        "checkout_token": text(order.get("checkoutToken")),
        # Null until Shopify has attributed the order to the visits before it.
        "landing_site_url": percent_encoded(get_path(order, "customerJourneySummary.firstVisit.landingPage"), 2048),
        "payment_method": text(gateway, PAYMENT_METHOD_LIMIT),
        "payment_status": translate_value(
            PAYMENT_STATUS, order.get("displayFinancialStatus"), "financial status", notes
        ),
        "currency": _known_currency(currency, notes),
        "total_price": None if total is None else float(total),
        "subtotal_price": None if subtotal is None else float(subtotal),
    }
