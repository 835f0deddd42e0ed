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
from airflow_provider_partners.arguments import (
    check_arguments,
    check_count,
    check_dataset,
    check_duration,
    check_flag,
    check_flag_or_names,
    check_ids,
    check_keys,
    check_levels,
    check_limit,
    check_mapping,
    check_seconds,
    check_structure,
    parse_bool,
    suggest,
)
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
@pytest.mark.parametrize("value", ["file:///a", 7, True])
def test_what_is_neither_a_dataset_nor_a_list_of_records_fails_for_good(operator, argument, value):
    with pytest.raises(AirflowFailException, match=f"'{argument}' is .* is needed"):
        operator(value).execute({"ti": SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1)})


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


@pytest.mark.parametrize("value", [True, "True", "true", " yes ", "1", 1])
def test_a_rendered_boolean_is_true(value):
    assert parse_bool(value, "plan_only") is True


@pytest.mark.parametrize("value", [False, "False", "false", "0", 0, None, "None", ""])
def test_a_rendered_boolean_is_false(value):
    assert parse_bool(value, "plan_only") is False


def test_a_value_that_is_not_a_boolean_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="'plan_only' is neither true nor false: 'perhaps'"):
        parse_bool("perhaps", "plan_only")


class Owner:
    """What has arguments: each is a template here, and ``size`` has a default."""

    def __init__(self, *, size=7, **values):
        self.size = size
        vars(self).update(values)


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (check_count, "5", 5),
        (check_limit, "0.1", 0.1),
        (check_limit, "20", 20),
        (check_seconds, " 2.5 ", 2.5),
        (check_flag, "False", False),
        (check_flag, "true", True),
        # ISO 8601-1:2019, section 5.5.2; the last two are str(timedelta), which Jinja writes.
        (check_duration, "PT2H", timedelta(hours=2)),
        (check_duration, "P1DT30M", timedelta(days=1, minutes=30)),
        (check_duration, "2:00:00", timedelta(hours=2)),
        (check_duration, "1 day, 2:00:00", timedelta(days=1, hours=2)),
        (check_mapping, '{"a": [1, null]}', {"a": [1, None]}),
        (check_mapping, "{'a': [1, None]}", {"a": [1, None]}),
        (check_structure, "['id', 'name']", ["id", "name"]),
        (check_structure, "id,name", "id,name"),
        (check_keys, "('id',)", ("id",)),
        (check_levels, "1", 1),
        (check_levels, "true", True),
        (check_flag_or_names, "false", False),
        (check_flag_or_names, "id,name", "id,name"),
        (check_dataset, "{'uri': '/d', 'source': 'yofi'}", {"uri": "/d", "source": "yofi"}),
    ],
)
def test_the_text_of_a_template_becomes_the_value_of_its_argument(check, text, value):
    owner = Owner(size=text)
    check_arguments(owner, {"size": check})
    assert (owner.size, type(owner.size)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "None", None])
def test_a_template_that_renders_to_nothing_means_the_default(text):
    owner = Owner(size=text)
    check_arguments(owner, {"size": check_count})
    assert owner.size == 7


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (check_count, "five"),
        (check_count, "0"),
        (check_flag, "perhaps"),
        # A number has no unit.
        (check_duration, "300"),
        (check_duration, "-PT1H"),
        (check_mapping, '{"a": }'),
        (check_mapping, "[1]"),
        (check_limit, "10%"),
        (check_levels, "-1"),
        (check_levels, "all"),
    ],
)
def test_a_text_without_a_value_is_refused_by_name(check, text):
    with pytest.raises(ConfigurationError, match="'size' is "):
        check_arguments(Owner(size=text), {"size": check})
