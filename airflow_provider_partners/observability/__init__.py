"""Observability: what a task reads and writes, reported to asset events, OpenLineage, metrics and links."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.observability.activity import PartnerList as PartnerList
    from airflow_provider_partners.observability.activity import TaskActivity as TaskActivity
    from airflow_provider_partners.observability.metrics import emit_record_metrics as emit_record_metrics
    from airflow_provider_partners.observability.metrics import emit_request_metrics as emit_request_metrics
    from airflow_provider_partners.observability.openlineage import operator_lineage as operator_lineage

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "activity": ["PartnerList", "TaskActivity"],
        "metrics": ["emit_record_metrics", "emit_request_metrics"],
        "openlineage": ["operator_lineage"],
    },
)
