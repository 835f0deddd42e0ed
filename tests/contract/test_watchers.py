"""Watchers: what Airflow asks of their form, and each list watched in the sandbox."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from contextlib import aclosing
from datetime import datetime

import httpx
import pytest
from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.triggers import yofi as watch
from airflow_provider_partners.triggers.watch import poll as watch_poll
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger

SEED, SHOPS = 7, 2
SHOP = credentials.routes(SHOPS)[0]["shop"]
GIVEN = {
    watch.YofiNewReturnsTrigger: {"shop": "a.myshopify.com"},
    watch.YofiNewClaimsTrigger: {"shop": "a.myshopify.com"},
    watch.ShopifyPartnerNewInstallsTrigger: {"app_id": "gid://partners/App/1", "types": ["RELATIONSHIP_INSTALLED"]},
    watch.VoucherifyNewRedemptionsTrigger: {"parameters": {"result": "SUCCESS"}},
}
"""Each watcher with a value for each argument of its own."""

COMMON = {
    "conn_id": "mine",
    "hook_params": {},
    "poll_interval": 7.5,
    "lookback": 60.0,
    "since": "2026-05-01T00:00:00Z",
    "max_ids": 3,
    "max_failures": 4,
}
WATCHERS = [
    value
    for value in vars(watch).values()
    if inspect.isclass(value) and issubclass(value, WatchTrigger) and hasattr(value, "watched")
]


def test_every_watcher_is_tested():
    assert set(WATCHERS) == set(GIVEN)


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_a_watcher_survives_being_stored_and_stays_the_same_to_airflow(watcher):
    path, arguments = watcher(**COMMON, **GIVEN[watcher]).serialize()
    assert path == f"{watch.__name__}.{watcher.__name__}"
    assert arguments == {**COMMON, **GIVEN[watcher]}
    again = watcher(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    assert BaseEventTrigger.hash(*again.serialize()) == BaseEventTrigger.hash(path, arguments)


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_airflow_takes_a_watcher_for_an_asset(watcher):
    made = AssetWatcher(name="news", trigger=watcher(**GIVEN[watcher]))
    assert Asset(uri="yofi://a.myshopify.com/news", watchers=[made]).watchers == [made]


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_every_argument_of_a_watcher_is_documented(watcher):
    for kind in (watcher, WatchTrigger):
        signature = inspect.signature(kind.__init__).parameters
        names = {name for name in signature if name not in {"self"}}
        assert names <= set(re.findall(r":param (\w+):", kind.__doc__ or "")), kind


@pytest.mark.parametrize("watcher", WATCHERS, ids=lambda watcher: watcher.__name__)
def test_the_default_connection_is_the_hook_s(watcher):
    hooks = {hook.conn_type: hook for hook in (YofiHook, ShopifyPartnerHook, VoucherifyHook)}
    given = {"app_id": "1"} if watcher is watch.ShopifyPartnerNewInstallsTrigger else {}
    assert watcher(**given).conn_id == hooks[watcher.watched.conn_type].default_conn_name


def test_the_provider_names_the_module():
    found = {module for entry in get_provider_info()["triggers"] for module in entry["python-modules"]}
    assert watch.__name__ in found


@pytest.fixture(scope="module")
def sandbox():
    world = build(seed=SEED, shops=SHOPS, orders=30)
    with serve(world) as served, httpx.Client(base_url=f"{served.url}/_sandbox", timeout=20) as control:
        yield served, control


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(watch_poll, "STARTUP_DELAY", 0.01)


def told(watcher, come):
    """The event of what comes once the watcher has looked."""

    async def first():
        async with aclosing(watcher.run()) as stream:
            coming = asyncio.ensure_future(anext(stream))
            done, _ = await asyncio.wait([coming], timeout=1.5)
            assert not done, "something was told that was there before"
            made = await asyncio.to_thread(come)
            event = await asyncio.wait_for(coming, 20)
            quiet = asyncio.ensure_future(anext(stream))
            done, _ = await asyncio.wait([quiet], timeout=2.5)
            assert not done, "something was told twice"
            quiet.cancel()
            await asyncio.gather(quiet, return_exceptions=True)
            return event.payload, made

    return asyncio.run(first())


@pytest.mark.parametrize(
    ("watcher", "arguments", "path", "account"),
    [
        (watch.YofiNewReturnsTrigger, {"shop": SHOP}, f"/yofi/{SHOP}/returns/create?count=2", SHOP),
        (watch.YofiNewClaimsTrigger, {"shop": SHOP}, f"/yofi/{SHOP}/claims/create?count=3", SHOP),
        (watch.VoucherifyNewRedemptionsTrigger, {}, "/voucherify/redemptions/create?count=2", "sandbox-app-"),
        (
            watch.ShopifyPartnerNewInstallsTrigger,
            {"app_id": credentials.APP_ID},
            "/shops/velvet-ember.myshopify.com/install",
            credentials.ORGANIZATION_ID,
        ),
    ],
    ids=lambda value: value.__name__ if inspect.isclass(value) else "",
)
def test_what_comes_to_a_list_is_told_once(sandbox, monkeypatch, watcher, arguments, path, account):
    served, control = sandbox
    for name, value in credentials.environment(served.url, seed=SEED, shops=SHOPS).items():
        monkeypatch.setenv(name, value)
    event, made = told(watcher(poll_interval=1.0, **arguments), lambda: control.post(path).raise_for_status().json())
    ids = [row["id"] for row in made["created"]] if "created" in made else [made["event"]["shop"]["myshopifyDomain"]]
    assert sorted(event["ids"]) == sorted(ids)
    assert event["count"] == len(ids)
    assert event["account"].startswith(account)
    assert datetime.fromisoformat(event["since"]) < datetime.fromisoformat(event["until"])
    assert "@" not in json.dumps(event)


def test_watching_asks_for_no_names():
    """Of Yofi's lists, of which fields can be chosen."""
    for declared in (watch.YOFI_RETURNS, watch.YOFI_CLAIMS):
        assert not [name for name in declared.query["fields"] if "name" in name or "customer" in name]
