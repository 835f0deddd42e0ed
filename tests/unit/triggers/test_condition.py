"""A condition in the triggerer: polled at the sensor's interval, with its details in the event."""

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
MET, NOT_MET = ConditionResult(True, {"records": 1}), ConditionResult(False, {"records": 0})


@pytest.fixture
def fake_condition(monkeypatch):
    """A condition with the given results, one per check; the last one repeats."""
    results, calls = [MET], []

    def check(client, spec):
        calls.append((client.store_id, spec))
        result = results.pop(0) if len(results) > 1 else results[0]
        if isinstance(result, Exception):
            raise result
        return result

    check.results, check.calls = results, calls
    monkeypatch.setattr(conditions, "CONDITIONS", {"fake": check})
    store = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(store))
    return check


@pytest.fixture
def pauses(monkeypatch):
    """A clock that only sleeping on the event loop moves."""
    random.seed(5)
    slept, now = [], [START]

    async def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", sleep)
    monkeypatch.setattr(base.time, "time", lambda: now[0])
    return slept


def trigger(**arguments):
    return ConditionTrigger(**{"conn_type": "yotpo", "conn_id": "store", "condition": "fake", **arguments})


def events_of(condition_trigger):
    async def all_events():
        return [event.payload async for event in condition_trigger.run()]

    return asyncio.run(all_events())


def test_the_details_are_in_one_event(fake_condition, pauses):
    fake_condition.results[:] = [NOT_MET, NOT_MET, MET]
    assert events_of(trigger(spec={"ids": ["1"]})) == [{"status": "done", "message": "", "details": {"records": 1}}]
    assert fake_condition.calls == [("store-1", {"ids": ["1"]})] * 3


def test_an_impossible_condition_ends_it_at_once(fake_condition, pauses):
    fake_condition.results[:] = [ConditionResult(False, {"status": "ERROR"}, impossible_reason="it was cancelled")]
    assert events_of(trigger()) == [{"status": "failed", "message": "it was cancelled", "details": {"status": "ERROR"}}]
    assert len(fake_condition.calls) == 1


def test_it_polls_at_the_interval_from_the_start(fake_condition, pauses):
    fake_condition.results[:] = [*[NOT_MET] * 6, MET]
    events_of(trigger(poll_interval=60))
    assert len(pauses) == 7
    assert all(54 <= wait <= 66 for wait in pauses)


def test_with_backoff_the_pauses_double_up_to_the_longest():
    pauses = list(itertools.islice(trigger(poll_interval=10, max_pause=60).pauses(), 6))
    assert pauses == [10, 20, 40, 60, 60, 60]


@pytest.mark.parametrize("interval", [0, -3, 0.01])
def test_it_is_never_a_busy_loop(fake_condition, pauses, interval):
    fake_condition.results[:] = [*[NOT_MET] * 30, MET]
    events_of(trigger(poll_interval=interval))
    assert min(pauses) >= 0.5


def test_it_does_not_poll_before_the_given_time(fake_condition, pauses):
    events_of(trigger(poll_interval=10, not_before=START + 300))
    assert sum(pauses) >= 299
    assert len(fake_condition.calls) == 1


def test_a_given_time_beyond_all_waits_means_a_clock_that_was_set_back(fake_condition, pauses):
    events_of(trigger(poll_interval=10, not_before=START + 86_400))
    assert sum(pauses) < 60


def test_a_wait_that_the_partner_requests_is_no_failure(fake_condition, pauses):
    fake_condition.results[:] = [ThrottledError("busy", retry_after=200), ThrottledError("busy", retry_after=200), MET]
    assert events_of(trigger(poll_interval=10, max_failures=1))[0]["status"] == "done"
    assert sum(pauses) >= 390


@pytest.mark.parametrize("error", [AuthenticationError("refused"), RejectedError("no such field")])
def test_an_error_of_the_request_is_fatal(fake_condition, pauses, error):
    fake_condition.results[:] = [error]
    assert events_of(trigger()) == [{"status": "error", "kind": "fatal", "message": str(error)}]
    assert len(fake_condition.calls) == 1


def test_an_unknown_condition_is_fatal(fake_condition, pauses):
    (event,) = events_of(trigger(condition="os.system"))
    assert (event["status"], event["kind"]) == ("error", "fatal")


def test_too_many_failures_in_a_row_end_it(fake_condition, pauses):
    fake_condition.results[:] = [TransientError("down"), NOT_MET, TransientError("down"), TransientError("down")]
    (event,) = events_of(trigger(max_failures=2))
    assert (event["status"], event["kind"], len(fake_condition.calls)) == ("error", "exhausted", 4)


def test_the_deadline_ends_it(fake_condition, pauses):
    fake_condition.results[:] = [NOT_MET]
    (event,) = events_of(trigger(deadline=START + 100, poll_interval=30))
    assert event["status"] == "timeout"


def test_its_text_in_logs_holds_no_secret():
    assert "s3cret" not in repr(trigger(spec={"external_ids": ["1"]}))
