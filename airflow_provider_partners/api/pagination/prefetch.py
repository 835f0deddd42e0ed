"""Fetch the pages of segments in order: one by one, or several at once with a bounded prefetch.

In parallel mode, segments run at the same time. So do the pages of one segment if its next cursors are
predictable. The number of prefetched pages grows with the pages that proved to exist, so a short list costs
no request after its end.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from airflow_provider_partners.api.concurrency import call_unless_abandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from airflow_provider_partners.api.pagination.page import Cursor, Page

THREAD_NAME_PREFIX = "partners-pages"
"""Prefix of the worker threads' names."""


class FetchableSegment(Protocol):
    """The attributes of a segment that fetching needs."""

    @property
    def start(self) -> Cursor:
        """Cursor of the first page."""

    @property
    def fetch(self) -> Callable[[Cursor], Page]:
        """Returns the page at a cursor."""

    @property
    def predict_next(self) -> Callable[[Cursor], Cursor | None]:
        """Returns the next cursor without reading the page, or None."""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page with its place.

    :param segment: index of the segment
    :param cursor: cursor of the page
    :param page: the page
    """

    segment: int
    cursor: Cursor
    page: Page


def fetch_sequential(segments: Sequence[FetchableSegment], index: int, cursor: Cursor) -> Generator[FetchedPage]:
    """Yield the pages one by one. Each page is fetched when the consumer asks for it.

    :param index: index of the first segment
    :param cursor: first cursor in this segment
    """
    next_cursor: Cursor | None = cursor
    while index < len(segments):
        while next_cursor is not None:
            page = segments[index].fetch(next_cursor)
            yield FetchedPage(index, next_cursor, page)
            next_cursor = page.next
        index += 1
        next_cursor = dict(segments[index].start) if index < len(segments) else None


def fetch_parallel(
    segments: Sequence[FetchableSegment], index: int, cursor: Cursor, *, workers: int
) -> Generator[FetchedPage]:
    """Yield the pages in the same order, and fetch several at once.

    :param index: index of the first segment
    :param cursor: first cursor in this segment
    :param workers: number of pages fetched at the same time
    """
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=THREAD_NAME_PREFIX)
    prefetcher = _Prefetcher(segments, index, cursor, pool, workers)
    try:
        yield from prefetcher
    finally:
        # Do not keep the consumer waiting: cancel queued requests, and let running ones end alone.
        prefetcher.abandon()
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class _SegmentQueue:
    """One started segment: its running and finished page requests, in order."""

    index: int
    segment: FetchableSegment
    next: Cursor | None
    confirmed: int = 0
    pages: deque[tuple[Cursor, Future[Page]]] = field(default_factory=deque)
    abandoned: threading.Event = field(default_factory=threading.Event)

    def submit(self, cursor: Cursor, pool: ThreadPoolExecutor) -> None:
        """Request the page at a cursor."""
        future = pool.submit(call_unless_abandoned, self.abandoned, self.segment.fetch, cursor)
        self.pages.append((cursor, future))

    def abandon(self) -> None:
        """Drop the requested pages: nobody reads them. Their requests are neither repeated nor reported."""
        self.abandoned.set()
        for _, future in self.pages:
            future.cancel()
        self.pages.clear()
        self.abandoned = threading.Event()

    def cursor_to_fetch(self, workers: int) -> Cursor | None:
        """Return the next cursor to fetch, or None if it is unknown or not worth a request yet."""
        if not self.pages:
            return self.next
        cursor, last = self.pages[-1]
        if last.done():
            return None if last.exception() else last.result().next
        ready = [future for _, future in self.pages if future.done()]
        if any(future.exception() or future.result().next is None for future in ready):
            return None
        running, proven = len(self.pages) - len(ready), self.confirmed + len(ready)
        return self.segment.predict_next(cursor) if running < min(workers, proven + 1) else None


class _Prefetcher:
    """The started segments in order, with one limit for all their pages."""

    def __init__(
        self, segments: Sequence[FetchableSegment], index: int, cursor: Cursor, pool: ThreadPoolExecutor, workers: int
    ) -> None:
        self._segments = segments
        self._pool = pool
        self._workers = workers
        self._queues = deque([_SegmentQueue(index, segments[index], cursor)])

    def __iter__(self) -> Iterator[FetchedPage]:
        while self._queues:
            queue = self._queues[0]
            cursor, future = self._next_fetched(queue)
            page = future.result()
            queue.confirmed += 1
            queue.next = page.next
            if page.next is None:
                queue.abandon()
                self._queues.popleft()
                self._open_next_segment(queue.index)
            elif queue.pages and queue.pages[0][0] != page.next:
                # The page's own cursor differs from the predicted one.
                queue.abandon()
            yield FetchedPage(queue.index, cursor, page)

    def _next_fetched(self, queue: _SegmentQueue) -> tuple[Cursor, Future[Page]]:
        """Return the first page of the first queue. Keep all workers busy until it is there."""
        while True:
            self._submit_pages()
            if queue.pages[0][1].done():
                return queue.pages.popleft()
            wait(
                [future for started in self._queues for _, future in started.pages if not future.done()],
                return_when=FIRST_COMPLETED,
            )

    def _submit_pages(self) -> None:
        """Submit work: the first queue's next page always, then the following pages in order, within the limit."""
        room = 2 * self._workers - sum(len(queue.pages) for queue in self._queues)
        for queue in self._queues_in_order():
            while (room > 0 or not (queue.pages or queue is not self._queues[0])) and (
                cursor := queue.cursor_to_fetch(self._workers)
            ) is not None:
                queue.submit(cursor, self._pool)
                room -= 1
            if room <= 0:
                return

    def _queues_in_order(self) -> Iterator[_SegmentQueue]:
        position = 0
        while position < len(self._queues):
            yield self._queues[position]
            position += 1
            if position == len(self._queues):
                self._open_next_segment(self._queues[-1].index)

    def _open_next_segment(self, index: int) -> None:
        """Start the next segment, unless it has started."""
        following = index + 1
        last = self._queues[-1].index if self._queues else index
        if last < following < len(self._segments):
            segment = self._segments[following]
            self._queues.append(_SegmentQueue(following, segment, dict(segment.start)))

    def abandon(self) -> None:
        """Drop all requested pages."""
        for queue in self._queues:
            queue.abandon()
