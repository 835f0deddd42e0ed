"""Lists of the Admin API besides orders and products: where their records are, and how Shopify searches them."""

from __future__ import annotations

from datetime import datetime

import pytest
from fakes.admin_api import SINCE, UNTIL, FakeAdminApi, connection, error_body, extract, make_client

from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify_admin.documents import documents_of
from airflow_provider_partners.api.shopify_admin.nested import NestedListLoader
from airflow_provider_partners.api.shopify_admin.pages import MAX_SEARCH_RESULTS, ListReader, SearchFetcher
from airflow_provider_partners.api.shopify_admin.resources import RESOURCES
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, PagingError
from airflow_provider_partners.records import Record

RANGE = "updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T01:00:00Z'"


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def count_body(field: str, count: int = 1) -> dict:
    return {"data": {field: {"count": count, "precision": "EXACT"}}}


def page(root: str, *nodes: dict, more: bool = False, cursor: str = "c1") -> dict:
    return {"data": {root: connection(*nodes, more=more, cursor=cursor)}}


# --- records inside of other objects ---


def refund(number: int, *lines: dict, more: bool = False) -> dict:
    empty = {name: connection() for name in ("transactions", "refundShippingLines", "orderAdjustments")}
    order = {"id": gid("Order", 1), "updatedAt": "2026-05-01T00:30:00Z"}
    return {"id": gid("Refund", number), "order": order, "refundLineItems": connection(*lines, more=more), **empty}


def test_each_refund_of_a_changed_order_is_a_record() -> None:
    orders = [{"id": gid("Order", 1), "refunds": [refund(1), refund(2)]}, {"id": gid("Order", 2), "refunds": []}]
    api = FakeAdminApi(RefundsCount=count_body("ordersCount"), Refunds=page("orders", *orders))

    records = extract(api, "refunds")

    assert [record["id"] for record in records] == [gid("Refund", 1), gid("Refund", 2)]
    assert records[0]["refundLineItems"] == records[0]["transactions"] == []
    assert api.variables_of("Refunds")[0]["query"] == RANGE


def test_the_lines_of_a_large_refund_are_read_to_their_end() -> None:
    """The id of a refunded line may be null (https://shopify.dev/docs/api/admin-graphql/latest/objects/RefundLineItem)."""
    first, second = ({"id": None, "quantity": number} for number in (1, 2))
    order = {"id": gid("Order", 1), "refunds": [refund(1, first, more=True)]}
    rest = {"data": {"node": {"id": gid("Refund", 1), "refundLineItems": connection(second)}}}
    api = FakeAdminApi(RefundsCount=count_body("ordersCount"), Refunds=page("orders", order), RefundLineItems=rest)

    (record,) = extract(api, "refunds")

    assert record["refundLineItems"] == [first, second]
    assert api.variables_of("RefundLineItems") == [{"id": gid("Refund", 1), "after": "c1", "first": 250}]


def test_refunds_of_known_orders_are_read_by_the_ids_of_the_orders() -> None:
    order = {"__typename": "Order", "id": gid("Order", 1), "refunds": [refund(5)]}
    api = FakeAdminApi(RefundsByParent={"data": {"nodes": [order, None]}})

    (record,) = extract(api, "refunds", since=None, until=None, match={"order_id": [1, 2]})

    assert record["id"] == gid("Refund", 5)
    assert api.variables_of("RefundsByParent") == [{"ids": [gid("Order", 1), gid("Order", 2)]}]


def test_stock_is_read_location_by_location_with_the_search_of_the_window() -> None:
    def level(number: int) -> dict:
        return {"id": f"{gid('InventoryLevel', number)}?inventory_item_id=7"}

    def levels(variables: dict) -> dict:
        if variables["id"] == gid("Location", 2):
            return {"data": {"node": None}}  # deleted in the meantime
        more = variables["after"] is None
        nodes = connection(level(1 if more else 2), more=more, cursor="p2")
        return {"data": {"node": {"id": variables["id"], "inventoryLevels": nodes}}}

    locations = [
        page("locations", {"id": gid("Location", 1)}, more=True, cursor="l1"),
        page("locations", {"id": gid("Location", 2)}),
    ]
    api = FakeAdminApi(InventoryLevelsParents=locations, LocationInventoryLevels=levels)

    records = extract(api, "inventory_levels", page_size=1)

    assert [record["id"] for record in records] == [level(1)["id"], level(2)["id"]]
    assert [each["query"] for each in api.variables_of("LocationInventoryLevels")] == [RANGE] * 3
    assert [each["after"] for each in api.variables_of("InventoryLevelsParents")] == [None, "l1"]


def test_a_list_of_locations_that_repeats_its_cursor_is_an_error() -> None:
    again = page("locations", {"id": gid("Location", 1)}, more=True, cursor="l1")
    api = FakeAdminApi(InventoryLevelsParents=again)
    with pytest.raises(PagingError, match="repeat their cursor"):
        extract(api, "inventory_levels")


def test_the_metafields_of_the_shop_are_read_from_its_one_object() -> None:
    metafields = [{"id": gid("Metafield", 1), "updatedAt": "2026-05-01T00:10:00Z"}]
    metafields += [{"id": gid("Metafield", 2), "updatedAt": "2026-04-01T00:10:00Z"}]
    answer = {"data": {"node": {"id": gid("Shop", 1), "metafields": connection(*metafields)}}}
    api = FakeAdminApi(ShopMetafieldsParents={"data": {"shop": {"id": gid("Shop", 1)}}}, ShopMetafields=answer)

    assert [record["id"] for record in extract(api, "shop_metafields")] == [gid("Metafield", 1)]
    assert len(extract(api, "shop_metafields", since=None, until=None)) == 2
    assert "query" not in api.variables_of("ShopMetafields")[0]


# --- lists that Shopify cannot search by time ---


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"since": None, "until": None}, [1, 2, 3]),
        ({"since": SINCE, "until": UNTIL}, [2]),
        ({"since": SINCE, "until": None}, [2]),
    ],
)
def test_locations_are_read_completely_and_filtered_here(window: dict, expected: list[int]) -> None:
    times = ("2026-04-30T23:59:59Z", "2026-05-01T00:00:00Z", "2026-05-03T00:00:00Z")
    nodes = [{"id": gid("Location", number), "updatedAt": time} for number, time in enumerate(times, 1)]
    api = FakeAdminApi(Locations=page("locations", *nodes))

    records = extract(api, "locations", **window)

    # One that changed after the read began belongs to the next window, but is in a list without one.
    assert [record["id"] for record in records] == [gid("Location", number) for number in expected]
    assert api.variables_of("Locations")[0]["query"] == ""
    assert "includeInactive: true" in api.document("Locations")


def test_a_list_without_a_window_names_none() -> None:
    assert make_client(FakeAdminApi()).extract("locations").window is None
    api = FakeAdminApi(CollectionsCount=count_body("collectionsCount"))
    assert make_client(api).extract("collections", since=SINCE, until=UNTIL).window is not None


# --- long lists ---


def fulfillment_order(number: int) -> dict:
    return {"id": gid("FulfillmentOrder", number), "lineItems": connection()}


def test_a_list_in_the_order_of_its_ids_continues_after_the_last_id() -> None:
    """Shopify pages through 25,000 objects of one search (https://shopify.dev/docs/api/usage/limits)."""
    pages = [
        page("fulfillmentOrders", fulfillment_order(1), fulfillment_order(2), more=True, cursor="a"),
        page("fulfillmentOrders", fulfillment_order(3), fulfillment_order(4), more=True, cursor="b"),
        page("fulfillmentOrders", fulfillment_order(5)),
    ]
    api = FakeAdminApi(FulfillmentOrders=pages)
    caller = make_client(api)._caller
    documents = documents_of(RESOURCES["fulfillment_orders"], "2026-07", personal_data=True)
    reader = ListReader(
        caller=caller,
        loader=NestedListLoader(caller),
        documents=documents,
        page_size=AdaptivePageSize(2),
        is_included=lambda _record: True,
    )
    fetcher = SearchFetcher(reader=reader, query=RANGE, limit=4)

    records: list[Record] = []
    cursor: dict | None = {}
    while cursor is not None:
        fetched = fetcher.fetch(cursor)
        records += fetched.records
        cursor = fetched.next

    assert [record["id"] for record in records] == [gid("FulfillmentOrder", number) for number in range(1, 6)]
    sent = [(each["after"], each["query"]) for each in api.variables_of("FulfillmentOrders")]
    assert sent == [(None, RANGE), ("a", RANGE), (None, f"{RANGE} AND id:>4")]
    assert SearchFetcher(reader=reader, query="").limit < MAX_SEARCH_RESULTS


def test_a_list_without_a_count_is_neither_counted_nor_split() -> None:
    api = FakeAdminApi(FulfillmentOrders=page("fulfillmentOrders", fulfillment_order(1)))
    assert len(extract(api, "fulfillment_orders")) == 1
    assert [name for name, _ in api.operations_sent] == ["FulfillmentOrders"]


@pytest.mark.parametrize(("since", "expected"), [(None, True), (SINCE, False)])
def test_a_list_without_a_count_prefers_a_bulk_operation_from_its_beginning(
    since: datetime | None, expected: bool
) -> None:
    assert make_client(FakeAdminApi()).prefers_job("fulfillment_orders", since=since, until=UNTIL) is expected


def test_short_lists_and_lists_without_a_bulk_operation_prefer_pages() -> None:
    client = make_client(FakeAdminApi())
    assert not client.prefers_job("locations")
    assert not client.prefers_job("events")
    assert not client.prefers_job("metafields")


def test_a_count_that_knows_times_only_gets_no_other_search_field() -> None:
    """``customersCount`` filters by ``created_at``, ``id`` and ``updated_at`` only (schema, ``query``)."""
    api = FakeAdminApi(CustomersCount=count_body("customersCount"), Customers=page("customers"))
    extract(api, "customers", query="tag:vip")
    assert api.variables_of("CustomersCount") == [{"query": RANGE}]
    assert api.variables_of("Customers")[0]["query"] == f"{RANGE} AND (tag:vip)"


def test_events_are_searched_by_the_time_they_happened() -> None:
    """``events`` filters by ``created_at`` (schema, ``query``)."""
    api = FakeAdminApi(EventsCount=count_body("eventsCount"), Events=page("events"))
    extract(api, "events", query="action:destroy")
    window = RANGE.replace("updated_at", "created_at")
    assert api.variables_of("Events")[0]["query"] == f"{window} AND (action:destroy)"


# --- what is requested ---


def test_without_personal_data_a_customer_has_null_for_it() -> None:
    node = {"id": gid("Customer", 1), "updatedAt": "2026-05-01T00:10:00Z"}
    api = FakeAdminApi(CustomersCount=count_body("customersCount"), Customers=page("customers", node))

    (record,) = extract(api, "customers", personal_data=False)

    assert {name for name, value in record.items() if value is None} == set(RESOURCES["customers"].personal)
    assert "firstName" not in api.document("Customers")


@pytest.mark.parametrize(("version", "expected"), [("2025-10", False), ("2026-01", True), ("unstable", True)])
def test_a_field_of_later_versions_is_requested_from_these_only(version: str, expected: bool) -> None:
    """``Refund.processedAt`` exists from 2026-01 on (Shopify's schemas)."""
    documents = documents_of(RESOURCES["refunds"], version, personal_data=True)
    assert ("processedAt" in documents.search_document()) is expected


def test_joined_lists_are_read_one_after_the_other() -> None:
    client = make_client(FakeAdminApi(
        ShopMetafieldsParents={"data": {"shop": {"id": gid("Shop", 1)}}},
        **{
            f"{owner}MetafieldsCount": count_body(f"{root}Count")
            for owner, root in (
                ("Product", "products"), ("Collection", "collections"), ("Customer", "customers"),
                ("Order", "orders"), ("DraftOrder", "draftOrders"),
            )
        },
    ))  # fmt: skip
    extraction = client.extract("metafields", since=SINCE, until=UNTIL)
    names = [segment.name.split()[0] for segment in extraction.segments]
    assert names == [name for name in RESOURCES if name.endswith("_metafields")]
    assert len(extraction.request["parts"]) == len(names) == 8


# --- errors ---


@pytest.mark.parametrize(
    ("resource", "arguments", "message"),
    [
        ("metafields", {"query": "vendor:Acme"}, "joins several lists"),
        ("metafields", {"match": {"id": [1]}}, "joins several lists"),
        ("shop_metafields", {"query": "id:1"}, "cannot be searched"),
        ("discounts", {"match": {"id": [1]}}, "'match' names id"),
        ("customers", {"match": {"order_id": [1]}}, "'match' names order_id"),
        ("refunds", {"match": {"id": [1], "order_id": [1]}}, "'match' names id, order_id"),
        ("refunds", {"match": {"order_id": ["gid://shopify/Product/1"]}}, "not an id of this type"),
        # https://shopify.dev/docs/api/admin-graphql/latest/queries/inventoryLevel: its id names the item as well.
        ("inventory_levels", {"match": {"id": ["gid://shopify/InventoryLevel/1"]}}, "not an id of this type"),
        ("locations", {"match": {"id": ["gid://shopify/Location/1?inventory_item_id=2"]}}, "not an id of this type"),
    ],
)
def test_an_argument_that_a_list_cannot_take_is_refused_before_anything_is_sent(
    resource: str, arguments: dict, message: str
) -> None:
    api = FakeAdminApi()
    with pytest.raises(ConfigurationError, match=message) as caught:
        make_client(api).extract(resource, **arguments)
    assert caught.value.remedy
    assert not api.requests


@pytest.mark.parametrize("resource", ["events", "metafields", "shop_metafields"])
def test_a_bulk_operation_of_a_list_that_has_none_is_refused(resource: str) -> None:
    api = FakeAdminApi()
    with pytest.raises(ConfigurationError, match=f"no bulk operation for '{resource}'"):
        make_client(api).job(resource)
    assert not api.requests


@pytest.mark.parametrize(
    ("resource", "denied", "scopes"),
    [
        ("draft_orders", "DraftOrdersCount", "read_draft_orders, read_orders, read_products, read_customers"),
        ("inventory_levels", "InventoryLevelsParents", "read_inventory, read_locations, read_products"),
        ("locations", "Locations", "read_locations"),
    ],
)
def test_a_missing_scope_is_named_with_all_that_the_list_needs(resource: str, denied: str, scopes: str) -> None:
    """The shape of the error is recorded; see the sandbox's ``access``. The scopes are those of Shopify's pages."""
    required = "`read_x` access scope."
    body = error_body(f"Access denied. Required access: {required}", "ACCESS_DENIED", requiredAccess=required)
    with pytest.raises(AuthenticationError) as caught:
        extract(FakeAdminApi(**{denied: body}), resource)
    assert str(caught.value.remedy).endswith(f"'{resource}' needs: {scopes}.")
    assert "'read_x' access scope" in str(caught.value.remedy)


def test_a_list_of_customers_is_not_offered_without_personal_data() -> None:
    required = "`read_customers` access scope."
    body = error_body(f"Access denied. Required access: {required}", "ACCESS_DENIED", requiredAccess=required)
    with pytest.raises(AuthenticationError) as customers:
        extract(FakeAdminApi(CustomersCount=body), "customers")
    with pytest.raises(AuthenticationError) as orders:
        extract(FakeAdminApi(OrdersCount=body), "orders")
    assert "personal_data=False" not in str(customers.value)
    assert "personal_data=False" in str(orders.value)
