"""The specs of each partner's sensors: plain JSON, with existing lists and arguments, and as few fields as possible."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.api.yofi.resources import RESOURCES as YOFI_RESOURCES
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor
from airflow_provider_partners.sensors.voucherify import VoucherifyExportSensor, VoucherifyRecordsSensor
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor
from airflow_provider_partners.sensors.yotpo import YotpoOrderSensor

SINCE = datetime(2026, 5, 1, tzinfo=UTC)
APP = "gid://partners/App/1"


def query_of(sensor):
    spec = sensor.condition_spec()
    assert json.loads(json.dumps(spec)) == spec
    return spec["query"]


def yofi_records(**arguments):
    return YofiRecordsSensor(**{"task_id": "wait", "resource": "claims", **arguments})


def partner_events(**arguments):
    return ShopifyPartnerEventSensor(**{"task_id": "wait", "app_id": APP, **arguments})


def voucherify_records(**arguments):
    return VoucherifyRecordsSensor(**{"task_id": "wait", "resource": "redemptions", **arguments})


def yotpo_orders(**arguments):
    return YotpoOrderSensor(**{"task_id": "wait", **arguments})


def test_yofi_s_spec_has_the_list_its_filters_and_the_time():
    sensor = yofi_records(filters="created_at_epoch>5", since=SINCE, until="2026-05-02", at_least=3)
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


@pytest.mark.parametrize("resource", sorted(YOFI_RESOURCES))
def test_no_customer_name_is_read_from_yofi(resource):
    fields = query_of(yofi_records(resource=resource)).get("fields", [])
    assert set(fields) <= {"id", "entity_id", "created_at", "created_at_epoch", "return_created_at_epoch"}
    assert fields or YOFI_RESOURCES[resource].relation


def test_pages_are_small_unless_records_must_be_skipped():
    assert query_of(yofi_records(at_least=2))["page_size"] == 2
    assert query_of(yofi_records(at_least=500))["page_size"] == 100
    assert query_of(yofi_records(resource="returns"))["page_size"] == 1
    assert "page_size" not in query_of(yofi_records(resource="returns", since=SINCE))
    assert "page_size" not in query_of(yofi_records(resource="return_predictions"))
    assert query_of(partner_events())["page_size"] == 1
    assert "page_size" not in query_of(partner_events(shop="a.myshopify.com"))
    assert query_of(partner_events(resource="transactions", shop="a.myshopify.com"))["page_size"] == 1
    assert "page_size" not in query_of(voucherify_records())


def test_yofi_s_spec_has_the_walk_lookback_and_the_prediction_filter():
    sensor = yofi_records(
        resource="returns", since=SINCE, walk_lookback=timedelta(days=2), prediction_filter="predicted_value>0.8"
    )
    assert query_of(sensor)["walk_lookback"] == 172800.0
    assert query_of(sensor)["prediction_filter"] == "predicted_value>0.8"
    assert sensor.condition_spec()["time_field"] == "return_created_at_epoch"


def test_yofi_s_ids_are_read_from_a_dataset_on_the_worker(tmp_path):
    writer = DatasetWriter(str(tmp_path / "orders"), source="shopify_admin", resource="orders")
    writer.append([{"legacyResourceId": "1"}, {"legacyResourceId": "2"}])
    reference = writer.commit().to_dict()
    sensor = yofi_records(resource="returns", match={"order_id": {"dataset": reference, "field": "legacyResourceId"}})
    assert query_of(sensor)["match"] == {"order_id": ["1", "2"]}


def test_more_ids_than_a_trigger_should_hold_are_refused():
    with pytest.raises(ConfigurationError, match="1001 values for 'order_id'"):
        yofi_records(resource="returns", match={"order_id": [str(number) for number in range(1001)]}).condition_spec()


def test_yofi_s_hook_gets_the_shop():
    assert yofi_records(shop="a.myshopify.com").hook_params() == {"shop": "a.myshopify.com"}
    assert yofi_records(shop="a.myshopify.com").hook().shop == "a.myshopify.com"
    assert yofi_records(shop="None").hook_params() == {}


def test_empty_templates_are_not_given():
    assert query_of(yofi_records(since="", until="None", filters="None", prediction_filter="")).keys() == {
        "include",
        "fields",
        "page_size",
    }


def test_shopify_s_spec_has_the_events_of_an_app():
    sensor = partner_events(types=("RELATIONSHIP_INSTALLED",), since=SINCE, shop_id="5")
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
    assert query_of(partner_events(types="RELATIONSHIP_INSTALLED"))["types"] == "RELATIONSHIP_INSTALLED"


def test_voucherify_s_spec_has_the_list_its_parents_and_filters():
    sensor = voucherify_records(
        parameters={"result": "SUCCESS"}, filters={"junction": "and"}, parents={"code": "x"}, since=SINCE
    )
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


def test_voucherify_s_time_is_the_filtered_one():
    assert (
        voucherify_records(resource="vouchers", time_field="updated_at").condition_spec()["time_field"] == "updated_at"
    )
    assert voucherify_records(resource="rewards").condition_spec()["time_field"] == "created_at"


def test_an_export_s_spec_has_its_id():
    assert VoucherifyExportSensor(task_id="wait", export_id="exp_1").condition_spec() == {"job_id": "exp_1"}


@pytest.mark.parametrize("missing", [None, "", "None"])
def test_an_export_without_an_id_is_refused(missing):
    with pytest.raises(ConfigurationError, match="No export is given"):
        VoucherifyExportSensor(task_id="wait", export_id=missing).condition_spec()


def test_yotpo_s_spec_has_the_orders_and_their_state():
    assert yotpo_orders(external_id=1001).condition_spec() == {"external_ids": ["1001"], "state": "exists"}
    several = yotpo_orders(external_ids=[1, "2", 1], state="fulfilled")
    assert several.condition_spec() == {"external_ids": ["1", "2"], "state": "fulfilled"}
    assert yotpo_orders(external_ids=[]).condition_spec()["external_ids"] == []


@pytest.mark.parametrize("arguments", [{}, {"external_id": "1", "external_ids": ["2"]}, {"external_id": "None"}])
def test_orders_are_given_in_one_way(arguments):
    with pytest.raises(ConfigurationError, match="Give one of them"):
        yotpo_orders(**arguments).condition_spec()


def test_too_many_orders_are_refused():
    with pytest.raises(ConfigurationError, match="has 1001 orders"):
        yotpo_orders(external_ids=range(1001)).condition_spec()


@pytest.mark.parametrize("sensor", [yofi_records, partner_events, voucherify_records])
def test_an_unknown_list_is_refused_with_those_that_exist(sensor):
    with pytest.raises(ConfigurationError, match=r"There is no list 'nothing'\. Use one of: "):
        sensor(resource="nothing").condition_spec()


@pytest.mark.parametrize("sensor", [yofi_records, partner_events, voucherify_records])
def test_waiting_for_nothing_is_refused(sensor):
    with pytest.raises(AirflowFailException, match="'at_least' is 0, and a whole number of 1 or more is needed"):
        sensor(at_least=0)._build_spec()


def test_a_wrong_time_is_refused_by_its_name():
    with pytest.raises(ConfigurationError, match="'since' is not a timestamp: 'soon'"):
        yofi_records(since="soon").condition_spec()
