"""The shops that the sandbox serves: their customers, products and orders, and changes to them."""

from __future__ import annotations
