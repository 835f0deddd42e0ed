"""What each partner's sensor asks: plain JSON, of lists and arguments that exist, and as little as possible."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.api.yofi.client import RESOURCES as YOFI
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor
from airflow_provider_partners.sensors.voucherify import VoucherifyExportSensor, VoucherifyRecordsSensor
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor
from airflow_provider_partners.sensors.yotpo import YotpoOrderSensor

SINCE = datetime(2026, 5, 1, tzinfo=UTC)
APP = "gid://partners/App/1"


def asked(sensor):
    question = sensor.question()
    assert json.loads(json.dumps(question)) == question
    return question["query"]


def yofi(**arguments):
    return YofiRecordsSensor(**{"task_id": "wait", "resource": "claims", **arguments})


def events(**arguments):
    return ShopifyPartnerEventSensor(**{"task_id": "wait", "app_id": APP, **arguments})


def vouchers(**arguments):
    return VoucherifyRecordsSensor(**{"task_id": "wait", "resource": "redemptions", **arguments})


def orders(**arguments):
    return YotpoOrderSensor(**{"task_id": "wait", **arguments})


def test_yofi_s_question_is_of_a_list_its_filters_and_a_time():
    sensor = yofi(filter="created_at_epoch>5", since=SINCE, until="2026-05-02", at_least=3)
    assert sensor.condition_spec() == {
        "resource": "claims",
        "at_least": 3,
        "time_field": "created_at_epoch",
        "query": {
            "include": [],
            "fields": ["id", "created_at_epoch"],
            "filters": "created_at_epoch>5",
            "page_size": 3,
            "since": "2026-05-01T00:00:00+00:00",
            "until": "2026-05-02T00:00:00+00:00",
        },
    }


@pytest.mark.parametrize("resource", sorted(YOFI))
def test_no_name_of_a_customer_is_asked_of_yofi(resource):
    fields = asked(yofi(resource=resource)).get("fields", [])
    assert set(fields) <= {"id", "entity_id", "created_at", "created_at_epoch", "return_created_at_epoch"}
    assert fields or YOFI[resource].relation


def test_pages_are_small_unless_rows_have_to_be_passed_over():
    assert asked(yofi(at_least=2))["page_size"] == 2
    assert asked(yofi(at_least=500))["page_size"] == 100
    assert asked(yofi(resource="returns"))["page_size"] == 1
    assert "page_size" not in asked(yofi(resource="returns", since=SINCE))
    assert "page_size" not in asked(yofi(resource="return_predictions"))
    assert asked(events())["page_size"] == 1
    assert "page_size" not in asked(events(shop="a.myshopify.com"))
    assert asked(events(resource="transactions", shop="a.myshopify.com"))["page_size"] == 1
    assert "page_size" not in asked(vouchers())


def test_yofi_s_walk_and_predictions_go_into_the_question():
    sensor = yofi(
        resource="returns", since=SINCE, walk_lookback=timedelta(days=2), prediction_filter="predicted_value>0.8"
    )
    assert asked(sensor)["walk_lookback"] == 172800.0
    assert asked(sensor)["prediction_filter"] == "predicted_value>0.8"
    assert sensor.condition_spec()["time_field"] == "return_created_at_epoch"


def test_yofi_s_ids_are_read_from_a_dataset_on_the_worker(tmp_path):
    writer = DatasetWriter(str(tmp_path / "orders"), source="shopify_admin", resource="orders")
    writer.append([{"legacyResourceId": "1"}, {"legacyResourceId": "2"}])
    reference = writer.commit().to_dict()
    sensor = yofi(resource="returns", match={"order_id": {"dataset": reference, "field": "legacyResourceId"}})
    assert asked(sensor)["match"] == {"order_id": ["1", "2"]}


def test_more_ids_than_a_trigger_should_hold_are_refused():
    with pytest.raises(ConfigurationError, match="1001 values for 'order_id'"):
        yofi(resource="returns", match={"order_id": [str(number) for number in range(1001)]}).condition_spec()


def test_yofi_s_hook_is_of_the_shop():
    assert yofi(shop="a.myshopify.com").hook_params() == {"shop": "a.myshopify.com"}
    assert yofi(shop="a.myshopify.com").hook().shop == "a.myshopify.com"
    assert yofi(shop="None").hook_params() == {}


def test_arguments_that_templates_left_empty_are_not_given():
    assert asked(yofi(since="", until="None", filter="None", prediction_filter="")).keys() == {
        "include",
        "fields",
        "page_size",
    }


def test_shopify_s_question_is_of_an_app_s_events():
    sensor = events(types=("RELATIONSHIP_INSTALLED",), since=SINCE, shop_id="5")
    assert sensor.condition_spec() == {
        "resource": "app_events",
        "at_least": 1,
        "time_field": "occurredAt",
        "query": {
            "app_id": APP,
            "types": ["RELATIONSHIP_INSTALLED"],
            "shop_id": "5",
            "page_size": 1,
            "since": "2026-05-01T00:00:00+00:00",
        },
    }
    assert asked(events(types="RELATIONSHIP_INSTALLED"))["types"] == "RELATIONSHIP_INSTALLED"


def test_voucherify_s_question_is_of_a_list_its_parents_and_filters():
    sensor = vouchers(parameters={"result": "SUCCESS"}, filter={"junction": "and"}, parents={"code": "x"}, since=SINCE)
    assert sensor.condition_spec() == {
        "resource": "redemptions",
        "at_least": 1,
        "time_field": "date",
        "query": {
            "parents": {"code": "x"},
            "filters": {"junction": "and"},
            "parameters": {"result": "SUCCESS"},
            "since": "2026-05-01T00:00:00+00:00",
        },
    }


def test_voucherify_s_time_is_the_one_asked_by():
    assert vouchers(resource="vouchers", time_field="updated_at").condition_spec()["time_field"] == "updated_at"
    assert vouchers(resource="rewards").condition_spec()["time_field"] == "created_at"


def test_an_export_is_asked_for_by_its_id():
    assert VoucherifyExportSensor(task_id="wait", export_id="exp_1").condition_spec() == {"job_id": "exp_1"}


@pytest.mark.parametrize("missing", [None, "", "None"])
def test_an_export_without_an_id_is_refused(missing):
    with pytest.raises(ConfigurationError, match="No export is named"):
        VoucherifyExportSensor(task_id="wait", export_id=missing).condition_spec()


def test_yotpo_s_question_is_of_orders_and_their_state():
    assert orders(external_id=1001).condition_spec() == {"external_ids": ["1001"], "state": "exists"}
    several = orders(external_ids=[1, "2", 1], condition="fulfilled")
    assert several.condition_spec() == {"external_ids": ["1", "2"], "state": "fulfilled"}
    assert orders(external_ids=[]).condition_spec()["external_ids"] == []


@pytest.mark.parametrize("named", [{}, {"external_id": "1", "external_ids": ["2"]}, {"external_id": "None"}])
def test_orders_are_named_in_one_way(named):
    with pytest.raises(ConfigurationError, match="Give one of them"):
        orders(**named).condition_spec()


def test_too_many_orders_are_refused():
    with pytest.raises(ConfigurationError, match="names 1001 orders"):
        orders(external_ids=range(1001)).condition_spec()


@pytest.mark.parametrize("sensor", [yofi, events, vouchers])
def test_an_unknown_list_is_refused_with_those_that_exist(sensor):
    with pytest.raises(ConfigurationError, match=r"There is no list 'nothing'\. Use one of: "):
        sensor(resource="nothing").question()


@pytest.mark.parametrize("sensor", [yofi, events, vouchers])
def test_waiting_for_nothing_is_refused(sensor):
    with pytest.raises(ConfigurationError, match="'at_least' is 0"):
        sensor(at_least=0).question()


def test_a_time_that_is_none_is_refused_by_its_name():
    with pytest.raises(ConfigurationError, match="'since' is not a timestamp: 'soon'"):
        yofi(since="soon").condition_spec()
