"""Work that a partner does by itself for a while: submitted, watched, and its rows fetched once it is done.

Shopify's bulk operations and Voucherify's exports are such jobs. A job is a value: nothing is sent before one of its
methods is called, and the same question gives the same fingerprint, so that whoever lost track of a submitted job can
find it again instead of submitting a second one. Must not know any particular API, files or Airflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.windows import Window


class JobState(StrEnum):
    """Where a job stands; closed, whatever words a partner has for it."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What a partner says of a job.

    :param job_id: the partner's id of it
    :param state: where it stands
    :param partner_status: the partner's own word, such as ``COMPLETED``
    :param record_count: rows so far, where the partner tells
    :param reason: why it failed, and what to do
    """

    job_id: str
    state: JobState
    partner_status: str = ""
    record_count: int | None = None
    reason: str = ""


class AsyncJob(Protocol):
    """One question that is answered by a job."""

    @property
    def source(self) -> str:
        """The partner, such as ``shopify_admin``."""

    @property
    def resource(self) -> str:
        """The list."""

    @property
    def request(self) -> Mapping[str, Any]:
        """Everything that decides the result, as JSON; no secrets."""

    @property
    def window(self) -> Window | None:
        """The stretch of time it covers."""

    @property
    def fingerprint(self) -> str:
        """The same for the same question."""

    def find(self, since: datetime) -> str | None:
        """The id of a job of this very question that the partner took on, if it did.

        :param since: older jobs don't count
        """

    def submit(self) -> str:
        """Have the partner begin.

        :returns: the job's id
        :raises ThrottledError: when other jobs are in the way; it says for how long to wait
        """

    def status(self, job_id: str) -> JobStatus:
        """Where it stands.

        :param job_id: of :meth:`submit` or :meth:`find`
        """

    def cancel(self, job_id: str) -> None:
        """Have the partner stop, if it hasn't ended yet.

        :param job_id: of :meth:`submit` or :meth:`find`
        """

    def extraction(self, job_id: str) -> Extraction:
        """The rows of a job that is done.

        :param job_id: part of the extraction's request, so that a dataset is never continued from another job's file
        :raises TransientError: when its file has expired: another job has to be submitted
        """
