"""Shopify's Admin API: orders, products and customers of one shop."""

from __future__ import annotations
