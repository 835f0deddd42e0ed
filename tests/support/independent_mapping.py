"""A second mapping of orders to Yotpo, from the sandbox's Shopify, Yofi and Voucherify documents.

It is written from the partners' documentation and from the documented defaults of the options. It shares no code with
the package, so a mistake in the package's mapping is not repeated here.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

Doc = dict[str, Any]

PAYMENT = {"PENDING", "AUTHORIZED", "PARTIALLY_PAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED"}
SHIPMENT_STATUS = {"CARRIER_PICKED_UP": "in_transit", "DELAYED": "in_transit", "PICKED_UP": "delivered",
              "NOT_DELIVERED": "failure"}  # fmt: skip
SHIPMENT_STATUS |= {
    word.upper(): word
    for word in (
        "label_printed", "label_purchased", "attempted_delivery", "ready_for_pickup", "confirmed", "in_transit",
        "out_for_delivery", "delivered", "failure",
    )
}  # fmt: skip
ABUSE = {"return_abuse", "drop_off_fraud", "wardrobing", "empty_box", "bot", "bot_abuse"}
GOODS_ARE_BACK = {"received", "refunded", "completed"}


def expected_orders(
    shop_orders: list[Doc],
    yofi: dict[str, dict[str, Doc]],
    redemptions: list[Doc] | None = None,
    *,
    products: list[Doc],
) -> dict[str, Doc]:
    """Return the orders that Yotpo should have, by Shopify's order id.

    :param shop_orders: Shopify's order documents of one shop
    :param yofi: the shop's Yofi documents by kind and id
    :param redemptions: the shop's Voucherify documents, oldest first; ``None`` for a shop without Voucherify
    :param products: Shopify's product documents of the shop
    """
    expected = {}
    variants = {variant["id"]: variant for product in products for variant in product["variants"]}
    for order in shop_orders:
        lines = reviewable(order)
        if lines and not order["test"]:
            mapped = expected[order["legacyResourceId"]] = expected_order(order, lines, yofi)
            add_line_properties(mapped, lines, variants)
            add_discount_codes(mapped, order, lines)
            if redemptions is not None:
                add_coupons(mapped, order, lines, redemptions)
    return expected


def numeric_id(gid: str) -> str:
    return gid.split("?")[0].split("/")[-1]


def reviewable(order: Doc) -> list[Doc]:
    return [
        line
        for line in order["lineItems"]
        if line["quantity"] and not line["isGiftCard"] and line["product"] is not None
    ]


def expected_order(order: Doc, lines: list[Doc], yofi: dict[str, dict[str, Doc]]) -> Doc:
    product_of = {line["id"]: numeric_id(line["product"]["id"]) for line in lines}
    order_date = order["createdAt"].removesuffix("Z")
    shipments = [
        shipment for fulfillment in order["fulfillments"] if (shipment := expected_shipment(fulfillment, product_of))
    ]
    if order["cancelledAt"] is None:
        shipments += removed_units(order, lines, product_of, order_date)
    gateways = order["paymentGatewayNames"]
    return compact({
        "external_id": order["legacyResourceId"],
        "order_name": order["name"],
        "order_date": order_date,
        "checkout_token": order["checkoutToken"],
        "landing_site_url": ((order["customerJourneySummary"] or {}).get("firstVisit") or {}).get("landingPage"),
        "payment_method": gateways[0].strip()[:64].rstrip() if gateways else None,
        "payment_status": order["displayFinancialStatus"].lower()
        if order["displayFinancialStatus"] in PAYMENT
        else None,
        "currency": order["totalPriceSet"]["shopMoney"]["currencyCode"],
        "total_price": float(order["totalPriceSet"]["shopMoney"]["amount"]),
        "subtotal_price": float(order["subtotalPriceSet"]["shopMoney"]["amount"]),
        "cancellation": {"cancellation_date": order["cancelledAt"].removesuffix("Z")} if order["cancelledAt"] else None,
        "customer": expected_customer(order),
        "billing_address": expected_address(order["billingAddress"]),
        "shipping_address": expected_address(order["shippingAddress"]),
        "custom_properties": {"suppress_review_request": suppressed(order, yofi), **order_properties(order)},
        "line_items": line_items_by_product(lines, product_of),
        "fulfillments": {shipment["external_id"]: shipment for shipment in shipments},
    })


def order_properties(order: Doc) -> Doc:
    """Return the custom properties that are sent by default: where the buyer is, and how the order is delivered.

    The documentation of Yotpo's orders: without ``customer_country`` Yotpo takes US; a state has up to 64 characters.
    """
    address = order["shippingAddress"] or order["billingAddress"] or {}
    lines = order["shippingLines"]
    return compact({
        "customer_country": address.get("countryCodeV2"),
        "customer_state": short(address.get("provinceCode"), 64),
        "delivery_type": lines[0]["title"] if lines else None,
    })


OPTION_NAMES = {
    "color": {"color", "colour"},
    "size": {"size", "größe"},
    "material": {"material"},
}


def add_line_properties(mapped: Doc, lines: list[Doc], variants: dict[str, Doc]) -> None:
    """Add the vendor of the first line of each product that has one, and the options with a property's name."""
    for line in lines:
        options = variants.get((line["variant"] or {}).get("id"), {}).get("selectedOptions", [])
        properties = {"vendor": line["vendor"] or None}
        for name, names in OPTION_NAMES.items():
            properties[name] = next((each["value"] for each in options if each["name"].lower() in names), None)
        product = mapped["line_items"][numeric_id(line["product"]["id"])]
        for name, value in compact(properties).items():
            product.setdefault(name, value)


def add_discount_codes(mapped: Doc, order: Doc, lines: list[Doc]) -> None:
    """Add the discount codes of an order: to each line item, the first code that lowered one of its lines."""
    mapped["custom_properties"]["coupon_used"] = bool(order["discountCodes"])
    for product, item in mapped["line_items"].items():
        of_product = [line for line in lines if numeric_id(line["product"]["id"]) == product]
        applied = {
            allocation["discountApplication"].get("code")
            for line in of_product
            for allocation in line["discountAllocations"]
        }
        codes = [code for code in order["discountCodes"] if code in applied]
        item["coupon_used"] = bool(codes)
        if codes:
            item["coupon_code"] = codes[0]


def add_coupons(mapped: Doc, order: Doc, lines: list[Doc], redemptions: list[Doc]) -> None:
    """Add the valid redemptions of an order: to each line item, the first code for its product.

    They go before Shopify's discount codes, which count only for an order without a redemption.
    """
    names = {order["id"], order["legacyResourceId"], order["name"], order["name"].lstrip("#")}
    of_order = [
        document
        for document in redemptions
        if document["order"] and document["order"]["source_id"] in names and document["result"] == "SUCCESS"
    ]
    rolled_back = {document["redemption"] for document in of_order if document["object"] == "redemption_rollback"}
    valid = [
        document
        for document in of_order
        if document["object"] == "redemption"
        and document["id"] not in rolled_back
        and document.get("redemption") not in rolled_back
        and (document.get("voucher") or {}).get("type") == "DISCOUNT_VOUCHER"
    ]
    if not valid:
        return
    mapped["custom_properties"]["coupon_used"] = True
    for product, line in mapped["line_items"].items():
        line.pop("coupon_code", None)
        of_product = [redemption for redemption in valid if product in discounted(redemption, lines)]
        line["coupon_used"] = bool(of_product)
        if of_product:
            first = min(of_product, key=lambda redemption: "ITEM" not in effect(redemption))
            line["coupon_code"] = first["voucher"]["code"]


def effect(redemption: Doc) -> str:
    return redemption["voucher"]["discount"]["effect"]


def discounted(redemption: Doc, lines: list[Doc]) -> set[str]:
    """Return the products that a code discounts: those of the discounted items, or all."""
    all_products = {numeric_id(line["product"]["id"]) for line in lines}
    if "ITEM" not in effect(redemption):
        return all_products
    items = {item["product"]["source_id"] for item in redemption["order"]["items"] if item.get("discount_amount")}
    return (items & all_products) or all_products


def line_items_by_product(lines: list[Doc], product_of: dict[str, str]) -> dict[str, Doc]:
    totals: dict[str, Doc] = {}
    for line in lines:
        total = totals.setdefault(product_of[line["id"]], {"quantity": 0, "price": Decimal(0)})
        total["quantity"] += line["quantity"]
        total["price"] += paid(line)
    return {
        product: {
            "quantity": total["quantity"],
            "total_price": float(total["price"]),
            "subtotal_price": float(total["price"]),
        }
        for product, total in totals.items()
    }


def paid(line: Doc) -> Decimal:
    """Return what was paid for a line: its original price less its share of every discount.

    Shopify: ``originalTotalSet`` "doesn't include discounts", and ``discountAllocations`` are "the discounts that have
    been allocated to the line item by discount applications"
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem).
    """
    price = Decimal(line["originalTotalSet"]["shopMoney"]["amount"])
    for allocation in line["discountAllocations"]:
        price -= Decimal(allocation["allocatedAmountSet"]["shopMoney"]["amount"])
    return price


def expected_shipment(fulfillment: Doc, product_of: dict[str, str]) -> Doc | None:
    units: dict[str, int] = {}
    for item in fulfillment["fulfillmentLineItems"]:
        product = product_of.get(item["lineItem"]["id"])
        if product and item["quantity"]:
            units[product] = units.get(product, 0) + item["quantity"]
    if not units:
        return None
    # Yotpo takes one parcel: the first that can be tracked, else the first with a carrier.
    parcels = sorted(fulfillment["trackingInfo"], key=lambda parcel: not (parcel["number"] or parcel["url"]))
    parcel = parcels[0] if parcels else {}
    info = {
        "shipment_status": SHIPMENT_STATUS.get(fulfillment["displayStatus"]),
        "tracking_company": parcel.get("company"),
        "tracking_number": parcel.get("number"),
        "tracking_url": parcel.get("url"),
    }
    return {
        "external_id": fulfillment["legacyResourceId"],
        "fulfillment_date": fulfillment["createdAt"].removesuffix("Z"),
        "status": fulfillment["status"].lower(),
        "shipment_info": compact(info),
        "fulfilled_items": units,
    }


def removed_units(order: Doc, lines: list[Doc], product_of: dict[str, str], date: str) -> list[Doc]:
    """Return a cancelled fulfillment with the units that were removed before they were shipped, if there are any."""
    units: dict[str, int] = {}
    for line in lines:
        shipped = sum(
            item["quantity"]
            for fulfillment in order["fulfillments"]
            if fulfillment["status"] in {"SUCCESS", "OPEN", "PENDING"}
            for item in fulfillment["fulfillmentLineItems"]
            if item["lineItem"]["id"] == line["id"]
        )
        removed = min(
            line["quantity"] - line["currentQuantity"], line["quantity"] - shipped - line["unfulfilledQuantity"]
        )
        if removed > 0:
            units[product_of[line["id"]]] = units.get(product_of[line["id"]], 0) + removed
    if not units:
        return []
    return [
        {
            "external_id": f"{order['legacyResourceId']}-removed",
            "fulfillment_date": date,
            "status": "cancelled",
            "shipment_info": {},
            "fulfilled_items": units,
        }
    ]


def expected_customer(order: Doc) -> Doc | None:
    customer = order["customer"] or {}
    email = customer.get("defaultEmailAddress") or {}
    number = customer.get("defaultPhoneNumber") or {}

    def name(part: str) -> str | None:
        holders = (customer, order["billingAddress"] or {}, order["shippingAddress"] or {})
        return next((short(holder[part], 255) for holder in holders if holder.get(part)), None)

    consents = {"SUBSCRIBED": True, "UNSUBSCRIBED": False, "NOT_SUBSCRIBED": False, "PENDING": False, "REDACTED": False}
    return (
        compact({
            "external_id": customer.get("legacyResourceId"),
            "first_name": name("firstName"),
            "last_name": name("lastName"),
            "email": email.get("emailAddress") or order["email"],
            "phone_number": telephone(number.get("phoneNumber")) or telephone(order["phone"]),
            "accepts_email_marketing": consents.get(email.get("marketingState")),
            "accepts_sms_marketing": consents.get(number.get("marketingState")),
        })
        or None
    )


def expected_address(address: Doc | None) -> Doc | None:
    if not address:
        return None
    letters = re.compile("[A-Z]{2}")
    fields = {
        "address1": short(address["address1"], 255),
        "address2": short(address["address2"], 255),
        "city": short(address["city"], 255),
        "company": short(address["company"], 255),
        "state": short(address["province"], 64),
        "zip": short(address["zip"], 64),
        "country_code": address["countryCodeV2"],
        "province_code": address["provinceCode"] if letters.fullmatch(address["provinceCode"] or "") else None,
        "phone_number": telephone(address["phone"]),
    }
    return compact(fields) or None


def short(value: str | None, limit: int) -> str | None:
    return value.strip()[:limit].rstrip() if value else None


def telephone(value: str | None) -> str | None:
    """Return a number in E.164, as Yotpo's documentation requires, or ``None``.

    The sandbox's numbers are of countries whose trunk prefix is 0, written in parentheses, or not at all.
    """
    written = (value or "").strip().replace("(0)", "")
    digits = "".join(str(unicodedata.digit(char)) for char in written if char.isdigit())
    if not written.startswith(("+", "00")) or re.search(r"[A-Za-z]", written):
        return None
    digits = digits if written.startswith("+") else digits.removeprefix("00")
    return f"+{digits}" if 7 <= len(digits) <= 15 and not digits.startswith("0") else None


def suppressed(order: Doc, yofi: dict[str, dict[str, Doc]]) -> bool:
    """Return whether the default policy suppresses the review request."""
    returns = [
        document
        for document in yofi["return"].values()
        if document["attributes"]["order_id"] == order["legacyResourceId"]
    ]
    buyer = (order["customer"] or {}).get("legacyResourceId")
    customers = [
        document for document in yofi["customer"].values() if str(document["attributes"]["customer_id"]) == buyer
    ]
    scores: list[tuple[str, float]] = []
    for document in returns:
        if document["attributes"]["state"] in GOODS_ARE_BACK:
            return True
        related = document["relationships"]
        scores += [prediction(yofi["return_prediction"][id_]) for _, id_ in related["return_predictions"]]
        if related["order"]:
            scores += yofi["order"][related["order"][1]]["attributes"]["model_predictions"].items()
        if related["customer"]:
            customers.append(yofi["customer"][related["customer"][1]])
    for customer in customers:
        scores += (customer["attributes"]["model_predictions"] or {}).items()
        if buyer and str(customer["attributes"]["customer_id"]) == buyer:
            scores += [
                prediction(yofi["customer_prediction"][id_])
                for _, id_ in customer["relationships"]["customer_predictions"]
            ]
    return any(category in ABUSE and value >= 0.8 for category, value in scores)


def prediction(document: Doc) -> tuple[str, float]:
    return document["attributes"]["prediction_category"], document["attributes"]["predicted_value"]


def compact(fields: Doc) -> Doc:
    return {name: value for name, value in fields.items() if value is not None}


SHOWN_OF_LINES = {
    "quantity", "total_price", "subtotal_price", "coupon_code", "coupon_used", "vendor", "color", "size", "material",
}  # fmt: skip


def as_read(order: Doc) -> Doc:
    """Convert an order of Yotpo's API to the form of :func:`expected_order`: lists by id, without Yotpo's own ids."""
    yotpo_fields = {"yotpo_id", "created_at", "updated_at", "store_id", "source"}
    shown = {name: value for name, value in order.items() if name not in yotpo_fields}
    shown["line_items"] = {
        line["external_product_id"]: {
            name: value
            for name, value in {**line, **line.get("custom_properties", {})}.items()
            if name in SHOWN_OF_LINES
        }
        for line in order["line_items"]
    }
    shown["fulfillments"] = {
        fulfillment["external_id"]: {
            **{name: fulfillment[name] for name in ("external_id", "fulfillment_date", "status", "shipment_info")},
            "fulfilled_items": {
                item["external_product_id"]: item["quantity"] for item in fulfillment["fulfilled_items"]
            },
        }
        for fulfillment in order["fulfillments"]
    }
    return shown
