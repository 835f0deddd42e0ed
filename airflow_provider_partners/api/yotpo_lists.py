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

from airflow_provider_partners.api.cursors import PageInfo
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.identifiers import digest, id_batches, matched
from airflow_provider_partners.api.messages import Record
from airflow_provider_partners.api.pages import Cursor, Page
from airflow_provider_partners.api.yotpo_resources import LOOKUP_SIZE, YotpoResource, parse_time, with_id
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import Window, moment

SOURCE = "yotpo"

Get = Callable[[str, str, Mapping[str, str]], Any]
"""From path, label and query to the answer's JSON."""

LookUp = Callable[[Iterable[str]], Mapping[str, Record]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
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

    def query(self) -> dict[str, str]:
        """As filters. They are whole seconds, so they may admit more than was asked for."""
        lower = {"order_date_min": _second(math.floor(self.since.timestamp()))} if self.since else {}
        upper = {"order_date_max": _second(math.ceil(self.until.timestamp()))} if self.until else {}
        return {**lower, **upper}

    def admit(self, row: Record) -> bool:
        """Whether an order belongs to it.

        The upper filter is known by its counterpart alone and may be ignored, and whether it includes its moment isn't
        documented; so the dates decide. An order without one is kept.

        :param row: the order
        """
        text = row.get("order_date")
        if not text:
            return True
        at = parse_time(text)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def extraction(
    row: YotpoResource,
    *,
    get: Get,
    look_up: LookUp,
    store_id: str,
    since: Any,
    until: Any,
    match: Mapping[str, Iterable[Any]] | None,
    page_size: int | None,
) -> Extraction:
    """Check the arguments and put the walk together; see ``YotpoClient.extract``.

    :param row: the list
    :param get: asks for a page
    :param look_up: finds records by external ids
    :param store_id: the store
    """
    begin, end = (moment(value, name) if value else None for value, name in ((since, "since"), (until, "until")))
    bounds = Bounds(since=begin, until=end)
    paging = cast("PageInfo", row.pages(page_size))
    name, ids = _matched(row, match)
    if (begin or end) and (not row.time_field or name):
        message = f"'{row.name}' can't be asked for by time{' and ids at once' if row.time_field else ''}"
        raise _refused(message, "Leave 'since' and 'until' out.")
    query = bounds.query()
    if name in row.parents:
        segments = [_below(row, get, paging, id_, place, len(ids)) for place, id_ in enumerate(ids, 1)]
    elif name:
        batches = list(id_batches(ids, size=LOOKUP_SIZE))
        segments = [_looked_up(row, look_up, batch, place, len(batches)) for place, batch in enumerate(batches, 1)]
    else:
        pages = ListPages(row=row, get=get, paging=paging, path=row.path, query=query, bounds=bounds)
        segments = [Segment(name=row.name, fetch=pages.fetch)]
    return Extraction(
        source=SOURCE,
        resource=row.name,
        key=row.key,
        request={
            "store": store_id,
            "query": query,
            "match": {name: digest(ids)} if name else None,
            "page_size": paging.size,
        },
        segments=segments,
        window=bounds.window,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPages:
    """The pages of one list.

    :param row: the list
    :param get: asks for a page
    :param paging: how it is walked
    :param path: where it is
    :param query: its filters
    :param bounds: which rows belong to it
    """

    row: YotpoResource
    get: Get
    paging: PageInfo
    path: str
    query: Mapping[str, str]
    bounds: Bounds

    def fetch(self, cursor: Cursor) -> Page:
        """One page.

        :param cursor: where it begins
        """
        asked = self.paging.query(cursor, self.query)
        query = {name: str(value) for name, value in asked.items()}
        body = self.get(self.path, f"{self.row.name}.list", query)
        rows = [with_id(record) for record in self.row.rows(body)]
        following = self.paging.next(cursor, body=body, records=rows)
        return Page([record for record in rows if self.bounds.admit(record)], following)


def _below(row: YotpoResource, get: Get, paging: PageInfo, id_: str, place: int, count: int) -> Segment:
    path = row.path.replace(f"{{{row.parents[0]}}}", quote(id_, safe=""))
    bounds = Bounds(since=None, until=None)
    pages = ListPages(row=row, get=get, paging=paging, path=path, query={}, bounds=bounds)
    return Segment(name=f"{row.name} of {row.parents[0]} {place} of {count}", fetch=pages.fetch)


def _looked_up(row: YotpoResource, look_up: LookUp, batch: list[str], place: int, count: int) -> Segment:
    def fetch(_: Cursor) -> Page:
        found = look_up(batch)
        return Page([found[id_] for id_ in batch if id_ in found], None)

    return Segment(name=f"{row.name} by external_id, batch {place} of {count}", fetch=fetch)


def _matched(row: YotpoResource, match: Mapping[str, Iterable[Any]] | None) -> tuple[str | None, list[str]]:
    possible = [*row.parents, *row.filters]
    if match is None and row.parents:
        message = f"'{row.name}' are read below known ids"
        raise _refused(message, f"Give match={{'{row.parents[0]}': ids}}, Yotpo's ids.")
    if not match:
        return None, []
    return matched(row.name, match, possible, partner="Yotpo")


def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _refused(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Yotpo")
