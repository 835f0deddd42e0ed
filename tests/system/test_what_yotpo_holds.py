"""What Yotpo holds after runs of the main Dag, judged by a second mapping and by the sandbox's own counts of calls.

The tests build on each other's runs, so they stay in one process and in this order.
"""

from __future__ import annotations

import json
import time
from typing import Any

import independent_mapping as independent
import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 11, "shops": 3, "orders": 40}
KINDS = ("return", "order", "customer", "return_prediction", "customer_prediction")


def lanes(world: Any) -> list[str]:
    """The shops that are routed and have the app installed, by the sandbox's own events."""
    app = world.sandbox.credentials["shopify_partner"]["app_id"]
    state: dict[str, str] = {}
    for event in world.documents("shopify_partner", app, "app_event"):  # oldest first
        if event["type"].startswith("RELATIONSHIP_"):
            state[event["shop"]["myshopifyDomain"]] = event["type"]
    routed = [route["shop"] for route in json.loads(world.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])]
    gone = {"RELATIONSHIP_UNINSTALLED", "RELATIONSHIP_DEACTIVATED"}
    return [shop for shop in routed if state.get(shop, "RELATIONSHIP_UNINSTALLED") not in gone]


def held(world: Any) -> int:
    return sum(len(world.yotpo_orders(shop)) for shop in lanes(world))


def differences(world: Any, shop: str) -> dict[str, Any]:
    yofi = {kind: {row["id"]: row for row in world.documents("yofi", shop, kind)} for kind in KINDS}
    of_voucherify = world.sandbox.credentials["voucherify"]["shop"] == shop
    redemptions = world.documents("voucherify", "", "redemptions") if of_voucherify else None
    wanted = independent.expected_orders(world.documents("shopify_admin", shop, "order"), yofi, redemptions)
    rows = [independent.as_read(order) for order in world.yotpo_orders(shop)]
    there = {order["external_id"]: order for order in rows}
    assert len(there) == len(rows), "an order is there twice"
    keys = there.keys() | wanted.keys()
    return {key: (there.get(key), wanted.get(key)) for key in keys if there.get(key) != wanted.get(key)}


def test_a_dry_run_plans_everything_and_writes_nothing(world: Any) -> None:
    run = world.run(conf={"dry_run": True})

    assert run.succeeded, run.log[-6000:]
    assert run.writes == 0
    assert run.total["would_create"] > 100


@pytest.fixture(scope="module")
def first(world: Any) -> Any:
    """The run that writes everything; the dry run has gone before."""
    return world.run()


def test_every_order_of_an_installed_and_routed_shop_is_in_yotpo_once_and_right(world: Any, first: Any) -> None:
    assert first.succeeded, first.log[-6000:]
    assert len(lanes(world)) >= 3
    for shop in lanes(world):
        assert differences(world, shop) == {}
    assert first.total["created"] == first.called("orders.create") == held(world) > 100
    assert first.total["updated"] == first.total["rejected"] == 0
    assert sum(first.total["suppressions"].values()) >= first.total["suppressed"] > 0


def test_orders_with_coupons_say_so_with_their_codes(world: Any, first: Any) -> None:
    shop = world.sandbox.credentials["voucherify"]["shop"]
    orders = world.yotpo_orders(shop)
    used = [order for order in orders if order["custom_properties"]["coupon_used"]]
    codes = {line.get("coupon_code") for order in used for line in order["line_items"]}

    assert 0 < len(used) < len(orders)
    assert len(codes) >= 4
    others = [order for each in lanes(world) if each != shop for order in world.yotpo_orders(each)]
    assert not any("coupon_used" in order["custom_properties"] for order in others)


def test_new_orders_cost_hardly_more_than_one_call_each(world: Any, first: Any) -> None:
    """Besides one write each, a batch of up to 100 is looked up once, and so are its products, in two tasks."""
    assert first.called("orders.list", "products.list") <= 3 * len(lanes(world))


def test_orders_of_shops_without_the_app_are_not_there(world: Any, first: Any) -> None:
    stores = {store["shop"] for store in world.sandbox.credentials["yotpo"].values()}
    others = stores - set(lanes(world))

    assert others
    for shop in others:
        assert world.documents("shopify_admin", shop, "order")
        assert world.yotpo_orders(shop) == []


def test_no_secret_and_no_customers_data_reaches_xcom_or_the_log(world: Any, first: Any) -> None:
    told = first.log + "".join(str(value) for (value,) in world.rows("SELECT value FROM xcom"))
    accepted = world.sandbox.credentials
    secrets = [
        accepted["yofi"]["secret"],
        accepted["voucherify"]["secret_key"],
        *accepted["shopify_partner"]["tokens"],
        *(shop["token"] for shop in accepted["shopify_admin"].values()),
        *(store["secret"] for store in accepted["yotpo"].values()),
    ]
    orders = [order for shop in lanes(world) for order in world.documents("shopify_admin", shop, "order")]
    mails = {order["email"] for order in orders if order["email"]}
    streets = {order["shippingAddress"]["address1"] for order in orders if order["shippingAddress"]} - {None}

    assert len(mails) > 10
    assert [text for text in (*secrets, *mails, *streets) if text in told] == []


def test_a_second_run_writes_nothing_and_costs_hardly_a_call(world: Any, first: Any) -> None:
    run = world.run()

    assert run.succeeded, run.log[-6000:]
    assert run.writes == 0
    assert (run.total["created"], run.total["updated"]) == (0, 0)
    assert run.total["unchanged"] == held(world)
    # One look-up per batch of up to 100 orders, and one per store for its products.
    assert run.called("orders.list") == run.called("products.list") == len(lanes(world))


def test_what_changed_in_shopify_is_patched_and_nothing_else(world: Any, first: Any) -> None:
    time.sleep(1.1)  # Shopify's times have whole seconds
    shop = lanes(world)[0]
    before = {order["external_id"]: order for order in world.yotpo_orders(shop)}
    rows = world.control("POST", f"/shopify/{shop}/orders/change?count=4")["changed"]
    changed = {row["legacyResourceId"] for row in rows}

    run = world.run(conf={"shops": [shop]})

    assert run.succeeded, run.log[-6000:]
    after = {order["external_id"]: order for order in world.yotpo_orders(shop)}
    assert {key for key in after if after[key] != before[key]} == changed
    assert run.calls[f"yotpo/{world.store_of(shop)}/orders.update"] == run.writes == len(changed) == 4
    assert differences(world, shop) == {}
