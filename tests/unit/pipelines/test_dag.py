"""The Dag factories: their defaults and arguments, and the check of a run's conf."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import AssetAny
from airflow.sdk.execution_time.context import set_current_context

from airflow_provider_partners import pipelines
from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.exceptions import ConfigurationError, NotDefinedError
from airflow_provider_partners.pipelines import lanes, partner_finance, voucherify_extract
from airflow_provider_partners.pipelines._dag import reject_unknown_params
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.task_errors import PartnerTaskError

ROUTES = [
    {"shop": name, "shopify_conn_id": "s", "yofi_conn_id": "y", "yotpo_conn_id": "t"}
    for name in ("a.myshopify.com", "b.myshopify.com")
]
FACTORIES = [getattr(pipelines, name) for name in pipelines.__all__]
ORDER_FACTORIES = [
    pipelines.order_sync_dag,
    pipelines.order_backfill_dag,
    pipelines.order_reconcile_dag,
    pipelines.new_returns_dag,
]


def context(conf):
    dag = SimpleNamespace(params={"since": None, "until": None, "dry_run": False, "shops": None})
    return {"dag": dag, "dag_run": SimpleNamespace(conf=conf)}


@pytest.mark.parametrize("conf", [None, {}, {"dry_run": True}, {"since": "x", "shops": []}, {"openlineage": {}}])
def test_a_conf_with_known_keys_is_accepted(conf):
    reject_unknown_params(context(conf))


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("dryrun", "unknown param 'dryrun': did you mean 'dry_run'?"),
        ("Dry_Run", "unknown param 'Dry_Run': did you mean 'dry_run'?"),
        ("shop", "unknown param 'shop': did you mean 'shops'?"),
        ("colour", "unknown param 'colour'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_name(key, hint):
    with pytest.raises(ConfigurationError) as error:
        reject_unknown_params(context({key: True}))
    assert hint in str(error.value)
    assert "Its params are: dry_run, shops, since, until." in str(error.value)


def test_all_unknown_keys_are_named():
    with pytest.raises(ConfigurationError, match=r"'colour'.*'dryrun'"):
        reject_unknown_params(context({"dryrun": True, "colour": "red", "since": "x"}))


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_one_task_comes_before_all_others(factory):
    """It is the task that checks the conf."""
    assert len(factory().roots) == 1


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_the_arguments_of_a_dag_can_be_set(factory):
    dag = factory(
        dag_id="mine",
        schedule=None,
        tags=["mine"],
        max_active_tasks=3,
        default_args={"retries": 7, "owner": "me"},
        params={"mine": 1},
    )
    assert (dag.dag_id, dag.schedule, dag.tags, dag.max_active_tasks) == ("mine", None, {"mine"}, 3)
    assert (dag.default_args["retries"], dag.default_args["owner"]) == (7, "me")
    assert dag.default_args["retry_delay"] in {timedelta(minutes=1), timedelta(minutes=5)}
    assert {"mine", "since", "until"} <= set(dag.params)
    assert dag.catchup is False


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_a_dag_is_documented(factory):
    assert factory().doc_md


@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
def test_options_and_policies_go_to_the_build(factory):
    dag = factory(
        options=MappingOptions(order_date="processed"),
        policy={"categories": {"return_abuse": 0.9}},
        coupon_policy={"rolled_back": "{{ params.x }}"},
    )
    build = dag.get_task("lane.build")
    assert build.options["order_date"] == "processed"
    assert build.policy == {"categories": {"return_abuse": 0.9}}
    assert build.coupon_policy == {"rolled_back": "{{ params.x }}"}


def test_without_watched_shops_the_dag_for_new_returns_has_no_schedule():
    assert pipelines.new_returns_dag().schedule is None


def test_each_list_of_a_watched_shop_is_an_asset_of_its_own():
    dag = pipelines.new_returns_dag(watched_shops={"A.myshopify.com": "yofi_default", "b": "yofi_b"}, poll_interval=9)
    assert isinstance(dag.schedule, AssetAny)
    watchers = {asset.uri: asset.watchers[0].trigger.serialize()[1] for asset in dag.schedule.objects}
    assert {uri: (trigger["yofi_conn_id"], trigger["shop"]) for uri, trigger in watchers.items()} == {
        "yofi://a.myshopify.com/new_returns": ("yofi_default", "a.myshopify.com"),
        "yofi://a.myshopify.com/new_claims": ("yofi_default", "a.myshopify.com"),
        "yofi://b.myshopify.com/new_returns": ("yofi_b", "b.myshopify.com"),
        "yofi://b.myshopify.com/new_claims": ("yofi_b", "b.myshopify.com"),
    }
    assert {trigger["poll_interval"] for trigger in watchers.values()} == {9}


def test_a_shop_that_is_watched_twice_is_refused():
    with pytest.raises(ConfigurationError, match=r"'watched_shops' has the shop 'a\.myshopify\.com' twice"):
        pipelines.new_returns_dag(watched_shops={"a": "yofi_a", "a.myshopify.com": "yofi_b"})


# --- what a run reads without a logical date, and what it does when Airflow does not find a Variable ---


def run_step(function, *arguments, **params):
    """Run a step as in a run without a logical date; Airflow passes no data interval then."""
    context = {
        "params": {"since": None, "until": None, **params},
        "dag": SimpleNamespace(params={}),
        "dag_run": SimpleNamespace(conf={}),
        "ti": SimpleNamespace(xcom_push=lambda **_: None),
    }
    with time_machine.travel("2026-05-10T10:30:00+00:00", tick=False), set_current_context(context):
        return function(*arguments)


def test_the_voucherify_dag_reads_the_last_day_without_a_logical_date():
    """``airflow dags trigger voucherify_extract``, as documented, gives a run without one."""
    lists = run_step(voucherify_extract.choose_lists.function, lists=["redemptions"], leave_out=[], whole=False)
    assert lists == [{"resource": "redemptions", "since": "2026-05-09T10:30:00Z", "until": "2026-05-10T10:30:00Z"}]


def test_the_finance_dag_reads_today_and_yesterday_without_a_logical_date(tmp_path):
    days = run_step(partner_finance.choose_days.function, "transactions", str(tmp_path), lookback_days=0, resync_days=0)
    assert [day["since"] for day in days] == ["2026-05-09T00:00:00Z", "2026-05-10T00:00:00Z"]


def test_the_reconciliation_takes_the_last_day_and_the_days_before_without_a_logical_date():
    chosen = pipelines.order_reconcile_dag().get_task("choose_range").python_callable
    ((placed),) = run_step(chosen, days=14)
    assert placed["query"] == "created_at:>='2026-04-25T10:30:00Z' AND created_at:<'2026-05-10T10:30:00Z'"


def test_the_dag_for_new_returns_fails_without_events_and_without_a_window(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", "[]")
    chosen = pipelines.new_returns_dag().get_task("choose_lanes").python_callable
    with pytest.raises(AirflowFailException, match="no data interval"):
        run_step(chosen, shops=None)


def test_the_app_is_the_variable_and_has_no_default(monkeypatch):
    dag = pipelines.order_sync_dag()
    task = dag.get_task("active_shops")
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_APP_ID", "gid://partners/App/7")
    task.render_template_fields({}, dag.get_template_env())
    assert task.app_id == "gid://partners/App/7"

    monkeypatch.delenv("AIRFLOW_VAR_PARTNER_APP_ID")
    dag = pipelines.order_sync_dag()
    with pytest.raises(NotDefinedError, match=r"did not find the Variable 'partner_app_id'\. Set it to gid"):
        dag.get_task("active_shops").render_template_fields({}, dag.get_template_env())


@pytest.mark.parametrize(
    ("installed", "shops"),
    [("all", ["a.myshopify.com", "b.myshopify.com"]), (["b.myshopify.com"], ["b.myshopify.com"]), ([], [])],
)
def test_the_shops_of_a_run_are_those_that_have_the_app(monkeypatch, installed, shops):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    assert [lane["shop"] for lane in run_step(lanes.select_shops.function, installed, shops=None)] == shops


def test_a_missing_list_of_shops_is_not_every_shop(monkeypatch):
    """The XCom of a task that somebody marked as successful."""
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    with pytest.raises(AirflowFailException, match="The step 'active_shops' did not succeed"):
        run_step(lanes.select_shops.function, None, shops=None)


@pytest.mark.parametrize(
    ("step", "arguments", "variable"),
    [
        (lanes.select_shops, (["a.myshopify.com"],), "partner_shop_routes"),
        (partner_finance.choose_destination, (), "partner_finance_uri"),
        (partner_finance.choose_days, ("app_events", "file:///days"), "partner_app_id"),
    ],
)
def test_a_variable_that_is_not_found_is_left_to_the_retries(step, arguments, variable):
    with pytest.raises(PartnerTaskError, match=f"did not find the Variable '{variable}'.*a retry helps"):
        run_step(step.function, *arguments, shops=None, destination=None)


def test_none_is_a_destination_and_no_app(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_FINANCE_URI", "none")
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_APP_ID", "none")
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "s3://bucket/staging/")
    assert run_step(partner_finance.choose_destination.function, destination=None) == "s3://bucket/staging/finance"
    assert run_step(partner_finance.choose_days.function, "app_events", "file:///days") == []
