"""Which documents a search matches: the fields that can be searched, and how their values compare.

Three habits of Shopify's search matter to a sync. A field it does not know matches everything and is only
warned of (``extensions.search[].warnings``, recorded live). A time without quotes is taken as a whole day (Shopify
staff, community forum). An impossible time is an error. This module must not know pages or GraphQL types.
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
    :param values: the value, or the values, of a document
    :param choices: for a ``choice``, what each of its words asks of a document
    """

    kind: str
    values: Callable[[Document], Any]
    choices: Mapping[str, Predicate] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What can be searched in one resource.

    :param words: the texts a bare word is looked up in
    :param unsupported: fields that Shopify has and the sandbox does not
    """

    resource: str
    fields: Mapping[str, Filter]
    words: Callable[[Document], list[str | None]]
    unsupported: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Search:
    """A search string, ready to be put to documents."""

    text: str
    tree: Node | None
    matches: Predicate
    warnings: list[dict[str, str]]

    def report(self, path: list[str | int]) -> dict[str, Any]:
        """The entry of ``extensions.search`` (recorded live)."""
        parsed = describe(self.tree) if self.tree else {}
        return {"path": path, "query": self.text, "parsed": parsed, "warnings": self.warnings}


def compile_search(text: str | None, filters: Filters, *, now: datetime) -> Search:
    """Read a search string.

    :raises GraphQLError: for a time that is none, and for fields of Shopify's that the sandbox cannot search
    """
    tree = parse_search(text or "")
    unknown = [term.field for term in terms(tree) if term.field and term.field not in filters.fields]
    for name in unknown:
        if name in filters.unsupported:
            message = f"The sandbox cannot search {filters.resource} by {name}; filter the answer instead."
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
            # "fails open" holds for a negated unknown field, too
            return _everything if inner is _everything else lambda document: not inner(document)
    return _term(node, filters, now)


def _term(term: Term, filters: Filters, now: datetime) -> Predicate:
    if term.field is None:
        word = term.value.strip("*").casefold()
        return lambda document: any(word in (text or "").casefold() for text in filters.words(document))
    found = filters.fields.get(term.field)
    if found is None:
        return _everything
    return _KINDS[found.kind](term, found, now)


def _time(term: Term, found: Filter, now: datetime) -> Predicate:
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
        value = found.values(document)
        return value is not None and test(_utc(datetime.fromisoformat(value)))

    return matches


def _parse_range(term: Term, now: datetime) -> tuple[datetime, datetime]:
    """The stretch of time a written time stands for: its second in quotes, else its whole day, month or year (UTC)."""
    text = term.value.strip()
    if text == "now":
        return now, now + timedelta(seconds=1)
    try:
        if partial := _DAY.fullmatch(text):
            return _calendar_range(*(int(part) if part else None for part in partial.groups()))
        moment = _utc(datetime.fromisoformat(text))
    except ValueError as error:
        message = f"Invalid timestamp for query filter `{term.field}`."
        raise GraphQLError(message, extensions={"code": "BAD_REQUEST"}) from error
    if term.quoted:
        return moment, moment + timedelta(seconds=1)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day + timedelta(days=1)


def _calendar_range(year: int | None, month: int | None, day: int | None) -> tuple[datetime, datetime]:
    start = datetime(year or 1, month or 1, day or 1, tzinfo=UTC)
    if day:
        return start, start + timedelta(days=1)
    if month:
        return start, start + timedelta(days=calendar.monthrange(start.year, start.month)[1])
    return start, start.replace(year=start.year + 1)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(term: Term, found: Filter, _now: datetime) -> Predicate:
    try:
        wanted = float(term.value.rpartition("/")[2])
    except ValueError:
        return lambda _document: False
    tests: dict[str, Callable[[float], bool]] = {
        "eq": lambda value: value == wanted,
        "gt": lambda value: value > wanted,
        "gte": lambda value: value >= wanted,
        "lt": lambda value: value < wanted,
        "lte": lambda value: value <= wanted,
    }
    test = tests[term.comparator]

    def matches(document: Document) -> bool:
        value = found.values(document)
        return value is not None and test(float(value))

    return matches


def _text(term: Term, found: Filter, _now: datetime) -> Predicate:
    """Equal but for case, or beginning with what stands before a ``*``; ``field:*`` asks whether there is a value."""
    wanted = term.value.casefold().lstrip("#")

    def fits(value: Any) -> bool:
        text = str(value).casefold().lstrip("#")
        return text.startswith(wanted[:-1]) if wanted.endswith("*") and not term.quoted else text == wanted

    def matches(document: Document) -> bool:
        values = found.values(document)
        return any(fits(value) for value in (values if isinstance(values, list) else [values]) if value is not None)

    return matches


def _choice(term: Term, found: Filter, _now: datetime) -> Predicate:
    return found.choices.get(term.value.casefold(), lambda _document: False)


_KINDS: dict[str, Callable[[Term, Filter, datetime], Predicate]] = {
    "time": _time,
    "number": _number,
    "text": _text,
    "choice": _choice,
}
