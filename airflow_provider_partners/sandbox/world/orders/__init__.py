"""Orders of the sandbox's shops: scenarios, lines, totals, life cycle."""

from __future__ import annotations
