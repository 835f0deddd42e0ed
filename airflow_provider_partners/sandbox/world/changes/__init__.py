"""Changes that a test, a demo or a user makes to the sandbox's shops."""

from __future__ import annotations

__all__: list[str] = []
