"""Voucherify's exports: submit one, wait for it, read its CSV file."""

from __future__ import annotations
