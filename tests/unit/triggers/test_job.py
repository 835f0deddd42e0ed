"""A job in the triggerer, with a fake partner behind a real connection lookup."""

from __future__ import annotations

import asyncio
import json

import pytest
from fakes.job import FakePartner

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.exceptions import TransientError
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.job import JobTrigger


@pytest.fixture
def partner():
    return FakePartner()


@pytest.fixture(autouse=True)
def _hook(partner, monkeypatch):
    """A hook of a partner with jobs, and pauses that take no time."""

    class FakeHook(PartnerHook):
        conn_name_attr, default_conn_name, conn_type = "voucherify_conn_id", "voucherify_default", "voucherify"
        hook_name, default_host = "Voucherify", "https://api.voucherify.io"

        def __init__(self, conn_id, *, shop=None):
            super().__init__(conn_id)
            partner.shop = shop

        def build_client(self, connection):
            return partner

    async def sleep(seconds):
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", sleep)
    monkeypatch.setattr(base, "hook_class", {"voucherify": FakeHook}.__getitem__)
    monkeypatch.setenv("AIRFLOW_CONN_PROJECT", json.dumps({"conn_type": "voucherify", "password": "s3cret-value"}))


def trigger(**arguments):
    return JobTrigger(**{"conn_type": "voucherify", "conn_id": "project", "job_id": "job-1", **arguments})


def events_of(job_trigger):
    async def all_events():
        return [event.payload async for event in job_trigger.run()]

    return asyncio.run(all_events())


def test_a_done_job_is_reported_with_its_id(partner):
    partner.states = [JobState.RUNNING, JobState.RUNNING, JobState.DONE]
    assert events_of(trigger()) == [{"status": "done", "job_id": "job-1", "message": ""}]
    assert partner.calls == ["status", "status", "status", "close"]


def test_the_event_returns_the_end_of_the_try_to_the_task(partner):
    partner.states = [JobState.DONE]
    assert events_of(trigger(try_deadline=1777640400.0)) == [
        {"status": "done", "job_id": "job-1", "message": "", "try_deadline": 1777640400.0}
    ]


def test_a_failed_job_is_reported_with_its_reason(partner):
    partner.states = [JobState.FAILED]
    assert events_of(trigger()) == [
        {"status": "failed", "job_id": "job-1", "message": "the partner has a failure"},
    ]


def test_a_late_job_is_a_timeout(partner):
    partner.states = [JobState.RUNNING]
    (event,) = events_of(trigger(deadline=1.0))
    assert (event["status"], event["job_id"]) == ("timeout", "job-1")


def test_too_many_failures_in_a_row_are_an_error(partner):
    partner.errors["status"] = [TransientError("down")] * 3
    (event,) = events_of(trigger(max_failures=3))
    assert (event["status"], event["job_id"]) == ("error", "job-1")


def test_the_hook_gets_the_stored_parameters(partner):
    job_trigger = trigger(hook_params={"shop": "a.myshopify.com"})
    events_of(JobTrigger(**job_trigger.serialize()[1]))
    assert partner.shop == "a.myshopify.com"


def test_a_kill_cancels_the_job_even_after_the_client_was_closed(partner):
    partner.states = [JobState.RUNNING]
    job_trigger = trigger()

    async def kill():
        task = asyncio.ensure_future(anext(aiter(job_trigger.run())))
        while "status" not in partner.calls:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert partner.cancelled == []
        await job_trigger.on_kill()
        await job_trigger.cleanup()

    asyncio.run(kill())
    assert partner.cancelled == ["job-1"]
    assert partner.calls[-1] == "close"


def test_its_text_in_logs_holds_no_secret():
    assert "s3cret" not in repr(trigger())
    assert "job-1" in repr(trigger())
