"""Yotpo: a store's lists to datasets, and orders built of what Shopify and Yofi know.

Writing to Yotpo is in ``operators/upsert.py``; its operators are offered here too, so that there is one place to import
a store's operators from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_partners import settings
from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.yotpo import RESOURCES
from airflow_provider_partners.datasets.read import read
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.write import DatasetWriter
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.operators.upsert import (
    YotpoReplayRejectsOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.sync.build import Rejected, build

__all__ = [
    "YotpoBuildOrdersOperator",
    "YotpoExtractOperator",
    "YotpoReplayRejectsOperator",
    "YotpoUpsertFulfillmentsOperator",
    "YotpoUpsertOrdersOperator",
    "YotpoUpsertProductsOperator",
]


class YotpoExtractOperator(ExtractOperator):
    """Extracts a list of a Yotpo store to a dataset, and returns the dataset's reference.

    .. seealso:: :ref:`howto/operator:YotpoExtractOperator`

    :param resource: ``orders``, ``products``, ``customers``, ``fulfillments`` or ``variants`` (templated)
    :param yotpo_conn_id: the connection (templated)
    """

    template_fields: Sequence[str] = (*ExtractOperator.template_fields, "yotpo_conn_id")
    resources: ClassVar[Mapping[str, Any]] = RESOURCES
    ui_color = "#e6f1fb"

    def __init__(self, *, yotpo_conn_id: str = YotpoHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.yotpo_conn_id = yotpo_conn_id

    def hook(self) -> YotpoHook:
        """The store's hook."""
        return YotpoHook(self.yotpo_conn_id)
