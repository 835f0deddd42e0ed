"""Fetch one page of an Admin API list, by a search or by ids, and complete its records.

A page that costs too much, or takes Shopify too long, is fetched again with fewer objects. This module knows neither
arguments nor time ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
    from airflow_provider_partners.api.shopify_admin.nested import NestedConnectionLoader
    from airflow_provider_partners.records import Record

MAX_SEARCH_RESULTS = 25_000
"""Shopify returns no more objects of one paged query.

See https://shopify.dev/docs/api/usage/limits.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFetcher:
    """Fetches the pages of a search.

    :param resource: the list's name, which is also its root field
    :param document: the GraphQL document
    :param query: the search string
    """

    caller: GraphQLCaller
    loader: NestedConnectionLoader
    resource: str
    document: str
    query: str
    page_size: AdaptivePageSize

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor.

        :param cursor: ``{}`` or ``{"after": …, "read": …}``, where ``read`` is the number of objects before the page
        :raises PagingError: if Shopify does not return the complete list
        """
        connection = self.page_size.call(partial(self._fetch_connection, cursor))
        nodes: list[Record] = connection["nodes"]
        has_more, after = connection["pageInfo"]["hasNextPage"], connection["pageInfo"].get("endCursor")
        read = cursor.get("read", 0) + len(nodes)
        if read >= MAX_SEARCH_RESULTS:
            message = f"a search of '{self.resource}' exceeds Shopify's limit of {MAX_SEARCH_RESULTS:,} objects"
            raise PagingError(message, remedy="Use a shorter window, or a narrower 'query'.")
        if has_more and not (nodes and after):
            message = f"a page of '{self.resource}' announces more records, but has no cursor for them"
            raise PagingError(message, remedy="Try again, or use a shorter window.")
        records = self.loader.complete(self.resource, nodes)
        return Page(records, {"after": after, "read": read} if has_more else None)

    def _fetch_connection(self, cursor: Cursor, size: int, *, max_timeouts: int | None) -> Any:
        variables = {"first": size, "after": cursor.get("after"), "query": self.query}
        label = f"{self.resource}.list"
        result = self.caller.execute(self.document, variables, label=label, max_timeouts=max_timeouts)
        connection = result.data.get(self.resource)
        if connection is None:
            message = f"Shopify returned null for '{self.resource}' without an error"
            raise UnexpectedResponseError(message)
        return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFetcher:
    """Fetches objects by their ids, all of them as one page.

    :param node_type: the GraphQL type; nodes of other types are dropped
    :param ids: global ids, at most 250
    :param is_included: returns False for a record to drop
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
        """Return the records of the ids that exist.

        :param cursor: always ``{}``
        """
        nodes: list[Record] = []
        offset = 0
        while offset < len(self.ids):
            offset, batch = self.page_size.call(partial(self._fetch_nodes, offset))
            nodes += batch
        records = self.loader.complete(self.resource, nodes)
        return Page([record for record in records if self.is_included(record)], None)

    def _fetch_nodes(self, offset: int, size: int, *, max_timeouts: int | None) -> tuple[int, list[Record]]:
        ids = next(batches(self.ids[offset:], size))
        label = f"{self.resource}.by_id"
        result = self.caller.execute(self.document, {"ids": ids}, label=label, max_timeouts=max_timeouts)
        nodes = [node for node in result.data.get("nodes") or [] if node and node.get("__typename") == self.node_type]
        return offset + len(ids), [_without_typename(node) for node in nodes]


def _without_typename(node: Record) -> Record:
    return {name: value for name, value in node.items() if name != "__typename"}
