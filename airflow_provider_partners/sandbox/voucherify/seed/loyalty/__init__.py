"""Seeds Voucherify's loyalty programs, of the first and the second API."""

from __future__ import annotations

__all__: list[str] = []
