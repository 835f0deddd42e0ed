"""Finding records in Yotpo by the merchant's ids, a hundred in one call, as long as that proves to work.

Yotpo documents the filter ``external_ids`` by its plural name alone. Should a live store not take a list, a create is
answered with 409 although the look-up had not found the record: then one call per record is made for the rest of the
run, and a warning says so once. Decides nothing about records.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from airflow_provider_partners.api.messages import Record
from airflow_provider_partners.sync.side_by_side import in_order

log = logging.getLogger("airflow_provider_partners.sync")

LOOKUP_SIZE = 100
"""Yotpo's largest page, hence the most that one look-up can find."""

LAG = (0.5, 1.0, 2.0)
"""Seconds between look-ups of a record that Yotpo says exists: what was just written may not be listed yet."""

Find = Callable[[Sequence[str]], dict[str, Record]]


class Lookup:
    """The look-ups of one resource during one run; safe to share between threads.

    :param what: the resource in the plural, for the warning
    :param find: one call for up to 100 external ids
    :param sleep: waits between look-ups after a conflict
    """

    def __init__(self, *, what: str, find: Find, sleep: Callable[[float], None], workers: int = 1) -> None:
        self._what = what
        self._find = find
        self._sleep = sleep
        self._workers = workers
        self._lock = threading.Lock()
        self._asked: list[str] = []
        self._again: dict[str, Record] = {}
        self.one_by_one = False

    def batch(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """What Yotpo has of a batch of up to 100."""
        self._asked, self._again = list(external_ids), {}
        if not self.one_by_one:
            found = self._find(external_ids)
            if not found.keys() - set(external_ids):
                return found
            with self._lock:
                self._fall_back("it gave records that were not asked for")
        singles = in_order(self.one, external_ids, workers=self._workers)
        return {key: record for key, record in zip(external_ids, singles, strict=True) if record is not None}

    def one(self, external_id: str) -> Record | None:
        """One record, asked for by itself."""
        return self._find([external_id]).get(external_id)

    def after_conflict(self, external_id: str) -> Record | None:
        """A record that Yotpo says exists though the batch's look-up had not found it.

        Three causes are told apart: it was created since (a second look-up of the batch finds it), the filter doesn't
        take a list (only a look-up by itself finds it), or it isn't listed yet (looked for again a few times).
        """
        with self._lock:
            if external_id in self._again:
                return self._again[external_id]
            if not self.one_by_one and len(self._asked) > 1:
                self._again = self._find(self._asked)
                if external_id in self._again:
                    return self._again[external_id]
                if (record := self.one(external_id)) is not None:
                    self._fall_back("it left out a record that exists")
                    return record
        for pause in (0.0, *LAG):
            if pause:
                self._sleep(pause)
            if (record := self.one(external_id)) is not None:
                return record
        return None

    def _fall_back(self, evidence: str) -> None:
        if not self.one_by_one:
            self.one_by_one = True
            log.warning(
                "Yotpo's filter external_ids doesn't work for a list of %s here: %s. "
                "From now on this run looks up one by one, which takes one call more per record.",
                self._what,
                evidence,
            )
