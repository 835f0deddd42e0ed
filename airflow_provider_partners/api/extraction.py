"""A list fetched page by page: in order, side by side where the list allows it, and from any point it once
reached.

An extraction is a value that says what to fetch; its pages are a walk. Each step carries the position behind
it, so whoever stored the step's records can go on from there after a crash. Must not know HTTP, files or
Airflow.
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
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.prefetch import FetchedPage, fetch_parallel, fetch_sequential
from airflow_provider_partners.exceptions import ConfigurationError, PagingError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import Window

log = logging.getLogger("airflow_provider_partners.api")

T = TypeVar("T")

ResumePosition = dict[str, Any]
"""Where a walk goes on: ``{"segment": 0, "cursor": {...}}`` and the marks of the rows just before. JSON."""

REMEMBERED_RECORDS = 500
"""Rows behind the present page whose repetition is noticed; more if the last page was larger."""


def _no_prediction(cursor: Cursor) -> Cursor | None:
    """The following page can't be known."""
    return None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of an extraction that is walked by itself: one query, one window, one batch of ids.

    :param name: for errors, such as ``orders`` or ``order_id 1 to 50``; holds no customers' data
    :param fetch: gives the page at a cursor; called from several threads
    :param start: the cursor of the first page
    :param predict_next: the cursor of the following page without having read this one, ``None`` where that can't be
        known
    """

    name: str
    fetch: Callable[[Cursor], Page]
    start: Cursor = field(default_factory=dict)
    predict_next: Callable[[Cursor], Cursor | None] = _no_prediction


@dataclass(frozen=True, slots=True)
class ExtractedPage:
    """One page of a walk.

    :param records: its rows, without those that the walk has seen just before
    :param position: where to go on behind it; ``None`` at the very end
    :param total: rows of the whole extraction, where the API tells
    """

    records: list[Record]
    position: ResumePosition | None
    total: int | None = None


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What to fetch from one list of one partner.

    :param source: the partner, such as ``yofi``
    :param resource: the list
    :param key: the fields (dotted) that identify a row; without any, repeated rows are not noticed
    :param request: everything that decides the result, as JSON: filters, fields, shop, API version; no
        secrets
    :param segments: the parts, in order; the same request must give the same ones
    :param window: the stretch of time it covers
    :param max_pages: a segment with more pages is taken for endless
    """

    source: str
    resource: str
    key: tuple[str, ...] = ("id",)
    request: Mapping[str, Any]
    segments: Sequence[Segment]
    window: Window | None = None
    max_pages: int = 100_000

    @property
    def fingerprint(self) -> str:
        """SHA-256 of source, resource and request: the same for the same question, in any order of keys."""
        question = [self.source, self.resource, self.request]
        text = json.dumps(question, sort_keys=True, separators=(",", ":"), default=_json_default)
        return hashlib.sha256(text.encode()).hexdigest()

    def pages(self, *, position: ResumePosition | None = None, workers: int = 1) -> Generator[ExtractedPage]:
        """Walk the list.

        Pages come in the list's order, whatever the number of workers. An error is raised in its turn:
        behind all pages before it. Closing the iterator stops the workers.

        :param position: where to go on: any step's position of an extraction with the same fingerprint
        :param workers: pages fetched at the same time
        :raises PagingError: when the list loops, repeats itself or never ends
        """
        if workers < 1:
            message = f"workers={workers} fetch nothing"
            raise ConfigurationError(message, remedy="Use 1 or more.")
        index, cursor, seen = self._resume(position)
        if index >= len(self.segments):
            return
        fetch = partial(fetch_parallel, workers=workers) if workers > 1 else fetch_sequential
        guard = _LoopGuard(self, seen)
        with closing(fetch(self.segments, index, cursor)) as fetched:
            for at in fetched:
                yield self._to_extracted_page(at, guard)
        guard.log_dropped()

    def records(self, *, workers: int = 1) -> Iterator[Record]:
        """All rows.

        :param workers: pages fetched at the same time
        """
        with closing(self.pages(workers=workers)) as steps:
            for step in steps:
                yield from step.records

    def _resume(self, position: ResumePosition | None) -> tuple[int, Cursor, Sequence[str]]:
        if position is None:
            return (0, dict(self.segments[0].start), ()) if self.segments else (0, {}, ())
        index, cursor, seen = position.get("segment"), position.get("cursor"), position.get("seen", ())
        if not isinstance(index, int) or not 0 <= index < len(self.segments) or not isinstance(cursor, Mapping):
            message = f"the stored position of '{self.resource}' does not belong to this extraction"
            raise PagingError(message, remedy="Remove the dataset's folder, so that it is fetched anew.")
        return index, dict(cursor), seen

    def _to_extracted_page(self, at: FetchedPage, guard: _LoopGuard) -> ExtractedPage:
        records = guard.new_records(at)
        total = at.page.total if len(self.segments) == 1 else None
        if at.page.next is not None:
            seen = guard.recent_fingerprints()
            behind: ResumePosition = {
                "segment": at.segment,
                "cursor": at.page.next,
                **({"seen": seen} if seen else {}),
            }
            return ExtractedPage(records, behind, total)
        following = at.segment + 1
        if following == len(self.segments):
            return ExtractedPage(records, None, total)
        return ExtractedPage(records, {"segment": following, "cursor": dict(self.segments[following].start)}, total)


class _LoopGuard:
    """Keeps a walk honest: no loops, no repetition, no endless list. Positions carry its small memory."""

    def __init__(self, extraction: Extraction, seen: Sequence[str]) -> None:
        self._extraction = extraction
        self._segment: int | None = None
        self._recent: deque[str] = deque(seen)
        self._visited: set[bytes] = set()
        self._pages = 0
        self._dropped = 0

    def recent_fingerprints(self) -> list[str]:
        """Marks of the latest rows."""
        return list(self._recent)

    def new_records(self, at: FetchedPage) -> list[Record]:
        """The rows of a page that are new.

        :param at: the page
        :raises PagingError: when the walk doesn't get on
        """
        if self._segment is not None and at.segment != self._segment:
            self._recent.clear()
            self._visited.clear()
            self._pages = 0
        self._segment = at.segment
        self._pages += 1
        new = self._without_repeated(at.page.records)
        if at.page.next is not None:
            self._check(at, repeated=bool(at.page.records) and not new)
        return new

    def _without_repeated(self, records: list[Record]) -> list[Record]:
        """Rows shift between two requests when others are added or removed; the first of each is kept."""
        key = self._extraction.key
        if not key:
            return records
        known = set(self._recent)
        new = []
        for record in records:
            mark = record_fingerprint(record, key)
            if mark is None or mark not in known:
                new.append(record)
            if mark is not None and mark not in known:
                known.add(mark)
                self._recent.append(mark)
        self._dropped += len(records) - len(new)
        while len(self._recent) > max(REMEMBERED_RECORDS, len(records)):
            self._recent.popleft()
        return new

    def _check(self, at: FetchedPage, *, repeated: bool) -> None:
        name = self._extraction.segments[at.segment].name
        where = f"page {self._pages} of '{name}' ({self._extraction.source} {self._extraction.resource})"
        self._visited.add(_hash(at.cursor))
        if _hash(at.page.next) in self._visited:
            message = f"{where} leads back to a page that was read already"
            raise PagingError(message, remedy="The partner's paging loops; try again, or ask for a shorter window.")
        if repeated:
            message = f"{where} holds only rows that were read just before"
            raise PagingError(message, remedy="The partner seems to ignore the paging parameters.")
        if self._pages >= self._extraction.max_pages:
            message = f"'{name}' has more than {self._extraction.max_pages} pages"
            raise PagingError(message, remedy="Ask for a shorter window, or larger pages.")

    def log_dropped(self) -> None:
        """Say what was left out."""
        if self._dropped:
            log.info(
                "%s %s: left out %d rows that pages repeated while the list changed",
                self._extraction.source,
                self._extraction.resource,
                self._dropped,
            )


def batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """Values in lists of bounded size, in order.

    :param values: any, read as they are needed
    :param size: the most in one list
    """
    if size < 1:
        message = f"batches of {size} hold nothing"
        raise ConfigurationError(message, remedy="Use 1 or more.")
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


def record_fingerprint(record: Record, key: tuple[str, ...]) -> str | None:
    """Nine bytes, as text, that stand for a row's identity; ``None`` when it has none.

    :param record: the row
    :param key: the fields (dotted) that identify it
    """
    values = [get_path(record, name) for name in key]
    if any(value is None for value in values):
        return None
    return urlsafe_b64encode(_hash(values)[:9]).decode()


def _hash(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_json_default)
    return hashlib.sha256(text.encode()).digest()


def _json_default(value: Any) -> Any:
    """What JSON doesn't know, such as dates and sets, in a form that is the same each time."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
