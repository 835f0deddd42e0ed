"""The exports of the sandbox's Voucherify API: jobs, files and downloads."""

from __future__ import annotations

__all__: list[str] = []
