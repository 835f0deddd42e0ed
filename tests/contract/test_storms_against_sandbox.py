"""The main job under faults: one request of ten fails in some way, and a single try still reads and writes everything.

The faults are what the partners' gateways do: https://shopify.dev/docs/api/usage/response-codes for Shopify's statuses,
https://core-api.yotpo.com/reference/guidelines-and-conventions for Yotpo's.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sandbox import restored_settings, run_sandbox, shopify_admin_client, yofi_client, yotpo_client

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Record = dict[str, Any]

PAGE = "<html><title>Security check</title></html>"
FAULTS: list[dict[str, Any]] = [
    {"status": 500, "body": {"errors": "Internal Server Error"}},
    {"status": 502, "body": "<html><title>502 Bad Gateway</title></html>"},
    {"status": 503, "headers": {"Retry-After": "1"}},
    {"status": 504, "at": "after"},
    {"status": 429, "body": {"errors": [{"message": "Too many requests"}]}, "headers": {"Retry-After": "1"}},
    {"status": 430, "body": PAGE},
    {"status": 401, "body": {"errors": [{"message": "The access token is invalid"}]}},
    {"drop": True},
    {"drop": True, "at": "after"},
    {"cut": 0.6},
    {"cut": 0.0},
]


class ImpatientClock(Clock):
    """Sleeps a fiftieth of the time."""

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0) / 50)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=30, now=NOW, switches={"yotpo.duplicate_fulfillment": "accept"}) as running:
        running.sandbox.switches["yotpo.rate_limit"] = 0
        yield running


@pytest.fixture(scope="module")
def calm(running: RunningSandbox) -> list[Record]:
    """The orders as they are built without faults."""
    return run_main_job(running)[0]


def start_storm(running: RunningSandbox, seed: int, *, share: float = 0.1, faults: list[Record] = FAULTS) -> None:
    random.seed(seed)
    for number, fault in enumerate(faults):
        running.faults.add(times=None, share=share / len(faults), seed=seed * 100 + number, **fault)


def run_main_job(running: RunningSandbox, *, workers: int = 4) -> tuple[list[Record], Counter[str]]:
    """Read, build and upsert, as one try of each task does. Return the built orders and the counts of outcomes."""
    shop = next(iter(running.sandbox.credentials["yotpo"].values()))["shop"]
    options = {"clock": ImpatientClock()}
    with shopify_admin_client(running, shop, **options) as shopify, yofi_client(running, shop, **options) as yofi:
        results = build_orders(
            shopify.extract("orders", until=NOW, page_size=10).records(workers=workers),
            yofi.extract("returns").records(workers=workers),
            yofi.extract("claims").records(workers=workers),
            shop=shop,
        )
        built = [result.to_dict() for result in results if isinstance(result, BuiltOrder)]
    with yotpo_client(running, **options) as yotpo:
        upsert = {"workers": workers, "batch_size": 10}
        orders = upsert_orders(yotpo, built, with_fulfillments=False, sleep=options["clock"].sleep, **upsert)
        outcomes = Counter(outcome.action for outcome in orders)
        outcomes += Counter(outcome.action for outcome in upsert_fulfillments(yotpo, built, **upsert))
    return built, outcomes


def stored(running: RunningSandbox, kind: str) -> list[str]:
    return sorted(
        body["external_id"] for partner, _, name, _, body in running.sandbox.store if (partner, name) == ("yotpo", kind)
    )


def empty_store(running: RunningSandbox) -> None:
    for partner, owner, kind, key, _ in list(running.sandbox.store):
        if partner == "yotpo" and kind != "store":
            running.sandbox.store.delete(partner, owner, kind, key)


@pytest.mark.parametrize("seed", range(3))
def test_one_try_writes_everything_once_while_one_request_of_ten_fails(
    running: RunningSandbox, calm: list[Record], seed: int
) -> None:
    with restored_settings(running):
        empty_store(running)
        start_storm(running, seed)

        built, outcomes = run_main_job(running)

        assert [record["order"] for record in built] == [record["order"] for record in calm]
        assert set(outcomes) <= {"created", "unchanged"}
        assert stored(running, "order") == sorted(record["external_id"] for record in built)
        fulfillments = [part["external_id"] for record in built for part in record["order"].get("fulfillments", ())]
        assert stored(running, "fulfillment") == sorted(fulfillments)
        assert sum(rule.used for rule in running.faults.rules()) >= 5

        assert set(run_main_job(running)[1]) == {"unchanged"}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_one_try_survives_each_kind_of_fault(running: RunningSandbox, fault: Record) -> None:
    with restored_settings(running):
        empty_store(running)
        # Three refusals of one call in a row are taken as true, which one of ten requests would show now and then.
        start_storm(running, 7, share=0.03 if fault.get("status") == 401 else 0.1, faults=[fault])

        # One call after the other, so that the seed decides alone which of them fail.
        built, outcomes = run_main_job(running, workers=1)

        assert set(outcomes) <= {"created", "unchanged"}
        assert stored(running, "order") == sorted(record["external_id"] for record in built)
        assert sum(rule.used for rule in running.faults.rules()) >= 5
