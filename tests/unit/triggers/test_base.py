"""Asking a partner from the triggerer: off the loop, never too often, told exactly once."""

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
    PartnersError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.hooks.base import SHORT_DEADLINE, SHORT_WAIT
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.base import PollingTrigger, growing_pauses, validate_event

START = 1_780_000_000.0


class Counting(PollingTrigger):
    """Asks a list of answers, in which errors are raised; the last stays."""

    def __init__(self, *, answers=(None,), **kwargs):
        super().__init__(**{"conn_type": "yotpo", "conn_id": "store", **kwargs})
        self.answers, self.asked, self.threads, self.clients = list(answers), 0, set(), []

    def poll(self, client):
        self.asked += 1
        self.threads.add(threading.current_thread())
        self.clients.append(client)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _store(monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_CONN_STORE", json.dumps({"conn_type": "yotpo", "login": "store-1", "password": "s3cret-of-the-store"})
    )
    random.seed(5)


@pytest.fixture
def waits(monkeypatch):
    """Time passes only by waiting on the loop."""
    made, now = [], [START]

    async def sleep(seconds):
        made.append(seconds)
        now[0] += seconds
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", sleep)
    monkeypatch.setattr(base.time, "time", lambda: now[0])
    return made


def told(trigger):
    """All that a trigger tells."""

    async def all_events():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(all_events())


DONE = {"status": "done", "message": ""}


def test_it_asks_until_there_is_something_and_tells_it_once(waits):
    trigger = Counting(answers=[None, None, DONE])
    assert told(trigger) == [DONE]
    assert trigger.asked == 3
    assert len(waits) == 3


def test_the_first_question_comes_soon_and_later_ones_at_the_interval(waits):
    told(Counting(answers=[*[None] * 20, DONE], poll_interval=30))
    assert waits[0] < 3
    assert all(27 <= wait <= 33 for wait in waits[-5:])
    assert waits[0] < waits[3] < waits[6]


@pytest.mark.parametrize("interval", [0, -5, 0.001])
def test_it_is_never_a_busy_loop(waits, interval):
    told(Counting(answers=[*[None] * 50, DONE], poll_interval=interval))
    assert min(waits) >= 0.5


def test_the_client_is_asked_in_a_thread_and_made_once(waits):
    trigger = Counting(answers=[None, None, DONE])
    told(trigger)
    assert threading.main_thread() not in trigger.threads
    assert len(set(map(id, trigger.clients))) == 1


def test_the_client_is_closed_at_the_end_and_when_the_trigger_is_stopped(waits):
    trigger = Counting(answers=[DONE])
    told(trigger)
    assert trigger._hook._client is None

    stopped = Counting(answers=[None])

    async def stop():
        task = asyncio.ensure_future(anext(aiter(stopped.run())))
        while not stopped.asked:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())
    assert stopped._hook._client is None


def test_a_client_of_the_triggerer_leaves_long_waits_to_the_loop(waits):
    trigger = Counting(answers=[DONE])
    told(trigger)
    assert trigger._hook.short_timeouts
    wire = trigger._hook.client_options("store-1")
    assert (wire["deadline"], wire["max_wait"]) == (SHORT_DEADLINE, SHORT_WAIT)


def test_secrets_are_masked_in_the_triggerer_too(waits):
    from airflow.sdk.log import redact

    told(Counting(answers=[DONE]))
    assert redact("sent s3cret-of-the-store") == "sent ***"


def test_a_failure_is_borne_and_forgotten_after_a_success(waits):
    answers = [*[TransientError("down")] * 9, None, *[TransientError("down")] * 9, DONE]
    assert told(Counting(answers=answers, max_failures=10)) == [DONE]


def test_too_many_failures_in_a_row_are_told(waits):
    trigger = Counting(answers=[TransientError("the network is down")], max_failures=4)
    (event,) = told(trigger)
    assert (event["status"], event["kind"]) == ("error", "exhausted")
    assert event["message"] == "asking failed 4 times in a row, at last with: the network is down"
    assert trigger.asked == 4


def test_pauses_between_failures_grow(waits):
    told(Counting(answers=[TransientError("down")], max_failures=8, poll_interval=30))
    assert all(later > earlier * 1.3 for earlier, later in itertools.pairwise(waits[:5]))
    assert max(waits) <= 660


def test_an_error_of_another_library_is_told_by_its_kind_alone(waits):
    (event,) = told(Counting(answers=[ValueError("token t0ken")], max_failures=1))
    assert event["message"].endswith("at last with: ValueError")


@pytest.mark.parametrize("error", [AuthenticationError("refused"), ConfigurationError("wrong")])
def test_what_waiting_can_t_cure_is_told_at_once(waits, error):
    trigger = Counting(answers=[error])
    assert told(trigger) == [{"status": "error", "message": str(error), "kind": "fatal"}]
    assert trigger.asked == 1


def test_a_wait_that_the_partner_asks_for_is_granted_and_is_no_failure(waits):
    busy = ThrottledError("busy", retry_after=200)
    assert told(Counting(answers=[busy, busy, DONE], max_failures=1)) == [DONE]
    assert sum(wait >= 180 for wait in waits) == 2


def test_the_deadline_ends_it_after_a_last_question(waits):
    trigger = Counting(answers=[None], deadline=START + 100, poll_interval=30)
    (event,) = told(trigger)
    assert event["status"] == "timeout"
    assert 99 <= sum(waits) <= 101


def test_a_deadline_that_has_passed_still_asks_once(waits):
    trigger = Counting(answers=[DONE], deadline=START - 100)
    assert told(trigger) == [DONE]


def test_a_long_wait_is_cut_at_the_deadline(waits):
    (event,) = told(Counting(answers=[ThrottledError("busy", retry_after=9_999)], deadline=START + 60))
    assert event["status"] == "timeout"
    assert sum(waits) <= 62


def test_an_unknown_connection_is_told(waits):
    (event,) = told(Counting(answers=[DONE], conn_id="nowhere"))
    assert (event["status"], "'nowhere' isn't defined" in event["message"]) == ("error", True)


def test_an_unknown_type_is_told_and_nothing_is_imported_for_it(waits):
    (event,) = told(Counting(answers=[DONE], conn_type="os.system"))
    assert event["status"] == "error"
    assert "no hook for connections of type 'os.system'" in event["message"]


@pytest.mark.parametrize("conn_type", ["shopify_admin", "shopify_partner", "voucherify", "yofi", "yotpo"])
def test_every_connection_type_has_its_hook(conn_type):
    assert hook_class(conn_type).conn_type == conn_type


def test_the_reason_of_a_cancellation_amid_a_question_reaches_the_triggerer(waits):
    asked, go_on = threading.Event(), threading.Event()

    class Slow(Counting):
        def poll(self, client):
            asked.set()
            go_on.wait(5)

    async def stop():
        task = asyncio.ensure_future(anext(aiter(Slow().run())))
        await asyncio.get_running_loop().run_in_executor(None, asked.wait, 5)
        task.cancel("a user stopped the task")
        try:
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
        finally:
            go_on.set()
        return raised.value.args

    assert asyncio.run(stop()) == ("a user stopped the task",)


def test_fifty_triggers_share_a_loop(waits):
    triggers = [Counting(answers=[*[None] * 5, DONE]) for _ in range(50)]

    async def one(trigger):
        return [event.payload async for event in trigger.run()]

    async def together():
        return await asyncio.gather(*(one(trigger) for trigger in triggers))

    assert asyncio.run(together()) == [[DONE]] * 50


def test_pauses_grow_up_to_the_interval():
    found = list(itertools.islice(growing_pauses(30), 12))
    assert found[:3] == [2, 3, 4.5]
    assert found[-1] == 30
    assert list(itertools.islice(growing_pauses(0), 2)) == [1, 1]


@pytest.mark.parametrize("event", [None, {}, {"status": None}, {"status": "fine"}, "done", ["done"], 7])
def test_an_event_that_is_not_understood_fails_loudly(event):
    with pytest.raises(PartnersError, match="nothing that can be understood"):
        validate_event(event)


@pytest.mark.parametrize("status", ["done", "failed", "timeout", "error"])
def test_an_event_that_is_understood_passes(status):
    assert validate_event({"status": status, "job_id": "1"}) == {"status": status, "job_id": "1"}
