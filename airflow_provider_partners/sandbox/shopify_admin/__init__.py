"""The sandbox's Admin API."""

from __future__ import annotations
