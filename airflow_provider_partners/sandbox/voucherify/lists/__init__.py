"""Lists of the sandbox's Voucherify API: tables, filters, sorting, paging."""

from __future__ import annotations
