"""What ``@task`` functions import: datasets in place of records in XCom, and errors as operators treat them.

.. code-block:: python

    from airflow.sdk import get_current_context, task
    from airflow_provider_partners import YofiHook
    from airflow_provider_partners.taskflow import dataset_uri, translate_errors, write_dataset


    @task
    def extract_claims(shop: str, since: str, until: str) -> dict:
        context = get_current_context()
        with translate_errors(context), YofiHook(shop=shop) as yofi:
            extraction = yofi.extract("claims", since=since, until=until)
            return write_dataset(extraction, uri=dataset_uri(context)).to_dict()
"""

from __future__ import annotations

from airflow_provider_partners._compat import in_thread
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.reader import read_column, read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.task_errors import translate_errors

__all__ = [
    "DatasetRef",
    "DatasetWriter",
    "dataset_uri",
    "in_thread",
    "read_column",
    "read_dataset",
    "translate_errors",
    "write_dataset",
]
