"""Write rejected records again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import sync
from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.arguments import Check, check_dataset, check_flag, without_fixed
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.source import RecordSource, parse_source
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.operators.base import DatasetInput
from airflow_provider_partners.operators.inputs import (
    BUILD_REMEDY,
    BUILT_ORDERS,
    read_optional,
    require_list,
    require_store,
)
from airflow_provider_partners.operators.yotpo.base import UpsertOperator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_provider_partners.records import Record

__all__ = ["YotpoReplayRejectsOperator"]

KINDS = ("orders", "products", "fulfillments", "customers")
"""What upsert operators write, and reject."""

_REMEDY = "Pass the output of a task that upserted orders, products, fulfillments or customers."


class YotpoReplayRejectsOperator(UpsertOperator):
    """Writes the rejected records of an earlier run again, after the cause is fixed. Skips the task if there are none.

    A reject holds the record as it was written then. If a run has built the order again since, the reject ends as
    stale. With ``rebuilt``, the present state is written instead.

    .. seealso:: :ref:`howto/operator:YotpoReplayRejectsOperator`

    :param rejects: output of the task that upserted the records, or its ``extra["rejects"]`` (templated)
    :param rebuilt: output of :class:`YotpoBuildOrdersOperator` for the same orders, extracted again. It replaces the
        rejects of the orders that it holds (templated)
    :param with_fulfillments: as for :class:`YotpoUpsertOrdersOperator` (templated)
    """

    template_fields: Sequence[str] = (
        "rejects",
        "rebuilt",
        "with_fulfillments",
        *(name for name in UpsertOperator.template_fields if name != "columns"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **UpsertOperator.argument_checks,
        **dict.fromkeys(("rejects", "rebuilt"), check_dataset),
        "with_fulfillments": check_flag,
    }

    fixed_arguments: ClassVar[frozenset[str]] = frozenset({"columns"})

    def __init__(
        self,
        *,
        rejects: DatasetInput,
        rebuilt: DatasetInput | None = None,
        with_fulfillments: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**without_fixed(self, kwargs))
        self.rejects = rejects
        self.rebuilt = rebuilt
        self.with_fulfillments = with_fulfillments

    def upsert_options(self) -> dict[str, Any]:
        """Return whether orders include their fulfillments."""
        return {"with_fulfillments": self.with_fulfillments} if self.record_kind == "orders" else {}

    def input_records(self, source: RecordSource) -> Iterator[Record]:
        """Return the rejects, with the rebuilt orders in place of theirs. Only the ids are in memory."""
        return sync.group_records(self.record_kind, self._rejects(source))

    def _rejects(self, source: RecordSource) -> Iterator[Record]:
        # Dags are parsed without the models of payloads, which these need.
        from airflow_provider_partners.sync.grouping import ENVELOPES
        from airflow_provider_partners.sync.plain_records import record_id

        envelope = ENVELOPES[self.record_kind]
        rejected = {record_id(record, envelope) for record in source.read()}
        rebuilt: set[str] = set()
        for record in read_optional("rebuilt", self.rebuilt):
            if record["external_id"] in rejected:
                rebuilt.add(record["external_id"])
                yield record
        for record in source.read():
            if record_id(record, envelope) not in rebuilt:
                yield record

    def input_datasets(self) -> list[Any]:
        """Return the datasets of rejects, and that of rebuilt orders."""
        outputs = self.rejects if isinstance(self.rejects, list | tuple) else [self.rejects]
        return [*map(_rejects_of, outputs), self.rebuilt]

    def input_hashes(self, source: RecordSource) -> list[str]:
        """Return the hashes of the rejects and of the rebuilt orders."""
        rebuilt = [] if self.rebuilt is None else [parse_source("rebuilt", self.rebuilt).sha256]
        return [source.sha256, *rebuilt]

    def input_source(self) -> RecordSource:
        """Return the rejects, and note of which kind they are.

        :raises ConfigurationError: when something else was passed, or rejects of another store
        """
        if self.rebuilt is not None:
            require_list("rebuilt", self.rebuilt, "yotpo", BUILT_ORDERS, remedy=BUILD_REMEDY)
        outputs = parse_source("rejects", self.rejects)
        if outputs.plain is not None:
            message = "'rejects' is a list of records, and the reference of a dataset is needed"
            raise ConfigurationError(message, remedy=_REMEDY)
        kinds = {_kind_of(reference) for reference in outputs.references}
        if len(kinds) > 1:
            message = f"'rejects' holds rejects of several kinds: {', '.join(sorted(kinds))}"
            raise ConfigurationError(message, remedy="Replay each kind in a task of its own.")
        rejects = [rejects for reference in outputs.references if (rejects := _rejects_of(reference)) is not None]
        if not rejects:
            message = "Nothing was rejected"
            raise AirflowSkipException(message)
        (self.record_kind,) = kinds
        source = RecordSource(references=tuple(map(DatasetRef.from_dict, rejects)))
        require_store("rejects", source, self.hook().account, self.yotpo_conn_id)
        return source


def _kind_of(reference: DatasetRef) -> str:
    kind, _, role = reference.resource.rpartition(" ")
    if kind not in KINDS or role not in {"outcomes", "rejects"}:
        message = f"'rejects' is a dataset of {reference.resource}"
        raise ConfigurationError(message, remedy=_REMEDY)
    return kind


def _rejects_of(output: Any) -> Any:
    """Return the dataset of rejects of a task's output (``None`` if there is none); any other dataset as it is."""
    resource = output.resource if isinstance(output, DatasetRef) else _get(output, "resource")
    if not str(resource).endswith(" outcomes"):
        return output
    extra = output.extra if isinstance(output, DatasetRef) else _get(output, "extra")
    return _get(extra, "rejects")


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
