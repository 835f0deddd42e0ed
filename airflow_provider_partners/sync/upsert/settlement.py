"""After the calls: make sure that none of them has replaced a newer build.

A task looks into the version log right before each call. While the call is on its way, another task may claim a newer
build and write it. If the older call arrives last, it wins. So the task looks again when its calls have ended. Of a
record that somebody has claimed with newer data meanwhile, it writes that newer build again, as far as Yotpo differs.

This ends with the newest build in Yotpo, whatever the order of arrivals. Say that the last call which reached a record
was this task's. Then it looks after that call. A newer claim that it sees, it compares with Yotpo and writes where they
differ: so its last call was right. A newer claim that it doesn't see comes later, and its task looks up the record
later still.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.plain_records import record_id
from airflow_provider_partners.sync.staleness import VersionGuard
from airflow_provider_partners.sync.upsert.record_writer import RecordUpsert, malformed_part
from airflow_provider_partners.versions import Version

__all__ = ["Settlement", "sent_version"]

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger("airflow_provider_partners.sync")

MAX_ROUNDS = 5
"""Each further round needs another task that writes the same record at the same time."""

SECONDS = 1.0
"""How often a task looks after its calls. Until then, their outcomes wait."""


class Settlement:
    """Looks after the calls of one kind of records.

    :param guard: of the kind
    :param rewrite: writes what Yotpo lacks of a built record; returns True if there was something to send
    :param unpack: from the records of a built dataset to those of the kind
    """

    def __init__(
        self,
        guard: VersionGuard,
        rewrite: Callable[[Record], bool],
        *,
        unpack: Callable[[Iterable[Record]], Iterable[Mapping[str, object]]] = lambda records: records,
    ) -> None:
        self._guard = guard
        self._rewrite = rewrite
        self._unpack = unpack

    def results(
        self,
        write: Callable[[T], R],
        items: Sequence[T],
        *,
        sent: Callable[[T], tuple[str, Version] | None],
        workers: int,
    ) -> Iterator[R]:
        """Write a batch, and yield each result when its calls have been looked after.

        :param write: writes one record
        :param items: the records
        :param sent: the external id and the version of a record, if a call of it may have arrived
        :param workers: parallel writes
        """
        waiting: list[R] = []
        settled, since = 0, time.monotonic()

        def settle(until: int) -> Iterator[R]:
            nonlocal settled, since
            self.settle(dict(each for each in map(sent, items[settled:until]) if each is not None))
            settled, since = until, time.monotonic()
            yield from waiting
            waiting.clear()

        try:
            for result in map_in_order(write, items, workers=workers):
                waiting.append(result)
                if time.monotonic() - since >= SECONDS:
                    yield from settle(settled + len(waiting))
        except PartnersError:
            # The call that failed may have arrived, too. If this fails as well, the next try looks after them.
            with suppress(PartnersError):
                yield from settle(len(items))
            raise
        yield from settle(len(items))

    def settle(self, sent: Mapping[str, Version]) -> None:
        """Write newer builds again of records that were sent.

        :param sent: by external id; an empty version is not compared
        """
        remaining = dict(sent)
        for _ in range(MAX_ROUNDS):
            newer = self._guard.newer_versions(remaining)
            if not newer:
                self._guard.settle(sent)
                return
            written = {record_id(record) for record in self._newer_records(newer) if self._rewrite(record)}
            if written:
                log.info("%d records were written again: another task has newer data of them", len(written))
            remaining = {id_: version for id_, version in remaining.items() if id_ in written}
        log.warning("%d records change faster than they are compared with Yotpo", len(remaining))

    def _newer_records(self, newer: Mapping[str, Sequence[Version]]) -> list[Record]:
        found = {}
        for record in self._unpack(self._guard.records(newer)):
            if malformed_part(record):
                continue
            id_, version = record_id(record), record.get("version")
            if version in newer.get(id_, ()):
                found[id_, str(version)] = dict(record)
        return list(found.values())


def sent_version(upsert: RecordUpsert) -> tuple[str, Version] | None:
    """Return the id and version of a record, if a call of it may have arrived."""
    return (upsert.external_id, upsert.version) if upsert.is_sent else None
