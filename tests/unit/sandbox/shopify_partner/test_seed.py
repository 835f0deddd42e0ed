"""The partner organization's records: the app's events in each shop, and every type of event and transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from airflow_provider_partners.sandbox.credentials import APP_ID
from airflow_provider_partners.sandbox.store import Store
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
APP_EVENTS = {
    "CREDIT_APPLIED", "CREDIT_FAILED", "CREDIT_PENDING", "ONE_TIME_CHARGE_ACCEPTED", "ONE_TIME_CHARGE_ACTIVATED",
    "ONE_TIME_CHARGE_DECLINED", "ONE_TIME_CHARGE_EXPIRED", "RELATIONSHIP_DEACTIVATED", "RELATIONSHIP_INSTALLED",
    "RELATIONSHIP_REACTIVATED", "RELATIONSHIP_UNINSTALLED", "SUBSCRIPTION_APPROACHING_CAPPED_AMOUNT",
    "SUBSCRIPTION_CAPPED_AMOUNT_UPDATED", "SUBSCRIPTION_CHARGE_ACCEPTED", "SUBSCRIPTION_CHARGE_ACTIVATED",
    "SUBSCRIPTION_CHARGE_CANCELED", "SUBSCRIPTION_CHARGE_DECLINED", "SUBSCRIPTION_CHARGE_EXPIRED",
    "SUBSCRIPTION_CHARGE_FROZEN", "SUBSCRIPTION_CHARGE_UNFROZEN", "USAGE_CHARGE_APPLIED",
}  # fmt: skip
TRANSACTIONS = {
    "AppOneTimeSale", "AppSaleAdjustment", "AppSaleCredit", "AppSubscriptionSale", "AppUsageSale", "LegacyTransaction",
    "ReferralTransaction", "ReferralAdjustment", "ServiceSale", "ServiceSaleAdjustment", "TaxTransaction", "ThemeSale",
    "ThemeSaleAdjustment",
}  # fmt: skip


@pytest.fixture(scope="module")
def store() -> Store:
    return build(orders=3, now=NOW).store


@pytest.mark.parametrize("shops", [1, 2, 3, 4, 9])
def test_all_types_of_app_events_occur_in_a_world_of_any_size(shops):
    rows = build(shops=shops, orders=1, now=NOW).store.select("shopify_partner", APP_ID, "app_event")

    assert {row["type"] for row in rows} == APP_EVENTS
    assert all(row["__typename"].upper() == row["type"].replace("_", "") for row in rows)


def test_all_types_of_transactions_occur_and_fill_more_than_two_pages(store):
    rows = store.select("shopify_partner", "", "transaction")

    assert {row["__typename"] for row in rows} == TRANSACTIONS
    assert len(rows) > 200
    assert all(row["id"].startswith(f"gid://partners/{row['__typename']}/") for row in rows)


def test_all_kinds_of_historical_events_occur_once_by_id(store):
    rows = store.select("shopify_partner", "", "event")

    assert {row["__typename"] for row in rows} == {"Relationship", "Charge", "Earning", "SubscriptionStatus", "Credit"}
    assert len({row["eventType"] for row in rows}) == 22
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(row["shop"]["id"].startswith("gid://shopify/Shop/") for row in rows)


def state_of(store: Store, domain: str) -> list[str]:
    rows = store.select("shopify_partner", APP_ID, "app_event")
    return [
        row["type"].removeprefix("RELATIONSHIP_")
        for row in rows
        if row["shop"]["myshopifyDomain"] == domain and row["type"].startswith("RELATIONSHIP")
    ]


def test_the_events_of_the_app_differ_between_shops(store):
    assert state_of(store, "aurora-apparel.myshopify.com") == ["INSTALLED"]
    assert state_of(store, "maison-lumiere.myshopify.com") == ["INSTALLED", "DEACTIVATED", "REACTIVATED"]
    assert state_of(store, "kettle-and-crumb.myshopify.com") == ["INSTALLED", "UNINSTALLED", "INSTALLED"]
    assert state_of(store, "velvet-ember.myshopify.com") == ["INSTALLED", "UNINSTALLED"]
    assert state_of(store, "orchard-toys-and-games.myshopify.com") == ["INSTALLED"]


def test_events_have_the_fields_of_their_type(store):
    for row in store.select("shopify_partner", APP_ID, "app_event"):
        kind = row["type"].split("_")[0]
        assert ("charge" in row) == (kind in {"SUBSCRIPTION", "ONE", "USAGE"})
        assert ("appCredit" in row) == (kind == "CREDIT")
        assert ("reason" in row) == (row["type"] == "RELATIONSHIP_UNINSTALLED")


def test_times_have_microseconds_and_none_lies_in_the_future(store):
    rows = [*store.select("shopify_partner", APP_ID, "app_event"), *store.select("shopify_partner", "", "transaction")]
    times = [row.get("occurredAt") or row["createdAt"] for row in rows]

    assert all(len(time) == len("2026-05-20T14:00:00.123456Z") for time in times)
    assert max(times) < "2026-05-20T14:00:00.000000Z"


def test_the_net_amount_of_a_sale_is_the_gross_amount_minus_the_fee(store):
    sales = [row for row in store.select("shopify_partner", "", "transaction") if "grossAmount" in row]

    assert sales
    for row in sales:
        gross, fee, net = (Decimal(row[name]["amount"]) for name in ("grossAmount", "shopifyFee", "netAmount"))
        assert gross - fee == net


def test_the_oldest_sale_has_no_charge(store):
    oldest = store.select("shopify_partner", "", "transaction")[0]

    assert oldest["createdAt"] < "2020-09"
    assert oldest["chargeId"] is None


def test_tax_names_no_shop(store):
    rows = [row for row in store.select("shopify_partner", "", "transaction") if row["__typename"] == "TaxTransaction"]

    assert rows
    assert all("shop" not in row for row in rows)
