"""The sandbox's Yotpo API."""

from __future__ import annotations
