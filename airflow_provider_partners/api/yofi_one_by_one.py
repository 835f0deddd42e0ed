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

from airflow_provider_partners.api.pages import Cursor, Page
from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.yofi_pages import ListPages

log = logging.getLogger("airflow_provider_partners.api")

_FIELD = "customer_id"


@dataclass(slots=True)
class Trust:
    """Whether the server takes ids joined by *or*: ``None`` until it is proven."""

    together: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OneByOne:
    """A batch of ids.

    :param name: for errors; holds no ids
    :param together: the pages of the question for all of them
    :param singly: those of the question for each alone
    :param trust: what is known of *or*
    """

    name: str
    together: ListPages
    singly: Mapping[str, ListPages]
    trust: Trust

    def ahead(self, cursor: Cursor) -> Cursor | None:
        """The following page, where all are asked for together.

        :param cursor: where this one begins
        """
        return self.together.ahead(cursor)

    def page(self, cursor: Cursor) -> Page:
        """One page of the question for all, or everything in one page where that isn't taken.

        :param cursor: where it begins
        """
        if cursor:
            return self.together.fetch(cursor)
        if len(self.singly) == 1 or self.trust.together is False:
            return self._alone()
        try:
            page = self.together.fetch({})
        except RejectedError as refused:
            if refused.status != 400:
                raise
            return self._instead(refused)
        if self.trust.together is None and not self._proven(page):
            self._distrust("misreads")
            return self._alone()
        return page

    def _instead(self, refused: RejectedError) -> Page:
        try:
            page = self._alone()
        except RejectedError:
            # It was not the *or*.
            raise refused from None
        self._distrust("refuses")
        return page

    def _proven(self, page: Page) -> bool:
        """Whether the answer is what was asked for; one that holds too little to tell is gone after."""
        found = {_id(record) for record in page.records}
        asked = {_tail(id_): id_ for id_ in self.singly}
        if not found <= {*asked, None}:
            return False
        if len(found - {None}) > 1:
            self.trust.together = True
            return True
        missing = [id_ for tail, id_ in asked.items() if tail not in found]
        return page.next is not None or not any(self._read(id_) for id_ in missing)

    def _alone(self) -> Page:
        return Page([record for id_ in self.singly for record in self._read(id_)], None)

    def _read(self, id_: str) -> list[Record]:
        records: list[Record] = []
        cursor: Cursor | None = {}
        while cursor is not None:
            page = self.singly[id_].fetch(cursor)
            if any(_id(record) not in {_tail(id_), None} for record in page.records):
                message = f"'{self.name}' was asked for one id, and others came back"
                remedy = "Yofi seems to ignore the filter by ids: leave 'match' out, and read the list whole."
                raise UnexpectedResponseError(message, remedy=remedy, partner="Yofi")
            records += page.records
            cursor = page.next
        return records

    def _distrust(self, does: str) -> None:
        if self.trust.together is not False:
            self.trust.together = False
            log.warning(
                "Yofi %s several ids in one question, joined by 'or'. From now on this client asks for customers one "
                "by one, which takes a call for each.",
                does,
            )


def _id(record: Record) -> str | None:
    """The store's id of a customer; ``None`` where that field was not asked for."""
    value = record.get(_FIELD)
    return None if value is None else _tail(str(value))


def _tail(id_: str) -> str:
    """The number of a global id; any other id is its own."""
    return id_.rpartition("/")[2]
