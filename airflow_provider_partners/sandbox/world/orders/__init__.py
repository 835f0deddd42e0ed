"""Orders of the sandbox's shops: scenarios, line items, totals, lifecycle, edge cases."""

from __future__ import annotations

__all__: list[str] = []
