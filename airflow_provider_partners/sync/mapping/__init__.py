"""Map a Shopify order to a Yotpo order: value tables, lines, fulfillments, customer."""

from __future__ import annotations
