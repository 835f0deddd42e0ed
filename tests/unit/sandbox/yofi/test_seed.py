"""Yofi's records match the shops' orders: the customer, the items and the time of each return."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.sandbox.store import Store, format_timestamp
from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.sandbox.yofi.seed.predictions import RETURN_STATES

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SHOPS = ("aurora-apparel.myshopify.com", "tsukimi-goods.myshopify.com")


@pytest.fixture(scope="module")
def store() -> Store:
    return build(now=NOW).store


@pytest.mark.parametrize("shop", SHOPS)
def test_about_every_sixth_order_is_returned(store, shop):
    assert 15 <= store.count("yofi", shop, "return") <= 35


@pytest.mark.parametrize("shop", SHOPS)
def test_a_return_names_an_order_and_its_buyer(store, shop):
    orders = {record["legacyResourceId"]: record for record in store.select("shopify_admin", shop, "order")}
    for record in store.select("yofi", shop, "return"):
        attributes = record["attributes"]
        order = orders[attributes["order_id"]]
        assert attributes["app_id"] == shop
        assert attributes["order_name"] == order["name"]
        assert attributes["customer_id"] == order["customer"]["legacyResourceId"]
        assert attributes["customer_first_name"] == order["customer"]["firstName"]
        assert attributes["order_created_at_epoch"] == datetime.fromisoformat(order["createdAt"]).timestamp()
        assert attributes["order_created_at_epoch"] <= attributes["return_created_at_epoch"] < NOW.timestamp()
        assert not order["test"]


@pytest.mark.parametrize("shop", SHOPS)
def test_an_order_has_the_state_of_its_return_and_refunds_only_if_refunded(store, shop):
    states = {
        record["attributes"]["order_id"]: record["attributes"]["state"]
        for record in store.select("yofi", shop, "return")
    }
    for order in store.select("shopify_admin", shop, "order"):
        state = states.get(order["legacyResourceId"])
        assert order["returnStatus"] == (RETURN_STATES[state] if state else "NO_RETURN")
        if state:
            assert (state == "refunded") or not order["refunds"]


def test_every_state_and_category_occurs(store):
    states: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    for shop in store.shops("yofi"):
        states.update(record["attributes"]["state"] for record in store.select("yofi", shop, "return"))
        predictions = store.select("yofi", shop, "return_prediction")
        categories.update(record["attributes"]["prediction_category"] for record in predictions)

    assert set(states) == set(RETURN_STATES)
    assert set(categories) == {"return_abuse", "drop_off_fraud", "wardrobing", "empty_box"}


@pytest.mark.parametrize("shop", SHOPS)
def test_some_old_orders_are_returned_now_without_an_update_of_the_order(store, shop):
    orders = {record["legacyResourceId"]: record for record in store.select("shopify_admin", shop, "order")}
    recent = (NOW - timedelta(days=2)).timestamp()
    old = format_timestamp(NOW, plus=timedelta(days=-45))
    late = [
        record["attributes"]
        for record in store.select("yofi", shop, "return")
        if record["attributes"]["return_created_at_epoch"] > recent
    ]
    late = [attributes for attributes in late if orders[attributes["order_id"]]["createdAt"] < old]

    assert len(late) >= 2
    assert all(
        datetime.fromisoformat(orders[attributes["order_id"]]["updatedAt"]).timestamp()
        < attributes["return_created_at_epoch"]
        for attributes in late
    )


@pytest.mark.parametrize("shop", SHOPS)
def test_a_few_customers_return_much_and_have_high_scores(store, shop):
    returns = Counter(record["attributes"]["customer_id"] for record in store.select("yofi", shop, "return"))
    scores = {
        record["attributes"]["customer_id"]: record["attributes"]["model_predictions"]["return_abuse"]
        for record in store.select("yofi", shop, "customer")
    }

    abusers = [customer for customer, score in scores.items() if score > 0.8]

    assert len(abusers) == 3
    assert sum(returns[customer] for customer in abusers) / 3 > sum(returns.values()) / len(returns)


@pytest.mark.parametrize("shop", SHOPS)
def test_every_relationship_names_a_record_of_the_shop(store, shop):
    for kind in ("return", "customer", "claim", "notification_event"):
        for record in store.select("yofi", shop, kind):
            assert record["id"] == record["attributes"]["entity_id"]
            for linked in record["relationships"].values():
                many = not linked or isinstance(linked[0], list)
                for target_kind, target in linked if many else [linked]:
                    assert store.get("yofi", shop, target_kind, target)


@pytest.mark.parametrize("shop", SHOPS)
def test_scores_are_between_0_and_1_and_match_the_severity(store, shop):
    for kind in ("return_prediction", "customer_prediction"):
        for record in store.select("yofi", shop, kind):
            attributes = record["attributes"]
            assert 0 <= attributes["predicted_value"] <= 1
            assert (attributes["severity"] == "high") == (attributes["predicted_value"] >= 0.8)
            assert attributes["justification"]


@pytest.mark.parametrize("shop", SHOPS)
def test_claims_name_orders_and_products_of_the_shop(store, shop):
    orders = {record["legacyResourceId"]: record for record in store.select("shopify_admin", shop, "order")}
    claims = store.select("yofi", shop, "claim")

    assert len(claims) >= 2
    for claim in claims:
        for item in claim["attributes"]["claim_items"]:
            lines = orders[item["order_id"]]["lineItems"]
            assert item["product_id"] in {line["product"]["id"].rpartition("/")[2] for line in lines if line["product"]}


def test_notifications_have_iso_timestamps_and_need_more_than_one_page(store):
    events = store.select("yofi", SHOPS[0], "notification_event")

    assert len(events) > 10
    assert all(record["attributes"]["created_at"].endswith("Z") for record in events)
