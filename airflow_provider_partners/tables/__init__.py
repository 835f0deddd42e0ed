"""Tables and files as records, and records as tables: what is between a dataset and a database."""

from __future__ import annotations

__all__: list[str] = []
