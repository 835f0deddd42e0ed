"""The Admin API client: windows and their pieces, whole orders, and orders by their ids."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fake_admin_api import NOW, SINCE, TOKEN, UNTIL, Shop, client, nodes, shop_answer

from airflow_provider_partners.api.shopify_admin.client import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError


def item(number: int) -> dict:
    return {"id": f"gid://shopify/LineItem/{number}", "quantity": 1, "product": None, "variant": None}


def fulfillment(number: int, *items: dict, more: bool = False) -> dict:
    return {"id": f"gid://shopify/Fulfillment/{number}", "fulfillmentLineItems": nodes(*items, more=more)}


def order(number: int = 1, **fields: object) -> dict:
    return {
        "id": f"gid://shopify/Order/{number}",
        "updatedAt": "2026-05-01T00:30:00Z",
        "lineItems": nodes(item(1)),
        "fulfillmentsCount": {"count": 0, "precision": "EXACT"},
        "fulfillments": [],
        **fields,
    }


def orders(*rows: dict, more: bool = False, cursor: str = "c1", **extensions: object) -> dict:
    return {"data": {"orders": nodes(*rows, more=more, cursor=cursor)}, "extensions": extensions}


def failed(message: str, code: str | None = None, data: object = None, **extensions: object) -> dict:
    given = {**({"code": code} if code else {}), **extensions}
    return {"errors": [{"message": message, **({"extensions": given} if given else {})}], "data": data}


def extract(shop: Shop, resource: str = "orders", client_options: dict | None = None, **asked: object) -> list[dict]:
    given = {"since": SINCE, "until": UNTIL, **asked}
    return list(client(shop, **(client_options or {})).extract(resource, **given).records())  # type: ignore[arg-type]


# --- windows and searches ---


def test_a_search_is_sent_to_the_shops_own_address_with_its_token() -> None:
    shop = Shop(Orders=orders())
    extract(shop)
    request = shop.requests[-1]
    assert str(request.url) == "https://a.myshopify.com/admin/api/2026-07/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == TOKEN


def test_the_shop_may_stand_anywhere_in_the_address() -> None:
    shop = Shop(Orders=orders())
    extract(shop, client_options={"base_url": "http://127.0.0.1:9/shops/{shop}/"})
    assert str(shop.requests[-1].url) == "http://127.0.0.1:9/shops/a/admin/api/2026-07/graphql.json"


def test_a_window_is_a_search_by_time_of_change_with_quoted_timestamps() -> None:
    shop = Shop(Orders=orders())
    extract(shop)
    assert shop.of("Orders") == [
        {
            "first": 50,
            "after": None,
            "query": "updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T01:00:00Z'",
        }
    ]
    assert "sortKey: UPDATED_AT" in shop.document("Orders")


def test_a_users_search_must_hold_as_well() -> None:
    shop = Shop(Orders=orders())
    extract(shop, query="tag:vip OR test:true")
    assert shop.of("Orders")[0]["query"].endswith(" AND (tag:vip OR test:true)")
    assert shop.of("OrdersCount")[0]["query"].endswith(" AND (tag:vip OR test:true)")


@pytest.mark.parametrize("query", ["tag:a) OR (id:>0", "(tag:a", "name:'Bob", 'name:"Bob'])
def test_a_users_search_cannot_reach_out_of_its_parentheses(query: str) -> None:
    with pytest.raises(ConfigurationError, match="without its counterpart"):
        extract(Shop(), query=query)


def test_a_window_without_a_whole_second_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no whole second"):
        extract(Shop(), since=SINCE.replace(microsecond=1), until=SINCE.replace(microsecond=2))


def test_a_window_without_an_end_ends_now_for_all_pages() -> None:
    shop = Shop(Orders=[orders(order(1), more=True), orders(order(2))])
    asking = client(shop)
    extraction = asking.extract("orders", since=SINCE)
    asking._clock.sleep(3_600)
    list(extraction.records())
    assert {variables["query"][-22:] for variables in shop.of("Orders")} == {"'2026-05-02T00:00:00Z'"}
    assert extraction.window is not None
    assert extraction.window.until == NOW


def test_pages_go_on_with_the_same_search() -> None:
    shop = Shop(Orders=[orders(order(1), more=True, cursor="x"), orders(order(2))])
    assert len(extract(shop)) == 2
    first, second = shop.of("Orders")
    assert (first["after"], second["after"]) == (None, "x")
    assert first["query"] == second["query"]


@pytest.mark.parametrize("page", [orders(more=True), orders(order(), more=True, cursor="")])
def test_a_page_that_does_not_say_where_to_go_on_is_an_error(page: dict) -> None:
    with pytest.raises(PagingError, match="but not where"):
        extract(Shop(Orders=page))


def test_the_present_second_belongs_to_the_next_window() -> None:
    shop = Shop(Orders=orders())
    asking = client(shop)
    asking._clock.sleep(0.7)
    list(asking.extract("orders", since=SINCE).records())
    assert shop.of("Orders")[0]["query"].endswith("updated_at:<'2026-05-02T00:00:00Z'")


def test_pieces_are_asked_for_one_after_the_other() -> None:
    def count(variables: dict) -> dict:
        whole = "00:00:00Z' AND updated_at:<'2026-05-01T01" in variables["query"]
        counted = {"count": 10_000 if whole else 9_999, "precision": "AT_LEAST" if whole else "EXACT"}
        return {"data": {"ordersCount": counted}}

    shop = Shop(OrdersCount=count, Orders=[orders(order(1)), orders(order(2))])
    assert len(extract(shop)) == 2
    assert [variables["query"] for variables in shop.of("Orders")] == [
        "updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T00:30:00Z'",
        "updated_at:>='2026-05-01T00:30:00Z' AND updated_at:<'2026-05-01T01:00:00Z'",
    ]


def test_a_window_in_other_pieces_is_another_walk() -> None:
    def fingerprint(crowded: bool) -> str:
        def count(variables: dict) -> dict:
            whole = "00:00:00Z' AND updated_at:<'2026-05-01T01" in variables["query"]
            return {"data": {"ordersCount": {"count": 10_000 if crowded and whole else 1, "precision": "EXACT"}}}

        return client(Shop(OrdersCount=count)).extract("orders", since=SINCE, until=UNTIL).fingerprint

    assert fingerprint(crowded=False) == fingerprint(crowded=False)
    assert fingerprint(crowded=False) != fingerprint(crowded=True)


def test_a_list_beyond_what_shopify_gives_is_an_error_and_not_cut_off() -> None:
    shop = Shop(Orders=orders(order(1), more=True))
    extraction = client(shop).extract("orders", since=SINCE, until=UNTIL)
    with pytest.raises(PagingError, match="25,000"):
        list(extraction.pages(position={"segment": 0, "cursor": {"after": "x", "read": 24_999}}))


def test_a_window_older_than_sixty_days_warns_without_the_scope_for_it(caplog: pytest.LogCaptureFixture) -> None:
    old = NOW - timedelta(days=61)
    with caplog.at_level(logging.WARNING):
        extract(Shop(Orders=orders(), Shop=shop_answer("read_orders", "read_all_orders")), since=old)
        assert not caplog.records
        extract(Shop(Orders=orders(), Shop=shop_answer("read_orders")), since=old)
    assert "read_all_orders" in caplog.text


def test_a_recent_window_asks_for_no_scopes() -> None:
    shop = Shop(Orders=orders())
    extract(shop)
    assert not shop.of("Shop")


# --- whole orders ---


def test_an_order_is_handed_on_with_plain_lists() -> None:
    full = order(
        lineItems=nodes(item(1), item(2)),
        fulfillments=[fulfillment(1, {"id": "f", "quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"}})],
        fulfillmentsCount={"count": 1, "precision": "EXACT"},
    )
    (row,) = extract(Shop(Orders=orders(full)))
    assert [line["id"] for line in row["lineItems"]] == ["gid://shopify/LineItem/1", "gid://shopify/LineItem/2"]
    assert row["fulfillments"][0]["fulfillmentLineItems"] == [
        {"id": "f", "quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"}}
    ]
    assert "fulfillmentsCount" not in row


def paged_items(name: str, root: str, total: int, owner: str) -> Callable[[dict], dict]:
    def answer(variables: dict) -> dict:
        assert variables["id"] == owner
        begin = int(variables["after"].removeprefix("n"))
        end = min(begin + variables["first"], total)
        rows = [item(number) for number in range(begin, end)]
        return {"data": {root: {"id": owner, name: nodes(*rows, more=end < total, cursor=f"n{end}")}}}

    return answer


def test_an_order_of_four_hundred_lines_is_whole() -> None:
    first = order(lineItems=nodes(*map(item, range(30)), more=True, cursor="n30"))
    shop = Shop(Orders=orders(first), OrderLineItems=paged_items("lineItems", "order", 400, first["id"]))
    (row,) = extract(shop)
    assert [line["id"] for line in row["lineItems"]] == [item(number)["id"] for number in range(400)]
    assert [variables["first"] for variables in shop.of("OrderLineItems")] == [250, 250]


def test_an_order_of_sixty_fulfillments_is_whole() -> None:
    first = order(
        fulfillments=[fulfillment(number) for number in range(50)],
        fulfillmentsCount={"count": 60, "precision": "EXACT"},
    )
    again = {**first, "fulfillments": [fulfillment(number) for number in range(60)]}
    shop = Shop(Orders=orders(first), OrderFulfillments={"data": {"order": again}})
    (row,) = extract(shop)
    assert len(row["fulfillments"]) == 60
    assert shop.of("OrderFulfillments") == [{"id": first["id"], "first": 250}]


@pytest.mark.parametrize("counted", [None, {"count": 50, "precision": "AT_LEAST"}])
def test_a_list_that_may_have_been_cut_is_read_again_where_the_count_is_unsure(counted: dict | None) -> None:
    first = order(fulfillments=[fulfillment(number) for number in range(50)], fulfillmentsCount=counted)
    again = {**first, "fulfillments": [fulfillment(number) for number in range(51)], "fulfillmentsCount": counted}
    (row,) = extract(Shop(Orders=orders(first), OrderFulfillments={"data": {"order": again}}))
    assert len(row["fulfillments"]) == 51


def test_an_order_with_more_fulfillments_than_can_be_listed_stops_the_walk() -> None:
    first = order(fulfillmentsCount={"count": 300, "precision": "EXACT"})
    again = {**first, "fulfillments": [fulfillment(number) for number in range(250)]}
    with pytest.raises(UnexpectedResponseError, match=r"gid://shopify/Order/1 has more than 250 fulfillments"):
        extract(Shop(Orders=orders(first), OrderFulfillments={"data": {"order": again}}))


def test_a_fulfillment_of_many_lines_is_whole() -> None:
    long = fulfillment(5, *map(item, range(50)), more=True)
    long["fulfillmentLineItems"]["pageInfo"]["endCursor"] = "n50"
    first = order(fulfillments=[long], fulfillmentsCount={"count": 1, "precision": "EXACT"})
    shop = Shop(
        Orders=orders(first),
        FulfillmentLineItems=paged_items("fulfillmentLineItems", "fulfillment", 120, long["id"]),
    )
    (row,) = extract(shop)
    assert len(row["fulfillments"][0]["fulfillmentLineItems"]) == 120


def test_an_order_that_is_deleted_while_it_is_read_is_left_out() -> None:
    first = order(lineItems=nodes(item(1), more=True))
    shop = Shop(Orders=orders(first, order(2)), OrderLineItems={"data": {"order": None}})
    assert [row["id"] for row in extract(shop)] == ["gid://shopify/Order/2"]


def test_an_inner_list_that_loops_is_an_error() -> None:
    looping = {"data": {"order": {"id": "x", "lineItems": nodes(item(2), more=True, cursor="c1")}}}
    with pytest.raises(PagingError, match="without getting on"):
        extract(Shop(Orders=orders(order(lineItems=nodes(item(1), more=True))), OrderLineItems=looping))


def test_products_come_with_all_variants() -> None:
    variants = nodes(*map(item, range(50)), more=True, cursor="n50")
    product = {"id": "gid://shopify/Product/1", "variants": variants}
    shop = Shop(
        Products={"data": {"products": nodes(product)}},
        ProductVariants=paged_items("variants", "product", 75, product["id"]),
    )
    (row,) = extract(shop, "products")
    assert len(row["variants"]) == 75


def test_without_personal_data_none_is_asked_for_and_its_fields_are_null() -> None:
    shop = Shop(Orders=orders(order()))
    (row,) = extract(shop, personal_data=False)
    document = shop.document("Orders")
    assert not re.search(r"\b(customer|email|phone|billingAddress|shippingAddress)\b", document)
    assert {row[name] for name in ("customer", "email", "phone", "billingAddress", "shippingAddress")} == {None}


def test_personal_data_may_be_null_as_shopify_redacts_it() -> None:
    (row,) = extract(Shop(Orders=orders(order(email=None, customer=None))))
    assert row["email"] is None


def test_further_fields_are_added_to_the_document() -> None:
    shop = Shop(Orders=orders())
    extract(shop, fields="note poNumber")
    assert "note poNumber" in shop.document("Orders")


def test_further_fields_cannot_reach_out_of_their_place() -> None:
    with pytest.raises(ConfigurationError, match="brace"):
        extract(Shop(), fields="note } shop { name")


# --- by ids ---


def test_orders_are_read_by_their_ids_in_batches() -> None:
    def found(variables: dict) -> dict:
        return {"data": {"nodes": [{"__typename": "Order", **order(int(gid[20:]))} for gid in variables["ids"]]}}

    shop = Shop(OrdersById=found)
    wanted = [str(number) for number in range(1, 121)]
    rows = list(client(shop).extract("orders", match={"id": wanted}).records())
    assert [row["id"] for row in rows] == [f"gid://shopify/Order/{number}" for number in wanted]
    assert [len(variables["ids"]) for variables in shop.of("OrdersById")] == [50, 50, 20]
    assert "__typename" not in rows[0]
    assert not shop.of("OrdersCount")


def test_ids_come_in_both_forms_and_once() -> None:
    shop = Shop(OrdersById={"data": {"nodes": []}})
    list(client(shop).extract("orders", match={"id": [1, "1", "gid://shopify/Order/1", 2]}).records())
    assert shop.of("OrdersById") == [{"ids": ["gid://shopify/Order/1", "gid://shopify/Order/2"]}]


def test_ids_that_do_not_exist_are_left_out() -> None:
    shop = Shop(OrdersById={"data": {"nodes": [None, {"__typename": "Order", **order(2)}]}})
    rows = list(client(shop).extract("orders", match={"id": [1, 2]}).records())
    assert [row["id"] for row in rows] == ["gid://shopify/Order/2"]


def test_no_ids_ask_for_nothing() -> None:
    shop = Shop()
    assert list(client(shop).extract("orders", match={"id": []}).records()) == []
    assert not shop.requests


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ({"name": ["#1"]}, "'match' names name"),
        ({"id": ["#1"]}, "'#1'"),
        ({"id": ["gid://shopify/Product/1"]}, "Order"),
    ],
)
def test_ids_of_another_kind_are_refused(match: dict, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        client(Shop()).extract("orders", match=match)


def test_ids_and_a_search_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="exclude each other"):
        client(Shop()).extract("orders", match={"id": [1]}, query="tag:a")


def test_ids_within_a_window_are_sifted() -> None:
    rows = [{"__typename": "Order", **order(n, updatedAt=f"2026-05-01T0{n}:00:00Z")} for n in (0, 1)]
    found = extract(Shop(OrdersById={"data": {"nodes": rows}}), match={"id": [0, 1]})
    assert [row["id"] for row in found] == ["gid://shopify/Order/0"]


def test_every_list_is_declared_with_its_key_and_its_time() -> None:
    assert {name: (resource.key, resource.time_field, resource.page_size) for name, resource in RESOURCES.items()} == {
        "orders": (("id",), "updatedAt", 50),
        "products": (("id",), "updatedAt", 50),
    }
