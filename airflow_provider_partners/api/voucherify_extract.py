"""Which pages answer a question: from the arguments of ``VoucherifyClient.extract`` to an extraction.

Checks everything before anything is sent. Must not know how anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners.api.cursors import DateCursor
from airflow_provider_partners.api.extraction import Extraction, Segment, batches
from airflow_provider_partners.api.identifiers import digest, matched
from airflow_provider_partners.api.paging import Cursor, Page, PageNumber
from airflow_provider_partners.api.voucherify_filters import queries
from airflow_provider_partners.api.voucherify_numbered import NumberedPages
from airflow_provider_partners.api.voucherify_pages import Asking, Get, ListPages, Pairs, Span
from airflow_provider_partners.api.voucherify_resources import Asked, VoucherifyResource, query
from airflow_provider_partners.exceptions import ConfigurationError, NotFoundError, UnexpectedResponseError
from airflow_provider_partners.windows import Window, moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.voucherify_filters import Filter

log = logging.getLogger("airflow_provider_partners.api")

SOURCE = "voucherify"

LOOKED_UP = 20
"""Records read one by one between two commits."""

_JUNCTION = ("filters[junction]", "or")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The arguments of ``extract``, as they were given; see there."""

    row: VoucherifyResource
    since: datetime | str | None = None
    until: datetime | str | None = None
    time_field: str | None = None
    parameters: Mapping[str, Any] | None = None
    filters: Filter | Mapping[str, Any] | None = None
    order: str | None = None
    parents: Mapping[str, Any] | None = None
    match: Mapping[str, Iterable[Any]] | None = None
    page_size: int | None = None


def extraction(question: Question, *, get: Get, account: str, clock: Clock) -> Extraction:
    """What answers a question.

    :param question: the arguments
    :param get: asks for a page
    :param account: whose lists these are
    :param clock: the time
    :raises ConfigurationError: for what the list doesn't take, naming what it takes
    """
    row = question.row
    span = _span(question)
    parents, name, ids = _parents(question)
    request: dict[str, Any] = {
        "account": account,
        "parents": parents,
        "match": {name: digest(ids)} if name else None,
    }
    if name == "id":
        return Extraction(
            source=SOURCE, resource=row.name, key=row.key, request=request, segments=_one_by_one(row, get, parents, ids)
        )
    order = _order(question, span)
    own, asked = query(row, question.parameters or {}), queries(row, question.filters)
    paging = row.pages(question.page_size)
    window = Window(span.since, span.until) if span.since and span.until else None
    closed = window is not None and window.until.timestamp() <= clock.time()
    segments = []
    for place, below in enumerate([{**parents, name: each} for each in ids] if name else [parents], 1):
        path = _path(row.path, below)
        label = f"{row.name} of {name} {place} of {len(ids)}" if name else row.name
        for number, filtered in enumerate(asked, 1):
            pairs = _together(row, own, filtered, span, paging)
            asking = Asking(row=row, get=get, path=path, query=pairs, order=order, parents=below)
            part = f"{label}, filter {number} of {len(asked)}" if len(asked) > 1 else label
            walk = partial(_segment, part, asking, span, clock=clock, closed=closed, known=not name)
            segments.append(walk(paging=paging))
    request |= {
        "query": own,
        "filters": digest(f"{key}={value}" for pairs in asked for key, value in pairs),
        "order": order,
        "time": [span.asked.row if span.asked else None, *map(_iso, (span.since, span.until))],
        "page_size": paging.size,
    }
    return Extraction(source=SOURCE, resource=row.name, key=row.key, request=request, segments=segments, window=window)


def _segment(name: str, asking: Asking, span: Span, *, paging: Any, clock: Clock, closed: bool, known: bool) -> Segment:
    """One walk.

    :param known: whether the place is sure to exist; a parent among many may be gone by now
    """
    pages: NumberedPages | ListPages
    if isinstance(paging, PageNumber):
        # The cap is kept by the walk, which can cut a list that is longer.
        pages = NumberedPages(
            asking=asking,
            paging=replace(paging, cap=None),
            cap=asking.row.page_cap or 1,
            span=span,
            divisible=_divisible(asking, span),
            moving=span.asked is not None and span.asked.row == "updated_at",
            clock=clock,
        )
    else:
        pages = ListPages(asking=asking, paging=paging, span=span)
    fetch = pages.fetch if known else partial(_if_it_exists, pages.fetch, asking.row.name)
    if closed and isinstance(pages, NumberedPages):
        return Segment(name=name, fetch=fetch, ahead=pages.ahead)
    return Segment(name=name, fetch=fetch)


def _divisible(asking: Asking, span: Span) -> Asked | None:
    times = asking.row.times
    asked = span.asked or times.get("created_at") or next(iter(times.values()), None)
    # With "or", conditions of time would let more rows through rather than fewer.
    return None if asked is None or (asked.by_filter and _JUNCTION in asking.query) else asked


def _if_it_exists(fetch: Callable[[Cursor], Page], name: str, cursor: Cursor) -> Page:
    try:
        return fetch(cursor)
    except NotFoundError:
        if cursor:
            raise
        log.warning("Voucherify %s: left out one parent that Voucherify doesn't know", name)
        return Page([], None)


def _one_by_one(row: VoucherifyResource, get: Get, parents: Mapping[str, str], ids: list[str]) -> list[Segment]:
    def fetch(batch: list[str], _: Cursor) -> Page:
        return Page(list(_found(row, get, parents, batch)), None)

    parts = list(batches(ids, LOOKED_UP))
    return [
        Segment(name=f"{row.name} by id, batch {place} of {len(parts)}", fetch=partial(fetch, batch))
        for place, batch in enumerate(parts, 1)
    ]


def _found(row: VoucherifyResource, get: Get, parents: Mapping[str, str], ids: list[str]) -> Iterator[dict[str, Any]]:
    for id_ in ids:
        try:
            record = get(_path(row.one, {**parents, "id": id_}), f"{row.name}.get", [])
        except NotFoundError:
            continue
        if not isinstance(record, dict):
            message = f"asked for one record of '{row.name}', got {type(record).__name__}"
            raise UnexpectedResponseError(message, partner="Voucherify")
        yield {**parents, **record}


def _path(template: str, values: Mapping[str, str]) -> str:
    return template.format_map({name: quote(value, safe="") for name, value in values.items()})


def _span(question: Question) -> Span:
    row = question.row
    begin, end = (
        moment(value, name) if value else None for value, name in ((question.since, "since"), (question.until, "until"))
    )
    if not (begin or end or question.time_field):
        return Span()
    names = list(row.times)
    chosen = question.time_field or row.time_field or ("created_at" if "created_at" in names else "")
    if not names:
        message = f"'{row.name}' can't be asked for by time: no such filter is documented for it"
        raise _refused(message, "Leave 'since' and 'until' out.")
    if chosen not in names:
        message = f"'{row.name}' can't be asked for by time_field={chosen!r}"
        raise _refused(message, f"Use one of: {', '.join(names)}.")
    if begin and end and begin >= end:
        message = "the window is empty: 'since' is not before 'until'"
        raise _refused(message, "Give an earlier 'since'.")
    return Span(row.times[chosen], begin, end)


def _order(question: Question, span: Span) -> str:
    row, order = question.row, question.order
    # Lists that are walked back in time can't be had in another order.
    possible = (row.sort,) if isinstance(row.paging, DateCursor) else row.orders
    if order is None:
        by_time = span.asked.order if span.asked else ""
        return by_time if by_time in possible else row.sort
    if order not in possible:
        listed = ", ".join(filter(None, possible))
        message = f"'{row.name}' can't be sorted by order={order!r}"
        raise _refused(message, f"Use one of: {listed}." if listed else "Leave 'order' out.")
    return order


def _parents(question: Question) -> tuple[dict[str, str], str | None, list[str]]:
    """The parents that are given once, and the name and values of what is given several times."""
    row, fixed = question.row, dict(question.parents or {})
    for parent, value in fixed.items():
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            message = f"parents['{parent}'] is no single id"
            raise _refused(message, "Give one id; several go into 'match'.")
    name: str | None = None
    ids: list[str] = []
    if question.match is not None:
        possible = [parent for parent in row.parents if parent not in fixed] + (["id"] if row.one else [])
        if not question.match:
            message = "'match' is empty"
            raise _refused(message, f"Match on one of: {', '.join(possible) or 'nothing'}.")
        name, ids = matched(row.name, question.match, possible, partner="Voucherify")
    if name == "id":
        _alone(question)
        needed = [parent for parent in row.parents if f"{{{parent}}}" in row.one]
    else:
        needed = list(row.parents)
    given = {*fixed, *([name] if name and name != "id" else [])}
    if given != set(needed):
        listed = ", ".join(needed) or "no parents"
        message = f"'{row.name}' is read below {listed}; given: {', '.join(sorted(given)) or 'none'}"
        raise _refused(message, _how(needed))
    return {parent: str(value) for parent, value in fixed.items()}, name, ids


def _how(needed: list[str]) -> str:
    if not needed:
        return "Leave 'parents' out."
    fixed = ", ".join(f"'{name}': id" for name in needed[:-1])
    several = f"match={{'{needed[-1]}': ids}}, or one id in 'parents'"
    return f"Give {f'parents={{{fixed}}} and ' if fixed else ''}{several}."


def _alone(question: Question) -> None:
    for name in ("since", "until", "time_field", "parameters", "filters", "order"):
        if getattr(question, name):
            message = f"'{question.row.name}' by id can't be asked together with '{name}'"
            raise _refused(message, f"Leave '{name}' out.")


def _together(row: VoucherifyResource, own: Pairs, filtered: Pairs, span: Span, paging: Any) -> Pairs:
    """Parameters and filters of one query, which must not undo the conditions of time."""
    pairs = [*own, *filtered]
    walked = paging.param if isinstance(paging, DateCursor) else ""
    timed = [name for name, _ in span.query()] + ([walked] if walked.startswith("filters[") else [])
    conditions = [name for name in timed if name.startswith("filters[") and name != "filters[junction]"]
    if not conditions:
        return pairs
    if any(name == "filters[junction]" and value.lower() == "or" for name, value in pairs):
        message = f"'{row.name}' can't be asked by time together with filters joined by 'or'"
        raise _refused(message, "Join them by 'and', or leave the time out.")
    if taken := next((name for name, _ in pairs if name in conditions), None):
        message = f"'{row.name}' is asked by time already, and the filters have '{taken}' too"
        raise _refused(message, "Use since and until.")
    several = any(name.startswith("filters[") for name, _ in pairs)
    both = ("filters[junction]", "and")
    return [*pairs, both] if several and both not in pairs else pairs


def _iso(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _refused(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Voucherify")
