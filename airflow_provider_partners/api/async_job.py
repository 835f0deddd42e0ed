"""Asynchronous jobs: the partner works alone for a while, and its result is fetched afterwards.

Shopify's bulk operations and Voucherify's exports are such jobs. An :class:`AsyncJob` is a value: it sends
nothing before one of its methods is called. The same query gives the same fingerprint, so a job that was
submitted before a crash can be found again. This module knows no partner, no files and no Airflow.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import ConfigurationError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.windows import Window

log = logging.getLogger(__name__)

Id = TypeVar("Id", str, int)

CLOCK_TOLERANCE = timedelta(minutes=2)
"""Possible difference between a partner's clock and ours."""

_MAX_SUBMISSIONS = 4
_SETTLE_SECONDS = 2.0
"""How long a partner may take to list a job whose response was lost; longer after each loss."""


class JobRefusedError(ConfigurationError):
    """The partner takes no job for the query. It may be read page by page."""


class JobState(StrEnum):
    """State of a job. The set is closed, whatever words the partner uses."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What the partner reports about a job.

    :param job_id: the partner's id of the job
    :param state: state of the job
    :param partner_status: the partner's own word, such as ``COMPLETED``
    :param record_count: records so far, if the partner reports it
    :param reason: why the job failed, and what to do next
    :param is_access_denied: the job failed because the credentials lack a permission, as another job would
    """

    job_id: str
    state: JobState
    partner_status: str = ""
    record_count: int | None = None
    reason: str = ""
    is_access_denied: bool = False


class AsyncJob(Protocol):
    """One query that the partner answers with a job."""

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
        """The time range of the job."""

    @property
    def fingerprint(self) -> str:
        """Hash of source, resource and request."""

    def find(self, since: datetime) -> str | None:
        """Return the id of a job that the partner already runs for the same query, or None.

        :param since: ignore jobs that are older than this
        """

    def submit(self) -> str:
        """Submit the job.

        :returns: the job's id
        :raises ThrottledError: other jobs block this one; the error says how long to wait
        """

    def status(self, job_id: str) -> JobStatus:
        """Return the current status of the job.

        :param job_id: id from :meth:`submit` or :meth:`find`
        """

    def cancel(self, job_id: str) -> None:
        """Cancel the job, unless it has ended.

        :param job_id: id from :meth:`submit` or :meth:`find`
        """

    def extraction(self, job_id: str) -> Extraction:
        """Return the extraction that reads the records of a finished job.

        :param job_id: id of the job; part of the extraction's request, so a dataset never continues with the file of
            another job
        :raises TransientError: the job's file has expired; submit another job
        """


def submit_once(submit: Callable[[], Id], find: Callable[[datetime], Id | None], clock: Clock) -> Id:
    """Submit a job, or create a record, and return its id. After a lost response it is looked for, then sent again.

    :param submit: sends one request, which is not ``repeatable``
    :param find: returns the id of an equal job or record that was submitted after a timestamp
    :raises UnknownOutcomeError: if several responses in a row are lost
    """
    since = timestamps.from_epoch(clock.time()) - CLOCK_TOLERANCE
    losses = 0
    while True:
        try:
            return submit()
        except UnknownOutcomeError as error:
            losses += 1
            clock.sleep(_SETTLE_SECONDS * losses)
            if job_id := find(since):
                log.info("%s was submitted, although its response was lost: %s", job_id, error)
                return job_id
            if losses >= _MAX_SUBMISSIONS:
                raise
            log.info("It was not submitted, next try: %s", error)
