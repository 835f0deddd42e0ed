"""The shops that the sandbox serves: their products, customers and orders, and changes to them."""

from __future__ import annotations

__all__: list[str] = []
