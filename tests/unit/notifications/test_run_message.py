"""What a message about a run says, from what the run has left."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk import DAG

from airflow_provider_partners.notifications.run_message import RunMessage, partner_summary
from airflow_provider_partners.observability.report.model import Gap, LaneReport, RunReport, TaskError
from airflow_provider_partners.observability.report.store import write_report
from airflow_provider_partners.pipelines import order_sync_dag
from airflow_provider_partners.pipelines.run_summary import build_lane_summary, build_run_summary, with_table

A, B = "a.myshopify.com", "b.myshopify.com"
RUN = "manual__2026-11-30T13:00:00+00:00"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", tmp_path.as_uri())
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com")


def summary(*, error=None):
    failed = build_lane_summary(A, {"extract_orders": {"records": 3}, "upsert_orders": None})
    failed["error"] = error
    done = build_lane_summary(
        B, {"extract_orders": {"records": 4}, "upsert_orders": {"extra": {"summary": {"created": 3, "unchanged": 1}}}}
    )
    return build_run_summary([failed, done], [(A, ""), (B, "")])


def context(value=None, **entries):
    """The context of a Dag's callback: Airflow passes the last task instance, and the reason."""
    ti = SimpleNamespace(dag_id="sync", run_id=RUN, task_id="confirm", xcom_pull=lambda task_ids: value)
    return {"dag": SimpleNamespace(dag_id="sync"), "run_id": RUN, "ti": ti, **entries}


def test_a_failed_run_says_which_lanes_failed_why_and_what_to_do():
    error = {"task": "upsert_orders", "message": "Yotpo: The secret is invalid (HTTP 401)", "remedy": "Renew it."}
    message = RunMessage.of(context(summary(error=error), reason="task_failure"))
    assert message.text.splitlines() == [
        "sync failed: 1 of 2 lanes failed",
        "a.myshopify.com at upsert_orders: Yotpo: The secret is invalid (HTTP 401)",
        "  What to do: Renew it.",
        "Orders: 7 read, 3 created, 0 updated, 1 unchanged, 0 rejected",
        "Run: https://airflow.example.com/dags/sync/runs/manual__2026-11-30T13%3A00%3A00%2B00%3A00",
    ]


def test_a_run_that_succeeded_has_its_counts():
    done = build_run_summary(
        [build_lane_summary(A, {"extract_orders": {"records": 2}, "upsert_orders": {"extra": {}}})], [(A, "")]
    )
    message = RunMessage.of(context(done, reason="success"))
    assert (message.state, message.title, message.failures) == ("success", "sync success", [])
    assert message.counts["read"] == 2


def test_gaps_are_named():
    gaps = {A: [{"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}]}
    message = RunMessage.of(context(with_table(summary(), gaps=gaps), reason="task_failure"))
    assert "Read by no run: a.myshopify.com from 2026-05-01T00:00:00Z to 2026-05-02T00:00:00Z" in message.text


def test_without_a_summary_the_report_says_why_no_lane_began():
    error = TaskError(task="active_shops", message="Shopify Partner: The token is refused", remedy="Renew it.")
    write_report(RunReport(dag_id="sync", run_id=RUN, state="failed", error=error), "")
    text = RunMessage.of(context(None, reason="task_failure")).text
    assert text.splitlines()[:3] == [
        "sync failed",
        "active_shops: Shopify Partner: The token is refused",
        "  What to do: Renew it.",
    ]


def test_the_report_has_lanes_and_gaps_as_the_summary_has():
    lane = LaneReport(
        shop=A, name=A, state="failed", failed_at="build", error=TaskError(task="build", message="broken")
    )
    gap = Gap(shop=A, since="2026-05-01", until="2026-05-02")
    write_report(RunReport(dag_id="sync", run_id=RUN, state="failed", lanes=[lane], gaps=[gap]), "")
    message = RunMessage.of({"dag_run": {"dag_id": "sync", "dag_run_id": RUN}, "deadline": {"id": "1"}})
    assert message.title == "sync is late: 1 of 1 lanes failed"
    assert "Read by no run: a.myshopify.com from 2026-05-01 to 2026-05-02" in message.text


@pytest.mark.parametrize("broken", [KeyError("x"), RuntimeError("the API server is down"), TypeError()])
def test_a_message_never_fails_because_nothing_can_be_read(monkeypatch, broken):
    def pull(task_ids):
        raise broken

    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "nowhere://bucket")
    ti = SimpleNamespace(dag_id="sync", run_id=RUN, xcom_pull=pull)
    message = RunMessage.of({"ti": ti, "run_id": RUN, "reason": "timed_out"})
    assert message.text.splitlines()[0] == "sync timed out"


def test_without_a_base_url_the_run_s_id_stands_for_the_link(monkeypatch):
    monkeypatch.delenv("AIRFLOW__API__BASE_URL")
    assert RunMessage.of(context(None, reason="success")).text.endswith(f"Run: {RUN}")


def test_templates_of_the_product_s_dags_have_the_text_as_a_macro():
    """Any notifier renders its templates with the Dag's environment: ``BaseNotifier.render_template_fields``."""
    dag = order_sync_dag(dag_id="sync")
    rendered = (
        dag
        .get_template_env()
        .from_string("<pre>{{ partner_summary() }}</pre>")
        .render(context(summary(), reason="task_failure"))
    )
    assert rendered.startswith("<pre>sync failed: 1 of 2 lanes failed\n")


def test_a_dag_of_one_s_own_gets_the_macro():
    with DAG("mine", schedule=None, user_defined_macros={"partner_summary": partner_summary}) as dag:
        pass
    text = dag.get_template_env().from_string("{{ partner_summary() }}").render(context(None, reason="success"))
    assert text.startswith("sync success")


def test_a_text_names_only_so_many_lanes_that_a_chat_takes_it():
    """Slack cuts a text of more than 40,000 characters (docs.slack.dev: chat.postMessage, "Truncating content")."""
    error = TaskError(task="upsert_orders", message="Yotpo: The secret is invalid (HTTP 401)", remedy="Renew it." * 20)
    lanes = [
        LaneReport(shop=f"{number}.myshopify.com", state="failed", failed_at="upsert_orders", error=error)
        for number in range(1000)
    ]
    write_report(RunReport(dag_id="sync", run_id=RUN, state="failed", lanes=lanes), "")

    message = RunMessage.of(context(None, reason="task_failure"))

    assert len(message.failures) == 1000
    assert len(message.text) < 40_000
    assert "and 980 more, see the report of the run" in message.text.splitlines()
