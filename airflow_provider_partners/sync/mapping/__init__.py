"""A Shopify order as a Yotpo order: tables of values, lines, fulfillments, customer."""

from __future__ import annotations
