"""Wrong arguments are named, with what to write instead; unknown names come with the nearest known one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence

from airflow_provider_partners import (
    ShopifyPartnerHook,
    VoucherifyExtractOperator,
    YofiExtractOperator,
    YofiRecordsSensor,
    YotpoBuildOrdersOperator,
    YotpoOrderSensor,
    YotpoReconcileOrdersOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.arguments import check_ids, suggest
from airflow_provider_partners.exceptions import ConfigurationError

MAPPED = [{"uri": "file:///a"}, {"uri": "file:///b"}]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order", ": did you mean 'orders'?"),
        ("ORDERS", ": did you mean 'orders'?"),
        ("colour", ""),
        (None, ""),
        ("x" * 1_000_000, ""),
    ],
)
def test_the_nearest_known_name(name, expected):
    assert suggest(name, ["orders", "products"]) == expected


@pytest.mark.parametrize(
    ("operator", "argument"),
    [
        (lambda value: YotpoBuildOrdersOperator(task_id="t", orders=value, shop="a"), "orders"),
        (lambda value: YotpoBuildOrdersOperator(task_id="t", orders={}, shop="a", returns=value), "returns"),
        (lambda value: YotpoUpsertOrdersOperator(task_id="t", orders=value), "orders"),
        (lambda value: YotpoReplayRejectsOperator(task_id="t", rejects=value), "rejects"),
        (lambda value: YotpoReconcileOrdersOperator(task_id="t", built={}, yotpo_orders=value), "yotpo_orders"),
    ],
)
@pytest.mark.parametrize("value", [MAPPED, "{'uri': 'file:///a'}", 7])
def test_the_output_of_a_mapped_task_that_is_not_expanded_fails_for_good(operator, argument, value):
    with pytest.raises(AirflowFailException, match=f"'{argument}' is .* is needed") as caught:
        operator(value).execute({"ti": SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1)})
    assert value is not MAPPED or f".expand({argument}=" in str(caught.value)


def test_airflow_passes_the_outputs_of_a_mapped_task_as_a_sequence():
    """The check looks for a sequence."""
    assert issubclass(LazyXComSequence, Sequence)


@pytest.mark.parametrize(
    ("operator", "problem"),
    [
        (
            lambda: YofiExtractOperator(task_id="t", resource="returns", walk_lookback=2),
            "'walk_lookback' is 2, and a duration is needed",
        ),
        (
            lambda: VoucherifyExtractOperator(task_id="t", resource="orders", job_timeout=3600),
            "'job_timeout' is 3600, and a duration is needed",
        ),
        (
            lambda: VoucherifyExtractOperator(task_id="t", resource="orders", poll_interval=timedelta(seconds=5)),
            r"'poll_interval' is datetime.timedelta\(seconds=5\), and a number of seconds is needed",
        ),
        (
            lambda: YotpoUpsertOrdersOperator(task_id="t", orders={}, max_rejects="10%"),
            "'max_rejects' is the text '10%', and a count or a share is needed",
        ),
        (
            lambda: YotpoUpsertOrdersOperator(task_id="t", orders={}, max_rejects=1.5),
            "'max_rejects' is 1.5, and a count or a share is needed",
        ),
        (
            lambda: YofiExtractOperator(task_id="t", resource="claims", since="2026-01-01", yofi_conn_id=None),
            "'yofi_conn_id' is None, and a text is needed",
        ),
        (
            lambda: YofiRecordsSensor(task_id="t", resource="returns", walk_lookback=2),
            "'walk_lookback' is 2, and a duration is needed",
        ),
        (
            lambda: YofiRecordsSensor(task_id="t", resource="claim"),
            r"There is no list 'claim': did you mean 'claims'\?",
        ),
        (
            lambda: YotpoOrderSensor(task_id="t", external_ids="1,2"),
            r"'external_ids' is the text '1,2', and a list of ids is needed\. Write \['1', '2'\]",
        ),
        (lambda: YotpoOrderSensor(task_id="t", external_ids=MAPPED), "'external_ids' holds a dict, and ids are needed"),
        (
            lambda: YotpoOrderSensor(task_id="t", external_id="1", state="fulfiled"),
            r"There is no state 'fulfiled' of an order: did you mean 'fulfilled'\?",
        ),
    ],
)
def test_a_wrong_argument_fails_for_good(monkeypatch, operator, problem):
    store = {"conn_type": "yotpo", "login": "a", "password": "b", "host": "http://127.0.0.1:9"}
    monkeypatch.setenv("AIRFLOW_CONN_YOTPO_DEFAULT", json.dumps(store))
    with pytest.raises(AirflowFailException, match=problem):
        operator().execute({"ti": SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1, try_number=1)})


def test_an_unknown_extra_comes_with_the_nearest_known_one(monkeypatch):
    stored = {"conn_type": "shopify_partner", "password": "b", "extra": {"organisation_id": "1"}}
    monkeypatch.setenv("AIRFLOW_CONN_P", json.dumps(stored))
    problem = r"unknown extras: 'organisation_id': did you mean 'organization_id'\? Its extras are"
    with pytest.raises(ConfigurationError, match=problem):
        assert ShopifyPartnerHook("p").connection


def test_ids_are_texts_or_numbers_each_once():
    assert check_ids("ids", [3, "1", "3"]) == ["3", "1"]
    assert check_ids("ids", iter(["a"])) == ["a"]
    for wrong in ([None], [True], [["1"]], {"a": 1}, "1,2", 7):
        with pytest.raises(ConfigurationError, match="'ids'"):
            check_ids("ids", wrong)
