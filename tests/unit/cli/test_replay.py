"""Rejects sent again: those of datasets as the operators leave them, to the sandbox's store."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.hooks.base import PartnerHook

SHOP = "aurora-apparel.myshopify.com"
DAG, RUN = "yofi_shopify_to_yotpo", "manual__2026-05-01T00:00:00+00:00"


def leave(ids, run=RUN, shop=SHOP, map_index=0):
    """Leave the datasets of an upsert that rejected orders."""
    ti = SimpleNamespace(dag_id=DAG, task_id="lane.upsert_orders", run_id=run, map_index=map_index)
    rejects = [{"external_id": each, "order": {}, "rejected": {"kind": "order", "external_id": each}} for each in ids]
    for suffix, name, rows in (("", "orders outcomes", [{"x": 1}]), ("rejects", "orders rejects", rejects)):
        with DatasetWriter(dataset_uri({"ti": ti}, suffix), source="yotpo", resource=name, account="store") as writer:
            writer.append(rows)
            writer.commit(extra={} if suffix else {"shop": shop, "dry_run": False})


@pytest.fixture
def shop(partners_sandbox):
    return partners_sandbox.shop(SHOP)


@pytest.fixture
def ids(shop):
    """Orders that can be sent."""
    return sorted(each["legacyResourceId"] for each in shop.change_orders(3))


def test_rejects_arrive_and_are_closed(command, shop, ids):
    leave(ids)
    printed = command("replay", "--run", RUN, "--json")
    assert printed.code == 0
    assert {each["order"]: each["action"] for each in printed.document["orders"]} == dict.fromkeys(ids, "created")
    assert sorted(shop.yotpo_orders()) == ids

    again = command("replay", "--shop", "aurora-apparel")
    assert again.code == 0
    assert "has no open rejects here" in again.out


def test_a_dry_run_writes_nothing_and_closes_nothing(command, shop, ids):
    leave(ids)
    printed = command("replay", "--shop", SHOP, "--dry-run", "--json")
    assert printed.code == 0
    assert {each["action"] for each in printed.document["orders"]} == {"would_create"}
    assert shop.yotpo_orders() == {}
    assert len(command("replay", "--shop", SHOP, "--dry-run", "--json").document["orders"]) == 3


def test_what_is_rejected_again_stays_open_and_is_an_exit_code(command, shop, ids, partners_sandbox):
    leave(ids)
    partners_sandbox.fault(
        path_regex="/orders$", path_prefix="/yotpo", method="POST", status=422, times=1, body={"errors": ["bad"]}
    )
    printed = command("replay", "--run", RUN, "--json")
    assert printed.code == 1
    assert printed.document["open"] == 1
    (rejected,) = [each for each in printed.document["orders"] if each["action"] == "rejected"]
    assert "422" in rejected["reason"] or "bad" in rejected["reason"]

    again = command("replay", "--run", RUN)
    assert again.code == 0
    assert rejected["order"] in again.out
    assert "1 closed, 0 stay open" in again.out


def test_an_order_that_shopify_no_longer_has_stays_open(command, shop, ids):
    leave([*ids[:1], "9999999999999"])
    printed = command("replay", "--run", RUN, "--json")
    assert printed.code == 1
    assert {each["order"]: each["action"] for each in printed.document["orders"]} == {
        ids[0]: "created",
        "9999999999999": "not found",
    }


def test_another_run_is_not_touched(command, shop, ids):
    leave(ids[:1])
    leave(ids[1:], run="another")
    assert [each["order"] for each in command("replay", "--run", RUN, "--json").document["orders"]] == ids[:1]
    assert sorted(shop.yotpo_orders()) == ids[:1]


def test_a_shop_without_a_route_stops_the_command_before_it_writes(command, shop, ids):
    leave(ids)
    leave(["1"], run="another", shop="zeta.myshopify.com")
    leave(["1"], shop="zeta.myshopify.com", map_index=1)
    printed = command("replay", "--run", RUN)
    assert printed.code == 2
    assert "zeta.myshopify.com has no route" in printed.err
    assert shop.yotpo_orders() == {}


def test_a_replay_of_everything_is_refused(command):
    printed = command("replay")
    assert printed.code == 2
    assert "--shop SHOP" in printed.err


def test_a_replay_waits_for_limits_as_long_as_a_task_does(command, ids, monkeypatch):
    """A command that only reads gives up while a person waits; one that writes has to get to its end."""
    waits, real = [], PartnerHook.client_options

    def client_options(hook, *credential):
        options = real(hook, *credential)
        waits.append(options.max_wait)
        return options

    monkeypatch.setattr(PartnerHook, "client_options", client_options)
    leave(ids)
    command("replay", "--run", RUN)
    assert set(waits) == {settings.max_wait()}
    waits.clear()
    command("diff", ids[0], "--shop", SHOP)
    assert max(waits) < settings.max_wait()
