"""Orders of a whole shop, read, built and brought into a Yotpo store over real HTTP: once, and whatever is off."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build as build_world
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.outcomes import Outcome, OutcomeSummary
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders, upsert_products

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Record = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> Iterator[RunningSandbox]:
    sandbox = build_world(shops=1, orders=60, now=NOW)
    with serve(sandbox) as served:
        yield served


@pytest.fixture(scope="module")
def shop(world: RunningSandbox) -> str:
    return next(iter(world.sandbox.credentials["yotpo"].values()))["shop"]


@pytest.fixture(scope="module")
def results(world: RunningSandbox, shop: str) -> list[BuiltOrder | UnmappableOrder]:
    """Every order of the shop, read by the client and built."""
    credentials = world.sandbox.credentials["shopify_admin"][shop]
    with ShopifyAdminClient(
        shop=shop,
        access_token=credentials["token"],
        base_url=f"{world.url}/shopify-admin/{shop}",
        options=ClientOptions(rate_limit_store=InMemoryStore()),
    ) as client:
        return list(build_orders(client.extract("orders", until=NOW).records(), shop=shop))


@pytest.fixture(scope="module")
def built(results: list[BuiltOrder | UnmappableOrder]) -> list[Record]:
    return [row.to_dict() for row in results if isinstance(row, BuiltOrder)]


@pytest.fixture
def yotpo(world: RunningSandbox) -> Iterator[YotpoClient]:
    """A client of the shop's store, which is empty and not limited."""
    sandbox = world.sandbox
    store_id, credentials = next(iter(sandbox.credentials["yotpo"].items()))
    before = dict(sandbox.switches)
    sandbox.switches["yotpo.rate_limit"] = 0
    for partner, owner, kind, key, _ in list(sandbox.store):
        if partner == "yotpo" and owner == store_id and kind != "store":
            sandbox.store.delete(partner, owner, kind, key)
    sandbox.calls.clear()
    world.faults.clear()
    with YotpoClient(
        store_id=store_id,
        secret=credentials["secret"],
        base_url=f"{world.url}/yotpo",
        requests_per_second=100_000,
        options=ClientOptions(rate_limit_store=InMemoryStore()),
    ) as client:
        yield client
    world.faults.clear()
    sandbox.switches.clear()
    sandbox.switches.update(before)


def run(client: YotpoClient, rows: list[Record], **options: Any) -> list[Outcome]:
    return list(upsert_orders(client, rows, sleep=lambda seconds: time.sleep(seconds / 5), **options))


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.action for outcome in outcomes))


def stored(world: RunningSandbox, kind: str) -> dict[str, Record]:
    rows = [body for partner, _, name, _, body in world.sandbox.store if (partner, name) == ("yotpo", kind)]
    by_id = {row["external_id"]: row for row in rows}
    assert len(by_id) == len(rows), "doubled"
    return by_id


def writes(world: RunningSandbox) -> int:
    return sum(count for name, count in world.sandbox.calls.items() if name.endswith((".create", ".update")))


def test_every_order_of_the_shop_is_built_or_left_out_for_a_reason(results: list[BuiltOrder | UnmappableOrder]) -> None:
    rejected = [row for row in results if isinstance(row, UnmappableOrder)]

    assert len(results) - len(rejected) >= 50
    assert all(row.is_excluded and row.reason for row in rejected), [row for row in rejected if not row.is_excluded]


@pytest.mark.parametrize("workers", [1, 4])
def test_all_orders_arrive_once_and_a_second_run_writes_nothing(
    world: RunningSandbox, yotpo: YotpoClient, built: list[Record], workers: int
) -> None:
    first = run(yotpo, built, workers=workers)

    assert counts(first) == {"created": len(built)}, OutcomeSummary.of(first).to_dict()
    assert set(stored(world, "order")) == {row["external_id"] for row in built}
    fulfillments = {part["external_id"] for row in built for part in row["order"].get("fulfillments", ())}
    assert set(stored(world, "fulfillment")) == fulfillments

    world.sandbox.calls.clear()
    assert counts(run(yotpo, built, workers=workers)) == {"unchanged": len(built)}
    assert writes(world) == 0
    assert sum(world.sandbox.calls.values()) <= 0.03 * len(built) + 1


def test_only_what_changed_is_patched(world: RunningSandbox, yotpo: YotpoClient, built: list[Record]) -> None:
    run(yotpo, built)
    world.sandbox.calls.clear()
    row = next(row for row in built if row["order"].get("fulfillments"))
    shipments = [{**part, "shipment_info": {"shipment_status": "failure"}} for part in row["order"]["fulfillments"]]
    properties = {"suppress_review_request": True}
    changed = {**row, "order": {**row["order"], "fulfillments": shipments, "custom_properties": properties}}

    outcomes = run(yotpo, [changed if each is row else each for each in built])

    assert counts(outcomes) == {"unchanged": len(built) - 1, "updated": 1}
    (updated,) = [outcome for outcome in outcomes if outcome.action == "updated"]
    assert sorted(updated.changed) == ["custom_properties", "fulfillments"]
    assert writes(world) == 1
    assert stored(world, "order")[row["external_id"]]["custom_properties"] == properties
    assert set(stored(world, "fulfillment")) >= {part["external_id"] for part in shipments}
    assert counts(run(yotpo, [changed])) == {"unchanged": 1}


@pytest.mark.parametrize(
    "switches",
    [
        {"yotpo.patch_status": 204},
        {"yotpo.unknown_product_status": 400, "yotpo.product_lag": 0.1},
        {"yotpo.external_ids_list": "nothing"},
        {"yotpo.external_ids_list": "first"},
        {"yotpo.refuse_unknown_properties": True},
    ],
    ids=str,
)
def test_nothing_is_doubled_or_lost_however_the_store_behaves(
    world: RunningSandbox, yotpo: YotpoClient, built: list[Record], switches: dict[str, Any]
) -> None:
    half = len(built) // 2
    world.sandbox.switches.update(switches)
    rows = [{**row, "order": {**row["order"], "landing_site_url": "https://x.example"}} for row in built]

    assert counts(run(yotpo, built[:half])) == {"created": half}
    assert counts(run(yotpo, rows, batch_size=20)) == {"updated": half, "created": len(built) - half}
    assert counts(run(yotpo, rows, batch_size=20)) == {"unchanged": len(built)}
    assert len(stored(world, "order")) == len(built)


def test_an_answer_that_is_lost_after_the_order_was_created_doubles_nothing(
    world: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    run(yotpo, built[:5])
    world.faults.add(path_regex="/orders$", method="POST", drop=True, at="after")

    outcomes = run(yotpo, built[5:10])

    assert sorted(outcome.action for outcome in outcomes) == ["created"] * 4 + ["unchanged"]
    assert len(stored(world, "order")) == 10


def test_a_dry_run_over_http_writes_nothing(world: RunningSandbox, yotpo: YotpoClient, built: list[Record]) -> None:
    assert counts(run(yotpo, built, dry_run=True)) == {"would_create": len(built)}
    assert writes(world) == 0


def test_products_by_themselves_are_created_and_left_alone(
    world: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    products = [product for row in built for product in row["products"]]
    different = len({product["external_id"] for product in products})

    first = list(upsert_products(yotpo, products))
    assert len(stored(world, "product")) == different + 1  # and the one that every store has
    assert Counter(outcome.action for outcome in first)["rejected"] == 0
    assert {outcome.action for outcome in upsert_products(yotpo, products)} == {"unchanged"}


def test_where_embedded_fulfillments_double_they_are_sent_apart(
    world: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    world.sandbox.switches["yotpo.embedded_fulfillments"] = "append"
    wanted = {part["external_id"] for row in built for part in row["order"].get("fulfillments", ())}

    for expected in ({"created"}, {"unchanged"}):
        run(yotpo, built, with_fulfillments=False)
        assert {outcome.action for outcome in upsert_fulfillments(yotpo, built)} == expected
        assert set(stored(world, "fulfillment")) == wanted
