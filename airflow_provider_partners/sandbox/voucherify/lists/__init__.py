"""The lists of the sandbox's Voucherify API."""

from __future__ import annotations
