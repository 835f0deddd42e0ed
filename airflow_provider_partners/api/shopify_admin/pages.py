"""Fetch one page of an Admin API list, by a search, inside of one object, or by ids, and complete its records.

A page that costs too much, or takes Shopify too long, is fetched again with fewer objects. This module knows neither
arguments nor time ranges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.shopify_admin.documents import ListDocuments, page_document
from airflow_provider_partners.api.shopify_admin.errors import name_scopes
from airflow_provider_partners.api.shopify_admin.resources.model import MAX_PAGE_SIZE
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError
from airflow_provider_partners.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_partners.api.shopify.graphql import DocumentCaller
    from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
    from airflow_provider_partners.api.shopify_admin.nested import NestedListLoader

MAX_SEARCH_RESULTS = 25_000
"""Shopify returns no more objects of one paged query.

See https://shopify.dev/docs/api/usage/limits.
"""

Filter = Callable[[Record], bool]
"""Returns False for a record to drop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReader:
    """What every request for a list needs.

    :param is_included: returns False for a record to drop
    """

    caller: DocumentCaller
    loader: NestedListLoader
    documents: ListDocuments
    page_size: AdaptivePageSize
    is_included: Filter

    def execute(
        self, document: str, variables: Mapping[str, Any], *, label: str, max_timeouts: int | None
    ) -> Mapping[str, Any]:
        """Send a document and return its data.

        :param label: what is read, such as ``list``
        """
        name = f"{self.documents.name}.{label}"
        with name_scopes(self.documents.resource):
            return self.caller.execute(document, variables, label=name, max_timeouts=max_timeouts).data

    def page(self, records: list[Record], cursor: Cursor | None) -> Page:
        """Return a page of the records to keep."""
        return Page([record for record in records if self.is_included(record)], cursor)

    def next_cursor(self, cursor: Cursor, connection: Mapping[str, Any]) -> Cursor | None:
        """Return where the next page begins, or ``None`` after the last one.

        :param cursor: where the page of the connection begins
        :raises PagingError: if Shopify does not return the complete list
        """
        nodes, info = connection["nodes"], connection["pageInfo"]
        has_more, after = info["hasNextPage"], info.get("endCursor")
        read = cursor.get("read", 0) + len(nodes)
        name = self.documents.name
        if read >= MAX_SEARCH_RESULTS:
            message = f"a search of '{name}' exceeds Shopify's limit of {MAX_SEARCH_RESULTS:,} objects"
            remedy = "Use a shorter window, or a narrower 'query'."
            if self.documents.resource.bulk:
                remedy += ' A bulk operation has no limit (the operator\'s mode="bulk").'
            raise PagingError(message, remedy=remedy)
        if not has_more:
            return None
        if not (nodes and after):
            message = f"a page of '{name}' announces more records, but has no cursor for them"
            raise PagingError(message, remedy="Try again, or use a shorter window.")
        return {**cursor, "after": after, "read": read}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFetcher:
    """Fetches the pages of a search.

    A list in the order of its ids continues beyond Shopify's limit with a new search, of the objects after the last id.

    :param query: the search string
    :param limit: objects of one search before a new one begins
    """

    reader: ListReader
    query: str
    limit: int = MAX_SEARCH_RESULTS - MAX_PAGE_SIZE

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor.

        :param cursor: ``{}`` or ``{"after": …, "read": …}``, where ``read`` is the number of objects before the page.
            ``after_id`` is the number of the object that the search begins after
        :raises PagingError: if Shopify does not return the complete list
        """
        reader = self.reader
        connection = reader.page_size.call(partial(self._fetch_connection, cursor))
        next_cursor = reader.next_cursor(cursor, connection)
        nodes: list[Record] = connection["nodes"]
        if next_cursor and reader.documents.resource.is_ordered_by_id and next_cursor["read"] >= self.limit:
            next_cursor = {"after_id": _number(nodes[-1]["id"])}
        return reader.page(reader.loader.complete(reader.documents, nodes), next_cursor)

    def _fetch_connection(self, cursor: Cursor, size: int, *, max_timeouts: int | None) -> Any:
        after_id = f"id:>{cursor['after_id']}" if "after_id" in cursor else ""
        query = " AND ".join(part for part in (self.query, after_id) if part)
        variables = {"first": size, "after": cursor.get("after"), "query": query}
        document, root = self.reader.documents.search_document(), self.reader.documents.resource.root
        data = self.reader.execute(document, variables, label="list", max_timeouts=max_timeouts)
        connection = data.get(root)
        if connection is None:
            message = f"Shopify returned null for '{root}' without an error"
            raise UnexpectedResponseError(message)
        return connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentFetcher:
    """Fetches the pages of the records inside of one object, such as the inventory levels of a location.

    :param parent_id: the object's global id
    :param query: the search string, if the records can be searched
    """

    reader: ListReader
    parent_id: str
    query: str

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor. An object that was deleted in the meantime has no records.

        :param cursor: ``{}`` or ``{"after": …, "read": …}``, where ``read`` is the number of records before the page
        :raises PagingError: if Shopify does not return the complete list
        """
        connection = self.reader.page_size.call(partial(self._fetch_connection, cursor))
        if connection is None:
            return Page([], None)
        reader = self.reader
        records = reader.loader.complete_records(reader.documents, connection["nodes"])
        return reader.page(records, reader.next_cursor(cursor, connection))

    def _fetch_connection(self, cursor: Cursor, size: int, *, max_timeouts: int | None) -> Any:
        documents = self.reader.documents
        within = documents.lists[0]
        variables: dict[str, Any] = {"id": self.parent_id, "first": size, "after": cursor.get("after")}
        if within.has_search:
            variables["query"] = self.query
        document = page_document(documents.resource.owner_type, within)
        data = self.reader.execute(document, variables, label="list", max_timeouts=max_timeouts)
        parent = data.get("node")
        return parent and parent[within.field]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFetcher:
    """Fetches objects by their ids, all of them as one page.

    :param ids: global ids, at most 250
    :param of_parents: whether the ids are those of the root's objects, and the records are inside of these
    """

    reader: ListReader
    ids: Sequence[str]
    of_parents: bool = False

    def fetch(self, cursor: Cursor) -> Page:
        """Return the records of the ids that exist.

        :param cursor: always ``{}``
        """
        nodes: list[Record] = []
        offset = 0
        while offset < len(self.ids):
            offset, batch = self.reader.page_size.call(partial(self._fetch_nodes, offset))
            nodes += batch
        loader, documents = self.reader.loader, self.reader.documents
        complete = loader.complete if self.of_parents else loader.complete_records
        return self.reader.page(complete(documents, nodes), None)

    def _fetch_nodes(self, offset: int, size: int, *, max_timeouts: int | None) -> tuple[int, list[Record]]:
        documents = self.reader.documents
        resource = documents.resource
        ids = next(batches(self.ids[offset:], size))
        document = documents.by_parent_document() if self.of_parents else documents.by_id_document()
        type_name = resource.owner_type if self.of_parents else resource.type
        data = self.reader.execute(document, {"ids": ids}, label="by_id", max_timeouts=max_timeouts)
        nodes = [node for node in data.get("nodes") or [] if node and node.get("__typename") == type_name]
        return offset + len(ids), [_without_typename(node) for node in nodes]


def _without_typename(node: Record) -> Record:
    return {name: value for name, value in node.items() if name != "__typename"}


def _number(gid: str) -> int:
    return int(gid.rpartition("/")[2].partition("?")[0])
