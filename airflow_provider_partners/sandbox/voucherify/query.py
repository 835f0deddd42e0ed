"""Query strings as Voucherify's server reads them, and the checks of ``limit``, ``page``, ``order`` and timestamps.

The server runs on Node: brackets make objects and arrays, with or without a bracket before the first name. An index
above 20 turns an array into an object (https://github.com/ljharb/qs, version 6.17).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from airflow_provider_partners.sandbox.voucherify.errors import (
    INVALID_QUERY,
    ApiError,
    api_error,
    invalid,
    not_one_of,
)
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing

#: A parameter's value: text, or a list or an object if the parameter has brackets or is repeated.
Value = str | list[Any] | dict[str, Any]
#: The highest index of an array.
ARRAY_LIMIT = 20
_LIMIT_MAX = 100
_DEFAULT_LIMIT = 10
_IN_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
# Parameters that choose a page, not records.
_PAGE_PARAMETERS = frozenset({"limit", "page", "starting_after_id", "starting_after", "cursor"})


def parse_query_string(text: str) -> dict[str, Value]:
    """Return a query string as nested values.

    >>> parse_query_string("[filters][a.b][conditions][$in][0]=1&result=X&result=Y")
    {'filters': {'a.b': {'conditions': {'$in': ['1']}}}, 'result': ['X', 'Y']}
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(tree, _steps(name), value)
    return {name: _with_arrays(value) for name, value in tree.items()}


def _steps(name: str) -> list[str]:
    head, bracket, _ = name.partition("[")
    inside = _IN_BRACKETS.findall(name[len(head) :]) if bracket else []
    return [head, *inside] if head or not inside else inside


def _put(tree: dict[str, Any], steps: list[str], value: str) -> None:
    *path, last = steps
    for step in path:
        inner = tree.get(step)
        if not isinstance(inner, dict):
            # A text that is there already becomes the name of a member, as in qs.
            inner = {} if inner is None else {str(inner): "true"}
            tree[step] = inner
        tree = inner
    if last == "" and path:
        last = str(len(tree))
    if last not in tree:
        tree[last] = value
    elif isinstance(tree[last], list):
        tree[last].append(value)
    elif isinstance(tree[last], dict):
        tree[last][value] = "true"
    else:
        tree[last] = [tree[last], value]


def _with_arrays(value: Any) -> Any:
    """Turn objects into arrays if all their keys are indexes of an array."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdecimal() and str(int(key)) == key and int(key) <= ARRAY_LIMIT for key in value):
        return [_with_arrays(value[key]) for key in sorted(value, key=int)]
    return {key: _with_arrays(inner) for key, inner in value.items()}


def parse_timestamp(text: str) -> datetime:
    """Return an ISO 8601 timestamp or date; without a zone it is UTC.

    :raises ValueError: the text is neither
    """
    if not _TIME.fullmatch(text):
        msg = f"{text!r} is no ISO 8601 time"
        raise ValueError(msg)
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Query:
    """The checked query of one list.

    :param parameters: parameters that the list accepts
    :param order: the sort field, with ``-`` for descending order; empty: as stored
    :param ignored: names of parameters that the list does not accept
    """

    parameters: Mapping[str, Value]
    limit: int
    page: int
    order: str
    ignored: frozenset[str] = field(default_factory=frozenset)

    def text(self, name: str) -> str | None:
        """Return a text parameter, or ``None`` without it.

        :raises ApiError: 400 for a list or an object
        """
        value = self.parameters.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(INVALID_QUERY, f"Property .{name} must be string")
        return value

    def texts(self, name: str) -> list[str]:
        """Return the values of a parameter that may be repeated."""
        value = self.parameters.get(name)
        if value is None:
            return []
        values = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else [value]
        if not all(isinstance(each, str) for each in values):
            raise invalid(INVALID_QUERY, f"Property .{name} must be string")
        return values

    def timestamp(self, name: str) -> datetime | None:
        """Return a timestamp parameter, or ``None`` without it.

        :raises ApiError: 400 for any other text
        """
        text = self.text(name)
        return None if text is None else _parse_parameter(name, text)

    def time_limits(self, name: str) -> Iterator[tuple[str, datetime]]:
        """Yield the limits of a time filter such as ``created_at[after]``: ``before`` or ``after``, and the timestamp.

        :raises ApiError: 400 for anything else
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
            yield side, _parse_parameter(f"{name}.{side}", text)

    def identity(self) -> str:
        """Return a text that is the same for every page of one list query."""
        parameters = {name: value for name, value in self.parameters.items() if name not in _PAGE_PARAMETERS}
        return json.dumps([parameters, self.order], sort_keys=True)


def _parse_parameter(name: str, text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError:
        raise invalid(INVALID_QUERY, f"Property .{name} cannot be recognized as a ISO-8601 compliant date") from None


def read_query(listing: Listing, text: str, switches: Mapping[str, Any]) -> Query:
    """Read the query string of a list.

    :raises ApiError: 400 for a value that is not allowed
    """
    parameters = parse_query_string(text)
    accepted = set(listing.parameters)
    if switches["voucherify.created_at_everywhere"] and listing.paging != "single_shot":
        accepted.add("created_at")
    ignored = frozenset(parameters) - accepted
    if ignored and switches["voucherify.unknown_parameter"] != "ignore":
        raise invalid(INVALID_QUERY, f"Query should NOT have additional property '{min(ignored)}'")
    query = Query(
        parameters={name: value for name, value in parameters.items() if name in accepted},
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
        limit=_number("limit", query.text("limit"), default=_DEFAULT_LIMIT, maximum=_LIMIT_MAX),
        page=_page(listing, query.text("page"), switches),
        order=order if order and listing.order else query.order,
        ignored=ignored,
    )


def _default_order(listing: Listing, switches: Mapping[str, Any]) -> str:
    if listing.kind == "orders":
        return str(switches["voucherify.orders_default_order"])
    return listing.default


def _page(listing: Listing, text: str | None, switches: Mapping[str, Any]) -> int:
    maximum = listing.page_max
    if listing.kind == "publications":
        maximum = int(switches["voucherify.publications_page_max"])
    page = _number("page", text, default=1, maximum=None)
    if maximum is not None and page > maximum:
        raise page_over_limit(maximum)
    return page


def page_over_limit(maximum: int) -> ApiError:
    """Return the 400 for a page beyond the maximum. The documentation has it for publications only."""
    return api_error(
        400,
        "page_over_limit",
        f"Listing resource above {maximum} page is not supported",
        f"Property .page cannot be higher than {maximum}",
    )


def _number(name: str, text: str | None, *, default: int, maximum: int | None) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        raise invalid(INVALID_QUERY, f"Property .{name} must be integer")
    value = int(text)
    if value < 1:
        raise invalid(INVALID_QUERY, f"Property .{name} must be >= 1")
    if maximum is not None and value > maximum:
        raise invalid(INVALID_QUERY, f"Property .{name} must be <= {maximum}")
    return value
