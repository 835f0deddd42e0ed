"""Fields that the Partner API has removed: jobs, conversations and messages, as in versions up to 2025-04.

They are deprecated since 2024-01 and in no schema after 2025-04. Their order and maximum page size are not documented;
the sandbox uses newest first and 100, as for transactions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_partners.sandbox.shopify.cursors import Sort
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import Arguments, Document, Info, Resolver
from airflow_provider_partners.sandbox.shopify_partner.resolvers import PARTNER, PartnerRequest, in_range, micros


def _jobs(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    shop = arguments.get("shopId")
    records = [
        record for record in _matching(request, "job", arguments) if shop is None or record["shop"]["id"] == shop
    ]
    return request.list_connection(records, _sort(request, "lastEventAt"), arguments, "jobs")


def _conversations(request: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    unread = arguments.get("unreadOnly")
    records = [
        record for record in _matching(request, "conversation", arguments) if record["hasUnreadMessages"] or not unread
    ]
    return request.list_connection(records, _sort(request, "lastEventAt"), arguments, "conversations")


def _messages(request: PartnerRequest, source: Document, _info: Info, arguments: Arguments) -> Document:
    records = [record for record in source["messages"] if _between(record, "sentAt", arguments)]
    return request.list_connection(records, _sort(request, "sentAt"), arguments, "conversation.messages")


def _matching(request: PartnerRequest, kind: str, arguments: Arguments) -> Iterable[Document]:
    statuses = arguments.get("statuses")
    for record in request.visible(request.sandbox.store.select(PARTNER, "", kind), "createdAt"):
        timely = _between(record, "createdAt", arguments) and _between(record, "lastEventAt", arguments)
        if timely and (statuses is None or record["status"] in statuses):
            yield record


def _between(record: Document, field: str, arguments: Arguments) -> bool:
    return in_range(record[field], arguments.get(f"{field}Min"), arguments.get(f"{field}Max"))


def _sort(request: PartnerRequest, field: str) -> Sort:
    return Sort(
        value=lambda record: micros(record[field]),
        tie_breaker=lambda record: str(record["id"]),
        reverse=request.switch("newest_first"),
    )


def _one(kind: str) -> Resolver:
    return lambda request, _source, _info, arguments: request.sandbox.store.get(PARTNER, "", kind, arguments["id"])


def _of_job(request: PartnerRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    reference = source.get("conversation")
    return request.sandbox.store.get(PARTNER, "", "conversation", reference["id"]) if reference else None


LEGACY: dict[tuple[str, str], Resolver] = {
    ("QueryRoot", "jobs"): _jobs,
    ("QueryRoot", "job"): _one("job"),
    ("QueryRoot", "conversations"): _conversations,
    ("QueryRoot", "conversation"): _one("conversation"),
    ("Job", "conversation"): _of_job,
    ("Conversation", "messages"): _messages,
}
