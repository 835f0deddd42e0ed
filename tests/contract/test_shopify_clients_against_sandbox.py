"""The Shopify clients against the sandbox, over real HTTP: lists, whole orders, points, limits, tokens, versions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.api.shopify_partner.documents import APP_EVENT_TYPES, EVENT_FIELDS, TRANSACTION_FIELDS
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, PartnersError
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ORDERS = 60
LONG_AGO = datetime(2022, 1, 1, tzinfo=UTC)


class HastyClock(Clock):
    """Waits a fiftieth of what it is asked for, and tells the time as if it had waited."""

    def __init__(self) -> None:
        self.skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped

    def time(self) -> float:
        return super().time() + self.skipped

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 50)
        self.skipped += seconds - seconds / 50


@pytest.fixture(scope="module")
def world() -> Iterator[RunningSandbox]:
    sandbox = build(shops=1, orders=ORDERS, now=NOW)
    with serve(sandbox) as served:
        yield served


@pytest.fixture(scope="module")
def everything(world: RunningSandbox) -> list[dict[str, Any]]:
    """All orders of the shop, read once by the client."""
    with admin(world) as client:
        return list(client.extract("orders", until=NOW).records())


@pytest.fixture
def served(world: RunningSandbox) -> Iterator[RunningSandbox]:
    before = dict(world.sandbox.switches)
    world.sandbox.switches["shopify_partner.requests_per_second"] = 0
    yield world
    world.sandbox.switches.clear()
    world.sandbox.switches.update(before)


def shop_of(served: RunningSandbox) -> str:
    return next(iter(served.sandbox.credentials["shopify_admin"]))


def admin(served: RunningSandbox, **options: Any) -> ShopifyAdminClient:
    shop = shop_of(served)
    given: dict[str, Any] = {
        "shop": shop,
        "access_token": served.sandbox.credentials["shopify_admin"][shop]["token"],
        "base_url": f"{served.url}/shopify-admin/{shop}",
        **options,
    }
    return ShopifyAdminClient(**given)


def partner(served: RunningSandbox, **options: Any) -> ShopifyPartnerClient:
    known = served.sandbox.credentials["shopify_partner"]
    given: dict[str, Any] = {
        "organization_id": known["organization_id"],
        "access_token": known["tokens"][0],
        "base_url": f"{served.url}/shopify-partner",
        "requests_per_second": 1_000,
        **options,
    }
    return ShopifyPartnerClient(**given)


def app_id(served: RunningSandbox) -> str:
    return str(served.sandbox.credentials["shopify_partner"]["app_id"])


def stored(served: RunningSandbox, kind: str) -> dict[str, dict[str, Any]]:
    """What the shop holds, by id."""
    return {held["id"]: held for held in served.sandbox.store.select("shopify_admin", shop_of(served), kind)}


# --- Admin API ---


def test_every_order_of_the_shop_is_read_once_and_whole(
    served: RunningSandbox, everything: list[dict[str, Any]]
) -> None:
    there = stored(served, "order")
    assert len(everything) == len(there) == ORDERS
    for row in everything:
        held = there[row["id"]]
        assert [line["id"] for line in row["lineItems"]] == [line["id"] for line in held["lineItems"]], row["name"]
        assert {each["id"]: len(each["fulfillmentLineItems"]) for each in row["fulfillments"]} == {
            each["id"]: len(each["fulfillmentLineItems"]) for each in held["fulfillments"]
        }, row["name"]


def test_the_largest_orders_are_among_them(everything: list[dict[str, Any]]) -> None:
    assert max(len(row["lineItems"]) for row in everything) == 400
    assert max(len(row["fulfillments"]) for row in everything) == 60
    assert max(len(each["fulfillmentLineItems"]) for row in everything for each in row["fulfillments"]) == 200


def test_only_the_largest_orders_are_asked_for_again(served: RunningSandbox) -> None:
    with admin(served) as client:
        list(client.extract("orders", until=NOW).records())
        labels = client.stats.snapshot()["by_label"]
    assert labels["orders.line_items"] == 2
    assert labels["orders.fulfillments"] == 1
    assert labels["fulfillments.line_items"] == 1


@pytest.mark.parametrize("version", ["2025-10", "2026-07"])
def test_every_version_gives_the_same_orders(served: RunningSandbox, version: str) -> None:
    with admin(served, api_version=version, strict_version=True) as client:
        assert len(list(client.extract("orders", until=NOW).records())) == ORDERS


def test_windows_that_touch_split_the_orders_without_loss_or_doubling(
    served: RunningSandbox, everything: list[dict[str, Any]]
) -> None:
    # The edges lie on changes, where a wrong bound would lose or double one.
    edges = [datetime.fromisoformat(everything[place]["updatedAt"]) for place in (0, 20, 40)] + [NOW]
    with admin(served) as client:
        parts = [
            row["id"]
            for since, until in pairwise(edges)
            for row in client.extract("orders", since=since, until=until).records()
        ]
    assert parts == [row["id"] for row in everything]


def test_a_window_is_half_open_to_the_second(served: RunningSandbox) -> None:
    moment = datetime.fromisoformat(max(held["updatedAt"] for held in stored(served, "order").values()))
    second = timedelta(seconds=1)
    with admin(served) as client:
        inside = list(client.extract("orders", since=moment, until=moment + second).records())
        outside = list(client.extract("orders", since=moment - second, until=moment).records())
    assert {row["updatedAt"] for row in inside} == {moment.isoformat().replace("+00:00", "Z")}
    assert moment.isoformat().replace("+00:00", "Z") not in {row["updatedAt"] for row in outside}


def test_orders_come_in_the_order_of_their_change(everything: list[dict[str, Any]]) -> None:
    changed = [row["updatedAt"] for row in everything]
    assert changed == sorted(changed)


def test_a_walk_goes_on_from_any_position(served: RunningSandbox) -> None:
    with admin(served) as client:
        extraction = client.extract("products", since=LONG_AGO, until=NOW, page_size=6)
        steps = list(extraction.pages())
        for number, step in enumerate(steps[:-1], 1):
            rest = [row["id"] for later in extraction.pages(position=step.position) for row in later.records]
            assert rest == [row["id"] for later in steps[number:] for row in later.records]
    whole = [row["id"] for step in steps for row in step.records]
    assert len(steps) > 2
    assert set(whole) == set(stored(served, "product"))


def test_a_users_search_must_hold_as_well(served: RunningSandbox) -> None:
    with admin(served) as client:
        rows = list(client.extract("orders", until=NOW, query="financial_status:refunded").records())
    assert rows
    assert {row["displayFinancialStatus"] for row in rows} == {"REFUNDED"}


def test_an_unknown_search_field_is_an_error(served: RunningSandbox) -> None:
    with admin(served) as client, pytest.raises(ConfigurationError, match="'colour'"):
        list(client.extract("orders", until=NOW, query="colour:red").records())


def test_orders_are_read_by_their_ids(served: RunningSandbox) -> None:
    wanted = list(stored(served, "order"))[-55:]
    with admin(served) as client:
        numbers = [gid.rpartition("/")[2] for gid in wanted]
        rows = list(client.extract("orders", match={"id": [*numbers, "1"]}).records())
        assert client.stats.snapshot()["by_label"]["orders.by_id"] == 2
    assert [row["id"] for row in rows] == wanted


def test_orders_by_id_are_the_same_as_by_search(served: RunningSandbox, everything: list[dict[str, Any]]) -> None:
    with admin(served) as client:
        wanted = [row["id"] for row in everything]
        assert list(client.extract("orders", match={"id": wanted}).records()) == everything


def test_every_product_is_read_with_its_variants(served: RunningSandbox) -> None:
    with admin(served) as client:
        rows = list(client.extract("products", until=NOW).records())
    there = stored(served, "product")
    assert {row["id"]: len(row["variants"]) for row in rows} == {
        gid: len(held["variants"]) for gid, held in there.items()
    }


def test_redacted_personal_data_are_null(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.protected_customer_data"] = "level1"
    with admin(served) as client:
        rows = list(client.extract("orders", until=NOW).records())
    assert len(rows) == ORDERS
    assert {row["email"] for row in rows} == {None}


def test_orders_are_read_without_personal_data_where_the_customer_is_denied(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.access_denied"] = ["Order.customer"]
    with admin(served) as client:
        with pytest.raises(AuthenticationError, match="read_customers"):
            list(client.extract("orders", until=NOW).records())
        rows = list(client.extract("orders", until=NOW, personal_data=False).records())
    assert len(rows) == ORDERS
    assert {row["customer"] for row in rows} == {None}


def test_an_app_without_approval_is_told_what_to_do(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.protected_customer_data"] = "none"
    with admin(served) as client, pytest.raises(AuthenticationError, match="personal_data=False"):
        list(client.extract("orders", until=NOW).records())


@pytest.mark.parametrize("status", [200, 429])
def test_a_small_bucket_slows_the_walk_down_and_loses_nothing(served: RunningSandbox, status: int) -> None:
    # It refills fifty times as fast as it says, as the clock runs fifty times as fast.
    served.sandbox.switches |= {"shopify_admin.bucket": (520, 5_000), "shopify_admin.throttle_status": status}
    with admin(served, clock=HastyClock()) as client:
        rows = list(client.extract("orders", until=NOW).records())
    assert len({row["id"] for row in rows}) == ORDERS


def test_points_that_another_task_took_are_waited_for(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.bucket"] = (160, 50)
    with admin(served, clock=HastyClock()) as first, admin(served, clock=HastyClock()) as second:
        one = first.extract("products", until=NOW, page_size=250)
        two = second.extract("products", until=NOW, page_size=250)
        assert list(one.records()) == list(two.records())
        assert first.stats.snapshot()["throttled"] + second.stats.snapshot()["throttled"] > 0


def test_a_page_that_costs_too_much_is_made_smaller(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.max_query_cost"] = 300
    with admin(served) as client:
        rows = list(client.extract("orders", until=NOW).records())
        assert client.stats.snapshot()["by_label"]["orders.list"] > 3
    assert len({row["id"] for row in rows}) == ORDERS


def test_a_crowded_window_is_read_in_pieces(served: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_partners.api.shopify_admin.search.COUNT_LIMIT", 10)
    with admin(served) as client:
        extraction = client.extract("products", until=NOW)
        rows = [row["id"] for row in extraction.records(workers=4)]
    assert len(extraction.segments) > 2
    assert len(rows) == len(set(rows)) == len(stored(served, "product"))


def test_internal_errors_pass(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_admin.internal_errors"] = 2
    with admin(served, clock=HastyClock()) as client:
        assert client.ping().startswith(shop_of(served))
        assert client.stats.snapshot()["retries"] == 2


def test_client_credentials_are_exchanged(served: RunningSandbox) -> None:
    known = served.sandbox.credentials["shopify_admin"][shop_of(served)]
    options = {"auth": "client_credentials", "access_token": None, "client_id": known["client_id"]}
    with admin(served, **options, client_secret=known["client_secret"]) as client:
        assert len(list(client.extract("orders", until=NOW).records())) == ORDERS
        assert client.stats.snapshot()["by_label"]["token"] == 1
    with (
        admin(served, **options, client_secret="wrong") as client,
        pytest.raises(AuthenticationError, match="Check client id and secret"),
    ):
        client.ping()


def test_a_wrong_token_is_refused(served: RunningSandbox) -> None:
    with (
        admin(served, access_token="shpat_wrong_token") as client,
        pytest.raises(AuthenticationError, match="Invalid API key or access token") as caught,
    ):
        client.ping()
    assert "shpat_wrong_token" not in str(caught.value)


def test_a_version_that_is_gone_falls_forward_with_a_warning(
    served: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with admin(served, api_version="2024-01") as client, caplog.at_level(logging.WARNING):
        client.ping()
    assert "2024-01 was asked for, 2025-10 answered" in caplog.text
    with (
        admin(served, api_version="2024-01", strict_version=True) as client,
        pytest.raises(ConfigurationError, match="2025-10 answered"),
    ):
        client.ping()


# --- Partner API ---


def test_every_transaction_is_read_once_with_the_fields_of_its_type(served: RunningSandbox) -> None:
    with partner(served) as client:
        rows = list(client.extract("transactions", until=NOW).records())
    assert len({row["id"] for row in rows}) == len(rows) > 100
    assert {row["__typename"] for row in rows} == set(TRANSACTION_FIELDS)
    for row in rows:
        named = list(TRANSACTION_FIELDS[row["__typename"]].replace("referralShop:", "").split())
        fields = {word for word in named if word.isalpha()} - {"amount", "currencyCode", "id", "name"}
        assert fields - {"myshopifyDomain", "avatarUrl"} <= set(row), row["__typename"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_transactions_of_windows_that_touch_are_those_of_the_whole(served: RunningSandbox, newest_first: bool) -> None:
    served.sandbox.switches["shopify_partner.newest_first"] = newest_first
    with partner(served) as client:
        whole = {row["id"]: row["createdAt"] for row in client.extract("transactions", until=NOW).records()}
        moments = sorted(whole.values())
        # The edges lie on transactions, since there the API's inclusive bounds would give one twice.
        edges = [datetime.fromisoformat(moments[place]) for place in (0, 50, 100)] + [NOW]
        parts = [
            row["id"]
            for since, until in pairwise(edges)
            for row in client.extract("transactions", since=since, until=until, page_size=20).records()
        ]
    assert sorted(parts) == sorted(whole)


def test_every_type_of_app_event_is_read(served: RunningSandbox) -> None:
    with partner(served) as client:
        rows = list(client.extract("app_events", app_id=app_id(served), until=NOW, page_size=10).records())
    assert {row["type"] for row in rows} == APP_EVENT_TYPES
    assert all(row["chargeId"] for row in rows if "charge" in row or "appCredit" in row)
    keys = [(row["type"], row["occurredAt"], row["shop"]["id"], row["chargeId"]) for row in rows]
    assert len(set(keys)) == len(keys)


def test_app_events_of_one_type_and_shop_are_sifted(served: RunningSandbox) -> None:
    with partner(served) as client:
        asked = {"app_id": app_id(served), "types": "relationship_installed", "shop": shop_of(served)}
        rows = list(client.extract("app_events", **asked).records())
    assert rows
    assert {(row["type"], row["shop"]["myshopifyDomain"]) for row in rows} == {
        ("RELATIONSHIP_INSTALLED", shop_of(served))
    }


def test_historical_events_of_four_years_are_read_once(served: RunningSandbox) -> None:
    with partner(served) as client:
        rows = list(client.extract("events", since=LONG_AGO, until=NOW).records())
        assert client.stats.snapshot()["by_label"]["events"] >= 5
    assert {row["__typename"] for row in rows} == set(EVENT_FIELDS)
    assert len({row["id"] for row in rows}) == len(rows)
    assert [row["occurredAt"] for row in rows] == sorted(row["occurredAt"] for row in rows)
    assert not [name for row in rows for name in row if name in {"relationshipState", "billedChargeId"}]


def test_the_installed_shops_are_those_of_the_world(served: RunningSandbox) -> None:
    with partner(served) as client:
        shops = {shop["shop"]: shop for shop in client.installed_shops(app_id(served))}
    installed = {domain for domain, shop in shops.items() if shop["installed"]}
    assert shop_of(served) in installed
    assert {domain: shop["state"] for domain, shop in shops.items() if not shop["installed"]} == {
        "velvet-ember.myshopify.com": "UNINSTALLED"
    }


def test_installed_shops_have_a_history(served: RunningSandbox) -> None:
    with partner(served) as client:
        now = {shop["shop"]: shop for shop in client.installed_shops(app_id(served))}
        left = datetime.fromisoformat(now["velvet-ember.myshopify.com"]["since"])
        before = client.installed_shops(app_id(served), until=left)
        after = client.installed_shops(app_id(served), until=left + timedelta(microseconds=1))
    assert {shop["shop"]: shop["installed"] for shop in before}["velvet-ember.myshopify.com"] is True
    assert {shop["shop"]: shop["installed"] for shop in after}["velvet-ember.myshopify.com"] is False


def test_any_connection_can_be_walked(served: RunningSandbox) -> None:
    document = """query Installs($appId: ID!, $first: Int!, $after: String) { app(id: $appId) { events(
      first: $first, after: $after, types: [RELATIONSHIP_INSTALLED]) { pageInfo { hasNextPage }
      edges { cursor node { type occurredAt shop { myshopifyDomain } } } } } }"""
    with partner(served) as client:
        extraction = client.query(
            document,
            variables={"appId": app_id(served)},
            connection="app.events",
            key=("shop.myshopifyDomain", "occurredAt"),
            page_size=1,
        )
        rows = list(extraction.records())
        assert client.stats.snapshot()["requests"] >= len(rows) > 1


@pytest.mark.parametrize("status", [429, 200])
def test_the_limit_of_requests_is_kept_to_and_survived(served: RunningSandbox, status: int) -> None:
    served.sandbox.switches |= {
        "shopify_partner.requests_per_second": 1,
        "shopify_partner.throttle_status": status,
    }
    with partner(served, clock=HastyClock()) as client:
        rows = list(client.extract("transactions", until=NOW, page_size=50).records())
        assert client.stats.snapshot()["throttled"] > 0
    assert len({row["id"] for row in rows}) == len(rows) > 100


def test_the_second_token_serves_while_the_first_is_rotated(served: RunningSandbox) -> None:
    primary, secondary = served.sandbox.credentials["shopify_partner"]["tokens"]
    with partner(served, access_token="prtapi_revoked_token", secondary_access_token=secondary) as client:
        assert "answers" in client.ping()
    with (
        partner(served, access_token="prtapi_revoked_token") as client,
        pytest.raises(AuthenticationError, match="Invalid access token"),
    ):
        client.ping()
    with (
        partner(served, organization_id="999", access_token=primary) as client,
        pytest.raises(AuthenticationError, match="belongs to this organization"),
    ):
        client.ping()


def test_an_app_of_another_organization_is_an_error(served: RunningSandbox) -> None:
    with partner(served) as client, pytest.raises(ConfigurationError, match="'app' is null"):
        list(client.extract("app_events", app_id=424242).records())


def test_internal_errors_on_success_pass(served: RunningSandbox) -> None:
    served.sandbox.switches["shopify_partner.internal_errors"] = 2
    with partner(served, clock=HastyClock()) as client:
        assert "answers" in client.ping()


def test_a_mistake_in_a_users_document_is_told_in_shopifys_words(served: RunningSandbox) -> None:
    document = """query Q($first: Int!, $after: String) { transactions(first: $first, after: $after) {
      pageInfo { hasNextPage } edges { cursor node { id colour } } } }"""
    with partner(served) as client, pytest.raises(ConfigurationError, match="Field 'colour' doesn't exist"):
        list(client.query(document, connection="transactions").records())


def test_no_error_tells_the_token(served: RunningSandbox) -> None:
    with partner(served, access_token="prtapi_some_wrong_token") as client, pytest.raises(PartnersError) as caught:
        list(client.extract("transactions").records())
    assert "prtapi_some_wrong_token" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"
