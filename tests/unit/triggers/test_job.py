"""A job watched from the triggerer, its partner at the other end of a real connection lookup."""

from __future__ import annotations

import asyncio
import json

import pytest
from fake_job import FakePartner

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
    """A hook of a partner that has jobs, and no time that passes."""

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


def told(made):
    async def all_events():
        return [event.payload async for event in made.run()]

    return asyncio.run(all_events())


def test_a_job_that_is_done_is_told_with_its_id(partner):
    partner.states = [JobState.RUNNING, JobState.RUNNING, JobState.DONE]
    assert told(trigger()) == [{"status": "done", "job_id": "job-1", "message": ""}]
    assert partner.calls == ["status", "status", "status", "close"]


def test_a_job_that_failed_is_told_with_its_reason(partner):
    partner.states = [JobState.FAILED]
    assert told(trigger()) == [
        {"status": "failed", "job_id": "job-1", "message": "the partner is out of order"},
    ]


def test_a_job_that_is_late_is_told(partner):
    partner.states = [JobState.RUNNING]
    (event,) = told(trigger(deadline=1.0))
    assert (event["status"], event["job_id"]) == ("timeout", "job-1")


def test_a_partner_that_can_t_be_asked_is_told(partner):
    partner.errors["status"] = [TransientError("down")] * 3
    (event,) = told(trigger(max_failures=3))
    assert (event["status"], event["job_id"]) == ("error", "job-1")


def test_its_hook_is_made_of_the_stored_parameters(partner):
    made = trigger(hook_params={"shop": "a.myshopify.com"})
    told(JobTrigger(**made.serialize()[1]))
    assert partner.shop == "a.myshopify.com"


def test_being_killed_cancels_the_job_even_after_the_client_was_closed(partner):
    partner.states = [JobState.RUNNING]
    made = trigger()

    async def kill():
        task = asyncio.ensure_future(anext(aiter(made.run())))
        while "status" not in partner.calls:
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert partner.cancelled == []
        await made.on_kill()
        await made.cleanup()

    asyncio.run(kill())
    assert partner.cancelled == ["job-1"]
    assert partner.calls[-1] == "close"


def test_its_text_in_logs_holds_no_secret():
    assert "s3cret" not in repr(trigger())
    assert "job-1" in repr(trigger())
