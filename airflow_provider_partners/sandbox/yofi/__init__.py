"""The sandbox's Yofi Partner Data API."""

from __future__ import annotations
