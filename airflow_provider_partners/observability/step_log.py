"""The tries of a step: when each ran, how it ended, and what it called. Kept beside the step's dataset.

A report says what a run did over all tries. Airflow deletes what a try has returned when the next one starts, and a
failed try returns nothing, so each try adds an entry to ``tries.json`` in the step's folder. Only steps of a Dag with
the task :data:`REPORT_TASK_ID` are recorded. A failure to record is logged and never fails the step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_partners import timestamps
from airflow_provider_partners._compat import AirflowRescheduleException, AirflowSkipException
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.storage import TRIES_FILE, DatasetFolder
from airflow_provider_partners.exceptions import PartnersError, ThrottledError
from airflow_provider_partners.failures import TaskFailure

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.stats import RequestCounts

__all__ = ["REPORT_TASK_ID", "CallEntry", "TryEntry", "add_calls", "read_tries", "recorded"]

log = logging.getLogger(__name__)

REPORT_TASK_ID = "summarize"
"""The task that writes a Dag's report."""

MAX_TRIES = 50
"""Entries that are kept: the first and the latest ones. A step that waits for a partner may have many."""


class CallEntry(TypedDict):
    """The calls of one client."""

    api: str
    """The connection type."""
    account: str | None
    counts: RequestCounts


class TryEntry(TypedDict):
    """One try of a step."""

    state: str
    """``success``, ``warning``, ``failed``, ``skipped``, or ``waiting`` if it gave its slot back."""
    started_at: str
    ended_at: str
    message: str | None
    """What failed, why the step was skipped, or what the warning is."""
    remedy: str | None
    log_url: str | None
    calls: list[CallEntry]


_calls: ContextVar[list[CallEntry] | None] = ContextVar("calls of the running try", default=None)


def add_calls(counts: RequestCounts, *, api: str, account: str | None) -> None:
    """Add the calls of a client to the running try. Without one, do nothing."""
    calls = _calls.get()
    if calls is not None and counts["requests"]:
        calls.append({"api": api, "account": account, "counts": counts})


@contextmanager
def recorded(context: Mapping[str, Any], *, connection: Callable[[], str | None] | None = None) -> Iterator[None]:
    """Record the enclosed try.

    :param context: of a task; nothing is recorded for a Dag without a report
    :param connection: returns the id of the connection that the step uses; the error's line names it
    """
    if not _is_reported(context) or _calls.get() is not None:
        yield
        return
    calls: list[CallEntry] = []
    token = _calls.set(calls)
    started = datetime.now(UTC)
    error: BaseException | None = None
    try:
        yield
    except BaseException as raised:
        error = raised
        raise
    finally:
        _calls.reset(token)
        conn_id = connection() if error and connection else None
        _store(context, _entry(context, error, started, calls, conn_id))


def read_tries(uri: str) -> list[TryEntry]:
    """Return the tries of a step, the first one first.

    :param uri: the step's folder, see :func:`~airflow_provider_partners.datasets.location.dataset_uri`
    """
    tries = DatasetFolder(uri).read_json(TRIES_FILE)
    return tries if isinstance(tries, list) else []


def _is_reported(context: Mapping[str, Any]) -> bool:
    has_task = getattr(context.get("dag"), "has_task", None)
    return callable(has_task) and has_task(REPORT_TASK_ID) is True and "ti" in context


def _entry(
    context: Mapping[str, Any],
    error: BaseException | None,
    started: datetime,
    calls: list[CallEntry],
    connection: str | None,
) -> TryEntry:
    message, remedy = _explain(error, connection)
    return {
        "state": _state(error),
        "started_at": timestamps.isoformat(started),
        "ended_at": timestamps.isoformat(datetime.now(UTC)),
        "message": message,
        "remedy": remedy,
        "log_url": getattr(context["ti"], "log_url", None) if error else None,
        "calls": calls,
    }


def _state(error: BaseException | None) -> str:
    if error is None:
        return "success"
    if isinstance(error, AirflowSkipException):
        return "skipped"
    # TaskDeferred is no Exception, and its module moved between versions of Airflow.
    if isinstance(error, ThrottledError | AirflowRescheduleException) or type(error).__name__ == "TaskDeferred":
        return "waiting"
    return "failed"


def _explain(error: BaseException | None, connection: str | None = None) -> tuple[str | None, str | None]:
    """Return an error's first line and its remedy, without secrets and customers' data.

    Texts of this provider's errors have neither. Of another error, only its class is certain to have neither.
    """
    if error is None or _state(error) == "waiting":
        return None, None
    if isinstance(error, PartnersError):
        return TaskFailure.of(error, connection=connection).headline, error.remedy
    if isinstance(error, AirflowSkipException):
        return str(error) or None, None
    return f"The step stopped with a {type(error).__name__}", "See its log."


def _store(context: Mapping[str, Any], entry: TryEntry) -> None:
    try:
        uri = dataset_uri(context)
        tries = [*read_tries(uri), entry]
        kept = tries if len(tries) <= MAX_TRIES else [tries[0], *tries[1 - MAX_TRIES :]]
        DatasetFolder(uri).write_json(TRIES_FILE, kept)
    except Exception:  # the step's own end is what counts
        log.warning("This try could not be recorded for the run's report", exc_info=True)
