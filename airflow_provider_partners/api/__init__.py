"""Clients of the partners' APIs. Nothing in this package imports Airflow."""

from __future__ import annotations
