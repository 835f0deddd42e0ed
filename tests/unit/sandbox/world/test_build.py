"""A world follows from its seed: the same seed gives the same world, with all edge cases."""

from __future__ import annotations

import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_partners.sandbox.store import Sandbox, format_timestamp
from airflow_provider_partners.sandbox.world.build import build, parameters_of
from airflow_provider_partners.sandbox.world.orders.scenarios import SCENARIOS, TRACKING_HISTORIES
from airflow_provider_partners.sandbox.world.shops import world

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
FIRST = "aurora-apparel.myshopify.com"


def contents(sandbox: Sandbox) -> list[Any]:
    return list(sandbox.store._db.execute("SELECT * FROM documents"))


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return build(now=NOW)


@pytest.fixture(scope="module")
def orders(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [row for shop in routed() for row in sandbox.store.select("shopify_admin", shop, "order")]


def routed() -> list[str]:
    return [shop.domain for shop in world(4) if shop.routed]


def test_the_same_seed_and_day_give_the_same_bytes():
    first, second = (build(seed=3, shops=2, orders=20, now=NOW) for _ in range(2))

    assert contents(first) == contents(second)
    assert first.credentials == second.credentials


def test_another_seed_gives_another_world_at_the_same_shops():
    first, second = (build(seed=seed, shops=2, orders=5, now=NOW) for seed in (1, 2))

    assert first.store.shops("shopify_admin") == second.store.shops("shopify_admin")
    assert first.store.select("shopify_admin", FIRST, "order") != second.store.select("shopify_admin", FIRST, "order")
    assert first.credentials["yofi"]["secret"] != second.credentials["yofi"]["secret"]


def test_a_world_with_a_fixed_day_does_not_depend_on_the_current_time():
    sandbox = build(seed=1, shops=1, orders=12, now=NOW)

    years = set(re.findall(r"\b20\d\d(?=-\d\d-\d\dT)", str(contents(sandbox))))

    assert max(years) == "2026"
    assert all(row[4] <= format_timestamp(NOW) for row in contents(sandbox))


def test_a_full_world_is_built_in_under_three_seconds():
    begun = time.process_time()

    build(shops=4, orders=100, now=NOW)

    assert time.process_time() - begun < 3


def test_without_a_day_the_world_ends_at_the_last_full_hour_and_the_clock_runs():
    before = datetime.now(UTC)
    sandbox = build(shops=1, orders=3)

    anchor = sandbox.store.get("sandbox", "", "world", "world")["now"]

    assert anchor.endswith(":00:00Z")
    assert before - timedelta(hours=1, minutes=1) < datetime.fromisoformat(anchor) <= datetime.now(UTC)
    assert sandbox.now is None


def test_a_day_without_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        build(now=datetime(2026, 1, 1))


@pytest.mark.parametrize("wrong", [{"shops": 0}, {"orders": 0}])
def test_a_world_without_shops_or_orders_is_refused(wrong):
    with pytest.raises(ValueError, match="at least one"):
        build(now=NOW, **wrong)


def test_an_existing_file_is_opened_with_its_changes(tmp_path):
    path = tmp_path / "world.sqlite"
    first = build(path=path, shops=1, orders=3, now=NOW)
    first.store.put("yotpo", "s", "order", "1", {"external_id": "1"}, at="2026-01-01T00:00:00Z")
    first.store.close()

    again = build(path=path, shops=1, orders=3, now=NOW + timedelta(days=9))

    assert again.store.get("yotpo", "s", "order", "1") == {"external_id": "1"}
    assert again.store.count("shopify_admin", FIRST, "order") == 3
    assert parameters_of(again).orders == 3


def test_a_file_with_another_world_is_refused_with_both_named(tmp_path):
    path = tmp_path / "world.sqlite"
    build(path=path, shops=1, orders=3, now=NOW).store.close()

    with pytest.raises(ValueError, match=r"contains the world seed=7 shops=1 orders=3, requested was seed=8"):
        build(path=path, seed=8, shops=1, orders=3, now=NOW)


def test_each_installed_shop_has_the_requested_number_of_orders(sandbox):
    counts = [sandbox.store.count("shopify_admin", shop, "order") for shop in routed()[:4]]

    assert counts == [100] * 4


def test_an_uninstalled_and_an_unrouted_shop_come_on_top(sandbox):
    facts = [sandbox.store.get("shopify_admin", shop.domain, "shop", shop.domain) for shop in world(4)]

    assert Counter((row["installed"], row["routed"]) for row in facts) == {
        (True, True): 4,
        (False, True): 1,
        (True, False): 1,
    }
    assert {row["currencyCode"] for row in facts} >= {"USD", "EUR", "GBP", "JPY"}
    assert {row["plan"] for row in facts} == {"plus", "standard"}
    assert [shop.reactivated for shop in world(4)][:4].count(True) == 1
    assert [shop.reinstalled for shop in world(4)][:4].count(True) == 1


def test_many_shops_have_domains_and_numbers_of_their_own():
    members = world(20)

    assert len({shop.domain for shop in members}) == len({shop.number for shop in members}) == 22


def test_order_ids_and_names_of_a_shop_are_unique_and_grow_with_time(sandbox):
    seen: set[str] = set()
    for shop in sandbox.store.shops("shopify_admin"):
        rows = sorted(
            sandbox.store.select("shopify_admin", shop, "order"), key=lambda row: int(row["legacyResourceId"])
        )
        assert [row["createdAt"] for row in rows] == sorted(row["createdAt"] for row in rows)
        assert [row["number"] for row in rows] == list(range(1001, 1001 + len(rows)))
        assert len({row["name"] for row in rows}) == len(rows)
        assert not seen & {row["id"] for row in rows}
        seen |= {row["id"] for row in rows}


def test_no_two_records_of_any_shop_share_an_id(sandbox):
    ids = re.findall(
        r'"id": "(gid://shopify/(?:Order|LineItem|Fulfillment|Refund|Product|Customer)/\d+)"',
        "".join(row[5] for row in contents(sandbox) if row[0] == "shopify_admin" and row[2] in {"order", "product"}),
    )
    numbers = Counter(ids)
    owners = {name for name in numbers if "/LineItem/" in name or "/Order/" in name or "/Fulfillment/" in name}
    tails = Counter(name.rpartition("/")[2] for name in numbers)

    assert len(owners) > 1000
    assert max(tails.values()) == 1


def test_catalogues_have_twenty_to_forty_products(sandbox):
    for shop in sandbox.store.shops("shopify_admin"):
        products = sandbox.store.select("shopify_admin", shop, "product")
        assert 20 <= len(products) <= 40
        assert {row["status"] for row in products} == {"ACTIVE", "ARCHIVED", "DRAFT"}
        assert any(row["onlineStoreUrl"] is None for row in products)
        assert any(row["isGiftCard"] for row in products)
        assert any(len(row["title"]) > 255 for row in products)


def test_line_items_name_products_that_exist_or_none(sandbox):
    for shop in sandbox.store.shops("shopify_admin"):
        products = {row["id"]: row for row in sandbox.store.select("shopify_admin", shop, "product")}
        for order in sandbox.store.select("shopify_admin", shop, "order"):
            for line in order["lineItems"]:
                if line["product"]:
                    variants = {row["id"] for row in products[line["product"]["id"]]["variants"]}
                    assert line["variant"]["id"] in variants


def _lines(order: dict[str, Any]) -> list[dict[str, Any]]:
    return order["lineItems"]


def _products(order: dict[str, Any]) -> list[str]:
    return [line["product"]["id"] for line in _lines(order) if line["product"]]


def _states(order: dict[str, Any]) -> list[str]:
    return [row["status"] for row in order["fulfillments"]]


SPECIAL = {
    "400 line items": lambda o: len(_lines(o)) == 400,
    "60 fulfillments": lambda o: len(o["fulfillments"]) == 60,
    "a test order": lambda o: o["test"],
    "a guest with an e-mail": lambda o: o["customer"] is None and o["email"],
    "a stranger without an address": lambda o: o["customer"] is None and o["shippingAddress"] is None,
    "redacted personal data": lambda o: (
        o["customer"] and o["customer"]["firstName"] is None and o["email"] is None
        and o["shippingAddress"]["address1"] is None and o["shippingAddress"]["countryCodeV2"]
    ),
    "two variants of a product": lambda o: any(
        a["product"] and a["product"] == b["product"] and a["variant"] != b["variant"]
        for a in _lines(o) for b in _lines(o)
    ),
    "the same variant twice": lambda o: len(_lines(o)) == 2 and _lines(o)[0]["variant"] == _lines(o)[1]["variant"],
    "a gift card": lambda o: any(line["isGiftCard"] for line in _lines(o)) and len(_lines(o)) > 1,
    "only a gift card": lambda o: all(line["isGiftCard"] for line in _lines(o)),
    "a line of no units": lambda o: any(line["quantity"] == 0 for line in _lines(o)),
    "a deleted product among others": lambda o: _products(o) and any(
        line["product"] is None and line["sku"] is None and line["vendor"] for line in _lines(o)
    ),
    "deleted products only": lambda o: not _products(o),
    "a custom line": lambda o: any(line["product"] is None and line["vendor"] is None for line in _lines(o)),
    "a removed line": lambda o: (
        o["edited"] and any(line["currentQuantity"] == 0 < line["quantity"] for line in _lines(o))
    ),
    "a restocked line": lambda o: any(
        row["restockType"] == "RETURN" for refund in o["refunds"] for row in refund["refundLineItems"]
    ) and o["displayFinancialStatus"] == "PARTIALLY_REFUNDED",
    "a fulfillment without tracking": lambda o: any(not row["trackingInfo"] for row in o["fulfillments"]),
    "a parcel with two numbers": lambda o: any(len(row["trackingInfo"]) == 2 for row in o["fulfillments"]),
    "several fulfillments": lambda o: 1 < len(o["fulfillments"]) < 10,
    "a cancelled fulfillment only": lambda o: _states(o) == ["CANCELLED"],
    "a cancelled and a new fulfillment": lambda o: _states(o) == ["CANCELLED", "SUCCESS"],
    "a failed fulfillment": lambda o: any(row["status"] == "FAILURE" for row in o["fulfillments"]),
    "an erroneous fulfillment": lambda o: any(row["status"] == "ERROR" for row in o["fulfillments"]),
    "a name of more than 255 characters": lambda o: o["customer"] and len(o["customer"]["firstName"] or "") > 255,
    "a line of more than 255 characters": lambda o: any(len(line["title"]) > 255 for line in _lines(o)),
    "a gateway of more than 64 characters": lambda o: any(len(name) > 64 for name in o["paymentGatewayNames"]),
    "an invalid phone": lambda o: o["phone"] == "12-ab",
    "a name not in Latin": lambda o: (
        o["customer"] and re.search(r"[\u0400-\u06ff\u3040-\u9fff]", o["customer"]["displayName"])
    ),
    "line breaks in the note": lambda o: "\n" in (o["note"] or ""),
    "another currency than the shop's": lambda o: o["currencyCode"] != o["presentmentCurrencyCode"],
    "a coupon": lambda o: o["discountCodes"],
    "nothing to pay": lambda o: o["totalPriceSet"]["shopMoney"]["amount"] == "0.0",
    "a tip": lambda o: o["totalTipReceivedSet"]["shopMoney"]["amount"] != "0.0",
    "a cancellation": lambda o: o["cancelledAt"] and o["cancelReason"],
    "a refunded shipping charge": lambda o: o["refunds"] and not o["refunds"][0]["refundLineItems"],
    "an order from months ago": lambda o: o["createdAt"] < format_timestamp(NOW, plus=timedelta(days=-120)),
    "an order of today": lambda o: o["createdAt"] > format_timestamp(NOW, plus=timedelta(days=-1)),
    "many tracking events": lambda o: any(len(row["events"]) == 4 for row in o["fulfillments"]),
}  # fmt: skip


@pytest.mark.parametrize("what", SPECIAL)
def test_a_world_has(what, orders):
    assert any(SPECIAL[what](order) for order in orders)


def test_every_status_occurs(orders):
    assert {order["displayFinancialStatus"] for order in orders} == {
        "PAID", "PENDING", "AUTHORIZED", "EXPIRED", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED", None,
    }  # fmt: skip
    assert {order["displayFulfillmentStatus"] for order in orders} == {
        "FULFILLED", "UNFULFILLED", "PARTIALLY_FULFILLED", "ON_HOLD", "SCHEDULED", "RESTOCKED",
    }  # fmt: skip
    shown = {row["displayStatus"] for order in orders for row in order["fulfillments"]}
    assert shown >= {status for status in TRACKING_HISTORIES if status} | {
        "CANCELED",
        "FULFILLED",
        "MARKED_AS_FULFILLED",
    }


def test_several_orders_share_the_second_of_their_last_change(sandbox):
    for shop in routed()[:4]:
        times = Counter(row["updatedAt"] for row in sandbox.store.select("shopify_admin", shop, "order"))
        assert max(times.values()) >= 5


def test_very_large_orders_are_in_the_first_shop_only(sandbox):
    for place, shop in enumerate(routed()):
        rows = sandbox.store.select("shopify_admin", shop, "order")
        assert any(len(row["lineItems"]) == 400 for row in rows) == (place == 0)
        assert any(len(row["fulfillments"]) == 60 for row in rows) == (place == 0)


def test_a_small_world_spreads_the_kinds_over_its_shops():
    sandbox = build(shops=4, orders=17, now=NOW)
    rows = [row for shop in routed()[:4] for row in sandbox.store.select("shopify_admin", shop, "order")]

    # 17 orders in each of 4 shops are more than there are kinds: all of them fit.
    assert len(SCENARIOS) <= len(rows) == 68
    missing = [what for what, holds in SPECIAL.items() if not any(holds(row) for row in rows)]
    assert set(missing) <= {"an order of today", "an order from months ago"}


def test_the_smallest_world_has_the_first_kinds():
    sandbox = build(shops=1, orders=3, now=NOW)

    rows = sandbox.store.select("shopify_admin", FIRST, "order")

    assert sorted(len(row["lineItems"]) for row in rows) == [2, 2, 400]


def test_no_time_lies_in_the_future(sandbox, orders):
    latest = format_timestamp(NOW)
    for order in orders:
        times = re.findall(r"'(?:createdAt|updatedAt|happenedAt|deliveredAt|processedAt)': '([^']+)'", str(order))
        assert max(times) < latest
        assert order["createdAt"] <= order["updatedAt"]
        times = [row["updatedAt"] for row in (*order["fulfillments"], *order["refunds"])]
        assert all(time <= order["updatedAt"] for time in times)


def test_an_uninstalled_shop_has_no_order_after_the_uninstall(sandbox):
    rows = sandbox.store.select("shopify_admin", "velvet-ember.myshopify.com", "order")

    assert rows
    assert max(row["createdAt"] for row in rows) < format_timestamp(NOW, plus=timedelta(days=-21))
