"""Watchers that share one poll, with Airflow's own manager of shared streams (3.3 and later)."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from fakes.watched_list import FakeList, FakeStore, hook_of

from airflow_provider_partners.exceptions import TransientError
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.shopify_partner import ShopifyPartnerNewInstallsTrigger
from airflow_provider_partners.triggers.voucherify import VoucherifyNewRedemptionsTrigger
from airflow_provider_partners.triggers.watch import poll
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger
from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger, YofiNewReturnsTrigger

streams = pytest.importorskip("airflow.triggers.shared_stream")


class Triggerer:
    """Airflow's triggerer without a database: the test decides when events are stored."""

    def __init__(self, *, stores=True):
        self.manager = streams.SharedStreamManager()
        self.stores = stores
        self.events = {}
        self.sequences = []
        self.tasks = {}

    def start(self, number, watcher, store=None):
        watcher.asset_state_store = store
        self.events[number] = []
        self.tasks[number] = asyncio.ensure_future(self._run(number, watcher))

    async def _run(self, number, watcher):
        key = watcher.shared_stream_key()
        stream = self.manager.subscribe(trigger_id=number, trigger=watcher, key=key)
        try:
            async for event in watcher.filter_shared_stream(stream):
                self.events[number].append(event.payload)
                sequence = self.manager.bind_pending_event(trigger_id=number, key=key)
                if self.stores:
                    self.manager.confirm_persisted([sequence])
                else:
                    self.sequences.append(sequence)
        finally:
            await self.manager.unsubscribe(number, key)

    async def stop(self, *numbers):
        for number in numbers or [*self.tasks]:
            self.tasks[number].cancel()
            await asyncio.gather(self.tasks.pop(number), return_exceptions=True)

    def ids(self, number):
        return [name for event in self.events[number] for name in event["ids"]]


@pytest.fixture
def partner():
    return FakeList()


@pytest.fixture(autouse=True)
def _fake_yofi(partner, monkeypatch):
    """The fake in place of Yofi, with readings at once."""
    monkeypatch.setattr(poll, "STARTUP_DELAY", 0.01)
    monkeypatch.setattr(base, "MIN_PAUSE", 0.01)
    monkeypatch.setattr(base, "hook_class", {"yofi": hook_of(partner)}.__getitem__)
    monkeypatch.setenv("AIRFLOW_CONN_YOFI_A", json.dumps({"conn_type": "yofi", "password": "s3cret-value"}))


def watcher(**arguments):
    return YofiNewClaimsTrigger(**{"yofi_conn_id": "yofi_a", "poll_interval": 0.01, **arguments})


async def wait_until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # the fake has no event to wait for
            await asyncio.sleep(0.005)


async def wait_for_readings(partner, more=3):
    target = len(partner.queries) + more
    await wait_until(lambda: len(partner.queries) >= target)


def test_two_watchers_share_one_poll_and_both_emit_events(partner):
    async def scenario():
        triggerer = Triggerer()
        triggerer.start(1, watcher())
        triggerer.start(2, watcher(max_ids=1, lookback=60.0))
        await wait_for_readings(partner)
        assert len(triggerer.manager._groups) == 1
        partner.add("a", "b")
        await wait_until(lambda: triggerer.events[1] and triggerer.events[2])
        await triggerer.stop()
        return triggerer

    triggerer = asyncio.run(scenario())
    assert triggerer.ids(1) == ["a", "b"]
    assert triggerer.ids(2) == ["a"]
    assert partner.clients_created == 1
    assert partner.clients_closed == 1


def test_a_position_is_saved_only_when_the_event_is_stored(partner):
    async def scenario(store):
        triggerer = Triggerer(stores=False)
        triggerer.start(1, watcher(), store)
        await wait_for_readings(partner)
        before = dict(store.values)
        partner.add("a")
        await wait_until(lambda: triggerer.events[1])
        await wait_for_readings(partner)
        assert store.values == before
        triggerer.manager.confirm_persisted(triggerer.sequences)
        await wait_until(lambda: store.values != before)
        await triggerer.stop()

    asyncio.run(scenario(FakeStore()))


def test_a_triggerer_that_dies_before_the_event_is_stored_emits_it_again(partner):
    async def scenario(store):
        first = Triggerer(stores=False)
        first.start(1, watcher(), store)
        await wait_for_readings(partner)
        partner.add("a")
        await wait_until(lambda: first.events[1])
        stored = dict(store.values)
        await first.stop()
        second = Triggerer()
        second.start(1, watcher(), FakeStore(stored))
        await wait_until(lambda: second.events[1])
        await second.stop()
        return first, second

    first, second = asyncio.run(scenario(FakeStore()))
    assert first.events[1] == second.events[1]


def test_a_restarted_triggerer_emits_the_missed_records_once(partner):
    async def scenario(store):
        first = Triggerer()
        first.start(1, watcher(), store)
        await wait_for_readings(partner)
        partner.add("a")
        await wait_until(lambda: first.events[1])
        await wait_for_readings(partner)
        await first.stop()
        partner.add("b", "c")
        second = Triggerer()
        second.start(1, watcher(), store)
        await wait_until(lambda: second.events[1])
        await wait_for_readings(partner)
        await second.stop()
        return second.ids(1)

    assert asyncio.run(scenario(FakeStore())) == ["b", "c"]


def test_a_watcher_that_joins_with_an_older_position_misses_nothing(partner):
    start = datetime.now(UTC) - timedelta(days=2)

    async def scenario():
        triggerer = Triggerer()
        triggerer.start(1, watcher())
        await wait_for_readings(partner)
        partner.add("old", at=start + timedelta(hours=3))
        triggerer.start(2, watcher(since=start.isoformat()))
        await wait_until(lambda: triggerer.events[2])
        partner.add("new")
        await wait_until(lambda: triggerer.events[1] and len(triggerer.events[2]) == 2)
        await triggerer.stop()
        return triggerer

    triggerer = asyncio.run(scenario())
    assert triggerer.ids(1) == ["new"]
    assert triggerer.ids(2) == ["old", "new"]


def test_a_watcher_that_leaves_no_longer_extends_the_readings(partner):
    async def scenario():
        triggerer = Triggerer()
        triggerer.start(1, watcher())
        triggerer.start(2, watcher(lookback=86_400.0))
        await wait_for_readings(partner)
        assert datetime.now(UTC) - partner.queries[-1]["since"] > timedelta(hours=23)
        await triggerer.stop(2)
        await wait_for_readings(partner)
        assert datetime.now(UTC) - partner.queries[-1]["since"] < timedelta(hours=2)
        await triggerer.stop()
        reading_count = len(partner.queries)
        await asyncio.sleep(0.1)
        assert len(partner.queries) == reading_count
        assert triggerer.manager._groups == {}

    asyncio.run(scenario())


def test_a_failure_ends_no_watcher(partner):
    async def scenario():
        triggerer = Triggerer()
        triggerer.start(1, watcher())
        triggerer.start(2, watcher(max_ids=1))
        partner.failures.extend([TransientError("down"), RuntimeError("odd")])
        await wait_for_readings(partner)
        partner.add("a")
        await wait_until(lambda: triggerer.events[1] and triggerer.events[2])
        assert len(triggerer.tasks) == 2
        assert not any(task.done() for task in triggerer.tasks.values())
        await triggerer.stop()

    asyncio.run(scenario())


def test_a_failed_watcher_does_not_stop_later_saves(partner):
    async def scenario(store):
        triggerer = Triggerer()
        triggerer.start(1, watcher(), store)
        await wait_for_readings(partner)
        result = poll.PollResult(since=datetime.now(UTC), started_at=datetime.now(UTC), records=(), account="")
        saved = []

        async def save():
            saved.append(1)

        result.on_stored.append(save)
        shared = poll.SharedListPoller(watcher().create_poller(), poll.WatcherRegistry())
        outcomes = [streams.AdvanceOutcome(acked=1, failed=1), streams.AdvanceOutcome(acked=1, failed=0)]
        await shared.advance([streams.AdvanceItem(result, outcomes[0])])
        assert saved == []
        await shared.advance([streams.AdvanceItem(result, outcomes[1])])
        assert saved == [1]
        await triggerer.stop()

    asyncio.run(scenario(FakeStore()))


def test_watchers_of_the_same_list_connection_and_interval_share_a_poll():
    key = watcher().shared_stream_key()
    assert watcher(max_ids=3, lookback=5.0, since="2026-01-01T00:00:00Z").shared_stream_key() == key
    others = [
        watcher(shop="b.myshopify.com"),
        watcher(yofi_conn_id="yofi_b"),
        watcher(poll_interval=20.0),
        YofiNewReturnsTrigger(yofi_conn_id="yofi_a", poll_interval=0.01),
        VoucherifyNewRedemptionsTrigger(),
        VoucherifyNewRedemptionsTrigger(parameters={"result": "SUCCESS"}),
        ShopifyPartnerNewInstallsTrigger(app_id="1"),
    ]
    assert len({key, *(other.shared_stream_key() for other in others)}) == 8


def test_a_reading_that_goes_on_after_the_last_watcher_closes_the_client_that_it_builds(partner, monkeypatch):
    """A thread can't be stopped. It may look up the connection while the last watcher leaves."""
    looked_up, resume = threading.Event(), threading.Event()
    hook = hook_of(partner)
    get_conn = hook.get_conn

    def late(self):
        looked_up.set()
        resume.wait(5)
        return get_conn(self)

    monkeypatch.setattr(hook, "get_conn", late)
    monkeypatch.setattr(base, "hook_class", {"yofi": hook}.__getitem__)

    async def scenario():
        triggerer = Triggerer()
        triggerer.start(1, watcher())
        await asyncio.get_running_loop().run_in_executor(None, looked_up.wait, 5)
        await triggerer.stop()
        assert partner.clients_created == 0
        resume.set()
        await wait_until(lambda: partner.queries and partner.clients_closed)

    asyncio.run(scenario())
    assert (partner.clients_created, partner.clients_closed) == (1, 1)


def test_airflow_reports_stored_events_to_the_poll():
    group = streams._SharedStreamGroup(
        key="k",
        trigger_class=YofiNewClaimsTrigger,
        kwargs=watcher().serialize()[1],
        on_poll_terminate=lambda group: None,
        max_subscriber_queue=8,
        ack_timeout=60.0,
        log=None,
    )
    assert group._ack_required
    assert issubclass(poll.SharedListPoller, streams.SharedStreamProducer)
    assert "open_shared_stream" not in vars(WatchTrigger)
