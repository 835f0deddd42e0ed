"""Operators of a database that an Airflow connection names: a query becomes a dataset, and a dataset a table.

They use the hooks of Airflow's providers through ``apache-airflow-providers-common-sql``, the extra ``sql``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.operators.sql.load import DatasetToSqlOperator as DatasetToSqlOperator
    from airflow_provider_partners.operators.sql.load import TableLoad as TableLoad
    from airflow_provider_partners.operators.sql.query import SqlToDatasetOperator as SqlToDatasetOperator

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "load": ["DatasetToSqlOperator", "TableLoad"],
        "query": ["SqlToDatasetOperator"],
    },
)
