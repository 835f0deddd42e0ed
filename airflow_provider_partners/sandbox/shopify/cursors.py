"""Pages of sorted lists: Shopify's cursors, and the page that ``first``, ``after``, ``last`` and ``before`` select.

A cursor is base64 of ``{"last_id": …, "last_value": …}`` (recorded Admin responses). It contains the sort key of its
node, not a position: a node that moves while a client reads pages is skipped or repeated, as at Shopify.
"""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError

Scalar = str | int | float | None
Key = tuple[bool, Any, int | str]


@dataclass(frozen=True, kw_only=True)
class Sort:
    """The sort order of a list.

    :param value: the sort value of a document; ``None`` sorts first
    :param tie_breaker: orders documents with equal values; becomes the cursor's ``last_id``
    :param reverse: sort descending
    :param write: converts the sort value for a cursor
    :param read: converts it back
    """

    value: Callable[[Mapping[str, Any]], Scalar]
    tie_breaker: Callable[[Mapping[str, Any]], int | str]
    reverse: bool = False
    write: Callable[[Any], Scalar] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value

    def key(self, document: Mapping[str, Any]) -> Key:
        """Return the sort key of a document."""
        value = self.value(document)
        return (value is not None, value if value is not None else 0, self.tie_breaker(document))

    def cursor(self, document: Mapping[str, Any]) -> str:
        """Return the cursor of a document."""
        value = self.value(document)
        written = None if value is None else self.write(value)
        text = json.dumps({"last_id": self.tie_breaker(document), "last_value": written}, separators=(",", ":"))
        return base64.b64encode(text.encode()).decode()

    def position(self, cursor: str) -> Key:
        """Return the sort key in a cursor.

        :raises GraphQLError: with the message that clients of the Admin API match on
        """
        try:
            content = json.loads(base64.b64decode(cursor, validate=True))
            last_id, written = content["last_id"], content["last_value"]
            value = None if written is None else self.read(written)
            # Compare once here, so that a cursor of another sort order is rejected now and does not fail later.
            _ = (value is not None, value, last_id) < (True, value, last_id)
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            message = "Invalid cursor for current pagination sort."
            raise GraphQLError(message, extensions={"code": "BAD_REQUEST"}) from error
        return (value is not None, value if value is not None else 0, last_id)


@dataclass(frozen=True, kw_only=True)
class Page:
    """The nodes of one page, and whether there are more on either side."""

    nodes: list[Any]
    start: int
    has_next: bool
    has_previous: bool


class SortedNodes:
    """Sorted nodes that can be divided into pages; they are sorted only once."""

    def __init__(self, nodes: Iterable[Any], sort: Sort) -> None:
        self.sort = sort
        placed = sorted(
            ((sort.key(document), document) for document in nodes), key=lambda pair: pair[0], reverse=sort.reverse
        )
        self.nodes = [document for _, document in placed]
        self._keys = [key for key, _ in placed]

    def __len__(self) -> int:
        return len(self.nodes)

    def take_page(self, arguments: Mapping[str, Any]) -> Page:
        """Return the page that the arguments select.

        An empty cursor counts as none: clients send ``after: ""`` on every first page.
        """
        start, end = 0, len(self.nodes)
        try:
            if arguments.get("after"):
                place = self.sort.position(arguments["after"])
                start = self._first(lambda key: _is_after(key, place, self.sort))
            if arguments.get("before"):
                place = self.sort.position(arguments["before"])
                end = self._first(lambda key: not _is_after(place, key, self.sort))
        except TypeError as error:
            message = "Invalid cursor for current pagination sort."
            raise GraphQLError(message, extensions={"code": "BAD_REQUEST"}) from error
        end = max(start, end)
        if arguments.get("first") is not None:
            end = min(end, start + arguments["first"])
        elif arguments.get("last") is not None:
            start = max(start, end - arguments["last"])
        return Page(nodes=self.nodes[start:end], start=start, has_next=end < len(self.nodes), has_previous=start > 0)

    def _first(self, passed: Callable[[Key], bool]) -> int:
        """Return the index of the first node whose key passes the test."""
        return bisect_left(self._keys, True, key=passed)


def take_page(nodes: Iterable[Any], sort: Sort, arguments: Mapping[str, Any]) -> Page:
    """Sort nodes and return the page that the arguments select."""
    return SortedNodes(nodes, sort).take_page(arguments)


def _is_after(left: Key, right: Key, sort: Sort) -> bool:
    return left < right if sort.reverse else left > right


def connection(page: Page, sort: Sort) -> dict[str, Any]:
    """Format a page as a GraphQL connection; an empty one has null cursors (recorded)."""
    cursors = [sort.cursor(document) for document in page.nodes]
    return {
        "edges": [{"cursor": cursor, "node": document} for cursor, document in zip(cursors, page.nodes, strict=True)],
        "nodes": page.nodes,
        "pageInfo": {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def gid_number(document: Mapping[str, Any]) -> int | str:
    """Return the number at the end of a document's GID, or the whole last part if it is not a number."""
    tail = str(document.get("id", "")).rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdigit() else tail


def epoch_ms(text: str) -> int:
    """Convert an ISO time to epoch milliseconds, the form in cursors of the search index."""
    parsed = datetime.fromisoformat(text)
    return round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def database_time(milliseconds: int) -> str:
    """Format epoch milliseconds as in cursors of the database: ``2026-06-22 22:34:00.609599``."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def from_database_time(text: Scalar) -> int:
    """Convert either form back to epoch milliseconds."""
    return text if isinstance(text, int) else epoch_ms(str(text))
