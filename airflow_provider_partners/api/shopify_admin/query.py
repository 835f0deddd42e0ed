"""A user's arguments for an Admin API list, checked and turned into the requests that read it.

A wrong argument is refused before it costs a request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Segment, batches
from airflow_provider_partners.api.shopify.graphql import has_balanced_braces
from airflow_provider_partners.api.shopify.timestamps import record_timestamp
from airflow_provider_partners.api.shopify_admin.pages import NodeFetcher, SearchFetcher
from airflow_provider_partners.api.shopify_admin.search import build_search, in_whole_seconds, is_capped, split_range
from airflow_provider_partners.arguments import check_ids, check_mapping, check_text
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
    from airflow_provider_partners.api.shopify_admin.documents import ListDocuments
    from airflow_provider_partners.api.shopify_admin.nested import NestedConnectionLoader
    from airflow_provider_partners.records import Record

IDS_PER_QUERY = 50
"""Objects per query by id. Shopify accepts 250 ids, but each object brings its nested lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One validated query of an Admin API list: fields, page size, and the user's search.

    :param selection: the fields of each object, in GraphQL
    :param user_query: the user's search, combined with the time range by ``AND``
    """

    caller: GraphQLCaller = field(repr=False)
    loader: NestedConnectionLoader = field(repr=False)
    documents: ListDocuments
    selection: str
    page_size: AdaptivePageSize
    user_query: str | None = None

    def split_range(self, time_range: TimeRange) -> list[TimeRange]:
        """Return parts of a time range that one paged query can read completely.

        :param time_range: in whole seconds
        """
        return list(split_range(time_range, count=self._count_range))

    def is_capped(self, time_range: TimeRange) -> bool:
        """Return True if a time range holds as many objects as Shopify counts, or more.

        :param time_range: in whole seconds
        """
        return is_capped(self._count_range(time_range))

    def search_segments(self, time_ranges: Sequence[TimeRange]) -> list[Segment]:
        """Return the segments that read time ranges in order of change.

        :param time_ranges: parts returned by :meth:`split_range`
        """
        return [self._search_segment(part) for part in time_ranges]

    def id_segments(self, ids: list[str], time_range: TimeRange | None = None) -> list[Segment]:
        """Return the segments that read objects by their ids.

        :param ids: global ids
        :param time_range: drop objects that changed outside of it
        """
        return [self._id_segment(batch, time_range or TimeRange()) for batch in batches(ids, IDS_PER_QUERY)]

    def fetch_by_ids(self, ids: list[str]) -> list[Record]:
        """Fetch objects by their ids; ids that do not exist are left out.

        :param ids: global ids
        """
        return [record for segment in self.id_segments(ids) for record in segment.fetch({}).records]

    def _search_segment(self, part: TimeRange) -> Segment:
        fetcher = SearchFetcher(
            caller=self.caller,
            loader=self.loader,
            resource=self.documents.name,
            document=self.documents.search_document(self.selection),
            query=build_search(part, self.user_query),
            page_size=self.page_size,
        )
        return Segment(name=f"{self.documents.name} {build_search(part, None)}", fetch=fetcher.fetch)

    def _id_segment(self, ids: list[str], time_range: TimeRange) -> Segment:
        fetcher = NodeFetcher(
            caller=self.caller,
            loader=self.loader,
            resource=self.documents.name,
            node_type=self.documents.node_type,
            document=self.documents.by_id_document(self.selection),
            ids=ids,
            page_size=self.page_size,
            is_included=partial(changed_within, time_range),
        )
        return Segment(name=f"{self.documents.name} {ids[0]} to {ids[-1]}", fetch=fetcher.fetch)

    def _count_range(self, time_range: TimeRange) -> Mapping[str, Any]:
        variables = {"query": build_search(time_range, self.user_query)}
        data = self.caller.execute(self.documents.count_document, variables, label=f"{self.documents.name}.count").data
        counted: Mapping[str, Any] = data.get(self.documents.count_field) or {}
        return counted


def resolve_range(since: str | datetime | None, until: str | datetime | None, *, now: float) -> TimeRange:
    """Round the range up to whole seconds and fix an open end at *now*, so that every page uses the same bounds.

    :param until: the end; ``now`` if not given
    :param now: seconds since 1970
    :raises ConfigurationError: if the range holds no whole second
    """
    requested = in_whole_seconds(TimeRange.parse(since, until))
    # The present second is not over: later changes within it belong to the next time range.
    begin, end = requested.since, requested.until or timestamps.from_epoch(int(now))
    if begin and begin >= end:
        message = f"the window from {begin.isoformat()} to {end.isoformat()} holds no whole second"
        raise ConfigurationError(message, remedy="'since' must be at least a second before 'until'.")
    return TimeRange(begin, end)


def changed_within(time_range: TimeRange, record: Record) -> bool:
    """Return True if a record's ``updatedAt`` lies in a time range.

    :param time_range: in whole seconds
    """
    return time_range.is_unbounded or time_range.contains(record_timestamp(record, "updatedAt"))


def range_as_json(time_range: TimeRange) -> list[str | None]:
    """Return the bounds of a time range as they appear in an extraction's request."""
    bounds = (time_range.since, time_range.until)
    return [timestamps.isoformat(bound) if bound else None for bound in bounds]


def reject_query_with_match(query: str | None) -> None:
    """Raise if a search is given together with ids."""
    if query:
        message = "'query' and 'match' exclude each other: select records by a search or by ids"
        raise ConfigurationError(message, remedy="Remove one of them.")


def parse_ids(match: Mapping[str, Iterable[Any]], node_type: str) -> list[str]:
    """Return global ids without duplicates, in the given order.

    :param match: ``{"id": […]}`` with global ids or numbers
    :param node_type: the GraphQL type, such as ``Order``
    :raises ConfigurationError: if an id is of another type
    """
    check_mapping("match", match)
    if set(match) != {"id"}:
        message = f"'match' names {', '.join(sorted(map(str, match))) or 'no field'}"
        raise ConfigurationError(message, remedy="Shopify reads records by 'id' only.")
    prefix = f"gid://shopify/{node_type}/"
    ids = []
    for value in check_ids("match['id']", match["id"]):
        number = value.strip().removeprefix(prefix)
        if not (number.isascii() and number.isdigit()):
            message = f"'match' holds {value[:60]!r}, which is not an id of this type"
            raise ConfigurationError(message, remedy=f"Use {prefix}<number>, or the number alone.")
        ids.append(prefix + number)
    return list(dict.fromkeys(ids))


def extra_fields(fields: str | None) -> str:
    """Return a user's additional fields as text that fits into a document.

    :param fields: in GraphQL
    :raises ConfigurationError: if the braces do not match
    """
    if fields:
        check_text("fields", fields)
    text = (fields or "").strip()
    if not has_balanced_braces(text):
        message = "'fields' has a brace without its counterpart"
        raise ConfigurationError(
            message, remedy="Write fields as in GraphQL, such as note poNumber channelInformation { id }."
        )
    return text
