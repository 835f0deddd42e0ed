"""The main Dag run as users run it, and what Yotpo holds afterwards, judged by a second mapping and by call counts.

The tests build on each other's runs, so they stay in one process and in this order.
"""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

_spec = importlib.util.spec_from_file_location(
    "independent_mapping", Path(__file__).with_name("independent_mapping.py")
)
assert _spec
assert _spec.loader
independent = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(independent)

KINDS = ("return", "order", "customer", "return_prediction", "customer_prediction")
WRITES = (".create", ".update")


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


def differences(world: Any, shop: str) -> dict[str, Any]:
    yofi = {kind: {row["id"]: row for row in world.documents("yofi", shop, kind)} for kind in KINDS}
    wanted = independent.expected_orders(world.documents("shopify_admin", shop, "order"), yofi)
    held = [independent.as_read(order) for order in world.yotpo_orders(shop)]
    assert len({order["external_id"] for order in held}) == len(held), "an order is there twice"
    there = {order["external_id"]: order for order in held}
    return {
        key: (there.get(key), wanted.get(key))
        for key in there.keys() | wanted.keys()
        if there.get(key) != wanted.get(key)
    }


def called(world: Any, *operations: str) -> int:
    """Calls of Yotpo that the sandbox had counted when the last run ended."""
    counts = world.last_calls.items()
    return sum(count for name, count in counts if name.startswith("yotpo/") and name.endswith(operations))


def test_a_dry_run_plans_everything_and_writes_nothing(world: Any) -> None:
    done = world.run({**world.window(), "dry_run": True})

    assert done.returncode == 0, done.stdout[-6000:]
    assert called(world, *WRITES) == 0
    assert world.summary()["total"]["would_create"] > 100


def test_every_order_of_an_installed_and_routed_shop_is_in_yotpo_once_and_right(world: Any) -> None:
    world.sandbox.calls.clear()
    done = world.run()

    assert done.returncode == 0, done.stdout[-6000:]
    assert len(lanes(world)) >= 3
    for shop in lanes(world):
        assert differences(world, shop) == {}
    total = world.summary()["total"]
    assert (
        total["created"] == world.calls("orders.create") == sum(len(world.yotpo_orders(shop)) for shop in lanes(world))
    )
    assert total["updated"] == 0
    assert total["suppressed"] > 0
    assert sum(total["suppressions"].values()) >= total["suppressed"]


def test_new_orders_cost_hardly_more_than_one_call_each(world: Any) -> None:
    """Besides one write each, a batch of up to 100 is looked up once, and so are its products, in two tasks."""
    assert called(world, "orders.create") > 100
    assert called(world, "orders.list") + called(world, "products.list") <= 3 * len(lanes(world))


def test_orders_of_shops_without_the_app_are_not_there(world: Any) -> None:
    stores = {store["shop"] for store in world.sandbox.credentials["yotpo"].values()}
    others = stores - set(lanes(world))

    assert others
    for shop in others:
        assert world.documents("shopify_admin", shop, "order")
        assert world.yotpo_orders(shop) == []


def test_no_secret_and_no_customers_data_reaches_xcom_or_the_log(world: Any) -> None:
    done = world.run({**world.window(), "dry_run": True})
    told = done.stdout + done.stderr + "".join(world.xcoms())
    secrets = [
        world.sandbox.credentials["yofi"]["secret"],
        *world.sandbox.credentials["shopify_partner"]["tokens"],
        *(shop["token"] for shop in world.sandbox.credentials["shopify_admin"].values()),
        *(store["secret"] for store in world.sandbox.credentials["yotpo"].values()),
    ]
    mails = {
        order["email"]
        for shop in lanes(world)
        for order in world.documents("shopify_admin", shop, "order")
        if order["email"]
    }

    assert mails
    assert [secret for secret in secrets if secret in told] == []
    assert [mail for mail in mails if mail in told] == []


def test_a_second_run_writes_nothing_and_costs_hardly_a_call(world: Any) -> None:
    world.sandbox.calls.clear()
    done = world.run()

    assert done.returncode == 0, done.stdout[-6000:]
    total = world.summary()["total"]
    assert called(world, *WRITES) == 0
    assert (total["created"], total["updated"]) == (0, 0)
    assert total["unchanged"] == sum(len(world.yotpo_orders(shop)) for shop in lanes(world))
    # One look-up per batch of up to 100 orders, and one per store for its products.
    assert sum(world.last_calls[name] for name in world.last_calls if name.endswith("/orders.list")) == len(
        lanes(world)
    )
    assert sum(world.last_calls[name] for name in world.last_calls if name.endswith("/products.list")) == len(
        lanes(world)
    )


def test_what_changed_in_shopify_is_patched_and_nothing_else(world: Any) -> None:
    time.sleep(1.1)  # Shopify's times have whole seconds
    shop = lanes(world)[0]
    store = world.store_of(shop)
    before = {order["external_id"]: order for order in world.yotpo_orders(shop)}
    changed = {
        row["legacyResourceId"] for row in world.control("POST", f"/shopify/{shop}/orders/change?count=4")["changed"]
    }
    world.sandbox.calls.clear()

    done = world.run({**world.window(), "shops": [shop]})

    assert done.returncode == 0, done.stdout[-6000:]
    after = {order["external_id"]: order for order in world.yotpo_orders(shop)}
    assert {key for key in after if after[key] != before[key]} == changed
    assert world.last_calls[f"yotpo/{store}/orders.update"] == len(changed) == 4
    assert called(world, *WRITES) == 4
    assert differences(world, shop) == {}
