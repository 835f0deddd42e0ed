"""All orders of a shop are read, built and upserted over real HTTP: each once, with every behaviour of the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sandbox import restored_settings, run_sandbox, shopify_admin_client, yotpo_client

from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sync.build import BuiltOrder, UnmappableOrder, build_orders
from airflow_provider_partners.sync.outcomes import Outcome, OutcomeSummary
from airflow_provider_partners.sync.upsert import upsert_customers, upsert_fulfillments, upsert_orders, upsert_products

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Record = dict[str, Any]


@pytest.fixture(scope="module")
def shop_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=60, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def shop(shop_sandbox: RunningSandbox) -> str:
    return next(iter(shop_sandbox.sandbox.credentials["yotpo"].values()))["shop"]


@pytest.fixture(scope="module")
def results(shop_sandbox: RunningSandbox, shop: str) -> list[BuiltOrder | UnmappableOrder]:
    """All orders of the shop, read by the client and built."""
    with shopify_admin_client(shop_sandbox, shop) as client:
        return list(build_orders(client.extract("orders", until=NOW).records(), shop=shop))


@pytest.fixture(scope="module")
def built(results: list[BuiltOrder | UnmappableOrder]) -> list[Record]:
    return [record.to_dict() for record in results if isinstance(record, BuiltOrder)]


@pytest.fixture
def yotpo(shop_sandbox: RunningSandbox) -> Iterator[YotpoClient]:
    """A client of the shop's store, which is empty and has no rate limit."""
    sandbox = shop_sandbox.sandbox
    store_id = next(iter(sandbox.credentials["yotpo"]))
    for partner, owner, kind, key, _ in list(sandbox.store):
        if partner == "yotpo" and owner == store_id and kind != "store":
            sandbox.store.delete(partner, owner, kind, key)
    with restored_settings(shop_sandbox), yotpo_client(shop_sandbox) as client:
        sandbox.switches["yotpo.rate_limit"] = 0
        yield client


def run(client: YotpoClient, records: list[Record], **options: Any) -> list[Outcome]:
    return list(upsert_orders(client, records, sleep=lambda seconds: time.sleep(seconds / 5), **options))


def counts(outcomes: list[Outcome]) -> dict[str, int]:
    return dict(Counter(outcome.action for outcome in outcomes))


def stored(shop_sandbox: RunningSandbox, kind: str) -> dict[str, Record]:
    records = [body for partner, _, name, _, body in shop_sandbox.sandbox.store if (partner, name) == ("yotpo", kind)]
    by_id = {record["external_id"]: record for record in records}
    assert len(by_id) == len(records), "doubled"
    return by_id


def writes(shop_sandbox: RunningSandbox) -> int:
    return sum(count for name, count in shop_sandbox.sandbox.calls.items() if name.endswith((".create", ".update")))


def test_every_order_of_the_shop_is_built_or_has_a_reason(results: list[BuiltOrder | UnmappableOrder]) -> None:
    rejected = [record for record in results if isinstance(record, UnmappableOrder)]

    assert len(results) - len(rejected) >= 50
    assert all(record.is_excluded and record.reason for record in rejected), [
        record for record in rejected if not record.is_excluded
    ]


@pytest.mark.parametrize("workers", [1, 4])
def test_all_orders_are_written_once_and_a_second_run_writes_nothing(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record], workers: int
) -> None:
    first = run(yotpo, built, workers=workers)

    assert counts(first) == {"created": len(built)}, OutcomeSummary.of(first).to_dict()
    assert set(stored(shop_sandbox, "order")) == {record["external_id"] for record in built}
    fulfillments = {part["external_id"] for record in built for part in record["order"].get("fulfillments", ())}
    assert set(stored(shop_sandbox, "fulfillment")) == fulfillments

    shop_sandbox.sandbox.calls.clear()
    assert counts(run(yotpo, built, workers=workers)) == {"unchanged": len(built)}
    assert writes(shop_sandbox) == 0
    assert sum(shop_sandbox.sandbox.calls.values()) <= 0.03 * len(built) + 1


def test_only_what_changed_is_patched(shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record]) -> None:
    run(yotpo, built)
    shop_sandbox.sandbox.calls.clear()
    record = next(record for record in built if record["order"].get("fulfillments"))
    shipments = [{**part, "shipment_info": {"shipment_status": "failure"}} for part in record["order"]["fulfillments"]]
    properties = {"suppress_review_request": True}
    changed = {**record, "order": {**record["order"], "fulfillments": shipments, "custom_properties": properties}}

    outcomes = run(yotpo, [changed if each is record else each for each in built])

    assert counts(outcomes) == {"unchanged": len(built) - 1, "updated": 1}
    (updated,) = [outcome for outcome in outcomes if outcome.action == "updated"]
    assert sorted(updated.changed) == ["custom_properties", "fulfillments"]
    assert writes(shop_sandbox) == 1
    assert stored(shop_sandbox, "order")[record["external_id"]]["custom_properties"] == {
        **record["order"]["custom_properties"],
        **properties,
    }
    assert set(stored(shop_sandbox, "fulfillment")) >= {part["external_id"] for part in shipments}
    assert counts(run(yotpo, [changed])) == {"unchanged": 1}


@pytest.mark.parametrize(
    "switches",
    [
        {"yotpo.patch_status": 204},
        {"yotpo.unknown_product_status": 400, "yotpo.product_lag": 0.1},
        {"yotpo.external_ids_list": "nothing"},
        {"yotpo.external_ids_list": "first"},
        {"yotpo.external_ids_list": "ignored"},
        {"yotpo.refuse_unknown_properties": True},
    ],
    ids=str,
)
def test_nothing_is_doubled_or_lost_with_each_behaviour_of_the_store(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record], switches: dict[str, Any]
) -> None:
    half = len(built) // 2
    shop_sandbox.sandbox.switches.update(switches)
    records = [{**record, "order": {**record["order"], "landing_site_url": "https://x.example"}} for record in built]

    assert counts(run(yotpo, built[:half])) == {"created": half}
    assert counts(run(yotpo, records, batch_size=20)) == {"updated": half, "created": len(built) - half}
    assert counts(run(yotpo, records, batch_size=20)) == {"unchanged": len(built)}
    assert len(stored(shop_sandbox, "order")) == len(built)


def test_a_lost_response_to_a_create_doubles_nothing(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    run(yotpo, built[:5])
    shop_sandbox.faults.add(path_regex="/orders$", method="POST", drop=True, at="after")

    outcomes = run(yotpo, built[5:10])

    assert sorted(outcome.action for outcome in outcomes) == ["created"] * 4 + ["unchanged"]
    assert len(stored(shop_sandbox, "order")) == 10


def test_a_dry_run_over_http_writes_nothing(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    assert counts(run(yotpo, built, dry_run=True)) == {"would_create": len(built)}
    assert writes(shop_sandbox) == 0


def test_products_are_upserted_apart_from_orders(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    products = [product for record in built for product in record["products"]]
    different = len({product["external_id"] for product in products})

    first = list(upsert_products(yotpo, products))
    assert len(stored(shop_sandbox, "product")) == different + 1  # and the one that the store has from the start
    assert Counter(outcome.action for outcome in first)["rejected"] == 0
    assert {outcome.action for outcome in upsert_products(yotpo, products)} == {"unchanged"}


def test_fulfillments_can_be_sent_apart_if_embedded_ones_double(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, built: list[Record]
) -> None:
    shop_sandbox.sandbox.switches["yotpo.embedded_fulfillments"] = "append"
    sent_ids = {part["external_id"] for record in built for part in record["order"].get("fulfillments", ())}

    for expected in ({"created"}, {"unchanged"}):
        run(yotpo, built, with_fulfillments=False)
        assert {outcome.action for outcome in upsert_fulfillments(yotpo, built)} == expected
        assert set(stored(shop_sandbox, "fulfillment")) == sent_ids


PLAIN: Record = {
    "external_id": 1001,
    "order_date": "2026-05-01T12:20:30+02:00",
    "currency": "eur",
    "total_price": "29.90",
    "customer": {"external_id": "7", "first_name": "Zoë", "last_name": "Li", "email": "zoe@example.com"},
    "line_items": [
        {"external_product_id": "mug", "quantity": "2", "product": {"name": "Mug"}},
        {"external_product_id": "cup", "quantity": 1, "coupon_code": "MAY", "product": {"name": "Cup"}},
    ],
    "fulfillments": [
        {
            "external_id": "f-1",
            "fulfillment_date": "2026-05-02",
            "status": "open",
            "shipment_info": {"tracking_number": "T1"},
            "fulfilled_items": [{"external_product_id": "mug", "quantity": 2}],
        }
    ],
    "custom_properties": {"gift": "yes", "customer_country": "DE"},
}


@pytest.mark.parametrize("nested", ["merge", "replace"])
@pytest.mark.parametrize(
    "change",
    [
        {"custom_properties": {"suppress_review_request": True}},
        {"cancellation": {"cancellation_date": "2026-05-03"}},
        {"customer": {"email": "li@example.com"}},
        {"line_items": [{"external_product_id": "cup", "custom_properties": {"color": "red"}}]},
        {"fulfillments": [{"external_id": "f-1", "status": "success"}]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_part_of_a_plain_order_changes_nothing_else(
    shop_sandbox: RunningSandbox, yotpo: YotpoClient, change: Record, nested: str
) -> None:
    """Yotpo doesn't document whether a PATCH merges or replaces nested objects."""
    shop_sandbox.sandbox.switches["yotpo.nested_objects"] = nested
    (created,) = run(yotpo, [PLAIN])
    assert (created.action, created.external_id) == ("created", "1001")
    before = yotpo.orders(["1001"])["1001"]
    assert (before["order_date"], before["total_price"]) == ("2026-05-01T10:20:30", 29.9)

    (updated,) = run(yotpo, [{"external_id": "1001", **change}])

    after = yotpo.orders(["1001"])["1001"]
    assert updated.action == "updated"
    assert flat(before).items() - flat(after).items() <= {
        item for item in flat(before).items() if item[0].endswith(("email", "status", "updated_at"))
    }
    assert len(flat(after)) >= len(flat(before))
    assert counts(run(yotpo, [{"external_id": "1001", **change}])) == {"unchanged": 1}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return every single value by its path."""
    if isinstance(value, dict):
        return {key: leaf for name, each in value.items() for key, leaf in flat(each, f"{path}.{name}").items()}
    if isinstance(value, list):
        return {key: leaf for index, each in enumerate(value) for key, leaf in flat(each, f"{path}[{index}]").items()}
    return {path: value}


def test_customers_and_custom_properties_of_products_arrive(shop_sandbox: RunningSandbox, yotpo: YotpoClient) -> None:
    """https://core-api.yotpo.com/reference/create-customer and /reference/products"""
    customers = [
        {"external_id": 7, "email": "zoe@example.com", "default_currency": "eur", "tags": ["vip", "berlin"]},
        {"phone_number": "+49 30 901820", "accepts_sms_marketing": "true"},
        {"external_id": "7", "first_name": "Zoë"},
    ]
    assert counts(list(upsert_customers(yotpo, customers))) == {"accepted": 2}
    first, second = yotpo.extract("customers").records()
    assert (first["email"], first["first_name"], first["tags"]) == ("zoe@example.com", "Zoë", "vip,berlin")
    assert second["phone_number"] == "+4930901820"

    product = {"external_id": "mug", "name": "Mug", "custom_properties": {"is_blocklisted": "false", "own": 1}}
    assert counts(list(upsert_products(yotpo, [product]))) == {"created": 1}
    part = {"external_id": "mug", "custom_properties": {"review_form_tag": "mugs"}}
    assert counts(list(upsert_products(yotpo, [part]))) == {"updated": 1}
    expected = {"is_blocklisted": False, "own": 1, "review_form_tag": "mugs"}
    assert yotpo.products(["mug"])["mug"]["custom_properties"] == expected


def test_what_was_read_from_one_store_can_be_written_again(shop_sandbox: RunningSandbox, yotpo: YotpoClient) -> None:
    run(yotpo, [PLAIN])
    orders = list(yotpo.extract("orders").records())
    products = list(yotpo.extract("products").records())

    assert counts(run(yotpo, orders)) == {"unchanged": 1}
    assert counts(list(upsert_products(yotpo, products))) == {"unchanged": len(products)}
