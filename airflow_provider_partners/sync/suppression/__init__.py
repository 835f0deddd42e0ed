"""Which review requests are suppressed, and why."""

from __future__ import annotations
