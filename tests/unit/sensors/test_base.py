"""Sensors on a worker, in poke and reschedule mode: failures, requested waits, and skipped tasks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes.sensor import (
    DETAILS,
    DOWN,
    IMPOSSIBLE,
    MET,
    NOT_MET,
    NOW,
    THROTTLED,
    FakeSensor,
    FakeStateStore,
    context,
    raised,
)

from airflow_provider_partners._compat import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    utcnow,
)
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DatasetError,
    RejectedError,
    ThrottledError,
    UnexpectedResponseError,
)
from airflow_provider_partners.task_errors import FatalTaskError, PartnerTaskError

pytestmark = pytest.mark.usefixtures("fake_condition", "clock")


def test_a_met_condition_ends_the_wait_with_its_details(fake_condition):
    fake_condition.results[:] = [MET]
    assert FakeSensor().execute(context()) == DETAILS
    assert len(fake_condition.calls) == 1


def test_the_condition_is_checked_at_every_interval(fake_condition, clock):
    fake_condition.results[:] = [NOT_MET, NOT_MET, MET]
    assert FakeSensor(poke_interval=60).execute(context()) == DETAILS
    assert fake_condition.calls == [NOW, NOW + timedelta(seconds=60), NOW + timedelta(seconds=120)]


def test_one_client_serves_all_checks_and_is_closed_at_the_end(fake_condition):
    fake_condition.results[:] = [NOT_MET, NOT_MET, MET]
    sensor = FakeSensor(poke_interval=5)
    sensor.execute(context())
    assert len(set(map(id, fake_condition.clients))) == 1
    assert sensor._hook._client is None
    assert sensor._hook.short_timeouts


def test_the_spec_is_built_once(fake_condition):
    fake_condition.results[:] = [NOT_MET, NOT_MET, MET]
    sensor = FakeSensor(poke_interval=5)
    sensor.execute(context())
    assert sensor.specs_built == 1


@pytest.mark.parametrize("interval", [0, 0.01])
def test_it_is_never_a_busy_loop(fake_condition, clock, interval):
    fake_condition.results[:] = [*[NOT_MET] * 5, MET]
    FakeSensor(poke_interval=interval).execute(context())
    assert fake_condition.calls[-1] - fake_condition.calls[0] >= timedelta(seconds=4.99)


def test_a_wait_that_takes_too_long_times_out(fake_condition):
    error = raised(FakeSensor(poke_interval=60, timeout=600))
    assert type(error) is AirflowSensorTimeout
    assert 10 <= len(fake_condition.calls) <= 12


@pytest.mark.parametrize("error", [AuthenticationError("refused"), ConfigurationError("wrong"), RejectedError("no")])
def test_a_fatal_error_fails_at_once(fake_condition, error):
    fake_condition.results[:] = [error]
    error = raised(FakeSensor())
    assert (type(error), str(error)) == (FatalTaskError, str(error))
    assert len(fake_condition.calls) == 1


def test_an_impossible_condition_fails_at_once(fake_condition):
    fake_condition.results[:] = [IMPOSSIBLE]
    error = raised(FakeSensor())
    assert isinstance(error, AirflowFailException)
    assert str(error) == "it was cancelled"


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_wrong_argument_fails_before_the_first_check(fake_condition, deferrable):
    error = raised(FakeSensor(spec_error=ConfigurationError("no such list"), deferrable=deferrable))
    assert type(error) is FatalTaskError
    assert fake_condition.calls == []


def test_an_unreadable_dataset_is_retried(fake_condition):
    assert type(raised(FakeSensor(spec_error=DatasetError("not here")))) is PartnerTaskError


def test_an_unknown_connection_is_left_to_the_retries(monkeypatch):
    """Airflow answers "not found" also when its API server fails."""
    monkeypatch.delenv("AIRFLOW_CONN_STORE")
    error = raised(FakeSensor())
    assert type(error) is PartnerTaskError
    assert "did not find the connection 'store'" in str(error)


def test_a_successful_check_resets_the_failure_count(fake_condition):
    fake_condition.results[:] = [DOWN, DOWN, NOT_MET, DOWN, UnexpectedResponseError("odd"), MET]
    assert FakeSensor(max_failures=3, poke_interval=5).execute(context()) == DETAILS


def test_too_many_failures_in_a_row_fail_the_try(fake_condition):
    fake_condition.results[:] = [NOT_MET, DOWN]
    error = raised(FakeSensor(max_failures=3, poke_interval=5))
    assert type(error) is PartnerTaskError
    assert isinstance(error, AirflowException)
    assert str(error) == "The check failed 3 times in a row; the last error: the network is down"
    assert len(fake_condition.calls) == 4


def test_a_wait_that_the_partner_requests_is_no_failure(fake_condition):
    fake_condition.results[:] = [THROTTLED, THROTTLED, MET]
    assert FakeSensor(max_failures=1, poke_interval=60).execute(context()) == DETAILS
    assert fake_condition.calls == [NOW, NOW + timedelta(seconds=300), NOW + timedelta(seconds=600)]


def test_a_stopped_task_checks_no_more(fake_condition):
    fake_condition.results[:] = [MET]
    sensor = FakeSensor()
    sensor._client()
    sensor.on_kill()
    assert type(raised(sensor)) is PartnerTaskError
    assert fake_condition.calls == []
    assert sensor._hook._client is None


def test_a_kill_before_the_first_check_is_no_error():
    FakeSensor().on_kill()


def rescheduled(sensor, task_context=None):
    error = raised(sensor, task_context)
    assert type(error) is AirflowRescheduleException
    return error.reschedule_date - utcnow()


def test_in_reschedule_mode_the_task_waits_for_the_next_check_without_a_slot():
    assert rescheduled(FakeSensor(mode="reschedule", poke_interval=60)) == timedelta(seconds=60)


def test_in_reschedule_mode_a_longer_wait_of_the_partner_counts(fake_condition):
    fake_condition.results[:] = [THROTTLED]
    assert rescheduled(FakeSensor(mode="reschedule", poke_interval=60)) == timedelta(seconds=300)


def test_in_reschedule_mode_a_shorter_wait_of_the_partner_changes_nothing(fake_condition):
    fake_condition.results[:] = [ThrottledError("busy", retry_after=5)]
    assert rescheduled(FakeSensor(mode="reschedule", poke_interval=60)) == timedelta(seconds=60)


def test_in_reschedule_mode_no_wait_goes_beyond_the_timeout(fake_condition):
    fake_condition.results[:] = [THROTTLED]
    task_context = context(first=NOW - timedelta(seconds=400))
    assert rescheduled(FakeSensor(mode="reschedule", poke_interval=60, timeout=500), task_context) == timedelta(
        seconds=100
    )


@pytest.mark.parametrize("has_store", [True, False])
def test_in_reschedule_mode_failures_are_counted_across_processes(fake_condition, has_store):
    fake_condition.results[:] = [DOWN]
    store = FakeStateStore() if has_store else None
    for _ in range(2):
        rescheduled(FakeSensor(mode="reschedule", max_failures=3), context(store))
    assert type(raised(FakeSensor(mode="reschedule", max_failures=3), context(store))) is PartnerTaskError


@pytest.mark.parametrize("has_store", [True, False])
def test_in_reschedule_mode_a_successful_check_resets_the_count(fake_condition, has_store):
    store = FakeStateStore() if has_store else None
    for result in (DOWN, DOWN, NOT_MET, DOWN, DOWN):
        fake_condition.results[:] = [result]
        rescheduled(FakeSensor(mode="reschedule", max_failures=3), context(store))


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize(
    ("result", "soft"),
    [
        (AuthenticationError("refused"), FatalTaskError),
        (ConfigurationError("wrong"), FatalTaskError),
        (RejectedError("no"), FatalTaskError),
        (DOWN, PartnerTaskError),
        (IMPOSSIBLE, AirflowSkipException),
    ],
)
def test_soft_fail_skips_no_misconfiguration_and_never_fail_skips_all(fake_condition, mode, result, soft):
    """Airflow's own sensors skip timeouts only: https://github.com/apache/airflow/issues/71255."""
    fake_condition.results[:] = [result]
    error = raised(FakeSensor(mode=mode, max_failures=1, soft_fail=True))
    assert type(error) is soft
    assert str(error)
    assert type(raised(FakeSensor(mode=mode, max_failures=1, never_fail=True))) is AirflowSkipException


@pytest.mark.parametrize("deferrable", [True, False])
def test_soft_fail_skips_no_wrong_argument_and_no_unknown_connection(fake_condition, deferrable, monkeypatch):
    soft = {"soft_fail": True, "deferrable": deferrable, "max_failures": 1}
    assert type(raised(FakeSensor(spec_error=ConfigurationError("no such list"), **soft))) is FatalTaskError
    monkeypatch.delenv("AIRFLOW_CONN_STORE")
    assert type(raised(FakeSensor(**soft))) is PartnerTaskError


@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_a_soft_timeout_skips_the_task(option):
    assert type(raised(FakeSensor(poke_interval=60, timeout=300, **{option: True}))) is AirflowSkipException


def test_a_reschedule_is_no_failure(fake_condition):
    rescheduled(FakeSensor(mode="reschedule", soft_fail=True))
    rescheduled(FakeSensor(mode="reschedule", never_fail=True))


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize("option", [{}, {"soft_fail": True}])
def test_a_connection_that_is_never_found_fails_also_when_the_timeout_comes_first(monkeypatch, mode, option):
    monkeypatch.delenv("AIRFLOW_CONN_STORE")
    first = NOW - timedelta(seconds=100)
    error = raised(FakeSensor(mode=mode, timeout=2, poke_interval=1, **option), context(first=first))
    assert type(error) is AirflowFailException
    assert "The last check failed: Airflow did not find the connection 'store'" in str(error)


def test_a_timeout_names_the_error_of_the_last_check(fake_condition):
    fake_condition.results[:] = [NOT_MET, DOWN]
    patient = {"timeout": 100, "poke_interval": 60}
    error = raised(FakeSensor(**patient))
    assert type(error) is AirflowSensorTimeout
    assert str(error).endswith("The last check failed: the network is down")
    error = raised(FakeSensor(**patient, soft_fail=True))
    assert type(error) is AirflowSkipException
    assert str(error).endswith("The last check failed: the network is down")


def test_a_timeout_after_a_good_check_names_no_earlier_error(fake_condition):
    fake_condition.results[:] = [DOWN, NOT_MET]
    assert "network" not in str(raised(FakeSensor(timeout=100, poke_interval=60)))


def test_a_wrong_number_of_failures_is_named():
    assert "'max_failures' is the text 'three'" in str(raised(FakeSensor(max_failures="three")))


def test_a_failed_sensor_says_what_failed_and_what_to_do_in_lines_of_their_own(fake_condition, capsys):
    fake_condition.results[:] = [AuthenticationError("The secret is invalid", partner="Yotpo", remedy="Renew it.")]
    raised(FakeSensor())
    assert "Yotpo: The secret is invalid.\nWhat to do: Renew it." in capsys.readouterr().out


def test_a_sensor_that_is_skipped_logs_no_error(fake_condition, capsys):
    fake_condition.results[:] = [IMPOSSIBLE]
    raised(FakeSensor())
    assert "[error" in capsys.readouterr().out
    raised(FakeSensor(soft_fail=True))
    assert "[error" not in capsys.readouterr().out
