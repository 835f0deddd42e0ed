"""Find records of a Yotpo store by the merchant's ids: a hundred in one call, or one by one where that fails.

Yotpo has no path to a record by the merchant's id. It documents the filter ``external_ids`` by its plural name alone
(https://core-api.yotpo.com/reference/orders), so the filter has to show that it takes a list. There are two signs that
it doesn't, and both switch the client to one call per record:

- The response holds records that were not requested.
- The lookup found nothing, yet a create is answered with 409, and a lookup by that id alone finds the record.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.api.ids import id_batches, unique_ids
from airflow_provider_partners.api.yotpo.resources import (
    EXTERNAL_IDS_PARAM,
    MAX_LOOKUP_IDS,
    YotpoResource,
    with_yotpo_id,
)
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

CONFLICT_DELAYS = (0.5, 1.0, 2.0)
"""Seconds between the lookups of a record that exists according to Yotpo: a new record may not be listed yet."""

GetJson = Callable[[str, str, Mapping[str, str]], Any]
"""Sends a GET: path, label and query parameters to the response's JSON."""


@dataclass(slots=True)
class BatchFilter:
    """Whether the store's filter takes several ids; all lookups of one client share it."""

    works: bool = True


class RecordLookup:
    """Finds the records of one list by the merchant's ids. Threads may share it.

    :param resource: the list: orders or products
    :param get: sends a GET request
    :param batch_filter: what the client knows of the filter
    """

    def __init__(self, resource: YotpoResource, get: GetJson, batch_filter: BatchFilter) -> None:
        self._resource = resource
        self._get = get
        self._batch_filter = batch_filter
        self._lock = threading.Lock()
        self._last_ids: list[str] = []
        self._second_answer: dict[str, Record] = {}

    def find(self, external_ids: Iterable[Any], *, workers: int = 1) -> dict[str, Record]:
        """Return the records by external id; those that the store doesn't have are missing.

        :param external_ids: any number; each hundred is one call
        :param workers: parallel calls where each id needs its own
        :raises UnexpectedResponseError: when the store returns other records even for a single id
        """
        ids = unique_ids(external_ids)
        self._last_ids, self._second_answer = ids, {}
        return self._find(ids, workers)

    def find_one(self, external_id: str) -> Record | None:
        """Return one record, ``None`` when the store doesn't have it.

        :param external_id: the merchant's id
        :raises UnexpectedResponseError: when the store returns other records
        """
        records = self._find_batch([external_id])
        if external_id not in records and records and "," not in external_id:
            # Taken for an absence, this would create a record that exists.
            name = self._resource.name
            message = f"a lookup of {name} by one external id returned {len(records)} others"
            remedy = f"The store seems to ignore the filter {EXTERNAL_IDS_PARAM}: ask Yotpo's support for help."
            raise UnexpectedResponseError(message, remedy=remedy, partner="Yotpo")
        return records.get(external_id)

    def find_after_conflict(self, external_id: str, *, sleep: Callable[[float], None] = time.sleep) -> Record | None:
        """Return a record that exists according to Yotpo, though :meth:`find` missed it; ``None`` if it stays missing.

        There are three causes. Another writer created it since: a second lookup of all ids finds it. The filter takes
        no list: a lookup by this id alone finds it. Yotpo doesn't list it yet: a later lookup finds it.

        :param external_id: one of the ids of the last :meth:`find`
        :param sleep: waits a number of seconds
        """
        with self._lock:
            if external_id in self._second_answer:
                return self._second_answer[external_id]
            if self._batch_filter.works and len(self._last_ids) > 1:
                self._second_answer = self._find(self._last_ids)
                if external_id in self._second_answer:
                    return self._second_answer[external_id]
                if (record := self.find_one(external_id)) is not None:
                    self._disable_batches("left out a record that exists")
                    return record
        for delay in (0.0, *CONFLICT_DELAYS):
            if delay:
                sleep(delay)
            if (record := self.find_one(external_id)) is not None:
                return record
        return None

    def _find(self, ids: list[str], workers: int = 1) -> dict[str, Record]:
        records: dict[str, Record] = {}
        # An id with a comma in it would be two ids in a list.
        single_ids = [id_ for id_ in ids if "," in id_]
        batch_ids = [id_ for id_ in ids if "," not in id_]
        for batch in id_batches(batch_ids, size=MAX_LOOKUP_IDS, encode="{},".format):
            if len(batch) == 1 or not self._batch_filter.works:
                single_ids += batch
                continue
            answer = self._find_batch(batch)
            if answer.keys() <= set(batch):
                records |= answer
            else:
                self._disable_batches("returned others than the requested ones")
                single_ids += batch
        singles = map_in_order(self.find_one, single_ids, workers=workers)
        records |= {id_: record for id_, record in zip(single_ids, singles, strict=True) if record is not None}
        return {id_: records[id_] for id_ in ids if id_ in records}

    def _find_batch(self, ids: Sequence[str]) -> dict[str, Record]:
        params = {EXTERNAL_IDS_PARAM: ",".join(ids), "limit": str(MAX_LOOKUP_IDS)}
        body = self._get(self._resource.path, f"{self._resource.name}.lookup", params)
        records = self._resource.extract_records(body)
        return {str(record.get("external_id")): with_yotpo_id(record) for record in records}

    def _disable_batches(self, problem: str) -> None:
        if self._batch_filter.works:
            self._batch_filter.works = False
            log.warning(
                "A lookup of several %s %s: Yotpo's filter %s takes no list here. From now on this client looks up "
                "one by one, which takes one call per record.",
                self._resource.name,
                problem,
                EXTERNAL_IDS_PARAM,
            )
