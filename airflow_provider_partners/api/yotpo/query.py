"""A Yotpo store's lists as extractions: by order date, by the merchant's ids, or below known orders and products.

The list's token remembers the filters of the first call and refuses to be sent with any (guidelines of the API). Must
not know how ids are looked up, nor how anything is sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.ids import id_batches, ids_digest, match_field
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.strategies import TokenPaginator
from airflow_provider_partners.api.yotpo.resources import MAX_LOOKUP_IDS, YotpoResource, parse_yotpo_time, with_yotpo_id
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record
from airflow_provider_partners.windows import Window

SOURCE = "yotpo"

GetJson = Callable[[str, str, Mapping[str, str]], Any]
"""From path, label and query to the answer's JSON."""

FindRecords = Callable[[Iterable[str]], Mapping[str, Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDateRange:
    """A stretch of order dates, open where an end is missing.

    :param since: the first moment
    :param until: the first moment that doesn't belong to it
    """

    since: datetime | None
    until: datetime | None

    @property
    def window(self) -> Window | None:
        """The same as a window, where both ends are given."""
        return Window(self.since, self.until) if self.since and self.until else None

    def params(self) -> dict[str, str]:
        """As filters. They are whole seconds, so they may admit more than was asked for."""
        lower = {"order_date_min": _format_second(math.floor(self.since.timestamp()))} if self.since else {}
        upper = {"order_date_max": _format_second(math.ceil(self.until.timestamp()))} if self.until else {}
        return {**lower, **upper}

    def contains(self, order: Record) -> bool:
        """Whether an order belongs to it.

        The upper filter is known by its counterpart alone and may be ignored, and whether it includes its moment isn't
        documented; so the dates decide. An order without one is kept.

        :param order: the order
        """
        text = order.get("order_date")
        if not text:
            return True
        at = parse_yotpo_time(text)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def build_extraction(
    resource: YotpoResource,
    *,
    get: GetJson,
    find_records: FindRecords,
    store_id: str,
    since: Any,
    until: Any,
    match: Mapping[str, Iterable[Any]] | None,
    page_size: int | None,
) -> Extraction:
    """Check the arguments and put the walk together; see ``YotpoClient.extract``.

    :param resource: the list
    :param get: asks for a page
    :param find_records: finds records by external ids
    :param store_id: the store
    """
    begin, end = (
        timestamps.parse(value, name) if value else None for value, name in ((since, "since"), (until, "until"))
    )
    bounds = OrderDateRange(since=begin, until=end)
    paging = cast("TokenPaginator", resource.sized_paginator(page_size))
    name, ids = _match_ids(resource, match)
    if (begin or end) and (not resource.time_field or name):
        message = f"'{resource.name}' can't be asked for by time{' and ids at once' if resource.time_field else ''}"
        raise _configuration_error(message, "Leave 'since' and 'until' out.")
    query = bounds.params()
    if name in resource.parents:
        segments = [_nested_segment(resource, get, paging, id_, place, len(ids)) for place, id_ in enumerate(ids, 1)]
    elif name:
        batches = list(id_batches(ids, size=MAX_LOOKUP_IDS))
        segments = [
            _lookup_segment(resource, find_records, batch, place, len(batches))
            for place, batch in enumerate(batches, 1)
        ]
    else:
        pages = PageFetcher(
            resource=resource, get=get, paginator=paging, path=resource.path, params=query, time_range=bounds
        )
        segments = [Segment(name=resource.name, fetch=pages.fetch)]
    return Extraction(
        source=SOURCE,
        resource=resource.name,
        key=resource.key,
        request={
            "store": store_id,
            "query": query,
            "match": {name: ids_digest(ids)} if name else None,
            "page_size": paging.size,
        },
        segments=segments,
        window=bounds.window,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetcher:
    """The pages of one list.

    :param resource: the list
    :param get: asks for a page
    :param paginator: how it is walked
    :param path: where it is
    :param params: its filters
    :param time_range: which rows belong to it
    """

    resource: YotpoResource
    get: GetJson
    paginator: TokenPaginator
    path: str
    params: Mapping[str, str]
    time_range: OrderDateRange

    def fetch(self, cursor: Cursor) -> Page:
        """One page.

        :param cursor: where it begins
        """
        asked = self.paginator.params_with_filters(cursor, self.params)
        query = {name: str(value) for name, value in asked.items()}
        body = self.get(self.path, f"{self.resource.name}.list", query)
        rows = [with_yotpo_id(record) for record in self.resource.extract_records(body)]
        following = self.paginator.next(cursor, body=body, records=rows)
        return Page([record for record in rows if self.time_range.contains(record)], following)


def _nested_segment(
    resource: YotpoResource, get: GetJson, paging: TokenPaginator, id_: str, place: int, count: int
) -> Segment:
    path = resource.path.replace(f"{{{resource.parents[0]}}}", quote(id_, safe=""))
    bounds = OrderDateRange(since=None, until=None)
    pages = PageFetcher(resource=resource, get=get, paginator=paging, path=path, params={}, time_range=bounds)
    return Segment(name=f"{resource.name} of {resource.parents[0]} {place} of {count}", fetch=pages.fetch)


def _lookup_segment(
    resource: YotpoResource, find_records: FindRecords, batch: list[str], place: int, count: int
) -> Segment:
    def fetch(_: Cursor) -> Page:
        found = find_records(batch)
        return Page([found[id_] for id_ in batch if id_ in found], None)

    return Segment(name=f"{resource.name} by external_id, batch {place} of {count}", fetch=fetch)


def _match_ids(resource: YotpoResource, match: Mapping[str, Iterable[Any]] | None) -> tuple[str | None, list[str]]:
    possible = [*resource.parents, *resource.filters]
    if match is None and resource.parents:
        message = f"'{resource.name}' are read below known ids"
        raise _configuration_error(message, f"Give match={{'{resource.parents[0]}': ids}}, Yotpo's ids.")
    if not match:
        return None, []
    return match_field(resource.name, match, possible, partner="Yotpo")


def _format_second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _configuration_error(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Yotpo")
