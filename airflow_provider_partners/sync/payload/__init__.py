"""Models of what Yotpo accepts, checked before anything is sent."""

from __future__ import annotations
