"""Tables and files as records, and records as tables: what is between a dataset and a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.tables.recipes import load_statements as load_statements

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {"recipes": ["load_statements"]})
