"""Records by several ids in one question, ``customer_id==1,customer_id==2``, as long as the server proves to take that.

The page lists ``==`` for such selectors but no ``=in=``, and shows *or* nowhere. So the first answers have to prove
themselves: where *or* is refused or misread, each id is asked for alone, by the same filter of the same list (the path
that reads one customer would do too, but a wrong path looks like a customer who isn't there). Must not know filters.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.pages import PageFetcher
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

_ID_FIELD = "customer_id"


@dataclass(slots=True)
class OrSupport:
    """Whether the server takes ids joined by *or*: ``None`` until it is proven."""

    is_supported: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLookup:
    """A batch of ids.

    :param name: for errors; holds no ids
    :param batch_pages: the pages of the question for all of them
    :param pages_by_id: those of the question for each alone
    :param or_support: what is known of *or*
    """

    name: str
    batch_pages: PageFetcher
    pages_by_id: Mapping[str, PageFetcher]
    or_support: OrSupport

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """The following page, where all are asked for together.

        :param cursor: where this one begins
        """
        return self.batch_pages.predict_next(cursor)

    def fetch(self, cursor: Cursor) -> Page:
        """One page of the question for all, or everything in one page where that isn't taken.

        :param cursor: where it begins
        """
        if cursor:
            return self.batch_pages.fetch(cursor)
        if len(self.pages_by_id) == 1 or self.or_support.is_supported is False:
            return self._fetch_single()
        try:
            page = self.batch_pages.fetch({})
        except RejectedError as refused:
            if refused.status != 400:
                raise
            return self._retry_single(refused)
        if self.or_support.is_supported is None and not self._is_confirmed(page):
            self._disable_batches("misreads")
            return self._fetch_single()
        return page

    def _retry_single(self, error: RejectedError) -> Page:
        try:
            page = self._fetch_single()
        except RejectedError:
            # It was not the *or*.
            raise error from None
        self._disable_batches("refuses")
        return page

    def _is_confirmed(self, page: Page) -> bool:
        """Whether the answer is what was asked for; one that holds too little to tell is gone after."""
        found = {_customer_id(record) for record in page.records}
        asked = {_id_tail(id_): id_ for id_ in self.pages_by_id}
        if not found <= {*asked, None}:
            return False
        if len(found - {None}) > 1:
            self.or_support.is_supported = True
            return True
        missing = [id_ for tail, id_ in asked.items() if tail not in found]
        return page.next is not None or not any(self._read_id(id_) for id_ in missing)

    def _fetch_single(self) -> Page:
        return Page([record for id_ in self.pages_by_id for record in self._read_id(id_)], None)

    def _read_id(self, id_: str) -> list[Record]:
        records: list[Record] = []
        cursor: Cursor | None = {}
        while cursor is not None:
            page = self.pages_by_id[id_].fetch(cursor)
            if any(_customer_id(record) not in {_id_tail(id_), None} for record in page.records):
                message = f"'{self.name}' was asked for one id, and others came back"
                remedy = "Yofi seems to ignore the filter by ids: leave 'match' out, and read the list whole."
                raise UnexpectedResponseError(message, remedy=remedy, partner="Yofi")
            records += page.records
            cursor = page.next
        return records

    def _disable_batches(self, problem: str) -> None:
        if self.or_support.is_supported is not False:
            self.or_support.is_supported = False
            log.warning(
                "Yofi %s several ids in one question, joined by 'or'. From now on this client asks for customers one "
                "by one, which takes a call for each.",
                problem,
            )


def _customer_id(record: Record) -> str | None:
    """The store's id of a customer; ``None`` where that field was not asked for."""
    value = record.get(_ID_FIELD)
    return None if value is None else _id_tail(str(value))


def _id_tail(id_: str) -> str:
    """The number of a global id; any other id is its own."""
    return id_.rpartition("/")[2]
