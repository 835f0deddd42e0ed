"""Base class of the watch triggers for Airflow's ``AssetWatcher``: emit an event for each batch of new records.

From Airflow 3.3 on, the position is saved in the asset's state store and survives a restart of the triggerer. Before,
it is kept in memory, and records that arrive while no triggerer runs start no Dag. This module knows no partner.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_partners import timestamps
from airflow_provider_partners._compat import asset_state_stores, in_thread
from airflow_provider_partners.arguments import check_count, check_interval, check_seconds, check_text
from airflow_provider_partners.triggers.watch.poll import (
    ListPoller,
    PollResult,
    SharedListPoller,
    WatchedList,
    WatcherRegistry,
    registry_for,
)
from airflow_provider_partners.triggers.watch.position import ListedRecord, WatchPosition, advance, initial_position
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from airflow_provider_partners.triggers.watch.events import WatchEvent

__all__ = ["WatchTrigger"]

EVENT_STORE_DELAY = 5.0
"""Seconds after which an event counts as stored when Airflow does not report it."""

_STORE_RETRY_PAUSE = 30.0
"""Seconds between two attempts to read the position from Airflow's store."""

_SECOND = timedelta(seconds=1)


class WatchTrigger(BaseEventTrigger):
    """Emits an event for each batch of records that arrive in a list, without an end.

    A new watcher starts with the records that arrive from now on; later it continues where it stopped. A failure never
    ends it: it retries after growing pauses. If the triggerer dies before it could save that Airflow has stored an
    event, it emits the event again. So the Dags that it starts must be safe to repeat.

    The payload is a :class:`~airflow_provider_partners.triggers.watch.events.WatchEvent`, in ``extra["payload"]`` of
    the asset event::

        {"source": "yofi", "resource": "returns", "account": "a.myshopify.com", "conn_id": "yofi_default", "count": 2,
         "ids": ["ret_1", "ret_2"], "since": "2026-11-01T10:00:00Z", "until": "2026-11-01T10:04:31Z",
         "position": {"from": "2026-11-01T09:58:00Z", "to": "2026-11-01T10:04:30Z"}, "batch": "9f2c…"}

    :param conn_id: the connection
    :param hook_params: the hook's further arguments, as JSON
    :param poll_interval: seconds between two readings
    :param lookback: seconds that a record may show up late; each reading covers them again
    :param since: where a new watcher starts, ISO 8601; by default now
    :param max_ids: most ids in an event
    :param max_failures: failures in a row that are logged as warnings; further ones are errors
    """

    watched: ClassVar[WatchedList]

    def __init__(
        self,
        *,
        conn_id: str,
        hook_params: Mapping[str, Any] | None = None,
        poll_interval: float = 300.0,
        lookback: float = 3600.0,
        since: str | None = None,
        max_ids: int = 100,
        max_failures: int = 10,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Fail where the Dag file is parsed: an error in the triggerer is easily missed.
        check_text("conn_id", conn_id)
        check_interval("poll_interval", poll_interval)
        check_seconds("lookback", lookback)
        check_count("max_ids", max_ids)
        check_count("max_failures", max_failures)
        if since:
            timestamps.parse(since, "since")
        self.conn_id = conn_id
        self.hook_params = dict(hook_params or {})
        self.poll_interval = poll_interval
        self.lookback = lookback
        self.since = since
        self.max_ids = max_ids
        self.max_failures = max_failures
        self._position: WatchPosition | None = None
        self._saved_position: WatchPosition | None = None

    def query_arguments(self) -> dict[str, Any]:
        """Return further arguments of the client's ``extract``, as JSON."""
        return {}

    def hook_arguments(self) -> dict[str, Any]:
        """Return the hook's arguments besides the connection."""
        return self.hook_params

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON. Airflow identifies triggers by them, so they never change."""
        return {
            "conn_id": self.conn_id,
            "hook_params": self.hook_params,
            "poll_interval": self.poll_interval,
            "lookback": self.lookback,
            "since": self.since,
            "max_ids": self.max_ids,
            "max_failures": self.max_failures,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, as Airflow stores them."""
        cls = type(self)
        return f"{cls.__module__}.{cls.__qualname__}", self.arguments()

    def shared_stream_key(self) -> Hashable | None:
        """Return the key of the poll that this watcher shares: same list, same connection, same interval."""
        return (self.serialize()[0], self._query_json(), float(self.poll_interval), int(self.max_failures))

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> Any:
        """Return the shared poll. Airflow 3.3 and later call this once for all watchers with one key.

        :param kwargs: the arguments of one of them
        """
        trigger = cls(**kwargs)
        return SharedListPoller(trigger.create_poller(), registry_for(trigger.shared_stream_key()))

    def create_poller(self) -> ListPoller:
        """Return the poll of the list."""
        return ListPoller(
            self.watched,
            conn_id=self.conn_id,
            hook_params=self.hook_arguments(),
            query={name: value for name, value in self.query_arguments().items() if value is not None},
            interval=self.poll_interval,
            max_failures=self.max_failures,
        )

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncGenerator[TriggerEvent]:
        """Emit this watcher's new records of every reading.

        :param shared_stream: the readings of the shared poll, as :class:`PollResult`
        """
        registry = registry_for(self.shared_stream_key())
        try:
            await self._load_position(registry)
            async for result in shared_stream:
                event = self._process_result(result)
                if self._saved_position is not self._position:
                    result.on_stored.append(partial(self._save_position, self._position))
                self._register(registry)
                if event:
                    yield event
        finally:
            registry.unregister(self)

    async def run(self) -> AsyncGenerator[TriggerEvent]:
        """Poll for this watcher alone: Airflow calls this before 3.3."""
        registry = WatcherRegistry()
        await self._load_position(registry)
        poller = self.create_poller()
        results = poller.results(registry)
        try:
            async for result in results:
                event = self._process_result(result)
                self._register(registry)
                if event:
                    yield event
                    await asyncio.sleep(EVENT_STORE_DELAY if self._stores() else 0)
                await self._save_position(self._position)
        finally:
            await results.aclose()

    def _process_result(self, result: PollResult) -> TriggerEvent | None:
        """Advance the position over a reading; return an event if there are new records."""
        previous = self._position
        # A watcher that joins an active poll may need older records than this reading has.
        if previous is None or result.since > previous.next_read_since(self._lookback):
            return None
        current, records = advance(previous, result.records, now=result.started_at, lookback=self._lookback)
        if current != previous:
            self._position = current
        if not records:
            return None
        self.log.info("%d new %s in %s", len(records), self.watched.resource, result.account or self.conn_id)
        return TriggerEvent(self._payload(result, records, previous, current))  # type: ignore[no-untyped-call]

    def _payload(
        self, result: PollResult, records: Sequence[ListedRecord], previous: WatchPosition, current: WatchPosition
    ) -> WatchEvent:
        fingerprints = "".join(sorted(record.fingerprint for record in records))
        # The partners' lists are filtered by whole seconds.
        first, last = (record.timestamp.replace(microsecond=0) for record in (records[0], records[-1]))
        window = Window(first, last + _SECOND).to_dict()
        return {
            "source": self.watched.source,
            "resource": self.watched.resource,
            "account": result.account,
            "conn_id": self.conn_id,
            "count": len(records),
            "ids": [record.id for record in records[: self.max_ids]],
            "since": window["since"],
            "until": window["until"],
            "position": {
                "from": timestamps.isoformat(previous.newest_at),
                "to": timestamps.isoformat(current.newest_at),
            },
            "batch": hashlib.sha256(fingerprints.encode()).hexdigest()[:16],
        }

    async def _load_position(self, registry: WatcherRegistry) -> None:
        """Load the saved position, and register what this watcher needs."""
        now = datetime.now(UTC)
        stored, loaded = None, False
        while not loaded:
            try:
                stored, loaded = await in_thread(self._read_position), True
            except Exception as error:  # noqa: BLE001  # a new start instead would lose records
                self.log.warning("The position can't be read from Airflow's store: %s", type(error).__name__)
                await asyncio.sleep(_STORE_RETRY_PAUSE)
        if stored is None:
            since = timestamps.parse(self.since, "since") if self.since else None
            self._position = initial_position(now=now, lookback=self._lookback, since=since)
            self.log.info("Watching %s from %s on", self.watched.resource, self._position.newest_at)
            await self._save_position(self._position)
        else:
            self._position = self._saved_position = stored
            self.log.info("Continuing to watch %s from %s on", self.watched.resource, stored.newest_at)
        self._register(registry)

    def _register(self, registry: WatcherRegistry) -> None:
        if self._position is not None:
            registry.register(self, self._position.next_read_since(self._lookback))

    def _read_position(self) -> WatchPosition | None:
        """Return the most advanced position in the stores of the watched assets."""
        positions = [WatchPosition.from_json(store.get(self._state_key)) for store in self._stores()]
        return max(
            (position for position in positions if position), key=lambda position: position.newest_at, default=None
        )

    async def _save_position(self, position: WatchPosition | None) -> None:
        """Save the position; after a failure the next reading tries again."""
        if position is None or position is self._saved_position:
            return
        try:
            await in_thread(lambda: [store.set(self._state_key, position.to_json()) for store in self._stores()])
        except Exception as error:  # noqa: BLE001  # Airflow's database may be down for a while
            self.log.warning("The position can't be saved in Airflow's store: %s", type(error).__name__)
        else:
            self._saved_position = position

    def _stores(self) -> list[Any]:
        return asset_state_stores(self)

    @property
    def _state_key(self) -> str:
        """Return the key of the stored position; one asset may have several watchers."""
        digest = hashlib.sha256(self._query_json().encode()).hexdigest()[:16]
        return f"partners.watch.{self.watched.source}.{self.watched.resource}.{digest}"

    @property
    def _lookback(self) -> timedelta:
        return timedelta(seconds=max(self.lookback, 0.0))

    def _query_json(self) -> str:
        return json.dumps([self.conn_id, self.hook_arguments(), self.query_arguments()], sort_keys=True)
