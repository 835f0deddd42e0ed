"""Yotpo's Core API: orders, fulfillments, products and customers of one store."""

from __future__ import annotations
