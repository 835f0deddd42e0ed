"""Builds orders of a given scenario and age: the document as placed, then payment, shipping and later changes.

It reads :mod:`~airflow_provider_partners.sandbox.world.orders.scenarios` and writes Shopify's ``Order``.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from airflow_provider_partners.sandbox.random_streams import hexadecimal
from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world import customers as people
from airflow_provider_partners.sandbox.world.identifiers import gid
from airflow_provider_partners.sandbox.world.money import ZERO, Currencies, parse_money_bag, priced
from airflow_provider_partners.sandbox.world.orders import lifecycle as act
from airflow_provider_partners.sandbox.world.orders.discounts import Discount
from airflow_provider_partners.sandbox.world.orders.edge_cases import BASICS, EDGE_CASES, OrderBasics
from airflow_provider_partners.sandbox.world.orders.lines import LINES, Merchant, PriceTerms, line_items
from airflow_provider_partners.sandbox.world.orders.scenarios import SHIPPING, TRACKING_HISTORIES, Scenario, Shipment
from airflow_provider_partners.sandbox.world.orders.totals import recalculate
from airflow_provider_partners.sandbox.world.products import metafield

_CARRIERS: Mapping[str, tuple[str, str]] = {
    "US": ("UPS", "https://www.ups.example/track?num={}"),
    "CA": ("Canada Post", "https://canadapost.example/track/{}"),
    "GB": ("Royal Mail", "https://royalmail.example/{}"),
    "FR": ("La Poste", "https://laposte.example/suivi?code={}"),
    "DE": ("DHL", "https://dhl.example/sendung?nr={}"),
    "JP": ("ヤマト運輸", "https://yamato.example/{}"),
}


def order_of(merchant: Merchant, scenario: Scenario, created: datetime) -> Document:
    """Build one order of a scenario in its current state.

    :param created: when it was placed
    """
    order = _placed(merchant, scenario, created)
    for edge_case in scenario.edge_cases:
        if edge_case in EDGE_CASES:
            EDGE_CASES[edge_case](order)
    recalculate(order)
    _pay(merchant, order, scenario, created)
    recalculate(order)
    if scenario.later_changes in _BEFORE_SHIPPING:
        _BEFORE_SHIPPING[scenario.later_changes](merchant, order, format_timestamp(created, plus=timedelta(hours=3)))
        recalculate(order, order["refunds"][-1]["createdAt"])
    last = _ship(merchant, order, scenario, created)
    if scenario.later_changes in _AFTER_SHIPPING:
        last += timedelta(hours=merchant.rng.uniform(20, 90))
        _AFTER_SHIPPING[scenario.later_changes](merchant, order, format_timestamp(last))
    if order["displayFulfillmentStatus"] == "FULFILLED" and merchant.rng.random() < 0.5:
        order["closedAt"] = format_timestamp(last)
    return recalculate(order, format_timestamp(last))


def _basics(merchant: Merchant, scenario: Scenario) -> OrderBasics:
    changes: dict[str, Any] = {}
    for edge_case in scenario.edge_cases:
        changes.update(BASICS.get(edge_case, {}))
    return replace(OrderBasics(gateway=merchant.rng.choice(("shopify_payments", "paypal"))), **changes)


def _placed(merchant: Merchant, scenario: Scenario, created: datetime) -> Document:
    """Build the order as it is placed, unpaid."""
    rng, ids, shop = merchant.rng, merchant.ids, merchant.shop
    basics = _basics(merchant, scenario)
    merchant.number += 1
    number = ids.take()
    terms = _terms(merchant, basics)
    money = terms.money
    items = [item for name in scenario.lines for item in LINES[name](merchant)]
    codes = terms.codes
    customer = people.pick_customer(rng, merchant.customers)
    shipping_address = people.address(rng, ids, shop.country, customer)
    costs = basics.charged or (basics.shipping and rng.random() < 0.7)
    charge = money.bag(priced(Decimal(6), shop.currency)) if costs else ZERO
    tip = money.bag(priced(Decimal(3), shop.currency)) if basics.tip else ZERO
    at = format_timestamp(created)
    return {
        "id": gid("Order", number),
        "legacyResourceId": str(number),
        "name": shop.order_name.format(merchant.number),
        "number": merchant.number,
        "confirmationNumber": hexadecimal(rng, 9).upper(),
        "checkoutToken": hexadecimal(rng, 32),
        "createdAt": at,
        "updatedAt": at,
        "processedAt": at,
        "cancelledAt": None,
        "cancelReason": None,
        "closedAt": None,
        "closed": False,
        "confirmed": True,
        "test": basics.test,
        "displayFinancialStatus": None,
        "displayFulfillmentStatus": "UNFULFILLED",
        "returnStatus": "NO_RETURN",
        "currencyCode": money.shop,
        "presentmentCurrencyCode": money.presentment,
        "taxesIncluded": shop.taxes_included,
        "taxExempt": False,
        "estimatedTaxes": False,
        "dutiesIncluded": False,
        "email": customer["email"],
        "phone": customer["phone"],
        "customerLocale": shop.locale,
        "customerAcceptsMarketing": False,
        "sourceName": basics.source,
        "tags": [],
        "paymentGatewayNames": [basics.gateway] if basics.gateway else [],
        "statusPageUrl": f"https://{shop.domain}/{shop.number}/orders/{hexadecimal(rng, 32)}/authenticate",
        "note": None,
        "edited": False,
        "merchantEditable": True,
        "hasTimelineComment": False,
        "productNetwork": False,
        "currentTotalWeight": "0",
        "totalWeight": "0",
        "requiresShipping": any(item.ships for item in items),
        "customAttributes": [],
        "discountCode": codes[0] if codes else None,
        "discountCodes": codes,
        "discountApplications": terms.applications,
        "customer": copy.deepcopy(customer),
        "billingAddress": shipping_address,
        "shippingAddress": copy.deepcopy(shipping_address),
        "billingAddressMatchesShippingAddress": True,
        "totalTipReceivedSet": money.render(tip),
        "shippingLines": _shipping_lines(merchant, money.render(charge), number) if basics.shipping else [],
        "customerJourneySummary": _journey(merchant, number, at) if basics.source == "web" else None,
        "metafields": [metafield(number, 1, "custom.gift", "boolean", True, at)] if number % 3 == 0 else [],
        "lineItems": line_items(ids, items, terms),
        "fulfillments": [],
        "refunds": [],
        "transactions": [],
    }


def _terms(merchant: Merchant, basics: OrderBasics) -> PriceTerms:
    shop, rng = merchant.shop, merchant.rng
    return PriceTerms(
        money=Currencies(shop.currency, rng.choice(shop.presentments) if basics.abroad else shop.currency),
        tax_rate=Decimal(shop.tax_rate),
        taxes_included=shop.taxes_included,
        discounts=list(_discounts(basics, shop.currency, reduced=rng.random() < 0.15 or basics.reduced)),
    )


def _discounts(basics: OrderBasics, currency: str, *, reduced: bool) -> Iterator[Discount]:
    """Yield the discounts in the order in which they apply: those of products come first."""
    if reduced:
        yield Discount(kind="automatic", name="Season's end", whole_order=False, fraction=Decimal("0.15"))
    if basics.product_code:
        fraction = Decimal(basics.product_code) / 100
        yield Discount(kind="code", name=f"HALF{basics.product_code}", whole_order=False, fraction=fraction)
    if basics.order_code:
        fraction = Decimal(basics.order_code) / 100
        yield Discount(kind="code", name=f"WELCOME{basics.order_code}", whole_order=True, fraction=fraction)
    if basics.amount_off:
        amount = priced(Decimal(basics.amount_off), currency)
        yield Discount(kind="manual", name="Goodwill", whole_order=True, amount=amount)


def _journey(merchant: Merchant, number: int, at: str) -> Document:
    """Build the visits before the order. Shopify attributes them later, so some orders have none yet.

    See https://shopify.dev/docs/api/admin-graphql/latest/objects/CustomerJourneySummary (``ready``).
    """
    ready = merchant.number % 4 != 0
    visit = {
        "id": gid("CustomerVisit", number + 2),
        "landingPage": f"https://{merchant.shop.domain}/collections/all?utm_campaign=n%C2%B0{number % 9}",
        "landingPageHtml": None,
        "occurredAt": at,
        "referralInfoHtml": "",
        "referrerUrl": None,
        "source": "direct",
    }
    return {
        "ready": ready,
        "customerOrderIndex": None,
        "daysToConversion": 0 if ready else None,
        "firstVisit": visit if ready else None,
        "lastVisit": visit if ready else None,
    }


def _shipping_lines(merchant: Merchant, charge: Document, number: int) -> list[Document]:
    title = ("Standard", "Express", "Local pickup")[number // 3 % 3]
    return [
        {
            "id": gid("ShippingLine", merchant.ids.take()),
            "title": title,
            "code": title.lower().replace(" ", "-"),
            "source": "shopify",
            "custom": False,
            "isRemoved": False,
            "originalPriceSet": charge,
            "discountedPriceSet": charge,
            "currentDiscountedPriceSet": charge,
            "discountAllocations": [],
            "taxLines": [],
        }
    ]


def _pay(merchant: Merchant, order: Document, scenario: Scenario, created: datetime) -> None:
    money, ids = Currencies.of(order), merchant.ids
    due = parse_money_bag(order["totalPriceSet"])
    soon = format_timestamp(created, plus=timedelta(seconds=merchant.rng.randint(2, 40)))
    if not due or scenario.payment == "unknown":
        return
    if scenario.payment in {"authorized", "expired"}:
        # Card authorizations expire after seven days.
        act.pay(order, ids, "AUTHORIZATION", due, soon, expires=format_timestamp(created, plus=timedelta(days=7)))
    elif scenario.payment == "part":
        act.pay(order, ids, "SALE", money.share(due, Decimal("0.5")), soon)
    else:
        act.pay(order, ids, "SALE", due, soon, status="PENDING" if scenario.payment == "pending" else "SUCCESS")
    order["updatedAt"] = soon
    if scenario.payment == "expired":
        order["updatedAt"] = format_timestamp(created, plus=timedelta(days=7))


def _ship(merchant: Merchant, order: Document, scenario: Scenario, created: datetime) -> datetime:
    """Apply the shipping plan; return the time of the last event."""
    rng = merchant.rng
    last = _parse_timestamp(order["updatedAt"])
    units = [line["id"] for line in order["lineItems"] for _ in range(line["unfulfilledQuantity"])]
    start = created + timedelta(hours=rng.uniform(4, 30))
    share, taken = 0.0, 0
    for shipment_index, shipment in enumerate(SHIPPING[scenario.shipping]):
        at = start + timedelta(hours=shipment_index * rng.uniform(1, 1.5))
        if shipment.status == "CANCELLED":
            last = max(last, _cancelled(merchant, order, units, at))
            continue
        share += shipment.units
        end_unit = max(taken + 1, round(share * len(units)))
        part, taken = Counter(units[taken:end_unit]), end_unit
        if part:
            last = max(last, _shipped(merchant, order, shipment, part, at))
    recalculate(order)
    return last


def _cancelled(merchant: Merchant, order: Document, units: list[str], at: datetime) -> datetime:
    """Ship everything in a fulfillment that is cancelled an hour later."""
    end = at + timedelta(hours=1)
    fulfillment = act.ship(order, merchant.ids, format_timestamp(at), Counter(units), tracking=[tracking(merchant)])
    act.cancel_shipment(fulfillment, format_timestamp(end))
    return end


def _shipped(
    merchant: Merchant, order: Document, shipment: Shipment, part: Mapping[str, int], at: datetime
) -> datetime:
    parcels = [tracking(merchant) for _ in range(shipment.tracking)]
    if shipment.first_parcel_unnumbered:
        parcels[0] = {"company": parcels[0]["company"], "number": None, "url": None}
    fulfillment = act.ship(order, merchant.ids, format_timestamp(at), part, tracking=parcels, status=shipment.status)
    expected = format_timestamp(at, plus=timedelta(days=3))
    city = (order["shippingAddress"] or {}).get("city")
    last, pace = at, merchant.rng.uniform(0.8, 1.2)
    for carrier_status, hours in TRACKING_HISTORIES[shipment.tracking_status]:
        last = at + timedelta(hours=hours * pace)
        act.add_tracking_event(
            fulfillment,
            merchant.ids,
            carrier_status,
            format_timestamp(last),
            expected=expected if carrier_status == "IN_TRANSIT" else None,
            city=city,
        )
    return last


def tracking(merchant: Merchant) -> Document:
    """Return a tracking number of the usual carrier in the shop's country."""
    company, url = _CARRIERS[merchant.shop.country]
    number = f"SB{merchant.rng.randrange(10**10):010d}"
    return {"company": company, "number": number, "url": url.format(number)}


def _remove(merchant: Merchant, order: Document, at: str, *, money: bool) -> None:
    first = order["lineItems"][0]
    act.create_refund(order, merchant.ids, at, {first["id"]: first["quantity"]}, restock="CANCEL", money=money)
    order["edited"] = True


def _give_back(order: Document, merchant: Merchant, at: str, *, lines: int, units: int, restock: str) -> None:
    """Refund at most ``units`` units of at most ``lines`` lines.

    A refund of all lines includes the shipping charge.
    """
    chosen = order["lineItems"][:lines]
    quantities = {item["id"]: min(units, item["currentQuantity"]) for item in chosen if item["currentQuantity"]}
    act.create_refund(order, merchant.ids, at, quantities, restock=restock, shipping=lines >= len(order["lineItems"]))


_LaterChange = Callable[[Merchant, Document, str], None]
_ALL = 10**6
_BEFORE_SHIPPING: Mapping[str, _LaterChange] = {
    "remove": lambda merchant, order, at: _remove(merchant, order, at, money=True),
    "remove unpaid": lambda merchant, order, at: _remove(merchant, order, at, money=False),
}
_AFTER_SHIPPING: Mapping[str, _LaterChange] = {
    "cancel": lambda merchant, order, at: act.cancel(
        order,
        merchant.ids,
        at,
        merchant.rng.choice(("CUSTOMER", "FRAUD", "INVENTORY", "OTHER", "STAFF", "DECLINED")),
    ),
    "refund": lambda merchant, order, at: _give_back(order, merchant, at, lines=_ALL, units=_ALL, restock="RETURN"),
    "restock": lambda merchant, order, at: _give_back(order, merchant, at, lines=1, units=_ALL, restock="RETURN"),
    "refund one": lambda merchant, order, at: _give_back(order, merchant, at, lines=1, units=1, restock="NO_RESTOCK"),
    "refund shipping": lambda merchant, order, at: _refund_shipping(order, merchant, at),
}


def _refund_shipping(order: Document, merchant: Merchant, at: str) -> None:
    act.create_refund(order, merchant.ids, at, {}, restock="NO_RESTOCK", shipping=True, note="Sorry for the delay")


def _parse_timestamp(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
