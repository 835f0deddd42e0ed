"""Shopify's bulk operations: submit one, wait for it, read its result file."""

from __future__ import annotations
