"""The poll of a watched list: one reading at an interval serves all watchers of the list.

A poll never ends by itself. It retries failures after growing pauses. It looks up a missing or refused connection
again each time, so that correcting it is enough. This module knows no watcher's position.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from airflow_provider_partners import timestamps
from airflow_provider_partners._compat import SharedStreamProducer, in_thread
from airflow_provider_partners.api.extraction import record_fingerprint
from airflow_provider_partners.exceptions import (
    FatalError,
    NotFoundError,
    PartnersError,
    ThrottledError,
)
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.records import get_path
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.watch.position import FINGERPRINT_LENGTH, ListedRecord

log = logging.getLogger(__name__)

MAX_PAUSE = 3600.0
"""Longest pause in seconds after repeated failures."""

RECONNECT_AFTER = 3600.0
"""Seconds after which the connection is looked up again; closing it emits the request metrics of that time."""

STARTUP_DELAY = 1.0
"""Seconds before the first reading, so that it serves all watchers that start together."""

_FATAL_ERRORS = (FatalError, NotFoundError)
"""Errors that a person has to correct: logged as errors from the first one on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedList:
    """Declaration of a list that a trigger can watch.

    :param source: the partner, such as ``yofi``
    :param resource: the list's name
    :param conn_type: the connection type
    :param time_field: dotted path of the record's creation time: ISO 8601, or seconds since 1970
    :param id_field: dotted path of the id that events use; it must not identify a person
    :param account_key: key of an extraction's ``request`` that names the account, such as the shop
    :param query: further arguments of the client's ``extract``, so that records are small and hold no names
    """

    source: str
    resource: str
    conn_type: str
    time_field: str
    id_field: str = "id"
    account_key: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class PollResult:
    """One reading of the list.

    :param since: the reading is complete from here on
    :param started_at: when the reading started
    :param records: the records it returned
    :param account: their account, such as the shop's domain
    :param on_stored: callbacks to run once Airflow has stored the events of this reading
    """

    since: datetime
    started_at: datetime
    records: Sequence[ListedRecord]
    account: str
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class WatcherRegistry:
    """Registry of the watchers of one list and the earliest timestamp each still needs."""

    def __init__(self) -> None:
        self._needed_since: dict[int, datetime] = {}
        self._has_watchers = asyncio.Event()

    def register(self, watcher: object, since: datetime) -> None:
        """Add a watcher, or update the timestamp that it needs records from."""
        self._needed_since[id(watcher)] = since
        self._has_watchers.set()

    def unregister(self, watcher: object) -> None:
        """Remove a watcher."""
        self._needed_since.pop(id(watcher), None)
        if not self._needed_since:
            self._has_watchers.clear()

    async def earliest_needed(self) -> datetime:
        """Return the earliest timestamp that any watcher needs; waits until there is a watcher."""
        await self._has_watchers.wait()
        return min(self._needed_since.values())


_REGISTRIES: WeakValueDictionary[Hashable, WatcherRegistry] = WeakValueDictionary()


def registry_for(key: Hashable) -> WatcherRegistry:
    """Return the registry that all watchers with one key share on this event loop, while any of them exists.

    :param key: the triggers' ``shared_stream_key``
    """
    return _REGISTRIES.setdefault((asyncio.get_running_loop(), key), WatcherRegistry())


class ListPoller:
    """Reads one list at an interval.

    :param hook_params: the hook's further arguments
    :param query: the trigger's arguments for the client's ``extract``, besides those of the declaration
    :param interval: seconds between two readings
    :param max_failures: failures in a row that are logged as warnings; further ones are errors
    """

    def __init__(
        self,
        watched: WatchedList,
        *,
        conn_id: str,
        hook_params: Mapping[str, Any],
        query: Mapping[str, Any],
        interval: float,
        max_failures: int,
    ) -> None:
        self._watched = watched
        self._conn_id = conn_id
        self._hook_params = hook_params
        self._query = query
        self._interval = max(interval, base.MIN_PAUSE)
        self._max_failures = max_failures
        self._hook: PartnerHook[Any] | None = None
        self._connected_at = 0.0
        self._failures = 0
        self._warned_undated = False
        self._has_ended = False

    def close(self) -> None:
        """Close the client; the next reading looks up the connection again."""
        hook, self._hook = self._hook, None
        if hook is not None:
            self._close_hook(hook)

    def _close_hook(self, hook: PartnerHook[Any]) -> None:
        try:
            hook.close()
        except Exception as error:  # noqa: BLE001  # the hook is discarded anyway
            log.warning("%s: the connection could not be closed: %s", self._name, type(error).__name__)

    async def results(self, registry: WatcherRegistry) -> AsyncGenerator[PollResult]:
        """Yield a reading per interval, without an end.

        :param registry: the list's watchers
        """
        self._has_ended = False
        try:
            await registry.earliest_needed()
            await asyncio.sleep(STARTUP_DELAY)
            while True:
                since = await registry.earliest_needed()
                pause = self._interval
                try:
                    result = await in_thread(lambda since=since: self.read(since))  # type: ignore[misc]
                except Exception as error:  # noqa: BLE001  # a watcher that ended would emit no event any more
                    pause = await self._handle_failure(error)
                else:
                    self._failures = 0
                    yield result
                await asyncio.sleep(pause * random.uniform(0.95, 1.05))
        finally:
            self._has_ended = True
            self.close()

    def read(self, since: datetime) -> PollResult:
        """Read every record from a timestamp on; blocks.

        :raises PartnersError: when the list can't be read
        """
        hook = self._connect()
        try:
            return self._read(hook, since, datetime.now(UTC))
        finally:
            if self._has_ended:
                # The watchers have left while this thread read, and it may have built the client after that.
                self._close_hook(hook)

    def _connect(self) -> PartnerHook[Any]:
        if self._hook is None or time.monotonic() - self._connected_at > RECONNECT_AFTER:
            self.close()
            self._connected_at = time.monotonic()
            self._hook = base.polling_hook(self._watched.conn_type, self._conn_id, self._hook_params)
        return self._hook

    def _read(self, hook: PartnerHook[Any], since: datetime, started_at: datetime) -> PollResult:
        query = {**self._watched.query, **self._query}
        extraction = hook.get_conn().extract(self._watched.resource, since=since, **query)
        records, undated = [], 0
        for record in extraction.records():
            fingerprint = record_fingerprint(record, extraction.key)
            timestamp = _parse_time(get_path(record, self._watched.time_field))
            if fingerprint is None or timestamp is None:
                undated += 1
            else:
                id_ = str(get_path(record, self._watched.id_field) or "")
                records.append(ListedRecord(fingerprint=fingerprint[:FINGERPRINT_LENGTH], timestamp=timestamp, id=id_))
        if undated and not self._warned_undated:
            self._warned_undated = True
            log.warning("%d records of %s have no id or no time, so they start no Dag", undated, self._name)
        account = str(extraction.request.get(self._watched.account_key) or "")
        return PollResult(since=since, started_at=started_at, records=records, account=account)

    @property
    def _name(self) -> str:
        return f"{self._watched.source} {self._watched.resource}"

    async def _handle_failure(self, error: Exception) -> float:
        """Log a failure, and return the pause after it in seconds."""
        if isinstance(error, ThrottledError):
            log.info("%s: %s", self._name, error)
            return max(error.retry_after, self._interval)
        self._failures += 1
        # The client may be the cause, or broken by the failure: build it again from the connection.
        await in_thread(self.close)
        pause = min(self._interval * 2.0 ** min(self._failures - 1, 20), max(MAX_PAUSE, self._interval))
        fatal = isinstance(error, _FATAL_ERRORS)
        # The text of another library's error may hold customers' data.
        reason = str(error) if isinstance(error, PartnersError) else type(error).__name__
        level = logging.ERROR if fatal or self._failures > self._max_failures else logging.WARNING
        line = "%s (connection '%s'): reading failed %d times in a row; the next attempt is in %d s: %s"
        log.log(level, line, self._name, self._conn_id, self._failures, pause, reason)
        return pause


class SharedListPoller(SharedStreamProducer):
    """A poll that Airflow 3.3 and later share among triggers.

    Airflow reports when the events of a reading are in its database. The watchers save their positions only then. If
    the triggerer dies in between, the events are emitted twice and never lost.
    """

    def __init__(self, poller: ListPoller, registry: WatcherRegistry) -> None:
        self._poller = poller
        self._registry = registry

    async def open_stream(self) -> AsyncIterator[tuple[PollResult, PollResult]]:
        """Yield each reading twice: as the payload for the watchers, and as the payload that ``advance`` gets back."""
        async with aclosing(self._poller.results(self._registry)) as results:
            async for result in results:
                yield result, result

    async def advance(self, batch: Sequence[Any]) -> None:
        """Save the watchers' positions after the readings that Airflow has stored.

        :param batch: Airflow's items, each with its ``outcome`` and its ``broker_payload``, a :class:`PollResult`
        """
        for item in batch:
            # After a failure, a watcher starts again at its last saved position; the others save theirs with the next
            # reading.
            if not item.outcome.failed:
                for callback in item.broker_payload.on_stored:
                    await callback()


def _parse_time(value: Any) -> datetime | None:
    """Return a record's timestamp from seconds since 1970 or from text."""
    try:
        return timestamps.from_epoch(float(value))
    except (OverflowError, OSError, TypeError, ValueError):
        return timestamps.try_parse(value)
