"""Models of what Yotpo accepts; they are checked before anything is sent."""

from __future__ import annotations
