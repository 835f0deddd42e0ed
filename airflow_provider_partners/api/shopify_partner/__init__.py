"""Shopify's Partner API: app events, transactions and shops of one organization."""

from __future__ import annotations
