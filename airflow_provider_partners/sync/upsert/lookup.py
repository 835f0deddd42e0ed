"""Finding records in Yotpo by the merchant's ids, a hundred in one call, as long as that proves to work.

Yotpo documents the filter ``external_ids`` by its plural name alone. Should a live store not take a list, a create is
answered with 409 although the look-up had not found the record: then one call per record is made for the rest of the
run, and a warning says so once. Decides nothing about records.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.records import Record

upsert_log = logging.getLogger("airflow_provider_partners.sync")

LOOKUP_BATCH_SIZE = 100
"""Yotpo's largest page, hence the most that one look-up can find."""

CONFLICT_DELAYS = (0.5, 1.0, 2.0)
"""Seconds between look-ups of a record that Yotpo says exists: what was just written may not be listed yet."""

Find = Callable[[Sequence[str]], dict[str, Record]]


class UpsertLookup:
    """The look-ups of one resource during one run; safe to share between threads.

    :param resource_name: the resource in the plural, for the warning
    :param find: one call for up to 100 external ids
    :param sleep: waits between look-ups after a conflict
    """

    def __init__(self, *, resource_name: str, find: Find, sleep: Callable[[float], None], workers: int = 1) -> None:
        self._resource_name = resource_name
        self._find = find
        self._sleep = sleep
        self._workers = workers
        self._lock = threading.Lock()
        self._batch_ids: list[str] = []
        self._second_answer: dict[str, Record] = {}
        self.uses_single_lookups = False

    def batch(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """What Yotpo has of a batch of up to 100."""
        self._batch_ids, self._second_answer = list(external_ids), {}
        if not self.uses_single_lookups:
            found = self._find(external_ids)
            if not found.keys() - set(external_ids):
                return found
            with self._lock:
                self._disable_batches("it gave records that were not asked for")
        singles = map_in_order(self.one, external_ids, workers=self._workers)
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
            if external_id in self._second_answer:
                return self._second_answer[external_id]
            if not self.uses_single_lookups and len(self._batch_ids) > 1:
                self._second_answer = self._find(self._batch_ids)
                if external_id in self._second_answer:
                    return self._second_answer[external_id]
                if (record := self.one(external_id)) is not None:
                    self._disable_batches("it left out a record that exists")
                    return record
        for pause in (0.0, *CONFLICT_DELAYS):
            if pause:
                self._sleep(pause)
            if (record := self.one(external_id)) is not None:
                return record
        return None

    def _disable_batches(self, reason: str) -> None:
        if not self.uses_single_lookups:
            self.uses_single_lookups = True
            upsert_log.warning(
                "Yotpo's filter external_ids doesn't work for a list of %s here: %s. "
                "From now on this run looks up one by one, which takes one call more per record.",
                self._resource_name,
                reason,
            )
