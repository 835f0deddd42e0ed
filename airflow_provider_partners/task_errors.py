"""Translate this provider's errors into what Airflow acts upon: fail, reschedule or retry.

The log gets short lines for a person: what failed, for which shop and connection, and what to do. The exception that
Airflow sees has no cause: its log would repeat the message and add the frames of each cause.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from airflow_provider_partners import _compat, settings
from airflow_provider_partners._compat import AirflowException, AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.exceptions import FatalError, PartnersError, ThrottledError
from airflow_provider_partners.failures import TaskFailure
from airflow_provider_partners.observability.step_log import recorded

__all__ = [
    "SHORTEST_PAUSE",
    "Context",
    "FatalTaskError",
    "PartnerTaskError",
    "as_task_error",
    "translate_errors",
]

log = logging.getLogger(__name__)

Context = Mapping[str, Any]
"""A task's context; the code reads single entries of it."""

SHORTEST_PAUSE = timedelta(seconds=30)
"""How long a task that gives its slot back stays away at least.

Airflow's scheduler hears of the end of its process seconds later. If it has queued the task again by then, it takes
that for the end of the new start: the task fails, or uses up a retry. See
https://github.com/apache/airflow/issues/71172.
"""

Subject = tuple[str | None, str | None]
"""The shop and the id of the connection that a task works with."""


class PartnerTaskError(AirflowException):
    """A partner, the network or a dataset failed the task; a retry may succeed.

    :param error: the error of this provider that is behind it
    """

    def __init__(self, *args: object, error: PartnersError | None = None) -> None:
        super().__init__(*args)
        self.error = error


class FatalTaskError(AirflowFailException):
    """A retry of the task would fail too: somebody has to change something first.

    :param error: the error of this provider that is behind it
    """

    def __init__(self, *args: object, error: PartnersError | None = None) -> None:
        super().__init__(*args)
        self.error = error


@contextmanager
def translate_errors(context: Context, *, subject: Callable[[], Subject] | None = None) -> Iterator[None]:
    """Raise Airflow's exceptions for this provider's errors, and record the try for the run's report.

    The log first says, in short lines, what failed and what to do. At level ``DEBUG`` it also has the error's own
    traceback.

    :param context: the task's context
    :param subject: returns the shop and the connection that the task works with; the error's line names them
    :raises FatalTaskError: for a :class:`~airflow_provider_partners.exceptions.FatalError`: no retry
    :raises AirflowRescheduleException: for a long wait that the partner requires: the task gives its slot back
    :raises PartnerTaskError: for any other error of this provider: the task's retries count
    """
    try:
        with recorded(context, connection=lambda: _read(subject)[1]):
            yield
    except PartnersError as error:
        raise as_task_error(error, context, subject=_read(subject)) from None


def as_task_error(error: PartnersError, context: Context, *, subject: Subject = (None, None)) -> Exception:
    """Log an error of this provider for a person, and return the exception that Airflow acts upon.

    :param context: the task's context
    :param subject: the shop and the connection that the task works with
    """
    shop, connection = subject
    _forget_suppressed(error)
    failure = TaskFailure.of(error, shop=shop, connection=connection)
    log.debug("The error's own traceback", exc_info=error)
    if isinstance(error, ThrottledError) and _may_reschedule(context):
        date = _compat.utcnow() + max(timedelta(seconds=error.retry_after), SHORTEST_PAUSE)
        log.warning("%s\nThe task gives its slot back and goes on at %s.", failure, f"{date:%Y-%m-%d %H:%M:%S} UTC")
        return AirflowRescheduleException(date)  # type: ignore[no-untyped-call]
    log.error("%s", failure)
    kind = FatalTaskError if isinstance(error, FatalError) else PartnerTaskError
    return kind(str(error), error=error)


def _forget_suppressed(error: BaseException | None) -> None:
    """Remove what ``from None`` only hides: the library's error, whose text, fields and frames hold what it was sent.

    Python keeps it as the context, where a reporter of errors finds it.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if error.__suppress_context__ and error.__cause__ is None:
            error.__context__ = None
        error = error.__cause__ or error.__context__


def _read(subject: Callable[[], Subject] | None) -> Subject:
    """Return what a task works with, or nothing: this must not hide the error that is being described."""
    with suppress(Exception):
        return subject() if subject else (None, None)
    return None, None


def _may_reschedule(context: Context) -> bool:
    """Return False where Airflow or the settings do not allow another reschedule: a retry takes its place."""
    return _compat.RESCHEDULES and int(context.get("task_reschedule_count") or 0) < settings.max_reschedules()
