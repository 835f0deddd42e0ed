"""Watch triggers: the form that Airflow requires, and each list watched in the sandbox."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from contextlib import aclosing
from datetime import datetime
from unittest import mock

import httpx
import pytest
from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger
from sandbox import run_sandbox

from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.triggers import yofi
from airflow_provider_partners.triggers.shopify_partner import ShopifyPartnerNewInstallsTrigger
from airflow_provider_partners.triggers.voucherify import VoucherifyNewRedemptionsTrigger
from airflow_provider_partners.triggers.watch import poll
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger
from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger, YofiNewReturnsTrigger

SEED, SHOPS = 7, 2
SHOP = credentials.routes(SHOPS)[0]["shop"]
CONN_ID_ARGUMENT = {
    YofiNewReturnsTrigger: "yofi_conn_id",
    YofiNewClaimsTrigger: "yofi_conn_id",
    ShopifyPartnerNewInstallsTrigger: "shopify_partner_conn_id",
    VoucherifyNewRedemptionsTrigger: "voucherify_conn_id",
}
OWN_ARGUMENTS = {
    YofiNewReturnsTrigger: {"shop": "a.myshopify.com"},
    YofiNewClaimsTrigger: {"shop": "a.myshopify.com"},
    ShopifyPartnerNewInstallsTrigger: {"app_id": "gid://partners/App/1", "types": ["RELATIONSHIP_INSTALLED"]},
    VoucherifyNewRedemptionsTrigger: {"parameters": {"result": "SUCCESS"}},
}
"""Each watch trigger with a value for each of its own arguments."""

COMMON_ARGUMENTS = {
    "hook_params": {},
    "poll_interval": 7.5,
    "lookback": 60.0,
    "since": "2026-05-01T00:00:00Z",
    "max_ids": 3,
    "max_failures": 4,
}
WATCHERS = list(OWN_ARGUMENTS)


def arguments_of(watcher):
    return {CONN_ID_ARGUMENT[watcher]: "mine", **COMMON_ARGUMENTS, **OWN_ARGUMENTS[watcher]}


def leaves(cls):
    return [leaf for child in cls.__subclasses__() for leaf in leaves(child)] or [cls]


def test_every_watch_trigger_is_tested():
    packaged = {cls for cls in leaves(WatchTrigger) if cls.__module__.startswith("airflow_provider_partners.")}
    assert packaged == set(WATCHERS)


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_a_stored_watch_trigger_is_the_same_trigger_to_airflow(watcher):
    path, arguments = watcher(**arguments_of(watcher)).serialize()
    assert path == f"{watcher.__module__}.{watcher.__name__}"
    assert arguments == arguments_of(watcher)
    again = watcher(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    assert BaseEventTrigger.hash(*again.serialize()) == BaseEventTrigger.hash(path, arguments)


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_airflow_accepts_a_watch_trigger_for_an_asset(watcher):
    asset_watcher = AssetWatcher(name="new_records", trigger=watcher(**OWN_ARGUMENTS[watcher]))
    assert Asset(uri="yofi://a.myshopify.com/new_records", watchers=[asset_watcher]).watchers == [asset_watcher]


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_every_argument_of_a_watch_trigger_is_documented(watcher):
    for cls in (watcher, WatchTrigger):
        names = {name for name in inspect.signature(cls.__init__).parameters if name != "self"}
        assert names <= set(re.findall(r":param (\w+):", cls.__doc__ or "")), cls


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_the_default_connection_is_the_hook_s(watcher):
    hooks = {hook.conn_type: hook for hook in (YofiHook, ShopifyPartnerHook, VoucherifyHook)}
    arguments = {"app_id": "1"} if watcher is ShopifyPartnerNewInstallsTrigger else {}
    assert watcher(**arguments).conn_id == hooks[watcher.watched.conn_type].default_conn_name


def test_the_provider_lists_the_modules():
    listed = {module for entry in get_provider_info()["triggers"] for module in entry["python-modules"]}
    assert {watcher.__module__ for watcher in WATCHERS} <= listed


@pytest.fixture(scope="module")
def sandbox():
    """The running sandbox, and a client of its control API."""
    with (
        run_sandbox(seed=SEED, shops=SHOPS, orders=30) as running,
        httpx.Client(base_url=f"{running.url}/_sandbox", timeout=20) as control,
    ):
        yield running, control


@pytest.fixture(autouse=True)
def _short_startup_delay(monkeypatch):
    monkeypatch.setattr(poll, "STARTUP_DELAY", 0.01)


def event_after(watcher, create):
    """The event for records that are created after the trigger's first reading, and what ``create`` returned."""

    async def read_again(readings, event):
        # The third reading begins when the second has ended, and its records were looked at.
        target = readings.call_count + 3
        async with asyncio.timeout(60):
            while readings.call_count < target and not event.done():  # noqa: ASYNC110  # a thread counts
                await asyncio.sleep(0.05)

    async def first():
        with mock.patch.object(poll.ListPoller, "read", autospec=True, side_effect=poll.ListPoller.read) as readings:
            async with aclosing(watcher.run()) as stream:
                first_event = asyncio.ensure_future(anext(stream))
                await read_again(readings, first_event)
                assert not first_event.done(), "an older record had an event"
                created = await asyncio.to_thread(create)
                event = await asyncio.wait_for(first_event, 60)
                second_event = asyncio.ensure_future(anext(stream))
                await read_again(readings, second_event)
                assert not second_event.done(), "a record had two events"
                second_event.cancel()
                await asyncio.gather(second_event, return_exceptions=True)
                return event.payload, created

    return asyncio.run(first())


@pytest.mark.parametrize(
    ("watcher", "arguments", "path", "account"),
    [
        (YofiNewReturnsTrigger, {"shop": SHOP}, f"/yofi/{SHOP}/returns/create?count=2", SHOP),
        (YofiNewClaimsTrigger, {"shop": SHOP}, f"/yofi/{SHOP}/claims/create?count=3", SHOP),
        (VoucherifyNewRedemptionsTrigger, {}, "/voucherify/redemptions/create?count=2", "sandbox-app-"),
        (
            ShopifyPartnerNewInstallsTrigger,
            {"app_id": credentials.APP_ID},
            "/shops/velvet-ember.myshopify.com/install",
            credentials.ORGANIZATION_ID,
        ),
    ],
    ids=lambda value: value.__name__ if inspect.isclass(value) else "",
)
def test_new_records_have_one_event(sandbox, monkeypatch, watcher, arguments, path, account):
    running, control = sandbox
    for name, value in credentials.environment(running.url, seed=SEED, shops=SHOPS).items():
        monkeypatch.setenv(name, value)
    event, created = event_after(
        watcher(poll_interval=0.3, **arguments), lambda: control.post(path).raise_for_status().json()
    )
    if "created" in created:
        ids = [record["id"] for record in created["created"]]
    else:
        ids = [created["event"]["shop"]["myshopifyDomain"]]
    assert sorted(event["ids"]) == sorted(ids)
    assert event["count"] == len(ids)
    assert event["account"].startswith(account)
    assert datetime.fromisoformat(event["since"]) < datetime.fromisoformat(event["until"])
    assert "@" not in json.dumps(event)


def test_watching_reads_no_names():
    """Only Yofi's lists have selectable fields."""
    for watched in (yofi.RETURNS, yofi.CLAIMS):
        assert not [name for name in watched.query["fields"] if "name" in name or "customer" in name]
