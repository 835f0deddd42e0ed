"""One bulk operation being carried out in a thread: rows made, written down, counted, and stopped when told.

It must not know how operations are submitted or asked after.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify_admin.bulk.files import OutputFile
from airflow_provider_partners.sandbox.shopify_admin.bulk.lines import BulkLines, BulkRequest
from airflow_provider_partners.sandbox.shopify_admin.bulk.query_checks import BulkQuery

log = logging.getLogger(__name__)
_FAULT = "INTERNAL_SERVER_ERROR"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """How an operation is made to fail.

    :param code: one of ``BulkOperationErrorCode``
    :param after: so many objects have been written by then
    """

    code: str
    after: int = 0


@dataclass(kw_only=True)
class BulkTask:
    """What is to be done.

    :param open: makes the file
    """

    query: BulkQuery
    answer: BulkRequest
    path: Path
    open: Callable[[Path], OutputFile]
    failure: Failure | None = None


class BulkWorker:
    """A task in its thread.

    :ivar objects: lines so far
    :ivar roots: objects at the root so far
    :ivar size: of the finished file, in bytes
    :ivar error: why it failed, once it is done
    """

    def __init__(self, task: BulkTask) -> None:
        self.objects = 0
        self.roots = 0
        self.size = 0
        self.error: str | None = None
        self._task = task
        self._stopped = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bulk-operation", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Leave the rest."""
        self._stopped.set()

    def wait(self, timeout: float) -> bool:
        """Whether it is finished, or will be within so many seconds."""
        return self._done.wait(timeout)

    def _run(self) -> None:
        # unless all goes well; what is no GraphQL error is the sandbox's own fault, and is told by the thread's end
        self.error = _FAULT
        try:
            self._fill(self._task.open(self._task.path))
        except (FileNotFoundError, sqlite3.ProgrammingError):
            log.info("a bulk operation was left unfinished: the sandbox's store was closed")
        finally:
            self._done.set()

    def _fill(self, output: OutputFile) -> None:
        try:
            self._write(output)
        except GraphQLError as error:
            code = (error.extensions or {}).get("code")
            self.error = code if code == "ACCESS_DENIED" else _FAULT
            log.warning("a bulk operation failed: %s", error.message)
        finally:
            self.size = output.finish()

    def _write(self, output: OutputFile) -> None:
        failure = self._task.failure
        for lines in BulkLines(self._task.query, self._task.answer):
            if self._stopped.is_set():
                break
            if failure and self.objects + len(lines) > failure.after:
                kept = lines[: failure.after - self.objects]
                if kept:
                    output.add(kept)
                    self._count(len(kept))
                break
            output.add(lines)
            self._count(len(lines))
        self.error = failure.code if failure else None

    def _count(self, lines: int) -> None:
        self.objects += lines
        self.roots += 1
