"""Pages out of sorted lists: cursors as Shopify writes them, and the cut that ``first``, ``after`` and their kin make.

A cursor is base64 of ``{"last_id": …, "last_value": …}`` (recorded live Admin responses): the sort key of the row it
stands on, not a position, so that a row that moves while pages are read is skipped or repeated here as it is there.
This module must not know which documents it pages, nor which page sizes an API allows.
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
    """By what a list is sorted.

    :param value: the sort value of a document; ``None`` sorts first
    :param tie_breaker: what breaks ties, and goes into ``last_id``
    :param reverse: descending
    :param write: how the sort value is written into a cursor
    :param read: the way back
    """

    value: Callable[[Mapping[str, Any]], Scalar]
    tie_breaker: Callable[[Mapping[str, Any]], int | str]
    reverse: bool = False
    write: Callable[[Any], Scalar] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value

    def key(self, document: Mapping[str, Any]) -> Key:
        """The place of a document in the list."""
        value = self.value(document)
        return (value is not None, value if value is not None else 0, self.tie_breaker(document))

    def cursor(self, document: Mapping[str, Any]) -> str:
        """The cursor that stands on a document."""
        value = self.value(document)
        written = None if value is None else self.write(value)
        text = json.dumps({"last_id": self.tie_breaker(document), "last_value": written}, separators=(",", ":"))
        return base64.b64encode(text.encode()).decode()

    def position(self, cursor: str) -> Key:
        """The place a cursor stands on.

        :raises GraphQLError: with the sentence that clients of the Admin API match on
        """
        try:
            told = json.loads(base64.b64decode(cursor, validate=True))
            last_id, written = told["last_id"], told["last_value"]
            value = None if written is None else self.read(written)
            # compared once here, so that a cursor of another sort order is refused rather than a crash later
            _ = (value is not None, value, last_id) < (True, value, last_id)
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            message = "Invalid cursor for current pagination sort."
            raise GraphQLError(message, extensions={"code": "BAD_REQUEST"}) from error
        return (value is not None, value if value is not None else 0, last_id)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a cut left: the rows, and whether there are more on either side."""

    nodes: list[Any]
    start: int
    has_next: bool
    has_previous: bool


class SortedNodes:
    """Rows in the order of a sort, to be cut into pages; sorting is done once however many pages are cut."""

    def __init__(self, nodes: Iterable[Any], sort: Sort) -> None:
        self.sort = sort
        placed = sorted(((sort.key(row), row) for row in nodes), key=lambda pair: pair[0], reverse=sort.reverse)
        self.nodes = [row for _, row in placed]
        self._keys = [key for key, _ in placed]

    def __len__(self) -> int:
        return len(self.nodes)

    def take_page(self, arguments: Mapping[str, Any]) -> Page:
        """The page that the arguments ask for.

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
        """Where the rows begin whose key has passed a place."""
        return bisect_left(self._keys, True, key=passed)


def take_page(nodes: Iterable[Any], sort: Sort, arguments: Mapping[str, Any]) -> Page:
    """Sort ``nodes`` and take the page the arguments ask for."""
    return SortedNodes(nodes, sort).take_page(arguments)


def _is_after(left: Key, right: Key, sort: Sort) -> bool:
    return left < right if sort.reverse else left > right


def connection(page: Page, sort: Sort) -> dict[str, Any]:
    """A page as a GraphQL connection; an empty one has null cursors (recorded live)."""
    cursors = [sort.cursor(row) for row in page.nodes]
    return {
        "edges": [{"cursor": cursor, "node": row} for cursor, row in zip(cursors, page.nodes, strict=True)],
        "nodes": page.nodes,
        "pageInfo": {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        },
    }


def gid_number(document: Mapping[str, Any]) -> int | str:
    """The numeric tail of a document's GID (the whole id where there is no number)."""
    tail = str(document.get("id", "")).rpartition("/")[2].partition("?")[0]
    return int(tail) if tail.isdigit() else tail


def epoch_ms(text: str) -> int:
    """An ISO time as the epoch milliseconds of a search-served cursor."""
    parsed = datetime.fromisoformat(text)
    return round((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def database_time(milliseconds: int) -> str:
    """Epoch milliseconds as a database-served cursor has them: ``2026-06-22 22:34:00.609599``."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def from_database_time(text: Scalar) -> int:
    """The way back from either form."""
    return text if isinstance(text, int) else epoch_ms(str(text))
