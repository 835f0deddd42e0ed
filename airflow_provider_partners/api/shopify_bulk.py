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

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.jobs import JobState, JobStatus
from airflow_provider_partners.api.shopify_bulk_file import lines
from airflow_provider_partners.api.shopify_bulk_operations import (
    UNDER_WAY,
    USABLE,
    BulkOperations,
    in_part,
    in_the_way,
    objects,
    refusal,
    roots,
    status_of,
)
from airflow_provider_partners.api.shopify_bulk_rows import (
    OBJECTS_AT_ONCE,
    BulkFile,
    FileExtraction,
    FileWalk,
    first_part,
)
from airflow_provider_partners.api.shopify_shops import instant
from airflow_provider_partners.exceptions import ConfigurationError, ExpiredError, TransientError
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.shopify_admin_documents import Listing
    from airflow_provider_partners.api.shopify_admin_question import Question
    from airflow_provider_partners.api.shopify_search import Span

PARTNER = "Shopify Admin"

_CONNECTION = re.compile(r"\b(?:edges|nodes)\b")

CLOCKS_DIFFER = timedelta(minutes=2)
"""By how much Shopify's time and ours may be apart."""


@dataclass(frozen=True, kw_only=True)
class BulkJob:
    """One question to a shop that is answered by a bulk operation; a
    :class:`~airflow_provider_partners.api.jobs.Job`.

    :param source: the partner
    :param listing: the list
    :param request: everything that decides the result, with the operation's text as ``query``
    :param span: the stretch of time it covers
    :param operations: of the shop
    :param download: fetches a file by its address
    :param complete: makes objects of a file whole
    :param rest: asks the same page by page
    :param before: called before a submission, to tell what will be missing
    :param now: the time in seconds since 1970
    :param size: objects of a page of rows
    """

    source: str
    listing: Listing
    request: Mapping[str, Any]
    span: Span
    operations: BulkOperations = field(repr=False)
    download: Callable[[str, Path], object] = field(repr=False)
    complete: Callable[[list[Record]], list[Record]] = field(repr=False)
    rest: Question = field(repr=False)
    before: Callable[[], None] = field(repr=False)
    now: Callable[[], float] = field(repr=False)
    size: int = OBJECTS_AT_ONCE

    @property
    def resource(self) -> str:
        """The list."""
        return self.listing.name

    @property
    def text(self) -> str:
        """What the bulk operation runs."""
        return str(self.request["query"])

    @property
    def window(self) -> Window | None:
        """The stretch of time it covers; ``None`` where it has no beginning."""
        since, until = self.span
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
        same = [each for each in self.operations.since(since) if self._is_mine(each) and each["status"] in USABLE]
        return str(max(same, key=lambda each: instant(each["createdAt"]))["id"]) if same else None

    def submit(self) -> str:
        """Have Shopify begin; an operation of this very text that is under way already is taken for it.

        :returns: its id
        :raises ThrottledError: when others are in the way
        :raises ConfigurationError: when Shopify refuses the text
        """
        self.before()
        begun = datetime.fromtimestamp(self.now(), UTC) - CLOCKS_DIFFER
        job_id, errors = self.operations.run(self.text)
        if job_id:
            return job_id
        if others := in_the_way(errors):
            # Begun before the window had ended, it would miss what changed since; our own try of just now can't.
            early = min(self.span[1], begun)
            for each in self.operations.get(*others):
                if self._is_mine(each) and each["status"] in UNDER_WAY and instant(each["createdAt"]) >= early:
                    return str(each["id"])
        raise refusal(errors)

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

    def rows(self, job_id: str) -> Extraction:
        """The rows of an operation that is done.

        Where it failed on its way, and its file is grouped, these are the whole objects of the file, then the rest of
        the window page by page.

        :param job_id: of :meth:`submit` or :meth:`find`
        :raises ExpiredError: when there is no file any more: another one has to be submitted
        :raises TransientError: when it isn't done yet
        """
        operation = next(iter(self.operations.get(job_id)), None)
        status = status_of(job_id, operation)
        if status.state is JobState.RUNNING:
            message = f"the bulk operation {job_id} is not done yet ({status.said})"
            raise TransientError(message, partner=PARTNER)
        if operation is None or status.state is JobState.FAILED:
            message = f"the bulk operation {job_id} has no result: {status.reason}"
            raise ExpiredError(message, remedy="The next try submits another.", partner=PARTNER)
        if in_part(operation):
            return self._in_part(job_id, str(operation["partialDataUrl"]))
        if not operation.get("url"):
            return Extraction(segments=(), **self._asked(job_id))
        file = self._file(job_id, str(operation["url"]), lines=objects(operation), roots=roots(operation))
        return self._rows(job_id, file)

    def _rows(self, job_id: str, file: BulkFile, rest: Sequence[Segment] = (), **more: Any) -> Extraction:
        def walk() -> FileWalk:
            return FileWalk(file, self.complete, size=self.size)

        segments = [first_part(file.name, walk), *rest]
        return FileExtraction(walk=walk, segments=segments, **self._asked(job_id, **more))

    def _asked(self, job_id: str, **more: Any) -> dict[str, Any]:
        request = {**self.request, "job": job_id, **more}
        return {"source": self.source, "resource": self.resource, "request": request, "window": self.window}

    def _file(self, job_id: str, url: str, **known: Any) -> BulkFile:
        return BulkFile(
            name=f"{self.resource} of {job_id}",
            fetch=lambda path: self.download(url, path),
            connections={self.listing.node: self.listing.inner},
            **known,
        )

    def _is_mine(self, operation: Record) -> bool:
        return str(operation.get("query") or "").strip() == self.text.strip()

    def _in_part(self, job_id: str, url: str) -> Extraction:
        """Objects before the last one's moment from the file, those from it on page by page.

        The file is in order of change and grouped, so the last object alone may lack lines; others of its second may
        lack altogether. An object that changed behind the window while the operation ran belongs to the file only.
        """
        edge = self._edge(job_id, url)
        until = self.span[1]

        def wanted(found: Record) -> bool:
            return not edge <= instant(found["updatedAt"]) < until

        parts = self.rest.pieces((edge, until))
        file = self._file(job_id, url, wanted=wanted, cut_short=True)
        return self._rows(job_id, file, self.rest.searched(parts), spans=parts)

    def _edge(self, job_id: str, url: str) -> datetime:
        """When the last object of a file that breaks off was changed."""
        latest: datetime | None = None
        within = False
        with tempfile.TemporaryDirectory(prefix="bulk-", ignore_cleanup_errors=True) as folder:
            path = Path(folder) / "rows.jsonl"
            self.download(url, path)
            for line in lines(path, cut_short=True):
                if line.parent is not None:
                    continue
                changed = instant(line.record["updatedAt"])
                within = changed < self.span[1]
                if within and latest is not None and changed < latest:
                    latest, within = None, False
                    break
                latest = changed if within else latest
        if latest is None or not within:
            message = f"what the bulk operation {job_id} left when it failed can't be relied on"
            raise ExpiredError(message, remedy="The next try submits another.", partner=PARTNER)
        return latest


def fits(match: object, fields: str) -> bool:
    """Whether a bulk operation can give what is asked for.

    :param match: ids, which it can't be asked by
    :param fields: further fields; what is in a connection would stand on lines of its own
    """
    return match is None and not _CONNECTION.search(fields)


def refuse_misfits(match: object, fields: str) -> None:
    """Refuse what a bulk operation can't give.

    :param match: ids
    :param fields: further fields
    :raises ConfigurationError: when it doesn't fit
    """
    if not fits(match, fields):
        wrong = "'match'" if match is not None else "'fields' with connections (edges, nodes)"
        message = f"a bulk operation can't be asked by {wrong}"
        raise ConfigurationError(message, remedy="Leave it out, or ask page by page.", partner=PARTNER)
