"""Trigger of the extract operators: waits for an async job, such as a Shopify bulk operation or a Voucherify export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.triggers.base import DONE, FAILED, EventPayload, PollingTrigger

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import JobStatus

_STATUSES = {JobState.DONE: DONE, JobState.FAILED: FAILED}


class JobTrigger(PollingTrigger):
    """Waits until a partner's async job has ended.

    Its event is ``{"status": "done" | "failed" | "timeout" | "error", "job_id": …, "message": …,
    "try_deadline": …}``. When a user stops
    the waiting task, the trigger cancels the job (Airflow 3.3 and later call :meth:`on_kill`).

    :param conn_type: the connection's type, such as ``shopify_admin``
    :param conn_id: the connection
    :param job_id: the partner's id of the job
    :param hook_params: the hook's further arguments, as JSON
    :param poll_interval: longest pause between two polls in seconds; the first pauses are shorter
    :param deadline: when to stop waiting, in seconds since 1970; never by default
    :param try_deadline: when the task's try ends, in seconds since 1970. The event returns it to the task, because
        ``dag.test()`` loses the arguments of a deferral
    :param max_failures: failed polls in a row before the trigger gives up
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
        try_deadline: float | None = None,
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
        self.try_deadline = try_deadline
        self._last_status: JobStatus | None = None

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON."""
        return {**super().arguments(), "job_id": self.job_id, "try_deadline": self.try_deadline}

    def event(self, status: str, message: str = "") -> EventPayload:
        """Return an event's payload, with the job's id and the end of the task's try, if it has one."""
        end = {} if self.try_deadline is None else {"try_deadline": self.try_deadline}
        return {**super().event(status, message), "job_id": self.job_id, **end}

    def poll(self, client: Any) -> EventPayload | None:
        """Read the job's status once."""
        job_status: JobStatus = client.job_status(self.job_id)
        if job_status != self._last_status:
            self._last_status = job_status
            progress = "" if job_status.record_count is None else f", {job_status.record_count} records so far"
            self.log.info("Job %s: %s%s", self.job_id, job_status.partner_status or job_status.state, progress)
        status = _STATUSES.get(job_status.state)
        return self.event(status, job_status.reason) if status else None

    async def on_kill(self) -> None:
        """Cancel the job, because its task was stopped."""
        self.log.info("Cancelling job %s", self.job_id)
        try:
            await self.call_in_thread(lambda client: client.cancel_job(self.job_id))
        finally:
            await self.cleanup()
