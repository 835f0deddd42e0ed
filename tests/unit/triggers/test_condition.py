"""A condition watched from the triggerer: at the sensor's pace, told with what was found."""

from __future__ import annotations

import asyncio
import itertools
import json
import random

import pytest

from airflow_provider_partners.exceptions import AuthenticationError, RejectedError, ThrottledError, TransientError
from airflow_provider_partners.triggers import base, conditions
from airflow_provider_partners.triggers.condition import ConditionTrigger
from airflow_provider_partners.triggers.conditions import ConditionResult

START = 1_780_000_000.0
YES, NO = ConditionResult(True, {"records": 1}), ConditionResult(False, {"records": 0})


@pytest.fixture
def looks(monkeypatch):
    """What each look at the partner gives, in turn; the last stays."""
    answers, asked = [YES], []

    def look(client, question):
        asked.append((client.store_id, question))
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    look.answers, look.asked = answers, asked
    monkeypatch.setattr(conditions, "CONDITIONS", {"looked": look})
    store = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(store))
    return look


@pytest.fixture
def waits(monkeypatch):
    """Time passes only by waiting on the loop."""
    random.seed(5)
    made, now = [], [START]

    async def sleep(seconds):
        made.append(seconds)
        now[0] += seconds
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", sleep)
    monkeypatch.setattr(base.time, "time", lambda: now[0])
    return made


def trigger(**arguments):
    return ConditionTrigger(**{"conn_type": "yotpo", "conn_id": "store", "condition": "looked", **arguments})


def told(made):
    async def all_events():
        return [event.payload async for event in made.run()]

    return asyncio.run(all_events())


def test_what_is_found_is_told_once(looks, waits):
    looks.answers[:] = [NO, NO, YES]
    assert told(trigger(spec={"ids": ["1"]})) == [{"status": "done", "message": "", "details": {"records": 1}}]
    assert looks.asked == [("store-1", {"ids": ["1"]})] * 3


def test_what_never_will_be_is_told_at_once(looks, waits):
    looks.answers[:] = [ConditionResult(False, {"status": "ERROR"}, impossible_reason="it was cancelled")]
    assert told(trigger()) == [{"status": "failed", "message": "it was cancelled", "details": {"status": "ERROR"}}]
    assert len(looks.asked) == 1


def test_it_asks_at_the_interval_from_the_first_question_on(looks, waits):
    looks.answers[:] = [*[NO] * 6, YES]
    told(trigger(poll_interval=60))
    assert len(waits) == 7
    assert all(54 <= wait <= 66 for wait in waits)


def test_pauses_double_up_to_the_longest_where_that_is_asked_for():
    found = list(itertools.islice(trigger(poll_interval=10, max_pause=60).pauses(), 6))
    assert found == [10, 20, 40, 60, 60, 60]


@pytest.mark.parametrize("interval", [0, -3, 0.01])
def test_it_is_never_a_busy_loop(looks, waits, interval):
    looks.answers[:] = [*[NO] * 30, YES]
    told(trigger(poll_interval=interval))
    assert min(waits) >= 0.5


def test_a_wait_that_the_partner_asked_for_before_is_kept(looks, waits):
    told(trigger(poll_interval=10, not_before=START + 300))
    assert sum(waits) >= 299
    assert len(looks.asked) == 1


def test_a_wait_that_the_partner_asks_for_is_no_failure(looks, waits):
    looks.answers[:] = [ThrottledError("busy", retry_after=200), ThrottledError("busy", retry_after=200), YES]
    assert told(trigger(poll_interval=10, max_failures=1))[0]["status"] == "done"
    assert sum(waits) >= 390


@pytest.mark.parametrize("error", [AuthenticationError("refused"), RejectedError("no such field")])
def test_what_asking_again_can_t_cure_is_fatal(looks, waits, error):
    looks.answers[:] = [error]
    assert told(trigger()) == [{"status": "error", "kind": "fatal", "message": str(error)}]
    assert len(looks.asked) == 1


def test_an_unknown_condition_is_fatal(looks, waits):
    (event,) = told(trigger(condition="os.system"))
    assert (event["status"], event["kind"]) == ("error", "fatal")


def test_failures_in_a_row_are_told_when_there_are_too_many(looks, waits):
    looks.answers[:] = [TransientError("down"), NO, TransientError("down"), TransientError("down")]
    (event,) = told(trigger(max_failures=2))
    assert (event["status"], event["kind"], len(looks.asked)) == ("error", "exhausted", 4)


def test_the_deadline_is_told(looks, waits):
    looks.answers[:] = [NO]
    (event,) = told(trigger(deadline=START + 100, poll_interval=30))
    assert event["status"] == "timeout"


def test_its_text_in_logs_holds_no_secret():
    assert "s3cret" not in repr(trigger(spec={"external_ids": ["1"]}))
