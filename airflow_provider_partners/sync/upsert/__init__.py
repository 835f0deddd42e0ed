"""Writing to Yotpo: look up, plan, create or patch, and report each record's outcome."""

from __future__ import annotations
