"""What Yotpo should hold for a shop, worked out a second time from the sandbox's Shopify and Yofi documents.

Written from the partners' documentation and from what the options promise by default. It shares no line with the
package: a mistake in the mapping and the same mistake here would have to be made twice.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

Doc = dict[str, Any]

PAYMENT = {"PENDING", "AUTHORIZED", "PARTIALLY_PAID", "PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED"}
SHIPPED_AS = {"CARRIER_PICKED_UP": "in_transit", "DELAYED": "in_transit", "PICKED_UP": "delivered",
              "NOT_DELIVERED": "failure"}  # fmt: skip
SHIPPED_AS |= {
    word.upper(): word
    for word in (
        "label_printed", "label_purchased", "attempted_delivery", "ready_for_pickup", "confirmed", "in_transit",
        "out_for_delivery", "delivered", "failure",
    )
}  # fmt: skip
ABUSE = {"return_abuse", "drop_off_fraud", "wardrobing", "empty_box", "bot", "bot_abuse"}
GOODS_ARE_BACK = {"received", "refunded", "completed"}


def expected_orders(
    shop_orders: list[Doc], yofi: dict[str, dict[str, Doc]], redemptions: list[Doc] | None = None
) -> dict[str, Doc]:
    """By Shopify's order id, the order as Yotpo should show it.

    :param shop_orders: Shopify's order documents of one shop
    :param yofi: the shop's Yofi documents by kind and id
    :param redemptions: the shop's Voucherify documents, oldest first; none where it has no Voucherify
    """
    wanted = {}
    for order in shop_orders:
        lines = reviewable(order)
        if lines and not order["test"]:
            mapped = wanted[order["legacyResourceId"]] = expected_order(order, lines, yofi)
            if redemptions is not None:
                tell_coupons(mapped, order, lines, redemptions)
    return wanted


def tail(gid: str) -> str:
    return gid.split("?")[0].split("/")[-1]


def reviewable(order: Doc) -> list[Doc]:
    return [
        line
        for line in order["lineItems"]
        if line["quantity"] and not line["isGiftCard"] and line["product"] is not None
    ]


def expected_order(order: Doc, lines: list[Doc], yofi: dict[str, dict[str, Doc]]) -> Doc:
    product_of = {line["id"]: tail(line["product"]["id"]) for line in lines}
    order_date = order["createdAt"].removesuffix("Z")
    shipments = [shipment for row in order["fulfillments"] if (shipment := expected_shipment(row, product_of))]
    if order["cancelledAt"] is None:
        shipments += taken_off(order, lines, product_of, order_date)
    gateways = order["paymentGatewayNames"]
    return compact({
        "external_id": order["legacyResourceId"],
        "order_name": order["name"],
        "order_date": order_date,
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
        "custom_properties": {"suppress_review_request": suppressed(order, yofi)},
        "line_items": grouped(lines, product_of),
        "fulfillments": {shipment["external_id"]: shipment for shipment in shipments},
    })


def tell_coupons(mapped: Doc, order: Doc, lines: list[Doc], redemptions: list[Doc]) -> None:
    """Add what the redemptions of an order say: of each product the first code that stands."""
    names = {order["id"], order["legacyResourceId"], order["name"], order["name"].lstrip("#")}
    mine = [row for row in redemptions if row["order"] and row["order"]["source_id"] in names]
    mine = [row for row in mine if row["result"] == "SUCCESS"]
    taken_back = {row["redemption"] for row in mine if row["object"] == "redemption_rollback"}
    stands = [
        row
        for row in mine
        if row["object"] == "redemption"
        and row["id"] not in taken_back
        and row.get("redemption") not in taken_back
        and (row.get("voucher") or {}).get("type") == "DISCOUNT_VOUCHER"
    ]
    mapped["custom_properties"]["coupon_used"] = bool(stands)
    for product, line in mapped["line_items"].items():
        own = [row for row in stands if product in discounted(row, lines)]
        line["coupon_used"] = bool(own)
        if own:
            line["coupon_code"] = (sorted(own, key=lambda row: "ITEM" not in effect(row))[0])["voucher"]["code"]


def effect(redemption: Doc) -> str:
    return redemption["voucher"]["discount"]["effect"]


def discounted(redemption: Doc, lines: list[Doc]) -> set[str]:
    """The products that a code was for: those of the items it lowered, or all."""
    every = {tail(line["product"]["id"]) for line in lines}
    if "ITEM" not in effect(redemption):
        return every
    lowered = {item["product"]["source_id"] for item in redemption["order"]["items"] if item.get("discount_amount")}
    return (lowered & every) or every


def grouped(lines: list[Doc], product_of: dict[str, str]) -> dict[str, Doc]:
    found: dict[str, Doc] = {}
    for line in lines:
        row = found.setdefault(product_of[line["id"]], {"quantity": 0, "price": Decimal(0)})
        row["quantity"] += line["quantity"]
        row["price"] += Decimal(line["discountedTotalSet"]["shopMoney"]["amount"])
    return {
        product: {
            "quantity": row["quantity"],
            "total_price": float(row["price"]),
            "subtotal_price": float(row["price"]),
        }
        for product, row in found.items()
    }


def expected_shipment(row: Doc, product_of: dict[str, str]) -> Doc | None:
    units: dict[str, int] = {}
    for item in row["fulfillmentLineItems"]:
        product = product_of.get(item["lineItem"]["id"])
        if product and item["quantity"]:
            units[product] = units.get(product, 0) + item["quantity"]
    if not units:
        return None
    parcels = [parcel for parcel in row["trackingInfo"] if any(parcel.values())]
    parcel = parcels[0] if parcels else {}
    info = {
        "shipment_status": SHIPPED_AS.get(row["displayStatus"]),
        "tracking_company": parcel.get("company"),
        "tracking_number": parcel.get("number"),
        "tracking_url": parcel.get("url"),
    }
    return {
        "external_id": row["legacyResourceId"],
        "fulfillment_date": row["createdAt"].removesuffix("Z"),
        "status": row["status"].lower(),
        "shipment_info": compact(info),
        "fulfilled_items": units,
    }


def taken_off(order: Doc, lines: list[Doc], product_of: dict[str, str], date: str) -> list[Doc]:
    """Units that left the order without ever having been shipped."""
    units: dict[str, int] = {}
    for line in lines:
        shipped = sum(
            item["quantity"]
            for row in order["fulfillments"]
            if row["status"] in {"SUCCESS", "OPEN", "PENDING"}
            for item in row["fulfillmentLineItems"]
            if item["lineItem"]["id"] == line["id"]
        )
        gone = min(line["quantity"] - line["currentQuantity"], line["quantity"] - shipped - line["unfulfilledQuantity"])
        if gone > 0:
            units[product_of[line["id"]]] = units.get(product_of[line["id"]], 0) + gone
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

    agrees = {"SUBSCRIBED": True, "UNSUBSCRIBED": False, "NOT_SUBSCRIBED": False, "PENDING": False, "REDACTED": False}
    return (
        compact({
            "external_id": customer.get("legacyResourceId"),
            "first_name": name("firstName"),
            "last_name": name("lastName"),
            "email": email.get("emailAddress") or order["email"],
            "phone_number": telephone(number.get("phoneNumber")) or telephone(order["phone"]),
            "accepts_email_marketing": agrees.get(email.get("marketingState")),
            "accepts_sms_marketing": agrees.get(number.get("marketingState")),
        })
        or None
    )


def expected_address(address: Doc | None) -> Doc | None:
    if not address:
        return None
    letters = re.compile("[A-Z]{2}")
    found = {
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
    return compact(found) or None


def short(value: str | None, limit: int) -> str | None:
    return value.strip()[:limit].rstrip() if value else None


def telephone(value: str | None) -> str | None:
    """E.164, as the documentation demands; anything else had better be left out."""
    digits = "".join(char for char in value or "" if char.isdigit())
    international = (value or "").strip().startswith(("+", "00"))
    if not international or re.search(r"[A-Za-z]", value or ""):
        return None
    digits = digits.removeprefix("00") if not (value or "").strip().startswith("+") else digits
    return f"+{digits}" if 7 <= len(digits) <= 15 and not digits.startswith("0") else None


def suppressed(order: Doc, yofi: dict[str, dict[str, Doc]]) -> bool:
    """Whether the default policy asks for silence."""
    returns = [row for row in yofi["return"].values() if row["attributes"]["order_id"] == order["legacyResourceId"]]
    buyer = (order["customer"] or {}).get("legacyResourceId")
    customers = [row for row in yofi["customer"].values() if str(row["attributes"]["customer_id"]) == buyer]
    scores: list[tuple[str, float]] = []
    for row in returns:
        if row["attributes"]["state"] in GOODS_ARE_BACK:
            return True
        related = row["relationships"]
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


def prediction(row: Doc) -> tuple[str, float]:
    return row["attributes"]["prediction_category"], row["attributes"]["predicted_value"]


def compact(fields: Doc) -> Doc:
    return {name: value for name, value in fields.items() if value is not None}


def as_read(order: Doc) -> Doc:
    """An order as Yotpo's API shows it, in the form of :func:`expected_order`: lists by id, ids of its own left out."""
    own = {"yotpo_id", "created_at", "updated_at", "store_id", "source"}
    shown = {name: value for name, value in order.items() if name not in own}
    shown["line_items"] = {
        line["external_product_id"]: {
            name: value
            for name, value in {**line, **line.get("custom_properties", {})}.items()
            if name in {"quantity", "total_price", "subtotal_price", "coupon_code", "coupon_used"}
        }
        for line in order["line_items"]
    }
    shown["fulfillments"] = {
        row["external_id"]: {
            **{name: row[name] for name in ("external_id", "fulfillment_date", "status", "shipment_info")},
            "fulfilled_items": {item["external_product_id"]: item["quantity"] for item in row["fulfilled_items"]},
        }
        for row in order["fulfillments"]
    }
    return shown
