"""Polling a partner in the triggerer: off the event loop, never too often, with exactly one event."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading

import pytest

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotDefinedError,
    PartnersError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.hooks.base import SHORT_DEADLINE, SHORT_WAIT
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.base import PollingTrigger, growing_pauses, hook_class, validate_event

START = 1_780_000_000.0
LATE = "it did not happen within the time allowed"


class FakeTrigger(PollingTrigger):
    """Polls a list of results and raises its errors; the last one repeats."""

    def __init__(self, *, results=(None,), **kwargs):
        super().__init__(**{"conn_type": "yotpo", "conn_id": "store", **kwargs})
        self.results, self.polls, self.threads, self.clients = list(results), 0, set(), []

    def poll(self, client):
        self.polls += 1
        self.threads.add(threading.current_thread())
        self.clients.append(client)
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture(autouse=True)
def _store(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_STORE", json.dumps({"conn_type": "yotpo", "login": "store-1", "password": "s3cret-of-the-store"})
    )
    random.seed(5)


@pytest.fixture
def pauses(monkeypatch):
    """A clock that only sleeping on the event loop moves."""
    slept, now = [], [START]

    async def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", sleep)
    monkeypatch.setattr(base.time, "time", lambda: now[0])
    return slept


def events_of(trigger):
    """All events of a trigger."""

    async def all_events():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(all_events())


DONE = {"status": "done", "message": ""}


def test_it_polls_until_there_is_an_event_and_emits_it_once(pauses):
    trigger = FakeTrigger(results=[None, None, DONE])
    assert events_of(trigger) == [DONE]
    assert trigger.polls == 3
    assert len(pauses) == 3


def test_the_first_polls_come_soon_and_later_ones_at_the_interval(pauses):
    events_of(FakeTrigger(results=[*[None] * 20, DONE], poll_interval=30))
    assert pauses[0] < 3
    assert all(27 <= wait <= 33 for wait in pauses[-5:])
    assert pauses[0] < pauses[3] < pauses[6]


@pytest.mark.parametrize("interval", [0, -5, 0.001])
def test_it_is_never_a_busy_loop(pauses, interval):
    events_of(FakeTrigger(results=[*[None] * 50, DONE], poll_interval=interval))
    assert min(pauses) >= 0.5


def test_one_client_is_polled_in_a_thread(pauses):
    trigger = FakeTrigger(results=[None, None, DONE])
    events_of(trigger)
    assert threading.main_thread() not in trigger.threads
    assert len(set(map(id, trigger.clients))) == 1


def test_the_client_is_closed_at_the_end_and_when_the_trigger_is_stopped(pauses):
    trigger = FakeTrigger(results=[DONE])
    events_of(trigger)
    assert trigger._hook._client is None

    stopped = FakeTrigger(results=[None])

    async def stop():
        task = asyncio.ensure_future(anext(aiter(stopped.run())))
        while not stopped.polls:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())
    assert stopped._hook._client is None


def test_the_client_has_short_timeouts(pauses):
    trigger = FakeTrigger(results=[DONE])
    events_of(trigger)
    assert trigger._hook.short_timeouts
    options = trigger._hook.client_options("store-1")
    assert (options.deadline, options.max_wait) == (SHORT_DEADLINE, SHORT_WAIT)


def test_secrets_are_masked_in_the_triggerer_too(pauses):
    from airflow.sdk.log import redact

    events_of(FakeTrigger(results=[DONE]))
    assert redact("sent s3cret-of-the-store") == "sent ***"


def test_a_successful_poll_resets_the_failure_count(pauses):
    results = [*[TransientError("down")] * 9, None, *[TransientError("down")] * 9, DONE]
    assert events_of(FakeTrigger(results=results, max_failures=10)) == [DONE]


def test_too_many_failures_in_a_row_end_it(pauses):
    trigger = FakeTrigger(results=[TransientError("the network is down")], max_failures=4)
    (event,) = events_of(trigger)
    assert (event["status"], event["kind"]) == ("error", "exhausted")
    assert event["message"] == "polling failed 4 times in a row; the last error: the network is down"
    assert trigger.polls == 4


def test_pauses_between_failures_grow(pauses):
    events_of(FakeTrigger(results=[TransientError("down")], max_failures=8, poll_interval=30))
    assert all(later > earlier * 1.3 for earlier, later in itertools.pairwise(pauses[:5]))
    assert max(pauses) <= 660


def test_an_error_of_another_library_is_reported_by_its_class_only(pauses):
    (event,) = events_of(FakeTrigger(results=[ValueError("token t0ken")], max_failures=1))
    assert event["message"].endswith("the last error: ValueError")


@pytest.mark.parametrize("error", [AuthenticationError("refused"), ConfigurationError("wrong")])
def test_a_fatal_error_ends_it_at_once(pauses, error):
    trigger = FakeTrigger(results=[error])
    assert events_of(trigger) == [{"status": "error", "message": str(error), "kind": "fatal"}]
    assert trigger.polls == 1


def test_a_wait_that_the_partner_requests_is_no_failure(pauses):
    throttled = ThrottledError("busy", retry_after=200)
    assert events_of(FakeTrigger(results=[throttled, throttled, DONE], max_failures=1)) == [DONE]
    assert sum(wait >= 180 for wait in pauses) == 2


def test_the_deadline_ends_it_after_a_last_poll(pauses):
    trigger = FakeTrigger(results=[None], deadline=START + 100, poll_interval=30)
    (event,) = events_of(trigger)
    assert event["status"] == "timeout"
    assert 99 <= sum(pauses) <= 101


def test_after_the_deadline_it_polls_once(pauses):
    trigger = FakeTrigger(results=[DONE], deadline=START - 100)
    assert events_of(trigger) == [DONE]


def test_a_long_wait_is_cut_at_the_deadline(pauses):
    (event,) = events_of(FakeTrigger(results=[ThrottledError("busy", retry_after=9_999)], deadline=START + 60))
    assert event["status"] == "timeout"
    assert sum(pauses) <= 62


def test_an_unknown_connection_is_reported(pauses):
    (event,) = events_of(FakeTrigger(results=[DONE], conn_id="nowhere"))
    assert (event["status"], "did not find the connection 'nowhere'" in event["message"]) == ("error", True)


def test_an_unknown_connection_type_is_reported_and_imports_nothing(pauses):
    (event,) = events_of(FakeTrigger(results=[DONE], conn_type="os.system"))
    assert event["status"] == "error"
    assert "no hook for connections of type 'os.system'" in event["message"]


@pytest.mark.parametrize("conn_type", ["shopify_admin", "shopify_partner", "voucherify", "yofi", "yotpo"])
def test_every_connection_type_has_its_hook(conn_type):
    assert hook_class(conn_type).conn_type == conn_type


def test_the_reason_of_a_cancellation_during_a_poll_reaches_the_triggerer(pauses):
    polled, resume = threading.Event(), threading.Event()

    class Slow(FakeTrigger):
        def poll(self, client):
            polled.set()
            resume.wait(5)

    async def stop():
        task = asyncio.ensure_future(anext(aiter(Slow().run())))
        await asyncio.get_running_loop().run_in_executor(None, polled.wait, 5)
        task.cancel("a user stopped the task")
        try:
            with pytest.raises(asyncio.CancelledError) as error:
                await task
        finally:
            resume.set()
        return error.value.args

    assert asyncio.run(stop()) == ("a user stopped the task",)


def test_a_poll_that_goes_on_after_its_trigger_closes_the_client_that_it_builds(pauses):
    """A thread can't be stopped. It may look up the connection while the trigger is cancelled and cleans up."""
    looked_up, resume, polled = threading.Event(), threading.Event(), threading.Event()

    class Late(FakeTrigger):
        def client(self):
            looked_up.set()
            resume.wait(5)
            return super().client()

        def poll(self, client):
            polled.set()
            return super().poll(client)

    trigger = Late()

    async def stop():
        task = asyncio.ensure_future(anext(aiter(trigger.run())))
        await asyncio.get_running_loop().run_in_executor(None, looked_up.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        resume.set()
        await asyncio.get_running_loop().run_in_executor(None, polled.wait, 5)
        while trigger._hook._client is not None:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)

    asyncio.run(asyncio.wait_for(stop(), 30))
    assert trigger.polls == 1


def test_fifty_triggers_share_a_loop(pauses):
    triggers = [FakeTrigger(results=[*[None] * 5, DONE]) for _ in range(50)]

    async def one(trigger):
        return [event.payload async for event in trigger.run()]

    async def together():
        return await asyncio.gather(*(one(trigger) for trigger in triggers))

    assert asyncio.run(together()) == [[DONE]] * 50


def test_pauses_grow_up_to_the_interval():
    pauses = list(itertools.islice(growing_pauses(30), 12))
    assert pauses[:3] == [2, 3, 4.5]
    assert pauses[-1] == 30
    assert list(itertools.islice(growing_pauses(0), 2)) == [1, 1]


@pytest.mark.parametrize("event", [None, {}, {"status": None}, {"status": "fine"}, "done", ["done"], 7])
def test_an_unreadable_event_is_an_error(event):
    with pytest.raises(PartnersError, match="event is not readable"):
        validate_event(event)


@pytest.mark.parametrize("status", ["done", "failed", "timeout", "error"])
def test_a_readable_event_is_returned(status):
    assert validate_event({"status": status, "job_id": "1"}) == {"status": status, "job_id": "1"}


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransientError("down"), {"status": "timeout", "message": f"{LATE}; the last error: down"}),
        (NotDefinedError("none"), {"status": "timeout", "message": f"{LATE}; the last error: none", "kind": "fatal"}),
        (None, {"status": "timeout", "message": LATE}),
    ],
)
def test_the_event_of_a_timeout_names_the_last_error(error, expected):
    trigger = FakeTrigger(results=[None, error], poll_interval=10, deadline=START + 100)
    assert asyncio.run(trigger._poll_until_event()) == expected
