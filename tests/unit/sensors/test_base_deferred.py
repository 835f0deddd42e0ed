"""Waiting in the triggerer: one look before, one event after, deadlines, and what is skipped."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from waiting_sensor import BUSY, DOWN, FOUND, NOW, YES, Waiting, context, raised

from airflow_provider_partners._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError
from airflow_provider_partners.sensors.base import TRIGGER_GRACE_PERIOD
from airflow_provider_partners.task_errors import PartnerTaskError

pytestmark = pytest.mark.usefixtures("looks", "clock")


def deferred(sensor):
    found = raised(sensor)
    assert type(found).__name__ == "TaskDeferred"
    return found


def test_what_is_met_already_is_not_deferred(looks):
    looks.answers[:] = [YES]
    assert Waiting(deferrable=True).execute(context()) == FOUND


def test_what_is_not_met_yet_is_deferred_after_one_look(looks):
    found = deferred(Waiting(deferrable=True, poke_interval=60, timeout=3600, max_failures=4))
    assert len(looks.asked) == 1
    path, arguments = found.trigger.serialize()
    assert path == "airflow_provider_partners.triggers.condition.ConditionTrigger"
    assert json.loads(json.dumps(arguments)) == {
        "conn_type": "yotpo",
        "conn_id": "store",
        "hook_params": {"shop": "a"},
        "condition": "looked",
        "spec": {"ids": ["1"]},
        "poll_interval": 60,
        "max_pause": None,
        "not_before": None,
        "deadline": (NOW + timedelta(hours=1)).timestamp(),
        "max_failures": 4,
    }
    assert found.method_name == "execute_complete"
    assert found.timeout == timedelta(hours=1) + TRIGGER_GRACE_PERIOD
    assert not found.kwargs


def test_the_sooner_of_the_two_deadlines_is_the_trigger_s():
    found = deferred(Waiting(deferrable=True, timeout=3600, execution_timeout=timedelta(minutes=5)))
    assert found.trigger.deadline == (NOW + timedelta(minutes=5)).timestamp()


def test_back_off_is_the_trigger_s_too():
    back_off = {"deferrable": True, "exponential_backoff": True, "timeout": 3600}
    assert deferred(Waiting(**back_off)).trigger.longest_pause == 3600
    assert deferred(Waiting(**back_off, max_wait=300)).trigger.longest_pause == 300


def test_a_wait_asked_for_at_the_first_look_is_the_trigger_s(looks):
    looks.answers[:] = [BUSY]
    assert deferred(Waiting(deferrable=True)).trigger.not_before == (NOW + timedelta(seconds=300)).timestamp()


def test_a_first_look_that_fails_is_borne(looks):
    looks.answers[:] = [DOWN]
    deferred(Waiting(deferrable=True))
    assert type(raised(Waiting(deferrable=True, max_failures=1))) is PartnerTaskError


@pytest.mark.parametrize("error", [AuthenticationError("refused"), ConfigurationError("wrong")])
def test_a_first_look_that_is_hopeless_is_not_deferred(looks, error):
    looks.answers[:] = [error]
    assert type(raised(Waiting(deferrable=True))) is AirflowFailException
    assert type(raised(Waiting(deferrable=True, soft_fail=True))) is AirflowSkipException


def test_being_deferred_is_no_failure_to_be_skipped():
    deferred(Waiting(deferrable=True, soft_fail=True))
    deferred(Waiting(deferrable=True, never_fail=True))


def resumed(event, **kwargs):
    return Waiting(deferrable=True, **kwargs).resume_execution("execute_complete", {"event": event}, context())


def failure(event, **kwargs):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # which one is asserted by the caller
        resumed(event, **kwargs)
    return caught.value


def test_what_the_trigger_found_is_the_result(looks):
    assert resumed({"status": "done", "message": "", "details": FOUND}) == FOUND
    assert looks.asked == []


FAILURES = [
    ({"status": "failed", "message": "it was cancelled"}, AirflowFailException),
    ({"status": "error", "kind": "fatal", "message": "refused"}, AirflowFailException),
    ({"status": "error", "kind": "exhausted", "message": "down"}, PartnerTaskError),
    ({"status": "error", "message": "down"}, PartnerTaskError),
    ({"status": "timeout", "message": "late"}, AirflowSensorTimeout),
    ({"status": "done"}, PartnerTaskError),
    ({"status": "fine"}, PartnerTaskError),
    ({}, PartnerTaskError),
    (None, PartnerTaskError),
    ("done", PartnerTaskError),
]


@pytest.mark.parametrize(("event", "kind"), FAILURES)
def test_a_failure_that_the_trigger_tells_fails_the_task(event, kind):
    found = failure(event)
    assert type(found) is kind
    assert isinstance(found, AirflowException)


@pytest.mark.parametrize(("event", "kind"), FAILURES)
@pytest.mark.parametrize("told", ["soft_fail", "never_fail"])
def test_a_failure_after_the_deferral_is_skipped_where_that_is_asked_for(event, kind, told):
    assert type(failure(event, **{told: True})) is AirflowSkipException


def test_a_try_s_own_deadline_leaves_the_retries():
    late = {"status": "timeout", "message": "late"}
    found = failure(late, timeout=3600, execution_timeout=timedelta(minutes=5))
    assert type(found) is AirflowTaskTimeout
    assert "0:05:00" in str(found)
    assert type(failure(late, execution_timeout=timedelta(minutes=5), soft_fail=True)) is AirflowSkipException


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({}, AirflowSensorTimeout),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSkipException),
    ],
)
def test_airflow_s_own_timeout_of_the_deferral_is_one_of_the_sensor(told, kind):
    sensor = Waiting(deferrable=True, **told)
    with pytest.raises(AirflowException) as caught:
        sensor.resume_execution("__fail__", {"error": "Trigger timeout", "traceback": None}, context())
    assert type(caught.value) is kind
