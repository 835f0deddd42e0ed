"""The Admin API through HTTP requests: lists, joins, reads by id and errors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.shopify_admin import server as shopify_admin
from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.sandbox.world.orders.scenarios import SCENARIOS

SHOP = "a.myshopify.com"
TOKEN = "shpat_sandbox"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def money(amount: str) -> dict[str, Any]:
    value = {"amount": amount, "currencyCode": "EUR"}
    return {"shopMoney": value, "presentmentMoney": value}


def line_item(number: int, product: int | None) -> dict[str, Any]:
    return {
        "id": gid("LineItem", number),
        "title": f"Item {number}",
        "name": f"Item {number} - M",
        "quantity": 2,
        "currentQuantity": 1,
        "sku": f"SKU-{number}",
        "product": {"id": gid("Product", product)} if product else None,
        "variant": {"id": gid("ProductVariant", product * 10)} if product else None,
        "originalUnitPriceSet": money("12.50"),
    }


def order(number: int, *, created: str = "2026-03-01T10:00:00Z", updated: str = "", **fields: Any) -> dict[str, Any]:
    items = [line_item(number * 10 + place, product) for place, product in enumerate((1, 1, 99, None))]
    fulfillment = {
        "id": gid("Fulfillment", number),
        "name": f"#{number}.1",
        "status": "SUCCESS",
        "displayStatus": "DELIVERED",
        "createdAt": "2026-03-02T10:00:00Z",
        "updatedAt": "2026-03-02T10:00:00Z",
        "trackingInfo": [
            {"company": "DHL", "number": "1", "url": None},
            {"company": "UPS", "number": "2", "url": None},
        ],
        "fulfillmentLineItems": [
            {"id": gid("FulfillmentLineItem", number), "quantity": 2, "lineItem": {"id": gid("LineItem", number * 10)}}
        ],
    }
    later = {**fulfillment, "id": gid("Fulfillment", number + 500), "createdAt": "2026-03-05T10:00:00Z"}
    known = {
        "id": gid("Order", number),
        "name": f"#{number}",
        "number": number,
        "createdAt": created,
        "updatedAt": updated or created,
        "processedAt": created,
        "closedAt": None,
        "test": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "currencyCode": "EUR",
        "totalPriceSet": money("55.00"),
        "email": "zoe@example.com",
        "phone": "+15550100",
        "customer": {
            "id": gid("Customer", 7),
            "firstName": "Zoë",
            "lastName": "Ndiaye",
            "displayName": "Zoë Ndiaye",
            "numberOfOrders": 3,
            "defaultEmailAddress": {"emailAddress": "zoe@example.com"},
        },
        "shippingAddress": {
            "id": gid("MailingAddress", 1),
            "name": "Zoë Ndiaye",
            "city": "Dakar",
            "countryCodeV2": "SN",
        },
        "billingAddress": None,
        "lineItems": items,
        "fulfillments": [fulfillment, later],
        "refunds": [
            {"id": gid("Refund", number), "refundLineItems": [{"quantity": 1, "lineItem": {"id": items[1]["id"]}}]}
        ],
    }
    return {**known, **fields}


class AdminSandbox:
    """One shop with five orders and a product, reached over ASGI."""

    def __init__(self, *, scopes: list[str] | None = None) -> None:
        store = Store()
        self.sandbox = Sandbox(
            store=store,
            credentials={"shopify_admin": {SHOP: {"token": TOKEN, "client_id": "id", "client_secret": "secret"}}},
            switches=dict(shopify_admin.SWITCHES),
            now=NOW,
        )
        shop: dict[str, Any] = {"name": "Shop A", "myshopifyDomain": SHOP, "plan": "plus", "currencyCode": "EUR"}
        store.put("shopify_admin", SHOP, "shop", SHOP, shop | ({"scopes": scopes} if scopes else {}), at="")
        product = {
            "id": gid("Product", 1),
            "title": "Linen shirt",
            "handle": "linen-shirt",
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
            "status": "ACTIVE",
            "vendor": "Acme",
            "tags": [],
            "onlineStoreUrl": None,
            "featuredMedia": {"preview": {"image": {"url": "https://cdn.example/1.jpg"}}},
            "variants": [{"id": gid("ProductVariant", 10), "title": "M", "sku": "S-M", "price": "12.50"}],
        }
        store.put("shopify_admin", SHOP, "product", product["id"], product, at=product["updatedAt"])
        for number, created, updated in (
            (1, "2025-12-01T10:00:00Z", "2026-03-09T10:00:00Z"),
            (2, "2026-02-01T10:00:00Z", "2026-03-08T10:00:00Z"),
            (3, "2026-02-02T10:00:00Z", "2026-03-07T10:00:00Z"),
            (4, "2026-03-03T10:00:00Z", "2026-03-07T10:00:00Z"),
            (5, "2026-03-10T11:58:00Z", "2026-03-10T11:59:30Z"),
        ):
            self.put(order(number, created=created, updated=updated))
        self.app = Starlette(routes=[Mount("/shopify-admin/{shop}", routes=shopify_admin.routes(self.sandbox))])

    def put(self, row: dict[str, Any]) -> None:
        self.sandbox.store.put("shopify_admin", SHOP, "order", row["id"], row, at=row["updatedAt"])

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"shopify_admin.{name}"] = value

    def execute(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> dict[str, Any]:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                return await client.post(
                    f"/shopify-admin/{SHOP}/admin/api/2026-07/graphql.json",
                    json={"query": query, "variables": variables},
                    headers={"X-Shopify-Access-Token": TOKEN, **(headers or {})},
                )

        response = asyncio.run(send())
        assert response.status_code == 200
        body: dict[str, Any] = response.json()
        return body

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        body = self.execute(query, **variables)
        assert "errors" not in body, body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    def error(self, query: str, **variables: Any) -> dict[str, Any]:
        (error,) = self.execute(query, **variables)["errors"]
        first: dict[str, Any] = error
        return first


@pytest.fixture
def admin_sandbox() -> AdminSandbox:
    return AdminSandbox()


def names(data: dict[str, Any]) -> list[str]:
    return [row["name"] for row in data["orders"]["nodes"]]


def test_orders_are_paged_by_their_update_time(admin_sandbox: AdminSandbox) -> None:
    query = """query($after: String) { orders(first: 2, after: $after, sortKey: UPDATED_AT) {
        nodes { name } pageInfo { hasNextPage endCursor } } }"""
    walked, after = [], None
    for _ in range(3):
        data = admin_sandbox.data(query, after=after)
        walked += names(data)
        after = data["orders"]["pageInfo"]["endCursor"]
    assert walked == ["#3", "#4", "#2", "#1", "#5"]
    assert data["orders"]["pageInfo"]["hasNextPage"] is False


def test_orders_can_be_reversed_and_sorted_by_their_id(admin_sandbox: AdminSandbox) -> None:
    assert names(admin_sandbox.data("{ orders(first: 9, sortKey: ID, reverse: true) { nodes { name } } }"))[0] == "#5"


def test_a_window_of_updates_is_searched_to_the_second(admin_sandbox: AdminSandbox) -> None:
    window = "updated_at:>='2026-03-07T10:00:00Z' AND updated_at:<'2026-03-08T10:00:00Z'"
    query = "query($window: String) { orders(first: 9, query: $window) { nodes { name } } }"
    assert names(admin_sandbox.data(query, window=window)) == ["#3", "#4"]


def test_an_unknown_search_field_finds_everything_with_a_warning(admin_sandbox: AdminSandbox) -> None:
    body = admin_sandbox.execute('{ orders(first: 9, query: "updatedat:>2030-01-01") { nodes { name } } }')
    assert len(names(body["data"])) == 5
    (search,) = body["extensions"]["search"]
    assert search["path"] == ["orders"]
    assert search["warnings"] == [
        {"field": "updatedat", "message": "Invalid search field for this query.", "code": "invalid_field"}
    ]


def test_a_search_without_warnings_is_reported_only_on_request(admin_sandbox: AdminSandbox) -> None:
    query = '{ orders(first: 1, query: "status:open") { nodes { name } } }'
    assert "search" not in admin_sandbox.execute(query)["extensions"]
    (search,) = admin_sandbox.execute(query, {"Shopify-Search-Query-Debug": "1"})["extensions"]["search"]
    assert search["parsed"] == {"field": "status", "match_all": "open"}


def test_recent_changes_are_not_in_the_search_index_yet(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("search_lag_seconds", 60)
    assert "#5" not in names(admin_sandbox.data("{ orders(first: 9) { nodes { name } } }"))
    assert admin_sandbox.data("{ ordersCount { count } }") == {"ordersCount": {"count": 4}}
    assert names(admin_sandbox.data('{ orders(first: 9, query: "id:5") { nodes { name } } }')) == ["#5"]
    assert admin_sandbox.data('{ order(id: "gid://shopify/Order/5") { name } }') == {"order": {"name": "#5"}}


def test_orders_older_than_sixty_days_are_absent_without_read_all_orders() -> None:
    admin_sandbox = AdminSandbox(scopes=["read_orders"])
    assert "#1" not in names(admin_sandbox.data("{ orders(first: 9) { nodes { name } } }"))
    assert admin_sandbox.data('{ order(id: "gid://shopify/Order/1") { name } }') == {"order": None}


def test_all_orders_are_there_with_read_all_orders() -> None:
    admin_sandbox = AdminSandbox(scopes=["read_orders", "read_all_orders"])
    assert "#1" in names(admin_sandbox.data("{ orders(first: 9) { nodes { name } } }"))


def test_orders_are_counted_exactly_or_up_to_the_limit(admin_sandbox: AdminSandbox) -> None:
    assert admin_sandbox.data("{ ordersCount { count precision } }")["ordersCount"] == {
        "count": 5,
        "precision": "EXACT",
    }
    limited = admin_sandbox.data("{ ordersCount(limit: 3) { count precision } }")
    assert limited["ordersCount"] == {"count": 3, "precision": "AT_LEAST"}


def test_line_items_are_joined_with_their_products_until_those_are_deleted(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ order(id: "gid://shopify/Order/2") { lineItems(first: 9) { nodes {
        sku product { title featuredMedia { preview { image { url } } } } variant { sku displayName product { handle } }
    } } } }""")
    shirt = {"title": "Linen shirt", "featuredMedia": {"preview": {"image": {"url": "https://cdn.example/1.jpg"}}}}
    variant = {"sku": "S-M", "displayName": "Linen shirt - M", "product": {"handle": "linen-shirt"}}
    assert data["order"]["lineItems"]["nodes"] == [
        {"sku": "SKU-20", "product": shirt, "variant": variant},
        {"sku": "SKU-21", "product": shirt, "variant": variant},
        {"sku": "SKU-22", "product": None, "variant": None},
        {"sku": "SKU-23", "product": None, "variant": None},
    ]


def test_the_discounted_total_has_codes_on_request_and_discounts_of_the_order_never(
    admin_sandbox: AdminSandbox,
) -> None:
    """https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem, and Shopify's changelog of 2024-02-23.

    https://shopify.dev/changelog/lineitem-discountedtotalset-can-optionally-include-code-based-discounts
    """
    world = build(shops=1, orders=len(SCENARIOS), now=NOW).store
    (domain, *_) = [shop for shop in world.shops("shopify_admin") if world.count("shopify_admin", shop, "order")]
    discounted = [
        order
        for order in world.select("shopify_admin", domain, "order")
        if len(order["discountApplications"]) == 3 and order["lineItems"][0]["quantity"]
    ]
    row = order(1, updated="2026-03-09T10:00:00Z", lineItems=discounted[0]["lineItems"])
    admin_sandbox.put(row)

    lines = admin_sandbox.data(
        """query($id: ID!) { order(id: $id) { lineItems(first: 5) { nodes {
             default: discountedTotalSet { shopMoney { amount } }
             withCodes: discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount } }
             originalTotalSet { shopMoney { amount } }
             discountAllocations {
               allocatedAmountSet { shopMoney { amount } }
               discountApplication { __typename allocationMethod targetSelection }
             } } } } }""",
        id=row["id"],
    )["order"]["lineItems"]["nodes"]

    for line in lines:
        original = Decimal(line["originalTotalSet"]["shopMoney"]["amount"])
        automatic, code, manual = line["discountAllocations"]
        assert [
            (share["discountApplication"]["__typename"], share["discountApplication"]["allocationMethod"])
            for share in (automatic, code, manual)
        ] == [
            ("AutomaticDiscountApplication", "EACH"),
            ("DiscountCodeApplication", "EACH"),
            ("ManualDiscountApplication", "ACROSS"),
        ]
        first, second = (Decimal(share["allocatedAmountSet"]["shopMoney"]["amount"]) for share in (automatic, code))
        assert Decimal(line["default"]["shopMoney"]["amount"]) == original - first
        assert Decimal(line["withCodes"]["shopMoney"]["amount"]) == original - first - second


def test_line_items_are_paged_inside_an_order(admin_sandbox: AdminSandbox) -> None:
    query = """query($after: String) { order(id: "gid://shopify/Order/2") { lineItems(first: 3, after: $after) {
        edges { node { sku } } pageInfo { hasNextPage endCursor } } } }"""
    first = admin_sandbox.data(query)["order"]["lineItems"]
    second = admin_sandbox.data(query, after=first["pageInfo"]["endCursor"])["order"]["lineItems"]
    assert [edge["node"]["sku"] for edge in second["edges"]] == ["SKU-23"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


def test_fulfillments_are_a_plain_list_that_first_truncates_and_query_filters(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ order(id: "gid://shopify/Order/2") {
        all: fulfillments { id } one: fulfillments(first: 1) { id }
        late: fulfillments(query: "created_at:>='2026-03-03T00:00:00Z'") { id }
        fulfillmentsCount { count }
    } }""")["order"]
    assert [len(data[name]) for name in ("all", "one", "late")] == [2, 1, 1]
    assert data["late"] == [{"id": gid("Fulfillment", 502)}]
    assert data["fulfillmentsCount"] == {"count": 2}


def test_a_fulfillment_knows_its_order_and_its_line_items(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ fulfillment(id: "gid://shopify/Fulfillment/2") {
        order { name } totalQuantity trackingInfo(first: 1) { number }
        fulfillmentLineItems(first: 5) { nodes { quantity lineItem { sku product { handle } } } }
    } }""")["fulfillment"]
    line = {"quantity": 2, "lineItem": {"sku": "SKU-20", "product": {"handle": "linen-shirt"}}}
    assert data == {
        "order": {"name": "#2"},
        "totalQuantity": 2,
        "trackingInfo": [{"number": "1"}],
        "fulfillmentLineItems": {"nodes": [line]},
    }


def test_a_refund_knows_its_order_and_its_line_items(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ order(id: "gid://shopify/Order/2") { refunds {
        order { name } refundLineItems(first: 5) { nodes { quantity lineItem { sku } } } } } }""")
    lines = {"nodes": [{"quantity": 1, "lineItem": {"sku": "SKU-21"}}]}
    assert data["order"]["refunds"] == [{"order": {"name": "#2"}, "refundLineItems": lines}]


def test_scalars_are_written_as_recorded(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ order(id: "gid://shopify/Order/2") { legacyResourceId createdAt closed totalPrice
        totalPriceSet { shopMoney { amount currencyCode } } customer { numberOfOrders } displayAddress { city } } }""")
    assert data["order"] == {
        "legacyResourceId": "2",
        "createdAt": "2026-02-01T10:00:00Z",
        "closed": False,
        "totalPrice": "55.00",
        "totalPriceSet": {"shopMoney": {"amount": "55.0", "currencyCode": "EUR"}},
        "customer": {"numberOfOrders": "3"},
        "displayAddress": {"city": "Dakar"},
    }


def test_a_value_that_the_sandbox_does_not_have_is_an_error(admin_sandbox: AdminSandbox) -> None:
    error = admin_sandbox.error('{ order(id: "gid://shopify/Order/2") { canMarkAsPaid } }')
    assert error["extensions"]["code"] == "SANDBOX_HAS_NO_VALUE"
    assert "Order.canMarkAsPaid" in error["message"]


def test_nodes_keep_their_order_and_are_null_if_missing(admin_sandbox: AdminSandbox) -> None:
    ids = [gid("Order", 3), gid("Order", 999), gid("Product", 1), gid("LineItem", 20), gid("Fulfillment", 4)]
    data = admin_sandbox.data(
        """query($ids: [ID!]!) { nodes(ids: $ids) {
            __typename id ... on Order { name } ... on Fulfillment { order { name } } } }""",
        ids=ids,
    )
    assert data["nodes"] == [
        {"__typename": "Order", "id": ids[0], "name": "#3"},
        None,
        {"__typename": "Product", "id": ids[2]},
        {"__typename": "LineItem", "id": ids[3]},
        {"__typename": "Fulfillment", "id": ids[4], "order": {"name": "#4"}},
    ]


def test_more_than_250_nodes_are_refused(admin_sandbox: AdminSandbox) -> None:
    ids = [gid("Order", number) for number in range(251)]
    error = admin_sandbox.error("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=ids)
    assert error["message"] == "The input array size of 251 is greater than the maximum allowed of 250."
    assert error["extensions"] == {"code": "MAX_INPUT_SIZE_EXCEEDED"}


def test_the_shop_the_installation_and_the_versions_can_be_read(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ shop { name myshopifyDomain currencyCode plan { shopifyPlus } }
        currentAppInstallation { accessScopes { handle } } publicApiVersions { handle supported } }""")
    assert data["shop"] == {
        "name": "Shop A",
        "myshopifyDomain": SHOP,
        "currencyCode": "EUR",
        "plan": {"shopifyPlus": True},
    }
    assert {"handle": "read_orders"} in data["currentAppInstallation"]["accessScopes"]
    assert data["publicApiVersions"][-1] == {"handle": "unstable", "supported": False}


def test_products_and_their_variants_can_be_listed(admin_sandbox: AdminSandbox) -> None:
    data = admin_sandbox.data("""{ products(first: 5, query: "vendor:acme") { nodes { handle
        featuredMedia { __typename } variants(first: 5) { nodes { sku price } } } } productsCount { count } }""")
    variants = {"nodes": [{"sku": "S-M", "price": "12.50"}]}
    node = {"handle": "linen-shirt", "featuredMedia": {"__typename": "MediaImage"}, "variants": variants}
    assert data == {"products": {"nodes": [node]}, "productsCount": {"count": 1}}


def test_a_customer_has_only_their_own_orders(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.put(order(6, customer=None))
    data = admin_sandbox.data(
        '{ customer(id: "gid://shopify/Customer/7") { displayName orders(first: 9) { nodes { name } } } }'
    )
    assert "#6" not in [row["name"] for row in data["customer"]["orders"]["nodes"]]
    assert len(data["customer"]["orders"]["nodes"]) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "you must provide one of first or last"),
        ("(first: 1, last: 1)", "providing both first and last is not supported"),
        ("(first: 251)", "first cannot exceed 250"),
    ],
)
def test_a_page_must_have_one_size(admin_sandbox: AdminSandbox, arguments: str, message: str) -> None:
    body = admin_sandbox.execute(f"{{ orders{arguments} {{ nodes {{ id }} }} }}")
    assert body["data"] is None
    assert body["errors"] == [
        {
            "message": message,
            "locations": [{"line": 1, "column": 3}],
            "path": ["orders"],
            "extensions": {"code": "BAD_REQUEST"},
        }
    ]


def test_a_list_inside_an_order_must_have_a_size_too(admin_sandbox: AdminSandbox) -> None:
    error = admin_sandbox.error('{ order(id: "gid://shopify/Order/2") { lineItems { nodes { id } } } }')
    assert error["message"] == "you must provide one of first or last"
    assert error["path"] == ["order", "lineItems"]


def test_paging_ends_at_25000_objects(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("paging_limit", 3)
    assert len(names(admin_sandbox.data("{ orders(first: 3) { nodes { name } } }"))) == 3
    assert admin_sandbox.error("{ orders(first: 4) { nodes { name } } }")["extensions"]["code"] == "BAD_REQUEST"


def test_a_missing_scope_is_denied_at_its_field_with_the_scope_named() -> None:
    body = AdminSandbox(scopes=["read_orders", "read_all_orders"]).execute(
        '{ order(id: "gid://shopify/Order/2") { name customer { id } } }'
    )
    assert body["data"] == {"order": {"name": "#2", "customer": None}}
    assert body["errors"] == [
        {
            "message": "Access denied for customer field. Required access: `read_customers` access scope.",
            "locations": [{"line": 1, "column": 45}],
            "path": ["order", "customer"],
            "extensions": {
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": "`read_customers` access scope.",
            },
        }
    ]


def test_a_denied_non_null_field_makes_all_data_null() -> None:
    body = AdminSandbox(scopes=["read_products"]).execute("{ orders(first: 1) { nodes { id } } }")
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["requiredAccess"] == "`read_orders` access scope."


def test_any_field_can_be_switched_to_be_denied(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("access_denied", ["Order.email"])
    body = admin_sandbox.execute('{ order(id: "gid://shopify/Order/2") { name email } }')
    assert body["data"] == {"order": {"name": "#2", "email": None}}
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_personal_data_is_null_without_level_two(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("protected_customer_data", "level1")
    data = admin_sandbox.data("""{ order(id: "gid://shopify/Order/2") { name email phone shippingAddress { name city }
        customer { id firstName displayName defaultEmailAddress { emailAddress } } } }""")
    assert data["order"] == {
        "name": "#2",
        "email": None,
        "phone": None,
        "shippingAddress": {"name": None, "city": "Dakar"},
        "customer": {"id": gid("Customer", 7), "firstName": None, "displayName": "", "defaultEmailAddress": None},
    }


def test_orders_are_refused_without_approval_for_protected_data(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("protected_customer_data", "none")
    error = admin_sandbox.error("{ orders(first: 1) { nodes { id } } }")
    assert error["message"] == (
        "This app is not approved to access the Order object. "
        "See https://shopify.dev/docs/apps/launch/protected-customer-data for more details."
    )


def test_a_mutation_is_denied_and_changes_nothing(admin_sandbox: AdminSandbox) -> None:
    body = admin_sandbox.execute('mutation { orderClose(input: {id: "gid://shopify/Order/2"}) { order { id } } }')
    assert body["data"] == {"orderClose": None}
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert body["errors"][0]["message"].startswith("Access denied for orderClose field.")


def test_a_root_field_that_is_not_served_is_denied(admin_sandbox: AdminSandbox) -> None:
    error = admin_sandbox.error("{ locations(first: 1) { nodes { id } } }")
    assert error["extensions"]["code"] == "ACCESS_DENIED"


def test_an_id_of_another_type_is_an_error_and_an_unknown_one_is_null(admin_sandbox: AdminSandbox) -> None:
    body = admin_sandbox.execute('{ order(id: "gid://shopify/Product/1") { id } }')
    assert body["data"] == {"order": None}
    assert body["errors"][0]["message"] == "Invalid id: gid://shopify/Product/1"
    assert body["errors"][0]["extensions"] == {"code": "RESOURCE_NOT_FOUND"}
    assert admin_sandbox.data('{ order(id: "gid://shopify/Order/999") { id } }') == {"order": None}


def test_a_bad_time_in_a_search_is_an_error_of_the_list(admin_sandbox: AdminSandbox) -> None:
    error = admin_sandbox.error("""{ orders(first: 1, query: "created_at:>='soon'") { nodes { id } } }""")
    assert error["message"] == "Invalid timestamp for query filter `created_at`."
    assert (error["extensions"], error["path"]) == ({"code": "BAD_REQUEST"}, ["orders"])


def test_a_document_that_does_not_fit_is_answered_by_errors_alone(admin_sandbox: AdminSandbox) -> None:
    body = admin_sandbox.execute("query OpName { orders(first: 1) { nodes { x } } }")
    assert body == {
        "errors": [
            {
                "message": "Field 'x' doesn't exist on type 'Order'",
                "locations": [{"line": 1, "column": 43}],
                "path": ["query OpName", "orders", "nodes", "x"],
                "extensions": {"code": "undefinedField", "typeName": "Order", "fieldName": "x"},
            }
        ]
    }


def test_the_schema_can_be_introspected(admin_sandbox: AdminSandbox) -> None:
    assert admin_sandbox.data('{ __type(name: "Order") { name } }') == {"__type": {"name": "Order"}}
