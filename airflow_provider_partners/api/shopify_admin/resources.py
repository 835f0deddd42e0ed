"""The lists of Shopify's Admin API, one row each, and how a user's arguments become a search or ids.

Must not send anything: wrong arguments are refused here, before a request is spent on them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.shopify.graphql import has_balanced_braces
from airflow_provider_partners.api.shopify.shops import parse_timestamp
from airflow_provider_partners.api.shopify_admin.documents import LIST_DOCUMENTS
from airflow_provider_partners.api.shopify_admin.search import OpenTimeRange, TimeRange, ceil_to_second
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_partners.records import Record

IDS_PER_QUERY = 50
"""Objects asked for by their ids in one query; Shopify takes 250, but each has its inner lists."""

_DOCS = "https://shopify.dev/docs/api/admin-graphql/latest/queries"

RESOURCES: Mapping[str, Resource] = MappingProxyType({
    listing.name: Resource(
        name=listing.name,
        records_path=f"{listing.name}.nodes",
        paginator=ConnectionPaginator(50, listing.name),
        key=("id",),
        time_field="updatedAt",
        page_size=50,
        max_page_size=250,
        type=listing.node_type,
        sort="UPDATED_AT",
        doc=doc,
        url=f"{_DOCS}/{listing.name}",
    )
    for listing, doc in (
        (LIST_DOCUMENTS["orders"], "The shop's orders, with all line items and fulfillments."),
        (LIST_DOCUMENTS["products"], "The shop's products, with all variants."),
    )
})
"""The lists by name."""


def resolve_range(since: datetime | None, until: datetime | None, *, now: float) -> TimeRange:
    """The window on whole seconds, with an end that stays for all pages.

    :param since: its beginning
    :param until: its end; now without it
    :param now: seconds since 1970
    :raises ConfigurationError: when it holds no second
    """
    # The present second isn't over: what changes in the rest of it belongs to the next window.
    end = ceil_to_second(until) if until else datetime.fromtimestamp(int(now), UTC)
    begin = since and ceil_to_second(since)
    if begin and begin >= end:
        message = f"the window from {begin.isoformat()} to {end.isoformat()} holds no whole second"
        raise ConfigurationError(message, remedy="'since' must lie at least a second before 'until'.")
    return begin, end


def changed_within(time_range: OpenTimeRange, record: Record) -> bool:
    """Whether a record changed in a span.

    :param time_range: on whole seconds
    :param record: with its ``updatedAt``
    """
    since, until = time_range
    if since is None and until is None:
        return True
    moment = parse_timestamp(record["updatedAt"])
    return (since is None or moment >= since) and (until is None or moment < until)


def reject_query_with_match(query: str | None) -> None:
    """Refuse a search beside ids.

    :param query: what was given beside ``match``
    """
    if query:
        message = "'query' and 'match' exclude each other: records are asked for by a search, or by ids"
        raise ConfigurationError(message, remedy="Leave one of them out.")


def parse_ids(match: Mapping[str, Iterable[Any]], node_type: str) -> list[str]:
    """Global ids, each once, in the order given.

    :param match: ``{"id": […]}`` with global ids or numbers
    :param node_type: such as ``Order``
    """
    if set(match) != {"id"}:
        message = f"'match' names {', '.join(sorted(match)) or 'no field'}"
        raise ConfigurationError(message, remedy="Shopify gives records by 'id' alone.")
    found = []
    for value in match["id"]:
        start = f"gid://shopify/{node_type}/"
        number = str(value).strip().removeprefix(start)
        if not (number.isascii() and number.isdigit()):
            message = f"'match' holds {str(value)[:60]!r}, which is no id of this kind"
            raise ConfigurationError(message, remedy=f"Give {start}<number>, or the number alone.")
        found.append(start + number)
    return list(dict.fromkeys(found))


def extra_fields(fields: str | None) -> str:
    """A user's own fields, as they can be set into a document.

    :param fields: in GraphQL
    """
    text = (fields or "").strip()
    if not has_balanced_braces(text):
        message = "'fields' has a brace without its counterpart"
        raise ConfigurationError(
            message, remedy="Write fields as in GraphQL, such as note poNumber channelInformation { id }."
        )
    return text
