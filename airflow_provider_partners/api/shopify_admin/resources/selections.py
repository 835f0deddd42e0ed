"""Selections that several lists share, in GraphQL."""

from __future__ import annotations

SHOP_MONEY = "{ shopMoney { amount currencyCode } }"

MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
"""An amount in the shop's currency and in the buyer's. Money costs no points."""

PREVIEW_IMAGE = "featuredMedia { preview { image { url } } }"

ADDRESS = """{ firstName lastName name company address1 address2 city zip province provinceCode country
        countryCodeV2 phone }"""

CUSTOMER = """customer {
        id legacyResourceId firstName lastName
        defaultEmailAddress { emailAddress marketingState }
        defaultPhoneNumber { phoneNumber marketingState }
      }"""
"""The customer of an order. Personal data: Shopify protects it, and it needs the scope ``read_customers``.

See https://shopify.dev/docs/apps/launch/protected-customer-data.
"""
