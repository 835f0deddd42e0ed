"""Fetch the pages of a user's document, and read the connections inside of its records to their end.

A record has each connection inside of it as a plain list, as the records of the Admin API's lists have. This module
knows neither the argument's checks nor the rules of an API.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.shopify.connections import (
    ANCHOR_ID,
    ANCHOR_TYPE,
    Connection,
    argument,
    find_connections,
    selection_at,
)
from airflow_provider_partners.api.shopify.errors import missing_connection_error
from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.exceptions import ConfigurationError, PagingError

if TYPE_CHECKING:
    from graphql import SelectionSetNode

    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.api.shopify.user_document import PagedDocument, UserDocument
    from airflow_provider_partners.records import Record

__all__ = ["DocumentFetcher", "InnerConnectionLoader", "SingleFetcher", "document_segment"]

log = logging.getLogger(__name__)

INNER_PAGE_SIZE = 250
"""Nodes of a further page of an inner connection, the most that Shopify allows."""

_GLOBAL_ID = re.compile(r"gid://shopify/(\w+)/")


class _DeletedError(Exception):
    """The object that has the connection no longer exists."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The nearest object that can be read by its id, on the way to a connection.

    :param selections: what the document selects of it
    """

    id: str | None
    type_name: str | None
    selections: SelectionSetNode

    def item(self, value: Mapping[str, Any], path: tuple[str, ...]) -> _Anchor:
        """Return a member of a plain list inside of the object as the anchor, if the document selects its id."""
        global_id = str(value.get("id") or "")
        match = _GLOBAL_ID.match(global_id)
        selections = selection_at(self.selections, path)
        return _Anchor(global_id, match[1], selections) if match else _Anchor(None, None, selections)


class InnerConnectionLoader:
    """Reads the connections inside of records to their end, and makes them plain lists. Thread-safe.

    :param document: whose connections they are
    """

    def __init__(self, caller: GraphQLCaller, document: PagedDocument, *, label: str) -> None:
        self._caller = caller
        self._document = document
        self._label = label
        self._page_size = AdaptivePageSize(INNER_PAGE_SIZE)

    def complete(self, nodes: list[Record]) -> list[Record]:
        """Return the nodes of the document's connection as records; those deleted in the meantime are left out."""
        selections = self._document.connection.nodes
        if not find_connections(selections):
            return nodes
        records = []
        for node in nodes:
            try:
                records.append(self._complete(node, selections))
            except _DeletedError:
                log.info("%s was deleted while it was read", node.get(ANCHOR_ID))
        return records

    def _complete(self, node: Record, selections: SelectionSetNode) -> Record:
        connections = find_connections(selections)
        if not connections:
            return node
        anchor = _Anchor(node.pop(ANCHOR_ID, None), node.pop(ANCHOR_TYPE, None), selections)
        for connection in connections:
            self._complete_at(node, connection.path, connection, anchor, ())
        return node

    def _complete_at(
        self,
        value: Record,
        steps: tuple[str, ...],
        connection: Connection,
        anchor: _Anchor,
        walked: tuple[str, ...],
    ) -> None:
        """Complete one connection below an object.

        :param steps: the keys from the object to the connection
        :param walked: the keys from the anchor to the object
        """
        key, *rest = steps
        child, here = value.get(key), (*walked, key)
        if child is None:
            return
        if not rest:
            value[key] = self._read_to_end(child, connection, anchor, here)
        elif isinstance(child, list):
            for item in child:
                if isinstance(item, dict):
                    self._complete_at(item, tuple(rest), connection, anchor.item(item, here), ())
        elif isinstance(child, dict):
            self._complete_at(child, tuple(rest), connection, anchor, here)

    def _read_to_end(
        self, page: Mapping[str, Any], connection: Connection, anchor: _Anchor, path: tuple[str, ...]
    ) -> list[Record]:
        nodes: list[Record] = []
        visited: set[str] = set()
        # A document that asks for the last nodes has all of them.
        is_paged = argument(connection.field, "last") is None
        while True:
            edges = [edge for edge in page["edges"] if edge]
            nodes += [edge["node"] for edge in edges if edge["node"] is not None]
            if not (page["pageInfo"]["hasNextPage"] and is_paged):
                return [self._complete(node, connection.nodes) for node in nodes]
            after = edges[-1]["cursor"] if edges else None
            if not after or after in visited:
                message = f"'{connection.dotted_path}' of {anchor.id} repeats its cursor"
                raise PagingError(message, remedy="Shopify's paging loops; try again.")
            visited.add(after)
            page = self._next_page(anchor, path, after)

    def _next_page(self, anchor: _Anchor, path: tuple[str, ...], after: str) -> Mapping[str, Any]:
        if anchor.id is None or anchor.type_name is None:
            where = ".".join(path)
            message = f"'{where}' has more nodes than one page, and the objects of the list around it have no id"
            remedy = "Select the id of these objects, so that the connection can be read to its end."
            raise ConfigurationError(message, remedy=remedy)
        text = self._document.continued(anchor.selections, path, anchor.type_name)
        fixed = {**self._document.variables_in(text), "pagingNode": anchor.id, "pagingCursor": after}
        value: Any = self._page_size.call(partial(self._fetch, text, fixed, ".".join(path)))
        for key in path:
            if value is None:
                raise _DeletedError
            value = value.get(key)
        if value is None:
            raise _DeletedError
        page: Mapping[str, Any] = value
        return page

    def _fetch(self, text: str, fixed: Mapping[str, Any], path: str, size: int, *, max_timeouts: int | None) -> Any:
        variables = {**fixed, "pagingSize": size}
        label = f"{self._label}.{path}"
        return self._caller.execute(text, variables, label=label, max_timeouts=max_timeouts).data.get("node")


@dataclass(frozen=True, kw_only=True)
class DocumentFetcher:
    """Fetches the pages of a document's connection. Thread-safe.

    :param label: name of the records in logs and errors
    :param page_size: reduced if a page costs too much, or takes Shopify too long
    :param inner: whether the connections inside of records are read to their end
    :param max_results: how many nodes Shopify returns of one connection; ``None`` if it has no limit
    :param null_remedy: what to do when the connection is null
    """

    caller: GraphQLCaller
    label: str
    document: PagedDocument
    page_size: AdaptivePageSize
    inner: bool = True
    max_results: int | None = None
    null_remedy: str = ""

    @property
    def start(self) -> Cursor:
        """The cursor of the first page."""
        return {self._step: self.document.start} if self.document.start else {}

    @cached_property
    def _loader(self) -> InnerConnectionLoader:
        return InnerConnectionLoader(self.caller, self.document, label=self.label)

    @property
    def _step(self) -> str:
        return "before" if self.document.backward else "after"

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor.

        :param cursor: ``{}``, ``{"after": …}`` or ``{"before": …}``; with ``read`` where Shopify limits a connection
        :raises ConfigurationError: if the connection is null
        :raises PagingError: if the page announces more records without a cursor
        """
        data = self.page_size.call(partial(self._fetch_data, cursor))
        connection = self._connection(data)
        edges = [edge for edge in connection["edges"] if edge]
        nodes = [edge["node"] for edge in edges if edge["node"] is not None]
        more = connection["pageInfo"]["hasPreviousPage" if self.document.backward else "hasNextPage"]
        if more and not edges:
            message = f"'{self.label}' returned an empty page, but announces more records"
            raise PagingError(message, remedy="Try again, or use a shorter window.")
        read = int(cursor.get("read", 0)) + len(edges)
        if more and self.max_results and read >= self.max_results:
            message = f"'{self.document.connection.dotted_path}' has more than Shopify's limit of {self.max_results:,}"
            raise PagingError(message, remedy="Use a shorter window, a narrower 'query', or mode='bulk'.")
        records = self._loader.complete(nodes) if self.inner else nodes
        return Page(records, self._following(edges, read) if more else None)

    def _following(self, edges: list[Mapping[str, Any]], read: int) -> Cursor:
        place = edges[0 if self.document.backward else -1]["cursor"]
        if not place:
            message = f"'{self.label}' has more records, but its cursors are missing"
            raise PagingError(message, remedy="Try again, or use a shorter window.")
        return {self._step: place, **({"read": read} if self.max_results else {})}

    def _fetch_data(self, cursor: Cursor, size: int, *, max_timeouts: int | None) -> Mapping[str, Any]:
        document = self.document
        place = cursor.get(self._step)
        variables = {
            **document.variables,
            document.size_variable: size,
            **({document.cursor_variable: place} if place else {}),
        }
        return self.caller.execute(document.text, variables, label=self.label, max_timeouts=max_timeouts).data

    def _connection(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        steps = self.document.connection.path
        value: Any = data
        for depth, step in enumerate(steps, 1):
            value = value.get(step) if isinstance(value, Mapping) else None
            if value is None:
                raise missing_connection_error(".".join(steps[:depth]), self.label, remedy=self.null_remedy)
        connection: Mapping[str, Any] = value
        return connection


@dataclass(frozen=True, kw_only=True)
class SingleFetcher:
    """Sends a document as it is printed, once.

    :param path: of the records in the answer
    """

    caller: GraphQLCaller
    label: str
    document: UserDocument
    path: str | None

    def fetch(self, cursor: Cursor) -> Page:
        """Return the records of the answer.

        :param cursor: always ``{}``
        """
        document = self.document
        result = self.caller.execute(
            document.text, document.variables, operation_name=document.operation_name, label=self.label
        )
        records = document.records(result.data, self.path)
        return Page([each if isinstance(each, dict) else {"value": each} for each in records], None)


def document_segment(
    caller: GraphQLCaller,
    document: UserDocument,
    *,
    label: str,
    path: str | None,
    paged: bool | None,
    page_size: int | None,
    default_size: int,
    inner: bool = True,
    **options: Any,
) -> tuple[Segment, dict[str, Any]]:
    """Return the pages of a document, and what they add to the extraction's request.

    A document without a connection, and one for the ``last`` nodes of a connection, is sent once as it is.

    :param label: name of the records
    :param path: of the records in the answer, where the document is sent as it is
    :param paged: True to read all pages, also those before the ``last`` nodes
    :param page_size: records per page; by default what the document says, or else ``default_size``
    :param inner: whether the connections inside of records are read to their end as well
    :param options: further fields of :class:`DocumentFetcher`
    """
    if document.connection is None or (paged is None and document.wants_last):
        single = SingleFetcher(caller=caller, label=label, document=document, path=path)
        return Segment(name=label, fetch=single.fetch), {}
    pages = document.paged(page_size, default_size=default_size, inner=inner)
    fetcher = DocumentFetcher(
        caller=caller, label=label, document=pages, page_size=AdaptivePageSize(pages.size), inner=inner, **options
    )
    return Segment(name=label, fetch=fetcher.fetch, start=fetcher.start), {"paged": True}
