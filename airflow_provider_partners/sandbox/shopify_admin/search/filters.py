"""Decides which documents a search matches: the searchable fields, and how their values compare.

Three properties of Shopify's search matter to a sync. An unknown field matches everything and causes only a warning
(``extensions.search[].warnings``, recorded). A time without quotes means a whole day (Shopify staff, community forum).
An invalid time is an error.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify_admin.search.parser import (
    AllOf,
    AnyOf,
    Node,
    Not,
    Term,
    describe,
    parse_search,
    terms,
)

Document = Mapping[str, Any]
Predicate = Callable[[Document], bool]

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One searchable field.

    :param kind: ``time``, ``number``, ``text`` or ``choice``
    :param values: returns the value or the values of a document
    :param choices: for a ``choice``, the test of each of its words
    """

    kind: str
    values: Callable[[Document], Any]
    choices: Mapping[str, Predicate] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The searchable fields of one resource.

    :param words: returns the texts that a bare word is searched in
    :param unsupported: fields that Shopify has and the sandbox does not
    """

    resource: str
    fields: Mapping[str, Filter]
    words: Callable[[Document], list[str | None]]
    unsupported: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Search:
    """A compiled search string."""

    text: str
    tree: Node | None
    matches: Predicate
    warnings: list[dict[str, str]]

    def report(self, path: list[str | int]) -> dict[str, Any]:
        """Return the entry of ``extensions.search`` (recorded)."""
        parsed = describe(self.tree) if self.tree else {}
        return {"path": path, "query": self.text, "parsed": parsed, "warnings": self.warnings}


def compile_search(text: str | None, filters: Filters, *, now: datetime) -> Search:
    """Compile a search string.

    :raises GraphQLError: a time is invalid, or the sandbox does not support a field that Shopify has
    """
    tree = parse_search(text or "")
    unknown = [term.field for term in terms(tree) if term.field and term.field not in filters.fields]
    for name in unknown:
        if name in filters.unsupported:
            message = f"The sandbox cannot search {filters.resource} by {name}; filter the response instead."
            raise GraphQLError(message, extensions={"code": "SANDBOX_CANNOT_SEARCH"})
    message = "Invalid search field for this query."
    warnings = [{"field": name, "message": message, "code": "invalid_field"} for name in dict.fromkeys(unknown)]
    matches = _predicate(tree, filters, now) if tree is not None else _everything
    return Search(text=text or "", tree=tree, matches=matches, warnings=warnings)


def _everything(_document: Document) -> bool:
    return True


def _predicate(node: Node, filters: Filters, now: datetime) -> Predicate:
    match node:
        case AllOf():
            every = [_predicate(part, filters, now) for part in node.parts]
            return lambda document: all(part(document) for part in every)
        case AnyOf():
            some = [_predicate(part, filters, now) for part in node.parts]
            return lambda document: any(part(document) for part in some)
        case Not():
            inner = _predicate(node.part, filters, now)
            # A negated unknown field matches everything, too.
            return _everything if inner is _everything else lambda document: not inner(document)
    return _term(node, filters, now)


def _term(term: Term, filters: Filters, now: datetime) -> Predicate:
    if term.field is None:
        word = term.value.strip("*").casefold()
        return lambda document: any(word in (text or "").casefold() for text in filters.words(document))
    field = filters.fields.get(term.field)
    if field is None:
        return _everything
    return _KINDS[field.kind](term, field, now)


def _time(term: Term, field: Filter, now: datetime) -> Predicate:
    low, high = _parse_range(term, now)
    tests: dict[str, Callable[[datetime], bool]] = {
        "eq": lambda at: low <= at < high,
        "gt": lambda at: at >= high,
        "gte": lambda at: at >= low,
        "lt": lambda at: at < low,
        "lte": lambda at: at < high,
    }
    test = tests[term.comparator]

    def matches(document: Document) -> bool:
        value = field.values(document)
        return value is not None and test(_utc(datetime.fromisoformat(value)))

    return matches


def _parse_range(term: Term, now: datetime) -> tuple[datetime, datetime]:
    """Return the time range of a search value: its second if quoted, otherwise its whole day, month or year (UTC)."""
    text = term.value.strip()
    if text == "now":
        return now, now + timedelta(seconds=1)
    try:
        if partial := _DAY.fullmatch(text):
            return _calendar_range(*(int(part) if part else None for part in partial.groups()))
        timestamp = _utc(datetime.fromisoformat(text))
    except ValueError as error:
        message = f"Invalid timestamp for query filter `{term.field}`."
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"}) from error
    if term.quoted:
        return timestamp, timestamp + timedelta(seconds=1)
    day = timestamp.replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day + timedelta(days=1)


def _calendar_range(year: int | None, month: int | None, day: int | None) -> tuple[datetime, datetime]:
    start = datetime(year or 1, month or 1, day or 1, tzinfo=UTC)
    if day:
        return start, start + timedelta(days=1)
    if month:
        return start, start + timedelta(days=calendar.monthrange(start.year, start.month)[1])
    return start, start.replace(year=start.year + 1)


def _utc(timestamp: datetime) -> datetime:
    return timestamp.astimezone(UTC) if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def _number(term: Term, field: Filter, _now: datetime) -> Predicate:
    try:
        number = float(term.value.rpartition("/")[2])
    except ValueError:
        return lambda _document: False
    tests: dict[str, Callable[[float], bool]] = {
        "eq": lambda value: value == number,
        "gt": lambda value: value > number,
        "gte": lambda value: value >= number,
        "lt": lambda value: value < number,
        "lte": lambda value: value <= number,
    }
    test = tests[term.comparator]

    def matches(document: Document) -> bool:
        value = field.values(document)
        return value is not None and test(float(value))

    return matches


def _text(term: Term, field: Filter, _now: datetime) -> Predicate:
    """Match equal texts, ignoring case.

    A ``*`` at the end matches any continuation; ``field:*`` matches any value.
    """
    pattern = term.value.casefold().lstrip("#")

    def fits(value: Any) -> bool:
        text = str(value).casefold().lstrip("#")
        return text.startswith(pattern[:-1]) if pattern.endswith("*") and not term.quoted else text == pattern

    def matches(document: Document) -> bool:
        values = field.values(document)
        return any(fits(value) for value in (values if isinstance(values, list) else [values]) if value is not None)

    return matches


def _choice(term: Term, field: Filter, _now: datetime) -> Predicate:
    return field.choices.get(term.value.casefold(), lambda _document: False)


_KINDS: dict[str, Callable[[Term, Filter, datetime], Predicate]] = {
    "time": _time,
    "number": _number,
    "text": _text,
    "choice": _choice,
}
