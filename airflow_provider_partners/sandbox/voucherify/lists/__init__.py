"""The lists of the sandbox's Voucherify API: tables, selection, pages and cursors."""

from __future__ import annotations

__all__: list[str] = []
