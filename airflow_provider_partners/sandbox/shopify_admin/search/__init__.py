"""Shopify's search syntax, parsed and applied to the sandbox's documents."""

from __future__ import annotations
