"""What Yofi knows fits the shops' orders: whose return it is, of what, and how late."""

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
def test_about_every_sixth_order_comes_back(store, shop):
    assert 15 <= store.count("yofi", shop, "return") <= 35


@pytest.mark.parametrize("shop", SHOPS)
def test_a_return_names_an_order_and_its_buyer(store, shop):
    orders = {row["legacyResourceId"]: row for row in store.select("shopify_admin", shop, "order")}
    for record in store.select("yofi", shop, "return"):
        facts = record["attributes"]
        order = orders[facts["order_id"]]
        assert facts["app_id"] == shop
        assert facts["order_name"] == order["name"]
        assert facts["customer_id"] == order["customer"]["legacyResourceId"]
        assert facts["customer_first_name"] == order["customer"]["firstName"]
        assert facts["order_created_at_epoch"] == datetime.fromisoformat(order["createdAt"]).timestamp()
        assert facts["order_created_at_epoch"] <= facts["return_created_at_epoch"] < NOW.timestamp()
        assert not order["test"]


@pytest.mark.parametrize("shop", SHOPS)
def test_an_order_shows_the_state_of_its_return_and_only_refunded_ones_were_refunded(store, shop):
    states = {row["attributes"]["order_id"]: row["attributes"]["state"] for row in store.select("yofi", shop, "return")}
    for order in store.select("shopify_admin", shop, "order"):
        state = states.get(order["legacyResourceId"])
        assert order["returnStatus"] == (RETURN_STATES[state] if state else "NO_RETURN")
        if state:
            assert (state == "refunded") or not order["refunds"]


def test_every_state_and_category_occurs(store):
    states: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    for shop in store.shops("yofi"):
        states.update(row["attributes"]["state"] for row in store.select("yofi", shop, "return"))
        predictions = store.select("yofi", shop, "return_prediction")
        categories.update(row["attributes"]["prediction_category"] for row in predictions)

    assert set(states) == set(RETURN_STATES)
    assert set(categories) == {"return_abuse", "drop_off_fraud", "wardrobing", "empty_box"}


@pytest.mark.parametrize("shop", SHOPS)
def test_some_old_orders_come_back_these_days_and_the_order_does_not_tell(store, shop):
    orders = {row["legacyResourceId"]: row for row in store.select("shopify_admin", shop, "order")}
    recent = (NOW - timedelta(days=2)).timestamp()
    old = format_timestamp(NOW, plus=timedelta(days=-45))
    late = [
        row["attributes"]
        for row in store.select("yofi", shop, "return")
        if row["attributes"]["return_created_at_epoch"] > recent
    ]
    late = [facts for facts in late if orders[facts["order_id"]]["createdAt"] < old]

    assert len(late) >= 2
    assert all(
        datetime.fromisoformat(orders[facts["order_id"]]["updatedAt"]).timestamp() < facts["return_created_at_epoch"]
        for facts in late
    )


@pytest.mark.parametrize("shop", SHOPS)
def test_a_few_customers_return_much_and_are_known_for_it(store, shop):
    returns = Counter(row["attributes"]["customer_id"] for row in store.select("yofi", shop, "return"))
    scores = {
        row["attributes"]["customer_id"]: row["attributes"]["model_predictions"]["return_abuse"]
        for row in store.select("yofi", shop, "customer")
    }

    known = [customer for customer, score in scores.items() if score > 0.8]

    assert len(known) == 3
    assert sum(returns[customer] for customer in known) / 3 > sum(returns.values()) / len(returns)


@pytest.mark.parametrize("shop", SHOPS)
def test_every_relationship_points_at_a_record_of_the_shop(store, shop):
    for kind in ("return", "customer", "claim", "notification_event"):
        for record in store.select("yofi", shop, kind):
            assert record["id"] == record["attributes"]["entity_id"]
            for linked in record["relationships"].values():
                many = not linked or isinstance(linked[0], list)
                for target_kind, target in linked if many else [linked]:
                    assert store.get("yofi", shop, target_kind, target)


@pytest.mark.parametrize("shop", SHOPS)
def test_scores_lie_between_nought_and_one_and_agree_with_the_severity(store, shop):
    for kind in ("return_prediction", "customer_prediction"):
        for record in store.select("yofi", shop, kind):
            facts = record["attributes"]
            assert 0 <= facts["predicted_value"] <= 1
            assert (facts["severity"] == "high") == (facts["predicted_value"] >= 0.8)
            assert facts["justification"]


@pytest.mark.parametrize("shop", SHOPS)
def test_claims_name_orders_and_products_of_the_shop(store, shop):
    orders = {row["legacyResourceId"]: row for row in store.select("shopify_admin", shop, "order")}
    claims = store.select("yofi", shop, "claim")

    assert len(claims) >= 2
    for claim in claims:
        for item in claim["attributes"]["claim_items"]:
            lines = orders[item["order_id"]]["lineItems"]
            assert item["product_id"] in {line["product"]["id"].rpartition("/")[2] for line in lines if line["product"]}


def test_notifications_have_iso_times_and_fill_more_than_a_page(store):
    events = store.select("yofi", SHOPS[0], "notification_event")

    assert len(events) > 10
    assert all(row["attributes"]["created_at"].endswith("Z") for row in events)
