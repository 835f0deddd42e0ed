"""Products, variants and collections, and where they are in stock."""

from __future__ import annotations

from airflow_provider_partners.api.shopify_admin.resources.model import Nested, admin_resource, changed
from airflow_provider_partners.api.shopify_admin.resources.selections import PREVIEW_IMAGE

_VARIANT = "id legacyResourceId title sku barcode price createdAt updatedAt"

VARIANTS = Nested(field="variants", type="ProductVariant", fields=_VARIANT)

_PRODUCTS = admin_resource(
    "products",
    "products",
    type="Product",
    doc="The shop's products, with all variants.",
    scopes=("read_products",),
    **changed("products"),
    selected=f"""id legacyResourceId title handle vendor productType status tags createdAt updatedAt publishedAt
      description onlineStoreUrl {PREVIEW_IMAGE}""",
    nested=(VARIANTS,),
)

_PRODUCT_VARIANTS = admin_resource(
    "product_variants",
    "productVariants",
    type="ProductVariant",
    doc="The variants of all products, each with its product.",
    scopes=("read_products",),
    time_field="updatedAt",
    search_field="updated_at",
    sort_key="ID",
    selected=f"""{_VARIANT} displayName position compareAtPrice inventoryQuantity inventoryPolicy taxable
      availableForSale selectedOptions {{ name value }} product {{ id title handle }}""",
)

_COLLECTIONS = admin_resource(
    "collections",
    "collections",
    type="Collection",
    doc="The shop's collections of products.",
    scopes=("read_products",),
    **changed("collections"),
    selected="""id legacyResourceId title handle descriptionHtml updatedAt sortOrder templateSuffix
      image { url altText } seo { title description }""",
)

_LOCATIONS = admin_resource(
    "locations",
    "locations",
    type="Location",
    doc="The shop's locations, inactive ones and those of fulfillment services as well.",
    scopes=("read_locations",),
    client_time_field="updatedAt",
    sort_key="ID",
    arguments="includeInactive: true, includeLegacy: true",
    selected="""id legacyResourceId name isActive activatable deactivatable deletable addressVerified createdAt
      updatedAt deactivatedAt fulfillsOnlineOrders hasActiveInventory hasUnfulfilledOrders isFulfillmentService
      shipsInventory
      address { address1 address2 city zip province provinceCode country countryCode latitude longitude phone }""",
)

_INVENTORY_LEVELS = admin_resource(
    "inventory_levels",
    "locations",
    type="InventoryLevel",
    root_type="Location",
    doc="How much of each inventory item each location has, in every state.",
    url="https://shopify.dev/docs/api/admin-graphql/latest/objects/InventoryLevel",
    scopes=("read_inventory", "read_locations", "read_products"),
    time_field="updatedAt",
    search_field="updated_at",
    sort_key="ID",
    arguments="includeInactive: true, includeLegacy: true",
    parent_key="location_id",
    id_parameter="inventory_item_id",
    per_parent=True,
    within=Nested(field="inventoryLevels", type="InventoryLevel", arguments="query: $query"),
    selected="""id createdAt updatedAt canDeactivate deactivationAlert
      quantities(names: ["available", "on_hand", "committed", "incoming", "reserved", "damaged", "safety_stock",
        "quality_control"]) { name quantity updatedAt }
      item { id legacyResourceId sku tracked } location { id legacyResourceId name }""",
)

RESOURCES = (_PRODUCTS, _PRODUCT_VARIANTS, _COLLECTIONS, _LOCATIONS, _INVENTORY_LEVELS)
