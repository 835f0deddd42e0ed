"""The sensors against the sandbox over real HTTP: one small request per check, the same in the triggerer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sandbox import run_sandbox

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor
from airflow_provider_partners.sensors.voucherify import VoucherifyExportSensor, VoucherifyRecordsSensor
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor
from airflow_provider_partners.sensors.yotpo import YotpoOrderSensor
from airflow_provider_partners.triggers import base
from airflow_provider_partners.triggers.condition import ConditionTrigger

SEED, SHOPS = 31, 1
OLD, FUTURE = "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"
PROJECT = {"voucherify_conn_id": credentials.VOUCHERIFY}


@pytest.fixture(scope="module")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    path = tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite"
    with run_sandbox(path=path, seed=SEED, shops=SHOPS, orders=20, switches={"yotpo.rate_limit": 0}) as running:
        yield running


@pytest.fixture
def sandbox(running_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> RunningSandbox:
    """The running sandbox, with its connections in the environment."""
    for name, value in credentials.environment(running_sandbox.url, seed=SEED, shops=SHOPS).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", tmp_path.as_uri())
    return running_sandbox


def shop_of(sandbox: RunningSandbox) -> str:
    return str(next(iter(sandbox.sandbox.credentials["yotpo"].values()))["shop"])


def yotpo_connection(sandbox: RunningSandbox) -> dict[str, str]:
    routes = json.loads(credentials.environment(sandbox.url, seed=SEED, shops=SHOPS)["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
    return {"yotpo_conn_id": next(route["yotpo_conn_id"] for route in routes if route["shop"] == shop_of(sandbox))}


def sensors(sandbox: RunningSandbox, since: str | None) -> dict[str, PartnerSensor]:
    """A sensor for each partner's lists."""
    window: dict[str, Any] = {"since": since} if since else {}
    shop = shop_of(sandbox)
    return {
        **{
            name: YofiRecordsSensor(task_id=name, resource=name, shop=shop, **window)
            for name in ("claims", "returns", "notification_events", "return_predictions")
        },
        "customers": YofiRecordsSensor(task_id="customers", resource="customers", shop=shop),
        "app_events": ShopifyPartnerEventSensor(task_id="app_events", app_id=credentials.APP_ID, **window),
        "transactions": ShopifyPartnerEventSensor(task_id="transactions", resource="transactions", **window),
        **{
            name: VoucherifyRecordsSensor(task_id=name, resource=name, **PROJECT, **window)
            for name in ("redemptions", "vouchers")
        },
        "loyalty_programs": VoucherifyRecordsSensor(task_id="programs", resource="loyalty_programs", **PROJECT),
    }


def check(sandbox: RunningSandbox, sensor: PartnerSensor) -> tuple[Any, Counter[str]]:
    """Check the condition once; return the result and the calls."""
    before = Counter(sandbox.sandbox.calls)
    context = {"ti": SimpleNamespace(try_number=1, dag_id="d", task_id="t", run_id="r", map_index=-1)}
    try:
        result = sensor.poke(context)
    finally:
        sensor.on_kill()
    return result, Counter(sandbox.sandbox.calls) - before


LISTS = ["claims", "returns", "notification_events", "return_predictions", "customers", "app_events", "transactions"]
LISTS += ["redemptions", "vouchers", "loyalty_programs"]


@pytest.mark.parametrize("name", LISTS)
def test_existing_records_meet_it_with_one_request(sandbox: RunningSandbox, name: str) -> None:
    result, calls = check(sandbox, sensors(sandbox, None)[name])
    assert result.is_done
    assert result.xcom_value["records"] == 1
    assert result.xcom_value["ids"][0]
    assert calls.total() == 1


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"customers", "loyalty_programs"}])
def test_future_records_do_not_meet_it(sandbox: RunningSandbox, name: str) -> None:
    just_now = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    result, calls = check(sandbox, sensors(sandbox, just_now)[name])
    assert not result.is_done
    assert result.xcom_value["records"] == 0
    # Returns are walked. Yofi documents no body of a 400, so its cause is found by leaving out one thing at a time:
    # the size of the page, and the field of predictions that only the filters name.
    assert 1 <= calls.total() <= {"returns": 3, "return_predictions": 5}.get(name, 1)


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"customers", "loyalty_programs"}])
def test_a_start_in_the_future_sends_no_request(sandbox: RunningSandbox, name: str) -> None:
    result, calls = check(sandbox, sensors(sandbox, FUTURE)[name])
    assert not result.is_done
    assert calls.total() == 0


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"customers", "loyalty_programs"}])
def test_records_since_a_time_are_reported_with_their_time(sandbox: RunningSandbox, name: str) -> None:
    result, _ = check(sandbox, sensors(sandbox, OLD)[name])
    assert result.is_done
    assert result.xcom_value["first"] == result.xcom_value["last"] > OLD


def test_an_order_is_looked_up_by_its_id(sandbox: RunningSandbox) -> None:
    result, calls = check(
        sandbox, YotpoOrderSensor(task_id="order", external_id="unknown", **yotpo_connection(sandbox))
    )
    assert not result.is_done
    assert result.xcom_value["waiting"] == ["unknown"]
    assert sorted(name.rsplit("/", 1)[1] for name in calls) == ["orders.list", "token"]


def test_an_export_that_does_not_exist_fails_at_once(sandbox: RunningSandbox) -> None:
    with pytest.raises(AirflowFailException, match="there is no such export"):
        check(sandbox, VoucherifyExportSensor(task_id="export", export_id="exp_none", **PROJECT))


def test_refused_credentials_fail_at_once(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = json.loads(credentials.environment(sandbox.url, seed=SEED, shops=SHOPS)["AIRFLOW_CONN_YOFI_DEFAULT"])
    wrong = {**connection, "password": "another-secret-than-the-right-one-0123456789"}
    monkeypatch.setenv("AIRFLOW_CONN_YOFI_DEFAULT", json.dumps(wrong))
    with pytest.raises(AirflowFailException, match="Check secret"):
        check(sandbox, sensors(sandbox, None)["claims"])


@pytest.mark.parametrize("name", LISTS)
def test_the_trigger_has_the_details_of_the_sensor(
    sandbox: RunningSandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def skip_sleep(_: float) -> None:
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", skip_sleep)
    sensor = sensors(sandbox, None)[name]
    hook = sensor.hook()
    stored = json.loads(
        json.dumps(
            ConditionTrigger(
                conn_type=hook.conn_type,
                conn_id=hook.conn_id,
                hook_params=sensor.hook_params(),
                condition=sensor.condition_name,
                spec=sensor.condition_spec(),
            ).serialize()[1]
        )
    )

    async def events() -> list[Any]:
        return [event.payload async for event in ConditionTrigger(**stored).run()]

    (event,) = asyncio.run(events())
    assert event["details"] == check(sandbox, sensor)[0].xcom_value
