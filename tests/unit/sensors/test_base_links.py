"""Links of sensors: to the partner's console, and to the dataset that one waits for."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from fakes.sensor import DETAILS, FakeSensor, context

from airflow_provider_partners import links, sensors
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.sensors.freshness import DatasetFreshnessSensor
from airflow_provider_partners.sensors.voucherify import VoucherifyExportSensor
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor

SHOP = "aurora-apparel.myshopify.com"


def urls(sensor: PartnerSensor) -> dict[str, str]:
    """Return what Airflow's worker stores when a try ends or is deferred (``finalize`` of its task runner)."""
    return {link.name: link.get_link(sensor, ti_key=None) for link in sensor.operator_extra_links}


def test_every_sensor_has_a_link_that_the_provider_declares() -> None:
    """Airflow refuses a link of a class that no provider lists (``extra-links`` of its metadata)."""
    from airflow_provider_partners.get_provider_info import get_provider_info

    declared = get_provider_info()["extra-links"]
    assert isinstance(declared, list)
    for name in sensors.__all__:
        kinds = [
            f"{type(link).__module__}.{type(link).__name__}" for link in getattr(sensors, name).operator_extra_links
        ]
        assert kinds, name
        assert set(kinds) <= set(declared), name


def test_a_shops_link_is_known_before_the_sensor_runs() -> None:
    sensor = YofiRecordsSensor(task_id="wait", resource="claims", shop=SHOP)
    assert urls(sensor) == {"Yofi": "https://admin.shopify.com/store/aurora-apparel/apps"}


@pytest.mark.usefixtures("clock")
def test_the_connections_account_is_known_after_a_check(fake_condition: Any) -> None:
    sensor = FakeSensor()
    sensor.poke(context())
    assert sensor._activity is not None
    assert (sensor._activity.api, sensor._activity.account, sensor._activity.host) == (
        "yotpo",
        "store-1",
        "api.yotpo.com",
    )


def test_it_is_known_to_the_worker_that_continues_after_the_deferral(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "voucherify", "login": "app", "password": "key", "host": "https://us1.api.voucherify.io"}
    monkeypatch.setenv("AIRFLOW_CONN_US", json.dumps(connection))
    sensor = VoucherifyExportSensor(task_id="wait", export_id="exp_1", voucherify_conn_id="us")
    assert urls(sensor) == {"Voucherify": ""}
    sensor.execute_complete({}, {"status": "done", "details": DETAILS, "version": 1})
    assert urls(sensor) == {"Voucherify": "https://us1.app.voucherify.io/"}


def test_without_the_connection_the_event_counts_and_there_is_no_link() -> None:
    sensor = VoucherifyExportSensor(task_id="wait", export_id="exp_1", voucherify_conn_id="nowhere")
    assert sensor.execute_complete({}, {"status": "done", "details": DETAILS, "version": 1}) == DETAILS
    assert urls(sensor) == {"Voucherify": ""}


def test_the_freshness_sensor_links_to_the_dataset() -> None:
    sensor = DatasetFreshnessSensor(task_id="fresh", uri="s3://aws@bucket/orders", max_age=timedelta(hours=1))
    assert urls(sensor) == {"Dataset": "https://console.aws.amazon.com/s3/buckets/bucket?prefix=orders/"}
    assert urls(DatasetFreshnessSensor(task_id="fresh", watermark="a", max_age=timedelta(hours=1))) == {"Dataset": ""}
    assert links.DatasetLink().get_link(object(), ti_key=None) == ""
