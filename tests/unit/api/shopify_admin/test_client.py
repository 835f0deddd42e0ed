"""The Admin API client: time ranges and their parts, complete orders, and orders by id."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fakes.admin_api import (
    NOW,
    SINCE,
    TOKEN,
    UNTIL,
    FakeAdminApi,
    connection,
    extract,
    make_client,
    order_node,
    orders_body,
    shop_body,
)

from airflow_provider_partners.api.shopify_admin.client import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError


def item(number: int) -> dict:
    return {"id": f"gid://shopify/LineItem/{number}", "quantity": 1, "product": None, "variant": None}


def fulfillment(number: int, *items: dict, more: bool = False) -> dict:
    return {"id": f"gid://shopify/Fulfillment/{number}", "fulfillmentLineItems": connection(*items, more=more)}


# --- windows and searches ---


def test_a_search_is_sent_to_the_shop_with_its_token() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api)
    request = api.requests[-1]
    assert str(request.url) == "https://a.myshopify.com/admin/api/2026-07/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == TOKEN


def test_the_shop_can_be_anywhere_in_the_base_url() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api, client_options={"base_url": "http://127.0.0.1:9/shops/{shop}/"})
    assert str(api.requests[-1].url) == "http://127.0.0.1:9/shops/a/admin/api/2026-07/graphql.json"


def test_a_window_becomes_a_search_by_updated_at_with_quoted_timestamps() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api)
    assert api.variables_of("Orders") == [
        {
            "first": 50,
            "after": None,
            "query": "updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T01:00:00Z'",
        }
    ]
    assert "sortKey: UPDATED_AT" in api.document("Orders")


def found(api: FakeAdminApi, resource: str = "orders") -> bool:
    with make_client(api) as client:
        return client.has_records(resource, since=SINCE, until=UNTIL, query="tag:vip")


def test_whether_there_are_records_has_the_search_of_the_extraction() -> None:
    """``first`` of a connection: https://shopify.dev/docs/api/usage/pagination-graphql."""
    api = FakeAdminApi(
        Orders=orders_body(), OrdersFirst={"data": {"orders": {"nodes": [{"id": "gid://shopify/Order/1"}]}}}
    )
    extract(api, since=SINCE, until=UNTIL, query="tag:vip")
    sent = len(api.requests)
    assert found(api)
    assert len(api.requests) == sent + 1
    assert api.variables_of("OrdersFirst") == [{"query": api.variables_of("Orders")[0]["query"]}]
    assert "orders(first: 1, query: $query)" in api.document("OrdersFirst")


def test_no_record_is_no_and_an_answer_without_the_list_is_an_error() -> None:
    assert not found(FakeAdminApi(OrdersFirst={"data": {"orders": {"nodes": []}}}))
    for data in ({"orders": None}, {}, {"orders": {}}):
        with pytest.raises(UnexpectedResponseError):
            found(FakeAdminApi(OrdersFirst={"data": data}))


def test_a_list_that_shopify_cannot_search_by_time_is_refused() -> None:
    with (
        pytest.raises(ConfigurationError, match="can't search 'locations' by time"),
        make_client(FakeAdminApi()) as client,
    ):
        client.has_records("locations", since=SINCE)


def test_bounds_may_be_iso_text() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api, since="2026-05-01", until="2026-05-01T01:00:00+00:00")
    expected = "updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T01:00:00Z'"
    assert api.variables_of("Orders")[0]["query"] == expected


def test_a_users_search_is_combined_with_the_window() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api, query="tag:vip OR test:true")
    assert api.variables_of("Orders")[0]["query"].endswith(" AND (tag:vip OR test:true)")
    assert api.variables_of("OrdersCount")[0]["query"].endswith(" AND (tag:vip OR test:true)")


@pytest.mark.parametrize("query", ["tag:a) OR (id:>0", "(tag:a", "name:'Bob", 'name:"Bob'])
def test_a_users_search_cannot_close_its_parentheses(query: str) -> None:
    with pytest.raises(ConfigurationError, match="without its counterpart"):
        extract(FakeAdminApi(), query=query)


def test_a_window_without_a_whole_second_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no whole second"):
        extract(FakeAdminApi(), since=SINCE.replace(microsecond=1), until=SINCE.replace(microsecond=2))


def test_a_window_without_an_end_ends_now_for_all_pages() -> None:
    api = FakeAdminApi(Orders=[orders_body(order_node(1), more=True), orders_body(order_node(2))])
    client = make_client(api)
    extraction = client.extract("orders", since=SINCE)
    client._clock.sleep(3_600)
    list(extraction.records())
    assert {variables["query"][-22:] for variables in api.variables_of("Orders")} == {"'2026-05-02T00:00:00Z'"}
    assert extraction.window is not None
    assert extraction.window.until == NOW


def test_all_pages_use_the_same_search() -> None:
    api = FakeAdminApi(Orders=[orders_body(order_node(1), more=True, cursor="x"), orders_body(order_node(2))])
    assert len(extract(api)) == 2
    first, second = api.variables_of("Orders")
    assert (first["after"], second["after"]) == (None, "x")
    assert first["query"] == second["query"]


@pytest.mark.parametrize("page", [orders_body(more=True), orders_body(order_node(), more=True, cursor="")])
def test_a_page_without_a_cursor_for_the_next_one_is_an_error(page: dict) -> None:
    with pytest.raises(PagingError, match="no cursor"):
        extract(FakeAdminApi(Orders=page))


def test_the_present_second_belongs_to_the_next_window() -> None:
    api = FakeAdminApi(Orders=orders_body())
    client = make_client(api)
    client._clock.sleep(0.7)
    list(client.extract("orders", since=SINCE).records())
    assert api.variables_of("Orders")[0]["query"].endswith("updated_at:<'2026-05-02T00:00:00Z'")


def test_a_large_window_is_read_in_parts() -> None:
    def count(variables: dict) -> dict:
        is_full_range = "00:00:00Z' AND updated_at:<'2026-05-01T01" in variables["query"]
        counted = {
            "count": 10_000 if is_full_range else 9_999,
            "precision": "AT_LEAST" if is_full_range else "EXACT",
        }
        return {"data": {"ordersCount": counted}}

    api = FakeAdminApi(OrdersCount=count, Orders=[orders_body(order_node(1)), orders_body(order_node(2))])
    assert len(extract(api)) == 2
    assert [variables["query"] for variables in api.variables_of("Orders")] == [
        "updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T00:30:00Z'",
        "updated_at:>='2026-05-01T00:30:00Z' AND updated_at:<'2026-05-01T01:00:00Z'",
    ]


def test_a_window_in_other_parts_has_another_fingerprint() -> None:
    def fingerprint(crowded: bool) -> str:
        def count(variables: dict) -> dict:
            is_full_range = "00:00:00Z' AND updated_at:<'2026-05-01T01" in variables["query"]
            return {
                "data": {"ordersCount": {"count": 10_000 if crowded and is_full_range else 1, "precision": "EXACT"}}
            }

        return make_client(FakeAdminApi(OrdersCount=count)).extract("orders", since=SINCE, until=UNTIL).fingerprint

    assert fingerprint(crowded=False) == fingerprint(crowded=False)
    assert fingerprint(crowded=False) != fingerprint(crowded=True)


def test_a_search_beyond_shopifys_limit_is_an_error_and_not_truncated() -> None:
    api = FakeAdminApi(Orders=orders_body(order_node(1), more=True))
    extraction = make_client(api).extract("orders", since=SINCE, until=UNTIL)
    with pytest.raises(PagingError, match="25,000"):
        list(extraction.pages(position={"segment": 0, "cursor": {"after": "x", "read": 24_999}}))


def test_a_window_older_than_sixty_days_logs_a_warning_without_the_scope(caplog: pytest.LogCaptureFixture) -> None:
    old = NOW - timedelta(days=61)
    with caplog.at_level(logging.WARNING):
        extract(FakeAdminApi(Orders=orders_body(), Shop=shop_body("read_orders", "read_all_orders")), since=old)
        assert not caplog.records
        extract(FakeAdminApi(Orders=orders_body(), Shop=shop_body("read_orders")), since=old)
    assert "read_all_orders" in caplog.text


def test_a_recent_window_requests_no_scopes() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api)
    assert not api.variables_of("Shop")


# --- complete orders ---


def test_an_order_has_plain_lists_instead_of_connections() -> None:
    full = order_node(
        lineItems=connection(item(1), item(2)),
        fulfillments=[fulfillment(1, {"id": "f", "quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"}})],
        fulfillmentsCount={"count": 1, "precision": "EXACT"},
    )
    (record,) = extract(FakeAdminApi(Orders=orders_body(full)))
    assert [line["id"] for line in record["lineItems"]] == ["gid://shopify/LineItem/1", "gid://shopify/LineItem/2"]
    assert record["fulfillments"][0]["fulfillmentLineItems"] == [
        {"id": "f", "quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"}}
    ]
    assert "fulfillmentsCount" not in record


def paged_items(name: str, total: int, owner: str) -> Callable[[dict], dict]:
    def answer(variables: dict) -> dict:
        assert variables["id"] == owner
        begin = int(variables["after"].removeprefix("n"))
        end = min(begin + variables["first"], total)
        nodes = [item(number) for number in range(begin, end)]
        return {"data": {"node": {"id": owner, name: connection(*nodes, more=end < total, cursor=f"n{end}")}}}

    return answer


def test_an_order_with_four_hundred_lines_is_complete() -> None:
    first = order_node(lineItems=connection(*map(item, range(30)), more=True, cursor="n30"))
    api = FakeAdminApi(Orders=orders_body(first), OrderLineItems=paged_items("lineItems", 400, first["id"]))
    (record,) = extract(api)
    assert [line["id"] for line in record["lineItems"]] == [item(number)["id"] for number in range(400)]
    assert [variables["first"] for variables in api.variables_of("OrderLineItems")] == [250, 250]


def test_an_order_with_sixty_fulfillments_is_complete() -> None:
    first = order_node(
        fulfillments=[fulfillment(number) for number in range(50)],
        fulfillmentsCount={"count": 60, "precision": "EXACT"},
    )
    again = {**first, "fulfillments": [fulfillment(number) for number in range(60)]}
    api = FakeAdminApi(Orders=orders_body(first), OrderFulfillments={"data": {"node": again}})
    (record,) = extract(api)
    assert len(record["fulfillments"]) == 60
    assert api.variables_of("OrderFulfillments") == [{"id": first["id"], "first": 250}]


@pytest.mark.parametrize("counted", [None, {"count": 50, "precision": "AT_LEAST"}])
def test_a_list_that_may_be_truncated_is_read_again_if_the_count_is_not_exact(counted: dict | None) -> None:
    first = order_node(fulfillments=[fulfillment(number) for number in range(50)], fulfillmentsCount=counted)
    again = {**first, "fulfillments": [fulfillment(number) for number in range(51)], "fulfillmentsCount": counted}
    (record,) = extract(FakeAdminApi(Orders=orders_body(first), OrderFulfillments={"data": {"node": again}}))
    assert len(record["fulfillments"]) == 51


def test_an_order_with_more_fulfillments_than_shopify_lists_is_an_error() -> None:
    first = order_node(fulfillmentsCount={"count": 300, "precision": "EXACT"})
    again = {**first, "fulfillments": [fulfillment(number) for number in range(250)]}
    with pytest.raises(UnexpectedResponseError, match=r"gid://shopify/Order/1 has more than 250 fulfillments"):
        extract(FakeAdminApi(Orders=orders_body(first), OrderFulfillments={"data": {"node": again}}))


def test_a_fulfillment_with_many_lines_is_complete() -> None:
    long = fulfillment(5, *map(item, range(50)), more=True)
    long["fulfillmentLineItems"]["pageInfo"]["endCursor"] = "n50"
    first = order_node(fulfillments=[long], fulfillmentsCount={"count": 1, "precision": "EXACT"})
    api = FakeAdminApi(
        Orders=orders_body(first),
        FulfillmentLineItems=paged_items("fulfillmentLineItems", 120, long["id"]),
    )
    (record,) = extract(api)
    assert len(record["fulfillments"][0]["fulfillmentLineItems"]) == 120


def test_an_order_deleted_during_the_read_is_left_out() -> None:
    first = order_node(lineItems=connection(item(1), more=True))
    api = FakeAdminApi(Orders=orders_body(first, order_node(2)), OrderLineItems={"data": {"node": None}})
    assert [record["id"] for record in extract(api)] == ["gid://shopify/Order/2"]


def test_a_nested_list_that_repeats_its_cursor_is_an_error() -> None:
    looping = {"data": {"node": {"id": "x", "lineItems": connection(item(2), more=True, cursor="c1")}}}
    with pytest.raises(PagingError, match="repeats its cursor"):
        extract(
            FakeAdminApi(
                Orders=orders_body(order_node(lineItems=connection(item(1), more=True))), OrderLineItems=looping
            )
        )


def test_products_come_with_all_variants() -> None:
    variants = connection(*map(item, range(50)), more=True, cursor="n50")
    product = {"id": "gid://shopify/Product/1", "variants": variants}
    api = FakeAdminApi(
        Products={"data": {"products": connection(product)}},
        ProductVariants=paged_items("variants", 75, product["id"]),
    )
    (record,) = extract(api, "products")
    assert len(record["variants"]) == 75


def test_without_personal_data_its_fields_are_not_requested_and_null() -> None:
    api = FakeAdminApi(Orders=orders_body(order_node()))
    (record,) = extract(api, personal_data=False)
    document = api.document("Orders")
    assert not re.search(r"\b(customer|email|phone|billingAddress|shippingAddress)\b", document)
    assert {record[name] for name in ("customer", "email", "phone", "billingAddress", "shippingAddress")} == {None}


def test_personal_data_redacted_by_shopify_is_null() -> None:
    (record,) = extract(FakeAdminApi(Orders=orders_body(order_node(email=None, customer=None))))
    assert record["email"] is None


def test_extra_fields_are_added_to_the_document() -> None:
    api = FakeAdminApi(Orders=orders_body())
    extract(api, fields="note poNumber")
    assert {"note", "poNumber"} <= set(api.document("Orders").split())


def test_extra_fields_cannot_close_a_brace_of_the_document() -> None:
    for fields in ("note } shop { name", "note } { name", "note {", ["note } { x"]):
        with pytest.raises(ConfigurationError, match=r"brace|can't be read"):
            extract(FakeAdminApi(), fields=fields)


def test_further_pages_of_line_items_have_the_fields_of_the_first_page() -> None:
    more = {"data": {"node": {"id": "x", "lineItems": connection(item(2))}}}
    api = FakeAdminApi(Orders=orders_body(order_node(1, lineItems=connection(item(1), more=True))), OrderLineItems=more)
    extract(api, fields=["lineItems.product.metafield:custom.model"])
    assert "metafield(" in api.document("Orders")
    assert "metafield(" in api.document("OrderLineItems")


def test_an_unknown_field_is_an_error_with_the_nearest_field_of_shopifys_schema() -> None:
    """The answer is recorded: a capture of Shopify's validation error of an unknown field."""
    refused = {
        "errors": [
            {
                "message": "Field 'titel' doesn't exist on type 'ShippingLine'",
                "locations": [{"line": 1, "column": 9}],
                "path": ["query Orders", "orders", "nodes", "shippingLine", "titel"],
                "extensions": {"code": "undefinedField", "typeName": "ShippingLine", "fieldName": "titel"},
            }
        ]
    }
    described = {"data": {"__type": {"fields": [{"name": "title"}, {"name": "code"}]}}}
    api = FakeAdminApi(Orders=refused, Type=described)
    with pytest.raises(ConfigurationError, match=r"'shippingLine.titel'.*did you mean 'title'.*has: code, title"):
        extract(api, fields=["shippingLine.titel"])
    assert api.variables_of("Type") == [{"name": "ShippingLine"}]


# --- by ids ---


def test_orders_are_read_by_id_in_batches() -> None:
    def nodes(variables: dict) -> dict:
        return {"data": {"nodes": [{"__typename": "Order", **order_node(int(gid[20:]))} for gid in variables["ids"]]}}

    api = FakeAdminApi(OrdersById=nodes)
    numbers = [str(number) for number in range(1, 121)]
    records = list(make_client(api).extract("orders", match={"id": numbers}).records())
    assert [record["id"] for record in records] == [f"gid://shopify/Order/{number}" for number in numbers]
    assert [len(variables["ids"]) for variables in api.variables_of("OrdersById")] == [50, 50, 20]
    assert "__typename" not in records[0]
    assert not api.variables_of("OrdersCount")


def test_ids_have_two_forms_and_duplicates_are_dropped() -> None:
    api = FakeAdminApi(OrdersById={"data": {"nodes": []}})
    list(make_client(api).extract("orders", match={"id": [1, "1", "gid://shopify/Order/1", 2]}).records())
    assert api.variables_of("OrdersById") == [{"ids": ["gid://shopify/Order/1", "gid://shopify/Order/2"]}]


def test_ids_that_do_not_exist_are_left_out() -> None:
    api = FakeAdminApi(OrdersById={"data": {"nodes": [None, {"__typename": "Order", **order_node(2)}]}})
    records = list(make_client(api).extract("orders", match={"id": [1, 2]}).records())
    assert [record["id"] for record in records] == ["gid://shopify/Order/2"]


def test_an_empty_list_of_ids_sends_nothing() -> None:
    api = FakeAdminApi()
    assert list(make_client(api).extract("orders", match={"id": []}).records()) == []
    assert not api.requests


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"name": ["#1"]}, "'match' names name"),
        ({"id": ["#1"]}, "'#1'"),
        ({"id": ["gid://shopify/Product/1"]}, "Order"),
    ],
)
def test_ids_of_another_type_are_refused(match: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_client(FakeAdminApi()).extract("orders", match=match)


def test_ids_and_a_search_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="exclude each other"):
        make_client(FakeAdminApi()).extract("orders", match={"id": [1]}, query="tag:a")


def test_records_read_by_id_are_filtered_by_the_window() -> None:
    nodes = [{"__typename": "Order", **order_node(n, updatedAt=f"2026-05-01T0{n}:00:00Z")} for n in (0, 1)]
    records = extract(FakeAdminApi(OrdersById={"data": {"nodes": nodes}}), match={"id": [0, 1]})
    assert [record["id"] for record in records] == ["gid://shopify/Order/0"]


def test_every_list_is_declared_with_its_key_and_its_time() -> None:
    assert {resource.key for resource in RESOURCES.values()} == {("id",)}
    large = {name for name, resource in RESOURCES.items() if resource.page_size == 250}
    flat = {"customers", "collections", "product_variants", "locations", "inventory_levels", "discounts", "events"}
    assert large == {*flat, "shop_metafields"}
    assert {resource.page_size for resource in RESOURCES.values()} == {50, 250}
    times = {name: resource.time_field for name, resource in RESOURCES.items()}
    of_orders = {"refunds": "order.updatedAt", "transactions": "order.updatedAt"}
    assert times == {
        **dict.fromkeys(times, "updatedAt"),
        **dict.fromkeys([name for name in times if name.endswith("metafields")], "owner.updatedAt"),
        **of_orders,
        "discounts": "discount.updatedAt",
        "events": "createdAt",
        "locations": None,
        "location_metafields": None,
        "shop_metafields": None,
    }
