"""Yofi's Partner Data API: returns, claims, customers, orders and predictions."""

from __future__ import annotations
