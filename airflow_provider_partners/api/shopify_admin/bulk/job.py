"""A list of Shopify's Admin API as a job: one bulk operation for a window of any size, with the paged list's rows.

Knows how a question becomes a bulk operation, which operation answers it, and what is left to do where one failed on
its way. Must not know how a page is asked for, nor how a file is read.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.shopify.shops import parse_timestamp
from airflow_provider_partners.api.shopify_admin.bulk.operations import (
    ACTIVE_STATUSES,
    USABLE_STATUSES,
    BulkOperations,
    blocking_operations,
    is_partial,
    object_count,
    parse_status,
    refusal_error,
    root_count,
)
from airflow_provider_partners.api.shopify_admin.bulk.records import (
    RECORDS_PER_PAGE,
    BulkFile,
    FileExtraction,
    FileReader,
    file_segment,
)
from airflow_provider_partners.api.shopify_admin.bulk.result_file import read_lines
from airflow_provider_partners.exceptions import ConfigurationError, ExpiredError, TransientError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.documents import ListDocuments
    from airflow_provider_partners.api.shopify_admin.query import ListQuery
    from airflow_provider_partners.api.shopify_admin.search import TimeRange
    from airflow_provider_partners.records import Record

PARTNER = "Shopify Admin"

_CONNECTION = re.compile(r"\b(?:edges|nodes)\b")

CLOCK_TOLERANCE = timedelta(minutes=2)
"""By how much Shopify's time and ours may be apart."""


@dataclass(frozen=True, kw_only=True)
class BulkJob:
    """One question to a shop that is answered by a bulk operation; a
    :class:`~airflow_provider_partners.api.async_job.Job`.

    :param source: the partner
    :param documents: the list
    :param request: everything that decides the result, with the operation's text as ``query``
    :param time_range: the stretch of time it covers
    :param operations: of the shop
    :param download: fetches a file by its address
    :param complete: makes objects of a file whole
    :param list_query: asks the same page by page
    :param before_submit: called before a submission, to tell what will be missing
    :param now: the time in seconds since 1970
    :param page_size: objects of a page of rows
    """

    source: str
    documents: ListDocuments
    request: Mapping[str, Any]
    time_range: TimeRange
    operations: BulkOperations = field(repr=False)
    download: Callable[[str, Path], object] = field(repr=False)
    complete: Callable[[list[Record]], list[Record]] = field(repr=False)
    list_query: ListQuery = field(repr=False)
    before_submit: Callable[[], None] = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    page_size: int = RECORDS_PER_PAGE

    @property
    def resource(self) -> str:
        """The list."""
        return self.documents.name

    @property
    def operation_query(self) -> str:
        """What the bulk operation runs."""
        return str(self.request["query"])

    @property
    def window(self) -> Window | None:
        """The stretch of time it covers; ``None`` where it has no beginning."""
        since, until = self.time_range
        return Window(since, until) if since else None

    @property
    def fingerprint(self) -> str:
        """The same for the same question."""
        return Extraction(source=self.source, resource=self.resource, request=self.request, segments=()).fingerprint

    def find(self, since: datetime) -> str | None:
        """The id of a bulk operation of this very text that Shopify took on.

        Versions before 2026-01 show the latest operation alone.

        :param since: older ones don't count
        """
        same = [
            each
            for each in self.operations.created_since(since)
            if self._runs_same_query(each) and each["status"] in USABLE_STATUSES
        ]
        return str(max(same, key=lambda each: parse_timestamp(each["createdAt"]))["id"]) if same else None

    def submit(self) -> str:
        """Have Shopify begin; an operation of this very text that is under way already is taken for it.

        :returns: its id
        :raises ThrottledError: when others are in the way
        :raises ConfigurationError: when Shopify refuses the text
        """
        self.before_submit()
        begun = datetime.fromtimestamp(self.now(), UTC) - CLOCK_TOLERANCE
        job_id, errors = self.operations.run(self.operation_query)
        if job_id:
            return job_id
        if others := blocking_operations(errors):
            # Begun before the window had ended, it would miss what changed since; our own try of just now can't.
            early = min(self.time_range[1], begun)
            for each in self.operations.get(*others):
                if (
                    self._runs_same_query(each)
                    and each["status"] in ACTIVE_STATUSES
                    and parse_timestamp(each["createdAt"]) >= early
                ):
                    return str(each["id"])
        raise refusal_error(errors)

    def status(self, job_id: str) -> JobStatus:
        """Where it stands.

        :param job_id: of :meth:`submit` or :meth:`find`
        """
        return self.operations.status(job_id)

    def cancel(self, job_id: str) -> None:
        """Have Shopify stop, if it hasn't ended yet.

        :param job_id: of :meth:`submit` or :meth:`find`
        """
        self.operations.cancel(job_id)

    def extraction(self, job_id: str) -> Extraction:
        """The rows of an operation that is done.

        Where it failed on its way, and its file is grouped, these are the whole objects of the file, then the rest of
        the window page by page.

        :param job_id: of :meth:`submit` or :meth:`find`
        :raises ExpiredError: when there is no file any more: another one has to be submitted
        :raises TransientError: when it isn't done yet
        """
        operation = next(iter(self.operations.get(job_id)), None)
        status = parse_status(job_id, operation)
        if status.state is JobState.RUNNING:
            message = f"the bulk operation {job_id} is not done yet ({status.partner_status})"
            raise TransientError(message, partner=PARTNER)
        if operation is None or status.state is JobState.FAILED:
            message = f"the bulk operation {job_id} has no result: {status.reason}"
            raise ExpiredError(message, remedy="The next try submits another.", partner=PARTNER)
        if is_partial(operation):
            return self._partial_extraction(job_id, str(operation["partialDataUrl"]))
        if not operation.get("url"):
            return Extraction(segments=(), **self._extraction_fields(job_id))
        file = self._bulk_file(
            job_id, str(operation["url"]), lines=object_count(operation), roots=root_count(operation)
        )
        return self._file_extraction(job_id, file)

    def _file_extraction(self, job_id: str, file: BulkFile, rest: Sequence[Segment] = (), **more: Any) -> Extraction:
        def walk() -> FileReader:
            return FileReader(file, self.complete, page_size=self.page_size)

        segments = [file_segment(file.name, walk), *rest]
        return FileExtraction(open_reader=walk, segments=segments, **self._extraction_fields(job_id, **more))

    def _extraction_fields(self, job_id: str, **more: Any) -> dict[str, Any]:
        request = {**self.request, "job": job_id, **more}
        return {"source": self.source, "resource": self.resource, "request": request, "window": self.window}

    def _bulk_file(self, job_id: str, url: str, **known: Any) -> BulkFile:
        return BulkFile(
            name=f"{self.resource} of {job_id}",
            download=lambda path: self.download(url, path),
            connections={self.documents.node_type: self.documents.inner_connections},
            **known,
        )

    def _runs_same_query(self, operation: Record) -> bool:
        return str(operation.get("query") or "").strip() == self.operation_query.strip()

    def _partial_extraction(self, job_id: str, url: str) -> Extraction:
        """Objects before the last one's moment from the file, those from it on page by page.

        The file is in order of change and grouped, so the last object alone may lack lines; others of its second may
        lack altogether. An object that changed behind the window while the operation ran belongs to the file only.
        """
        edge = self._last_change(job_id, url)
        until = self.time_range[1]

        def wanted(found: Record) -> bool:
            return not edge <= parse_timestamp(found["updatedAt"]) < until

        parts = self.list_query.split_range((edge, until))
        file = self._bulk_file(job_id, url, wanted=wanted, cut_short=True)
        return self._file_extraction(job_id, file, self.list_query.search_segments(parts), spans=parts)

    def _last_change(self, job_id: str, url: str) -> datetime:
        """When the last object of a file that breaks off was changed."""
        latest: datetime | None = None
        within = False
        with tempfile.TemporaryDirectory(prefix="bulk-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "rows.jsonl"
            self.download(url, path)
            for line in read_lines(path, allow_truncated=True):
                if line.parent_id is not None:
                    continue
                changed = parse_timestamp(line.record["updatedAt"])
                within = changed < self.time_range[1]
                if within and latest is not None and changed < latest:
                    latest, within = None, False
                    break
                latest = changed if within else latest
        if latest is None or not within:
            message = f"what the bulk operation {job_id} left when it failed can't be relied on"
            raise ExpiredError(message, remedy="The next try submits another.", partner=PARTNER)
        return latest


def fits_bulk_operation(match: object, fields: str) -> bool:
    """Whether a bulk operation can give what is asked for.

    :param match: ids, which it can't be asked by
    :param fields: further fields; what is in a connection would stand on lines of its own
    """
    return match is None and not _CONNECTION.search(fields)


def require_bulk_fit(match: object, fields: str) -> None:
    """Refuse what a bulk operation can't give.

    :param match: ids
    :param fields: further fields
    :raises ConfigurationError: when it doesn't fit
    """
    if not fits_bulk_operation(match, fields):
        wrong = "'match'" if match is not None else "'fields' with connections (edges, nodes)"
        message = f"a bulk operation can't be asked by {wrong}"
        raise ConfigurationError(message, remedy="Leave it out, or ask page by page.", partner=PARTNER)
