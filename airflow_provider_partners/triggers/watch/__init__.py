"""Watchers: triggers that start Dags when a partner's list has new records."""

from __future__ import annotations
