"""Compare built orders with the orders in a Yotpo store."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_partners import sync
from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.arguments import Check, check_dataset
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
from airflow_provider_partners.datasets.source import RecordSource
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.operators.base import DatasetInput, PartnerOperator
from airflow_provider_partners.operators.inputs import (
    BUILD_REMEDY,
    BUILT_ORDERS,
    FINDINGS,
    require_list,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_provider_partners.sync import OrderDifference
    from airflow_provider_partners.task_errors import Context

__all__ = ["ReconcileExtra", "YotpoReconcileOrdersOperator"]

DIFFERENCES_PER_PART = 500


class ReconcileExtra(TypedDict):
    """``extra`` of the dataset that :class:`YotpoReconcileOrdersOperator` returns."""

    shop: str | None
    same: int
    """Orders without a difference."""
    found: dict[str, int]
    """Differences by state, and by state and field."""
    findings: DatasetRefDict
    """The dataset of all differences."""


class YotpoReconcileOrdersOperator(PartnerOperator):
    """Compares built orders with the orders in a Yotpo store, over the same range of order dates. Calls no API.

    Returns the reference of the dataset of orders to repair (missing, stale or different), which
    :class:`YotpoUpsertOrdersOperator` takes. ``extra["found"]`` counts the differences by state and by field,
    ``extra["same"]`` the equal orders. ``extra["findings"]`` is the dataset of all differences, see
    :class:`ReconcileExtra`.

    .. seealso:: :ref:`howto/operator:YotpoReconcileOrdersOperator`

    :param built: output of :class:`YotpoBuildOrdersOperator` (templated)
    :param yotpo_orders: output of the task that extracted the store's orders (templated)
    """

    template_fields: Sequence[str] = ("built", "yotpo_orders")
    argument_checks: ClassVar[Mapping[str, Check]] = dict.fromkeys(template_fields, check_dataset)
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(self, *, built: DatasetInput, yotpo_orders: DatasetInput, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = built
        self.yotpo_orders = yotpo_orders

    def input_datasets(self) -> list[Any]:
        """Return the datasets that are compared."""
        return [self.built, self.yotpo_orders]

    def run(self, context: Context) -> DatasetRefDict:
        """Compare, and write the differences and the orders to repair."""
        built = require_list("built", self.built, "yotpo", BUILT_ORDERS, remedy=BUILD_REMEDY)
        remedy = "Pass the output of a YotpoExtractOperator for orders."
        stored = require_list("yotpo_orders", self.yotpo_orders, "yotpo", "orders", remedy=remedy)
        unbuilt = [reference.extra["rejects"] for reference in built.references if reference.extra.get("rejects")]
        excluded = {
            record["external_id"]: f"not built: {record['reason']}"
            for record in RecordSource(references=tuple(map(DatasetRef.from_dict, unbuilt))).read()
        }
        compared = sync.reconcile_orders(built.read(), stored.read(), excluded=excluded)
        counts, same, differences, repairs = self._write_datasets(
            context, compared, account=built.account, total=max(built.records, stored.records)
        )
        difference_reference = differences.commit()
        extra: ReconcileExtra = {
            "shop": built.extra.get("shop"),
            "same": same,
            "found": dict(counts.most_common()),
            "findings": difference_reference.to_dict(),
        }
        reference = repairs.commit(extra=extra)
        self.activity.set_datasets_written(reference, difference_reference, same=same, found=extra["found"])
        listed = ", ".join(f"{count} {state}" for state, count in counts.most_common())
        self.log.info("%d orders are the same in Yotpo; %s", same, listed or "nothing differs")
        return reference.to_dict()

    def _write_datasets(
        self, context: Context, compared: Iterable[OrderDifference], *, account: str | None, total: int
    ) -> tuple[Counter[str], int, DatasetWriter, DatasetWriter]:
        differences = DatasetWriter(
            dataset_uri(context, "findings"), source="yotpo", resource=FINDINGS, account=account
        )
        repairs = DatasetWriter(dataset_uri(context), source="yotpo", resource=BUILT_ORDERS, account=account)
        for writer in (differences, repairs):
            writer.resume()
        counts, same = Counter[str](), 0
        progress = ProgressLog(self.log.info, "orders", total=total)
        for batch in batches(compared, DIFFERENCES_PER_PART):
            differing = [order for order in batch if order.state != "same"]
            same += len(batch) - len(differing)
            differences.append(order.to_dict() for order in differing)
            repairs.append(order.built for order in differing if order.built and order.state in sync.REPAIRABLE)
            for order in differing:
                counts[order.state] += 1
                counts.update(f"{order.state}: {name}" for name in order.fields)
            progress.count(same + differences.records, differences.parts)
        return counts, same, differences, repairs
