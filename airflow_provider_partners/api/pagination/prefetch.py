"""Fetching the pages of segments in order: one after the other, or several at once with a bounded look-ahead.

Side by side, segments run in parallel, and so do the pages of one segment whose following cursors are known
without reading. The look-ahead within a segment grows with the pages that proved to exist, so a short list
costs no request beyond its end. Must not know what pages hold.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from airflow_provider_partners.api.pagination.page import Cursor, Page

THREAD_NAME_PREFIX = "partners-pages"
"""How the workers' names begin."""


class FetchableSegment(Protocol):
    """A segment, as far as fetching goes."""

    @property
    def start(self) -> Cursor:
        """The cursor of the first page."""

    @property
    def fetch(self) -> Callable[[Cursor], Page]:
        """Gives the page at a cursor."""

    @property
    def predict_next(self) -> Callable[[Cursor], Cursor | None]:
        """The cursor of the following page, where that is known."""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page and where it was.

    :param segment: the segment's index
    :param cursor: where the page began
    :param page: what it held
    """

    segment: int
    cursor: Cursor
    page: Page


def fetch_sequential(segments: Sequence[FetchableSegment], index: int, cursor: Cursor) -> Generator[FetchedPage]:
    """Pages one after the other, each fetched when it is asked for.

    :param segments: all segments
    :param index: the segment to begin with
    :param cursor: where to begin in it
    """
    at: Cursor | None = cursor
    while index < len(segments):
        while at is not None:
            page = segments[index].fetch(at)
            yield FetchedPage(index, at, page)
            at = page.next
        index += 1
        at = dict(segments[index].start) if index < len(segments) else None


def fetch_parallel(
    segments: Sequence[FetchableSegment], index: int, cursor: Cursor, *, workers: int
) -> Generator[FetchedPage]:
    """Pages in the same order, several fetched at once.

    :param segments: all segments
    :param index: the segment to begin with
    :param cursor: where to begin in it
    :param workers: pages fetched at the same time
    """
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=THREAD_NAME_PREFIX)
    try:
        yield from _Prefetcher(segments, index, cursor, pool, workers)
    finally:
        # Whoever closes the walk is not kept waiting: what is queued never starts, what runs ends with its page.
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class _SegmentQueue:
    """One segment under way: its pages that are being fetched, or lie ready, in order."""

    index: int
    segment: FetchableSegment
    next: Cursor | None
    confirmed: int = 0
    pages: deque[tuple[Cursor, Future[Page]]] = field(default_factory=deque)

    def cursor_to_fetch(self, workers: int) -> Cursor | None:
        """The cursor to fetch next, if one is known and worth its request."""
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
    """The segments under way, in order, and a bound on all their pages together."""

    def __init__(
        self, segments: Sequence[FetchableSegment], index: int, cursor: Cursor, pool: ThreadPoolExecutor, workers: int
    ) -> None:
        self._segments = segments
        self._pool = pool
        self._workers = workers
        self._queues = deque([_SegmentQueue(index, segments[index], cursor)])

    def __iter__(self) -> Iterator[FetchedPage]:
        while self._queues:
            lane = self._queues[0]
            cursor, future = self._next_fetched(lane)
            page = future.result()
            lane.confirmed += 1
            lane.next = page.next
            if page.next is None:
                self._cancel(lane)
                self._queues.popleft()
                self._open_next_segment(lane.index)
            elif lane.pages and lane.pages[0][0] != page.next:
                # The list goes on elsewhere than was guessed.
                self._cancel(lane)
            yield FetchedPage(lane.index, cursor, page)

    def _next_fetched(self, lane: _SegmentQueue) -> tuple[Cursor, Future[Page]]:
        """The first page of the first lane, with everything else kept going until it is there."""
        while True:
            self._submit_pages()
            if lane.pages[0][1].done():
                return lane.pages.popleft()
            wait(
                [future for each in self._queues for _, future in each.pages if not future.done()],
                return_when=FIRST_COMPLETED,
            )

    def _submit_pages(self) -> None:
        """Hand out work: the first lane's next page always, then what comes next in order, within the bound."""
        room = 2 * self._workers - sum(len(lane.pages) for lane in self._queues)
        for lane in self._queues_in_order():
            while (room > 0 or not (lane.pages or lane is not self._queues[0])) and (
                cursor := lane.cursor_to_fetch(self._workers)
            ) is not None:
                lane.pages.append((cursor, self._pool.submit(lane.segment.fetch, cursor)))
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
        """Begin the segment behind another one, unless it is under way."""
        following = index + 1
        last = self._queues[-1].index if self._queues else index
        if last < following < len(self._segments):
            segment = self._segments[following]
            self._queues.append(_SegmentQueue(following, segment, dict(segment.start)))

    @staticmethod
    def _cancel(lane: _SegmentQueue) -> None:
        for _, future in lane.pages:
            future.cancel()
        lane.pages.clear()
