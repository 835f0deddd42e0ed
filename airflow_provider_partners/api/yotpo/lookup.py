"""Find records of a Yotpo store by the merchant's ids: a hundred in one call, or one by one where that fails.

Yotpo has no path to a record by the merchant's id. It documents the filter ``external_ids`` by its plural name alone
(https://core-api.yotpo.com/reference/orders), so the filter has to show that it takes a list. There are two signs that
it doesn't, and both switch the client to one call per record:

- The response holds records that were not requested.
- The lookup found nothing, yet a create is answered with 409, and a lookup by that id alone finds the record.

A response to a single id that holds other records shows that the filter does nothing. Then the client reads the whole
list once, remembers Yotpo's ids, and reads each record by its own id.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_partners.api.clock import SYSTEM_CLOCK
from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.api.ids import id_batches, unique_ids
from airflow_provider_partners.api.yotpo.resources import (
    EXTERNAL_IDS_PARAM,
    MAX_LOOKUP_IDS,
    YotpoResource,
    with_yotpo_id,
    yotpo_id_of,
)
from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

CONFLICT_DELAYS = (0.5, 1.0, 2.0)
"""Seconds between the lookups of a record that exists according to Yotpo: a new record may not be listed yet."""

GetJson = Callable[[str, str, Mapping[str, str]], Any]
"""Sends a GET: path, label and query parameters to the response's JSON."""


ListRecords = Callable[[], Iterable[Record]]
"""Reads a whole list, without a filter."""

GetRecord = Callable[[int], Record | None]
"""Reads one record by Yotpo's id; ``None`` when the store doesn't have it."""


@dataclass(slots=True)
class IdFilter:
    """What a list's filter by external ids is worth; all lookups of one client share it.

    :param takes_lists: False once the filter has shown that it takes one id at a time
    :param index: Yotpo's ids by external id, once the filter has shown that it does nothing
    :param walks: how often the whole list was read for the index
    """

    takes_lists: bool = True
    index: dict[str, int] | None = None
    walks: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


class RecordLookup:
    """Finds the records of one list by the merchant's ids. Threads may share it.

    :param resource: the list: orders or products
    :param get: sends a GET request
    :param list_records: reads the whole list, for a store whose filter does nothing
    :param get_record: reads one record by Yotpo's id
    :param id_filter: what the client knows of the list's filter
    """

    def __init__(
        self,
        resource: YotpoResource,
        get: GetJson,
        *,
        list_records: ListRecords,
        get_record: GetRecord,
        id_filter: IdFilter,
    ) -> None:
        self._resource = resource
        self._get = get
        self._list_records = list_records
        self._get_record = get_record
        self._filter = id_filter
        self._lock = threading.Lock()
        self._last_ids: list[str] = []
        self._second_answer: dict[str, Record] = {}
        self._walks = 0

    def find(self, external_ids: Iterable[Any], *, workers: int = 1) -> dict[str, Record]:
        """Return the records by external id; those that the store doesn't have are missing.

        :param external_ids: any number; each hundred is one call
        :param workers: parallel calls where each id needs its own
        """
        ids = unique_ids(external_ids)
        self._last_ids, self._second_answer = ids, {}
        records = self._find(ids, workers)
        self._walks = self._filter.walks
        return records

    def find_one(self, external_id: str) -> Record | None:
        """Return one record, ``None`` when the store doesn't have it.

        :param external_id: the merchant's id
        """
        if self._filter.index is None:
            records = self._find_batch([external_id])
            # An id with a comma in it is a list for the filter, so other records are no sign.
            if records.keys() <= {external_id} or "," in external_id:
                return records.get(external_id)
            self._walk(0)
        return self._find_in_index(external_id)

    def find_after_conflict(
        self, external_id: str, *, sleep: Callable[[float], None] = SYSTEM_CLOCK.sleep
    ) -> Record | None:
        """Return a record that exists according to Yotpo, though :meth:`find` missed it; ``None`` if it stays missing.

        There are three causes. Another writer created it since: a second lookup of all ids finds it. The filter takes
        no list: a lookup by this id alone finds it. Yotpo doesn't list it yet: a later lookup finds it.

        :param external_id: one of the ids of the last :meth:`find`
        :param sleep: waits a number of seconds
        """
        with self._lock:
            if external_id in self._second_answer:
                return self._second_answer[external_id]
            if self._filter.index is not None:
                # The index is older than the record. One more walk serves all conflicts of the last ids.
                self._walk(self._walks)
                return self._find_in_index(external_id)
            if self._filter.takes_lists and len(self._last_ids) > 1:
                self._second_answer = self._find(self._last_ids)
                if external_id in self._second_answer:
                    return self._second_answer[external_id]
                if (record := self.find_one(external_id)) is not None:
                    self._disable_lists("left out a record that exists")
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
            if len(batch) == 1 or not self._filter.takes_lists:
                single_ids += batch
                continue
            answer = self._find_batch(batch)
            if answer.keys() <= set(batch):
                records |= answer
            else:
                self._disable_lists("returned others than the requested ones")
                single_ids += batch
        singles = map_in_order(self.find_one, single_ids, workers=workers)
        records |= {id_: record for id_, record in zip(single_ids, singles, strict=True) if record is not None}
        return {id_: records[id_] for id_ in ids if id_ in records}

    def _find_batch(self, ids: Sequence[str]) -> dict[str, Record]:
        params = {EXTERNAL_IDS_PARAM: ",".join(ids), "limit": str(MAX_LOOKUP_IDS)}
        body = self._get(self._resource.path, f"{self._resource.name}.lookup", params)
        records = self._resource.extract_records(body)
        return {str(record.get("external_id")): with_yotpo_id(record) for record in records}

    def _find_in_index(self, external_id: str) -> Record | None:
        yotpo_id = (self._filter.index or {}).get(external_id)
        return None if yotpo_id is None else self._get_record(yotpo_id)

    def _walk(self, walks: int) -> None:
        """Read the whole list into the index, unless another thread has done so since.

        :param walks: how many walks the caller knows of
        """
        with self._filter.lock:
            if self._filter.walks > walks:
                return
            name = self._resource.name
            log.warning(
                "A lookup of %s by one external id returned others: Yotpo's filter %s does nothing here. This client "
                "reads the store's whole list of %s now, and then one record per call. Ask Yotpo's support for help.",
                name,
                EXTERNAL_IDS_PARAM,
                name,
            )
            # The list is not sorted. A full record is read when it is needed, so the index stays small.
            index = {str(record.get("external_id")): yotpo_id_of(record) for record in self._list_records()}
            self._filter.takes_lists, self._filter.index = False, index
            self._filter.walks += 1

    def _disable_lists(self, problem: str) -> None:
        if self._filter.takes_lists:
            self._filter.takes_lists = False
            log.warning(
                "A lookup of several %s %s: Yotpo's filter %s takes no list here. From now on this client looks up "
                "one by one, which takes one call per record.",
                self._resource.name,
                problem,
                EXTERNAL_IDS_PARAM,
            )
