"""The Partner API's fields that are gone: jobs, conversations and their messages, as versions up to 2025-04 had them.

Deprecated in 2024-01, they are in no schema after 2025-04. How they are ordered and how large a page may be is not
documented; newest first and 100 are assumed, as for transactions. It must not know HTTP, tokens and limits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_partners.sandbox.shopify.cursors import Sort
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import Arguments, Document, Info, Resolver
from airflow_provider_partners.sandbox.shopify_partner.resolvers import PARTNER, PartnerRequest, in_range, micros


def _jobs(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    shop = arguments.get("shopId")
    rows = [row for row in _matching(answer, "job", arguments) if shop is None or row["shop"]["id"] == shop]
    return answer.list_connection(rows, _sort(answer, "lastEventAt"), arguments, "jobs")


def _conversations(answer: PartnerRequest, _source: Any, _info: Info, arguments: Arguments) -> Document:
    unread = arguments.get("unreadOnly")
    rows = [row for row in _matching(answer, "conversation", arguments) if row["hasUnreadMessages"] or not unread]
    return answer.list_connection(rows, _sort(answer, "lastEventAt"), arguments, "conversations")


def _messages(answer: PartnerRequest, source: Document, _info: Info, arguments: Arguments) -> Document:
    rows = [row for row in source["messages"] if _between(row, "sentAt", arguments)]
    return answer.list_connection(rows, _sort(answer, "sentAt"), arguments, "conversation.messages")


def _matching(answer: PartnerRequest, kind: str, arguments: Arguments) -> Iterable[Document]:
    statuses = arguments.get("statuses")
    for row in answer.visible(answer.sandbox.store.select(PARTNER, "", kind), "createdAt"):
        timely = _between(row, "createdAt", arguments) and _between(row, "lastEventAt", arguments)
        if timely and (statuses is None or row["status"] in statuses):
            yield row


def _between(row: Document, field: str, arguments: Arguments) -> bool:
    return in_range(row[field], arguments.get(f"{field}Min"), arguments.get(f"{field}Max"))


def _sort(answer: PartnerRequest, field: str) -> Sort:
    return Sort(
        value=lambda row: micros(row[field]),
        tie_breaker=lambda row: str(row["id"]),
        reverse=answer.switch("newest_first"),
    )


def _one(kind: str) -> Resolver:
    return lambda answer, _source, _info, arguments: answer.sandbox.store.get(PARTNER, "", kind, arguments["id"])


def _of_job(answer: PartnerRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    reference = source.get("conversation")
    return answer.sandbox.store.get(PARTNER, "", "conversation", reference["id"]) if reference else None


LEGACY: dict[tuple[str, str], Resolver] = {
    ("QueryRoot", "jobs"): _jobs,
    ("QueryRoot", "job"): _one("job"),
    ("QueryRoot", "conversations"): _conversations,
    ("QueryRoot", "conversation"): _one("conversation"),
    ("Job", "conversation"): _of_job,
    ("Conversation", "messages"): _messages,
}
