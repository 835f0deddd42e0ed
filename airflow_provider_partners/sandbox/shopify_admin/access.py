"""What an app may read of a shop: access scopes, protected customer data, and the wording of access errors."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from graphql import GraphQLError

#: The scope that each field needs; ``read_orders`` includes ``Order.fulfillments``.
SCOPES = {
    ("QueryRoot", "orders"): "read_orders",
    ("QueryRoot", "order"): "read_orders",
    ("QueryRoot", "ordersCount"): "read_orders",
    ("QueryRoot", "fulfillment"): "read_orders",
    ("QueryRoot", "customer"): "read_customers",
    ("QueryRoot", "products"): "read_products",
    ("QueryRoot", "product"): "read_products",
    ("QueryRoot", "productsCount"): "read_products",
    ("QueryRoot", "customers"): "read_customers",
    ("QueryRoot", "customersCount"): "read_customers",
    ("QueryRoot", "productVariants"): "read_products",
    ("QueryRoot", "collections"): "read_products",
    ("QueryRoot", "collectionsCount"): "read_products",
    ("QueryRoot", "collection"): "read_products",
    ("QueryRoot", "draftOrders"): "read_draft_orders",
    ("QueryRoot", "draftOrdersCount"): "read_draft_orders",
    ("QueryRoot", "draftOrder"): "read_draft_orders",
    ("QueryRoot", "abandonedCheckouts"): "read_orders",
    ("QueryRoot", "abandonedCheckoutsCount"): "read_orders",
    ("QueryRoot", "fulfillmentOrders"): "read_merchant_managed_fulfillment_orders",
    ("QueryRoot", "fulfillmentOrder"): "read_merchant_managed_fulfillment_orders",
    ("QueryRoot", "locations"): "read_locations",
    ("QueryRoot", "location"): "read_locations",
    ("QueryRoot", "inventoryLevel"): "read_inventory",
    ("QueryRoot", "discountNodes"): "read_discounts",
    ("QueryRoot", "discountNodesCount"): "read_discounts",
    ("QueryRoot", "discountNode"): "read_discounts",
    ("QueryRoot", "refund"): "read_orders",
    ("Location", "inventoryLevels"): "read_inventory",
    ("DraftOrder", "order"): "read_orders",
    ("DraftOrder", "customer"): "read_customers",
    ("AbandonedCheckout", "customer"): "read_customers",
    ("FulfillmentOrderAssignedLocation", "location"): "read_locations",
    ("Order", "customer"): "read_customers",
    ("LineItem", "product"): "read_products",
    ("LineItem", "variant"): "read_products",
}
NODE_SCOPES = {
    "Order": "read_orders",
    "Fulfillment": "read_orders",
    "LineItem": "read_orders",
    "Refund": "read_orders",
    "Customer": "read_customers",
    "Product": "read_products",
    "ProductVariant": "read_products",
    "Collection": "read_products",
    "OrderTransaction": "read_orders",
    "DraftOrder": "read_draft_orders",
    "AbandonedCheckout": "read_orders",
    "FulfillmentOrder": "read_merchant_managed_fulfillment_orders",
    "Location": "read_locations",
    "InventoryLevel": "read_inventory",
    "DiscountNode": "read_discounts",
}
DEFAULT_SCOPES = ("read_all_orders", "read_customers", "read_orders", "read_products")

#: Fields that return an object with "protected customer data", level 1.
PROTECTED = {
    ("QueryRoot", "orders"): "Order",
    ("QueryRoot", "order"): "Order",
    ("QueryRoot", "customer"): "Customer",
    ("QueryRoot", "customers"): "Customer",
    ("Order", "customer"): "Customer",
    ("DraftOrder", "customer"): "Customer",
    ("AbandonedCheckout", "customer"): "Customer",
}
#: Level 2 is name, address, phone and email: without it they are null. ``displayName`` cannot be null; Shopify's
#: value for it is not known.
PERSONAL: dict[str, dict[str, Any]] = {
    "Order": dict.fromkeys(("email", "phone", "clientIp")),
    "DraftOrder": dict.fromkeys(("email", "phone")),
    "FulfillmentOrder": {"destination": None},
    "Customer": {
        **dict.fromkeys(("firstName", "lastName", "email", "phone", "defaultEmailAddress", "defaultPhoneNumber")),
        "displayName": "",
    },
    "MailingAddress": {
        **dict.fromkeys(("firstName", "lastName", "name", "company", "address1", "address2", "zip", "phone")),
        **dict.fromkeys(("latitude", "longitude")),
        "formatted": [],
    },
}


def has_scope(scopes: Collection[str], scope: str) -> bool:
    """Return True if a scope was granted; write access includes read access."""
    return scope in scopes or scope.replace("read_", "write_", 1) in scopes


def denied(field: str, required: str) -> GraphQLError:
    """Return the error ``Access denied for heldByApp field. Required access: …`` (recorded)."""
    return GraphQLError(
        f"Access denied for {field} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": required,
        },
    )


def not_approved(type_name: str) -> GraphQLError:
    """Return the error for an app without approval for protected customer data.

    Clients' bug reports quote the message.
    """
    return GraphQLError(
        f"This app is not approved to access the {type_name} object. "
        "See https://shopify.dev/docs/apps/launch/protected-customer-data for more details.",
        extensions={"code": "ACCESS_DENIED"},
    )


def scope_text(scope: str) -> str:
    """Format a scope as in the error message."""
    return f"`{scope}` access scope."
