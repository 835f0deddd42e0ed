"""Voucherify's API: every list, its filters, and exports."""

from __future__ import annotations
