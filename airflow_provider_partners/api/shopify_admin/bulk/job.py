"""A list of Shopify's Admin API as one bulk operation, for a time range of any size.

The records are the same as those of the paged list. If an operation fails after writing part of its file, the remaining
records are read page by page. See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import CLOCK_TOLERANCE, JobState, JobStatus, submit_once
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.job_files import download_from
from airflow_provider_partners.api.shopify.timestamps import record_timestamp
from airflow_provider_partners.api.shopify_admin.bulk.operations import (
    ACTIVE_STATUSES,
    USABLE_STATUSES,
    BulkOperations,
    blocking_operations,
    file_size,
    is_partial,
    object_count,
    parse_status,
    refusal_error,
    root_count,
)
from airflow_provider_partners.api.shopify_admin.bulk.placement import TypedPlaces
from airflow_provider_partners.api.shopify_admin.bulk.records import (
    RECORDS_PER_PAGE,
    BulkFile,
    FileExtraction,
    FileReader,
    file_segment,
    reads_lines_as_records,
)
from airflow_provider_partners.api.shopify_admin.bulk.result_file import MAX_BYTES, read_lines
from airflow_provider_partners.api.shopify_admin.documents import adds_connection
from airflow_provider_partners.api.shopify_admin.query import range_as_json
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, ExpiredError, TransientError
from airflow_provider_partners.files import ScratchFolder, make_private_file
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.shopify.selections import ExtraFields
    from airflow_provider_partners.api.shopify_admin.query import ListQuery
    from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import Window

PARTNER = "Shopify Admin"


def _unchanged(error: ConfigurationError) -> ConfigurationError:
    return error


@dataclass(frozen=True, kw_only=True)
class BulkJob:
    """One query of a list that a bulk operation answers.

    Implements :class:`~airflow_provider_partners.api.async_job.AsyncJob`.

    :param request: everything that decides the result, with the operation's text as ``query``
    :param download: fetches a file, by its URL and a path
    :param complete: completes the objects of a file
    :param list_query: reads the same list page by page
    :param before_submit: called before a submission; logs what the result will lack
    :param page_size: records per page of the result
    :param explain: returns the error to raise when Shopify refuses the operation
    :param max_bytes: of a file's lines that are in memory at once
    """

    source: str
    request: Mapping[str, Any]
    time_range: TimeRange
    operations: BulkOperations = field(repr=False)
    download: Callable[[str, Path], object] = field(repr=False)
    complete: Callable[[list[Record]], list[Record]] = field(repr=False)
    list_query: ListQuery = field(repr=False)
    before_submit: Callable[[], None] = field(repr=False)
    clock: Clock = field(repr=False)
    page_size: int = RECORDS_PER_PAGE
    explain: Callable[[ConfigurationError], ConfigurationError] = field(default=_unchanged, repr=False)
    max_bytes: int = MAX_BYTES

    @property
    def resource(self) -> str:
        """The list."""
        return self.list_query.resource.name

    @property
    def operation_query(self) -> str:
        """The GraphQL text of the bulk operation."""
        return str(self.request["query"])

    @property
    def window(self) -> Window | None:
        """The time range that the job covers; ``None`` if it has no start."""
        return self.time_range.to_window()

    @property
    def fingerprint(self) -> str:
        """A hash of the request: equal requests have equal fingerprints."""
        return Extraction(source=self.source, resource=self.resource, request=self.request, segments=()).fingerprint

    def find(self, since: datetime) -> str | None:
        """Return the id of a bulk operation that already runs this query, or ``None``.

        Versions before 2026-01 show the latest operation only.

        :param since: ignore operations created before
        """
        operations = [
            operation
            for operation in self.operations.created_since(since)
            if self._runs_same_query(operation) and operation["status"] in USABLE_STATUSES
        ]
        latest = max(operations, key=lambda operation: record_timestamp(operation, "createdAt"), default=None)
        return str(latest["id"]) if latest else None

    def submit(self) -> str:
        """Start the bulk operation and return its id. A running operation of the same query is adopted.

        :raises ThrottledError: if other operations are running
        :raises ConfigurationError: if Shopify refuses the query
        """
        self.before_submit()
        return submit_once(self._start_or_adopt, self._find_complete, self.clock)

    def _find_complete(self, submitted_after: datetime) -> str | None:
        return self.find(self._earliest_start(submitted_after))

    def _earliest_start(self, submitted_after: datetime) -> datetime:
        """Return when an operation may have begun at the earliest to be adopted.

        An operation that began before the end of the time range may miss later changes. The exception is an operation
        of our own previous attempt, seconds ago: Shopify started it, but the answer was lost.
        """
        return min(self._until, submitted_after)

    def _start_or_adopt(self) -> str:
        submitted_after = timestamps.from_epoch(self.clock.time()) - CLOCK_TOLERANCE
        job_id, errors = self.operations.run(self.operation_query)
        if job_id:
            return job_id
        if blocking_ids := blocking_operations(errors):
            earliest = self._earliest_start(submitted_after)
            for operation in self.operations.get(*blocking_ids):
                if (
                    self._runs_same_query(operation)
                    and operation["status"] in ACTIVE_STATUSES
                    and record_timestamp(operation, "createdAt") >= earliest
                ):
                    return str(operation["id"])
        error = refusal_error(errors)
        raise self.explain(error) if isinstance(error, ConfigurationError) else error

    def status(self, job_id: str) -> JobStatus:
        """Return the status of an operation."""
        return self.operations.status(job_id)

    def cancel(self, job_id: str) -> None:
        """Cancel an operation that has not ended yet."""
        self.operations.cancel(job_id)

    def extraction(self, job_id: str) -> Extraction:
        """Return the records of a completed operation.

        If the operation failed and its file is grouped, the complete objects come from the file. The other records of
        the time range are read page by page.

        :raises ExpiredError: if the file no longer exists, so another operation must be submitted
        :raises AuthenticationError: if the app lacks a permission
        :raises TransientError: if the operation still runs
        """
        operation = next(iter(self.operations.get(job_id)), None)
        status = parse_status(job_id, operation)
        if status.state is JobState.RUNNING:
            message = f"the bulk operation {job_id} is still running ({status.partner_status})"
            raise TransientError(message, partner=PARTNER)
        if operation is None or status.state is JobState.FAILED:
            message = f"the bulk operation {job_id} has no result: {status.reason}"
            if status.is_access_denied:
                raise AuthenticationError(message, partner=PARTNER)
            raise ExpiredError(message, remedy="The next try submits a new operation.", partner=PARTNER)
        if is_partial(operation):
            return self._partial_extraction(job_id, str(operation["partialDataUrl"]))
        if not operation.get("url"):
            return Extraction(segments=(), **self._extraction_fields(job_id))
        file = self._bulk_file(
            job_id,
            str(operation["url"]),
            expected_lines=object_count(operation),
            expected_roots=root_count(operation),
            expected_bytes=file_size(operation),
        )
        return self._file_extraction(job_id, file)

    def _file_extraction(
        self, job_id: str, file: BulkFile, paged_segments: Sequence[Segment] = (), **request: Any
    ) -> Extraction:
        def open_reader() -> FileReader:
            return FileReader(file, self.complete, page_size=self.page_size)

        segments = [file_segment(file.name, open_reader), *paged_segments]
        return FileExtraction(open_reader=open_reader, segments=segments, **self._extraction_fields(job_id, **request))

    def _extraction_fields(self, job_id: str, **request: Any) -> dict[str, Any]:
        request = {**self.request, "job": job_id, **request}
        return {
            "source": self.source,
            "resource": self.resource,
            "request": request,
            "account": self.request["shop"],
            "window": self.window,
        }

    def _bulk_file(self, job_id: str, url: str, **options: Any) -> BulkFile:
        documents = self.list_query.documents
        return BulkFile(
            name=f"{self.resource} of {job_id}",
            download=partial(self._download, job_id, url),
            placement=TypedPlaces(documents.bulk_connections()),
            reads_lines=reads_lines_as_records(documents),
            counts_records=documents.records_list is None or reads_lines_as_records(documents),
            max_bytes=self.max_bytes,
            **options,
        )

    def _download(self, job_id: str, url: str, to: Path) -> None:
        def renew() -> str:
            operation = next(iter(self.operations.get(job_id)), None) or {}
            new_url = operation.get("url") or operation.get("partialDataUrl")
            if not new_url:
                message = f"the bulk operation {job_id} has no file any more"
                raise ExpiredError(message, remedy="The next try submits a new operation.", partner=PARTNER)
            return str(new_url)

        download_from(url, lambda address: self.download(address, to), renew=renew, clock=self.clock)

    @property
    def _until(self) -> datetime:
        return self.time_range.until or timestamps.from_epoch(self.clock.time())

    def _runs_same_query(self, operation: Record) -> bool:
        return str(operation.get("query") or "").strip() == self.operation_query.strip()

    def _partial_extraction(self, job_id: str, url: str) -> Extraction:
        """Read the objects before the last change from the partial file, and the later ones page by page.

        The file is in order of change and grouped. So only its last object may lack lines, but other objects of the
        same second may be missing. An object that left the time range while the operation ran exists in the file only.
        """
        last_change, size = self._inspect_partial_file(job_id, url)
        missing_range = TimeRange(last_change, self._until)

        def is_complete(record: Record) -> bool:
            return not missing_range.contains(self._changed_at(record))

        parts = self.list_query.split_range(missing_range)
        # The file is downloaded again when its records are read, and must not be shorter then.
        file = self._bulk_file(job_id, url, is_included=is_complete, allow_truncated=True, expected_bytes=size)
        time_ranges = [range_as_json(part) for part in parts]
        return self._file_extraction(job_id, file, self.list_query.segments(parts), time_ranges=time_ranges)

    def _changed_at(self, record: Record) -> datetime:
        return record_timestamp(record, self.list_query.resource.time_field or "")

    def _inspect_partial_file(self, job_id: str, url: str) -> tuple[datetime, int]:
        """Return the ``updatedAt`` of the last object in a partial file, and the file's size in bytes."""
        latest: datetime | None = None
        in_range = False
        scratch = ScratchFolder("bulk-operation")
        with scratch as folder, scratch.errors():
            path = make_private_file(folder / "result.jsonl")
            self._download(job_id, url, path)
            size = path.stat().st_size
            for line in read_lines(path, allow_truncated=True, max_bytes=self.max_bytes):
                if line.parent_id is not None:
                    continue
                changed = self._changed_at(line.record)
                in_range = changed < self._until
                if in_range and latest is not None and changed < latest:
                    latest, in_range = None, False
                    break
                latest = changed if in_range else latest
        if latest is None or not in_range:
            message = f"the partial file of the failed bulk operation {job_id} is not usable"
            raise ExpiredError(message, remedy="The next try submits a new operation.", partner=PARTNER)
        return latest, size


def fits_bulk_operation(resource: AdminResource, match: object, extra: ExtraFields | None) -> bool:
    """Return True if a bulk operation can serve the arguments.

    :param match: ids, which a bulk operation cannot read
    :param extra: a user's further fields; a connection would get lines of its own in the file
    """
    return resource.bulk and match is None and not adds_connection(resource, extra)


def require_bulk_fit(resource: AdminResource, match: object, extra: ExtraFields | None) -> None:
    """Raise if a bulk operation cannot serve the arguments.

    :raises ConfigurationError: naming the argument
    """
    if not resource.bulk:
        message = f"Shopify has no bulk operation for '{resource.name}'"
        raise ConfigurationError(message, remedy="Read it page by page (mode='paged').", partner=PARTNER)
    if not fits_bulk_operation(resource, match, extra):
        argument = "'match'" if match is not None else "'fields' with connections (edges, nodes)"
        message = f"a bulk operation does not support {argument}"
        raise ConfigurationError(message, remedy="Remove it, or read page by page.", partner=PARTNER)
