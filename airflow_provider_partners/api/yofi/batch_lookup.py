"""Records by several ids in one query, ``customer_id==1,customer_id==2``, or one by one where the server fails that.

Yofi's page lists ``==`` for this field but not ``=in=``, and shows *or* nowhere
(https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api). So the first responses have to
prove that *or* works. If it is refused or misread, each id is queried alone, with the same filter of the same list. The
path of one customer is no alternative: a wrong path looks like a customer who doesn't exist.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.capabilities import ServerCapabilities
    from airflow_provider_partners.api.yofi.pages import PageFetcher
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

_ID_FIELD = "customer_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLookup:
    """Fetches the records of one batch of ids.

    :param name: for errors; holds no ids
    :param batch_pages: the pages of the query for all ids
    :param pages_by_id: the pages of the query for each id alone
    :param capabilities: whether the server accepts *or*
    """

    name: str
    batch_pages: PageFetcher
    pages_by_id: Mapping[str, PageFetcher]
    capabilities: ServerCapabilities

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Return the cursor of the next page of the query for all ids."""
        return self.batch_pages.predict_next(cursor)

    def fetch(self, cursor: Cursor) -> Page:
        """Return one page of the query for all ids, or all records in one page if the server fails *or*."""
        if cursor:
            return self.batch_pages.fetch(cursor)
        if len(self.pages_by_id) == 1 or self.capabilities.accepts_or is False:
            return self._fetch_single()
        try:
            page = self.batch_pages.fetch({})
        except RejectedError as error:
            if error.status != 400:
                raise
            return self._retry_single(error)
        if self.capabilities.accepts_or is None and not self._is_confirmed(page):
            self._disable_batches("misreads")
            return self._fetch_single()
        return page

    def _retry_single(self, error: RejectedError) -> Page:
        try:
            page = self._fetch_single()
        except RejectedError:
            # The server refuses single ids as well, so *or* was not the reason.
            raise error from None
        self._disable_batches("refuses")
        return page

    def _is_confirmed(self, page: Page) -> bool:
        """Return True if the page holds what was requested. If it holds too little to decide, missing ids are read."""
        returned = {_customer_id(record) for record in page.records}
        requested = {_id_tail(id_): id_ for id_ in self.pages_by_id}
        if not returned <= {*requested, None}:
            return False
        if len(returned - {None}) > 1:
            self.capabilities.accepts_or = True
            return True
        missing = [id_ for tail, id_ in requested.items() if tail not in returned]
        return page.next is not None or not any(self._read_id(id_) for id_ in missing)

    def _fetch_single(self) -> Page:
        return Page([record for id_ in self.pages_by_id for record in self._read_id(id_)], None)

    def _read_id(self, id_: str) -> list[Record]:
        records: list[Record] = []
        cursor: Cursor | None = {}
        while cursor is not None:
            page = self.pages_by_id[id_].fetch(cursor)
            if any(_customer_id(record) not in {_id_tail(id_), None} for record in page.records):
                message = f"'{self.name}': a query for one id returned others"
                remedy = "Yofi seems to ignore the filter by ids: leave 'match' out, and read the whole list."
                raise UnexpectedResponseError(message, remedy=remedy, partner="Yofi")
            records += page.records
            cursor = page.next
        return records

    def _disable_batches(self, problem: str) -> None:
        if self.capabilities.accepts_or is not False:
            self.capabilities.accepts_or = False
            log.warning(
                "Yofi %s several ids in one query, joined by 'or'. From now on this client reads customers one by "
                "one, which takes one call each.",
                problem,
            )


def _customer_id(record: Record) -> str | None:
    """Return the store's id of a customer; ``None`` if the record has no such field."""
    value = record.get(_ID_FIELD)
    return None if value is None else _id_tail(str(value))


def _id_tail(id_: str) -> str:
    """Return the number of a global id; any other id unchanged."""
    return id_.rpartition("/")[2]
