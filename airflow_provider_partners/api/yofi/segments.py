"""From a query to the segments of an extraction.

A segment is one batch of ids, a newest-first walk, or the list as it is. Its records are then limited to the time
range. For a list of predictions, each return or customer gives way to its predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_partners.api.extraction import Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.rsql.evaluate import matches
from airflow_provider_partners.api.yofi.batch_lookup import BatchLookup
from airflow_provider_partners.api.yofi.newest_first import NewestFirstPages, SortOrder
from airflow_provider_partners.api.yofi.pages import GetPage, PageFetcher
from airflow_provider_partners.api.yofi.stable_pages import StablePages

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.capabilities import ServerCapabilities
    from airflow_provider_partners.api.yofi.query import ListQuery, QueryBatch, WindowWalk
    from airflow_provider_partners.api.yofi.resources import YofiResource
    from airflow_provider_partners.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentBuilder:
    """Builds the segments of a query.

    :param resource: the list
    :param query: the checked query
    :param page_size: records per page
    :param get: requests a page
    :param capabilities: what is known about the server
    """

    resource: YofiResource
    query: ListQuery
    page_size: int
    get: GetPage
    capabilities: ServerCapabilities

    def build(self) -> list[Segment]:
        """Return one segment per batch."""
        return [self._segment(batch) for batch in self.query.batches]

    def _segment(self, batch: QueryBatch) -> Segment:
        pages = self._pages(batch.filter)
        if batch.filters_by_id:
            lookup = BatchLookup(
                name=batch.name,
                batch_pages=pages,
                pages_by_id={id_: self._pages(filter_) for id_, filter_ in batch.filters_by_id.items()},
                capabilities=self.capabilities,
            )
            return Segment(name=batch.name, fetch=self._select(lookup.fetch), predict_next=lookup.predict_next)
        if batch.can_prefetch:
            return Segment(name=batch.name, fetch=self._select(pages.fetch), predict_next=pages.predict_next)
        # New records may still arrive and shift the others, so each page is requested after the one before was read.
        walk = self.query.walk
        fetch = self._newest_first(batch, walk).fetch if walk and walk.sort_stops else self._stable(pages).fetch
        return Segment(name=batch.name, fetch=self._select(fetch))

    def _newest_first(self, batch: QueryBatch, walk: WindowWalk) -> NewestFirstPages:
        return NewestFirstPages(
            name=f"Yofi's {self.resource.name}",
            key=("id",),
            keeps=walk.contains,
            refused_sorts=self.capabilities.refused_sorts,
            sort_orders=[
                SortOrder(
                    sort=f"-{name}",
                    field=name,
                    stop_below=stop,
                    fetch=self._stable(self._pages(batch.filter, sort=f"-{name}")).fetch,
                )
                for name, stop in walk.sort_stops
            ],
        )

    def _stable(self, pages: PageFetcher) -> StablePages:
        return StablePages(self.resource.name, pages.fetch, self.page_size)

    def _pages(self, filter_: str, **extra_params: str) -> PageFetcher:
        return PageFetcher(
            name=self.resource.parent_list or self.resource.name,
            get=self.get,
            params={**({"filter": filter_} if filter_ else {}), **self.query.params, **extra_params},
            page_size=self.page_size,
            relations=self.resource.relations,
            include=self.query.include,
            capabilities=self.capabilities,
        )

    def _select(self, fetch: Callable[[Cursor], Page]) -> Callable[[Cursor], Page]:
        """Return pages with the records of the time range, or with their predictions."""
        walk = self.query.walk
        if walk is None and not self.resource.relation:
            return fetch

        def fetch_selected(cursor: Cursor) -> Page:
            page = fetch(cursor)
            records = [record for record in page.records if walk is None or walk.contains(record)]
            # The list's total counts neither the records of a time range nor predictions, so it is left out.
            return Page(self._predictions(records) if self.resource.relation else records, page.next)

        return fetch_selected

    def _predictions(self, parents: list[Record]) -> list[Record]:
        predictions = [
            self._prediction_record(parent, prediction)
            for parent in parents
            for prediction in parent.get(self.resource.relation) or ()
        ]
        # Filtered here too. Yofi doesn't document whether its filter drops predictions, or selects the returns that
        # have such a prediction and returns them with all their predictions.
        wanted = self.query.prediction_filter
        return [prediction for prediction in predictions if wanted is None or matches(wanted, prediction)]

    def _prediction_record(self, parent: Record, prediction: Record) -> Record:
        inherited = {name: parent.get(origin) for name, origin in self.resource.parent_fields.items()}
        own = {name: value for name, value in prediction.items() if value is not None or name not in inherited}
        return {**inherited, **own}
