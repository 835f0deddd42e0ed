"""Turn the arguments of ``VoucherifyClient.extract`` into an extraction.

All arguments are checked before the first request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import Extraction, Segment, batches
from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.api.ids import ids_digest, match_field
from airflow_provider_partners.api.pagination.page import Cursor, Page, Paginator
from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator, TimestampPaginator
from airflow_provider_partners.api.voucherify.filters import filter_queries
from airflow_provider_partners.api.voucherify.numbered_pages import NumberedPageFetcher
from airflow_provider_partners.api.voucherify.pages import (
    GetJson,
    PageFetcher,
    PageRequester,
    QueryParams,
    TimeSelection,
)
from airflow_provider_partners.api.voucherify.resources.model import (
    TimeFilter,
    VoucherifyResource,
    encode_parameters,
)
from airflow_provider_partners.api.voucherify.time_ranges import (
    configuration_error,
    filtered_selection,
    time_selection,
    undescribed_ranges,
    without_index,
)
from airflow_provider_partners.api.voucherify.undescribed import warn_of_undescribed
from airflow_provider_partners.arguments import check_mapping, check_text, suggest
from airflow_provider_partners.exceptions import NotFoundError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.voucherify.filters import Filter
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

SOURCE = "voucherify"

LOOKUP_BATCH_SIZE = 20
"""Records that are read one by one before the dataset commits them."""

_OR_JUNCTION = ("filters[junction]", "or")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """The arguments of ``VoucherifyClient.extract``, unchecked."""

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


def build_extraction(
    query: ListQuery, *, get: GetJson, account: str, clock: Clock, warned: set[tuple[str, str]]
) -> Extraction:
    """Check a query and return its extraction; sends nothing.

    :param get: sends a request
    :param account: the application id, part of the extraction's fingerprint
    :param warned: what :func:`warn_of_undescribed` has warned of before
    :raises ConfigurationError: for what the list does not accept, with what it accepts
    """
    resource = query.resource
    check_mapping("parameters", query.parameters or {})
    selection = time_selection(
        resource,
        since=query.since,
        until=query.until,
        time_field=query.time_field,
        parameters=query.parameters or {},
    )
    parents, match_name, ids = _parents(query)
    request: dict[str, Any] = {
        "account": account,
        "parents": parents,
        "match": {match_name: ids_digest(ids)} if match_name else None,
    }
    if match_name == "id":
        segments = _lookup_segments(resource, get, parents, ids)
        return Extraction(
            source=SOURCE,
            resource=resource.name,
            key=resource.key,
            request=request,
            segments=segments,
            account=account,
        )
    written = encode_parameters(resource, query.parameters or {})
    queries = filter_queries(resource, query.filters)
    if selection == TimeSelection():
        selection = filtered_selection(resource, queries[0])
    sort = _sort(query, selection)
    warn_of_undescribed(resource, written, queries, selection, warned)
    checks = undescribed_ranges(resource, query.parameters or {}) if not selection.written else ()
    paginator = resource.sized_paginator(query.page_size)
    since, until = selection.time_range.since, selection.time_range.until
    window = Window(since, until) if since and until else None
    is_past = window is not None and window.until.timestamp() <= clock.time()
    segments = []
    for place, segment_parents in enumerate(
        [{**parents, match_name: id_} for id_ in ids] if match_name else [parents], 1
    ):
        path = _path(resource.path, segment_parents)
        parent_label = f"{resource.name} of {match_name} {place} of {len(ids)}" if match_name else resource.name
        for number, filter_params in enumerate(queries, 1):
            requester = PageRequester(
                resource=resource,
                get=get,
                path=path,
                params=_combine_params(resource, written, filter_params, selection, paginator),
                sort=sort,
                parents=segment_parents,
                checks=checks,
            )
            name = f"{parent_label}, filter {number} of {len(queries)}" if len(queries) > 1 else parent_label
            segment = _segment(
                name, requester, selection, paginator, clock=clock, is_past=is_past, parent_exists=not match_name
            )
            segments.append(segment)
    request |= {
        "query": written,
        "filters": ids_digest(f"{key}={value}" for pairs in queries for key, value in pairs),
        "order": sort,
        "time": [
            selection.time_filter.record_field if selection.time_filter else None,
            *(value.isoformat() if value else None for value in (since, until)),
        ],
        "page_size": paginator.size,
    }
    return Extraction(
        source=SOURCE,
        resource=resource.name,
        key=resource.key,
        request=request,
        segments=segments,
        account=account,
        window=window,
    )


# Segments


def _segment(
    name: str,
    requester: PageRequester,
    selection: TimeSelection,
    paginator: Any,
    *,
    clock: Clock,
    is_past: bool,
    parent_exists: bool,
) -> Segment:
    """Return one segment of a list.

    :param is_past: the range is closed and over, so that pages can be fetched ahead
    :param parent_exists: a missing parent is an error; one of many ids in ``match`` may be deleted meanwhile
    """
    fetcher: NumberedPageFetcher | PageFetcher
    if isinstance(paginator, TimestampPaginator) and selection.time_filter:
        # The paginator moves a bound that the user wrote, so the client applies the range.
        moves_bound = paginator.param == selection.time_filter.before
        selection = replace(selection, written=()) if moves_bound else selection
    if isinstance(paginator, PageNumberPaginator):
        fetcher = NumberedPageFetcher(
            requester=requester,
            # The fetcher itself observes the highest page number: it can split a list that is longer.
            paginator=replace(paginator, max_page_number=None),
            max_page_number=requester.resource.max_page_number or 1,
            time_selection=selection,
            split_filter=_split_filter(requester, selection),
            records_leave_window=selection.time_filter is not None
            and selection.time_filter.record_field == "updated_at",
            clock=clock,
        )
    else:
        fetcher = PageFetcher(requester=requester, paginator=paginator, time_selection=selection)
    fetch = fetcher.fetch if parent_exists else partial(_fetch_if_exists, fetcher.fetch, requester.resource.name)
    if is_past and isinstance(fetcher, NumberedPageFetcher):
        return Segment(name=name, fetch=fetch, predict_next=fetcher.predict_next)
    return Segment(name=name, fetch=fetch)


def _split_filter(requester: PageRequester, selection: TimeSelection) -> TimeFilter | None:
    times, used = requester.resource.times, {name for name, _ in requester.params}
    for time_filter in [selection.time_filter] if selection.time_filter else times.values():
        # With "or", a condition on time would widen the result instead of narrowing it.
        widens = time_filter.uses_filters and _OR_JUNCTION in requester.params
        if not (widens or time_filter.undescribed or used & {time_filter.after, time_filter.before}):
            return time_filter
    return None


def _fetch_if_exists(fetch: Callable[[Cursor], Page], name: str, cursor: Cursor) -> Page:
    try:
        return fetch(cursor)
    except NotFoundError:
        if cursor:
            raise
        log.warning("Voucherify %s: skipped one parent that does not exist", name)
        return Page([], None)


def _lookup_segments(
    resource: VoucherifyResource, get: GetJson, parents: Mapping[str, str], ids: list[str]
) -> list[Segment]:
    def fetch(batch: list[str], _: Cursor) -> Page:
        return Page(list(_look_up(resource, get, parents, batch)), None)

    id_batches = list(batches(ids, LOOKUP_BATCH_SIZE))
    return [
        Segment(name=f"{resource.name} by id, batch {place} of {len(id_batches)}", fetch=partial(fetch, batch))
        for place, batch in enumerate(id_batches, 1)
    ]


def _look_up(
    resource: VoucherifyResource, get: GetJson, parents: Mapping[str, str], ids: list[str]
) -> Iterator[Record]:
    for id_ in ids:
        try:
            record = get(_path(resource.record_path, {**parents, "id": id_}), f"{resource.name}.get", [])
        except NotFoundError:
            continue
        yield {**parents, **record}


def _path(template: str, values: Mapping[str, str]) -> str:
    return template.format_map({name: path_segment(value) for name, value in values.items()})


# Checks of single arguments


def _sort(query: ListQuery, selection: TimeSelection) -> str:
    resource, sort = query.resource, query.sort
    # A list that is read backwards in time has that order only.
    possible = (resource.sort,) if isinstance(resource.paginator, TimestampPaginator) else resource.sort_values
    if sort is not None:
        check_text("sort", sort)
    if sort is None:
        by_time = selection.time_filter.sort if selection.time_filter and not selection.written else ""
        return by_time if by_time in possible else resource.sort
    if sort not in possible:
        names = ", ".join(filter(None, possible))
        message = f"'{resource.name}' can't be sorted by sort={sort!r}{suggest(sort, possible)}"
        raise configuration_error(message, f"Use one of: {names}." if names else "Leave 'sort' out.")
    return sort


def _parents(query: ListQuery) -> tuple[dict[str, str], str | None, list[str]]:
    """Return the parents with one id each, and the field of ``match`` with its ids."""
    if query.parents is not None:
        check_mapping("parents", query.parents)
    resource, fixed = query.resource, dict(query.parents or {})
    for parent, value in fixed.items():
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            message = f"parents['{parent}'] is not a single id"
            raise configuration_error(message, "Give one id; several go into 'match'.")
    match_name: str | None = None
    ids: list[str] = []
    if query.match is not None:
        possible = [parent for parent in resource.parents if parent not in fixed]
        possible += ["id"] if resource.record_path else []
        check_mapping("match", query.match)
        if not query.match:
            message = "'match' is empty"
            raise configuration_error(message, f"Match on one of: {', '.join(possible) or 'nothing'}.")
        match_name, ids = match_field(resource.name, query.match, possible, partner="Voucherify")
    if match_name == "id":
        _reject_with_id_match(query)
        needed = [parent for parent in resource.parents if f"{{{parent}}}" in resource.record_path]
    else:
        needed = list(resource.parents)
    provided = {*fixed, *([match_name] if match_name and match_name != "id" else [])}
    if provided != set(needed):
        message = (
            f"'{resource.name}' is below {', '.join(needed) or 'no parents'}; "
            f"given: {', '.join(sorted(provided)) or 'none'}"
        )
        raise configuration_error(message, _parents_remedy(needed))
    return {parent: str(value) for parent, value in fixed.items()}, match_name, ids


def _parents_remedy(needed: list[str]) -> str:
    if not needed:
        return "Leave 'parents' out."
    fixed = ", ".join(f"'{name}': id" for name in needed[:-1])
    last = f"match={{'{needed[-1]}': ids}}, or one id in 'parents'"
    return f"Give {f'parents={{{fixed}}} and ' if fixed else ''}{last}."


def _reject_with_id_match(query: ListQuery) -> None:
    for name in ("since", "until", "time_field", "parameters", "filters", "sort"):
        if getattr(query, name):
            message = f"'{query.resource.name}' by id can't be combined with '{name}'"
            raise configuration_error(message, f"Leave '{name}' out.")


def _combine_params(
    resource: VoucherifyResource,
    parameters: QueryParams,
    filter_params: QueryParams,
    selection: TimeSelection,
    paginator: Paginator,
) -> QueryParams:
    """Return parameters and filters of one query, with a junction that keeps the conditions on time effective."""
    pairs = [pair for pair in (*parameters, *filter_params) if pair not in selection.written]
    paging_param = paginator.param if isinstance(paginator, TimestampPaginator) else ""
    time_params = [name for name, _ in selection.params()]
    time_params += [paging_param] if paging_param.startswith("filters[") else []
    conditions = [name for name in time_params if name.startswith("filters[") and name != "filters[junction]"]
    bounds = {without_index(name) for name in time_params} - {"filters[junction]"}
    if duplicate := next((name for name, _ in pairs if without_index(name) in bounds), None):
        message = f"'{resource.name}' is already filtered by time, and its filters or parameters have '{duplicate}' too"
        raise configuration_error(message, "Give one of the two.")
    if not conditions:
        return pairs
    if any(name == "filters[junction]" and value.lower() == "or" for name, value in pairs):
        message = f"'{resource.name}' can't be filtered by time together with filters joined by 'or'"
        raise configuration_error(message, "Join them by 'and', or leave the time out.")
    has_filters = any(name.startswith("filters[") for name, _ in pairs)
    junction = ("filters[junction]", "and")
    return [*pairs, junction] if has_filters and junction not in pairs else pairs
