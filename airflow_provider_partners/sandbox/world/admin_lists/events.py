"""The events of a shop: what happened to its objects, deletions among them, and comments of the staff.

The actions are those of https://shopify.dev/docs/api/admin-graphql/latest/objects/BasicEvent. Shopify keeps events for
a year.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.orders.lines import Merchant

# The ids of an order's events lie between the order's and the next object's, as those of its fulfillment order.
_PLACED, _CANCELLED, _CLOSED, _COMMENT, _OF_PART = 11, 12, 13, 14, 3


def order_events(order: Document) -> Iterator[Document]:
    """Yield the events of one order, made of its document alone: a change adds events and repeats the others."""
    number = int(order["legacyResourceId"])

    def event(place: int, action: str, at: str, message: str) -> Document:
        return _basic(place, action, at, f"{message} ({order['name']})", subject=order["id"], kind="ORDER")

    yield event(number + _PLACED, "placed", order["createdAt"], "A customer placed this order")
    for fulfillment in order["fulfillments"]:
        place = int(fulfillment["legacyResourceId"]) + _OF_PART
        yield event(place, "fulfillment_success", fulfillment["createdAt"], "Items were fulfilled")
    for refund in order["refunds"]:
        place = int(refund["legacyResourceId"]) + _OF_PART
        yield event(place, "refund_success", refund["createdAt"], "A refund was made")
    if order["cancelledAt"]:
        yield event(number + _CANCELLED, "cancelled", order["cancelledAt"], "The order was cancelled")
    if order["closedAt"]:
        yield event(number + _CLOSED, "closed", order["closedAt"], "The order was archived")
    if order["note"]:
        yield _comment(number + _COMMENT, order)


def shop_events(ids: Ids, merchant: Merchant, drafts: Sequence[Document]) -> list[Document]:
    """Return the events of a shop's other objects.

    :param drafts: the draft orders; one more of them was deleted
    """
    now = merchant.now

    def ago(days: float) -> str:
        return format_timestamp(now - timedelta(days=days))

    made = [
        _basic(ids.take(), "update", product["updatedAt"], f"{product['title']} was updated", product["id"], "PRODUCT")
        for product in merchant.products.stored
        if product["updatedAt"] >= ago(360)
    ]
    made += [
        _basic(ids.take(), "create", draft["createdAt"], f"{draft['name']} was created", draft["id"], "DRAFT_ORDER")
        for draft in drafts
    ]
    gone = [(product["id"], "PRODUCT", product["title"]) for product in merchant.products.deleted]
    gone += [
        (gid("Customer", ids.take()), "CUSTOMER", "A customer"),
        (gid("DraftOrder", ids.take()), "DRAFT_ORDER", "#D0"),
    ]
    made += [
        _basic(ids.take(), "destroy", ago(3 + 7 * turn), f"{title} was deleted", subject, kind)
        for turn, (subject, kind, title) in enumerate(gone)
    ]
    return made


def _basic(number: int, action: str, at: str, message: str, subject: str, kind: str) -> Document:
    return {
        **_event("BasicEvent", number, action, at, message),
        "subjectId": subject,
        "subjectType": kind,
        "hasAdditionalContent": False,
    }


def _comment(number: int, order: Document) -> Document:
    return {
        **_event("CommentEvent", number, "comment", order["createdAt"], "A comment was added"),
        "rawMessage": order["note"],
        "edited": False,
        "canEdit": False,
        "canDelete": False,
        "subject": {"__typename": "Order", "id": order["id"]},
    }


def _event(kind: str, number: int, action: str, at: str, message: str) -> dict[str, Any]:
    return {
        "__typename": kind,
        "id": gid(kind, number),
        "action": action,
        "appTitle": None,
        "attributeToApp": False,
        "attributeToUser": True,
        "createdAt": at,
        "criticalAlert": False,
        "message": message,
    }
