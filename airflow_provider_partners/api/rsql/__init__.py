"""RSQL, the query language of Yofi's filters: build, parse and evaluate expressions."""

from __future__ import annotations
