"""Operators of a Yotpo store: extract its lists, build orders, write them, and compare both.

``sync`` maps and writes the records. The operators add the datasets around it and what a retry skips.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.operators.yotpo.base import UpsertExtra as UpsertExtra
    from airflow_provider_partners.operators.yotpo.base import UpsertOperator as UpsertOperator
    from airflow_provider_partners.operators.yotpo.build import BuildOrdersExtra as BuildOrdersExtra
    from airflow_provider_partners.operators.yotpo.build import YotpoBuildOrdersOperator as YotpoBuildOrdersOperator
    from airflow_provider_partners.operators.yotpo.extract import YotpoExtractOperator as YotpoExtractOperator
    from airflow_provider_partners.operators.yotpo.reconcile import ReconcileExtra as ReconcileExtra
    from airflow_provider_partners.operators.yotpo.reconcile import (
        YotpoReconcileOrdersOperator as YotpoReconcileOrdersOperator,
    )
    from airflow_provider_partners.operators.yotpo.replay import (
        YotpoReplayRejectsOperator as YotpoReplayRejectsOperator,
    )
    from airflow_provider_partners.operators.yotpo.upsert import (
        YotpoUpsertCustomersOperator as YotpoUpsertCustomersOperator,
    )
    from airflow_provider_partners.operators.yotpo.upsert import (
        YotpoUpsertFulfillmentsOperator as YotpoUpsertFulfillmentsOperator,
    )
    from airflow_provider_partners.operators.yotpo.upsert import YotpoUpsertOrdersOperator as YotpoUpsertOrdersOperator
    from airflow_provider_partners.operators.yotpo.upsert import (
        YotpoUpsertProductsOperator as YotpoUpsertProductsOperator,
    )

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "base": ["UpsertExtra", "UpsertOperator"],
        "build": ["BuildOrdersExtra", "YotpoBuildOrdersOperator"],
        "extract": ["YotpoExtractOperator"],
        "reconcile": ["ReconcileExtra", "YotpoReconcileOrdersOperator"],
        "replay": ["YotpoReplayRejectsOperator"],
        "upsert": [
            "YotpoUpsertCustomersOperator",
            "YotpoUpsertFulfillmentsOperator",
            "YotpoUpsertOrdersOperator",
            "YotpoUpsertProductsOperator",
        ],
    },
)
