"""What can go wrong, sorted by what should happen next.

The class of an error *is* the decision: fail at once, try again, wait, set the record aside, or stop because the
answer can't be understood. The wire and the sync raise these; the Airflow roles translate them (``operators/base.py``).
This module must not import Airflow, since ``api`` and ``sync`` don't.
"""

from __future__ import annotations


class PartnersError(Exception):
    """Any failure of this provider.

    :param message: what was asked and what came back, without secrets or customers' data
    :param remedy: the next step of whoever reads it
    :param partner: the API that answered, such as ``Yotpo``
    :param status: HTTP status, where there was an answer
    :param request_id: the partner's own id of the request, to quote to its support
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        partner: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.partner = partner
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        """One line: partner, message, status and request id, remedy."""
        facts = [
            f"HTTP {self.status}" if self.status else None,
            f"request id {self.request_id}" if self.request_id else None,
        ]
        told = ", ".join(fact for fact in facts if fact)
        line = f"{self.partner}: {self.message}" if self.partner else self.message
        line = f"{line.rstrip('.')} ({told})." if told else line
        return f"{line.rstrip('.')}. {self.remedy}" if self.remedy else line


class ConfigurationError(PartnersError):
    """The connection, a Variable or an argument is wrong: fail at once, naming the field and the remedy."""


class AuthenticationError(PartnersError):
    """The credentials were refused, or lack a permission: fail at once; a retry would be refused too."""


class ThrottledError(PartnersError):
    """The partner asks for a wait that is too long to sit out in the task.

    :param retry_after: seconds until it is worth asking again
    """

    def __init__(self, message: str, *, retry_after: float, **details: object) -> None:
        super().__init__(message, **details)  # type: ignore[arg-type]
        self.retry_after = retry_after


class TransientError(PartnersError):
    """The partner or the network failed, and went on failing until the deadline: a later try may work."""


class ExpiredError(TransientError):
    """What the partner had made ready, such as a job's file, is there no longer: a later try has it made anew."""


class JobFailedError(TransientError):
    """A job of the partner's ended without a result: a later try submits another."""


class RejectedError(PartnersError):
    """The partner refused what was sent: permanent for this payload; set the record aside with this reason."""


class NotFoundError(RejectedError):
    """The id in the path is unknown to the partner."""


class ConflictError(RejectedError):
    """The record exists already: look it up and update it."""


class UnexpectedResponseError(PartnersError):
    """The answer can't be understood: stop the task, better late than wrong."""


class PagingError(UnexpectedResponseError):
    """The list loops, repeats itself or never ends."""


class DatasetError(PartnersError):
    """A dataset can't be read where this task runs, or is not what its reference says."""


class RejectThresholdError(PartnersError):
    """More records were rejected than the task allows."""
