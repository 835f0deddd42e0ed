"""From a question to the segments of an extraction: how pages of a Yofi list become rows of what was asked for.

A batch of ids, a walk from the newest row back, or the list as it is; each then cut to its window and, for lists that
are made of a relation, taken apart into that relation's rows. Must not know tokens, nor send anything itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.rsql.evaluate import matches
from airflow_provider_partners.api.yofi.batch_lookup import BatchLookup, OrSupport
from airflow_provider_partners.api.yofi.newest_first import NewestFirstPages, SortOrder
from airflow_provider_partners.api.yofi.pages import PageFetcher, PageSizes
from airflow_provider_partners.api.yofi.stable_pages import StablePages

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.query import ListQuery, QueryBatch, WindowWalk
    from airflow_provider_partners.api.yofi.resources import YofiResource
    from airflow_provider_partners.records import Record


@dataclass(slots=True)
class ServerCapabilities:
    """What a client has learned of the server; its siblings share it.

    :param page_sizes: the page sizes that it takes
    :param refused_sorts: the orders that it doesn't take
    :param or_support: whether it takes several ids joined by *or*
    """

    page_sizes: PageSizes = field(default_factory=PageSizes)
    refused_sorts: set[str] = field(default_factory=set)
    or_support: OrSupport = field(default_factory=OrSupport)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentBuilder:
    """Makes the segments of a question.

    :param resource: the list
    :param query: the question
    :param page_size: rows per page
    :param get: asks for a page with these query parameters
    :param capabilities: what is known of the server
    """

    resource: YofiResource
    query: ListQuery
    page_size: int
    get: Callable[[Mapping[str, str]], Any]
    capabilities: ServerCapabilities

    def build(self) -> list[Segment]:
        """One for each batch."""
        return [self._segment(batch) for batch in self.query.batches]

    def _segment(self, batch: QueryBatch) -> Segment:
        pages = self._pages(batch.filter)
        if batch.filters_by_id:
            singly = {id_: self._pages(alone) for id_, alone in batch.filters_by_id.items()}
            by_ids = BatchLookup(
                name=batch.name, batch_pages=pages, pages_by_id=singly, or_support=self.capabilities.or_support
            )
            return Segment(name=batch.name, fetch=self._select(by_ids.fetch), predict_next=by_ids.predict_next)
        if batch.can_prefetch:
            return Segment(name=batch.name, fetch=self._select(pages.fetch), predict_next=pages.predict_next)
        # Rows may still arrive and shift the others, so each page is asked for when the one before was read.
        if (sweep := self.query.walk) and sweep.sort_stops:
            return Segment(name=batch.name, fetch=self._select(self._newest_first(batch, sweep).fetch))
        return Segment(name=batch.name, fetch=self._select(self._stable(pages).fetch))

    def _newest_first(self, batch: QueryBatch, sweep: WindowWalk) -> NewestFirstPages:
        return NewestFirstPages(
            name=f"Yofi's {self.resource.name}",
            key=("id",),
            keeps=sweep.contains,
            refused_sorts=self.capabilities.refused_sorts,
            sort_orders=[
                SortOrder(
                    sort=f"-{name}",
                    field=name,
                    stop_below=stop,
                    fetch=self._stable(self._pages(batch.filter, sort=f"-{name}")).fetch,
                )
                for name, stop in sweep.sort_stops
            ],
        )

    def _stable(self, pages: PageFetcher) -> StablePages:
        return StablePages(self.resource.name, pages.fetch, self.page_size)

    def _pages(self, filter_: str, **extra_params: str) -> PageFetcher:
        return PageFetcher(
            name=self.resource.parent_list or self.resource.name,
            get=self.get,
            query={**({"filter": filter_} if filter_ else {}), **self.query.params, **extra_params},
            size=self.page_size,
            relations=self.resource.relations,
            include=self.query.include,
            sizes=self.capabilities.page_sizes,
        )

    def _select(self, fetch: Callable[[Cursor], Page]) -> Callable[[Cursor], Page]:
        """The pages, cut to the window and taken apart."""
        sweep = self.query.walk
        if sweep is None and not self.resource.relation:
            return fetch

        def shaped(cursor: Cursor) -> Page:
            page = fetch(cursor)
            rows = [row for row in page.records if sweep is None or sweep.contains(row)]
            # The list's total is not that of its rows in a window, or of another list's.
            return Page(self._predictions(rows) if self.resource.relation else rows, page.next)

        return shaped

    def _predictions(self, rows: list[Record]) -> list[Record]:
        found = [self._prediction_record(row, part) for row in rows for part in row.get(self.resource.relation) or ()]
        # Sifted here too: whether the server's filter drops predictions, or keeps the returns that have such ones
        # with all others beside, isn't documented.
        return [
            row for row in found if self.query.prediction_filter is None or matches(self.query.prediction_filter, row)
        ]

    def _prediction_record(self, row: Record, prediction: Record) -> Record:
        carried = {name: row.get(origin) for name, origin in self.resource.parent_fields.items()}
        return {
            **carried,
            **{name: value for name, value in prediction.items() if value is not None or name not in carried},
        }
