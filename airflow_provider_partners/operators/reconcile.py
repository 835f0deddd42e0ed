"""Comparing what Yotpo has with what it should have; what differs becomes a dataset that the upsert operators take."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.datasets.read import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.write import DatasetWriter
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.sync.reconcile import REPAIRABLE, OrderDifference, reconcile_orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIFFERENCES_PER_PART = 500


class YotpoReconcileOrdersOperator(PartnerOperator):
    """Compares built orders with those that a Yotpo store has, over the same range of order dates.

    Returns the reference of a dataset of the orders to repair (missing, stale or different), which
    :class:`~airflow_provider_partners.operators.yotpo.YotpoUpsertOrdersOperator` takes. ``extra["found"]`` counts the
    orders by state, those that differ by field too, ``extra["same"]`` those that don't, and ``extra["findings"]`` is
    the dataset of all findings. Calls no API.

    .. seealso:: :ref:`howto/operator:YotpoReconcileOrdersOperator`

    :param built: the output of :class:`~airflow_provider_partners.operators.yotpo.YotpoBuildOrdersOperator`
        (templated)
    :param yotpo_orders: the output of a task that extracted the store's orders (templated)
    """

    template_fields: Sequence[str] = ("built", "yotpo_orders")
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(self, *, built: Any, yotpo_orders: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = built
        self.yotpo_orders = yotpo_orders

    def input_datasets(self) -> list[Any]:
        """The datasets that are compared."""
        return [self.built, self.yotpo_orders]

    def run(self, context: Context) -> dict[str, Any]:
        """Compare, keep the findings and what is to be repaired."""
        built, held = DatasetRef.from_dict(self.built), DatasetRef.from_dict(self.yotpo_orders)
        unbuilt = built.extra.get("rejects")
        left_out = (
            {row["external_id"]: f"not built: {row['reason']}" for row in read_dataset(unbuilt)} if unbuilt else {}
        )
        found, same, findings, repairs = self._write_datasets(
            context,
            reconcile_orders(read_dataset(built), read_dataset(held), excluded=left_out),
            total=max(built.records, held.records),
        )
        differing = findings.commit()
        extra = {
            "shop": built.extra.get("shop"),
            "same": same,
            "found": dict(found.most_common()),
            "findings": differing.to_dict(),
        }
        reference = repairs.commit(extra=extra)
        self.activity.set_datasets_written(reference, differing, same=same, found=extra["found"])
        told = ", ".join(f"{count} {state}" for state, count in found.most_common())
        self.log.info("%d orders are the same in Yotpo; %s", same, told or "nothing differs")
        return reference.to_dict()

    def _write_datasets(
        self, context: Context, compared: Iterable[OrderDifference], *, total: int
    ) -> tuple[Counter[str], int, DatasetWriter, DatasetWriter]:
        findings = DatasetWriter(dataset_uri(context, "findings"), source="yotpo", resource="findings")
        repairs = DatasetWriter(dataset_uri(context), source="yotpo", resource="built orders")
        for writer in (findings, repairs):
            writer.resume()
        found, same = Counter[str](), 0
        progress = ProgressLog(self.log.info, "orders", total=total)
        for batch in batches(compared, DIFFERENCES_PER_PART):
            differing = [finding for finding in batch if finding.state != "same"]
            same += len(batch) - len(differing)
            findings.append(finding.to_dict() for finding in differing)
            repairs.append(finding.built for finding in differing if finding.built and finding.state in REPAIRABLE)
            for finding in differing:
                found[finding.state] += 1
                found.update(f"{finding.state}: {name}" for name in finding.fields)
            progress.count(same + findings.records, findings.parts)
        return found, same, findings, repairs
