"""Telling of a list's new rows, batch by batch: what all watchers for Airflow's ``AssetWatcher`` share.

What was told of is kept in the asset's state store where Airflow has one (3.3 and later), so that a triggerer may stop
and start; otherwise in memory, and then what comes while no triggerer runs is not told. Must not know how a list is
read, nor any partner.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_partners import timestamps
from airflow_provider_partners._compat import asset_state_stores, in_thread
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

EVENT_STORE_DELAY = 5.0
"""Seconds within which an event is taken to be stored, where Airflow doesn't say."""

_STORE_RETRY_PAUSE = 30.0
"""Seconds between two tries to reach Airflow's own store."""

_SECOND = timedelta(seconds=1)


class WatchTrigger(BaseEventTrigger):
    """Tells of rows that have come to a list, batch by batch, for ever.

    It begins with the rows that come from now on; later ones with where it stopped. A failure never ends it: it tries
    again after growing pauses. An event is told again where the triggerer dies before it could note that Airflow
    has stored it, so what runs on events must be safe to repeat.

    The event, in ``extra["payload"]`` of the asset's event::

        {"source": "yofi", "resource": "returns", "account": "a.myshopify.com", "conn_id": "yofi_default", "count": 2,
         "ids": ["ret_1", "ret_2"], "since": "2026-11-01T10:00:00Z", "until": "2026-11-01T10:04:31Z",
         "position": {"from": "2026-11-01T09:58:00Z", "to": "2026-11-01T10:04:30Z"}, "batch": "9f2c…"}

    ``since`` and ``until`` are a half-open window of all rows told of, as the extract operators take it; ``ids`` has
    the first ``max_ids`` of them; ``batch`` is the same for the same rows.

    :param conn_id: the connection
    :param hook_params: what else the hook is made of, as JSON
    :param poll_interval: seconds between two readings
    :param lookback: seconds that a row may show up late; so much is read again each time
    :param since: where nothing was told yet, tell of rows from this moment on (ISO 8601) instead of from now on
    :param max_ids: ids in an event, at most
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
        if since:
            # Where the Dag is read, not in the triggerer: there nobody would see it.
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
        """What is asked of the list beyond its rows since a moment, as JSON."""
        return {}

    def hook_arguments(self) -> dict[str, Any]:
        """What the hook is made of, besides the connection."""
        return self.hook_params

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON. Airflow tells triggers apart by it, so it never changes."""
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
        """As Airflow stores it."""
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", self.arguments()

    def shared_stream_key(self) -> Hashable | None:
        """Watchers for which this is the same share one poll: same list, same connection, same pace."""
        return (self.serialize()[0], self._query_json(), float(self.poll_interval), int(self.max_failures))

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> Any:
        """The poll that is shared; Airflow 3.3 and later call this once for all watchers with one key.

        :param kwargs: of one of them
        """
        trigger = cls(**kwargs)
        return SharedListPoller(trigger.create_poller(), registry_for(trigger.shared_stream_key()))

    def create_poller(self) -> ListPoller:
        """What reads the list."""
        return ListPoller(
            self.watched,
            conn_id=self.conn_id,
            hook_params=self.hook_arguments(),
            query={name: value for name, value in self.query_arguments().items() if value is not None},
            interval=self.poll_interval,
            max_failures=self.max_failures,
        )

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncGenerator[TriggerEvent]:
        """Of every round of the shared poll, what is new to this watcher.

        :param shared_stream: the rounds
        """
        registry = registry_for(self.shared_stream_key())
        try:
            await self._load_position(registry)
            async for result in shared_stream:
                event = self._process_result(result)
                if self._saved_position is not self._position:
                    result.notes.append(partial(self._save_position, self._position))
                self._register(registry)
                if event:
                    yield event
        finally:
            registry.unregister(self)

    async def run(self) -> AsyncGenerator[TriggerEvent]:
        """Poll alone, as before Airflow 3.3."""
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
        """Move on behind a round; the event that tells what it brought, if anything."""
        previous = self._position
        # Whoever joins a poll that is under way may need more than the reading was asked for.
        if previous is None or result.since > previous.next_read_since(self._lookback):
            return None
        current, records = advance(previous, result.records, now=result.started_at, lookback=self._lookback)
        if current != previous:
            self._position = current
        if not records:
            return None
        self.log.info("%d new %s of %s", len(records), self.watched.resource, result.account or self.conn_id)
        return TriggerEvent(self._payload(result, records, previous, current))  # type: ignore[no-untyped-call]

    def _payload(
        self, result: PollResult, records: Sequence[ListedRecord], previous: WatchPosition, current: WatchPosition
    ) -> dict[str, Any]:
        fingerprints = "".join(sorted(row.fingerprint for row in records))
        # The partners' times have seconds, and their lists bounds of whole seconds.
        window = Window(
            records[0].timestamp.replace(microsecond=0), records[-1].timestamp.replace(microsecond=0) + _SECOND
        )
        return {
            "source": self.watched.source,
            "resource": self.watched.resource,
            "account": result.account,
            "conn_id": self.conn_id,
            "count": len(records),
            "ids": [row.id for row in records[: self.max_ids]],
            **window.to_dict(),
            "position": {"from": _format_time(previous.newest_at), "to": _format_time(current.newest_at)},
            "batch": hashlib.sha256(fingerprints.encode()).hexdigest()[:16],
        }

    async def _load_position(self, registry: WatcherRegistry) -> None:
        """Find out what was told so far, and say what is needed."""
        now = datetime.now(UTC)
        stored, loaded = None, False
        while not loaded:
            try:
                stored, loaded = await in_thread(self._read_position), True
            except Exception as error:  # noqa: BLE001  # beginning anew instead would lose what came meanwhile
                self.log.warning("The position can't be read from Airflow's store: %s", type(error).__name__)
                await asyncio.sleep(_STORE_RETRY_PAUSE)
        if stored is None:
            since = timestamps.parse(self.since, "since") if self.since else None
            self._position = initial_position(now=now, lookback=self._lookback, since=since)
            self.log.info("Telling of %s from %s on", self.watched.resource, self._position.newest_at)
            await self._save_position(self._position)
        else:
            self._position = self._saved_position = stored
            self.log.info("Going on with %s behind %s", self.watched.resource, stored.newest_at)
        self._register(registry)

    def _register(self, registry: WatcherRegistry) -> None:
        if self._position is not None:
            registry.register(self, self._position.next_read_since(self._lookback))

    def _read_position(self) -> WatchPosition | None:
        """The furthest position in the stores of the assets that are watched."""
        positions = [WatchPosition.from_json(store.get(self._state_key)) for store in self._stores()]
        return max(
            (position for position in positions if position), key=lambda position: position.newest_at, default=None
        )

    async def _save_position(self, position: WatchPosition | None) -> None:
        """Keep how far was told; what can't be kept now is kept with the next round."""
        if position is None or position is self._saved_position:
            return
        try:
            await in_thread(lambda: [store.set(self._state_key, position.to_json()) for store in self._stores()])
        except Exception as error:  # noqa: BLE001  # Airflow's own database may be away for a while
            self.log.warning("The position can't be noted in Airflow's store: %s", type(error).__name__)
        else:
            self._saved_position = position

    def _stores(self) -> list[Any]:
        return asset_state_stores(self)

    @property
    def _state_key(self) -> str:
        """Under which the position is stored; several watchers may be of one asset."""
        digest = hashlib.sha256(self._query_json().encode()).hexdigest()[:16]
        return f"partners.watch.{self.watched.source}.{self.watched.resource}.{digest}"

    @property
    def _lookback(self) -> timedelta:
        return timedelta(seconds=max(self.lookback, 0.0))

    def _query_json(self) -> str:
        return json.dumps([self.conn_id, self.hook_arguments(), self.query_arguments()], sort_keys=True)


def _format_time(timestamp: datetime) -> str:
    return timestamp.isoformat().replace("+00:00", "Z")
