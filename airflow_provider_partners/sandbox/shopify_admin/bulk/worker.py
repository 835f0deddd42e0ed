"""Runs one bulk operation in a thread: create its lines, write and count them, and stop on request."""

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
    """How an operation fails.

    :param code: one of ``BulkOperationErrorCode``
    :param after: number of objects that are written first
    """

    code: str
    after: int = 0


@dataclass(kw_only=True)
class BulkTask:
    """The task of one operation.

    :param open: creates the output file
    """

    query: BulkQuery
    request: BulkRequest
    path: Path
    open: Callable[[Path], OutputFile]
    failure: Failure | None = None


class BulkWorker:
    """A task in its thread.

    :ivar objects: number of lines written
    :ivar roots: number of root objects written
    :ivar size: size of the complete file in bytes
    :ivar error: error code after the end, ``None`` for success
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
        """Stop before the next object."""
        self._stopped.set()

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds; return True if the task has ended."""
        return self._done.wait(timeout)

    def _run(self) -> None:
        # The default until the task succeeds. An exception that is not a GraphQL error is a bug and ends the thread.
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
        for lines in BulkLines(self._task.query, self._task.request):
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
