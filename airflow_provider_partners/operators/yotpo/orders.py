"""Write orders to a Yotpo store."""

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

__all__ = ["YotpoUpsertOrdersOperator"]


class YotpoUpsertOrdersOperator(UpsertOperator):
    """Creates or updates orders, with their fulfillments, in a Yotpo store.

    .. seealso:: :ref:`howto/operator:YotpoUpsertOrdersOperator`

    :param orders: output of :class:`YotpoBuildOrdersOperator` (templated)
    :param with_fulfillments: whether orders include their fulfillments. Yotpo merges those by their ids. If a store
        turns out to behave differently, send orders without them and use :class:`YotpoUpsertFulfillmentsOperator`
    """

    template_fields: Sequence[str] = ("orders", *UpsertOperator.template_fields)
    argument_checks: ClassVar[Mapping[str, Check]] = {**UpsertOperator.argument_checks, "orders": check_dataset}
    record_kind: ClassVar[str] = "orders"

    def __init__(self, *, orders: DatasetInput | None, with_fulfillments: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.orders = orders
        self.with_fulfillments = with_fulfillments

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
        """Write the orders in batches."""
        return upsert.upsert_orders(
            client,
            records,
            skip=skip,
            with_fulfillments=self.with_fulfillments,
            dry_run=plan_only,
            workers=workers,
            versions=versions,
        )
