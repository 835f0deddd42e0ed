"""Write rejected records again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.arguments import Check, check_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.base import DatasetInput
from airflow_provider_partners.operators.inputs import (
    BUILD_REMEDY,
    BUILT_ORDERS,
    parse_dataset,
    read_optional,
    require_list,
    require_store,
)
from airflow_provider_partners.operators.yotpo.orders import YotpoUpsertOrdersOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_partners.records import Record

__all__ = ["YotpoReplayRejectsOperator"]


class YotpoReplayRejectsOperator(YotpoUpsertOrdersOperator):
    """Writes the rejected orders of an earlier run again, after the cause is fixed. Skips the task if there are none.

    A reject holds the order as it was built then. If a run has built the order again since, the reject ends as stale.
    With ``rebuilt``, the present state is written instead.

    :param rejects: output of the task that upserted the orders, or its ``extra["rejects"]`` (templated)
    :param rebuilt: output of :class:`YotpoBuildOrdersOperator` for the same orders, extracted again. It replaces the
        rejects of the orders that it holds (templated)
    """

    template_fields: Sequence[str] = ("rejects", "rebuilt", "plan_only", "yotpo_conn_id")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **YotpoUpsertOrdersOperator.argument_checks,
        **dict.fromkeys(("rejects", "rebuilt"), check_dataset),
    }
    fixed_arguments: ClassVar[frozenset[str]] = frozenset({"orders"})

    def __init__(self, *, rejects: DatasetInput, rebuilt: DatasetInput | None = None, **kwargs: Any) -> None:
        super().__init__(orders=None, **kwargs)
        self.rejects = rejects
        self.rebuilt = rebuilt

    def input_records(self, source: DatasetRef) -> Iterator[Record]:
        """Return the rejects, with the rebuilt orders in place of theirs. Only the ids are in memory."""
        rejected = {str(record.get("external_id")) for record in read_dataset(source)}
        rebuilt: set[str] = set()
        for record in read_optional(self.rebuilt):
            if record["external_id"] in rejected:
                rebuilt.add(record["external_id"])
                yield record
        for record in read_dataset(source):
            if str(record.get("external_id")) not in rebuilt:
                yield record

    def input_datasets(self) -> list[Any]:
        """Return the dataset of rejects."""
        extra = self.rejects.get("extra") if isinstance(self.rejects, dict) else None
        return [(extra or {}).get("rejects") or self.rejects, self.rebuilt]

    def input_dataset(self) -> DatasetRef:
        """Return the dataset of rejects.

        :raises ConfigurationError: when another dataset was passed, or rejects of another store
        """
        if self.rebuilt is not None:
            require_list("rebuilt", self.rebuilt, "yotpo", BUILT_ORDERS, remedy=BUILD_REMEDY)
        reference = parse_dataset("rejects", self.rejects)
        if reference.resource == f"{self.record_kind} outcomes":
            if not reference.extra.get("rejects"):
                message = "Nothing was rejected"
                raise AirflowSkipException(message)
            reference = DatasetRef.from_dict(reference.extra["rejects"])
        if reference.resource != f"{self.record_kind} rejects":
            message = f"'rejects' is a dataset of {reference.resource}"
            raise ConfigurationError(message, remedy="Pass the output of a task that upserted orders.")
        require_store("rejects", reference, self.hook().account, self.yotpo_conn_id)
        return reference
