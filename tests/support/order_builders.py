"""Build orders as Shopify's Admin API returns them, and built orders as the upsert takes them."""

from __future__ import annotations

import random
from typing import Any

Record = dict[str, Any]


def money(amount: Any, currency: str = "EUR") -> Record:
    return {"shopMoney": {"amount": str(amount), "currencyCode": currency}}


def discounts(*amounts: Any) -> list[Record]:
    return [{"allocatedAmountSet": money(amount)} for amount in amounts]


def product(number: int, **fields: Any) -> Record:
    return {
        "id": f"gid://shopify/Product/{number}",
        "legacyResourceId": str(number),
        "title": f"Product {number}",
        "handle": f"product-{number}",
        "vendor": "Maker",
        "onlineStoreUrl": f"https://shop.example/products/product-{number}",
        "featuredMedia": {"preview": {"image": {"url": f"https://cdn.example/{number}.jpg"}}},
        **fields,
    }


def line(number: int, product: Record | None, quantity: int = 1, **fields: Any) -> Record:
    return {
        "id": f"gid://shopify/LineItem/{number}",
        "title": "A line",
        "quantity": quantity,
        "currentQuantity": quantity,
        "unfulfilledQuantity": quantity,
        "isGiftCard": False,
        "product": product,
        "variant": {"legacyResourceId": str(number + 500_000), "sku": f"SKU-{number}"},
        "originalTotalSet": money("10.50"),
        "discountAllocations": [],
        **fields,
    }


def fulfillment(number: int, quantities: dict[int, int], **fields: Any) -> Record:
    return {
        "id": f"gid://shopify/Fulfillment/{number}",
        "legacyResourceId": str(number),
        "status": "SUCCESS",
        "displayStatus": "IN_TRANSIT",
        "createdAt": "2026-03-02T08:00:00Z",
        "deliveredAt": None,
        "trackingInfo": [{"company": "DHL", "number": "JD1", "url": "https://track.example/JD1"}],
        "fulfillmentLineItems": [
            {"quantity": count, "lineItem": {"id": f"gid://shopify/LineItem/{line_number}"}}
            for line_number, count in quantities.items()
        ],
        **fields,
    }


def address(**fields: Any) -> Record:
    return {
        "firstName": "Zoë",
        "lastName": "Müller",
        "company": None,
        "address1": "Hauptstraße 1",
        "address2": None,
        "city": "Köln",
        "zip": "50667",
        "province": "Nordrhein-Westfalen",
        "provinceCode": "NW",
        "countryCodeV2": "DE",
        "phone": "+49 30 230 000 00",
        **fields,
    }


def order(number: int = 1001, **fields: Any) -> Record:
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "createdAt": "2026-03-01T10:20:30Z",
        "processedAt": "2026-02-28T09:00:00Z",
        "cancelledAt": None,
        "test": False,
        "displayFinancialStatus": "PAID",
        "currencyCode": "EUR",
        "totalPriceSet": money("25.90"),
        "subtotalPriceSet": money("21.0"),
        "paymentGatewayNames": ["shopify_payments"],
        "email": "zoe@example.com",
        "phone": None,
        "customer": {
            "id": "gid://shopify/Customer/77",
            "legacyResourceId": "77",
            "firstName": "Zoë",
            "lastName": "Müller",
            "defaultEmailAddress": {"emailAddress": "zoe@example.com", "marketingState": "SUBSCRIBED"},
            "defaultPhoneNumber": {"phoneNumber": "+4930230000000", "marketingState": "NOT_SUBSCRIBED"},
        },
        "billingAddress": address(),
        "shippingAddress": address(),
        "lineItems": [line(1, product(11)), line(2, product(12), 2)],
        "fulfillments": [fulfillment(501, {1: 1, 2: 1})],
        **fields,
    }


def random_order(rng: random.Random, number: int) -> Record:
    """Return any order that a shop may have."""
    lines = [
        line(
            index,
            rng.choice([product(rng.randint(1, 6)), product(rng.randint(1, 6)), None]),
            quantity := rng.choice((0, 1, 1, 2, 5)),
            currentQuantity=rng.randint(0, quantity),
            unfulfilledQuantity=rng.randint(0, quantity),
            isGiftCard=rng.random() < 0.1,
            originalTotalSet=money(rng.choice(("0.0", "7.25", "19.999", "120"))),
            discountAllocations=rng.choice(([], discounts("0.0"), discounts("2.5", "0.33"))),
        )
        for index in range(rng.randint(1, 8))
    ]
    shipments = [
        fulfillment(
            number * 100 + index,
            {rng.randrange(len(lines)): rng.randint(0, 2) for _ in range(2)},
            status=rng.choice(("SUCCESS", "SUCCESS", "CANCELLED", "ERROR", "TELEPORTED")),
            displayStatus=rng.choice(("IN_TRANSIT", "DELIVERED", "MARKED_AS_FULFILLED", None, "BEAMED_UP")),
            trackingInfo=rng.choice(([], [{"company": None, "number": "1", "url": None}])),
        )
        for index in range(rng.randint(0, 3))
    ]
    return order(
        number,
        lineItems=lines,
        fulfillments=shipments,
        cancelledAt=rng.choice((None, None, "2026-03-05T00:00:00Z")),
        displayFinancialStatus=rng.choice(("PAID", "PENDING", "REFUNDED", "EXPIRED", None, "BARTERED")),
        customer=rng.choice((None, order()["customer"], {"legacyResourceId": "5", "firstName": None})),
        shippingAddress=rng.choice((None, address(city=rng.choice(("Köln", "Bonn", None))))),
        email=rng.choice((None, "a@example.com", "A@Example.com")),
        totalPriceSet=money(rng.choice(("0.0", "12.5", "100.0", "3.333"))),
        paymentGatewayNames=rng.choice(([], ["manual"], ["x" * 90])),
    )


def built(number: int, *products: str, **fields: Any) -> Record:
    """A built order with the fewest fields."""
    ids = products or ("p-1",)
    payload = {
        "external_id": str(number),
        "order_date": "2026-03-01T10:20:30Z",
        "line_items": [{"external_product_id": id_, "quantity": 1} for id_ in ids],
        "custom_properties": {"suppress_review_request": False},
        **fields,
    }
    payloads = [{"external_id": id_, "name": id_.upper()} for id_ in ids]
    return {"external_id": str(number), "order": payload, "products": payloads, "suppressed": []}
