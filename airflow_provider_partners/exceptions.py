"""The errors of this provider. The class says what should happen next.

Fail at once (:class:`FatalError`), try again later (:class:`RetryableError`), set the record aside
(:class:`RejectedError`), or stop because the response is not understood (:class:`UnexpectedResponseError`).
Clients and sync raise these errors; ``task_errors`` translates them for Airflow. This module does not import Airflow.
"""

from __future__ import annotations

import copyreg
import re
from typing import Any

__all__ = [
    "MAX_RETRY_AFTER",
    "AuthenticationError",
    "ConfigurationError",
    "ConflictError",
    "DatasetError",
    "ExpiredError",
    "FatalError",
    "JobFailedError",
    "NotDefinedError",
    "NotFoundError",
    "PagingError",
    "PartnersError",
    "RejectThresholdError",
    "RejectedError",
    "RetryableError",
    "StorageError",
    "ThrottledError",
    "TimedOutError",
    "TransientError",
    "UnexpectedResponseError",
    "UnknownOutcomeError",
    "bounded_wait",
]

MAX_RETRY_AFTER = 3_600.0
"""Seconds. No partner is believed to require a longer wait: its longest window is an hour, and headers may be wrong."""


_EMAIL = re.compile(r"(?<![\w.+%/:@-])[\w.+%-]+(?:@|%40)(?:[\w-]+\.)+[^\W\d_]{2,}")


def _without_addresses(text: str) -> str:
    """Return a text without e-mail addresses: the first line of a file without a header may be in a message."""
    return _EMAIL.sub("<e-mail>", text) if "@" in text or "%40" in text else text


class PartnersError(Exception):
    """Base class of all errors of this provider. E-mail addresses are removed from its texts.

    :param message: what was requested and what came back, without secrets and customers' data
    :param remedy: next step for the reader
    :param partner: the API that answered, such as ``Yotpo``
    :param status: HTTP status, if there was a response
    :param request_id: the partner's id of the request; its support needs it
    :param restarts_list: what was read of a list so far is not to be trusted, or can't be continued: a retry reads the
        list from its start
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        partner: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        restarts_list: bool = False,
    ) -> None:
        message = _without_addresses(message)
        super().__init__(message)
        self.message = message
        self.remedy = _without_addresses(remedy) if remedy else remedy
        self.partner = partner
        self.status = status
        self.request_id = request_id
        self.restarts_list = restarts_list

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and unpickle without the constructor, whose required keywords ``BaseException`` does not pass on."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    @property
    def headline(self) -> str:
        """What failed, without what to do: partner, message and status."""
        return self._describe(f"HTTP {self.status}" if self.status else None)

    def __str__(self) -> str:
        """Return one line: partner, message, status and request id, remedy."""
        line = self._describe(
            f"HTTP {self.status}" if self.status else None,
            f"request id {self.request_id}" if self.request_id else None,
        )
        return f"{_end_sentence(line)} {self.remedy}" if self.remedy else line

    def _describe(self, *facts: str | None) -> str:
        details = ", ".join(fact for fact in facts if fact)
        line = f"{self.partner}: {self.message}" if self.partner else self.message
        return f"{line.rstrip('.')} ({details})." if details else line


class FatalError(PartnersError):
    """A retry fails too: somebody has to change something first."""


class RetryableError(PartnersError):
    """The same request may succeed later."""


class ConfigurationError(FatalError):
    """The connection, a Variable or an argument is wrong. The error names the field and the remedy."""


class AuthenticationError(FatalError):
    """The partner refuses the credentials, or they lack a permission. A retry would be refused too."""


class NotDefinedError(RetryableError):
    """Airflow knows no such connection or Variable, or could not be reached: it answers both the same way."""


class ThrottledError(RetryableError):
    """The partner requires a wait that is too long for the running task.

    :param retry_after: seconds until the next try makes sense, cut to :data:`MAX_RETRY_AFTER`
    """

    def __init__(self, message: str, *, retry_after: float, **details: object) -> None:
        super().__init__(message, **details)  # type: ignore[arg-type]
        self.retry_after = bounded_wait(retry_after)


def bounded_wait(seconds: float) -> float:
    """Return a wait that a partner requires, from 0 to :data:`MAX_RETRY_AFTER` seconds."""
    if seconds > MAX_RETRY_AFTER:
        return MAX_RETRY_AFTER
    return seconds if seconds > 0 else 0.0  # not a number is no wait


class TransientError(RetryableError):
    """The partner or the network failed until the deadline. A later try may work."""


class TimedOutError(TransientError):
    """The partner ran out of time. A later try, or a smaller request, may work."""


class UnknownOutcomeError(TransientError):
    """The response is lost, and the partner may have done what was requested. Look before sending it again."""


class ExpiredError(TransientError):
    """A result that the partner prepared, such as a job's file, has expired. A later try creates a new one."""


class JobFailedError(TransientError):
    """A partner's job ended without a result. A later try submits another job."""


class RejectedError(PartnersError):
    """The partner refuses the payload. Retries would fail too: set the record aside with this reason.

    :ivar rule: the message without what differs between records, for counting; ``None`` if the message is the partner's
    """

    rule: str | None = None


class NotFoundError(RejectedError):
    """The partner does not know the id in the path."""


class ConflictError(RejectedError):
    """The record exists already: look it up and update it."""


class UnexpectedResponseError(PartnersError):
    """The response cannot be understood. The task stops instead of storing wrong data."""


class PagingError(UnexpectedResponseError):
    """The list loops, repeats itself or does not end."""


class DatasetError(PartnersError):
    """The dataset is not readable on this worker, or differs from its reference."""


class StorageError(PartnersError):
    """Files can't be read or written: there is no space, or the storage fails."""


class RejectThresholdError(FatalError):
    """More records were rejected than the task allows."""


def _end_sentence(line: str) -> str:
    """Return a line with a full stop at its end, unless it ends with another mark."""
    return line if line.endswith(("?", "!")) else f"{line.rstrip('.')}."
