"""Yotpo's orders after runs of the main Dag, compared with a second mapping and the sandbox's own counts of calls.

The tests depend on each other's runs, so they stay in one process and in this order.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import independent_mapping as independent
import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 11, "shops": 3, "orders": 40}
KINDS = ("return", "order", "customer", "return_prediction", "customer_prediction")


def synced_shops(airflow: Any) -> list[str]:
    """The routed shops with the app, by the sandbox's own events."""
    app = airflow.sandbox.credentials["shopify_partner"]["app_id"]
    last_event: dict[str, str] = {}
    for event in airflow.documents("shopify_partner", app, "app_event"):  # oldest first
        if event["type"].startswith("RELATIONSHIP_"):
            last_event[event["shop"]["myshopifyDomain"]] = event["type"]
    routed_shops = [route["shop"] for route in json.loads(airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])]
    uninstall_events = {"RELATIONSHIP_UNINSTALLED", "RELATIONSHIP_DEACTIVATED"}
    return [shop for shop in routed_shops if last_event.get(shop, "RELATIONSHIP_UNINSTALLED") not in uninstall_events]


def stored_count(airflow: Any) -> int:
    return sum(len(airflow.yotpo_orders(shop)) for shop in synced_shops(airflow))


def differences(airflow: Any, shop: str) -> dict[str, Any]:
    yofi = {kind: {row["id"]: row for row in airflow.documents("yofi", shop, kind)} for kind in KINDS}
    of_voucherify = airflow.sandbox.credentials["voucherify"]["shop"] == shop
    redemptions = airflow.documents("voucherify", "", "redemptions") if of_voucherify else None
    expected = independent.expected_orders(
        airflow.documents("shopify_admin", shop, "order"),
        yofi,
        redemptions,
        products=airflow.documents("shopify_admin", shop, "product"),
    )
    stored_orders = [independent.as_read(order) for order in airflow.yotpo_orders(shop)]
    stored = {order["external_id"]: order for order in stored_orders}
    assert len(stored) == len(stored_orders), "an order is in Yotpo twice"
    keys = stored.keys() | expected.keys()
    return {key: (stored.get(key), expected.get(key)) for key in keys if stored.get(key) != expected.get(key)}


def test_a_dry_run_plans_everything_and_writes_nothing(airflow: Any) -> None:
    run = airflow.run(conf={"dry_run": True})

    assert run.succeeded, run.log[-6000:]
    assert run.writes == 0
    assert run.total["would_create"] > 100


@pytest.fixture(scope="module")
def first_run(airflow: Any) -> Any:
    """The run that writes everything; the dry run is before it."""
    return airflow.run()


def test_the_plan_says_what_the_run_then_writes_and_shows_nobodys_data(airflow: Any, first_run: Any) -> None:
    """Counts and customers come from Yotpo's stores, read over HTTP without this package."""
    plan, page = next((report, page) for report, page in airflow.reports() if report["dry_run"])

    assert first_run.succeeded, first_run.log[-6000:]
    assert "Sign-off" in page
    for lane in plan["lanes"]:
        held = airflow.yotpo_orders(lane["shop"])
        assert lane["counts"]["would_create"] == len(held)
        suppressed = [each for each in held if (each.get("custom_properties") or {}).get("suppress_review_request")]
        assert lane["suppressed_by_action"].get("would_create", 0) == len(suppressed)
        values = {
            str(record[name])
            for order in held
            for record, name in (
                (order.get("customer") or {}, "email"),
                (order.get("customer") or {}, "last_name"),
                (order.get("customer") or {}, "phone_number"),
                (order.get("billing_address") or {}, "address1"),
            )
            if record.get(name)
        }
        assert len(values) > 10
        text = f"{page} {json.dumps(plan)}"
        assert not [value for value in values if re.search(rf"\b{re.escape(value)}\b", text)]


def test_every_order_of_an_installed_and_routed_shop_is_in_yotpo_once_and_correct(airflow: Any, first_run: Any) -> None:
    assert first_run.succeeded, first_run.log[-6000:]
    assert len(synced_shops(airflow)) >= 3
    for shop in synced_shops(airflow):
        assert differences(airflow, shop) == {}
    assert first_run.total["created"] == first_run.called("orders.create") == stored_count(airflow) > 100
    assert first_run.total["updated"] == first_run.total["rejected"] == 0
    assert sum(first_run.total["suppressions"].values()) >= first_run.total["suppressed"] > 0


def test_orders_with_coupons_have_their_codes(airflow: Any, first_run: Any) -> None:
    shop = airflow.sandbox.credentials["voucherify"]["shop"]
    orders = airflow.yotpo_orders(shop)
    orders_with_coupon = [order for order in orders if order["custom_properties"]["coupon_used"]]
    coupon_codes = {line.get("coupon_code") for order in orders_with_coupon for line in order["line_items"]}

    assert 0 < len(orders_with_coupon) < len(orders)
    assert len(coupon_codes) >= 4
    other_shops = [order for each in synced_shops(airflow) if each != shop for order in airflow.yotpo_orders(each)]
    # Shops without Voucherify have the coupons of Shopify's discount codes.
    used = {order["external_id"]: order["custom_properties"]["coupon_used"] for order in other_shops}
    assert 0 < sum(used.values()) < len(used)


def test_new_orders_cost_hardly_more_than_one_call_each(airflow: Any, first_run: Any) -> None:
    """Besides one write per order, a batch of up to 100 costs one look-up, and one for its products, in two tasks."""
    assert first_run.called("orders.list", "products.list") <= 3 * len(synced_shops(airflow))


def test_orders_of_shops_without_the_app_are_not_in_yotpo(airflow: Any, first_run: Any) -> None:
    stores = {store["shop"] for store in airflow.sandbox.credentials["yotpo"].values()}
    other_shops = stores - set(synced_shops(airflow))

    assert other_shops
    for shop in other_shops:
        assert airflow.documents("shopify_admin", shop, "order")
        assert airflow.yotpo_orders(shop) == []


def test_no_secret_and_no_customer_data_is_in_xcoms_or_the_log(airflow: Any, first_run: Any) -> None:
    log_and_xcoms = first_run.log + "".join(str(value) for (value,) in airflow.query_database("SELECT value FROM xcom"))
    accepted = airflow.sandbox.credentials
    secrets = [
        accepted["yofi"]["secret"],
        accepted["voucherify"]["secret_key"],
        *accepted["shopify_partner"]["tokens"],
        *(shop["token"] for shop in accepted["shopify_admin"].values()),
        *(store["secret"] for store in accepted["yotpo"].values()),
    ]
    orders = [order for shop in synced_shops(airflow) for order in airflow.documents("shopify_admin", shop, "order")]
    mails = {order["email"] for order in orders if order["email"]}
    streets = {order["shippingAddress"]["address1"] for order in orders if order["shippingAddress"]} - {None}

    assert len(mails) > 10
    assert [text for text in (*secrets, *mails, *streets) if text in log_and_xcoms] == []


def test_a_second_run_writes_nothing_and_costs_hardly_a_call(airflow: Any, first_run: Any) -> None:
    run = airflow.run()

    assert run.succeeded, run.log[-6000:]
    assert run.writes == 0
    assert (run.total["created"], run.total["updated"]) == (0, 0)
    assert run.total["unchanged"] == stored_count(airflow)
    # One look-up per batch of up to 100 orders, and one per store for its products.
    assert run.called("orders.list") == run.called("products.list") == len(synced_shops(airflow))


def test_only_orders_that_changed_in_shopify_are_patched(airflow: Any, first_run: Any) -> None:
    time.sleep(1.1)  # Shopify's times have whole seconds
    shop = synced_shops(airflow)[0]
    previous = {order["external_id"]: order for order in airflow.yotpo_orders(shop)}
    stored_orders = airflow.control("POST", f"/shopify/{shop}/orders/change?count=4")["changed"]
    changed = {row["legacyResourceId"] for row in stored_orders}

    run = airflow.run(conf={"shops": [shop]})

    assert run.succeeded, run.log[-6000:]
    current = {order["external_id"]: order for order in airflow.yotpo_orders(shop)}
    assert {key for key in current if current[key] != previous[key]} == changed
    assert run.calls[f"yotpo/{airflow.store_of(shop)}/orders.update"] == run.writes == len(changed) == 4
    assert differences(airflow, shop) == {}
