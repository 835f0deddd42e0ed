"""One page of an Admin API list: of a search, or of ids; as large as its cost allows, and made whole.

Must not know arguments or windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.paging import Cursor, Page
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_partners.api.graphql import GraphQLCaller
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.shopify_cost import AdaptivePageSize
    from airflow_provider_partners.api.shopify_nested import NestedConnectionLoader

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
