"""A task that sums up says why a step before it failed, though Airflow hands on nothing of a failed task."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk.execution_time.context import set_current_context

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.exceptions import AuthenticationError, FatalError, TransientError
from airflow_provider_partners.pipelines import partner_finance, voucherify_extract
from airflow_provider_partners.pipelines._dag import require_results
from airflow_provider_partners.pipelines.step_errors import describe_failures, read_error
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

DAG = SimpleNamespace(has_task=lambda task_id: task_id == "summarize")


@pytest.fixture(autouse=True)
def staging(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", tmp_path.as_uri())
    return tmp_path


def context(task_id, map_index=-1):
    ti = SimpleNamespace(dag_id="sync", task_id=task_id, run_id="r1", map_index=map_index, log_url=f"/log/{task_id}")
    return {"dag": DAG, "ti": ti}


def fail(step, error, map_index=-1):
    with pytest.raises((PartnerTaskError, AirflowFailException)), translate_errors(context(step, map_index)):
        raise error


def test_a_lane_s_last_task_knows_why_a_step_of_the_same_lane_failed():
    fail("lane.upsert_orders", AuthenticationError("The secret is invalid", partner="Yotpo", remedy="Check it."), 1)
    expected = {
        "task": "upsert_orders",
        "message": "Yotpo: The secret is invalid",
        "remedy": "Check it.",
        "log_url": "/log/lane.upsert_orders",
    }
    assert read_error(context("lane.summarize_lane", 1), "upsert_orders") == expected
    assert read_error(context("lane.summarize_lane", 0), "upsert_orders") is None


def test_the_last_try_counts():
    fail("lane.build", TransientError("first"), 0)
    fail("lane.build", TransientError("second"), 0)
    assert read_error(context("lane.summarize_lane", 0), "build")["message"] == "second"
    with translate_errors(context("lane.build", 0)):
        pass
    assert read_error(context("lane.summarize_lane", 0), "build") is None


def test_a_step_that_never_ran_left_no_error():
    assert read_error(context("lane.summarize_lane", 0), "build") is None


def test_an_unreadable_storage_hides_no_failure(monkeypatch, staging, caplog):
    from airflow_provider_partners.pipelines import step_errors

    def broken(uri):
        raise TransientError("the storage is down")

    monkeypatch.setattr(step_errors, "read_tries", broken)
    assert read_error(context("lane.summarize_lane", 0), "build") is None
    assert "The error of 'build' can't be read: the storage is down" in caplog.text


def test_the_summary_of_a_run_without_lanes_names_the_cause():
    fail("active_shops", AuthenticationError("The token is refused", partner="Shopify Partner", remedy="Renew it."))
    with pytest.raises(FatalError) as raised:
        require_results({"active_shops": None, "select_shops": None}, context("summarize"))
    assert str(raised.value) == (
        "The step 'active_shops' did not succeed, so this run has not done its work: "
        "Shopify Partner: The token is refused. Renew it."
    )


def test_failed_instances_of_a_mapped_step_are_explained_one_by_one():
    fail("lists", AuthenticationError("The key is refused", partner="Voucherify", remedy="Renew the key."), 3)
    text = describe_failures(context("summarize"), [("orders", "lists", 3), ("vouchers", "lists", 4)])
    assert text.splitlines() == [
        "orders at lists: Voucherify: The key is refused",
        "  What to do: Renew the key.",
        "vouchers at lists: it left no error. It was stopped from outside, or it never started.",
        "  What to do: See the log of that task.",
    ]


def test_the_voucherify_dag_says_why_lists_failed(caplog):
    fail("lists", TransientError("No answer", partner="Voucherify", remedy="Try again."), 1)
    lists = [{"resource": "orders"}, {"resource": "vouchers"}]
    references = [{"resource": "orders", "records": 3}]
    with set_current_context(context("summarize")), pytest.raises(PartnerTaskError, match="1 lists failed: vouchers"):
        voucherify_extract.summarize.function(lists, references, [], [])
    assert "vouchers at lists: Voucherify: No answer\n  What to do: Try again." in caplog.text


def test_the_finance_dag_says_why_a_day_is_missing():
    fail("extract_transactions", TransientError("No answer", partner="Shopify Partner", remedy="Try again."), 1)
    days = [{"uri": f"/finance/{day}", "since": f"2026-05-0{day}T00:00:00Z"} for day in (1, 2)]
    failed = partner_finance._failed_days({"transactions": (days, [{"uri": "/finance/1"}]), "app_events": (None, None)})
    assert failed == [
        ("transactions of 2026-05-02", "extract_transactions", 1),
        ("app_events", "days_of_app_events", -1),
    ]
    assert describe_failures(context("summarize"), failed[:1]).startswith(
        "transactions of 2026-05-02 at extract_transactions: Shopify Partner: No answer"
    )
