"""One question to a list of the Admin API: what is asked of which objects, and the parts of a walk that ask it.

Must not know a user's arguments: they have been understood before.

One page of an Admin API list: of a search, or of ids; as large as its cost allows, and made whole.

Must not know arguments or windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.pagination.strategies import Cursor, Page
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.query_cost import AdaptivePageSize
if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.nested import NestedConnectionLoader
from dataclasses import field
from functools import partial

from airflow_provider_partners.api.extraction import Segment
from airflow_provider_partners.api.shopify_admin.resources import IDS_PER_QUERY, changed_within
from airflow_provider_partners.api.shopify_admin.search import (
    OpenTimeRange,
    TimeRange,
    build_search,
    is_capped,
    split_range,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.documents import ListDocuments


MAX_SEARCH_RESULTS = 25_000
"""Objects that Shopify gives of one paged query, whatever its pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFetcher:
    """Fetches the pages of a search.

    :param caller: sends the document
    :param loader: makes the nodes whole
    :param resource: the list's name, which is its root field too
    :param document: in GraphQL
    :param query: the search
    :param page_size: of a page
    """

    caller: GraphQLCaller
    loader: NestedConnectionLoader
    resource: str
    document: str
    query: str
    page_size: AdaptivePageSize

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: ``{}`` or ``{"after": …, "read": …}``
        :raises PagingError: when the list can't be read to its end
        """
        connection = self.page_size.call(lambda size: self._fetch_connection(cursor, size))
        nodes: list[Record] = connection["nodes"]
        more, after = connection["pageInfo"]["hasNextPage"], connection["pageInfo"].get("endCursor")
        read = cursor.get("read", 0) + len(nodes)
        if read >= MAX_SEARCH_RESULTS:
            message = (
                f"a search of '{self.resource}' goes on beyond the {MAX_SEARCH_RESULTS:,} objects that Shopify gives"
            )
            raise PagingError(message, remedy="Ask for a shorter window, or a narrower 'query'.")
        if more and not (nodes and after):
            message = f"a page of '{self.resource}' says that more remain, but not where"
            raise PagingError(message, remedy="Try again, or ask for a shorter window.")
        records = self.loader.complete(self.resource, nodes)
        return Page(records, {"after": after, "read": read} if more else None)

    def _fetch_connection(self, cursor: Cursor, size: int) -> Any:
        variables = {"first": size, "after": cursor.get("after"), "query": self.query}
        answer = self.caller.execute(self.document, variables, label=f"{self.resource}.list")
        connection = answer.data.get(self.resource)
        if connection is None:
            message = f"Shopify gave nothing for '{self.resource}', and no reason"
            raise UnexpectedResponseError(message)
        return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFetcher:
    """Fetches objects by their ids, all of them as one page.

    :param caller: sends the document
    :param loader: makes the nodes whole
    :param resource: the list's name
    :param node_type: the type that the ids must be of
    :param document: in GraphQL
    :param ids: global ids; Shopify takes 250 at most
    :param page_size: how many to ask for at once
    :param is_included: whether a record is to be handed on
    """

    caller: GraphQLCaller
    loader: NestedConnectionLoader
    resource: str
    node_type: str
    document: str
    ids: Sequence[str]
    page_size: AdaptivePageSize
    is_included: Callable[[Record], bool]

    def fetch(self, cursor: Cursor) -> Page:
        """The records of the ids that exist.

        :param cursor: always the start
        """
        nodes: list[Record] = []
        asked = 0
        while asked < len(self.ids):
            asked, found = self.page_size.call(lambda size, begin=asked: self._fetch_nodes(begin, size))  # type: ignore[misc]
            nodes += found
        records = self.loader.complete(self.resource, nodes)
        return Page([record for record in records if self.is_included(record)], None)

    def _fetch_nodes(self, begin: int, size: int) -> tuple[int, list[Record]]:
        ids = next(batches(self.ids[begin:], size))
        answer = self.caller.execute(self.document, {"ids": ids}, label=f"{self.resource}.by_id")
        found = answer.data.get("nodes") or []
        nodes = [node for node in found if node and node.get("__typename") == self.node_type]
        return begin + len(ids), [_without_typename(node) for node in nodes]


def _without_typename(node: Record) -> Record:
    return {name: value for name, value in node.items() if name != "__typename"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What is asked of a list.

    :param caller: sends the documents
    :param loader: makes objects whole
    :param documents: the list
    :param selection: what is asked of each object
    :param page_size: of a page
    :param user_query: a search of the user's, which must hold as well
    """

    caller: GraphQLCaller = field(repr=False)
    loader: NestedConnectionLoader = field(repr=False)
    documents: ListDocuments
    selection: str
    page_size: AdaptivePageSize
    user_query: str | None = None

    def split_range(self, time_range: TimeRange) -> list[TimeRange]:
        """A span, cut so small that each piece can be read whole.

        :param time_range: on whole seconds
        """
        return list(split_range(time_range, count=self._count_range))

    def is_capped(self, time_range: TimeRange) -> bool:
        """Whether a span holds as many objects as Shopify counts, or more.

        :param time_range: on whole seconds
        """
        return is_capped(self._count_range(time_range))

    def search_segments(self, time_ranges: Sequence[TimeRange]) -> list[Segment]:
        """The segments that read spans in order of change.

        :param time_ranges: of :meth:`pieces`
        """
        document = self.documents.search_document(self.selection)
        pages = [
            SearchFetcher(
                caller=self.caller,
                loader=self.loader,
                resource=self.documents.name,
                document=document,
                query=build_search(part, self.user_query),
                page_size=self.page_size,
            )
            for part in time_ranges
        ]
        return [
            Segment(name=f"{self.documents.name} {build_search(part, None)}", fetch=each.fetch)
            for part, each in zip(time_ranges, pages, strict=True)
        ]

    def id_segments(self, ids: list[str], time_range: OpenTimeRange = (None, None)) -> list[Segment]:
        """The segments that read objects by their ids.

        :param ids: global ids
        :param time_range: when they must have changed
        """
        document = self.documents.by_id_document(self.selection)
        pages = [
            NodeFetcher(
                caller=self.caller,
                loader=self.loader,
                resource=self.documents.name,
                node_type=self.documents.node_type,
                document=document,
                ids=some,
                page_size=self.page_size,
                is_included=partial(changed_within, time_range),
            )
            for some in batches(ids, IDS_PER_QUERY)
        ]
        return [
            Segment(name=f"{self.documents.name} {each.ids[0]} to {each.ids[-1]}", fetch=each.fetch) for each in pages
        ]

    def fetch_by_ids(self, ids: list[str]) -> list[Record]:
        """Objects by their ids, at once; those that exist.

        :param ids: global ids
        """
        return [record for segment in self.id_segments(ids) for record in segment.fetch({}).records]

    def _count_range(self, time_range: TimeRange) -> Mapping[str, Any]:
        variables = {"query": build_search(time_range, self.user_query)}
        data = self.caller.execute(self.documents.count_document, variables, label=f"{self.documents.name}.count").data
        counted: Mapping[str, Any] = data.get(self.documents.count_field) or {}
        return counted
