"""Seed of Voucherify's loyalty programs."""

from __future__ import annotations
