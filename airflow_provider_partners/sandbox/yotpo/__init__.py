"""The sandbox's Yotpo Core API."""

from __future__ import annotations
