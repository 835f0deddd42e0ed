"""Waiting, whoever the partner is: on a worker, rescheduled or deferred; failures, deadlines and what is skipped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import BaseSensorOperator

from airflow_provider_partners import conditions
from airflow_provider_partners._compat import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    utcnow,
)
from airflow_provider_partners.conditions import Finding
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DatasetError,
    RejectedError,
    ThrottledError,
    TransientError,
    UnexpectedResponseError,
)
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.operators.base import PartnerTaskError
from airflow_provider_partners.sensors import base
from airflow_provider_partners.sensors.base import GRACE, PartnerSensor

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FOUND = {"orders": 1}
YES, NO, NEVER = Finding(True, FOUND), Finding(False, {"orders": 0}), Finding(False, {}, never="it was cancelled")
DOWN, BUSY = TransientError("the network is down"), ThrottledError("busy", retry_after=300)


class Waiting(PartnerSensor):
    waits_for = "looked"

    def __init__(self, *, wrong=None, **kwargs):
        super().__init__(**{"task_id": "wait", **kwargs})
        self.wrong, self.questions = wrong, 0

    def hook(self):
        return YotpoHook("store")

    def hook_params(self):
        return {"shop": "a"}

    def question(self):
        self.questions += 1
        if self.wrong:
            raise self.wrong
        return {"ids": ["1"]}


@pytest.fixture(autouse=True)
def looks(monkeypatch):
    """What each look at the partner gives, in turn; the last stays."""
    answers, asked, clients = [NO], [], []

    def look(client, question):
        asked.append(utcnow())
        clients.append(client)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    look.answers, look.asked, look.clients = answers, asked, clients
    monkeypatch.setattr(conditions, "CONDITIONS", {"looked": look})
    store = {"conn_type": "yotpo", "login": "store-1", "password": "s3cret-value"}
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(store))
    return look


@pytest.fixture(autouse=True)
def clock(monkeypatch, tmp_path):
    """Time passes only by sleeping."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    with time_machine.travel(NOW, tick=False) as travel:
        begun = NOW.timestamp()
        slept = []

        def sleep(seconds):
            slept.append(seconds)
            travel.shift(seconds)

        turned = SimpleNamespace(
            sleep=sleep, monotonic=lambda: 1000.0 + datetime.now(UTC).timestamp() - begun, time=lambda: 0.0
        )
        monkeypatch.setattr(base, "time", turned)
        monkeypatch.setattr(f"{BaseSensorOperator.__module__}.time", turned)
        turned.slept = slept
        yield turned


class Store(dict):
    """A task's state store."""

    def set(self, key, value):
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


def context(store=None, first=None, try_number=1):
    task = SimpleNamespace(
        dag_id="d",
        task_id="wait",
        run_id="r",
        map_index=-1,
        try_number=try_number,
        get_first_reschedule_date=lambda _: first,
    )
    return {"ti": task, **({} if store is None else {"task_state_store": store})}


def raised(sensor, given=None):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # which one is asserted by the caller
        sensor.execute(given or context())
    return caught.value


# On a worker


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
    assert sensor._hook.brief


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


# Rescheduled


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


# Deferred


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
        "hook": "yotpo",
        "conn_id": "store",
        "hook_params": {"shop": "a"},
        "condition": "looked",
        "question": {"ids": ["1"]},
        "poll_interval": 60,
        "longest_pause": None,
        "not_before": None,
        "deadline": (NOW + timedelta(hours=1)).timestamp(),
        "max_failures": 4,
    }
    assert found.method_name == "execute_complete"
    assert found.timeout == timedelta(hours=1) + GRACE
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


# Resumed


def resumed(event, **kwargs):
    return Waiting(deferrable=True, **kwargs).resume_execution("execute_complete", {"event": event}, context())


def failure(event, **kwargs):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # which one is asserted by the caller
        resumed(event, **kwargs)
    return caught.value


def test_what_the_trigger_found_is_the_result(looks):
    assert resumed({"status": "done", "message": "", "found": FOUND}) == FOUND
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
