"""Waiting for a partner's job, such as a bulk operation of Shopify's or an export of Voucherify's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners._compat import in_thread
from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.triggers.base import DONE, FAILED, EventPayload, PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import JobStatus

_STATUSES = {JobState.DONE: DONE, JobState.FAILED: FAILED}


class JobTrigger(PollingTrigger):
    """Waits until a partner's job has ended.

    It tells ``{"status": "done" | "failed" | "timeout" | "error", "job_id": …, "message": …}``, once. When someone
    stops the waiting task, the job is cancelled (Airflow 3.3 and later tell the trigger so).

    :param conn_type: the connection's type, such as ``shopify_admin``
    :param conn_id: the connection
    :param job_id: the job
    :param hook_params: what else the hook is made of, as JSON
    :param poll_interval: seconds between two questions, at most; the first ones come sooner
    :param deadline: when to stop waiting, in seconds since 1970; never by default
    :param max_failures: questions in a row that may fail
    """

    def __init__(
        self,
        *,
        conn_type: str,
        conn_id: str,
        job_id: str,
        hook_params: Mapping[str, Any] | None = None,
        poll_interval: float = 30.0,
        deadline: float | None = None,
        max_failures: int = 10,
    ) -> None:
        super().__init__(
            conn_type=conn_type,
            conn_id=conn_id,
            hook_params=hook_params,
            poll_interval=poll_interval,
            deadline=deadline,
            max_failures=max_failures,
        )
        self.job_id = job_id
        self._last_status: JobStatus | None = None

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON."""
        return {**super().arguments(), "job_id": self.job_id}

    def event(self, status: str, message: str = "") -> EventPayload:
        """What is told of the job."""
        return {**super().event(status, message), "job_id": self.job_id}

    def poll(self, client: Any) -> EventPayload | None:
        """Ask where the job stands."""
        job_status: JobStatus = client.job_status(self.job_id)
        if job_status != self._last_status:
            self._last_status = job_status
            rows = "" if job_status.record_count is None else f", {job_status.record_count} rows so far"
            self.log.info("Job %s: %s%s", self.job_id, job_status.partner_status or job_status.state, rows)
        status = _STATUSES.get(job_status.state)
        return self.event(status, job_status.reason) if status else None

    async def on_kill(self) -> None:
        """Cancel the job, since the task that wanted it was stopped."""
        self.log.info("Cancelling job %s", self.job_id)
        await in_thread(lambda: self.client().cancel_job(self.job_id))
