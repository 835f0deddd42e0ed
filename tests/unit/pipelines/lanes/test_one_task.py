"""The task that runs several lanes: a stopped task stops its step, and its lineage is that of all steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners._compat import AirflowRescheduleException, utcnow
from airflow_provider_partners.observability.activity import TaskActivity
from airflow_provider_partners.pipelines.lanes import LanesOperator
from airflow_provider_partners.pipelines.lanes.lane_run import LaneEnd
from airflow_provider_partners.pipelines.lanes.one_task import _raise_unfinished
from airflow_provider_partners.pipelines.run_summary import build_lane_summary
from airflow_provider_partners.task_errors import FatalTaskError, PartnerTaskError

A, B = "a.myshopify.com", "b.myshopify.com"


def operator() -> Any:
    return LanesOperator(task_id="lane", batch={"lanes": [0], "label": A}, lanes_task_id="lanes", steps="x:Y")


def failed(shop: str = A, **fields: Any) -> LaneEnd:
    summary = {**build_lane_summary(shop, {}), "failed": "build"}
    return LaneEnd(shop=shop, summary=summary, has_failed=True, **fields)


def test_a_stopped_task_stops_the_running_step() -> None:
    """Airflow calls ``on_kill`` of the task that it knows."""
    task, stopped = operator(), []
    task.on_kill()
    task._running = SimpleNamespace(running=None)
    task.on_kill()
    task._running = SimpleNamespace(running=SimpleNamespace(on_kill=lambda: stopped.append(1)))
    task.on_kill()
    assert stopped == [1]


def test_the_lineage_is_that_of_all_steps() -> None:
    pytest.importorskip("airflow.providers.openlineage")
    task = operator()
    for shop in (A, B):
        activity = TaskActivity(api="shopify_admin", account=shop)
        activity.set_list_read("orders", 3)
        written = TaskActivity(api="yotpo", account=f"store-of-{shop}")
        written.set_list_written("orders", 2)
        task._lineage += [(activity, []), (written, [])]
    lineage = task.get_openlineage_facets_on_failure(None)
    assert [(each.namespace, each.name) for each in lineage.inputs] == [
        (f"shopify-admin://{shop}", "orders") for shop in (A, B)
    ] or [each.name for each in lineage.inputs] == ["orders", "orders"]
    assert len(lineage.outputs) == 2


def test_a_lane_that_waits_goes_before_one_that_failed() -> None:
    with pytest.raises(AirflowRescheduleException):
        _raise_unfinished([failed(), LaneEnd(shop=B, continues_at=utcnow())], 2)


def test_one_failure_that_a_retry_may_mend_is_enough_for_a_retry() -> None:
    with pytest.raises(PartnerTaskError, match=rf"2 of 3 lanes failed: {A} \(at build\), {B} \(at build\)\."):
        _raise_unfinished([failed(is_fatal=True), failed(B)], 3)
    with pytest.raises(FatalTaskError, match="1 of 3 lanes failed"):
        _raise_unfinished([failed(is_fatal=True)], 3)


def test_the_longest_wait_that_a_partner_requires_is_kept() -> None:
    with pytest.raises(PartnerTaskError) as raised:
        _raise_unfinished([failed(retry_after=10.0), failed(B, retry_after=90.0)], 2)
    error: Any = raised.value.error
    assert error.retry_after == 90
