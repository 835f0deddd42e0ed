"""Further fields and custom properties from the sandbox's Shopify, over real HTTP, by pages and by bulk operations.

The sandbox executes Shopify's official schemas and returns its own documents. So the right values come from these, read
from its store and not through the client.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from independent_mapping import expected_orders
from sandbox import restored_settings, run_sandbox, shopify_admin_client

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sync import BuiltOrder, build_orders, required_fields
from airflow_provider_partners.sync.payload.models import Order, Product

pytestmark = pytest.mark.usefixtures("quick_refusals")

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SINCE = datetime(2022, 1, 1, tzinfo=UTC)

PROPERTIES: dict[str, dict[str, Any]] = {
    "order_properties": {
        "customer_address": "shippingAddress",
        "customer_phonenumber": "shippingAddress|billingAddress.phone",
        "custom": "attribute:gift_note",
        "gift": "metafield:custom.gift",
        "channel": "constant:web",
        "landing": "customerJourneySummary.lastVisit.landingPage",
    },
    "line_properties": {
        "model": "metafield:custom.model",
        "care": "metafield:custom.care",
        "weight": "product.metafield:custom.weight",
        "gauge": "variant.metafield:custom.gauge",
        "custom": "attribute:Engraving",
        "kind": "product.productType",
        "options": "product.option:Size|Größe",
    },
    "product_properties": {"review_form_tag": "productType", "care": "metafield:custom.care"},
}
FIELDS = required_fields(**PROPERTIES)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=80, now=NOW) as running:
        yield running


@pytest.fixture
def server(shared_server: RunningSandbox) -> Iterator[RunningSandbox]:
    with restored_settings(shared_server):
        yield shared_server


def shop_of(server: RunningSandbox) -> str:
    return next(iter(server.sandbox.credentials["shopify_admin"]))


def stored(server: RunningSandbox, kind: str) -> dict[str, dict[str, Any]]:
    store = server.sandbox.store
    return {document["id"]: document for document in store.select("shopify_admin", shop_of(server), kind)}


def read(server: RunningSandbox, version: str = "2026-07", **arguments: Any) -> list[dict[str, Any]]:
    with shopify_admin_client(server, api_version=version) as client:
        return list(client.extract("orders", since=SINCE, until=NOW, **arguments).records())


def read_bulk(server: RunningSandbox, version: str = "2026-07", **arguments: Any) -> list[dict[str, Any]]:
    server.sandbox.switches["shopify_admin.bulk_seconds"] = 0
    with shopify_admin_client(server, api_version=version) as client:
        job = client.job("orders", since=SINCE, until=NOW, **arguments)
        job_id = job.submit()
        for _ in range(200):
            if job.status(job_id).state.name != "RUNNING":
                break
            job.clock.sleep(0.05)
        return list(job.extraction(job_id).records())


def built(server: RunningSandbox, orders: list[dict[str, Any]], **options: Any) -> dict[str, BuiltOrder]:
    results = build_orders(orders, shop=shop_of(server), options=options)
    return {each.external_id: each for each in results if isinstance(each, BuiltOrder)}


def by_key(document: dict[str, Any]) -> dict[str, Any]:
    return {f"{each['namespace']}.{each['key']}": each for each in document["metafields"]}


@pytest.mark.parametrize("version", ["2025-10", "2026-07"])
def test_pages_and_bulk_operations_have_the_same_further_fields(server: RunningSandbox, version: str) -> None:
    paged, bulk = read(server, version, fields=FIELDS), read_bulk(server, version, fields=FIELDS)
    assert sorted(bulk, key=lambda order: order["id"]) == sorted(paged, key=lambda order: order["id"])
    orders, products = stored(server, "order"), stored(server, "product")
    found = set()
    for order in paged:
        of_order = by_key(orders[order["id"]]).get("custom.gift")
        expected = of_order and {name: of_order[name] for name in ("type", "value", "jsonValue")}
        assert order["metafields"] == {"custom.gift": expected}
        for line in order["lineItems"]:
            if line["product"]:
                care = by_key(products[line["product"]["id"]])["custom.care"] if not line["isGiftCard"] else None
                shown = line["product"]["metafields"]["custom.care"]
                assert (shown or {}).get("value") == (care or {}).get("value")
                found.add(bool(shown))
    assert found == {True, False}


@pytest.mark.covers("yotpo.order.checkout_token", "yotpo.order.landing_site_url")
def test_tokens_landing_pages_and_codes_are_read_without_any_further_field(server: RunningSandbox) -> None:
    orders, landed = stored(server, "order"), 0
    for order in read(server):
        document = orders[order["id"]]
        assert order["checkoutToken"] == document["checkoutToken"]
        assert order["discountCodes"] == document["discountCodes"]
        visit = (document["customerJourneySummary"] or {}).get("firstVisit")
        assert (order["customerJourneySummary"] or {}).get("firstVisit") == (
            visit and {"landingPage": visit["landingPage"]}
        )
        landed += bool(visit)
    assert 0 < landed < len(orders)


def test_an_older_version_has_no_checkout_token_and_none_is_requested(server: RunningSandbox) -> None:
    """https://shopify.dev/changelog/new-checkouttoken-field-added-to-the-order-object: since 2026-07."""
    assert not any("checkoutToken" in order for order in read(server, "2025-10"))
    assert all("checkoutToken" in order for order in read(server, "2026-07"))


@pytest.mark.covers(
    "yotpo.order.custom_properties",
    "yotpo.order.checkout_token",
    "yotpo.order.landing_site_url",
    "yotpo.order_properties.delivery_type",
    "yotpo.order_properties.customer_state",
    "yotpo.order_properties.customer_country",
    "yotpo.order_properties.coupon_used",
    "yotpo.line_properties.vendor",
    "yotpo.line_properties.color",
    "yotpo.line_properties.size",
    "yotpo.line_properties.material",
    "yotpo.line_properties.coupon_used",
    "yotpo.line_item.coupon_code",
)
@pytest.mark.parametrize("way", [read, read_bulk])
def test_default_properties_and_codes_are_those_of_an_independent_mapping(server: RunningSandbox, way: Any) -> None:
    documents = list(stored(server, "order").values())
    yofi: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("return", "order", "customer", "return_prediction", "customer_prediction")
    }
    expected = expected_orders(documents, yofi, products=list(stored(server, "product").values()))
    payloads = built(server, way(server))
    assert payloads.keys() == expected.keys()
    names = {"vendor", "color", "size", "material", "coupon_used"}
    for external_id, order in payloads.items():
        wanted = expected[external_id]
        assert order.order["custom_properties"] == wanted["custom_properties"]
        assert order.order["checkout_token"] == wanted["checkout_token"]
        assert order.order.get("landing_site_url") == wanted.get("landing_site_url")
        for line in order.order["line_items"]:
            of_line = wanted["line_items"][line["external_product_id"]]
            assert line["custom_properties"] == {name: of_line[name] for name in names & of_line.keys()}
            assert line.get("coupon_code") == of_line.get("coupon_code")
    assert any(line.get("coupon_code") for order in payloads.values() for line in order.order["line_items"])


@pytest.mark.covers("yotpo.line_properties.model", "yotpo.order_properties.own")
def test_mapped_properties_come_from_what_their_sources_name(server: RunningSandbox) -> None:
    orders, products = stored(server, "order"), stored(server, "product")
    payloads = built(server, read(server, fields=FIELDS), **PROPERTIES)
    seen: set[str] = set()
    for document in orders.values():
        order = payloads.get(document["legacyResourceId"])
        if order is None:
            continue
        assert Order.violations(order.order) == []
        properties = order.order["custom_properties"]
        assert properties["channel"] == "web"
        assert properties.get("gift") == (True if by_key(document) else None)
        lines = {line["product"]["id"] for line in document["lineItems"] if line["product"]}
        for gid in lines:
            product = products[gid]
            sent = next(
                (
                    each["custom_properties"]
                    for each in order.order["line_items"]
                    if each["external_product_id"] == product["legacyResourceId"]
                ),
                None,
            )
            if sent is None:
                continue
            metafields = by_key(product)
            assert sent["kind"] == product["productType"] or not product["productType"]
            assert sent.get("model") == metafields.get("custom.model", {}).get("value")
            assert sent["care"] == "Wipe clean, Keep dry"
            assert sent["weight"] == "0.5 kg"
            assert isinstance(sent["gauge"], int)
            seen |= sent.keys()
        for product in order.products:
            assert Product.violations(product) == []
            assert product["custom_properties"]["care"] == "Wipe clean, Keep dry"
        seen |= properties.keys()
    assert {"model", "custom", "size", "gift", "landing", "customer_address", "customer_phonenumber"} <= seen


def test_without_personal_data_no_property_of_the_customer_is_requested_or_sent(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.access_denied"] = [
        "Order.customer",
        "Order.shippingAddress",
        "Order.billingAddress",
    ]
    payloads = built(server, read(server, fields=FIELDS, personal_data=False), **PROPERTIES)
    names = {name for order in payloads.values() for name in order.order["custom_properties"]}
    assert "delivery_type" in names
    assert not [name for name in names if name.startswith("customer_")]


def test_an_order_with_many_lines_has_the_further_fields_on_every_page_of_them(server: RunningSandbox) -> None:
    large = max(stored(server, "order").values(), key=lambda order: len(order["lineItems"]))
    (order,) = read(
        server, fields=["lineItems.variant.metafield:custom.gauge"], query=f"id:{large['legacyResourceId']}"
    )
    assert len(order["lineItems"]) == len(large["lineItems"]) > 250
    assert all("custom.gauge" in line["variant"]["metafields"] for line in order["lineItems"] if line["variant"])


@pytest.mark.parametrize("way", [read, read_bulk])
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["shippingLine.titel"], "'shippingLine.titel'.*did you mean 'title'"),
        (["lineItems.varient.sku"], "'lineItems.varient'.*did you mean 'variant'"),
        (["retailLocation"], "'retailLocation' is an object.*has to end in one of its fields"),
        (["note.text"], "'note' is no object"),
        (["name.first"], "'name' is no object"),
    ],
)
def test_a_field_that_shopify_does_not_have_is_named_with_the_nearest_one(
    server: RunningSandbox, way: Any, fields: list[str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        way(server, fields=fields)


def test_fields_that_cost_too_much_make_the_pages_smaller(server: RunningSandbox) -> None:
    server.sandbox.switches["shopify_admin.max_query_cost"] = 400
    orders = read(server, fields=FIELDS, page_size=50)
    assert len(orders) == len(stored(server, "order"))
    assert all("metafields" in order for order in orders)


def test_fields_that_are_left_out_are_not_in_the_records(server: RunningSandbox) -> None:
    orders = read(server, fields=["-customerJourneySummary", "-lineItems.product.featuredMedia", "-fulfillments"])
    assert not any("customerJourneySummary" in order or "fulfillments" in order for order in orders)
    products = [line["product"] for order in orders for line in order["lineItems"] if line["product"]]
    assert products
    assert not any("featuredMedia" in product for product in products)
    assert sorted(order["id"] for order in read_bulk(server, fields=["-fulfillments"])) == sorted(
        order["id"] for order in orders
    )
