"""The pages of a numbered list, of which Voucherify serves 99 or 100 and no more.

A list that is longer is cut by time: its window is halved, and its halves again, until each part fits. Where the parts
touch, rows are told apart by their own time, so none is lost or comes twice, whether the server counts its bounds in or
not. What can't be cut is an error, never cut off. Must not know arguments, nor how anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_partners.api.cursors import DateCursor
from airflow_provider_partners.api.extraction import REMEMBERED
from airflow_provider_partners.api.paging import Cursor, Page, PageNumber
from airflow_provider_partners.api.splitting import middle
from airflow_provider_partners.api.voucherify_pages import Asking, ListPages, Span
from airflow_provider_partners.api.voucherify_resources import Asked, VoucherifyResource, rows
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.windows import moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.messages import Record

_STEP = timedelta(milliseconds=1)
"""How finely Voucherify's times can be told apart."""

Pieces = list[list[str | None]]
"""Half-open stretches of time, one behind the other; the first is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPages:
    """The pages of a numbered list.

    A cursor is ``{"page": 3, "total": 412, "pieces": [[since, until], …], "of": 20412}``: page of the first piece, rows
    that this piece had when it was last asked, the pieces that remain, and the rows of the whole list.

    :param asking: what is asked
    :param paging: page and size
    :param cap: the highest page served
    :param span: the stretch of time asked for
    :param divisible: how the list can be asked by time when it is too long; ``None`` where it can't
    :param moving: whether rows leave the window while it is read, as those do that are changed meanwhile
    :param clock: the time, for a window without an end
    """

    asking: Asking
    paging: PageNumber
    cap: int
    span: Span = field(default_factory=Span)
    divisible: Asked | None = None
    moving: bool = False
    clock: Clock

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: where it begins
        :raises PagingError: when the list is longer than what can be read
        """
        if "scroll" in cursor:
            return self._scrolled(cursor)
        pieces = self._pieces(cursor)
        span, number = self._span(pieces), int(cursor.get("page", 1))
        body = self._ask(span, number)
        found, total = rows(self.asking.row, body), self.paging.total(body)
        if number == 1 and not self._fits(span, found, total):
            return Page([], self._cut(cursor, pieces, span, total), cursor.get("of", total))
        known = cursor.get("total")
        if known is not None and total is not None and total < known:
            found = self._read_again(span, number, known, body)
        return self._page(cursor, pieces, found, body, total)

    def ahead(self, cursor: Cursor) -> Cursor | None:
        """The cursor of the following page, where this one's piece is known to fit and to go on.

        :param cursor: where this page begins
        """
        number, total = int(cursor.get("page", 1)), cursor.get("total")
        if number == 1 or number >= self.cap or (total is not None and number * self.paging.size >= total):
            return None
        return {**cursor, "page": number + 1}

    def _ask(self, span: Span, number: int, size: int | None = None, order: str | None = None) -> Any:
        return self.asking.ask(span, {"page": number, "limit": size or self.paging.size}, order=order)

    def _page(self, cursor: Cursor, pieces: Pieces, found: list[Record], body: Any, total: int | None) -> Page:
        number, size = int(cursor.get("page", 1)), self.paging.size
        last = rows(self.asking.row, body)
        more = self.paging.next({"page": number}, body=body, records=last) is not None
        if more and number >= self.cap and not self._grows_at_its_end():
            self._too_long(total if total is not None and total > self.cap * size else None)
        records = self.asking.told(found, self._span(pieces))
        of = {"of": cursor["of"]} if "of" in cursor else {}
        kept = {"pieces": pieces} if "pieces" in cursor or self.moving else {}
        following: Cursor | None = None
        if more and number < self.cap:
            following = {**kept, **of, "page": number + 1, **({} if total is None else {"total": total})}
        elif len(pieces) > 1:
            following = {"pieces": pieces[1:], **of}
        return Page(records, following, cursor.get("of", total))

    def _grows_at_its_end(self) -> bool:
        """Whether what was there at the first page has been read by now: all that came since is behind it."""
        return self.asking.order in {"created_at", "id"}

    def _pieces(self, cursor: Cursor) -> Pieces:
        if "pieces" in cursor:
            return list(cursor["pieces"])
        until = self.span.until
        if until is None and self.moving:
            until = datetime.fromtimestamp(self.clock.time(), UTC)
        return [[_text(self.span.since), _text(until)]]

    def _span(self, pieces: Pieces) -> Span:
        since, until = (moment(text, "pieces") if text else None for text in pieces[0])
        return Span(self.span.asked or self.divisible, since, until)

    def _fits(self, span: Span, found: list[Record], total: int | None) -> bool:
        if total is not None:
            return total <= self.paging.size * self.cap
        if len(found) < self.paging.size or self.cap == 1:
            return True
        # Nothing tells how many there are, so the last page is looked at: if that is full, more may follow.
        return len(rows(self.asking.row, self._ask(span, self.cap))) < self.paging.size

    def _cut(self, cursor: Cursor, pieces: Pieces, span: Span, total: int | None) -> Cursor:
        """Two pieces in place of the first one."""
        if span.asked is None:
            if self.asking.row.scroll:
                return {"scroll": {}}
            self._too_long(total)
        end = span.until or datetime.fromtimestamp(self.clock.time(), UTC)
        begin = span.since or self._first(span, span.asked)
        half = middle(begin, end, step=_STEP) if begin < end else None
        if half is None:
            self._too_long(total, f" between {_text(begin)} and {_text(end)}")
        of = {} if total is None and "of" not in cursor else {"of": cursor.get("of", total)}
        return {"pieces": [[_text(begin), _text(half)], [_text(half), _text(span.until)], *pieces[1:]], **of}

    def _first(self, span: Span, asked: Asked) -> datetime:
        """The time of the oldest row, on a whole millisecond."""
        oldest = rows(self.asking.row, self._ask(span, 1, 1, asked.order))
        text = oldest[0].get(asked.row) if oldest else None
        if not text:
            self._too_long(None, f", and its first row has no '{asked.row}' to cut it by")
        at = moment(text, asked.row)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def _read_again(self, span: Span, number: int, known: int, body: Any) -> list[Record]:
        """Rows have left the list since the last page, so later ones have moved up to pages that were read already.

        Those pages are read again, backwards: what moves up meanwhile comes into sight once more. The walk drops the
        rows that it knows.
        """
        size, page, total = self.paging.size, number, self.paging.total(body) or 0
        pages = [rows(self.asking.row, body)]
        while page > 1 and (number - page) * size < known - total:
            page -= 1
            if (number - page) * size > REMEMBERED:
                message = f"'{self.asking.row.name}' lost {known - total} of {known} rows since its last page was read"
                remedy = "Remove the dataset's folder, so that it is fetched anew; or ask for a shorter window."
                raise PagingError(message, remedy=remedy, partner="Voucherify")
            answer = self._ask(span, page)
            pages.append(rows(self.asking.row, answer))
            now = self.paging.total(answer)
            total = total if now is None else now
        return [record for each in reversed(pages) for record in each]

    def _scrolled(self, cursor: Cursor) -> Page:
        """Behind the moment of the last row, where no page reaches."""
        scroll = DateCursor(size=self.paging.size, param=self.asking.row.scroll)
        pages = ListPages(asking=replace(self.asking, order="created_at"), paging=scroll)
        page = pages.fetch(cursor["scroll"])
        return Page(page.records, None if page.next is None else {"scroll": page.next}, page.total)

    def _too_long(self, total: int | None, where: str = "") -> NoReturn:
        row, most = self.asking.row, self.paging.size * self.cap
        held = f"{total} rows" if total is not None else f"more than {most} rows, or just as many,"
        message = f"'{row.name}' has {held} here{where}, and Voucherify serves {most} of a list at most"
        raise PagingError(message, remedy=_remedy(row, self.paging.size), partner="Voucherify")


def _remedy(row: VoucherifyResource, size: int) -> str:
    if size < (row.max_page_size or size):
        return f"Use page_size={row.max_page_size}."
    if row.exported_object:
        return 'Use mode="export", which has no such bound; or ask with narrower filters or parameters.'
    known = sorted({*row.parameters, *row.filters})
    return f"Ask with narrower filters or parameters ({', '.join(known) or 'this list takes none'})."


def _text(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
