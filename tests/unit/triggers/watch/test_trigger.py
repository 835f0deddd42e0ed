"""A watcher that polls alone: its events, its retries, and its saved position."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from fakes.watched_list import FakeList, FakeStore, hook_of

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotDefinedError,
    NotFoundError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.shopify_partner import ShopifyPartnerNewInstallsTrigger
from airflow_provider_partners.triggers.voucherify import VoucherifyNewRedemptionsTrigger
from airflow_provider_partners.triggers.watch import poll
from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger, YofiNewReturnsTrigger


@pytest.fixture
def partner():
    return FakeList()


@pytest.fixture(autouse=True)
def pauses(partner, monkeypatch):
    """The fake in place of Yofi, and pauses that take no time; returns the pauses."""
    pauses, real = [], asyncio.sleep

    async def sleep(seconds):
        pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(poll.asyncio, "sleep", sleep)
    monkeypatch.setattr(base, "hook_class", {"yofi": hook_of(partner)}.__getitem__)
    monkeypatch.setenv("AIRFLOW_CONN_YOFI_A", json.dumps({"conn_type": "yofi", "password": "s3cret-value"}))
    return pauses


def watcher(store=None, **arguments):
    trigger = YofiNewClaimsTrigger(**{"yofi_conn_id": "yofi_a", "poll_interval": 60.0, **arguments})
    trigger.asset_state_store = store
    return trigger


def events_of(trigger, partner, *steps, readings=0):
    """Run a watcher, with each step after a further reading of the list, and return its events."""

    async def until_read(repeated):
        target = len(partner.queries) + repeated
        while len(partner.queries) < target:
            await asyncio.to_thread(lambda: None)

    async def run():
        events = []

        async def collect():
            async with aclosing(trigger.run()) as stream:
                async for event in stream:
                    events.append(event.payload)  # noqa: PERF401  # keep them if the stream is cancelled

        listener = asyncio.ensure_future(collect())
        try:
            await asyncio.wait_for(until_read(2), 60)
            for step in steps:
                step()
                await asyncio.wait_for(until_read(3 + readings), 60)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
        return events

    return asyncio.run(run())


def test_new_records_are_in_one_event(partner):
    partner.add("old")
    partner.records[0]["created_at_epoch"] -= 600
    (event,) = events_of(watcher(), partner, lambda: partner.add("clm_1", "clm_2"))
    assert event["count"] == 2
    assert event["ids"] == ["clm_1", "clm_2"]
    assert (event["source"], event["resource"], event["account"]) == ("yofi", "claims", "a.myshopify.com")
    assert event["conn_id"] == "yofi_a"


def test_the_window_of_an_event_holds_all_records_and_has_whole_seconds(partner):
    timestamp = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=100)

    def add_records():
        partner.add("clm_1", at=timestamp)
        partner.add("clm_2", at=timestamp + timedelta(seconds=30, microseconds=5))

    (event,) = events_of(watcher(), partner, add_records)
    assert datetime.fromisoformat(event["since"]) == timestamp
    assert datetime.fromisoformat(event["until"]) == timestamp + timedelta(seconds=31)


def test_an_event_carries_the_old_and_the_new_position(partner):
    first, second = events_of(watcher(), partner, lambda: partner.add("a"), lambda: partner.add("b"))
    assert first["position"]["to"] == second["position"]["from"]
    assert first["position"]["from"] < first["position"]["to"] <= second["position"]["to"]
    assert first["batch"] != second["batch"]


def test_an_event_holds_no_person_and_a_bounded_number_of_ids(partner):
    (event,) = events_of(watcher(max_ids=2), partner, lambda: partner.add("a", "b", "c"))
    assert event["count"] == 3
    assert len(event["ids"]) == 2
    assert "ada" not in json.dumps(event)


def test_readings_without_new_records_emit_nothing(partner):
    assert events_of(watcher(), partner, lambda: None, readings=20) == []


def test_a_reading_has_few_fields_and_starts_at_the_lookback(partner):
    events_of(watcher(lookback=120.0), partner)
    query = partner.queries[-1]
    assert query["resource"] == "claims"
    assert query["fields"] == ("id", "created_at_epoch")
    assert timedelta(seconds=100) < datetime.now(UTC) - query["since"] < timedelta(seconds=140)


def test_readings_keep_to_the_interval(partner, pauses):
    events_of(watcher(), partner, lambda: None, readings=5)
    assert pauses[0] == poll.STARTUP_DELAY
    assert {57 <= pause <= 63 for pause in pauses[1:]} == {True}


def test_a_short_interval_is_no_busy_loop(partner, pauses):
    events_of(watcher(poll_interval=0.001), partner, lambda: None)
    assert min(pauses[1:]) > 0.9


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("poll_interval", value) for value in (0, -5, None, "300", True, float("nan"), timedelta(minutes=5))),
        ("lookback", timedelta(hours=1)),
        ("max_ids", "100"),
        ("max_failures", 0),
    ],
)
def test_a_wrong_argument_is_refused_where_the_dag_file_is_parsed(argument, value):
    with pytest.raises(ConfigurationError, match=f"'{argument}' is .* is needed"):
        watcher(**{argument: value})


def test_a_watcher_needs_a_connection():
    with pytest.raises(ConfigurationError, match="'conn_id' is None, and a text is needed"):
        YofiNewClaimsTrigger(yofi_conn_id=None)


@pytest.mark.parametrize("error", [TransientError("down"), RuntimeError("odd"), AuthenticationError("refused")])
def test_failures_are_survived_with_growing_pauses(partner, pauses, error):
    partner.failures.extend([error] * 4)
    (event,) = events_of(watcher(), partner, lambda: None, lambda: partner.add("clm_1"), readings=2)
    assert event["ids"] == ["clm_1"]
    assert [pause / 60 for pause in pauses[1:5]] == pytest.approx([1, 2, 4, 8], rel=0.06)


def test_pauses_grow_up_to_an_hour(partner, pauses):
    partner.failures.extend([TransientError("down")] * 12)
    events_of(watcher(), partner, lambda: None, readings=9)
    assert max(pauses) <= 1.05 * poll.MAX_PAUSE
    assert pauses[11] >= 0.95 * poll.MAX_PAUSE


def test_a_wait_that_the_partner_requests_is_no_failure(partner, pauses):
    partner.failures.append(ThrottledError("slow down", retry_after=1000.0))
    events_of(watcher(), partner, lambda: None)
    assert 950 <= pauses[1] <= 1050
    assert 57 <= pauses[2] <= 63


def test_the_connection_is_looked_up_again_after_a_failure(partner):
    partner.failures.append(AuthenticationError("refused"))
    events_of(watcher(), partner, lambda: None)
    assert partner.clients_created == 2
    assert partner.clients_closed == 2  # the second one at the end


def test_a_missing_connection_is_waited_for(partner, monkeypatch):
    trigger = watcher(yofi_conn_id="yofi_added_later")
    stored = json.dumps({"conn_type": "yofi", "password": "s3cret-value"})
    poller = trigger.create_poller()
    with pytest.raises(NotDefinedError, match="did not find the connection"):
        poller.read(datetime.now(UTC))

    async def next_result():
        registry = poll.WatcherRegistry()
        registry.register(trigger, datetime.now(UTC))
        async with aclosing(poller.results(registry)) as readings:
            result = asyncio.ensure_future(anext(readings))
            await asyncio.to_thread(lambda: None)
            monkeypatch.setenv("AIRFLOW_CONN_YOFI_ADDED_LATER", stored)
            return await asyncio.wait_for(result, 60)

    assert asyncio.run(next_result()).account == "a.myshopify.com"


@pytest.mark.parametrize(
    ("errors", "levels"),
    [
        ([TransientError("down")] * 3, ["WARNING", "WARNING", "ERROR"]),
        ([AuthenticationError("refused")], ["ERROR"]),
        ([NotFoundError("no such path")], ["ERROR"]),
        ([ThrottledError("slow down", retry_after=5.0)], ["INFO"]),
    ],
)
def test_a_failure_is_logged_by_its_kind(partner, caplog, errors, levels):
    caplog.set_level(logging.INFO, logger=poll.__name__)
    partner.failures.extend(errors)
    events_of(watcher(max_failures=2), partner, lambda: None)
    assert [entry.levelname for entry in caplog.records if entry.name == poll.__name__] == levels


def test_the_connection_is_looked_up_again_at_an_interval(partner, monkeypatch):
    monkeypatch.setattr(poll, "RECONNECT_AFTER", -1.0)
    events_of(watcher(), partner)
    assert partner.clients_created >= 2
    assert partner.clients_closed == partner.clients_created


def test_an_error_of_another_library_is_logged_by_its_class_only(partner, caplog):
    partner.failures.append(RuntimeError("for ada@shop.example"))
    events_of(watcher(), partner, lambda: None)
    assert "RuntimeError" in caplog.text
    assert "ada@" not in caplog.text


def test_records_without_a_time_are_skipped_with_one_warning(partner, caplog):
    partner.records.append({"id": "clm_0", "created_at_epoch": None})
    assert events_of(watcher(), partner, lambda: None) == []
    assert caplog.text.count("have no id or no time") == 1


def test_a_watcher_continues_where_it_stopped(partner):
    store = FakeStore()
    (first,) = events_of(watcher(store), partner, lambda: partner.add("a"))
    partner.add("without a triggerer")
    (second,) = events_of(watcher(store), partner)
    assert second["ids"] == ["without a triggerer"]
    assert second["position"]["from"] == first["position"]["to"]
    assert events_of(watcher(store), partner) == []


def test_the_initial_position_is_saved_before_the_first_record(partner):
    store = FakeStore()
    events_of(watcher(store), partner)
    partner.add("between")
    (event,) = events_of(watcher(store), partner)
    assert event["ids"] == ["between"]


def test_a_watcher_that_dies_after_its_event_emits_it_again(partner):
    store = FakeStore()

    async def first_event():
        async with aclosing(watcher(store).run()) as stream:
            first_event = asyncio.ensure_future(anext(stream))
            while len(partner.queries) < 2:
                await asyncio.to_thread(lambda: None)
            partner.add("a")
            return (await first_event).payload

    event = asyncio.run(first_event())
    (repeated,) = events_of(watcher(store), partner)
    assert repeated == event


def test_without_a_store_a_watcher_starts_with_new_records(partner):
    (event,) = events_of(watcher(), partner, lambda: partner.add("a"))
    assert event["ids"] == ["a"]
    partner.records[0]["created_at_epoch"] -= 5
    assert events_of(watcher(), partner) == []


def test_a_watcher_can_start_in_the_past(partner):
    partner.add("old", at=datetime(2026, 3, 2, tzinfo=UTC))
    (event,) = events_of(watcher(since="2026-03-01T00:00:00Z"), partner)
    assert event["ids"] == ["old"]


def test_a_start_that_is_no_time_is_refused_at_dag_parsing():
    with pytest.raises(ConfigurationError, match="'since' is not a timestamp"):
        watcher(since="soon")


def test_a_saved_position_overrides_the_start(partner):
    store = FakeStore()
    events_of(watcher(store), partner)
    partner.add("old", at=datetime(2026, 3, 2, tzinfo=UTC))
    assert events_of(watcher(store, since="2026-03-01T00:00:00Z"), partner) == []


def test_an_unreadable_store_is_retried_instead_of_a_new_start(partner, pauses):
    store = FakeStore()
    events_of(watcher(store), partner, lambda: partner.add("a"))
    store.failures.extend([RuntimeError("database is locked")] * 3)
    partner.add("b")
    pauses.clear()
    (event,) = events_of(watcher(store), partner)
    assert event["ids"] == ["b"]
    assert pauses[:3] == [30.0] * 3


def test_a_failed_save_is_repeated_with_the_next_reading(partner):
    store = FakeStore()

    def add_records():
        partner.add("a")
        store.failures.append(RuntimeError("database is locked"))

    events_of(watcher(store), partner, add_records, readings=2)
    assert not store.failures
    assert events_of(watcher(store), partner) == []


def test_readings_without_new_records_save_nothing(partner):
    store = FakeStore()
    events_of(watcher(store), partner, lambda: None, readings=20)
    assert store.writes == 2  # the initial position, and the one after the first reading


def test_two_assets_of_one_trigger_both_keep_the_position(partner):
    class Stores:
        def __init__(self):
            self._by_name = {"one": FakeStore(), "two": FakeStore()}
            self._by_uri = {}

        def get(self, key):
            raise ValueError

    stores = Stores()
    events_of(watcher(stores), partner, lambda: partner.add("a"))
    one, two = stores._by_name.values()
    assert one.values == two.values != {}
    two.values.clear()
    assert events_of(watcher(stores), partner) == []


def test_watchers_of_one_asset_have_separate_positions():
    keys = {
        trigger._state_key
        for trigger in (
            YofiNewClaimsTrigger(),
            YofiNewReturnsTrigger(),
            YofiNewClaimsTrigger(shop="b.myshopify.com"),
            YofiNewClaimsTrigger(yofi_conn_id="yofi_b"),
            ShopifyPartnerNewInstallsTrigger(app_id="1"),
            ShopifyPartnerNewInstallsTrigger(app_id="1", types=["CREDIT_APPLIED"]),
            VoucherifyNewRedemptionsTrigger(),
            VoucherifyNewRedemptionsTrigger(parameters={"result": "SUCCESS"}),
        )
    }
    assert len(keys) == 8
    assert max(map(len, keys)) < 512


def test_another_interval_keeps_the_position():
    assert watcher()._state_key == watcher(poll_interval=5.0, lookback=7.0, max_ids=1, max_failures=2)._state_key
