"""The Admin API's resolvers: root fields, joins between documents, and derived values.

All other fields come unchanged from the document.
"""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify.graphql.resolvers import Arguments, Document, Info, Resolver
from airflow_provider_partners.sandbox.shopify.graphql.schema import public_api_versions
from airflow_provider_partners.sandbox.shopify_admin import lists, sorting
from airflow_provider_partners.sandbox.shopify_admin.documents import (
    Entries,
    contents_with_order,
    variants_with_product,
)
from airflow_provider_partners.sandbox.shopify_admin.request import MAX_PAGE, AdminRequest
from airflow_provider_partners.sandbox.shopify_admin.search import fields as resources
from airflow_provider_partners.sandbox.world.money import ZERO, Currencies, parse_money_bag
from airflow_provider_partners.sandbox.world.orders.discounts import allocated_amount, is_product_code


def _order_entries(request: AdminRequest, arguments: Arguments) -> Entries:
    """Return the orders, with the fields that this search and sort need."""
    query = str(arguments.get("query") or "")
    return request.documents.orders(contents="sku" in query or arguments.get("sortKey") == "TOTAL_ITEMS_QUANTITY")


def _orders(request: AdminRequest, source: Document | None, info: Info, arguments: Arguments) -> Any:
    entries = _order_entries(request, arguments)
    if info.parent_type.name == "Customer" and source:
        entries = entries.of_customer(source["id"])
    return request.list_connection(entries, info, arguments, filters=resources.ORDERS, sorts=sorting.ORDERS)


def _orders_count(request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Document:
    return request.count_matches(_order_entries(request, arguments), info, arguments, resources.ORDERS)


def _products(request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Any:
    return request.list_connection(
        request.documents.products(), info, arguments, filters=resources.PRODUCTS, sorts=sorting.PRODUCTS
    )


def _products_count(request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Document:
    return request.count_matches(request.documents.products(), info, arguments, resources.PRODUCTS)


def _read(type_name: str) -> Resolver:
    return lambda request, _source, _info, arguments: request.read_object(arguments["id"], type_name)


def _node(request: AdminRequest, _source: Any, _info: Info, arguments: Arguments) -> Document | None:
    return request.read_node(arguments["id"])


def _nodes(request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> list[Document | None]:
    ids = arguments["ids"]
    if len(ids) > MAX_PAGE:
        msg = f"The input array size of {len(ids)} is greater than the maximum allowed of {MAX_PAGE}."
        raise GraphQLError(
            msg,
            info.field_nodes,
            path=[*info.path.as_list(), "ids"],
            extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"},
        )
    return [request.read_node(gid) for gid in ids]


def _installation(request: AdminRequest, _source: Any, _info: Info, _arguments: Arguments) -> Document:
    scopes = [{"handle": scope, "description": scope.replace("_", " ").capitalize()} for scope in request.scopes]
    return {"id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}


def _versions(request: AdminRequest, _source: Any, _info: Info, _arguments: Arguments) -> list[dict[str, object]]:
    return public_api_versions("shopify_admin", oldest=request.switch("oldest_version"))


def _inside(name: str) -> Resolver:
    return lambda _request, source, _info, _arguments: contents_with_order(source, name)


def _order_fulfillments(request: AdminRequest, source: Document, info: Info, arguments: Arguments) -> list[Document]:
    """Return a plain list, not a connection; ``query`` filters it, ``first`` truncates it."""
    search = request.search(info, arguments, resources.FULFILLMENTS)
    return [fulfillment for fulfillment in contents_with_order(source, "fulfillments") if search.matches(fulfillment)]


def _same_order(name: str) -> Resolver:
    """Return a resolver for objects one level deeper, which keeps the reference to the order."""
    return lambda _request, source, _info, _arguments: [
        {**item, "order": source.get("order")} for item in source.get(name) or ()
    ]


def _line_item(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    gid, order = source["lineItem"]["id"], source.get("order") or {}
    return next((item for item in order.get("lineItems") or () if item["id"] == gid), None)


def _product_of_item(request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    """Return ``None`` for a custom line item, and for a deleted product."""
    reference = source.get("product")
    return request.documents.product(reference["id"]) if reference else None


def _variant_of_item(request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    reference, product = source.get("variant"), source.get("product")
    return request.documents.variant(reference["id"], product["id"]) if reference and product else None


def _discounted_total(_request: AdminRequest, source: Document, _info: Info, arguments: Arguments) -> Document | None:
    """Return a line's price without order-wide discounts; codes for products are left out by default."""
    discounted: Document | None = source.get("discountedTotalSet")
    codes = allocated_amount(source, is_product_code) if arguments.get("withCodeDiscounts") else ZERO
    if not codes or discounted is None:
        return discounted
    money = Currencies(*(discounted[side]["currencyCode"] for side in ("shopMoney", "presentmentMoney")))
    return money.render(parse_money_bag(discounted) - codes)


def _shipping_line(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    """Return the first shipping line that is not removed.

    Shopify documents it as "a summary of all shipping costs"; an order of the sandbox has one line at most.
    """
    return next((line for line in source.get("shippingLines") or () if not line.get("isRemoved")), None)


def _metafield(_request: AdminRequest, source: Document, _info: Info, arguments: Arguments) -> Document | None:
    """Return the metafield with a namespace and a key; without a namespace, one of the app's own, which has none."""
    wanted = (arguments.get("namespace"), arguments["key"])
    found = (each for each in source.get("metafields") or () if (each["namespace"], each["key"]) == wanted)
    return next((lists.owned_metafield(each, source) for each in found), None)


def _variants(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> list[Document]:
    return variants_with_product(source)


def _variant_name(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> str:
    return f"{source['product']['title']} - {source['title']}"


def _display_address(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    return source.get("shippingAddress") or source.get("billingAddress")


def _media(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
    media = source.get("featuredMedia")
    if not media:
        return None
    known = {"__typename": "MediaImage", "mediaContentType": "IMAGE", "status": "READY"}
    return {**known, "image": (media.get("preview") or {}).get("image"), **media}


def _count(name: str) -> Resolver:
    return lambda _request, source, _info, _arguments: {"count": len(source.get(name) or ()), "precision": "EXACT"}


def _total(name: str, amount: str) -> Resolver:
    def total(_request: AdminRequest, source: Document, info: Info, _arguments: Arguments) -> Any:
        known = source.get(info.field_name)
        return known if known is not None else sum(item.get(amount) or 0 for item in source.get(name) or ())

    return total


def _set(name: str) -> Resolver:
    """Return a resolver for a flag that follows from a timestamp, unless the document has its own value."""

    def flag(_request: AdminRequest, source: Document, info: Info, _arguments: Arguments) -> bool:
        return bool(source[info.field_name] if info.field_name in source else source.get(name))

    return flag


def _shop(request: AdminRequest, _source: Any, _info: Info, _arguments: Arguments) -> Document:
    domain = request.shop.get("myshopifyDomain", "")
    url = f"https://{domain}"
    usual = {
        "id": "gid://shopify/Shop/1",
        "url": url,
        "primaryDomain": {"id": "gid://shopify/Domain/1", "host": domain, "url": url, "sslEnabled": True},
        "ianaTimezone": "Etc/UTC",
        "timezoneAbbreviation": "UTC",
        "timezoneOffset": "+0000",
        "timezoneOffsetMinutes": 0,
    }
    return {**usual, **request.shop}


def _plan(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document:
    plan = source.get("plan", "standard")
    if isinstance(plan, dict):
        return plan
    named = {"publicDisplayName": plan.capitalize(), "displayName": plan.capitalize()}
    return {**named, "shopifyPlus": plan == "plus", "partnerDevelopment": False}


TABLE: dict[tuple[str, str], Resolver] = {
    **lists.TABLE,
    ("QueryRoot", "orders"): _orders,
    ("QueryRoot", "ordersCount"): _orders_count,
    ("QueryRoot", "order"): _read("Order"),
    ("QueryRoot", "products"): _products,
    ("QueryRoot", "productsCount"): _products_count,
    ("QueryRoot", "product"): _read("Product"),
    ("QueryRoot", "productVariant"): _read("ProductVariant"),
    ("QueryRoot", "fulfillment"): _read("Fulfillment"),
    ("QueryRoot", "customer"): _read("Customer"),
    ("QueryRoot", "node"): _node,
    ("QueryRoot", "nodes"): _nodes,
    ("QueryRoot", "shop"): _shop,
    ("QueryRoot", "currentAppInstallation"): _installation,
    ("QueryRoot", "publicApiVersions"): _versions,
    ("Shop", "plan"): _plan,
    ("Shop", "orders"): _orders,
    ("Shop", "products"): _products,
    ("Customer", "orders"): _orders,
    ("Order", "lineItems"): _inside("lineItems"),
    ("Order", "fulfillments"): _order_fulfillments,
    ("Order", "refunds"): _inside("refunds"),
    ("Order", "transactions"): _inside("transactions"),
    ("Order", "fulfillmentsCount"): _count("fulfillments"),
    ("Order", "transactionsCount"): _count("transactions"),
    ("Order", "displayAddress"): _display_address,
    ("Order", "closed"): _set("closedAt"),
    ("Order", "shippingLine"): _shipping_line,
    **{(owner, "metafield"): _metafield for owner, field in lists.TABLE if field == "metafields"},
    ("Order", "subtotalLineItemsQuantity"): _total("lineItems", "quantity"),
    ("Order", "currentSubtotalLineItemsQuantity"): _total("lineItems", "currentQuantity"),
    ("Fulfillment", "fulfillmentLineItems"): _same_order("fulfillmentLineItems"),
    ("Fulfillment", "totalQuantity"): _total("fulfillmentLineItems", "quantity"),
    ("FulfillmentLineItem", "lineItem"): _line_item,
    ("Refund", "refundLineItems"): _same_order("refundLineItems"),
    ("Refund", "transactions"): _same_order("transactions"),
    ("RefundLineItem", "lineItem"): _line_item,
    ("LineItem", "discountedTotalSet"): _discounted_total,
    ("LineItem", "product"): _product_of_item,
    ("LineItem", "variant"): _variant_of_item,
    ("AbandonedCheckoutLineItem", "product"): _product_of_item,
    ("AbandonedCheckoutLineItem", "variant"): _variant_of_item,
    ("DraftOrderLineItem", "product"): _product_of_item,
    ("DraftOrderLineItem", "variant"): _variant_of_item,
    ("Product", "variants"): _variants,
    ("Product", "variantsCount"): _count("variants"),
    ("Product", "featuredMedia"): _media,
    ("ProductVariant", "displayName"): _variant_name,
}
