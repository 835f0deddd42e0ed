"""Extracting by a partner's job: in the task or deferred, by pages or not, and one job whatever happens."""

from __future__ import annotations

import itertools
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk.exceptions import TaskDeferred
from fake_job import ROWS, FakePartner

from airflow_provider_partners import _compat
from airflow_provider_partners._compat import AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.datasets.job_checkpoint import load_checkpoint
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ExpiredError,
    NotFoundError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.operators.base import PartnerTaskError
from airflow_provider_partners.operators.extract_job import AUTO, JOB, PAGES, JobExtractOperator
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.triggers.job import JobTrigger

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NINE, TEN = datetime(2026, 5, 1, 9, tzinfo=UTC), datetime(2026, 5, 1, 10, tzinfo=UTC)
RUNNING, DONE, FAILED = JobState.RUNNING, JobState.DONE, JobState.FAILED


class Killed(BaseException):
    """The worker dies: nothing may catch it."""


class OrdersOperator(JobExtractOperator):
    available_resources = {
        "orders": Resource(name="orders", paginator=PageNumberPaginator(size=2), time_field="created_at")
    }
    modes = {"auto": AUTO, "paged": PAGES, "bulk": JOB}

    def __init__(self, *, partner, slept=None, **kwargs):
        super().__init__(**{"task_id": "extract", "resource": "orders", "workers": 1, **kwargs})
        self.partner, self.slept = partner, [] if slept is None else slept

    def hook(self):
        @contextmanager
        def opened():
            yield self.partner

        hook = opened()
        hook.hook_name, hook.conn_type, hook.conn_id = "Fake", "shopify_admin", "fake_conn"
        hook.account, hook.host = "a.myshopify.com", "shopify.example"
        return hook

    def hook_params(self):
        return {"shop": "a.myshopify.com"}


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture(autouse=True)
def _no_real_waits(monkeypatch, clock):
    def sleep(operator, seconds):
        operator.slept.append(seconds)
        clock.shift(seconds)

    monkeypatch.setattr(JobExtractOperator, "_sleep", sleep)


@pytest.fixture
def partner():
    return FakePartner(now=NOW)


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    task = SimpleNamespace(dag_id="dag", task_id="extract", run_id="run", map_index=-1)
    return {"ti": task, "data_interval_start": NINE, "data_interval_end": TEN}


@pytest.fixture
def uri(tmp_path):
    return f"{tmp_path}/dag/extract/run/-1"


def operator(partner, **arguments):
    return OrdersOperator(partner=partner, **{"mode": "bulk", "deferrable": False, **arguments})


def deferred(made, context):
    with pytest.raises(TaskDeferred) as raised:
        made.execute(context)
    return raised.value


# --- in the task ---


def test_a_job_that_is_done_at_once_is_collected(partner, context):
    made = operator(partner)
    reference = made.execute(context)
    assert list(read_dataset(reference)) == ROWS
    assert reference["extra"]["job"] == "job-1"
    assert reference["window"] == {"since": "2026-05-01T09:00:00Z", "until": "2026-05-01T10:00:00Z"}
    assert made.slept == []


def test_a_job_is_looked_at_soon_and_then_at_the_interval(partner, context):
    partner.states = [*[RUNNING] * 12, DONE]
    made = operator(partner, poll_interval=30)
    assert list(read_dataset(made.execute(context))) == ROWS
    assert made.slept[:3] == [2, 3, 4.5]
    assert made.slept[-1] == 30


def test_a_failed_job_fails_the_try_and_the_next_one_submits_another(partner, context):
    partner.states = [RUNNING, FAILED, DONE]
    with pytest.raises(PartnerTaskError, match=r"job-1 has failed.*out of order.*submits another"):
        operator(partner).execute(context)
    assert operator(partner).execute(context)["extra"]["job"] == "job-2"


def test_an_expired_file_fails_the_try_and_the_next_one_submits_another(partner, context):
    partner.dies["rows"] = [ExpiredError("the file has expired")]
    with pytest.raises(PartnerTaskError, match="expired"):
        operator(partner).execute(context)
    assert operator(partner).execute(context)["extra"]["job"] == "job-2"


def test_other_jobs_in_the_way_give_the_slot_back(partner, context, uri):
    partner.dies["submit"] = [ThrottledError("another job is under way", retry_after=120)]
    with pytest.raises(AirflowRescheduleException) as raised:
        operator(partner).execute(context)
    assert raised.value.reschedule_date == NOW + timedelta(seconds=120)
    assert load_checkpoint(uri).job_id is None
    assert operator(partner).execute(context)["extra"]["job"] == "job-1"


def test_a_long_wait_asked_for_amid_watching_gives_the_slot_back_and_keeps_the_job(partner, context):
    partner.states = [RUNNING, DONE]
    real, looks = partner.job_status, itertools.count()

    def status(job_id):
        if next(looks) == 1:
            raise ThrottledError("busy", retry_after=900)
        return real(job_id)

    partner.job_status = status
    with pytest.raises(AirflowRescheduleException):
        operator(partner).execute(context)
    assert operator(partner).execute(context)["extra"]["job"] == "job-1"


def test_a_look_that_fails_is_borne(partner, context):
    partner.states = [RUNNING, RUNNING, DONE]
    made = operator(partner)
    real, looks = partner.job_status, itertools.count()

    def status(job_id):
        if 0 < next(looks) < 9:
            raise TransientError("down")
        return real(job_id)

    partner.job_status = status
    assert list(read_dataset(made.execute(context))) == ROWS


def test_a_partner_that_stays_away_fails_the_try_but_not_the_job(partner, context, uri):
    partner.states = [RUNNING]
    real, looks = partner.job_status, itertools.count()

    def status(job_id):
        if next(looks) > 0:
            raise TransientError("down")
        return real(job_id)

    partner.job_status = status
    with pytest.raises(PartnerTaskError, match="down"):
        operator(partner).execute(context)
    assert load_checkpoint(uri).job_id == "job-1"
    assert partner.cancelled == []


def test_a_job_that_vanished_amid_watching_is_forgotten_by_the_next_try(partner, context):
    partner.states = [RUNNING, DONE]
    real, looks = partner.job_status, itertools.count()

    def status(job_id):
        if next(looks) > 0 and job_id == "job-1":
            raise NotFoundError("unknown")
        return real(job_id)

    partner.job_status = status
    with pytest.raises(PartnerTaskError):
        operator(partner).execute(context)
    partner.unknown.add("job-1")
    assert operator(partner).execute(context)["extra"]["job"] == "job-2"


def test_refused_credentials_fail_at_once(partner, context):
    partner.dies["submit"] = [AuthenticationError("the token was refused")]
    with pytest.raises(AirflowFailException):
        operator(partner).execute(context)


def test_a_job_that_takes_too_long_is_cancelled_and_the_next_try_submits_another(partner, context, uri):
    partner.states = [RUNNING]
    with pytest.raises(PartnerTaskError, match=r"job-1 was not done within 1:00:00, and was cancelled.*job_timeout"):
        operator(partner, job_timeout=timedelta(hours=1)).execute(context)
    assert partner.cancelled == ["job-1"]
    assert load_checkpoint(uri) is None


def test_the_time_allowed_counts_from_the_submission_over_all_tries(partner, context, clock):
    partner.states = [RUNNING]
    partner.dies["status"] = [Killed()]
    with pytest.raises(Killed):
        operator(partner, job_timeout=timedelta(hours=2)).execute(context)
    clock.shift(timedelta(minutes=110))
    made = operator(partner, job_timeout=timedelta(hours=2))
    with pytest.raises(PartnerTaskError, match="not done within 2:00:00"):
        made.execute(context)
    assert sum(made.slept) == pytest.approx(600)


def test_a_job_that_could_not_be_cancelled_is_looked_for_by_the_next_try(partner, context, uri):
    partner.states = [RUNNING]
    partner.dies["cancel"] = [TransientError("down")]
    with pytest.raises(PartnerTaskError):
        operator(partner, job_timeout=timedelta(hours=1)).execute(context)
    assert load_checkpoint(uri).job_id == "job-1"


# --- by pages, or not ---


def test_by_pages_no_job_is_submitted(partner, context):
    assert list(read_dataset(operator(partner, mode="paged").execute(context))) == ROWS
    assert partner.submitted == []
    assert "worth" not in partner.calls


@pytest.mark.parametrize(("worth", "submitted"), [(True, 1), (False, 0)])
def test_auto_asks_the_partner_whether_a_job_is_worth_it(partner, context, worth, submitted):
    partner.worth = worth
    assert list(read_dataset(operator(partner, mode="auto").execute(context))) == ROWS
    assert len(partner.submitted) == submitted


def test_auto_goes_on_with_a_job_without_asking_again(partner, context):
    partner.dies["page 1"] = [TransientError("down")]
    with pytest.raises(PartnerTaskError):
        operator(partner, mode="auto").execute(context)
    partner.worth = False
    assert operator(partner, mode="auto").execute(context)["extra"]["job"] == "job-1"
    assert partner.calls.count("worth") == 1


def test_ids_are_asked_for_by_pages(partner, context):
    operator(partner, mode="auto", match={"id": ["1"]}).execute(context)
    assert partner.submitted == []
    with pytest.raises(AirflowFailException, match="mode='bulk' can't be used with 'match'"):
        operator(partner, mode="bulk", match={"id": ["1"]}).execute(context)


def test_an_unknown_mode_names_the_known(partner, context):
    with pytest.raises(AirflowFailException, match=r"no mode 'fast'. Use one of: auto, paged, bulk"):
        operator(partner, mode="fast").execute(context)


def test_going_by_pages_forgets_a_job_that_nobody_waits_for(partner, context, uri):
    partner.dies["rows"] = [TransientError("down")]
    with pytest.raises(PartnerTaskError):
        operator(partner).execute(context)
    operator(partner, mode="paged").execute(context)
    assert load_checkpoint(uri) is None


def test_page_size_and_workers_are_no_part_of_a_jobs_question(partner, context):
    partner.dies["rows"] = [TransientError("down")]
    with pytest.raises(PartnerTaskError):
        operator(partner, page_size=10).execute(context)
    assert operator(partner, page_size=50).execute(context)["extra"]["job"] == "job-1"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ShopifyAdminExtractOperator, ["auto", "paged", "bulk"]),
        (VoucherifyExtractOperator, ["auto", "paged", "export"]),
    ],
)
def test_partners_have_their_own_words(kind, words):
    assert list(kind.modes) == words
    assert list(kind.modes.values()) == [AUTO, PAGES, JOB]
    assert kind(task_id="t", resource="orders").mode == "auto"
    json.dumps(kind(task_id="t", resource="orders").hook_params())


def test_the_shop_goes_to_the_triggers_hook():
    made = ShopifyAdminExtractOperator(task_id="t", resource="orders", shop="a.myshopify.com")
    assert made.hook_params() == {"shop": "a.myshopify.com"}
    assert made.hook().shop == "a.myshopify.com"


# --- deferred ---


def test_a_running_job_is_waited_for_in_the_triggerer(partner, context):
    partner.states = [RUNNING]
    found = deferred(operator(partner, deferrable=True, poll_interval=7, job_timeout=timedelta(hours=3)), context)
    assert isinstance(found.trigger, JobTrigger)
    assert found.method_name == "execute_complete"
    assert found.kwargs is None
    assert found.trigger.serialize() == (
        "airflow_provider_partners.triggers.job.JobTrigger",
        {
            "conn_type": "shopify_admin",
            "conn_id": "fake_conn",
            "hook_params": {"shop": "a.myshopify.com"},
            "job_id": "job-1",
            "poll_interval": 7,
            "deadline": (NOW + timedelta(hours=3)).timestamp(),
            "max_failures": 10,
        },
    )
    assert timedelta(hours=3) < found.timeout <= timedelta(hours=4)


def test_a_job_that_is_done_never_defers(partner, context):
    assert list(read_dataset(operator(partner, deferrable=True).execute(context))) == ROWS


def event(status, **more):
    return {"status": status, "job_id": "job-1", "message": "", **more}


def test_after_the_trigger_a_fresh_operator_goes_on_from_the_note_alone(partner, context):
    partner.states = [RUNNING, DONE]
    deferred(operator(partner, deferrable=True), context)
    reference = operator(partner, deferrable=True).execute_complete(context, event("done"))
    assert list(read_dataset(reference)) == ROWS
    assert len(partner.submitted) == 1


def test_an_event_that_came_too_early_defers_again(partner, context):
    partner.states = [RUNNING]
    deferred(operator(partner, deferrable=True), context)
    with pytest.raises(TaskDeferred):
        operator(partner, deferrable=True).execute_complete(context, event("done"))
    assert len(partner.submitted) == 1


def test_a_job_that_failed_meanwhile_fails_the_try(partner, context):
    partner.states = [RUNNING, FAILED]
    deferred(operator(partner, deferrable=True), context)
    with pytest.raises(PartnerTaskError, match="out of order"):
        operator(partner, deferrable=True).execute_complete(context, event("failed", message="x"))


def test_a_job_that_was_not_done_in_time_is_cancelled(partner, context, clock, uri):
    partner.states = [RUNNING]
    deferred(operator(partner, deferrable=True), context)
    clock.shift(timedelta(hours=10, seconds=1))
    with pytest.raises(PartnerTaskError, match="not done within 10:00:00"):
        operator(partner, deferrable=True).execute_complete(context, event("timeout"))
    assert partner.cancelled == ["job-1"]
    assert load_checkpoint(uri) is None


def test_a_task_that_was_cleared_while_it_waited_begins_anew_at_once(partner, context):
    partner.states = [RUNNING, DONE]
    deferred(operator(partner, deferrable=True), context)
    partner.cancelled.append("job-1")  # by the trigger's on_kill
    assert operator(partner, deferrable=True).execute(context)["extra"]["job"] == "job-2"


def test_a_job_that_failed_while_the_slot_was_given_back_fails_the_try(partner, context):
    partner.states = [RUNNING, FAILED]
    deferred(operator(partner, deferrable=True), context)
    with pytest.raises(PartnerTaskError, match="out of order"):
        operator(partner, deferrable=True).execute({**context, "task_reschedule_count": 1})


def test_a_second_deferral_has_what_is_left_of_the_time(partner, context, clock):
    partner.states = [RUNNING]
    first = deferred(operator(partner, deferrable=True), context)
    clock.shift(timedelta(hours=4))
    second = deferred(operator(partner, deferrable=True), context)
    assert second.trigger.deadline == first.trigger.deadline
    assert first.timeout - second.timeout == timedelta(hours=4)


def test_a_triggerer_that_could_not_ask_fails_the_try_and_keeps_the_job(partner, context, uri):
    partner.states = [RUNNING, DONE]
    deferred(operator(partner, deferrable=True), context)
    with pytest.raises(PartnerTaskError, match="could not ask for job job-1: the network is down"):
        operator(partner, deferrable=True).execute_complete(context, event("error", message="the network is down"))
    assert operator(partner, deferrable=True).execute(context)["extra"]["job"] == "job-1"


@pytest.mark.parametrize("odd", [None, {}, {"status": "ok"}, "done"])
def test_an_event_that_is_not_understood_fails_the_try_loudly(partner, context, odd):
    with pytest.raises(PartnerTaskError, match="nothing that can be understood"):
        operator(partner, deferrable=True).execute_complete(context, odd)
    assert partner.submitted == []


def test_deferral_and_reschedule_pass_through_job_ended(partner, context):
    partner.dies["submit"] = [ThrottledError("busy", retry_after=60)]
    with pytest.raises(AirflowRescheduleException):
        operator(partner, deferrable=True).execute_complete(context, event("done"))


def test_a_window_that_ends_with_the_present_does_not_move_while_a_job_runs(partner, context, clock):
    partner.states = [RUNNING, DONE]
    context |= {"data_interval_start": None, "data_interval_end": None}
    deferred(operator(partner, deferrable=True, since="2026-05-01T09:00:00Z"), context)
    clock.shift(timedelta(hours=2))
    made = operator(partner, deferrable=True, since="2026-05-01T09:00:00Z")
    reference = made.execute_complete(context, event("done"))
    assert reference["window"] == {"since": "2026-05-01T09:00:00Z", "until": "2026-05-01T12:00:00Z"}
    assert len(partner.submitted) == 1


def test_another_beginning_is_another_question(partner, context):
    partner.states = [RUNNING]
    context |= {"data_interval_start": None, "data_interval_end": None}
    deferred(operator(partner, deferrable=True, since="2026-05-01T09:00:00Z"), context)
    deferred(operator(partner, deferrable=True, since="2026-04-01T09:00:00Z"), context)
    assert len(partner.submitted) == 2


# --- stopped ---


def test_being_stopped_cancels_the_job(partner, context, uri):
    partner.states = [RUNNING]
    made = operator(partner)

    def stop(self, seconds):
        made.on_kill()
        raise Killed

    type(made)._sleep = stop
    try:
        with pytest.raises(Killed):
            made.execute(context)
    finally:
        del type(made)._sleep
    assert partner.cancelled == ["job-1"]
    assert load_checkpoint(uri) is None


def test_being_stopped_without_a_job_is_harmless(partner):
    operator(partner).on_kill()
    assert partner.cancelled == []


def test_being_stopped_amid_the_rows_leaves_the_finished_job_alone(partner, context, uri):
    made = operator(partner)
    real = partner.page

    def page(cursor):
        made.on_kill()
        partner.dies["page 1"] = [TransientError("down")]
        return real(cursor)

    partner.page = page
    with pytest.raises(PartnerTaskError):
        made.execute(context)
    assert partner.cancelled == []
    assert load_checkpoint(uri).job_id == "job-1"


def test_a_cancellation_that_fails_is_not_the_tasks_failure(partner, context, uri):
    partner.states = [RUNNING]
    partner.dies["cancel"] = [TransientError("down")]
    made = operator(partner, deferrable=True)
    deferred(made, context)
    made.on_kill()
    assert load_checkpoint(uri).job_id == "job-1"


def test_a_task_that_was_told_to_stop_stops_waiting(partner, monkeypatch):
    monkeypatch.undo()
    made = operator(partner)
    made.on_kill()
    with pytest.raises(TransientError, match="told to stop"):
        made._sleep(3_600)


@pytest.mark.parametrize("way", ["in the task", "deferred"])
@pytest.mark.parametrize(
    "step", ["submit", "submitted", "find", "status", "rows", "page 0", "page 1", "page 2", "execute_complete"]
)
def test_dying_at_any_step_leads_to_no_second_job(partner, context, step, way):
    partner.states = [RUNNING, RUNNING, DONE]
    partner.dies[step] = [Killed()]
    for attempt in range(6):
        made = operator(partner, deferrable=way == "deferred")
        try:
            try:
                reference = made.execute(context)
            except TaskDeferred:
                partner.step("execute_complete")
                reference = made.execute_complete(context, event("done"))
            break
        except TaskDeferred:
            continue
        except Killed:
            assert attempt < 5
    assert list(read_dataset(reference)) == ROWS
    assert len(partner.submitted) == 1


def test_waiting_in_the_task_is_the_default_unless_the_configuration_says_otherwise():
    assert _compat.conf.getboolean("operators", "default_deferrable", fallback=False) is False
    assert OrdersOperator(partner=None).deferrable is False
