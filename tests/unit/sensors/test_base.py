"""Waiting on a worker, in one go or rescheduled: failures, waits that are asked for, and what is skipped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from waiting_sensor import BUSY, DOWN, FOUND, NEVER, NO, NOW, YES, Store, Waiting, context, raised

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
from airflow_provider_partners.task_errors import PartnerTaskError

pytestmark = pytest.mark.usefixtures("looks", "clock")


def test_a_condition_that_is_met_ends_the_wait_with_what_was_found(looks):
    looks.answers[:] = [YES]
    assert Waiting().execute(context()) == FOUND
    assert len(looks.asked) == 1


def test_it_looks_again_at_every_interval(looks, clock):
    looks.answers[:] = [NO, NO, YES]
    assert Waiting(poke_interval=60).execute(context()) == FOUND
    assert looks.asked == [NOW, NOW + timedelta(seconds=60), NOW + timedelta(seconds=120)]


def test_one_client_serves_all_looks_and_is_closed_in_the_end(looks):
    looks.answers[:] = [NO, NO, YES]
    sensor = Waiting(poke_interval=5)
    sensor.execute(context())
    assert len(set(map(id, looks.clients))) == 1
    assert sensor._hook._client is None
    assert sensor._hook.short_timeouts


def test_the_question_is_made_once(looks):
    looks.answers[:] = [NO, NO, YES]
    sensor = Waiting(poke_interval=5)
    sensor.execute(context())
    assert sensor.questions == 1


@pytest.mark.parametrize("interval", [0, 0.01])
def test_it_is_never_a_busy_loop(looks, clock, interval):
    looks.answers[:] = [*[NO] * 5, YES]
    Waiting(poke_interval=interval).execute(context())
    assert looks.asked[-1] - looks.asked[0] >= timedelta(seconds=4.99)


def test_a_wait_that_takes_too_long_times_out(looks):
    found = raised(Waiting(poke_interval=60, timeout=600))
    assert type(found) is AirflowSensorTimeout
    assert 10 <= len(looks.asked) <= 12


@pytest.mark.parametrize("error", [AuthenticationError("refused"), ConfigurationError("wrong"), RejectedError("no")])
def test_what_asking_again_can_t_cure_fails_at_once(looks, error):
    looks.answers[:] = [error]
    found = raised(Waiting())
    assert (type(found), str(found)) == (AirflowFailException, str(error))
    assert len(looks.asked) == 1


def test_what_never_will_be_fails_at_once(looks):
    looks.answers[:] = [NEVER]
    found = raised(Waiting())
    assert (type(found), str(found)) == (AirflowFailException, "it was cancelled")


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_wrong_argument_fails_before_anything_is_asked(looks, deferrable):
    found = raised(Waiting(wrong=ConfigurationError("no such list"), deferrable=deferrable))
    assert type(found) is AirflowFailException
    assert looks.asked == []


def test_a_dataset_that_can_t_be_read_is_left_to_the_retries(looks):
    assert type(raised(Waiting(wrong=DatasetError("not here")))) is PartnerTaskError


def test_an_unknown_connection_fails_at_once(monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_STORE")
    found = raised(Waiting())
    assert type(found) is AirflowFailException
    assert "'store' isn't defined" in str(found)


def test_a_failure_is_borne_and_forgotten_after_an_answer(looks):
    looks.answers[:] = [DOWN, DOWN, NO, DOWN, UnexpectedResponseError("odd"), YES]
    assert Waiting(max_failures=3, poke_interval=5).execute(context()) == FOUND


def test_too_many_failures_in_a_row_are_left_to_the_retries(looks):
    looks.answers[:] = [NO, DOWN]
    found = raised(Waiting(max_failures=3, poke_interval=5))
    assert type(found) is PartnerTaskError
    assert isinstance(found, AirflowException)
    assert str(found) == "Asking failed 3 times in a row, at last with: the network is down"
    assert len(looks.asked) == 4


def test_a_wait_that_the_partner_asks_for_is_granted_and_is_no_failure(looks):
    looks.answers[:] = [BUSY, BUSY, YES]
    assert Waiting(max_failures=1, poke_interval=60).execute(context()) == FOUND
    assert looks.asked == [NOW, NOW + timedelta(seconds=300), NOW + timedelta(seconds=600)]


def test_a_task_that_was_told_to_stop_asks_no_more(looks):
    looks.answers[:] = [YES]
    sensor = Waiting()
    sensor._client()
    sensor.on_kill()
    assert type(raised(sensor)) is PartnerTaskError
    assert looks.asked == []
    assert sensor._hook._client is None


def test_being_killed_before_anything_was_asked_is_no_error():
    Waiting().on_kill()


def rescheduled(sensor, given=None):
    found = raised(sensor, given)
    assert type(found) is AirflowRescheduleException
    return found.reschedule_date - utcnow()


def test_in_reschedule_mode_the_slot_is_given_back_until_the_next_look():
    assert rescheduled(Waiting(mode="reschedule", poke_interval=60)) == timedelta(seconds=60)


def test_in_reschedule_mode_a_longer_wait_of_the_partner_s_is_granted(looks):
    looks.answers[:] = [BUSY]
    assert rescheduled(Waiting(mode="reschedule", poke_interval=60)) == timedelta(seconds=300)


def test_in_reschedule_mode_a_shorter_wait_of_the_partner_s_changes_nothing(looks):
    looks.answers[:] = [ThrottledError("busy", retry_after=5)]
    assert rescheduled(Waiting(mode="reschedule", poke_interval=60)) == timedelta(seconds=60)


def test_in_reschedule_mode_no_wait_goes_beyond_the_timeout(looks):
    looks.answers[:] = [BUSY]
    given = context(first=NOW - timedelta(seconds=400))
    assert rescheduled(Waiting(mode="reschedule", poke_interval=60, timeout=500), given) == timedelta(seconds=100)


@pytest.mark.parametrize("has_store", [True, False])
def test_in_reschedule_mode_failures_are_counted_over_processes(looks, has_store):
    looks.answers[:] = [DOWN]
    store = Store() if has_store else None
    for _ in range(2):
        rescheduled(Waiting(mode="reschedule", max_failures=3), context(store))
    assert type(raised(Waiting(mode="reschedule", max_failures=3), context(store))) is PartnerTaskError


@pytest.mark.parametrize("has_store", [True, False])
def test_in_reschedule_mode_an_answer_is_noted_too(looks, has_store):
    store = Store() if has_store else None
    for answer in (DOWN, DOWN, NO, DOWN, DOWN):
        looks.answers[:] = [answer]
        rescheduled(Waiting(mode="reschedule", max_failures=3), context(store))


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize("answer", [AuthenticationError("refused"), NEVER, DOWN])
@pytest.mark.parametrize("told", ["soft_fail", "never_fail"])
def test_a_failure_is_skipped_where_that_is_asked_for(looks, mode, answer, told):
    looks.answers[:] = [answer]
    found = raised(Waiting(mode=mode, max_failures=1, **{told: True}))
    assert type(found) is AirflowSkipException


@pytest.mark.parametrize("told", ["soft_fail", "never_fail"])
def test_a_timeout_is_skipped_where_that_is_asked_for(told):
    assert type(raised(Waiting(poke_interval=60, timeout=300, **{told: True}))) is AirflowSkipException


def test_giving_the_slot_back_is_no_failure_to_be_skipped(looks):
    rescheduled(Waiting(mode="reschedule", soft_fail=True))
    rescheduled(Waiting(mode="reschedule", never_fail=True))
