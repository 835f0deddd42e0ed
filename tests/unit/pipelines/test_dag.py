"""The Dag factories: their defaults and arguments, and the check of a run's conf."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk import AssetAny

from airflow_provider_partners import pipelines
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines._dag import reject_unknown_params
from airflow_provider_partners.sync.options import MappingOptions

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
