"""The wire: clients of the partners' APIs. Nothing in here imports Airflow."""

from __future__ import annotations
