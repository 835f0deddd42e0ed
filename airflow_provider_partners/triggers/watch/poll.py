"""Reading a list again and again for those who wait for news of it: one poll, however many watch.

A poll never ends by itself. What fails is asked again after growing pauses; a connection that is missing or refused is
looked up anew each time, so that correcting it is enough. Must not know what a watcher has told of.
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
    AuthenticationError,
    ConfigurationError,
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
"""Seconds between two tries where the credentials are refused, or nothing has worked for long."""

RECONNECT_AFTER = 3600.0
"""Seconds after which the connection is looked up anew, and what was sent meanwhile is counted in Airflow's metrics."""

STARTUP_DELAY = 1.0
"""Seconds in which watchers that start together find each other, so that the first reading serves them all."""

_FATAL_ERRORS = (ConfigurationError, AuthenticationError, NotFoundError)
"""What somebody must put right; until then it makes no sense to ask often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedList:
    """A list that can be watched.

    :param source: the partner, such as ``yofi``
    :param resource: the list
    :param conn_type: the type of its connections
    :param time_field: the field (dotted) that says when a row came into being: an ISO time, or seconds since 1970
    :param id_field: the field that events call a row by; it must not be of a person
    :param account_key: what says, in an extraction's request, whose rows they are
    :param query: what else is asked, so that rows are small and hold no names
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

    :param since: it holds all rows from here on
    :param started_at: when it was asked for
    :param records: what it holds
    :param account: whose they are, such as the shop's domain
    :param on_stored: what to do once Airflow has stored what was told of it
    """

    since: datetime
    started_at: datetime
    records: Sequence[ListedRecord]
    account: str
    on_stored: list[Callable[[], Awaitable[None]]] = field(default_factory=list)


class WatcherRegistry:
    """Where those who watch one list say from when on they need its rows."""

    def __init__(self) -> None:
        self._needed_since: dict[int, datetime] = {}
        self._has_watchers = asyncio.Event()

    def register(self, watcher: object, since: datetime) -> None:
        """Put down, or put right, what a watcher needs.

        :param watcher: who
        :param since: from when on
        """
        self._needed_since[id(watcher)] = since
        self._has_watchers.set()

    def unregister(self, watcher: object) -> None:
        """Strike a watcher off.

        :param watcher: who
        """
        self._needed_since.pop(id(watcher), None)
        if not self._needed_since:
            self._has_watchers.clear()

    async def earliest_needed(self) -> datetime:
        """The earliest that anybody needs, once there is somebody."""
        await self._has_watchers.wait()
        return min(self._needed_since.values())


_REGISTRIES: WeakValueDictionary[Hashable, WatcherRegistry] = WeakValueDictionary()


def registry_for(key: Hashable) -> WatcherRegistry:
    """The desk that all watchers with one key share on one event loop, for as long as there is one of them.

    :param key: of the shared stream
    """
    return _REGISTRIES.setdefault((asyncio.get_running_loop(), key), WatcherRegistry())


class ListPoller:
    """Reads one list again and again.

    :param watched: the list
    :param conn_id: the connection
    :param hook_params: what else the hook is made of
    :param query: what is asked of the list besides what is always asked
    :param interval: seconds between two readings
    :param max_failures: failures in a row that are warnings; further ones are errors
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

    def close(self) -> None:
        """Let go of the network; the next reading looks the connection up again."""
        hook, self._hook = self._hook, None
        if hook is None:
            return
        try:
            hook.close()
        except Exception as error:  # noqa: BLE001  # it is given up anyway
            log.warning("%s: the connection could not be closed: %s", self._name, type(error).__name__)

    async def results(self, registry: WatcherRegistry) -> AsyncGenerator[PollResult]:
        """A reading every so often, for ever.

        :param registry: who watches
        """
        try:
            await registry.earliest_needed()
            await asyncio.sleep(STARTUP_DELAY)
            while True:
                since = await registry.earliest_needed()
                pause = self._interval
                try:
                    result = await in_thread(lambda since=since: self.read(since))  # type: ignore[misc]
                except Exception as error:  # noqa: BLE001  # a watcher that ended would never tell of anything again
                    pause = await self._handle_failure(error)
                else:
                    self._failures = 0
                    yield result
                await asyncio.sleep(pause * random.uniform(0.95, 1.05))
        finally:
            self.close()

    def read(self, since: datetime) -> PollResult:
        """Everything from a moment on. Blocks.

        :param since: that moment
        :raises PartnersError: when it can't be read
        """
        started_at = datetime.now(UTC)
        if self._hook is None or time.monotonic() - self._connected_at > RECONNECT_AFTER:
            self.close()
            self._connected_at = time.monotonic()
            self._hook = base.HOOKS[self._watched.conn_type](self._conn_id, **self._hook_params)
            self._hook.short_timeouts = True
        query = {**self._watched.query, **self._query}
        extraction = self._hook.get_conn().extract(self._watched.resource, since=since, **query)
        records, undated = [], 0
        for record in extraction.records():
            fingerprint, timestamp = (
                record_fingerprint(record, extraction.key),
                _parse_record_time(get_path(record, self._watched.time_field)),
            )
            if fingerprint is None or timestamp is None:
                undated += 1
            else:
                records.append(
                    ListedRecord(
                        fingerprint=fingerprint[:FINGERPRINT_LENGTH],
                        timestamp=timestamp,
                        id=str(get_path(record, self._watched.id_field) or ""),
                    )
                )
        if undated and not self._warned_undated:
            self._warned_undated = True
            log.warning("%d of the %s carry no id or no time, so nobody is told of them", undated, self._name)
        account = str(extraction.request.get(self._watched.account_key) or "")
        return PollResult(since=since, started_at=started_at, records=records, account=account)

    @property
    def _name(self) -> str:
        return f"{self._watched.source} {self._watched.resource}"

    async def _handle_failure(self, error: Exception) -> float:
        """Say what went wrong, and how long to wait."""
        if isinstance(error, ThrottledError):
            log.info("%s: %s", self._name, error)
            return max(error.retry_after, self._interval)
        self._failures += 1
        # What was made of the connection may be what is wrong, or broken by it.
        await in_thread(self.close)
        pause = min(self._interval * 2.0 ** min(self._failures - 1, 20), max(MAX_PAUSE, self._interval))
        fatal = isinstance(error, _FATAL_ERRORS)
        # An error of some other library may hold anything.
        reason = str(error) if isinstance(error, PartnersError) else type(error).__name__
        level = logging.ERROR if fatal or self._failures > self._max_failures else logging.WARNING
        line = "%s (connection '%s'): reading failed %d times in a row; the next try is in %d s: %s"
        log.log(level, line, self._name, self._conn_id, self._failures, pause, reason)
        return pause


class SharedListPoller(SharedStreamProducer):
    """A poll as Airflow 3.3 and later share it among triggers.

    Airflow says when whatever the watchers told of a round is in its database; only then their positions are noted. So
    a triggerer that dies in between leads to a second telling, never to none.

    :param poller: what reads
    :param registry: who watches
    """

    def __init__(self, poller: ListPoller, registry: WatcherRegistry) -> None:
        self._poller = poller
        self._registry = registry

    async def open_stream(self) -> AsyncIterator[tuple[PollResult, PollResult]]:
        """Each round, which is its own receipt."""
        async with aclosing(self._poller.results(self._registry)) as results:
            async for result in results:
                yield result, result

    async def advance(self, batch: Sequence[Any]) -> None:
        """Note the positions behind rounds that are dealt with.

        :param batch: of Airflow: receipts, and what became of each
        """
        for item in batch:
            # A watcher that failed begins again at what it noted last; the others note more the next time.
            if not item.outcome.failed:
                for callback in item.broker_payload.notes:
                    await callback()


def _parse_record_time(value: Any) -> datetime | None:
    """A row's time, in seconds since 1970 or as text."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (OverflowError, OSError, TypeError, ValueError):
        pass
    try:
        return timestamps.parse(value, "time")
    except ConfigurationError:
        return None
