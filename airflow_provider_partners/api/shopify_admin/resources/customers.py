"""Customers."""

from __future__ import annotations

from airflow_provider_partners.api.shopify_admin.resources.model import admin_resource, changed
from airflow_provider_partners.api.shopify_admin.resources.selections import ADDRESS

_CUSTOMERS = admin_resource(
    "customers",
    "customers",
    type="Customer",
    doc="The shop's customers, each with the default address and marketing consent.",
    scopes=("read_customers",),
    **changed("customers"),
    counts_by_time_only=True,
    selected="""id legacyResourceId createdAt updatedAt state locale tags numberOfOrders lifetimeDuration taxExempt
      taxExemptions verifiedEmail dataSaleOptOut productSubscriberStatus amountSpent { amount currencyCode }""",
    personal={
        "firstName": "firstName",
        "lastName": "lastName",
        "displayName": "displayName",
        "note": "note",
        "defaultEmailAddress": "defaultEmailAddress { emailAddress marketingState marketingUpdatedAt }",
        "defaultPhoneNumber": "defaultPhoneNumber { phoneNumber marketingState }",
        "defaultAddress": f"defaultAddress {ADDRESS}",
    },
)

RESOURCES = (_CUSTOMERS,)
