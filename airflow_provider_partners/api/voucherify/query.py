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

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Extraction, Segment, batches
from airflow_provider_partners.api.ids import ids_digest, match_field
from airflow_provider_partners.api.pagination.strategies import Cursor, Page, PageNumberPaginator, TimestampPaginator
from airflow_provider_partners.api.voucherify.filters import filter_queries
from airflow_provider_partners.api.voucherify.numbered_pages import NumberedPageFetcher
from airflow_provider_partners.api.voucherify.pages import (
    GetJson,
    PageFetcher,
    PageRequester,
    QueryParams,
    TimeSelection,
)
from airflow_provider_partners.api.voucherify.resources.model import TimeFilter, VoucherifyResource, encode_parameters
from airflow_provider_partners.exceptions import ConfigurationError, NotFoundError, UnexpectedResponseError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.voucherify.filters import Filter

log = logging.getLogger("airflow_provider_partners.api")

SOURCE = "voucherify"

LOOKUP_BATCH_SIZE = 20
"""Records read one by one between two commits."""

_OR_JUNCTION = ("filters[junction]", "or")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """The arguments of ``extract``, as they were given; see there."""

    resource: VoucherifyResource
    since: datetime | str | None = None
    until: datetime | str | None = None
    time_field: str | None = None
    parameters: Mapping[str, Any] | None = None
    filters: Filter | Mapping[str, Any] | None = None
    sort: str | None = None
    parents: Mapping[str, Any] | None = None
    match: Mapping[str, Iterable[Any]] | None = None
    page_size: int | None = None


def build_extraction(query: ListQuery, *, get: GetJson, account: str, clock: Clock) -> Extraction:
    """What answers a question.

    :param query: the arguments
    :param get: asks for a page
    :param account: whose lists these are
    :param clock: the time
    :raises ConfigurationError: for what the list doesn't take, naming what it takes
    """
    resource = query.resource
    time_selection = _time_selection(query)
    parents, name, ids = _parents(query)
    request: dict[str, Any] = {
        "account": account,
        "parents": parents,
        "match": {name: ids_digest(ids)} if name else None,
    }
    if name == "id":
        return Extraction(
            source=SOURCE,
            resource=resource.name,
            key=resource.key,
            request=request,
            segments=_lookup_segments(resource, get, parents, ids),
        )
    sort = _sort(query, time_selection)
    parameters, conditions = (
        encode_parameters(resource, query.parameters or {}),
        filter_queries(resource, query.filters),
    )
    paginator = resource.sized_paginator(query.page_size)
    window = (
        Window(time_selection.since, time_selection.until) if time_selection.since and time_selection.until else None
    )
    closed = window is not None and window.until.timestamp() <= clock.time()
    segments = []
    for place, below in enumerate([{**parents, name: each} for each in ids] if name else [parents], 1):
        path = _path(resource.path, below)
        label = f"{resource.name} of {name} {place} of {len(ids)}" if name else resource.name
        for number, filtered in enumerate(conditions, 1):
            pairs = _combine_params(resource, parameters, filtered, time_selection, paginator)
            requester = PageRequester(resource=resource, get=get, path=path, params=pairs, sort=sort, parents=below)
            part = f"{label}, filter {number} of {len(conditions)}" if len(conditions) > 1 else label
            walk = partial(_segment, part, requester, time_selection, clock=clock, closed=closed, known=not name)
            segments.append(walk(paging=paginator))
    request |= {
        "query": parameters,
        "filters": ids_digest(f"{key}={value}" for pairs in conditions for key, value in pairs),
        "sort": sort,
        "time": [
            time_selection.time_filter.record_field if time_selection.time_filter else None,
            *map(_iso, (time_selection.since, time_selection.until)),
        ],
        "page_size": paginator.size,
    }
    return Extraction(
        source=SOURCE, resource=resource.name, key=resource.key, request=request, segments=segments, window=window
    )


def _segment(
    name: str,
    requester: PageRequester,
    time_selection: TimeSelection,
    *,
    paging: Any,
    clock: Clock,
    closed: bool,
    known: bool,
) -> Segment:
    """One walk.

    :param known: whether the place is sure to exist; a parent among many may be gone by now
    """
    fetcher: NumberedPageFetcher | PageFetcher
    if isinstance(paging, PageNumberPaginator):
        # The cap is kept by the walk, which can cut a list that is longer.
        fetcher = NumberedPageFetcher(
            requester=requester,
            paginator=replace(paging, max_page_number=None),
            max_page_number=requester.resource.max_page_number or 1,
            time_selection=time_selection,
            split_filter=_split_filter(requester, time_selection),
            records_leave_window=time_selection.time_filter is not None
            and time_selection.time_filter.record_field == "updated_at",
            clock=clock,
        )
    else:
        fetcher = PageFetcher(requester=requester, paginator=paging, time_selection=time_selection)
    fetch = fetcher.fetch if known else partial(_fetch_if_exists, fetcher.fetch, requester.resource.name)
    if closed and isinstance(fetcher, NumberedPageFetcher):
        return Segment(name=name, fetch=fetch, predict_next=fetcher.predict_next)
    return Segment(name=name, fetch=fetch)


def _split_filter(requester: PageRequester, time_selection: TimeSelection) -> TimeFilter | None:
    times = requester.resource.times
    time_filter = time_selection.time_filter or times.get("created_at") or next(iter(times.values()), None)
    # With "or", conditions of time would let more rows through rather than fewer.
    return (
        None if time_filter is None or (time_filter.uses_filters and _OR_JUNCTION in requester.params) else time_filter
    )


def _fetch_if_exists(fetch: Callable[[Cursor], Page], name: str, cursor: Cursor) -> Page:
    try:
        return fetch(cursor)
    except NotFoundError:
        if cursor:
            raise
        log.warning("Voucherify %s: left out one parent that Voucherify doesn't know", name)
        return Page([], None)


def _lookup_segments(
    resource: VoucherifyResource, get: GetJson, parents: Mapping[str, str], ids: list[str]
) -> list[Segment]:
    def fetch(batch: list[str], _: Cursor) -> Page:
        return Page(list(_look_up(resource, get, parents, batch)), None)

    parts = list(batches(ids, LOOKUP_BATCH_SIZE))
    return [
        Segment(name=f"{resource.name} by id, batch {place} of {len(parts)}", fetch=partial(fetch, batch))
        for place, batch in enumerate(parts, 1)
    ]


def _look_up(
    resource: VoucherifyResource, get: GetJson, parents: Mapping[str, str], ids: list[str]
) -> Iterator[dict[str, Any]]:
    for id_ in ids:
        try:
            record = get(_path(resource.one, {**parents, "id": id_}), f"{resource.name}.get", [])
        except NotFoundError:
            continue
        if not isinstance(record, dict):
            message = f"asked for one record of '{resource.name}', got {type(record).__name__}"
            raise UnexpectedResponseError(message, partner="Voucherify")
        yield {**parents, **record}


def _path(template: str, values: Mapping[str, str]) -> str:
    return template.format_map({name: quote(value, safe="") for name, value in values.items()})


def _time_selection(query: ListQuery) -> TimeSelection:
    resource = query.resource
    begin, end = (
        timestamps.parse(value, name) if value else None
        for value, name in ((query.since, "since"), (query.until, "until"))
    )
    if not (begin or end or query.time_field):
        return TimeSelection()
    names = list(resource.times)
    chosen = query.time_field or resource.time_field or ("created_at" if "created_at" in names else "")
    if not names:
        message = f"'{resource.name}' can't be asked for by time: no such filter is documented for it"
        raise _configuration_error(message, "Leave 'since' and 'until' out.")
    if chosen not in names:
        message = f"'{resource.name}' can't be asked for by time_field={chosen!r}"
        raise _configuration_error(message, f"Use one of: {', '.join(names)}.")
    if begin and end and begin >= end:
        message = "the window is empty: 'since' is not before 'until'"
        raise _configuration_error(message, "Give an earlier 'since'.")
    return TimeSelection(resource.times[chosen], begin, end)


def _sort(query: ListQuery, time_selection: TimeSelection) -> str:
    resource, sort = query.resource, query.sort
    # Lists that are walked back in time can't be had in another order.
    possible = (resource.sort,) if isinstance(resource.paginator, TimestampPaginator) else resource.sort_values
    if sort is None:
        by_time = time_selection.time_filter.sort if time_selection.time_filter else ""
        return by_time if by_time in possible else resource.sort
    if sort not in possible:
        listed = ", ".join(filter(None, possible))
        message = f"'{resource.name}' can't be sorted by order={sort!r}"
        raise _configuration_error(message, f"Use one of: {listed}." if listed else "Leave 'sort' out.")
    return sort


def _parents(query: ListQuery) -> tuple[dict[str, str], str | None, list[str]]:
    """The parents that are given once, and the name and values of what is given several times."""
    resource, fixed = query.resource, dict(query.parents or {})
    for parent, value in fixed.items():
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            message = f"parents['{parent}'] is no single id"
            raise _configuration_error(message, "Give one id; several go into 'match'.")
    name: str | None = None
    ids: list[str] = []
    if query.match is not None:
        possible = [parent for parent in resource.parents if parent not in fixed] + (["id"] if resource.one else [])
        if not query.match:
            message = "'match' is empty"
            raise _configuration_error(message, f"Match on one of: {', '.join(possible) or 'nothing'}.")
        name, ids = match_field(resource.name, query.match, possible, partner="Voucherify")
    if name == "id":
        _reject_with_id_match(query)
        needed = [parent for parent in resource.parents if f"{{{parent}}}" in resource.one]
    else:
        needed = list(resource.parents)
    provided = {*fixed, *([name] if name and name != "id" else [])}
    if provided != set(needed):
        listed = ", ".join(needed) or "no parents"
        message = f"'{resource.name}' is read below {listed}; given: {', '.join(sorted(provided)) or 'none'}"
        raise _configuration_error(message, _parents_remedy(needed))
    return {parent: str(value) for parent, value in fixed.items()}, name, ids


def _parents_remedy(needed: list[str]) -> str:
    if not needed:
        return "Leave 'parents' out."
    fixed = ", ".join(f"'{name}': id" for name in needed[:-1])
    several = f"match={{'{needed[-1]}': ids}}, or one id in 'parents'"
    return f"Give {f'parents={{{fixed}}} and ' if fixed else ''}{several}."


def _reject_with_id_match(query: ListQuery) -> None:
    for name in ("since", "until", "time_field", "parameters", "filters", "sort"):
        if getattr(query, name):
            message = f"'{query.resource.name}' by id can't be asked together with '{name}'"
            raise _configuration_error(message, f"Leave '{name}' out.")


def _combine_params(
    resource: VoucherifyResource,
    parameters: QueryParams,
    filter_params: QueryParams,
    time_selection: TimeSelection,
    paginator: Any,
) -> QueryParams:
    """Parameters and filters of one query, which must not undo the conditions of time."""
    pairs = [*parameters, *filter_params]
    walked = paginator.param if isinstance(paginator, TimestampPaginator) else ""
    timed = [name for name, _ in time_selection.params()] + ([walked] if walked.startswith("filters[") else [])
    conditions = [name for name in timed if name.startswith("filters[") and name != "filters[junction]"]
    if not conditions:
        return pairs
    if any(name == "filters[junction]" and value.lower() == "or" for name, value in pairs):
        message = f"'{resource.name}' can't be asked by time together with filters joined by 'or'"
        raise _configuration_error(message, "Join them by 'and', or leave the time out.")
    if taken := next((name for name, _ in pairs if name in conditions), None):
        message = f"'{resource.name}' is asked by time already, and the filters have '{taken}' too"
        raise _configuration_error(message, "Use since and until.")
    several = any(name.startswith("filters[") for name, _ in pairs)
    both = ("filters[junction]", "and")
    return [*pairs, both] if several and both not in pairs else pairs


def _iso(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _configuration_error(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Voucherify")
