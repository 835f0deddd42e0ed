"""What a task reads and writes, reported to asset events, OpenLineage, metrics and links."""

from __future__ import annotations
