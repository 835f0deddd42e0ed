"""Comparing what Yotpo has with what it should have; what differs becomes a dataset that the upsert operators take."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.datasets.read import read
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.write import DatasetWriter
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.operators.base import Context, PartnerOperator, ProgressLog, dataset_uri
from airflow_provider_partners.sync.reconcile import TO_REPAIR, Finding, reconcile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FINDINGS_PER_PART = 500


class YotpoReconcileOrdersOperator(PartnerOperator):
    """Compares built orders with those that a Yotpo store has, over the same range of order dates.

    Returns the reference of a dataset of the orders to repair (missing, stale or different), which
    :class:`~airflow_provider_partners.operators.yotpo.YotpoUpsertOrdersOperator` takes. ``extra["found"]`` counts the
    orders by state, those that differ by field too, ``extra["same"]`` those that don't, and ``extra["findings"]`` is
    the dataset of all findings. Calls no API.

    .. seealso:: :ref:`howto/operator:YotpoReconcileOrdersOperator`

    :param built: the output of :class:`~airflow_provider_partners.operators.yotpo.YotpoBuildOrdersOperator`
        (templated)
    :param held: the output of a task that extracted the store's orders (templated)
    """

    template_fields: Sequence[str] = ("built", "held")
    operator_extra_links = (DatasetLink(),)
    ui_color = "#e6f1fb"

    def __init__(self, *, built: Any, held: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = built
        self.held = held

    def sources(self) -> list[Any]:
        """The datasets that are compared."""
        return [self.built, self.held]

    def work(self, context: Context) -> dict[str, Any]:
        """Compare, keep the findings and what is to be repaired."""
        built, held = DatasetRef.from_dict(self.built), DatasetRef.from_dict(self.held)
        unbuilt = built.extra.get("rejects")
        left_out = {row["external_id"]: f"not built: {row['reason']}" for row in read(unbuilt)} if unbuilt else {}
        found, same, findings, repairs = self._keep(
            context, reconcile(read(built), read(held), left_out=left_out), total=max(built.records, held.records)
        )
        differing = findings.commit()
        extra = {
            "shop": built.extra.get("shop"),
            "same": same,
            "found": dict(found.most_common()),
            "findings": differing.to_dict(),
        }
        reference = repairs.commit(extra=extra)
        self.evidence.wrote(reference, differing, same=same, found=extra["found"])
        told = ", ".join(f"{count} {state}" for state, count in found.most_common())
        self.log.info("%d orders are the same in Yotpo; %s", same, told or "nothing differs")
        return reference.to_dict()

    def _keep(
        self, context: Context, compared: Iterable[Finding], *, total: int
    ) -> tuple[Counter[str], int, DatasetWriter, DatasetWriter]:
        findings = DatasetWriter(dataset_uri(context, "findings"), source="yotpo", resource="findings")
        repairs = DatasetWriter(dataset_uri(context), source="yotpo", resource="built orders")
        for writer in (findings, repairs):
            writer.resume()
        found, same = Counter[str](), 0
        progress = ProgressLog(self.log.info, "orders", total=total)
        for batch in batches(compared, FINDINGS_PER_PART):
            differing = [finding for finding in batch if finding.state != "same"]
            same += len(batch) - len(differing)
            findings.append(finding.to_dict() for finding in differing)
            repairs.append(finding.built for finding in differing if finding.built and finding.state in TO_REPAIR)
            for finding in differing:
                found[finding.state] += 1
                found.update(f"{finding.state}: {name}" for name in finding.fields)
            progress.count(same + findings.records, findings.parts)
        return found, same, findings, repairs
