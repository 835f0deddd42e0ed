"""Query strings as Voucherify's server reads them, and the checks of ``limit``, ``page``, ``order`` and times.

The server is one of Node's: brackets make objects and arrays, with or without a bracket before the first name, and
an index above 20 makes an object of an array (qs 6.17). It must not know what the rows are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.errors import (
    INVALID_QUERY,
    ApiError,
    api_error,
    invalid,
    not_one_of,
)

#: A parameter's value: text, or what brackets or a repeated name make of it.
Value = str | list[Any] | dict[str, Any]
#: The last index that still belongs to an array.
ARRAY_LIMIT = 20
_LIMIT_MAX = 100
_DEFAULT_LIMIT = 10
_IN_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
# What doesn't change which rows a list holds, only which of them are sent.
_PLACE = frozenset({"limit", "page", "starting_after_id", "starting_after", "cursor"})


def parse_query_string(text: str) -> dict[str, Value]:
    """A query string as nested values.

    >>> parsed("[filters][a.b][conditions][$in][0]=1&result=X&result=Y")
    {'filters': {'a.b': {'conditions': {'$in': ['1']}}}, 'result': ['X', 'Y']}
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(tree, _steps(name), value)
    return {name: _settled(value) for name, value in tree.items()}


def _steps(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    inside = _IN_BRACKETS.findall(name[len(head) :]) if bracket else []
    return [head, *inside] if head or not inside else inside


def _put(tree: dict[str, Any], steps: list[str], value: str) -> None:
    *way, last = steps
    for step in way:
        inner = tree.get(step)
        if not isinstance(inner, dict):
            # A text that was there becomes a member named by itself, as qs has it.
            inner = {} if inner is None else {str(inner): "true"}
            tree[step] = inner
        tree = inner
    if last == "" and way:
        last = str(len(tree))
    if last not in tree:
        tree[last] = value
    elif isinstance(tree[last], list):
        tree[last].append(value)
    elif isinstance(tree[last], dict):
        tree[last][value] = "true"
    else:
        tree[last] = [tree[last], value]


def _settled(value: Any) -> Any:
    """Objects whose members are all small indexes are arrays."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() and str(int(key)) == key and int(key) <= ARRAY_LIMIT for key in value):
        return [_settled(value[key]) for key in sorted(value, key=int)]
    return {key: _settled(inner) for key, inner in value.items()}


def parse_timestamp(text: str) -> datetime:
    """An ISO 8601 time or day, in UTC where it names no zone.

    :raises ValueError: it is none
    """
    if not _TIME.fullmatch(text):
        msg = f"{text!r} is no ISO 8601 time"
        raise ValueError(msg)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked of one list, read and allowed.

    :param parameters: the parameters that the list takes
    :param order: a field, with ``-`` for the other way; empty: as the rows came in
    """

    parameters: Mapping[str, Value]
    limit: int
    page: int
    order: str
    ignored: frozenset[str] = field(default_factory=frozenset)

    def text(self, name: str) -> str | None:
        """A parameter that is text; ``None`` if it isn't given.

        :raises Refused: 400 if it is something else
        """
        value = self.parameters.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(INVALID_QUERY, f"Property .{name} must be string")
        return value

    def texts(self, name: str) -> list[str]:
        """A parameter that may be repeated."""
        value = self.parameters.get(name)
        if value is None:
            return []
        values = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
        if not all(isinstance(each, str) for each in values):
            raise invalid(INVALID_QUERY, f"Property .{name} must be string")
        return values

    def time(self, name: str) -> datetime | None:
        """A parameter that is a time.

        :raises Refused: 400 if it is none
        """
        text = self.text(name)
        return None if text is None else _time(name, text)

    def time_limits(self, name: str) -> Iterator[tuple[str, datetime]]:
        """``before`` and ``after`` of a time filter such as ``created_at[after]``.

        :raises Refused: 400 for anything else
        """
        value = self.parameters.get(name)
        if value is None:
            return
        if not isinstance(value, dict):
            raise invalid(INVALID_QUERY, f"Property .{name} must be object")
        for side, text in value.items():
            if side not in {"before", "after"}:
                raise not_one_of(INVALID_QUERY, name, ("before", "after"))
            if not isinstance(text, str):
                raise invalid(INVALID_QUERY, f"Property .{name}.{side} must be string")
            yield side, _time(f"{name}.{side}", text)

    def identity(self) -> str:
        """The same for every page of one walk."""
        rows = {name: value for name, value in self.parameters.items() if name not in _PLACE}
        return json.dumps([rows, self.order], sort_keys=True)


def _time(name: str, text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError:
        raise invalid(INVALID_QUERY, f"Property .{name} cannot be recognized as a ISO-8601 compliant date") from None


def read_query(listing: Listing, text: str, switches: Mapping[str, Any]) -> Query:
    """Read the query string of a list.

    :raises Refused: 400 for a value that isn't allowed
    """
    everything = parse_query_string(text)
    taken = set(listing.parameters)
    if switches["voucherify.created_at_everywhere"] and listing.paging != "whole":
        taken.add("created_at")
    ignored = frozenset(everything) - taken
    if ignored and switches["voucherify.unknown_parameter"] != "ignore":
        raise invalid(INVALID_QUERY, f"Query should NOT have additional property '{min(ignored)}'")
    query = Query(
        parameters={name: value for name, value in everything.items() if name in taken},
        limit=_DEFAULT_LIMIT,
        page=1,
        order=_default_order(listing, switches),
        ignored=ignored,
    )
    order = query.text("order")
    if order and listing.order and order not in listing.orders:
        raise not_one_of(INVALID_QUERY, "order", listing.orders)
    return Query(
        parameters=query.parameters,
        limit=_number("limit", query.text("limit"), usual=_DEFAULT_LIMIT, most=_LIMIT_MAX),
        page=_page(listing, query.text("page"), switches),
        order=order if order and listing.order else query.order,
        ignored=ignored,
    )


def _default_order(listing: Listing, switches: Mapping[str, Any]) -> str:
    if listing.kind == "orders":
        return str(switches["voucherify.orders_default_order"])
    return listing.default


def _page(listing: Listing, text: str | None, switches: Mapping[str, Any]) -> int:
    most = listing.page_max
    if listing.kind == "publications":
        most = int(switches["voucherify.publications_page_max"])
    page = _number("page", text, usual=1, most=None)
    if most is not None and page > most:
        raise page_over_limit(most)
    return page


def page_over_limit(most: int) -> ApiError:
    """400 beyond the last page that may be asked for; documented for publications alone."""
    return api_error(
        400,
        "page_over_limit",
        f"Listing resource above {most} page is not supported",
        f"Property .page cannot be higher than {most}",
    )


def _number(name: str, text: str | None, *, usual: int, most: int | None) -> int:
    if text is None:
        return usual
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        raise invalid(INVALID_QUERY, f"Property .{name} must be integer")
    value = int(text)
    if value < 1:
        raise invalid(INVALID_QUERY, f"Property .{name} must be >= 1")
    if most is not None and value > most:
        raise invalid(INVALID_QUERY, f"Property .{name} must be <= {most}")
    return value
