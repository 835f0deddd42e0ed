"""Fetch a list page by page, in order, and resume after any page.

An :class:`Extraction` is a value that describes what to fetch. Each page that it yields carries the position
after it. A caller that stores the records and this position can resume after a crash. This module knows
neither HTTP nor files nor Airflow.
"""

from __future__ import annotations

import hashlib
import json
import logging
from base64 import urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, TypeVar

from airflow_provider_partners.api.observers import report
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.prefetch import FetchedPage, fetch_parallel, fetch_sequential
from airflow_provider_partners.api.record_types import field_types
from airflow_provider_partners.arguments import check_count
from airflow_provider_partners.exceptions import ConfigurationError, PagingError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.api.record_types import FieldTypes
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import Window

log = logging.getLogger("airflow_provider_partners.api")

T = TypeVar("T")


class ResumePosition(TypedDict):
    """Position after a page, as JSON.

    :param segment: index of the segment
    :param cursor: cursor of the next page in this segment
    :param seen: fingerprints of the latest records
    """

    segment: int
    cursor: Cursor
    seen: NotRequired[list[str]]


DEFAULT_MAX_PAGES = 100_000

RESTART_REMEDY = "A retry reads the list from its start."
"""The next step when the position in a list is of no use: the page before may have named a wrong one."""

MAX_REMEMBERED_RECORDS = 500
"""Number of latest records that are checked for repetition; more if the last page was larger."""


def _no_prediction(cursor: Cursor) -> Cursor | None:
    """Return None: the next cursor is not known before the page is read."""
    return None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an extraction with pages of its own: one query, one time range, or one batch of ids.

    :param name: name for error messages, such as ``orders`` or ``order_id 1 to 50``; contains no customer data
    :param fetch: returns the page at a cursor; several threads call it
    :param start: cursor of the first page
    :param predict_next: returns the next page's cursor without reading this page, or ``None`` if it is not known
    """

    name: str
    fetch: Callable[[Cursor], Page]
    start: Cursor = field(default_factory=dict)
    predict_next: Callable[[Cursor], Cursor | None] = _no_prediction


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """One page of an extraction.

    :param records: the page's records, without those of the previous pages
    :param position: position after this page; ``None`` after the last page
    :param total: number of records of the whole extraction, if the API reports it
    """

    records: list[Record]
    position: ResumePosition | None
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What to fetch from one list of one partner.

    ::

        extraction = client.extract("orders", since=since, until=until)
        for page in extraction.pages(position=stored, workers=4):
            store(page.records, page.position)

    :param source: the partner, such as ``yofi``
    :param resource: the list
    :param key: fields (dotted paths) that identify a record; if empty, repeated records are not noticed
    :param request: everything that decides the result, as JSON: filters, fields, shop, API version; no secrets
    :param segments: the parts, in order; the same request must give the same segments
    :param account: the shop, store, organization or project; ``None`` if it is unknown
    :param window: the time range of the extraction
    :param max_pages: limit of pages per segment; a longer segment counts as endless
    :param declared_types: the fields of the records with their types, if they differ from those of the list
    """

    source: str
    resource: str
    key: tuple[str, ...] = ("id",)
    request: Mapping[str, Any]
    segments: Sequence[Segment]
    account: str | None = None
    window: Window | None = None
    max_pages: int = DEFAULT_MAX_PAGES
    declared_types: FieldTypes | None = None

    @property
    def record_types(self) -> FieldTypes:
        """The declared fields of the records with their types; none for a list without a declaration."""
        return field_types(self.source, self.resource) if self.declared_types is None else self.declared_types

    @property
    def fingerprint(self) -> str:
        """SHA-256 of source, resource and request. The order of keys does not matter."""
        content = [self.source, self.resource, self.request]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_json_default)
        return hashlib.sha256(text.encode()).hexdigest()

    def pages(self, *, position: ResumePosition | None = None, workers: int = 1) -> Generator[ExtractedPage]:
        """Yield the pages in list order.

        Errors surface in list order too: pages before the failing one are yielded first.
        Close the generator to stop the worker threads.

        :param position: position of a page of an extraction with the same fingerprint; ``None`` starts at the beginning
        :param workers: number of pages fetched at the same time
        :raises PagingError: the list loops, repeats itself or does not end
        """
        check_count("workers", workers)
        report(self.source, self.account, self.resource)
        index, cursor, seen = self._resume(position)
        if index >= len(self.segments):
            return
        fetch = partial(fetch_parallel, workers=workers) if workers > 1 else fetch_sequential
        guard = _LoopGuard(self, seen)
        with closing(fetch(self.segments, index, cursor)) as fetched_pages:
            for fetched in fetched_pages:
                yield self._to_extracted_page(fetched, guard)
        guard.log_dropped()

    def records(self, *, workers: int = 1) -> Iterator[Record]:
        """Yield all records.

        :param workers: number of pages fetched at the same time
        """
        with closing(self.pages(workers=workers)) as pages:
            for page in pages:
                yield from page.records

    def _resume(self, position: ResumePosition | None) -> tuple[int, Cursor, Sequence[str]]:
        if position is None:
            return (0, dict(self.segments[0].start), ()) if self.segments else (0, {}, ())
        index, cursor, seen = position.get("segment"), position.get("cursor"), position.get("seen", ())
        if not isinstance(index, int) or not 0 <= index < len(self.segments) or not isinstance(cursor, Mapping):
            message = f"the stored position of '{self.resource}' does not belong to this extraction"
            raise PagingError(message, remedy=RESTART_REMEDY, restarts_list=True)
        return index, dict(cursor), seen

    def _to_extracted_page(self, fetched: FetchedPage, guard: _LoopGuard) -> ExtractedPage:
        records = guard.new_records(fetched)
        total = fetched.page.total if len(self.segments) == 1 else None
        if fetched.page.next is not None:
            seen = guard.recent_fingerprints()
            position: ResumePosition = {"segment": fetched.segment, "cursor": fetched.page.next}
            if seen:
                position["seen"] = seen
            return ExtractedPage(records, position, total)
        next_segment = fetched.segment + 1
        if next_segment == len(self.segments):
            return ExtractedPage(records, None, total)
        return ExtractedPage(
            records, {"segment": next_segment, "cursor": dict(self.segments[next_segment].start)}, total
        )


class _LoopGuard:
    """Detects loops, repeated records and endless lists. Its memory travels in :data:`ResumePosition`."""

    def __init__(self, extraction: Extraction, seen: Sequence[str]) -> None:
        self._extraction = extraction
        self._segment: int | None = None
        self._recent: deque[str] = deque(seen)
        self._visited: set[bytes] = set()
        self._pages = 0
        self._dropped = 0

    def recent_fingerprints(self) -> list[str]:
        """Return the fingerprints of the latest records."""
        return list(self._recent)

    def new_records(self, fetched: FetchedPage) -> list[Record]:
        """Return the page's records that the previous pages did not contain.

        :raises PagingError: the page leads back, repeats only known records, or exceeds the page limit
        """
        if self._segment is not None and fetched.segment != self._segment:
            self._recent.clear()
            self._visited.clear()
            self._pages = 0
        self._segment = fetched.segment
        self._pages += 1
        new = self._without_repeated(fetched.page.records)
        if fetched.page.next is not None:
            self._check(fetched, repeated=bool(fetched.page.records) and not new)
        return new

    def _without_repeated(self, records: list[Record]) -> list[Record]:
        """Keep the first copy of each record. Records move between pages when others are added or removed."""
        key = self._extraction.key
        if not key:
            return records
        known = set(self._recent)
        new = []
        for record in records:
            fingerprint = record_fingerprint(record, key)
            if fingerprint is None or fingerprint not in known:
                new.append(record)
            if fingerprint is not None and fingerprint not in known:
                known.add(fingerprint)
                self._recent.append(fingerprint)
        self._dropped += len(records) - len(new)
        while len(self._recent) > max(MAX_REMEMBERED_RECORDS, len(records)):
            self._recent.popleft()
        return new

    def _check(self, fetched: FetchedPage, *, repeated: bool) -> None:
        name = self._extraction.segments[fetched.segment].name
        where = f"page {self._pages} of '{name}' ({self._extraction.source} {self._extraction.resource})"
        self._visited.add(_hash(fetched.cursor))
        if _hash(fetched.page.next) in self._visited:
            message = f"{where} leads back to a page that was already read"
            remedy = f"The partner's paging loops. {RESTART_REMEDY} Or use a shorter window."
            raise PagingError(message, remedy=remedy, restarts_list=True)
        if repeated:
            message = f"{where} has only records that the previous pages had"
            remedy = f"The partner seems to ignore the paging parameters. {RESTART_REMEDY}"
            raise PagingError(message, remedy=remedy, restarts_list=True)
        if self._pages >= self._extraction.max_pages:
            message = f"'{name}' has more than {self._extraction.max_pages} pages"
            raise PagingError(message, remedy="Use a shorter window, larger pages, or raise max_pages.")

    def log_dropped(self) -> None:
        """Log how many repeated records were dropped."""
        if self._dropped:
            log.info(
                "%s %s: dropped %d records that pages repeated while the list changed",
                self._extraction.source,
                self._extraction.resource,
                self._dropped,
            )


def batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the values in lists of at most ``size``, in order. The input is read lazily."""
    if size < 1:
        message = f"a batch size of {size} is not possible"
        raise ConfigurationError(message, remedy="Use 1 or more.")
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


def record_fingerprint(record: Record, key: tuple[str, ...]) -> str | None:
    """Return a short hash of the record's key (9 bytes, as base64), or None if a key field is missing."""
    values = [get_path(record, name) for name in key]
    if any(value is None for value in values):
        return None
    return urlsafe_b64encode(_hash(values)[:9]).decode()


def _hash(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_json_default)
    return hashlib.sha256(text.encode()).digest()


def _json_default(value: Any) -> Any:
    """Convert values that JSON does not know, such as dates and sets, to a stable form."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
