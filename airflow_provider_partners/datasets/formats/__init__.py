"""The formats of part files: gzipped JSON lines, and Parquet."""

from __future__ import annotations

__all__: list[str] = []
