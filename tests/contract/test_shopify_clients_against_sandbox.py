"""The Shopify clients against the sandbox, over real HTTP: lists, complete orders, limits, tokens and versions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from discounted_orders import check_lines_add_up
from sandbox import restored_settings, run_sandbox, shopify_admin_client, shopify_partner_client

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.shopify_admin import search
from airflow_provider_partners.api.shopify_partner.documents import APP_EVENT_TYPES, EVENT_FIELDS, TRANSACTION_FIELDS
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, PartnersError
from airflow_provider_partners.sandbox.server import RunningSandbox

pytestmark = pytest.mark.usefixtures("quick_refusals")

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ORDERS = 60
LONG_AGO = datetime(2022, 1, 1, tzinfo=UTC)


class FastClock(Clock):
    """Waits a fiftieth of the requested time, and then shows the time as if it had waited."""

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
def shared_server() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=ORDERS, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def all_orders(shared_server: RunningSandbox) -> list[dict[str, Any]]:
    """All orders of the shop, read once by the client."""
    with shopify_admin_client(shared_server) as client:
        return list(client.extract("orders", until=NOW).records())


@pytest.fixture
def server(shared_server: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox without a limit of Partner API requests; its switches are reset afterwards."""
    with restored_settings(shared_server):
        shared_server.sandbox.switches["shopify_partner.requests_per_second"] = 0
        yield shared_server


def shop_of(server: RunningSandbox) -> str:
    return next(iter(server.sandbox.credentials["shopify_admin"]))


def app_id(server: RunningSandbox) -> str:
    return str(server.sandbox.credentials["shopify_partner"]["app_id"])


def stored(server: RunningSandbox, kind: str) -> dict[str, dict[str, Any]]:
    """The stored objects of the shop, by id."""
    return {
        document["id"]: document for document in server.sandbox.store.select("shopify_admin", shop_of(server), kind)
    }


# --- Admin API ---


def test_every_order_of_the_shop_is_read_once_and_complete(
    server: RunningSandbox, all_orders: list[dict[str, Any]]
) -> None:
    stored_orders = stored(server, "order")
    assert len(all_orders) == len(stored_orders) == ORDERS
    for record in all_orders:
        stored_order = stored_orders[record["id"]]
        assert [line["id"] for line in record["lineItems"]] == [line["id"] for line in stored_order["lineItems"]], (
            record["name"]
        )
        assert {each["id"]: len(each["fulfillmentLineItems"]) for each in record["fulfillments"]} == {
            each["id"]: len(each["fulfillmentLineItems"]) for each in stored_order["fulfillments"]
        }, record["name"]


def test_the_mapped_lines_of_every_order_add_up_to_its_subtotal(all_orders: list[dict[str, Any]]) -> None:
    check_lines_add_up(all_orders)


def test_the_largest_orders_are_included(all_orders: list[dict[str, Any]]) -> None:
    assert max(len(record["lineItems"]) for record in all_orders) == 400
    assert max(len(record["fulfillments"]) for record in all_orders) == 60
    assert max(len(each["fulfillmentLineItems"]) for record in all_orders for each in record["fulfillments"]) == 200


def test_only_the_largest_orders_need_further_requests(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client:
        list(client.extract("orders", until=NOW).records())
        labels = client.stats.snapshot()["by_label"]
    assert labels["OrderLineItems"] == 2
    assert labels["OrderFulfillments"] == 1
    assert labels["FulfillmentLineItems"] == 1


@pytest.mark.parametrize("version", ["2025-10", "2026-07"])
def test_every_version_returns_all_orders(server: RunningSandbox, version: str) -> None:
    with shopify_admin_client(server, api_version=version, strict_version=True) as client:
        assert len(list(client.extract("orders", until=NOW).records())) == ORDERS


def test_adjacent_windows_split_the_orders_without_gaps_and_overlaps(
    server: RunningSandbox, all_orders: list[dict[str, Any]]
) -> None:
    # The edges are timestamps of changes, where a wrong bound would lose or repeat an order.
    edges = [datetime.fromisoformat(all_orders[index]["updatedAt"]) for index in (0, 20, 40)] + [NOW]
    with shopify_admin_client(server) as client:
        parts = [
            record["id"]
            for since, until in pairwise(edges)
            for record in client.extract("orders", since=since, until=until).records()
        ]
    assert parts == [record["id"] for record in all_orders]


def test_a_window_is_half_open_to_the_second(server: RunningSandbox) -> None:
    latest = datetime.fromisoformat(max(order["updatedAt"] for order in stored(server, "order").values()))
    second = timedelta(seconds=1)
    with shopify_admin_client(server) as client:
        inside = list(client.extract("orders", since=latest, until=latest + second).records())
        outside = list(client.extract("orders", since=latest - second, until=latest).records())
    assert {record["updatedAt"] for record in inside} == {latest.isoformat().replace("+00:00", "Z")}
    assert latest.isoformat().replace("+00:00", "Z") not in {record["updatedAt"] for record in outside}


def test_orders_are_sorted_by_their_change(all_orders: list[dict[str, Any]]) -> None:
    changed = [record["updatedAt"] for record in all_orders]
    assert changed == sorted(changed)


def test_a_read_continues_from_any_position(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client:
        extraction = client.extract("products", since=LONG_AGO, until=NOW, page_size=6)
        steps = list(extraction.pages())
        for number, step in enumerate(steps[:-1], 1):
            remaining = [record["id"] for later in extraction.pages(position=step.position) for record in later.records]
            assert remaining == [record["id"] for later in steps[number:] for record in later.records]
    ids = [record["id"] for step in steps for record in step.records]
    assert len(steps) > 2
    assert set(ids) == set(stored(server, "product"))


def test_a_users_search_is_combined_with_the_window(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client:
        records = list(client.extract("orders", until=NOW, query="financial_status:refunded").records())
    assert records
    assert {record["displayFinancialStatus"] for record in records} == {"REFUNDED"}


def test_an_unknown_search_field_is_an_error(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client, pytest.raises(ConfigurationError, match="'colour'"):
        list(client.extract("orders", until=NOW, query="colour:red").records())


def test_orders_are_read_by_id(server: RunningSandbox) -> None:
    ids = list(stored(server, "order"))[-55:]
    with shopify_admin_client(server) as client:
        numbers = [gid.rpartition("/")[2] for gid in ids]
        records = list(client.extract("orders", match={"id": [*numbers, "1"]}).records())
        assert client.stats.snapshot()["by_label"]["orders.by_id"] == 2
    assert [record["id"] for record in records] == ids


def test_orders_by_id_are_the_same_as_by_search(server: RunningSandbox, all_orders: list[dict[str, Any]]) -> None:
    with shopify_admin_client(server) as client:
        ids = [record["id"] for record in all_orders]
        assert list(client.extract("orders", match={"id": ids}).records()) == all_orders


def test_every_product_is_read_with_its_variants(server: RunningSandbox) -> None:
    with shopify_admin_client(server) as client:
        records = list(client.extract("products", until=NOW).records())
    assert {record["id"]: len(record["variants"]) for record in records} == {
        gid: len(product["variants"]) for gid, product in stored(server, "product").items()
    }


def test_redacted_personal_data_is_null(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.protected_customer_data"] = "level1"
    with shopify_admin_client(server) as client:
        records = list(client.extract("orders", until=NOW).records())
    assert len(records) == ORDERS
    assert {record["email"] for record in records} == {None}


def test_orders_are_read_without_personal_data_if_the_customer_is_denied(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.access_denied"] = ["Order.customer"]
    with shopify_admin_client(server) as client:
        with pytest.raises(AuthenticationError, match="read_customers"):
            list(client.extract("orders", until=NOW).records())
        records = list(client.extract("orders", until=NOW, personal_data=False).records())
    assert len(records) == ORDERS
    assert {record["customer"] for record in records} == {None}


def test_an_app_without_approval_gets_a_remedy(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.protected_customer_data"] = "none"
    with shopify_admin_client(server) as client, pytest.raises(AuthenticationError, match="personal_data=False"):
        list(client.extract("orders", until=NOW).records())


@pytest.mark.parametrize("status", [200, 429])
def test_a_small_bucket_slows_the_read_and_loses_nothing(server: RunningSandbox, status: int) -> None:
    # The bucket refills fifty times as fast as Shopify reports, because the clock runs fifty times as fast.
    server.sandbox.switches |= {"shopify_admin.bucket": (600, 5_000), "shopify_admin.throttle_status": status}
    with shopify_admin_client(server, clock=FastClock()) as client:
        records = list(client.extract("orders", until=NOW).records())
    assert len({record["id"] for record in records}) == ORDERS


def test_a_client_waits_for_points_that_another_task_used(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.bucket"] = (160, 50)
    with (
        shopify_admin_client(server, clock=FastClock()) as first,
        shopify_admin_client(server, clock=FastClock()) as second,
    ):
        one = first.extract("products", until=NOW, page_size=250)
        two = second.extract("products", until=NOW, page_size=250)
        assert list(one.records()) == list(two.records())
        assert first.stats.snapshot()["throttled"] + second.stats.snapshot()["throttled"] > 0


def test_a_time_without_quotes_in_a_users_search_is_not_widened_to_a_day(server: RunningSandbox) -> None:
    # The sandbox compares unquoted times by day, as users report of Shopify
    # (https://github.com/Shopify/shopify-api-ruby/issues/588).
    created = sorted(order["createdAt"] for order in stored(server, "order").values())
    middle = created[len(created) // 2]
    with shopify_admin_client(server) as client:
        records = list(client.extract("orders", until=NOW, query=f"created_at:>={middle}").records())
    assert sorted(record["createdAt"] for record in records) == [each for each in created if each >= middle]


@pytest.mark.parametrize("status", [430, 504])
def test_passing_refusals_do_not_end_a_walk(server: RunningSandbox, status: int) -> None:
    # Status 430: https://shopify.dev/docs/api/usage/response-codes. 504 for large pages: singer-io/tap-shopify#227.
    page = "<html><head><title>Shopify Security Rejection</title></head></html>"
    with shopify_admin_client(server, clock=FastClock()) as client:
        extraction = client.extract("orders", until=NOW)
        server.faults.add(path_prefix="/shopify-admin", times=3, status=status, body=page)
        records = list(extraction.records())
    assert len({record["id"] for record in records}) == ORDERS


def test_a_page_that_costs_too_much_is_reduced(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.max_query_cost"] = 300
    with shopify_admin_client(server) as client:
        records = list(client.extract("orders", until=NOW).records())
        assert client.stats.snapshot()["by_label"]["orders.list"] > 3
    assert len({record["id"] for record in records}) == ORDERS


def test_a_large_window_is_read_in_parts(server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "COUNT_LIMIT", 10)
    with shopify_admin_client(server) as client:
        extraction = client.extract("products", until=NOW)
        records = [record["id"] for record in extraction.records(workers=4)]
    assert len(extraction.segments) > 2
    assert len(records) == len(set(records)) == len(stored(server, "product"))


def test_internal_errors_are_retried(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.internal_errors"] = 2
    with shopify_admin_client(server, clock=FastClock()) as client:
        assert client.ping().startswith(shop_of(server))
        assert client.stats.snapshot()["retries"] == 2


def test_client_credentials_are_exchanged(server: RunningSandbox) -> None:
    credentials = server.sandbox.credentials["shopify_admin"][shop_of(server)]
    options = {"auth": "client_credentials", "access_token": None, "client_id": credentials["client_id"]}
    with shopify_admin_client(server, **options, client_secret=credentials["client_secret"]) as client:
        assert len(list(client.extract("orders", until=NOW).records())) == ORDERS
        assert client.stats.snapshot()["by_label"]["token"] == 1
    with (
        shopify_admin_client(server, **options, client_secret="wrong") as client,
        pytest.raises(AuthenticationError, match="Check client id and secret"),
    ):
        client.ping()


def test_a_wrong_token_is_refused(server: RunningSandbox) -> None:
    with (
        shopify_admin_client(server, access_token="shpat_wrong_token") as client,
        pytest.raises(AuthenticationError, match="Invalid API key or access token") as caught,
    ):
        client.ping()
    assert "shpat_wrong_token" not in str(caught.value)


@pytest.mark.covers("shopify.version.header")
def test_an_expired_version_falls_forward_with_a_warning(
    server: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with shopify_admin_client(server, api_version="2024-01") as client, caplog.at_level(logging.WARNING):
        client.ping()
    assert "2024-01 was requested, 2025-10 answered" in caplog.text
    with (
        shopify_admin_client(server, api_version="2024-01", strict_version=True) as client,
        pytest.raises(ConfigurationError, match="2025-10 answered"),
    ):
        client.ping()


# --- Partner API ---


@pytest.mark.covers("shopify.auth.token.all_stores", "shopify.transactions.fields")
def test_every_transaction_is_read_once_with_the_fields_of_its_type(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        records = list(client.extract("transactions", until=NOW).records())
    assert len({record["id"] for record in records}) == len(records) > 100
    assert {record["__typename"] for record in records} == set(TRANSACTION_FIELDS)
    for record in records:
        named = list(TRANSACTION_FIELDS[record["__typename"]].replace("referralShop:", "").split())
        fields = {word for word in named if word.isalpha()} - {"amount", "currencyCode", "id", "name"}
        assert fields - {"myshopifyDomain", "avatarUrl"} <= set(record), record["__typename"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_adjacent_windows_split_the_transactions_without_gaps_and_overlaps(
    server: RunningSandbox, newest_first: bool
) -> None:
    server.sandbox.switches["shopify_partner.newest_first"] = newest_first
    with shopify_partner_client(server) as client:
        all_timestamps = {
            record["id"]: record["createdAt"] for record in client.extract("transactions", until=NOW).records()
        }
        timestamps = sorted(all_timestamps.values())
        # The edges are timestamps of transactions, where the API's inclusive bounds would return one twice.
        edges = [datetime.fromisoformat(timestamps[index]) for index in (0, 50, 100)] + [NOW]
        parts = [
            record["id"]
            for since, until in pairwise(edges)
            for record in client.extract("transactions", since=since, until=until, page_size=20).records()
        ]
    assert sorted(parts) == sorted(all_timestamps)


@pytest.mark.covers("shopify.app_events.type_names")
def test_every_type_of_app_event_is_read(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        records = list(client.extract("app_events", app_id=app_id(server), until=NOW, page_size=10).records())
    assert {record["type"] for record in records} == APP_EVENT_TYPES
    assert all(record["chargeId"] for record in records if "charge" in record or "appCredit" in record)
    keys = [(record["type"], record["occurredAt"], record["shop"]["id"], record["chargeId"]) for record in records]
    assert len(set(keys)) == len(keys)


def test_app_events_are_filtered_by_type_and_shop(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        filters = {"app_id": app_id(server), "types": "relationship_installed", "shop": shop_of(server)}
        records = list(client.extract("app_events", **filters).records())
    assert records
    assert {(record["type"], record["shop"]["myshopifyDomain"]) for record in records} == {
        ("RELATIONSHIP_INSTALLED", shop_of(server))
    }


@pytest.mark.covers("shopify.events.year")
def test_historical_events_of_four_years_are_read_once(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        records = list(client.extract("events", since=LONG_AGO, until=NOW).records())
        assert client.stats.snapshot()["by_label"]["events"] >= 5
    assert {record["__typename"] for record in records} == set(EVENT_FIELDS)
    assert len({record["id"] for record in records}) == len(records)
    assert [record["occurredAt"] for record in records] == sorted(record["occurredAt"] for record in records)
    assert not [name for record in records for name in record if name in {"relationshipState", "billedChargeId"}]


def test_the_installed_shops_are_those_of_the_sandbox(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        shops = {shop["shop"]: shop for shop in client.installed_shops(app_id(server))}
    installed = {domain for domain, shop in shops.items() if shop["installed"]}
    assert shop_of(server) in installed
    assert {domain: shop["state"] for domain, shop in shops.items() if not shop["installed"]} == {
        "velvet-ember.myshopify.com": "UNINSTALLED"
    }


def test_installed_shops_have_a_history(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        now = {shop["shop"]: shop for shop in client.installed_shops(app_id(server))}
        uninstalled_at = datetime.fromisoformat(now["velvet-ember.myshopify.com"]["since"])
        before = client.installed_shops(app_id(server), until=uninstalled_at)
        after = client.installed_shops(app_id(server), until=uninstalled_at + timedelta(microseconds=1))
    assert {shop["shop"]: shop["installed"] for shop in before}["velvet-ember.myshopify.com"] is True
    assert {shop["shop"]: shop["installed"] for shop in after}["velvet-ember.myshopify.com"] is False


def test_any_connection_can_be_read(server: RunningSandbox) -> None:
    document = """query Installs($appId: ID!, $first: Int!, $after: String) { app(id: $appId) { events(
      first: $first, after: $after, types: [RELATIONSHIP_INSTALLED]) { pageInfo { hasNextPage }
      edges { cursor node { type occurredAt shop { myshopifyDomain } } } } } }"""
    with shopify_partner_client(server) as client:
        extraction = client.query(
            document,
            variables={"appId": app_id(server)},
            connection="app.events",
            key=("shop.myshopifyDomain", "occurredAt"),
            page_size=1,
        )
        records = list(extraction.records())
        assert client.stats.snapshot()["requests"] >= len(records) > 1


@pytest.mark.covers("shopify.limit.rate")
@pytest.mark.parametrize("status", [429, 200])
def test_the_limit_of_requests_is_respected(server: RunningSandbox, status: int) -> None:
    server.sandbox.switches |= {
        "shopify_partner.requests_per_second": 1,
        "shopify_partner.throttle_status": status,
    }
    with shopify_partner_client(server, clock=FastClock()) as client:
        records = list(client.extract("transactions", until=NOW, page_size=50).records())
        assert client.stats.snapshot()["throttled"] > 0
    assert len({record["id"] for record in records}) == len(records) > 100


@pytest.mark.covers("shopify.auth.token.rotation")
def test_the_second_token_is_used_while_the_first_is_rotated(server: RunningSandbox) -> None:
    primary, secondary = server.sandbox.credentials["shopify_partner"]["tokens"]
    with shopify_partner_client(
        server, access_token="prtapi_revoked_token", secondary_access_token=secondary
    ) as client:
        assert "answers" in client.ping()
    with (
        shopify_partner_client(server, access_token="prtapi_revoked_token") as client,
        pytest.raises(AuthenticationError, match="Invalid access token"),
    ):
        client.ping()
    with (
        shopify_partner_client(server, organization_id="999", access_token=primary) as client,
        pytest.raises(AuthenticationError, match="belongs to this organization"),
    ):
        client.ping()


def test_an_app_of_another_organization_is_an_error(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client, pytest.raises(ConfigurationError, match="'app' is null"):
        list(client.extract("app_events", app_id=424242).records())


def test_internal_errors_in_successful_answers_are_retried(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_partner.internal_errors"] = 2
    with shopify_partner_client(server, clock=FastClock()) as client:
        assert "answers" in client.ping()


def test_an_error_in_a_users_document_is_explained_in_shopifys_words(server: RunningSandbox) -> None:
    document = """query Q($first: Int!, $after: String) { transactions(first: $first, after: $after) {
      pageInfo { hasNextPage } edges { cursor node { id colour } } } }"""
    with (
        shopify_partner_client(server) as client,
        pytest.raises(ConfigurationError, match="Field 'colour' doesn't exist"),
    ):
        list(client.query(document, connection="transactions").records())


@pytest.mark.covers("shopify.auth.token.secret")
def test_no_error_shows_the_token(server: RunningSandbox) -> None:
    with (
        shopify_partner_client(server, access_token="prtapi_some_wrong_token") as client,
        pytest.raises(PartnersError) as caught,
    ):
        list(client.extract("transactions").records())
    assert "prtapi_some_wrong_token" not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"


def test_whether_orders_have_changed_is_what_reading_them_says(
    shared_server: RunningSandbox, all_orders: list[dict[str, Any]]
) -> None:
    """The right answer is whether one of all orders, read by another search, has changed in the window."""
    changes = sorted(datetime.fromisoformat(order["updatedAt"]) for order in all_orders)
    bounds = [
        moment + offset
        for moment in changes[::6]
        for offset in (timedelta(), timedelta(seconds=-1), timedelta(seconds=1), timedelta(hours=7))
    ]
    answers = []
    with shopify_admin_client(shared_server) as client:
        for since in bounds:
            for length in (timedelta(seconds=1), timedelta(hours=1)):
                expected = any(since <= changed < since + length for changed in changes)
                answers.append(client.has_records("orders", since=since, until=since + length))
                assert answers[-1] == expected, (since, length)
    assert {True, False} == set(answers)
