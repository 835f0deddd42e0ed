"""From a question to the segments of an extraction: how pages of a Yofi list become rows of what was asked for.

A batch of ids, a walk from the newest row back, or the list as it is; each then cut to its window and, for lists that
are made of a relation, taken apart into that relation's rows. Must not know tokens, nor send anything itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import Segment
from airflow_provider_partners.api.newest_first import NewestFirst, Order
from airflow_provider_partners.api.pages import Cursor, Page
from airflow_provider_partners.api.rsql_matching import holds
from airflow_provider_partners.api.steady_pages import SteadyPages
from airflow_provider_partners.api.yofi_one_by_one import OneByOne, Trust
from airflow_provider_partners.api.yofi_pages import ListPages, Sizes

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.yofi_question import Batch, Question
    from airflow_provider_partners.api.yofi_resources import YofiResource
    from airflow_provider_partners.api.yofi_sweep import Sweep


@dataclass(slots=True)
class Learned:
    """What a client has learned of the server; its siblings share it.

    :param sizes: the page sizes that it takes
    :param orders: the orders that it doesn't take
    :param trust: whether it takes several ids joined by *or*
    """

    sizes: Sizes = field(default_factory=Sizes)
    orders: set[str] = field(default_factory=set)
    trust: Trust = field(default_factory=Trust)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """Makes the segments of a question.

    :param row: the list
    :param asked: the question
    :param size: rows per page
    :param get: asks for a page with these query parameters
    :param learned: what is known of the server
    """

    row: YofiResource
    asked: Question
    size: int
    get: Callable[[Mapping[str, str]], Any]
    learned: Learned

    def all(self) -> list[Segment]:
        """One for each batch."""
        return [self._segment(batch) for batch in self.asked.batches]

    def _segment(self, batch: Batch) -> Segment:
        pages = self._pages(batch.filter)
        if batch.singly:
            singly = {id_: self._pages(alone) for id_, alone in batch.singly.items()}
            by_ids = OneByOne(name=batch.name, together=pages, singly=singly, trust=self.learned.trust)
            return Segment(name=batch.name, fetch=self._shaped(by_ids.page), ahead=by_ids.ahead)
        if batch.settled:
            return Segment(name=batch.name, fetch=self._shaped(pages.fetch), ahead=pages.ahead)
        # Rows may still arrive and shift the others, so each page is asked for when the one before was read.
        if (sweep := self.asked.sweep) and sweep.stops:
            return Segment(name=batch.name, fetch=self._shaped(self._walk(batch, sweep).page))
        return Segment(name=batch.name, fetch=self._shaped(self._steady(pages).page))

    def _walk(self, batch: Batch, sweep: Sweep) -> NewestFirst:
        return NewestFirst(
            name=f"Yofi's {self.row.name}",
            key=("id",),
            wanted=sweep.wanted,
            refused=self.learned.orders,
            orders=[
                Order(
                    sort=f"-{name}",
                    field=name,
                    stop=stop,
                    fetch=self._steady(self._pages(batch.filter, sort=f"-{name}")).page,
                )
                for name, stop in sweep.stops
            ],
        )

    def _steady(self, pages: ListPages) -> SteadyPages:
        return SteadyPages(self.row.name, pages.fetch, self.size)

    def _pages(self, filter_: str, **more: str) -> ListPages:
        return ListPages(
            name=self.row.of or self.row.name,
            get=self.get,
            query={**({"filter": filter_} if filter_ else {}), **self.asked.params, **more},
            size=self.size,
            relations=self.row.relations,
            wanted=self.asked.include,
            sizes=self.learned.sizes,
        )

    def _shaped(self, fetch: Callable[[Cursor], Page]) -> Callable[[Cursor], Page]:
        """The pages, cut to the window and taken apart."""
        sweep = self.asked.sweep
        if sweep is None and not self.row.relation:
            return fetch

        def shaped(cursor: Cursor) -> Page:
            page = fetch(cursor)
            rows = [row for row in page.records if sweep is None or sweep.wanted(row)]
            # The list's total is not that of its rows in a window, or of another list's.
            return Page(self._apart(rows) if self.row.relation else rows, page.next)

        return shaped

    def _apart(self, rows: list[Record]) -> list[Record]:
        found = [self._made(row, part) for row in rows for part in row.get(self.row.relation) or ()]
        # Sifted here too: whether the server's filter drops predictions, or keeps the returns that have such ones
        # with all others beside, isn't documented.
        return [row for row in found if self.asked.sift is None or holds(self.asked.sift, row)]

    def _made(self, row: Record, part: Record) -> Record:
        carried = {name: row.get(origin) for name, origin in self.row.carries.items()}
        return {**carried, **{name: value for name, value in part.items() if value is not None or name not in carried}}
