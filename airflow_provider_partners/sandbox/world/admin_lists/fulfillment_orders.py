"""The fulfillment order of an order. It is made of the order's document, so it follows every change of the order."""

from __future__ import annotations

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.identifiers import gid

# The ids of objects are 32,768 apart, or 1,024 in a large shop. These lie between the order's and the next one.
_OWN, _LINES = 7, 100
_MAX_LINES = 900


def fulfillment_order(order: Document, location: Document) -> Document | None:
    """Return the fulfillment order of an order; ``None`` if nothing is to be shipped.

    :param location: the location that ships it
    """
    lines = [line for line in order["lineItems"] if line["requiresShipping"]][:_MAX_LINES]
    if not lines:
        return None
    number = int(order["legacyResourceId"])
    status = _status(order, lines)
    return {
        "id": gid("FulfillmentOrder", number + _OWN),
        "orderId": order["id"],
        "orderName": order["name"],
        "orderProcessedAt": order["processedAt"],
        "order": {"id": order["id"]},
        "status": status,
        "requestStatus": "UNSUBMITTED",
        "createdAt": order["createdAt"],
        "updatedAt": order["updatedAt"],
        "fulfillAt": order["createdAt"],
        "fulfillBy": None,
        "assignedLocation": {
            "name": location["name"],
            "countryCode": location["address"]["countryCode"],
            "location": {"id": location["id"]},
        },
        "deliveryMethod": {"id": gid("DeliveryMethod", number + _OWN + 1), "methodType": "SHIPPING"},
        "fulfillmentHolds": [],
        "supportedActions": [{"action": "CREATE_FULFILLMENT", "externalUrl": None}] if status == "OPEN" else [],
        "destination": _destination(order, number),
        "lineItems": [
            {
                "id": gid("FulfillmentOrderLineItem", number + _LINES + index),
                "totalQuantity": line["quantity"],
                "remainingQuantity": line["unfulfilledQuantity"],
                "productTitle": line["title"],
                "variantTitle": line["variantTitle"],
                "sku": line["sku"],
                "vendor": line["vendor"],
                "requiresShipping": True,
                "inventoryItemId": None,
                "lineItem": {"id": line["id"]},
            }
            for index, line in enumerate(lines)
        ],
    }


def _status(order: Document, lines: list[Document]) -> str:
    if order["cancelledAt"]:
        return "CANCELLED"
    remaining = sum(line["unfulfilledQuantity"] for line in lines)
    if not remaining:
        return "CLOSED"
    return "OPEN" if remaining == sum(line["currentQuantity"] for line in lines) else "IN_PROGRESS"


def _destination(order: Document, number: int) -> Document | None:
    address = order["shippingAddress"]
    if not address:
        return None
    names = ("firstName", "lastName", "company", "address1", "address2", "city", "zip", "province", "phone")
    return {
        "id": gid("FulfillmentOrderDestination", number + _OWN + 2),
        **{name: address.get(name) for name in names},
        "countryCode": address.get("countryCodeV2"),
        "email": order["email"],
    }
