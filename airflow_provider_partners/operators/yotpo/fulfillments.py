"""Write fulfillments to a Yotpo store, apart from their orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners.arguments import Check, check_dataset
from airflow_provider_partners.operators.base import DatasetInput
from airflow_provider_partners.operators.yotpo.upsert import UpsertOperator
from airflow_provider_partners.sync import upsert

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from airflow_provider_partners.api.yotpo.client import YotpoClient
    from airflow_provider_partners.datasets.version_log import VersionLog
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import Outcome

__all__ = ["YotpoUpsertFulfillmentsOperator"]


class YotpoUpsertFulfillmentsOperator(UpsertOperator):
    """Creates or updates the fulfillments of orders that already exist in a Yotpo store.

    Orders include their fulfillments; use this operator to sync them separately.

    .. seealso:: :ref:`howto/operator:YotpoUpsertFulfillmentsOperator`

    :param fulfillments: output of :class:`YotpoBuildOrdersOperator` (templated)
    """

    template_fields: Sequence[str] = ("fulfillments", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {**UpsertOperator.argument_checks, "fulfillments": check_dataset}
    record_kind: ClassVar[str] = "fulfillments"
    input_resources: ClassVar[Sequence[str]] = (*UpsertOperator.input_resources, "fulfillments rejects")

    def __init__(self, *, fulfillments: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fulfillments = fulfillments

    def upsert(
        self,
        client: YotpoClient,
        records: Iterator[Record],
        *,
        skip: Container[str],
        plan_only: bool,
        workers: int,
        versions: VersionLog,
    ) -> Iterator[Outcome]:
        """Write the fulfillments, order by order."""
        return upsert.upsert_fulfillments(
            client, records, skip=skip, dry_run=plan_only, workers=workers, versions=versions
        )
