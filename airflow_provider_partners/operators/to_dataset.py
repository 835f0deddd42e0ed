"""Base class of the operators that make a dataset of records from anywhere: of a database, or of files."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from airflow_provider_partners import sync
from airflow_provider_partners.arguments import Check, check_count, check_limit, check_mapping, check_name
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.links import DatasetLink
from airflow_provider_partners.operators.base import PartnerOperator, TemplatedTime, enforce_reject_threshold
from airflow_provider_partners.windows import TimeRange, is_given

if TYPE_CHECKING:
    from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.tables.file_records import UnreadableRecord
    from airflow_provider_partners.task_errors import Context

RECORDS_PER_BATCH = 5_000
"""Records that are in memory at once."""


class ToDatasetExtra(TypedDict):
    """``extra`` of the dataset that :class:`SqlToDatasetOperator` and :class:`FilesToDatasetOperator` return."""

    rejected: int
    """Records that can't be read."""
    rejections: dict[str, int]
    """Reasons for that."""
    rejects: DatasetRefDict | None
    """The dataset of these records."""


class ToDatasetOperator(PartnerOperator):
    """Writes records from elsewhere to a dataset and returns the dataset's reference.

    A record that can't be read goes into a dataset of its own, ``extra["rejects"]``, with its place and the reason. The
    ``extra`` is a :class:`ToDatasetExtra`. A retry reads everything again, into a fresh dataset.

    :param resource: the name of the list; the task's id by default (templated)
    :param source: the name of the system that the records come from (templated)
    :param account: whose records they are, such as a shop or a store (templated)
    :param since: start of the time range that the records cover, for the reference's window: ISO 8601 text or datetime.
        It selects no records (templated)
    :param until: end of that time range, exclusive (templated)
    :param types: column types of fields, by name: ``string``, ``integer``, ``float``, ``decimal``, ``boolean``,
        ``date``, ``timestamp`` or ``json`` (templated)
    :param timezone: the time zone of timestamps without one, such as ``Europe/Berlin`` (templated)
    :param min_records: how few records are an error (templated)
    :param max_rejects: how many records may be rejected before the task fails: an ``int`` is a count, a ``float`` a
        share; ``[partners] max_rejects`` by default (templated)
    :param reject_floor: how many records a share allows in any case; ``[partners] reject_floor`` by default (templated)
    """

    template_fields: Sequence[str] = (
        "resource",
        "source",
        "account",
        "since",
        "until",
        "types",
        "timezone",
        "min_records",
        "max_rejects",
        "reject_floor",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"types": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **dict.fromkeys(("resource", "source", "account", "timezone"), check_name),
        "types": check_mapping,
        "min_records": check_count,
        **dict.fromkeys(("max_rejects", "reject_floor"), check_limit),
    }
    default_source: ClassVar[str]
    """The value of ``source`` by default."""
    operator_extra_links = (DatasetLink(),)
    ui_color = "#eef4ea"

    def __init__(
        self,
        *,
        resource: str | None = None,
        source: str | None = None,
        account: str | None = None,
        since: TemplatedTime | None = None,
        until: TemplatedTime | None = None,
        types: Mapping[str, str] | None = None,
        timezone: str = "UTC",
        min_records: int | str | None = None,
        max_rejects: float | str | None = None,
        reject_floor: int | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resource = resource
        self.source = source
        self.account = account
        self.since = since
        self.until = until
        self.types = types
        self.timezone = timezone
        self.min_records: Any = min_records
        self.max_rejects: Any = max_rejects
        self.reject_floor: Any = reject_floor

    @abstractmethod
    def read(self) -> tuple[Sequence[Column], Iterator[Record | UnreadableRecord]]:
        """Return the declared columns, and the records. Both are read lazily, in bounded memory."""

    def run(self, context: Context) -> DatasetRefDict:
        """Write the records and the rejects, check the threshold, return the reference."""
        columns, records = self.read()
        summary = sync.OutcomeSummary()
        written, rejects = self._open(context, columns)
        self._write(records, written, rejects, summary)
        if self.min_records is not None and written.records < self.min_records:
            message = f"The task has read {written.records} records, and 'min_records' is {self.min_records}"
            raise DatasetError(message, remedy="Check what it reads; a retry reads it again.")
        reject_reference = rejects.commit() if rejects.records else None
        extra: ToDatasetExtra = {
            "rejected": summary.counts["rejected"],
            "rejections": dict(summary.rejections.most_common()),
            "rejects": reject_reference.to_dict() if reject_reference else None,
        }
        reference = written.commit(extra=extra)
        self._record(reference, reject_reference, extra["rejected"])
        enforce_reject_threshold(context, reference, summary, self.max_rejects, self.reject_floor)
        return reference.to_dict()

    def _record(self, reference: DatasetRef, rejects: DatasetRef | None, rejected: int) -> None:
        self.activity.set_datasets_written(reference, rejects, rejects=rejected)
        self.activity.records, self.activity.rejects = reference.records, rejected
        self.log.info("%d records in %s, %d rejected", reference.records, reference.uri, rejected)

    def _open(self, context: Context, columns: Sequence[Column]) -> tuple[DatasetWriter, DatasetWriter]:
        ends = (end if is_given(end) else None for end in (self.since, self.until))
        name = self.resource or str(self.task_id)
        lists: dict[str, Any] = {
            "source": self.source or self.default_source,
            "account": self.account or None,
            "window": TimeRange.parse(*ends).to_window(),
        }
        written = DatasetWriter(dataset_uri(context), resource=name, columns=columns, **lists)
        rejects = DatasetWriter(dataset_uri(context, "rejects"), resource=f"{name} rejects", **lists)
        for writer in (written, rejects):
            # No position is ever stored, so this starts from the beginning.
            writer.resume()
        return written, rejects

    def _write(
        self,
        records: Iterator[Record | UnreadableRecord],
        written: DatasetWriter,
        rejects: DatasetWriter,
        summary: sync.OutcomeSummary,
    ) -> None:
        progress = ProgressLog(self.log.info, self.resource or str(self.task_id))
        while batch := list(islice(records, RECORDS_PER_BATCH)):
            ready = [record for record in batch if isinstance(record, dict)]
            written.append(ready)
            summary.counts["created"] += len(ready)
            if len(ready) < len(batch):
                rejects.append([_reject(each, summary) for each in batch if not isinstance(each, dict)])
            progress.count(written.records + rejects.records, written.parts + rejects.parts)


def _reject(record: UnreadableRecord, summary: sync.OutcomeSummary) -> Record:
    """Count an unreadable record, and return the record of the dataset of rejects."""
    outcome = sync.Outcome("record", record.place, "rejected", reason=record.rule, rule=record.rule)  # type: ignore[arg-type]
    summary.add(outcome)
    rejection = {"kind": "record", "external_id": record.place, "reason": record.rule}
    return {**record.content, "rejected": rejection}


def peek(records: Iterator[Any], number: int) -> tuple[list[Any], Iterator[Any]]:
    """Return the first records, and an iterator of all of them."""
    first = list(islice(records, number))
    return first, chain(first, records)
