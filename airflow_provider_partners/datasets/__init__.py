"""Datasets: part files and a manifest that hold records between tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.list_writer import write_dataset as write_dataset
    from airflow_provider_partners.datasets.location import dataset_uri as dataset_uri
    from airflow_provider_partners.datasets.progress import Progress as Progress
    from airflow_provider_partners.datasets.progress import ProgressLog as ProgressLog
    from airflow_provider_partners.datasets.publish import publish_dataset as publish_dataset
    from airflow_provider_partners.datasets.reader import read_column as read_column
    from airflow_provider_partners.datasets.reader import read_dataset as read_dataset
    from airflow_provider_partners.datasets.reference import DatasetRef as DatasetRef
    from airflow_provider_partners.datasets.reference import DatasetRefDict as DatasetRefDict
    from airflow_provider_partners.datasets.schema import Column as Column
    from airflow_provider_partners.datasets.schema import dataset_columns as dataset_columns
    from airflow_provider_partners.datasets.writer import DatasetWriter as DatasetWriter

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "location": ["dataset_uri"],
        "progress": ["Progress", "ProgressLog"],
        "publish": ["publish_dataset"],
        "reader": ["read_column", "read_dataset"],
        "reference": ["DatasetRef", "DatasetRefDict"],
        "schema": ["Column", "dataset_columns"],
        "list_writer": ["write_dataset"],
        "writer": ["DatasetWriter"],
    },
)
