"""A watcher that polls alone: what it tells, what it survives, what it keeps."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from fake_list import FakeList, FakeStore, hook_of

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.shopify_partner import ShopifyPartnerNewInstallsTrigger
from airflow_provider_partners.triggers.voucherify import VoucherifyNewRedemptionsTrigger
from airflow_provider_partners.triggers.watch import poll as watch_poll
from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger, YofiNewReturnsTrigger


@pytest.fixture
def partner():
    return FakeList()


@pytest.fixture(autouse=True)
def pauses(partner, monkeypatch):
    """A Yofi that is the fake, and no time that passes; the pauses that were asked for."""
    asked, real = [], asyncio.sleep

    async def sleep(seconds):
        asked.append(seconds)
        await real(0)

    monkeypatch.setattr(watch_poll.asyncio, "sleep", sleep)
    monkeypatch.setattr(base, "hook_class", {"yofi": hook_of(partner)}.__getitem__)
    monkeypatch.setenv("AIRFLOW_CONN_YOFI_A", json.dumps({"conn_type": "yofi", "password": "s3cret-value"}))
    return asked


def watcher(store=None, **arguments):
    made = YofiNewClaimsTrigger(**{"yofi_conn_id": "yofi_a", "poll_interval": 60.0, **arguments})
    made.asset_state_store = store
    return made


def told(made, partner, *steps, rounds=0):
    """Run a watcher: each step is done once it has read the list again; the events that came."""

    async def until_read(again):
        wanted = len(partner.queries) + again
        while len(partner.queries) < wanted:
            await asyncio.to_thread(lambda: None)

    async def run():
        events = []

        async def listen():
            async with aclosing(made.run()) as stream:
                async for event in stream:
                    events.append(event.payload)  # noqa: PERF401  # they count even if the stream is cancelled

        listening = asyncio.ensure_future(listen())
        try:
            await asyncio.wait_for(until_read(2), 60)
            for step in steps:
                step()
                await asyncio.wait_for(until_read(3 + rounds), 60)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        return events

    return asyncio.run(run())


def test_rows_that_come_are_told_in_one_event(partner):
    partner.add("old")
    partner.records[0]["created_at_epoch"] -= 600
    (event,) = told(watcher(), partner, lambda: partner.add("clm_1", "clm_2"))
    assert event["count"] == 2
    assert event["ids"] == ["clm_1", "clm_2"]
    assert (event["source"], event["resource"], event["account"]) == ("yofi", "claims", "a.myshopify.com")
    assert event["conn_id"] == "yofi_a"


def test_the_window_of_an_event_holds_the_rows_and_nothing_is_half(partner):
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=100)

    def come():
        partner.add("clm_1", at=at)
        partner.add("clm_2", at=at + timedelta(seconds=30, microseconds=5))

    (event,) = told(watcher(), partner, come)
    assert datetime.fromisoformat(event["since"]) == at
    assert datetime.fromisoformat(event["until"]) == at + timedelta(seconds=31)


def test_an_event_carries_the_old_and_the_new_position(partner):
    first, second = told(watcher(), partner, lambda: partner.add("a"), lambda: partner.add("b"))
    assert first["position"]["to"] == second["position"]["from"]
    assert first["position"]["from"] < first["position"]["to"] <= second["position"]["to"]
    assert first["batch"] != second["batch"]


def test_an_event_holds_no_person_and_a_bounded_number_of_ids(partner):
    (event,) = told(watcher(max_ids=2), partner, lambda: partner.add("a", "b", "c"))
    assert event["count"] == 3
    assert len(event["ids"]) == 2
    assert "ada" not in json.dumps(event)


def test_quiet_rounds_tell_nothing(partner):
    assert told(watcher(), partner, lambda: None, rounds=20) == []


def test_the_list_is_asked_for_little_and_from_the_lookback_on(partner):
    told(watcher(lookback=120.0), partner)
    query = partner.queries[-1]
    assert query["resource"] == "claims"
    assert query["fields"] == ("id", "created_at_epoch")
    assert timedelta(seconds=100) < datetime.now(UTC) - query["since"] < timedelta(seconds=140)


def test_readings_keep_to_the_interval(partner, pauses):
    told(watcher(), partner, lambda: None, rounds=5)
    assert pauses[0] == watch_poll.STARTUP_DELAY
    assert {57 <= pause <= 63 for pause in pauses[1:]} == {True}


def test_an_interval_of_nothing_is_no_busy_loop(partner, pauses):
    told(watcher(poll_interval=0.0), partner, lambda: None)
    assert min(pauses[1:]) > 0.9


@pytest.mark.parametrize("error", [TransientError("down"), RuntimeError("odd"), AuthenticationError("refused")])
def test_failures_are_survived_with_growing_pauses(partner, pauses, error):
    partner.failures.extend([error] * 4)
    (event,) = told(watcher(), partner, lambda: None, lambda: partner.add("clm_1"), rounds=2)
    assert event["ids"] == ["clm_1"]
    assert [pause / 60 for pause in pauses[1:5]] == pytest.approx([1, 2, 4, 8], rel=0.06)


def test_pauses_grow_up_to_an_hour(partner, pauses):
    partner.failures.extend([TransientError("down")] * 12)
    told(watcher(), partner, lambda: None, rounds=9)
    assert max(pauses) <= 1.05 * watch_poll.MAX_PAUSE
    assert pauses[11] >= 0.95 * watch_poll.MAX_PAUSE


def test_a_wait_that_the_partner_asks_for_is_granted_and_is_no_failure(partner, pauses):
    partner.failures.append(ThrottledError("slow down", retry_after=1000.0))
    told(watcher(), partner, lambda: None)
    assert 950 <= pauses[1] <= 1050
    assert 57 <= pauses[2] <= 63


def test_the_connection_is_looked_up_again_after_a_failure(partner):
    partner.failures.append(AuthenticationError("refused"))
    told(watcher(), partner, lambda: None)
    assert partner.clients_created == 2
    assert partner.clients_closed == 2  # the second time in the end


def test_a_missing_connection_is_waited_for(partner, monkeypatch):
    made = watcher(yofi_conn_id="yofi_to_come")
    stored = json.dumps({"conn_type": "yofi", "password": "s3cret-value"})
    poll = made.create_poller()
    with pytest.raises(ConfigurationError, match="isn't defined"):
        poll.read(datetime.now(UTC))

    async def next_round():
        desk = watch_poll.WatcherRegistry()
        desk.register(made, datetime.now(UTC))
        async with aclosing(poll.results(desk)) as rounds:
            waiting = asyncio.ensure_future(anext(rounds))
            await asyncio.to_thread(lambda: None)
            monkeypatch.setenv("AIRFLOW_CONN_YOFI_TO_COME", stored)
            return await asyncio.wait_for(waiting, 60)

    assert asyncio.run(next_round()).account == "a.myshopify.com"


@pytest.mark.parametrize(
    ("errors", "levels"),
    [
        ([TransientError("down")] * 3, ["WARNING", "WARNING", "ERROR"]),
        ([AuthenticationError("refused")], ["ERROR"]),
        ([NotFoundError("no such path")], ["ERROR"]),
        ([ThrottledError("slow down", retry_after=5.0)], ["INFO"]),
    ],
)
def test_how_loud_a_failure_is(partner, caplog, errors, levels):
    caplog.set_level(logging.INFO, logger=watch_poll.__name__)
    partner.failures.extend(errors)
    told(watcher(max_failures=2), partner, lambda: None)
    assert [each.levelname for each in caplog.records if each.name == watch_poll.__name__] == levels


def test_the_connection_is_looked_up_anew_now_and_then(partner, monkeypatch):
    monkeypatch.setattr(watch_poll, "RECONNECT_AFTER", -1.0)
    told(watcher(), partner)
    assert partner.clients_created >= 2
    assert partner.clients_closed == partner.clients_created


def test_an_error_of_another_library_is_named_but_not_quoted(partner, caplog):
    partner.failures.append(RuntimeError("for ada@shop.example"))
    told(watcher(), partner, lambda: None)
    assert "RuntimeError" in caplog.text
    assert "ada@" not in caplog.text


def test_rows_without_a_time_are_left_out_and_said_once(partner, caplog):
    partner.records.append({"id": "clm_0", "created_at_epoch": None})
    assert told(watcher(), partner, lambda: None) == []
    assert caplog.text.count("carry no id or no time") == 1


def test_a_watcher_goes_on_where_it_stopped(partner):
    store = FakeStore()
    (first,) = told(watcher(store), partner, lambda: partner.add("a"))
    partner.add("while nobody looked")
    (second,) = told(watcher(store), partner)
    assert second["ids"] == ["while nobody looked"]
    assert second["position"]["from"] == first["position"]["to"]
    assert told(watcher(store), partner) == []


def test_the_beginning_is_stored_before_anything_comes(partner):
    store = FakeStore()
    told(watcher(store), partner)
    partner.add("between")
    (event,) = told(watcher(store), partner)
    assert event["ids"] == ["between"]


def test_a_watcher_that_dies_behind_its_event_tells_it_again(partner):
    store = FakeStore()

    async def first_event():
        async with aclosing(watcher(store).run()) as stream:
            coming = asyncio.ensure_future(anext(stream))
            while len(partner.queries) < 2:
                await asyncio.to_thread(lambda: None)
            partner.add("a")
            return (await coming).payload

    event = asyncio.run(first_event())
    (again,) = told(watcher(store), partner)
    assert again == event


def test_without_a_store_a_watcher_begins_with_what_comes(partner):
    (event,) = told(watcher(), partner, lambda: partner.add("a"))
    assert event["ids"] == ["a"]
    partner.records[0]["created_at_epoch"] -= 5
    assert told(watcher(), partner) == []


def test_a_beginning_can_be_asked_for(partner):
    partner.add("old", at=datetime(2026, 3, 2, tzinfo=UTC))
    (event,) = told(watcher(since="2026-03-01T00:00:00Z"), partner)
    assert event["ids"] == ["old"]


def test_a_beginning_that_is_no_time_is_refused_where_the_dag_is_read():
    with pytest.raises(ConfigurationError, match="'since' is not a time"):
        watcher(since="soon")


def test_what_was_stored_counts_more_than_a_beginning(partner):
    store = FakeStore()
    told(watcher(store), partner)
    partner.add("old", at=datetime(2026, 3, 2, tzinfo=UTC))
    assert told(watcher(store, since="2026-03-01T00:00:00Z"), partner) == []


def test_a_store_that_can_t_be_read_is_waited_for_rather_than_begun_anew(partner, pauses):
    store = FakeStore()
    told(watcher(store), partner, lambda: partner.add("a"))
    store.failures.extend([RuntimeError("database is locked")] * 3)
    partner.add("b")
    pauses.clear()
    (event,) = told(watcher(store), partner)
    assert event["ids"] == ["b"]
    assert pauses[:3] == [30.0] * 3


def test_a_store_that_can_t_be_written_is_written_the_next_time(partner):
    store = FakeStore()

    def come():
        partner.add("a")
        store.failures.append(RuntimeError("database is locked"))

    told(watcher(store), partner, come, rounds=2)
    assert not store.failures
    assert told(watcher(store), partner) == []


def test_quiet_rounds_write_nothing(partner):
    store = FakeStore()
    told(watcher(store), partner, lambda: None, rounds=20)
    assert store.writes == 2  # the beginning, and that the first reading is done


def test_two_assets_of_one_trigger_both_keep_the_position(partner):
    class Stores:
        def __init__(self):
            self._by_name = {"one": FakeStore(), "two": FakeStore()}
            self._by_uri = {}

        def get(self, key):
            raise ValueError

    stores = Stores()
    told(watcher(stores), partner, lambda: partner.add("a"))
    one, two = stores._by_name.values()
    assert one.values == two.values != {}
    two.values.clear()
    assert told(watcher(stores), partner) == []


def test_watchers_of_one_asset_keep_their_positions_apart():
    names = {
        made._state_key
        for made in (
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
    assert len(names) == 8
    assert max(map(len, names)) < 512


def test_another_pace_keeps_the_position():
    assert watcher()._state_key == watcher(poll_interval=5.0, lookback=7.0, max_ids=1, max_failures=2)._state_key
