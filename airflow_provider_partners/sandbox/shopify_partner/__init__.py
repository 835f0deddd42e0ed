"""The sandbox's Partner API."""

from __future__ import annotations
