"""Sensors in the triggerer: one check before, one event after, deadlines, and skipped tasks."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from airflow.sdk.exceptions import TaskDeferralError
from fakes.sensor import DETAILS, DOWN, MET, NOW, THROTTLED, FakeSensor, context, raised

from airflow_provider_partners._compat import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError
from airflow_provider_partners.sensors.base import TRIGGER_GRACE_PERIOD, ImpossibleConditionError
from airflow_provider_partners.task_errors import FatalTaskError, PartnerTaskError

pytestmark = pytest.mark.usefixtures("fake_condition", "clock")


def deferred(sensor):
    error = raised(sensor)
    assert type(error).__name__ == "TaskDeferred"
    return error


def test_a_met_condition_is_not_deferred(fake_condition):
    fake_condition.results[:] = [MET]
    assert FakeSensor(deferrable=True).execute(context()) == DETAILS


def test_an_unmet_condition_is_deferred_after_one_check(fake_condition):
    error = deferred(FakeSensor(deferrable=True, poke_interval=60, timeout=3600, max_failures=4))
    assert len(fake_condition.calls) == 1
    path, arguments = error.trigger.serialize()
    assert path == "airflow_provider_partners.triggers.condition.ConditionTrigger"
    assert json.loads(json.dumps(arguments)) == {
        "conn_type": "yotpo",
        "conn_id": "store",
        "hook_params": {"shop": "a"},
        "condition": "fake",
        "spec": {"ids": ["1"]},
        "poll_interval": 60,
        "max_pause": None,
        "not_before": None,
        "deadline": (NOW + timedelta(hours=1)).timestamp(),
        "max_failures": 4,
    }
    assert error.method_name == "execute_complete"
    assert error.timeout == timedelta(hours=1) + TRIGGER_GRACE_PERIOD
    assert not error.kwargs


def test_the_trigger_gets_the_earlier_deadline():
    error = deferred(FakeSensor(deferrable=True, timeout=3600, execution_timeout=timedelta(minutes=5)))
    assert error.trigger.deadline == (NOW + timedelta(minutes=5)).timestamp()


def test_the_trigger_gets_the_backoff():
    backoff = {"deferrable": True, "exponential_backoff": True, "timeout": 3600}
    assert deferred(FakeSensor(**backoff)).trigger.max_pause == 3600
    assert deferred(FakeSensor(**backoff, max_wait=300)).trigger.max_pause == 300


def test_the_trigger_gets_the_wait_of_the_first_check(fake_condition):
    fake_condition.results[:] = [THROTTLED]
    assert deferred(FakeSensor(deferrable=True)).trigger.not_before == (NOW + timedelta(seconds=300)).timestamp()


def test_a_failed_first_check_is_tolerated(fake_condition):
    fake_condition.results[:] = [DOWN]
    deferred(FakeSensor(deferrable=True))
    assert type(raised(FakeSensor(deferrable=True, max_failures=1))) is PartnerTaskError


@pytest.mark.parametrize("error", [AuthenticationError("refused"), ConfigurationError("wrong")])
def test_a_fatal_first_check_is_not_deferred(fake_condition, error):
    fake_condition.results[:] = [error]
    assert type(raised(FakeSensor(deferrable=True))) is FatalTaskError
    assert type(raised(FakeSensor(deferrable=True, soft_fail=True))) is FatalTaskError
    assert type(raised(FakeSensor(deferrable=True, never_fail=True))) is AirflowSkipException


def test_a_deferral_is_no_failure():
    deferred(FakeSensor(deferrable=True, soft_fail=True))
    deferred(FakeSensor(deferrable=True, never_fail=True))


def resumed(event, **kwargs):
    return FakeSensor(deferrable=True, **kwargs).resume_execution("execute_complete", {"event": event}, context())


def failure(event, **kwargs):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # the caller asserts its class
        resumed(event, **kwargs)
    return caught.value


def test_the_result_is_the_details_of_the_event(fake_condition):
    assert resumed({"status": "done", "message": "", "details": DETAILS}) == DETAILS
    assert fake_condition.calls == []


FAILURES = [
    ({"status": "failed", "message": "it was cancelled"}, ImpossibleConditionError),
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


@pytest.mark.parametrize(("event", "expected"), FAILURES)
def test_a_failed_event_fails_the_task(event, expected):
    error = failure(event)
    assert type(error) is expected
    assert isinstance(error, AirflowException)


@pytest.mark.parametrize(("event", "expected"), FAILURES)
def test_after_the_deferral_soft_fail_skips_what_it_skips_on_a_worker(event, expected):
    """Airflow's own resume skips every failure: https://github.com/apache/airflow/issues/71255."""
    soft = (ImpossibleConditionError, AirflowSensorTimeout)
    assert type(failure(event, soft_fail=True)) is (AirflowSkipException if expected in soft else expected)
    assert type(failure(event, never_fail=True)) is AirflowSkipException


def test_after_the_deferral_soft_fail_skips_no_trigger_that_crashed():
    sensor = FakeSensor(deferrable=True, soft_fail=True)
    with pytest.raises(TaskDeferralError):
        sensor.resume_execution("__fail__", {"error": "Trigger failure", "traceback": ["boom"]}, context())


def test_the_deadline_of_a_try_fails_the_try_only():
    late = {"status": "timeout", "message": "late"}
    error = failure(late, timeout=3600, execution_timeout=timedelta(minutes=5))
    assert type(error) is AirflowTaskTimeout
    assert "0:05:00" in str(error)
    assert type(failure(late, execution_timeout=timedelta(minutes=5), soft_fail=True)) is AirflowSkipException


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({}, AirflowSensorTimeout),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSkipException),
    ],
)
def test_airflow_s_timeout_of_the_deferral_is_a_sensor_timeout(option, expected):
    sensor = FakeSensor(deferrable=True, **option)
    with pytest.raises(AirflowException) as caught:
        sensor.resume_execution("__fail__", {"error": "Trigger timeout", "traceback": None}, context())
    assert type(caught.value) is expected


@pytest.mark.parametrize("option", [{}, {"soft_fail": True}])
def test_after_the_deferral_a_connection_that_is_never_found_fails(option):
    event = {"status": "timeout", "kind": "fatal", "message": "late; the last error: no connection 'store'"}
    error = failure(event, **option)
    assert type(error) is AirflowFailException
    assert "no connection 'store'" in str(error)
