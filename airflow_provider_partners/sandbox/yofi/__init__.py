"""The sandbox's Yofi API."""

from __future__ import annotations
