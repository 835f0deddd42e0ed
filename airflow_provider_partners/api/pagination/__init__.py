"""Pages of a list: what a page is, how the next one is found, how pages are fetched in advance."""

from __future__ import annotations
