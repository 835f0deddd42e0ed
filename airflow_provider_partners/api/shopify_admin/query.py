"""A user's arguments for an Admin API list, checked and turned into the requests that read it.

A wrong argument is refused before it costs a request.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Segment, batches
from airflow_provider_partners.api.shopify.timestamps import record_timestamp
from airflow_provider_partners.api.shopify_admin.errors import name_scopes
from airflow_provider_partners.api.shopify_admin.pages import ListReader, NodeFetcher, ParentFetcher, SearchFetcher
from airflow_provider_partners.api.shopify_admin.resources.model import MAX_PAGE_SIZE
from airflow_provider_partners.api.shopify_admin.search import build_search, in_whole_seconds, is_capped, split_range
from airflow_provider_partners.arguments import check_ids, check_mapping
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from airflow_provider_partners.api.shopify.graphql import DocumentCaller
    from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
    from airflow_provider_partners.api.shopify_admin.documents import ListDocuments
    from airflow_provider_partners.api.shopify_admin.nested import NestedListLoader
    from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource
    from airflow_provider_partners.records import Record

_NUMBER = re.compile(r"[0-9]+")

IDS_PER_QUERY = 50
"""Objects per query by id. Shopify accepts 250 ids, but each object brings its nested lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One validated query of an Admin API list: fields, page size, and the user's search.

    :param user_query: the user's search, combined with the time range by ``AND``
    """

    caller: DocumentCaller = field(repr=False)
    loader: NestedListLoader = field(repr=False)
    documents: ListDocuments
    page_size: AdaptivePageSize
    user_query: str | None = None

    @property
    def resource(self) -> AdminResource:
        """The list's description."""
        return self.documents.resource

    def search(self, time_range: TimeRange) -> str:
        """Return the search string of a time range.

        :param time_range: in whole seconds; ignored by a list that Shopify cannot search by time
        """
        return build_search(time_range, self.user_query, field=self.resource.search_field)

    def resolve_range(self, since: str | datetime | None, until: str | datetime | None, *, now: float) -> TimeRange:
        """Return the time range of the arguments, in whole seconds.

        Shopify's search gets a fixed end. A list that is filtered here needs none.

        :param now: seconds since 1970
        :raises ConfigurationError: if the range holds no whole second
        """
        if not self.resource.search_field and since is None and until is None:
            return TimeRange()
        return resolve_range(since, until, now=now)

    def all_segments(self, time_range: TimeRange) -> tuple[list[Segment], dict[str, Any]]:
        """Return the segments that read a time range, and what they depend on, for the extraction's fingerprint.

        The parts depend on the number of objects. Cursors of other parts are not valid, so the fingerprint must differ.

        :param time_range: in whole seconds
        """
        if self.resource.per_parent:
            parent_ids = self.parent_ids()
            chosen = {"parents": parent_ids, "time_range": range_as_json(time_range), "query": self.user_query}
            return self.parent_segments(parent_ids, time_range), chosen
        time_ranges = self.split_range(time_range)
        return self.segments(time_ranges), {
            "time_ranges": [range_as_json(part) for part in time_ranges],
            "query": self.user_query,
        }

    def split_range(self, time_range: TimeRange) -> list[TimeRange]:
        """Return parts of a time range that one paged query can read completely.

        :param time_range: in whole seconds
        """
        resource = self.resource
        if not resource.count_field or resource.is_ordered_by_id:
            # A list in the order of its ids needs no parts: it continues after the last id.
            return [time_range]
        return list(split_range(time_range, count=self._count_range))

    def is_large(self, time_range: TimeRange) -> bool:
        """Return True if a time range holds as many objects as Shopify counts, or more.

        A list without a count is large if it is read from its beginning.

        :param time_range: in whole seconds
        """
        if not self.resource.count_field:
            return time_range.since is None and bool(self.resource.search_field)
        return is_capped(self._count_range(time_range))

    def has_records(self, time_range: TimeRange) -> bool:
        """Return True if a time range holds an object.

        :param time_range: in whole seconds
        """
        variables = {"query": self.search(time_range)}
        data, root = self._execute(self.documents.first_document, variables, label="first"), self.resource.root
        nodes = (data.get(root) or {}).get("nodes")
        if not isinstance(nodes, list):
            message = f"Shopify returned no list of '{root}' without an error"
            raise UnexpectedResponseError(message)
        return bool(nodes)

    def segments(self, time_ranges: Sequence[TimeRange]) -> list[Segment]:
        """Return the segments that read time ranges in the list's order.

        :param time_ranges: parts returned by :meth:`split_range`
        """
        return [self._search_segment(part) for part in time_ranges]

    def parent_ids(self) -> list[str]:
        """Return the ids of the root's objects, of a list that is read object by object.

        :raises PagingError: if Shopify does not return the complete list
        """
        resource, document = self.resource, self.documents.parents_document
        if resource.is_single:
            return [self._execute(document, {}, label="parents")[resource.root]["id"]]
        after, found = None, dict[str, None]()
        while True:
            variables = {"first": MAX_PAGE_SIZE, "after": after}
            connection = self._execute(document, variables, label="parents")[resource.root]
            found |= dict.fromkeys(node["id"] for node in connection["nodes"])
            if not connection["pageInfo"]["hasNextPage"]:
                return list(found)
            before, after = after, connection["pageInfo"]["endCursor"]
            if not after or after == before:
                message = f"the objects that hold '{resource.name}' repeat their cursor"
                raise PagingError(message, remedy="Shopify's paging loops; try again.")

    def _execute(self, document: str, variables: Mapping[str, Any], *, label: str) -> Mapping[str, Any]:
        with name_scopes(self.resource):
            return self.caller.execute(document, variables, label=f"{self.resource.name}.{label}").data

    def parent_segments(self, parent_ids: Sequence[str], time_range: TimeRange) -> list[Segment]:
        """Return the segments that read the records of some objects.

        :param parent_ids: the objects' global ids
        """
        reader, query = self._reader(time_range), self.search(time_range)
        return [
            Segment(
                name=f"{self.resource.name} of {parent_id}",
                fetch=ParentFetcher(reader=reader, parent_id=parent_id, query=query).fetch,
            )
            for parent_id in parent_ids
        ]

    def id_segments(
        self, ids: list[str], time_range: TimeRange | None = None, *, of_parents: bool = False
    ) -> list[Segment]:
        """Return the segments that read objects by their ids.

        :param ids: global ids
        :param time_range: drop records that changed outside of it
        :param of_parents: whether the ids are those of the root's objects, and the records are inside of these
        """
        if of_parents and self.resource.per_parent:
            return self.parent_segments(ids, time_range or TimeRange())
        reader = self._reader(time_range or TimeRange(), by_id=True)
        return [
            Segment(
                name=f"{self.resource.name} {batch[0]} to {batch[-1]}",
                fetch=NodeFetcher(reader=reader, ids=batch, of_parents=of_parents).fetch,
            )
            for batch in batches(ids, IDS_PER_QUERY)
        ]

    def fetch_root_objects(self, ids: list[str]) -> list[Record]:
        """Fetch the records of the root's objects with some ids; ids that do not exist are left out.

        :param ids: global ids
        """
        of_parents = self.resource.within is not None
        segments = self.id_segments(ids, of_parents=of_parents)
        return [record for segment in segments for record in segment.fetch({}).records]

    def is_included(self, time_range: TimeRange, *, by_id: bool = False) -> Callable[[Record], bool]:
        """Return the filter of records that Shopify's search cannot apply.

        :param time_range: in whole seconds
        :param by_id: whether the records are read by their ids, without a search
        """
        resource = self.resource
        time_field = resource.client_time_field or (resource.time_field if by_id else "")
        return partial(changed_within, time_range, time_field or "")

    def _reader(self, time_range: TimeRange, *, by_id: bool = False) -> ListReader:
        return ListReader(
            caller=self.caller,
            loader=self.loader,
            documents=self.documents,
            page_size=self.page_size,
            is_included=self.is_included(time_range, by_id=by_id),
        )

    def _search_segment(self, part: TimeRange) -> Segment:
        fetcher = SearchFetcher(reader=self._reader(part), query=self.search(part))
        name = build_search(part, None, field=self.resource.search_field)
        return Segment(name=f"{self.resource.name} {name}".strip(), fetch=fetcher.fetch)

    def _count_range(self, time_range: TimeRange) -> Mapping[str, Any]:
        resource = self.resource
        user_query = None if resource.counts_by_time_only else self.user_query
        variables = {"query": build_search(time_range, user_query, field=resource.search_field)}
        data = self._execute(self.documents.count_document, variables, label="count")
        counted: Mapping[str, Any] = data.get(resource.count_field) or {}
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


def changed_within(time_range: TimeRange, time_field: str, record: Record) -> bool:
    """Return True if a record's time lies in a time range.

    :param time_range: in whole seconds
    :param time_field: the path of the time; every record is included if it is empty
    """
    return not time_field or time_range.is_unbounded or time_range.contains(record_timestamp(record, time_field))


def range_as_json(time_range: TimeRange) -> list[str | None]:
    """Return the bounds of a time range as they appear in an extraction's request."""
    bounds = (time_range.since, time_range.until)
    return [timestamps.isoformat(bound) if bound else None for bound in bounds]


def reject_query_with_match(query: str | None) -> None:
    """Raise if a search is given together with ids."""
    if query:
        message = "'query' and 'match' exclude each other: select records by a search or by ids"
        raise ConfigurationError(message, remedy="Remove one of them.")


def parse_ids(match: Mapping[str, Iterable[Any]], resource: AdminResource) -> tuple[list[str], bool]:
    """Return global ids without duplicates, in the given order, and whether they are those of the root's objects.

    :param match: ``{"id": […]}`` with global ids or numbers, or ``{"order_id": […]}`` for records inside of orders
    :raises ConfigurationError: if the field is unknown, or an id is of another type
    """
    check_mapping("match", match)
    known = {**({"id": resource.type} if resource.by_id else {})}
    if resource.parent_key:
        known[resource.parent_key] = resource.owner_type
    if len(match) != 1 or not known.keys() >= match.keys():
        message = f"'match' names {', '.join(sorted(map(str, match))) or 'no field'}"
        fields = " or ".join(f"'{name}'" for name in known)
        remedy = f"Shopify reads {resource.name} by {fields} only." if known else "This list cannot be read by ids."
        raise ConfigurationError(message, remedy=remedy)
    ((name, values),) = match.items()
    prefix, form = f"gid://shopify/{known[name]}/", _NUMBER
    example = f"{prefix}<number>, or the number alone"
    if name == "id" and resource.id_parameter:
        form = re.compile(rf"[0-9]+\?{resource.id_parameter}=[0-9]+")
        example = f"{prefix}<number>?{resource.id_parameter}=<number>"
    ids = []
    for value in check_ids(f"match['{name}']", values):
        number = value.strip().removeprefix(prefix)
        if not form.fullmatch(number):
            message = f"'match' holds {value[:60]!r}, which is not an id of this type"
            raise ConfigurationError(message, remedy=f"Use {example}.")
        ids.append(prefix + number)
    return list(dict.fromkeys(ids)), name != "id"
