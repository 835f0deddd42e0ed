"""Discounts: those with codes and automatic ones."""

from __future__ import annotations

from airflow_provider_partners.api.shopify_admin.resources.model import admin_resource, changed

_FIELDS = """title status startsAt endsAt createdAt updatedAt discountClasses asyncUsageCount
          combinesWith { orderDiscounts productDiscounts shippingDiscounts }"""
_CODE_FIELDS = """usageLimit appliesOncePerCustomer codesCount { count precision }
          totalSales { amount currencyCode }"""

_KINDS = {
    "DiscountAutomaticApp": "discountId",
    "DiscountAutomaticBasic": "summary",
    "DiscountAutomaticBxgy": "summary",
    "DiscountAutomaticFreeShipping": "summary",
    "DiscountCodeApp": f"discountId {_CODE_FIELDS}",
    "DiscountCodeBasic": f"summary {_CODE_FIELDS}",
    "DiscountCodeBxgy": f"summary {_CODE_FIELDS}",
    "DiscountCodeFreeShipping": f"summary {_CODE_FIELDS}",
}
"""The types of discounts, each with what it has besides the fields of all."""

_DISCOUNTS = admin_resource(
    "discounts",
    "discountNodes",
    type="DiscountNode",
    doc="The shop's discounts, with codes and automatic ones, each with its use.",
    scopes=("read_discounts",),
    **changed("discountNodes", within="discount"),
    # Shopify's documentation does not say which type the id of a discount names.
    by_id=False,
    selected="id discount { __typename "
    + " ".join(f"... on {kind} {{ {_FIELDS} {fields} }}" for kind, fields in _KINDS.items())
    + " }",
)

RESOURCES = (_DISCOUNTS,)
