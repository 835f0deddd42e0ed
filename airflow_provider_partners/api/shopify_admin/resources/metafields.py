"""Metafields: one list for each kind of owner, and one that joins them all.

Shopify has no list of all metafields. They are read with their owners, and a time range selects the owners. What holds
few metafields, the shop and its locations, is read completely.
"""

from __future__ import annotations

from airflow_provider_partners.api.shopify_admin.resources.model import (
    DEFAULT_PAGE_SIZE,
    AdminResource,
    Nested,
    admin_resource,
    changed,
)

_FIELDS = "id legacyResourceId namespace key type ownerType createdAt updatedAt"
_VALUE = "value"

_BY_CHANGE = {"time_field": "owner.updatedAt", "search_field": "updated_at"}


def _metafields(
    owner: str, root: str, root_type: str, *, about: str, scope: str = "", **options: object
) -> AdminResource:
    is_personal = root_type == "Customer"
    value = "" if is_personal else _VALUE
    return admin_resource(
        f"{owner}_metafields",
        root,
        type="Metafield",
        root_type=root_type,
        doc=f"The metafields of {about}.",
        url="https://shopify.dev/docs/api/admin-graphql/latest/objects/Metafield",
        scopes=(scope,) if scope else (),
        parent_key="owner_id",
        within=Nested(field="metafields", type="Metafield", first=20),
        selected=f"{_FIELDS} {value} owner {{ __typename ... on {root_type} {{ id updatedAt }} }}",
        personal={_VALUE: _VALUE} if is_personal else {},
        **options,
    )


def _counted(root: str) -> dict[str, object]:
    return changed(root, within="owner")


_OWNERS = (
    _metafields("product", "products", "Product", about="products", scope="read_products", **_counted("products")),
    _metafields(
        "variant",
        "productVariants",
        "ProductVariant",
        about="product variants",
        scope="read_products",
        sort_key="ID",
        **_BY_CHANGE,
    ),
    _metafields(
        "collection", "collections", "Collection", about="collections", scope="read_products", **_counted("collections")
    ),
    _metafields(
        "customer",
        "customers",
        "Customer",
        about="customers",
        scope="read_customers",
        counts_by_time_only=True,
        **_counted("customers"),
    ),
    _metafields("order", "orders", "Order", about="orders", scope="read_orders", **_counted("orders")),
    _metafields(
        "draft_order",
        "draftOrders",
        "DraftOrder",
        about="draft orders",
        scope="read_draft_orders",
        **_counted("draftOrders"),
    ),
    _metafields(
        "location",
        "locations",
        "Location",
        about="locations",
        scope="read_locations",
        client_time_field="updatedAt",
        sort_key="ID",
        arguments="includeInactive: true, includeLegacy: true",
    ),
    _metafields(
        "shop",
        "shop",
        "Shop",
        about="the shop itself",
        client_time_field="updatedAt",
        is_single=True,
        per_parent=True,
        bulk=False,
    ),
)

_ALL = admin_resource(
    "metafields",
    "products",
    type="Metafield",
    doc="The metafields of products, variants, collections, customers, orders, draft orders, locations and the shop.",
    url="https://shopify.dev/docs/api/admin-graphql/latest/objects/Metafield",
    scopes=tuple(dict.fromkeys(scope for owner in _OWNERS for scope in owner.scopes)),
    time_field="owner.updatedAt",
    page_size=DEFAULT_PAGE_SIZE,
    bulk=False,
    selected=f"{_FIELDS} {_VALUE} owner {{ __typename "
    + " ".join(f"... on {owner.root_type} {{ id updatedAt }}" for owner in _OWNERS)
    + " }",
    parts=tuple(owner.name for owner in _OWNERS),
)

RESOURCES = (*_OWNERS, _ALL)
