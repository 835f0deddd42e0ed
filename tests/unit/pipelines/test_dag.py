"""The Dag factories: their defaults and arguments, and the check of a run's conf."""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import AssetAny
from airflow.sdk.execution_time.context import set_current_context

from airflow_provider_partners import pipelines
from airflow_provider_partners._compat import AirflowFailException, AirflowSkipException
from airflow_provider_partners.exceptions import ConfigurationError, NotDefinedError
from airflow_provider_partners.pipelines import (
    lanes,
    partner_finance,
    run_summary,
    shop_selection,
    voucherify_extract,
)
from airflow_provider_partners.pipelines._dag import reject_unknown_params
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy
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
    own = {pipelines.retention_dag: {"days", "dry_run"}, pipelines.replay_rejects_dag: {"run", "shop", "dag_id"}}
    assert {"mine", *own.get(factory, {"since", "until"})} <= set(dag.params)
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
    build = selection(dag)["build"]
    assert build["options"]["order_date"] == "processed"
    assert build["policy"] == {"categories": {"return_abuse": 0.9}}
    assert build["coupon_policy"] == {"rolled_back": "{{ params.x }}"}
    # Each lane gets them from there, with what its route says besides.
    mapped = dag.get_task("lane.build")
    for name in ("options", "policy", "coupon_policy", "transform", "predictions"):
        assert getattr(mapped, name)._key == name


def selection(dag):
    """The arguments of the step that selects the shops."""
    if dag.has_task("choose_lanes"):
        (value,) = dag.get_task("choose_lanes").op_args
        return value
    return dag.get_task("select_shops").op_kwargs


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


# --- wrong arguments are refused when the Dag file is loaded ---


@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("claims_lookback", 30),
        ("claims_lookback", None),
        ("claims_lookback", timedelta(days=-1)),
        ("coupons_lookback", "3 days"),
        ("personal_data", "false"),
        ("personal_data", None),
        ("default_args", [1]),
        ("params", "x"),
    ],
)
def test_a_wrong_argument_of_an_order_dag_is_named(factory, argument, value):
    with pytest.raises(ConfigurationError, match=f"'{argument}' is .* is needed"):
        factory(**{argument: value})


@pytest.mark.parametrize(
    ("factory", "argument", "value"),
    [
        (pipelines.order_sync_dag, "catchup_limit", 72),
        (pipelines.order_sync_dag, "asset", "foo"),
        (pipelines.order_sync_dag, "app_id", None),
        (pipelines.order_backfill_dag, "asset", None),
        (pipelines.order_reconcile_dag, "shopify_partner_conn_id", 3),
        (pipelines.new_returns_dag, "poll_interval", 0),
        (pipelines.new_returns_dag, "poll_interval", "300"),
        (pipelines.new_returns_dag, "watched_shops", ["a.myshopify.com"]),
        (pipelines.partner_finance_dag, "lookback_days", -1),
        (pipelines.partner_finance_dag, "resync_days", timedelta(days=35)),
        (pipelines.voucherify_extract_dag, "voucherify_conn_id", ""),
    ],
)
def test_a_wrong_argument_of_a_dag_is_named(factory, argument, value):
    with pytest.raises(ConfigurationError, match=f"'{argument}' is .* is needed"):
        factory(**{argument: value})


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_an_unknown_argument_is_refused_with_the_nearest_known_name(factory):
    with pytest.raises(ConfigurationError, match="has no argument 'scedule': did you mean 'schedule'"):
        factory(scedule="@daily")


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_none_gives_the_default_arguments_and_params(factory):
    assert factory(default_args=None, params=None).default_args["retries"] == 2


@pytest.mark.parametrize("watched_shops", [{"a.myshopify.com": None}, {3: "yofi_default"}])
def test_a_watched_shop_and_its_connection_are_text(watched_shops):
    with pytest.raises(ConfigurationError, match=r"watched_shops.* is .*, and a text is needed"):
        pipelines.new_returns_dag(watched_shops=watched_shops)


@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("options", {"order_dat": "processed"}),
        ("options", 3),
        ("policy", {"categories": {"return_abuse": 9}}),
        ("policy", MappingOptions()),
        ("coupon_policy", {"kinds": 3}),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(factory, argument, value):
    with pytest.raises(ConfigurationError, match="Known fields"):
        factory(**{argument: value})


@pytest.mark.parametrize("options", ["{{ var.json.options }}", {"order_date": "{{ params.date }}"}])
def test_options_with_a_template_are_left_to_the_run(options):
    assert selection(pipelines.order_sync_dag(options=options))["build"]["options"] == options


@pytest.mark.parametrize("name", ["policy", "coupon_policy", "transform", "predictions", "routes", "line_properties"])
def test_every_shared_argument_that_a_task_renders_may_be_a_template(name):
    value = "{{ var.value.mine }}"
    chosen = selection(pipelines.order_sync_dag(**{name: value}))
    assert chosen.get(name, chosen["build"].get(name)) == value


def test_the_default_dags_import_no_policy():
    """Parsing a Dag file stays cheap."""
    code = (
        "import sys; from airflow_provider_partners import pipelines; "
        "[getattr(pipelines, name)() for name in pipelines.__all__]; "
        "sys.exit('airflow_provider_partners.sync.suppression.policy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_backfill_needs_its_range_to_have_a_schedule():
    with pytest.raises(ConfigurationError, match="'schedule' is given, and the params 'since' and 'until' have no"):
        pipelines.order_backfill_dag(schedule="@hourly")
    params = {"since": "2025-01-01T00:00:00Z", "until": "2025-02-01T00:00:00Z"}
    assert pipelines.order_backfill_dag(schedule="@hourly", params=params).schedule == "@hourly"


# --- the params of a run ---


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"lists": ["voucher"]}, "'lists' names voucher: did you mean 'vouchers'?"),
        ({"leave_out": ["locatons"]}, "'leave_out' names locatons: did you mean 'locations'?"),
        ({"below": ["voucher_transaction"]}, "'below' names voucher_transaction: did you mean 'voucher_transactions'?"),
        ({"lists": ["vouchers"], "leave_out": ["vouchers"]}, "'leave_out' excludes every list"),
    ],
)
def test_wrong_names_of_lists_are_refused_before_anything_is_read(params, problem):
    with pytest.raises(AirflowFailException, match=re.escape(problem)):
        choose_lists(**params)


def test_a_nested_list_can_be_left_out():
    """The summary advises it when the list failed."""
    params = {"below": ["product_skus", "voucher_redemptions"], "leave_out": ["product_skus"]}
    assert choose_lists(lists=["vouchers", "products"], **params)
    read = [{"resource": name} for name in ("vouchers", "products")]
    nested = run_step(voucherify_extract.choose_below.function, [{}], read, **params)
    assert [each["resource"] for each in nested] == ["voucher_redemptions"]


@pytest.mark.parametrize("name", ["lists", "leave_out", "below"])
def test_the_name_of_a_list_is_text(name):
    with pytest.raises(ValueError, match="3 is not of type 'string'"):
        pipelines.voucherify_extract_dag().params.get_param(name).resolve(["vouchers", 3])


def test_a_run_by_hand_for_new_returns_takes_a_shop_in_any_spelling(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    dag = pipelines.new_returns_dag()
    chosen = dag.get_task("choose_lanes").python_callable
    (lane,) = run_step(chosen, selection(dag), shops=["A"], since="2026-05-01T00:00:00Z", until="2026-05-02T00:00:00Z")
    assert (lane["shop"], lane["since"]) == ("a.myshopify.com", "2026-05-01T00:00:00Z")


@pytest.mark.parametrize(("personal_data", "expected"), [("False", False), ("true", True), (None, True)])
def test_personal_data_may_be_a_rendered_template(monkeypatch, personal_data, expected):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    select = partial(shop_selection.select_shops.function, personal_data=personal_data)
    assert {lane["personal_data"] for lane in run_step(select, "all", shops=None)} == {expected}


def test_the_example_refuses_an_unknown_key():
    dag = load_example("returns_overview")
    assert [task.task_id for task in dag.roots] == ["check_params"]
    context = {"dag": dag, "dag_run": SimpleNamespace(conf={"shop": ["a"]})}
    with set_current_context(context), pytest.raises(AirflowFailException, match="'shop': did you mean 'shops'"):
        dag.get_task("check_params").python_callable()


def load_example(name):
    path = Path(__file__).parents[3] / "dags" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.dag


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


def choose_lists(**params):
    params = {"lists": None, "leave_out": [], "below": [], "whole": False, **params}
    return run_step(voucherify_extract.choose_lists.function, **params)


def test_the_voucherify_dag_reads_the_last_day_without_a_logical_date():
    """``airflow dags trigger voucherify_extract``, as documented, gives a run without one."""
    lists = choose_lists(lists=["redemptions"])
    assert lists == [{"resource": "redemptions", "since": "2026-05-09T10:30:00Z", "until": "2026-05-10T10:30:00Z"}]


def test_the_finance_dag_reads_today_and_yesterday_without_a_logical_date(tmp_path):
    days = run_step(partner_finance.choose_days.function, "transactions", str(tmp_path), lookback_days=0, resync_days=0)
    assert [day["since"] for day in days] == ["2026-05-09T00:00:00Z", "2026-05-10T00:00:00Z"]


def test_the_reconciliation_takes_the_last_day_and_the_days_before_without_a_logical_date():
    chosen = pipelines.order_reconcile_dag().get_task("choose_range").python_callable
    ((placed),) = run_step(chosen, days=14)
    assert placed["query"] == "created_at:>='2026-04-25T10:30:00Z' AND created_at:<'2026-05-10T10:30:00Z'"


def test_the_dag_for_new_returns_fails_without_events_and_without_a_window(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    dag = pipelines.new_returns_dag()
    chosen = dag.get_task("choose_lanes").python_callable
    with pytest.raises(AirflowFailException, match="no data interval"):
        run_step(chosen, selection(dag), shops=None)


def test_new_returns_leave_out_a_shop_without_yofi(monkeypatch, caplog):
    routes = [*ROUTES, {"shop": "c.myshopify.com", "shopify_conn_id": "s", "yotpo_conn_id": "t"}]
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(routes))
    dag = pipelines.new_returns_dag()
    choose = partial(run_step, dag.get_task("choose_lanes").python_callable, selection(dag))
    window = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}

    assert [lane["shop"] for lane in choose(shops=None, **window)] == ["a.myshopify.com", "b.myshopify.com"]
    assert "c.myshopify.com is left out: its route names no connection of Yofi" in caplog.text
    with pytest.raises(AirflowFailException, match="No shop of this run has a route with a connection of Yofi"):
        choose(shops=["c.myshopify.com"], **window)


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
    [("all", ["a.myshopify.com", "b.myshopify.com"]), (["b.myshopify.com"], ["b.myshopify.com"])],
)
def test_the_shops_of_a_run_are_those_that_have_the_app(monkeypatch, installed, shops):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    assert [lane["shop"] for lane in run_step(shop_selection.select_shops.function, installed, shops=None)] == shops


def test_a_run_without_a_shop_fails_or_is_skipped_as_the_dag_says(monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    with pytest.raises(AirflowFailException, match="No routed shop has the app installed, so there is nothing to sync"):
        run_step(shop_selection.select_shops.function, [], shops=None)

    allowed = partial(shop_selection.select_shops.function, on_no_shops="skip")
    assert run_step(allowed, [], shops=None) == []
    assert "No routed shop has the app installed" in caplog.text
    summary = run_summary.build_run_summary([], [])
    assert "No shop to sync: no routed shop has the app installed." in summary["table"]
    with pytest.raises(AirflowSkipException, match="no shop to sync"):
        lanes.fail_on_failed_shops(summary)


def test_a_run_that_needs_yofi_takes_the_shops_that_have_it(monkeypatch, caplog):
    routes = [{name: value for name, value in ROUTES[0].items() if name != "yofi_conn_id"}, ROUTES[1]]
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(routes))
    select = partial(shop_selection.select_shops.function, needs_yofi=True)
    assert [lane["shop"] for lane in run_step(select, "all", shops=None)] == ["b.myshopify.com"]
    assert "a.myshopify.com is left out: its route names no connection of Yofi" in caplog.text
    with pytest.raises(AirflowFailException, match="has a route with a connection of Yofi"):
        run_step(select, "all", shops=["a"])


@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
def test_whether_a_run_needs_a_shop_is_a_choice(factory):
    assert selection(factory())["on_no_shops"] == "fail"
    assert selection(factory(on_no_shops="skip"))["on_no_shops"] == "skip"
    with pytest.raises(ConfigurationError, match="'on_no_shops' is 'skipp': did you mean 'skip'"):
        factory(on_no_shops="skipp")


def test_the_options_of_the_dag_and_of_the_route_come_together_in_the_lane(monkeypatch):
    routes = [dict(ROUTES[0], options='{"gift_cards": "include"}', policy={"claims": "order"}), ROUTES[1]]
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(routes))
    build = {"options": {"order_date": "processed", "gift_cards": "exclude"}, "policy": '{"level": "line"}'}
    one, two = run_step(partial(shop_selection.select_shops.function, build=build), "all", shops=None)
    assert one["options"] == {"order_date": "processed", "gift_cards": "include"}
    assert one["policy"] == {"level": "line", "claims": "order"}
    assert two["options"] == build["options"]
    assert two["policy"] == build["policy"]


def test_a_lane_in_a_pool_that_the_dag_does_not_know_is_an_error_with_the_argument_to_add(monkeypatch):
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps([dict(ROUTES[0], pool="big"), ROUTES[1]]))
    select = shop_selection.select_shops.function
    with pytest.raises(AirflowFailException, match=r"names the pool 'big'.*placements=\[\{'pool': 'big'\}\]"):
        run_step(select, "all", shops=None)
    known = partial(select, placements=[{"pool": "big", "queue": None}])
    assert [lane["pool"] for lane in run_step(known, "all", shops=None)] == ["big", None]


@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
def test_each_pool_and_queue_is_a_group_of_its_own(factory):
    """Airflow takes both from the task, for every map index: ``TaskInstance.refresh_from_task``."""
    dag = factory(placements=[{"pool": "big shops"}, {"pool": "a", "queue": "heavy"}, {"queue": "heavy"}])
    found = {
        group: (dag.get_task(f"{group}.build").pool, dag.get_task(f"{group}.summarize_lane").queue)
        for group in ("lane", "lane_big_shops", "lane_a_heavy", "lane_queue_heavy")
    }
    assert found == {
        "lane": ("default_pool", "default"),
        "lane_big_shops": ("big shops", "default"),
        "lane_a_heavy": ("a", "heavy"),
        "lane_queue_heavy": ("default_pool", "heavy"),
    }
    assert len(dag.roots) == 1
    assert [leaf.task_id for leaf in dag.leaves] == ["confirm"]


@pytest.mark.parametrize(
    ("argument", "value", "problem"),
    [
        ("transform", lambda payload: payload, "the import path of a function is needed"),
        ("transform", "my module", "the import path of a function is needed"),
        ("placements", {"pool": "x"}, "a list is needed"),
        ("placements", ["x"], "is no dict with a pool or a queue"),
        ("placements", [{"pools": "x"}], "unknown key 'pools'"),
        ("placements", [{"pool": 3}], "is no text"),
        ("placements", [{"pool": "a b"}, {"pool": "a_b"}], "would have the same task group 'lane_a_b'"),
        ("routes", "routes.json", "the address of a file"),
        ("routes", "/dags/routes.csv", "the address of a file"),
        ("routes", {"conn_id": "x"}, "other keys than 'conn_id' and 'sql'"),
        ("routes", 3, "'routes' is a int"),
        ("predictions", 3, "'predictions' is 3, and an absolute path or a URI is needed"),
        ("predictions", "scores", "an absolute path or a URI is needed"),
        ("policy", type("Mine", (SuppressionPolicy,), {})(), "A Dag takes its import path"),
    ],
)
@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
def test_a_wrong_shared_argument_is_refused_when_the_dag_file_is_loaded(factory, argument, value, problem):
    with pytest.raises(ConfigurationError, match=problem):
        factory(**{argument: value})


@pytest.mark.parametrize("factory", ORDER_FACTORIES, ids=lambda factory: factory.__name__)
def test_the_signature_shows_the_shared_arguments(factory):
    names = inspect.signature(factory).parameters
    assert {"options", "policy", "transform", "predictions", "routes", "placements", "on_no_shops"} < names.keys()
    assert "arguments" not in names


def test_a_missing_list_of_shops_is_not_every_shop(monkeypatch):
    """The XCom of a task that somebody marked as successful."""
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps(ROUTES))
    with pytest.raises(AirflowFailException, match="The step 'active_shops' did not succeed"):
        run_step(shop_selection.select_shops.function, None, shops=None)


@pytest.mark.parametrize(
    ("step", "arguments", "variable"),
    [
        (shop_selection.select_shops, (["a.myshopify.com"],), "partner_shop_routes"),
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
