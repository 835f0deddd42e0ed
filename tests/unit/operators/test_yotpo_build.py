"""The build operator takes a mapping, rules and predictions of a Dag author, also as rendered text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import order_builders as make
import pytest

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.operators.yotpo import YotpoBuildOrdersOperator
from airflow_provider_partners.sync.transform import LeaveOut

SHOP = "a.myshopify.com"
PREDICTIONS = [{"order_id": "1", "category": "return_abuse", "score": 0.9}]


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    task = SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1, try_number=1)
    task.xcom_push = lambda key, value: None
    return {"ti": task}


def order(number, **fields):
    now = datetime.now(UTC)
    return make.order(number, createdAt=now.strftime("%Y-%m-%dT%H:%M:%SZ"), **fields)


def build(context, *orders, **arguments):
    return YotpoBuildOrdersOperator(task_id="build", orders=list(orders), shop=SHOP, **arguments).execute(context)


def write(folder, records, **fields):
    writer = DatasetWriter(str(folder), **{"source": "warehouse", "resource": "predictions", **fields})
    writer.append(records)
    return writer.commit().to_dict()


def test_a_transform_may_be_a_function_of_the_dag_file(context):
    def transform(payload, *, order, context):
        return LeaveOut("sold elsewhere") if order["name"] == "#2" else {**payload, "payment_method": "mine"}

    reference = build(context, order(1), order(2), transform=transform)
    assert [record["order"]["payment_method"] for record in read_dataset(reference)] == ["mine"]
    assert reference["extra"]["left_outs"] == {"sold elsewhere": 1}
    assert reference["extra"]["rejected"] == 0


def test_reasons_that_differ_for_each_order_do_not_fill_xcom(context):
    """Airflow's documentation: XComs are for small amounts of data, and not for data sets."""

    def numbered(payload, *, order, context):
        return LeaveOut(f"order {order['legacyResourceId']}01 is sold elsewhere")

    def named(payload, *, order, context):
        return LeaveOut(f"sold by {'x' * int(order['legacyResourceId'])}")

    many = [order(number) for number in range(1, 31)]
    assert build(context, *many, transform=numbered)["extra"]["left_outs"] == {"order … is sold elsewhere": 30}
    extra = build(context, *many, transform=named)["extra"]
    assert (len(extra["left_outs"]) <= 21, extra["left_outs"]["other reasons"] > 1, extra["left_out"]) == (
        True,
        True,
        30,
    )


def test_a_transform_may_be_an_import_path(context, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "operator_mapping.py").write_text(
        "def f(payload, *, order, context):\n    return {**payload, 'x': 1}\n"
    )
    reference = build(context, order(1), transform="operator_mapping:f", max_rejects=1)
    (reason,) = reference["extra"]["rejections"]
    assert "x: unknown field" in reason


def test_a_wrong_import_path_fails_the_task_at_once(context):
    with pytest.raises(
        AirflowFailException, match="'transform' is 'no_such_module_y:f', and its module can't be imported"
    ):
        build(context, order(1), transform="no_such_module_y:f")


@pytest.mark.parametrize("form", ["list", "text", "reference", "folder"])
def test_predictions_may_come_from_a_list_a_task_or_a_published_dataset(context, tmp_path, form):
    reference = write(tmp_path / "predictions", PREDICTIONS)
    predictions = {
        "list": PREDICTIONS,
        "text": json.dumps(PREDICTIONS),
        "reference": reference,
        "folder": str(tmp_path / "predictions"),
    }[form]
    built = build(context, order(1), order(2), predictions=predictions)
    assert built["extra"]["suppressions"] == {"return_abuse >= 0.8 (order_predictions)": 1}
    versions = [record["version"].get("predictions") for record in read_dataset(built)]
    # A list has no time of reading, so its age is not known.
    assert all(versions) if form in {"reference", "folder"} else not any(versions)


def test_a_folder_without_a_dataset_is_an_error(context, tmp_path):
    with pytest.raises(Exception, match="There is no dataset in"):
        build(context, order(1), predictions=str(tmp_path / "nothing"))


@pytest.mark.parametrize("nothing", [None, "", "None"])
def test_predictions_that_render_to_nothing_are_not_given(context, nothing):
    assert build(context, order(1), predictions=nothing)["extra"]["suppressed"] == 0


def test_options_policies_and_coupon_policy_may_be_text(context):
    """A Variable is text, and a template renders to text."""
    policy = {"rules": [{"name": "all", "amount_over": 0}]}
    reference = build(
        context, order(1), options='{"order_date": "processed"}', policy=json.dumps(policy), coupon_policy=str({})
    )
    (record,) = read_dataset(reference)
    assert record["order"]["order_date"] == make.order()["processedAt"]
    assert reference["extra"]["suppressions"] == {"rule all": 1}


def test_orders_that_are_too_old_are_counted_and_may_be_left_out(context):
    old = (datetime.now(UTC) - timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%SZ")
    sent = build(context, order(1), make.order(2, createdAt=old))
    assert (sent["records"], sent["extra"]["too_old"], sent["extra"]["left_out"]) == (2, 1, 0)
    left = build(context, order(1), make.order(2, createdAt=old), options={"old_orders": "exclude"})
    assert (left["records"], left["extra"]["too_old"], left["extra"]["left_out"]) == (1, 1, 1)
    assert left["extra"]["left_outs"] == {"too old for a review request": 1}


def test_a_retry_with_another_function_builds_every_order_again(context):
    """The upsert after it compares the hash of what was built, so it resumes no other build either."""

    def first(payload, *, order, context):
        return {**payload, "payment_method": "first"}

    def second(payload, *, order, context):
        return {**payload, "payment_method": "second"}

    one, two = (build(context, order(1), transform=transform) for transform in (first, second))
    assert [record["order"]["payment_method"] for record in read_dataset(two)] == ["second"]
    assert one["sha256"] != two["sha256"]
