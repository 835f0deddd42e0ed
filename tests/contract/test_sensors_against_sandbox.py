"""The sensors against the sandbox over real HTTP: one small request a look, the same in the triggerer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world import build as seed
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
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    path = tmp_path_factory.mktemp("world") / "sandbox.sqlite"
    sandbox = seed.build(path=path, seed=SEED, shops=SHOPS, orders=20)
    sandbox.switches["yotpo.rate_limit"] = 0
    with serve(sandbox) as served:
        yield served
    sandbox.store.close()


@pytest.fixture
def world(served: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> RunningSandbox:
    for name, value in credentials.environment(served.url, seed=SEED, shops=SHOPS).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", tmp_path.as_uri())
    return served


def shop_of(world: RunningSandbox) -> str:
    return str(next(iter(world.sandbox.credentials["yotpo"].values()))["shop"])


def yotpo(world: RunningSandbox) -> dict[str, str]:
    routes = json.loads(credentials.environment(world.url, seed=SEED, shops=SHOPS)["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
    return {"yotpo_conn_id": next(route["yotpo_conn_id"] for route in routes if route["shop"] == shop_of(world))}


def sensors(world: RunningSandbox, since: str | None) -> dict[str, PartnerSensor]:
    """A sensor for each partner's lists."""
    how: dict[str, Any] = {"since": since} if since else {}
    shop = shop_of(world)
    return {
        **{
            name: YofiRecordsSensor(task_id=name, resource=name, shop=shop, **how)
            for name in ("claims", "returns", "notification_events", "return_predictions")
        },
        "customers": YofiRecordsSensor(task_id="customers", resource="customers", shop=shop),
        "app_events": ShopifyPartnerEventSensor(task_id="app_events", app_id=credentials.APP_ID, **how),
        "transactions": ShopifyPartnerEventSensor(task_id="transactions", resource="transactions", **how),
        **{
            name: VoucherifyRecordsSensor(task_id=name, resource=name, **PROJECT, **how)
            for name in ("redemptions", "vouchers")
        },
        "loyalty_programs": VoucherifyRecordsSensor(task_id="programs", resource="loyalty_programs", **PROJECT),
    }


def look(world: RunningSandbox, sensor: PartnerSensor) -> tuple[Any, Counter[str]]:
    """One look, and what was asked for it."""
    before = Counter(world.sandbox.calls)
    context = {"ti": SimpleNamespace(try_number=1, dag_id="d", task_id="t", run_id="r", map_index=-1)}
    try:
        found = sensor.poke(context)
    finally:
        sensor.on_kill()
    return found, Counter(world.sandbox.calls) - before


LISTS = ["claims", "returns", "notification_events", "return_predictions", "customers", "app_events", "transactions"]
LISTS += ["redemptions", "vouchers", "loyalty_programs"]


@pytest.mark.parametrize("name", LISTS)
def test_what_is_there_already_is_found_by_one_request(world: RunningSandbox, name: str) -> None:
    found, calls = look(world, sensors(world, None)[name])
    assert found.is_done
    assert found.xcom_value["records"] == 1
    assert found.xcom_value["ids"][0]
    assert calls.total() == 1


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"customers", "loyalty_programs"}])
def test_what_is_yet_to_come_is_not_found(world: RunningSandbox, name: str) -> None:
    just_now = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    found, calls = look(world, sensors(world, just_now)[name])
    assert not found.is_done
    assert found.xcom_value["records"] == 0
    # Returns are walked, once it is known by which field they can be sorted.
    assert 1 <= calls.total() <= (3 if name.startswith("return") else 1)


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"customers", "loyalty_programs"}])
def test_a_moment_that_lies_ahead_is_waited_for_without_asking(world: RunningSandbox, name: str) -> None:
    found, calls = look(world, sensors(world, FUTURE)[name])
    assert not found.is_done
    assert calls.total() == 0


@pytest.mark.parametrize("name", [name for name in LISTS if name not in {"customers", "loyalty_programs"}])
def test_what_is_found_since_a_moment_tells_its_time(world: RunningSandbox, name: str) -> None:
    found, _ = look(world, sensors(world, OLD)[name])
    assert found.is_done
    assert found.xcom_value["first"] == found.xcom_value["last"] > OLD


def test_an_order_is_looked_up_by_its_id(world: RunningSandbox) -> None:
    found, calls = look(world, YotpoOrderSensor(task_id="order", external_id="nobody-s", **yotpo(world)))
    assert not found.is_done
    assert found.xcom_value["waiting"] == ["nobody-s"]
    assert sorted(name.rsplit("/", 1)[1] for name in calls) == ["orders.list", "token"]


def test_an_export_that_does_not_exist_fails_at_once(world: RunningSandbox) -> None:
    with pytest.raises(AirflowFailException, match="there is no such export"):
        look(world, VoucherifyExportSensor(task_id="export", export_id="exp_none", **PROJECT))


def test_credentials_that_are_refused_fail_at_once(world: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = json.loads(credentials.environment(world.url, seed=SEED, shops=SHOPS)["AIRFLOW_CONN_YOFI_DEFAULT"])
    wrong = {**connection, "password": "another-secret-than-the-right-one-0123456789"}
    monkeypatch.setenv("AIRFLOW_CONN_YOFI_DEFAULT", json.dumps(wrong))
    with pytest.raises(AirflowFailException, match="Check secret"):
        look(world, sensors(world, None)["claims"])


@pytest.mark.parametrize("name", LISTS)
def test_the_trigger_finds_what_the_sensor_finds(
    world: RunningSandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_time(_: float) -> None:
        await real(0)

    real = asyncio.sleep
    monkeypatch.setattr(base.asyncio, "sleep", no_time)
    sensor = sensors(world, None)[name]
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

    async def told() -> list[Any]:
        return [event.payload async for event in ConditionTrigger(**stored).run()]

    (event,) = asyncio.run(told())
    assert event["details"] == look(world, sensor)[0].xcom_value
