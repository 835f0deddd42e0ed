"""The rows of a bulk operation: its file fetched when a walk begins and removed when it ends, objects made whole.

Rows are those of the paged list. The lines of fulfillments, which a bulk operation can't give, are asked for by the
fulfillments' ids, a page at a time. Must not know how an operation is begun or watched.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import ExtractedPage, Extraction, ResumePosition, Segment, batches
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.shopify_admin import documents
from airflow_provider_partners.api.shopify_admin.bulk.result_file import Connections, JoinedFile
from airflow_provider_partners.api.shopify_admin.query_cost import AdaptivePageSize
from airflow_provider_partners.exceptions import PagingError, TransientError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.api.shopify_admin.nested import NestedConnectionLoader
    from airflow_provider_partners.records import Record

RECORDS_PER_PAGE = 200
"""Objects of a page of rows: what is in memory at once."""

MAX_NODE_IDS = 250
"""Ids that Shopify takes in one query."""

DownloadFile = Callable[[Path], object]
"""Fetches the operation's file to a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFile:
    """A bulk operation's file, and how to read it.

    :param name: for errors
    :param download: fetches it; holds the address, which is a secret
    :param connections: which lines belong into which field of which objects
    :param expected_lines: how many it has at least
    :param expected_roots: how many of them are objects of the list
    :param is_included: whether an object is to be given; all by default
    :param allow_truncated: whether its last line may be broken off
    """

    name: str
    download: DownloadFile = field(repr=False)
    connections: Connections
    expected_lines: int = 0
    expected_roots: int = 0
    is_included: Callable[[Record], bool] | None = None
    allow_truncated: bool = False

    def open(self, folder: Path) -> JoinedFile:
        """Fetch it and look it through.

        :param folder: where it may lie
        :raises UnexpectedResponseError: when it holds less than was counted
        """
        path = folder / "rows.jsonl"
        self.download(path)
        joined = JoinedFile(
            path,
            folder / "index.sqlite",
            connections=self.connections,
            is_included=self.is_included,
            allow_truncated=self.allow_truncated,
        )
        if joined.line_count < self.expected_lines or joined.root_count < self.expected_roots:
            joined.close()
            message = (
                f"the file of {self.name} holds {joined.line_count} lines, {joined.root_count} of them objects of the list, "
                f"but Shopify counted {self.expected_lines} and {self.expected_roots}"
            )
            raise UnexpectedResponseError(message, remedy="The file is not whole: try again.")
        return joined


class FileReader:
    """One walk through a file, which is fetched with the first page and removed with :meth:`close`.

    :param file: the file
    :param complete: makes objects whole
    :param page_size: objects of a page
    """

    def __init__(self, file: BulkFile, complete: Callable[[list[Record]], list[Record]], *, page_size: int) -> None:
        self._file = file
        self._complete = complete
        self._page_size = page_size
        self._lock = threading.Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._joined: JoinedFile | None = None
        self._closed = False

    @property
    def segment(self) -> Segment:
        """The file as a part of an extraction."""
        return Segment(name=self._file.name, fetch=self.fetch, predict_next=self.predict_next)

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: ``{}`` or ``{"at": …}``, how many objects lie before it
        """
        at = int(cursor.get("at", 0))
        objects, total = self._read(at)
        if at > total:
            message = f"{self._file.name} has {total} objects, but the walk had come to {at}"
            raise PagingError(message, remedy="Remove the dataset's folder, so that it is fetched anew.")
        behind = at + len(objects)
        return Page(self._complete(objects), {"at": behind} if behind < total else None, total)

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """The cursor of the following page, once the file is there.

        :param cursor: of this one
        """
        joined, behind = self._joined, int(cursor.get("at", 0)) + self._page_size
        return {"at": behind} if joined is not None and behind < len(joined) else None

    def close(self) -> None:
        """Remove the file. A thread that still reads it does so when it has read."""
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
                    message = f"the walk through {self._file.name} was closed meanwhile"
                    raise TransientError(message)
                if self._joined is None:
                    self._remove()
                    self._folder = tempfile.TemporaryDirectory(prefix="bulk-", ignore_cleanup_errors=True)
                    self._joined = self._file.open(Path(self._folder.name))
                return self._joined.read(start, self._page_size), len(self._joined)
            finally:
                if self._closed:
                    self._remove()

    def _remove(self) -> None:
        if self._joined is not None:
            self._joined.close()
            self._joined = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


@dataclass(frozen=True, kw_only=True)
class FileExtraction(Extraction):
    """An extraction whose first part is a file, which is there for as long as a walk goes on.

    :param open_reader: begins a walk through the file
    """

    open_reader: Callable[[], FileReader]

    def pages(self, *, position: ResumePosition | None = None, workers: int = 1) -> Generator[ExtractedPage]:
        """Walk the list; see ``Extraction.pages``. The file is removed when the walk ends or is closed.

        :param position: where to go on; the file is fetched anew for it
        :param workers: pages made whole at the same time
        """
        with closing(self.open_reader()) as walk:
            parts = replace(self, segments=[walk.segment, *self.segments[1:]])
            yield from Extraction.pages(parts, position=position, workers=workers)


def file_segment(name: str, open_reader: Callable[[], FileReader]) -> Segment:
    """The file as a part that stands by itself: each of its pages fetches the file anew.

    :param name: for errors
    :param open_reader: begins a walk through the file
    """

    def fetch(cursor: Cursor) -> Page:
        with closing(open_reader()) as own:
            return own.fetch(cursor)

    return Segment(name=name, fetch=fetch)


class BulkRecordLoader:
    """Makes the objects of a file what the paged list would have given; threads share one.

    :param caller: sends the documents
    :param loader: makes nodes of a paged list whole
    :param list_documents: the list
    :param fetch_by_ids: gives whole objects by their ids, those that still exist
    """

    def __init__(
        self,
        caller: GraphQLCaller,
        loader: NestedConnectionLoader,
        list_documents: documents.ListDocuments,
        fetch_by_ids: Callable[[list[str]], list[Record]],
    ) -> None:
        self._caller = caller
        self._loader = loader
        self._list_documents = list_documents
        self._fetch_by_ids = fetch_by_ids
        self._batch_size = AdaptivePageSize(MAX_NODE_IDS)

    def __call__(self, objects: list[Record]) -> list[Record]:
        """Whole objects, in order; those that were deleted meanwhile are left out.

        :param objects: as the file has them, with their inner lists
        """
        torn: set[str] = set()
        if self._list_documents.name == "orders":
            torn = self._add_fulfillment_lines(objects)
        nodes = [self._as_list_node(each) for each in objects if each["id"] not in torn]
        whole = {record["id"]: record for record in self._loader.complete(self._list_documents.name, nodes)}
        if torn:
            # What the file names is there no longer, so the order has changed since: its present state counts.
            whole |= {record["id"]: record for record in self._fetch_by_ids(sorted(torn))}
        return [whole[each["id"]] for each in objects if each["id"] in whole]

    def _as_list_node(self, found: Record) -> Record:
        return {
            **found,
            **{name: _as_connection(found[name]) for name in self._list_documents.inner_connections.values()},
        }

    def _add_fulfillment_lines(self, orders: list[Record]) -> set[str]:
        """Give each fulfillment its lines; the ids of orders of which one is gone."""
        listed = [(order, each) for order in orders for each in order["fulfillments"]]
        lines = self._fetch_fulfillment_lines([each["id"] for _, each in listed])
        for _, each in listed:
            each["fulfillmentLineItems"] = lines.get(each["id"])
        return {order["id"] for order, each in listed if each["fulfillmentLineItems"] is None}

    def _fetch_fulfillment_lines(self, ids: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        asked = 0
        while asked < len(ids):
            some, nodes = self._batch_size.call(lambda size, begin=asked: self._fetch_batch(ids[begin:], size))  # type: ignore[misc]
            found |= {node["id"]: node["fulfillmentLineItems"] for node in nodes if node and "id" in node}
            asked += some
        return found

    def _fetch_batch(self, ids: list[str], size: int) -> tuple[int, list[Record]]:
        some = next(batches(ids, size))
        answer = self._caller.execute(documents.FULFILLMENTS_BY_ID, {"ids": some}, label="fulfillments.by_id")
        return len(some), answer.data.get("nodes") or []


def _as_connection(rows: list[Record]) -> Record:
    return {"nodes": rows, "pageInfo": {"hasNextPage": False, "endCursor": None}}
