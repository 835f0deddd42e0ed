"""The records of a bulk operation: download its file, complete its objects, and delete it at the end.

The records are those of the paged list. A bulk operation cannot include a connection inside of a plain list, such as
the lines of fulfillments. They are requested by the fulfillments' ids, one page at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_partners.api.extraction import ExtractedPage, Extraction, ResumePosition, Segment, batches
from airflow_provider_partners.api.job_files import DamagedFileError, read_undamaged
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify_admin.bulk.result_file import MAX_BYTES, JoinedFile
from airflow_provider_partners.api.shopify_admin.documents import (
    ListDocuments,
    missing_lists,
    missing_lists_document,
)
from airflow_provider_partners.exceptions import PagingError, TransientError
from airflow_provider_partners.files import ScratchFolder, make_private_file

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.bulk.placement import Placement
    from airflow_provider_partners.api.shopify_admin.query import ListQuery
    from airflow_provider_partners.api.shopify_admin.resources.model import Nested
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import TimeRange

RECORDS_PER_PAGE = 200
"""Records per page, which is the number of objects in memory at once."""

MAX_NODE_IDS = 250
"""Number of ids that Shopify accepts in one query."""

_INCOMPLETE = "The file is incomplete: try again."

DownloadFile = Callable[[Path], object]
"""Downloads the operation's file to a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFile:
    """A bulk operation's file, and how to read it.

    :param name: for errors
    :param download: downloads the file; holds its URL, which is a secret
    :param placement: where nested lines belong
    :param expected_lines: minimum number of lines
    :param expected_roots: minimum number of objects of the list
    :param expected_bytes: minimum size
    :param is_included: return False for an object to drop it; all are kept by default
    :param allow_truncated: skip the last line if it is incomplete
    :param reads_lines: whether the nested lines are the records
    :param counts_records: whether each object is one record, so that their number is known
    :param max_bytes: of the file's lines that are in memory at once
    """

    name: str
    download: DownloadFile = field(repr=False)
    placement: Placement
    expected_lines: int = 0
    expected_roots: int = 0
    expected_bytes: int = 0
    is_included: Callable[[Record], bool] | None = None
    allow_truncated: bool = False
    reads_lines: bool = False
    counts_records: bool = True
    max_bytes: int = MAX_BYTES

    def open(self, folder: Path) -> JoinedFile:
        """Download the file and index it; download a damaged one again.

        :param folder: the folder of the file and its index
        :raises DamagedFileError: if the file holds less than Shopify counted, or is not such a file
        """
        return read_undamaged(partial(self._open, folder))

    def _open(self, folder: Path) -> JoinedFile:
        path, index = folder / "result.jsonl", folder / "index.sqlite"
        for left in (path, index):
            left.unlink(missing_ok=True)
        self.download(make_private_file(path))
        size = path.stat().st_size
        if size < self.expected_bytes:
            message = f"the file of {self.name} has {size:,} bytes of {self.expected_bytes:,}"
            raise DamagedFileError(message, remedy=_INCOMPLETE)
        joined = JoinedFile(
            path,
            index,
            placement=self.placement,
            is_included=self.is_included,
            allow_truncated=self.allow_truncated,
            reads_lines=self.reads_lines,
            max_bytes=self.max_bytes,
        )
        if joined.line_count < self.expected_lines or joined.root_count < self.expected_roots:
            joined.close()
            message = (
                f"the file of {self.name} has {joined.line_count} lines and {joined.root_count} objects of the list, "
                f"but Shopify counted {self.expected_lines} and {self.expected_roots}"
            )
            raise DamagedFileError(message, remedy=_INCOMPLETE)
        return joined


class FileReader:
    """Reads the pages of a file. The first page downloads it, :meth:`close` deletes it.

    :param complete: completes the objects of a page
    :param page_size: objects per page
    """

    def __init__(self, file: BulkFile, complete: Callable[[list[Record]], list[Record]], *, page_size: int) -> None:
        self._file = file
        self._complete = complete
        self._page_size = page_size
        self._lock = threading.Lock()
        self._folder = ScratchFolder("bulk-operation")
        self._joined: JoinedFile | None = None
        self._closed = False

    @property
    def segment(self) -> Segment:
        """The file as a segment of an extraction."""
        return Segment(name=self._file.name, fetch=self.fetch, predict_next=self.predict_next)

    def fetch(self, cursor: Cursor) -> Page:
        """Return the page at a cursor.

        :param cursor: ``{}`` or ``{"offset": …}``, the number of objects before the page
        """
        offset = int(cursor.get("offset", 0))
        objects, total = self._read(offset)
        if offset > total:
            message = f"{self._file.name} has {total} objects, but the stored position is {offset}"
            raise PagingError(message, remedy="Delete the dataset's folder to read it again from the start.")
        next_offset = offset + len(objects)
        next_cursor = {"offset": next_offset} if next_offset < total else None
        return Page(self._complete(objects), next_cursor, total if self._file.counts_records else None)

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Return the cursor of the following page, once the file is downloaded."""
        joined, next_offset = self._joined, int(cursor.get("offset", 0)) + self._page_size
        return {"offset": next_offset} if joined is not None and next_offset < len(joined) else None

    def close(self) -> None:
        """Delete the file. If a thread is still reading it, that thread deletes it afterwards."""
        self._closed = True
        if self._lock.acquire(timeout=1.0):
            try:
                self._remove()
            finally:
                self._lock.release()

    def _read(self, start: int) -> tuple[list[Record], int]:
        with self._lock:
            try:
                if self._closed:
                    message = f"the reader of {self._file.name} was closed during the read"
                    raise TransientError(message)
                if self._joined is None:
                    self._remove()
                    with self._folder.errors():
                        self._joined = self._file.open(self._folder.open())
                with self._folder.errors():
                    return self._joined.read(start, self._page_size), len(self._joined)
            finally:
                if self._closed:
                    self._remove()

    def _remove(self) -> None:
        if self._joined is not None:
            self._joined.close()
            self._joined = None
        self._folder.close()


@dataclass(frozen=True, kw_only=True)
class FileExtraction(Extraction):
    """An extraction that begins with a file. The file exists only while pages are read.

    :param open_reader: returns a new reader of the file
    """

    open_reader: Callable[[], FileReader]

    def pages(self, *, position: ResumePosition | None = None, workers: int = 1) -> Generator[ExtractedPage]:
        """Yield the pages, as ``Extraction.pages`` does. Deletes the file at the end, or when closed.

        :param position: where to continue; the file is downloaded again for it
        :param workers: pages to complete in parallel
        """
        with closing(self.open_reader()) as reader:
            extraction = replace(self, segments=[reader.segment, *self.segments[1:]])
            yield from Extraction.pages(extraction, position=position, workers=workers)


def file_segment(name: str, open_reader: Callable[[], FileReader]) -> Segment:
    """Return the file as an independent segment: each of its pages downloads the file again.

    :param open_reader: returns a new reader of the file
    """

    def fetch(cursor: Cursor) -> Page:
        with closing(open_reader()) as reader:
            return reader.fetch(cursor)

    return Segment(name=name, fetch=fetch)


class BulkRecordLoader:
    """Turns the objects of a file into the records of the paged list. Thread-safe.

    :param list_query: reads the same list page by page
    :param time_range: of the records, in whole seconds
    """

    def __init__(self, list_query: ListQuery, time_range: TimeRange) -> None:
        self._query = list_query
        self._documents = list_query.documents
        self._is_included = list_query.is_included(time_range)
        self._batch_size = AdaptivePageSize(MAX_NODE_IDS)

    def __call__(self, objects: list[Record]) -> list[Record]:
        """Return complete records in order; objects deleted in the meantime are left out.

        :param objects: as the file has them, with their nested lists
        """
        loader, documents = self._query.loader, self._documents
        if reads_lines_as_records(documents):
            return [record for record in loader.complete_records(documents, objects) if self._is_included(record)]
        changed: set[str] = set()
        for nested in documents.lists:
            if missing_lists(nested):
                changed |= self._add_missing_lists(nested, objects)
        records = []
        for each in objects:
            # The file of a changed object names something that no longer exists.
            is_current = each["id"] not in changed
            records += (
                loader.complete(documents, [each]) if is_current else self._query.fetch_root_objects([each["id"]])
            )
        return [record for record in records if self._is_included(record)]

    def _add_missing_lists(self, nested: Nested, owners: list[Record]) -> set[str]:
        """Add the connections inside of a plain list. Return the ids of owners with an object that no longer exists."""
        pairs = [(owner, item) for owner in owners for item in owner[nested.field]]
        found = self._fetch_missing_lists(nested, [item["id"] for _, item in pairs])
        for _, item in pairs:
            item.update(found.get(item["id"], {}))
        return {owner["id"] for owner, item in pairs if item["id"] not in found}

    def _fetch_missing_lists(self, nested: Nested, ids: list[str]) -> dict[str, Record]:
        found: dict[str, Record] = {}
        offset = 0
        while offset < len(ids):
            size, nodes = self._batch_size.call(partial(self._fetch_batch, nested, ids[offset:]))
            found |= {
                node["id"]: {each.field: node[each.field] for each in missing_lists(nested)}
                for node in nodes
                if node and "id" in node
            }
            offset += size
        return found

    def _fetch_batch(
        self, nested: Nested, ids: list[str], size: int, *, max_timeouts: int | None
    ) -> tuple[int, list[Record]]:
        batch = next(batches(ids, size))
        result = self._query.caller.execute(
            missing_lists_document(nested), {"ids": batch}, label=f"{nested.field}.by_id", max_timeouts=max_timeouts
        )
        return len(batch), result.data.get("nodes") or []


def reads_lines_as_records(documents: ListDocuments) -> bool:
    """Return True if the records are the nested lines of a file, and not its objects.

    One object may have more of them than fit into memory, as a location its inventory levels.
    """
    within = documents.records_list
    return within is not None and within.connection
