"""Actions on an order after it was placed: payment, fulfillment, tracking events, cancellation, refund.

Each action writes facts into the order document as Shopify would. The caller then calls
:func:`~airflow_provider_partners.sandbox.world.orders.totals.recalculate`. Times are ISO with ``Z``; nothing is random.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.money import ZERO, Currencies, MoneyBag, parse_money_bag, total
from airflow_provider_partners.sandbox.world.orders.discounts import price_after_discounts
from airflow_provider_partners.sandbox.world.orders.totals import (
    charged_amount,
    has_transaction,
    line_tax,
    paid_amount,
    refunded_amount,
    share_of_units,
)

# Display statuses of a fulfillment without a report from the carrier.
_SHIPPED, _MARKED = "FULFILLED", "MARKED_AS_FULFILLED"
_NOT_SHIPPED = {"PENDING": "SUBMITTED", "OPEN": "SUBMITTED", "ERROR": "NOT_DELIVERED", "FAILURE": "NOT_DELIVERED"}


def pay(
    order: Document,
    ids: Ids,
    kind: str,
    amount: MoneyBag,
    at: str,
    *,
    status: str = "SUCCESS",
    expires: str | None = None,
) -> Document:
    """Add a transaction: ``SALE``, ``AUTHORIZATION``, ``CAPTURE``, ``VOID`` or ``REFUND``."""
    names = order["paymentGatewayNames"]
    gateway = names[0] if names else "manual"
    step = {
        "id": gid("OrderTransaction", ids.take()),
        "kind": kind,
        "status": status,
        "gateway": gateway,
        "formattedGateway": gateway.replace("_", " ").title(),
        "manualPaymentGateway": gateway == "manual",
        "amountSet": Currencies.of(order).render(amount),
        "authorizationExpiresAt": expires,
        "createdAt": at,
        "processedAt": at,
        "test": order["test"],
        "errorCode": None,
        "manuallyCapturable": kind == "AUTHORIZATION",
        "multiCapturable": False,
    }
    order["transactions"].append(step)
    return step


def ship(
    order: Document,
    ids: Ids,
    at: str,
    quantities: Mapping[str, int],
    *,
    tracking: Iterable[Document] = (),
    status: str = "SUCCESS",
) -> Document:
    """Fulfill units of line items.

    :param quantities: units by line item id
    :param status: a status other than ``SUCCESS`` for a failed fulfillment
    """
    number = ids.take()
    parcels = list(tracking)
    money = Currencies.of(order)
    lines = {line["id"]: line for line in order["lineItems"]}
    fulfillment: Document = {
        "id": gid("Fulfillment", number),
        "legacyResourceId": str(number),
        "name": f"{order['name']}.{len(order['fulfillments']) + 1}",
        "status": status,
        "displayStatus": _NOT_SHIPPED.get(status, _SHIPPED if parcels else _MARKED),
        "createdAt": at,
        "updatedAt": at,
        "inTransitAt": None,
        "deliveredAt": None,
        "estimatedDeliveryAt": None,
        "totalQuantity": sum(quantities.values()),
        "requiresShipping": any(lines[name]["requiresShipping"] for name in quantities),
        "trackingInfo": parcels,
        "fulfillmentLineItems": [
            {
                "id": gid("FulfillmentLineItem", ids.take()),
                "quantity": units,
                "lineItem": {"id": name},
                "originalTotalSet": money.render(parse_money_bag(lines[name]["originalUnitPriceSet"]) * units),
                "discountedTotalSet": money.render(_line_level_price(money, lines[name], units)),
            }
            for name, units in quantities.items()
        ],
        "events": [],
    }
    order["fulfillments"].append(fulfillment)
    return fulfillment


def add_tracking_event(
    fulfillment: Document, ids: Ids, status: str, at: str, *, expected: str | None = None, city: str | None = None
) -> None:
    """Add the carrier's report to a fulfillment, such as ``IN_TRANSIT`` or ``DELIVERED``.

    :param expected: the estimated delivery time
    """
    fulfillment["events"].append({
        "id": gid("FulfillmentEvent", ids.take()),
        "status": status,
        "happenedAt": at,
        "createdAt": at,
        "estimatedDeliveryAt": expected,
        "message": None,
        "address1": None,
        "city": city,
        "country": None,
        "province": None,
        "zip": None,
        "latitude": None,
        "longitude": None,
    })
    fulfillment["displayStatus"] = status
    fulfillment["updatedAt"] = max(fulfillment["updatedAt"], at)
    if status == "IN_TRANSIT":
        fulfillment["inTransitAt"] = at
    if status == "DELIVERED":
        fulfillment["deliveredAt"] = at
    if expected:
        fulfillment["estimatedDeliveryAt"] = expected


def cancel_shipment(fulfillment: Document, at: str) -> None:
    """Cancel a fulfillment; its units have to be shipped again."""
    fulfillment["status"] = "CANCELLED"
    fulfillment["displayStatus"] = "CANCELED"
    fulfillment["updatedAt"] = at


def create_refund(
    order: Document,
    ids: Ids,
    at: str,
    quantities: Mapping[str, int],
    *,
    restock: str,
    shipping: bool = False,
    money: bool = True,
    note: str | None = None,
) -> Document:
    """Refund units of an order; without ``money`` an edit removes them.

    Shopify stores a removal by edit as a refund without a transaction.

    :param restock: ``RETURN`` (shipped and returned), ``NO_RESTOCK`` (shipped, not returned), ``CANCEL`` (never
        shipped)
    :param shipping: True if the shipping charge is refunded, too
    """
    currencies = Currencies.of(order)
    lines = {line["id"]: line for line in order["lineItems"]}
    amount = total(charged_amount(order, lines[name], units) for name, units in quantities.items())
    shipping_rows = _refunded_shipping(order, ids) if shipping else []
    amount += total(parse_money_bag(item["subtotalAmountSet"]) for item in shipping_rows)
    number = ids.take()
    refund: Document = {
        "id": gid("Refund", number),
        "legacyResourceId": str(number),
        "createdAt": at,
        "updatedAt": at,
        "processedAt": at,
        "note": note,
        "totalRefundedSet": currencies.render(amount if money else ZERO),
        "refundLineItems": [
            _refunded_line(order, ids, lines[name], units, restock) for name, units in quantities.items()
        ],
        "refundShippingLines": shipping_rows,
        "transactions": [],
    }
    if money and amount:
        refund["transactions"] = [pay(order, ids, "REFUND", amount, at)]
    order["refunds"].append(refund)
    return refund


def cancel(order: Document, ids: Ids, at: str, reason: str) -> None:
    """Cancel an order that has not been shipped: remove its lines, then refund or void the payment."""
    paid = bool(paid_amount(order) - refunded_amount(order))
    quantities = {line["id"]: line["currentQuantity"] for line in order["lineItems"] if line["currentQuantity"]}
    if not paid and order["transactions"] and not has_transaction(order, "VOID"):
        pay(order, ids, "VOID", parse_money_bag(order["totalPriceSet"]), at)
    create_refund(order, ids, at, quantities, restock="CANCEL", shipping=paid, money=paid, note="Order canceled")
    order["cancelledAt"] = at
    order["cancelReason"] = reason
    order["closedAt"] = at


def _line_level_price(money: Currencies, line: Document, units: int) -> MoneyBag:
    """Return the price of shipped units. Shopify leaves discounts of the whole order out of it.

    See https://shopify.dev/docs/api/admin-graphql/latest/objects/FulfillmentLineItem.
    """
    discounted = parse_money_bag(line["originalTotalSet"]) - parse_money_bag(line["totalDiscountSet"])
    return money.share(discounted, Decimal(units) / line["quantity"])


def _refunded_line(order: Document, ids: Ids, line: Document, units: int, restock: str) -> dict[str, Any]:
    money = Currencies.of(order)
    subtotal = share_of_units(order, line, price_after_discounts(line), units)
    return {
        "id": gid("RefundLineItem", ids.take()),
        "quantity": units,
        "restockType": restock,
        "restocked": restock in {"RETURN", "CANCEL"},
        "lineItem": {"id": line["id"]},
        "priceSet": money.render(money.share(subtotal, 1 / Decimal(units)) if units else ZERO),
        "subtotalSet": money.render(subtotal),
        "totalTaxSet": money.render(share_of_units(order, line, line_tax(line), units)),
    }


def _refunded_shipping(order: Document, ids: Ids) -> list[Document]:
    currencies = Currencies.of(order)
    return [
        {
            "id": gid("RefundShippingLine", ids.take()),
            "shippingLine": item,
            "subtotalAmountSet": item["discountedPriceSet"],
            "taxAmountSet": currencies.render(ZERO),
        }
        for item in order["shippingLines"]
        if parse_money_bag(item["discountedPriceSet"])
    ]
