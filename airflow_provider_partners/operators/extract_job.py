"""Base class of the extract operators of partners that can also write a list into a file by an asynchronous job.

Knows no partner. The state of a job is stored in the dataset's folder and nowhere else. A retry, the task after its
deferral, and a cleared task all resume from there.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import settings, timestamps
from airflow_provider_partners._compat import AirflowTaskTimeout, conf, utcnow
from airflow_provider_partners.api.async_job import JobRefusedError, JobState
from airflow_provider_partners.api.record_types import field_types
from airflow_provider_partners.arguments import Check, check_duration, check_name, check_seconds, suggest
from airflow_provider_partners.datasets.job_checkpoint import (
    clear_checkpoint,
    collect,
    load_checkpoint,
    raise_if_failed,
    resume_or_submit,
)
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.progress import ProgressLog
from airflow_provider_partners.exceptions import ConfigurationError, JobFailedError, PartnersError, TransientError
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.task_errors import Context

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import AsyncJob, JobStatus
    from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict


class ExtractMode(StrEnum):
    """How a list is fetched. Partners have their own words for it, see ``JobExtractOperator.modes``."""

    AUTO = "auto"
    PAGES = "pages"
    JOB = "job"


MAX_POLL_FAILURES = 10
"""Consecutive status requests that may fail."""

TRIGGER_GRACE = timedelta(minutes=10)
"""How much longer than the trigger Airflow itself waits, in case no triggerer runs."""

_CANCEL_TIMEOUT = 10.0
_STOP_CHECK_INTERVAL = 1.0
"""Seconds: how long a cancellation may take, and how soon a stopped task notices the stop."""


@dataclass(frozen=True, slots=True)
class _RunningJob:
    """The job that the task waits for, until its own deadline or the deadline of the try."""

    job_id: str
    uri: str
    deadline: datetime
    try_deadline: datetime | None

    @property
    def wait_until(self) -> datetime:
        """The earlier deadline."""
        return self.deadline if self.try_deadline is None else min(self.deadline, self.try_deadline)


class JobExtractOperator(ExtractOperator):
    """Extracts a list page by page, or by an asynchronous job of the partner that writes a file.

    The same query submits a job only once, whatever happens to the task. The dataset's folder holds a checkpoint of the
    job for this. Airflow's ``ResumableJobMixin`` is not used: the checkpoint works in every version of Airflow 3, also
    when the task dies after the submission but before it knows the job's id.

    ``execution_timeout`` limits a try, in the triggerer too. A job that still runs then is cancelled, the try fails,
    and the task's ``retries`` count.

    :param mode: ``auto`` lets the client decide whether the list is long enough for a job (templated)
    :param deferrable: whether to wait for a job in the triggerer, without a worker's slot; ``[operators]
        default_deferrable`` by default
    :param poll_interval: longest time between two status requests, in seconds; the first ones come sooner (templated)
    :param job_timeout: how long a job may take from its submission on, over all deferrals and tries. Then it is
        cancelled, and the next try submits another one (templated)
    """

    template_fields: Sequence[str] = (*ExtractOperator.template_fields, "mode", "poll_interval", "job_timeout")
    argument_checks: ClassVar[Mapping[str, Check]] = {
        **ExtractOperator.argument_checks,
        "mode": check_name,
        "poll_interval": check_seconds,
        "job_timeout": check_duration,
    }
    modes: ClassVar[Mapping[str, ExtractMode]]
    """The partner's word for each mode."""

    _running_job: _RunningJob | None = None
    _stopped: bool = False

    def __init__(
        self,
        *,
        mode: str = "auto",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float | str = 30.0,
        job_timeout: timedelta | str = timedelta(hours=10),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.deferrable = deferrable
        self.poll_interval: Any = poll_interval
        self.job_timeout: Any = job_timeout

    @abstractmethod
    def hook_params(self) -> dict[str, Any]:
        """Return the hook's arguments besides the connection, as JSON; the trigger builds the hook from them."""

    def job_arguments(self) -> dict[str, Any]:
        """Return the arguments that only a job takes; ``None`` means "not given". With one of them, a job is used."""
        return {}

    def _given_job_arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self.job_arguments().items() if value is not None}

    def run(self, context: Context) -> DatasetRefDict:
        """Fetch by pages or by a job, and return the dataset's reference."""
        # A rescheduled task starts here again, but it is the same try.
        deadline = None if self.execution_timeout is None else utcnow() + self.execution_timeout
        return self._fetch(context, new_try=not context.get("task_reschedule_count"), try_deadline=deadline)

    def _fetch(self, context: Context, *, new_try: bool, try_deadline: datetime | None) -> DatasetRefDict:
        mode, query_arguments = self._resolve_mode(), self.query_arguments(context)
        uri, hook = dataset_uri(context), self.hook()
        with hook as client:
            self.record_partner(hook)
            origin = self.origin(context, hook, query_arguments, **self.job_arguments(), mode=mode)
            reference = self.finished_dataset(context, hook, origin)
            if reference is not None:
                return self.finish(context, reference)
            job = self._choose_job(client, query_arguments, mode, uri)
            if job is not None:
                types, request = field_types(job.source, job.resource), json.dumps(job.request, default=str)
                options = self.storage_options()
                options.shape.check(types, requested=request, may_be_new=options.may_have_new_fields)
            status = None if job is None else self._submit(job, uri, mode, new_try=new_try)
            if job is None or status is None:
                clear_checkpoint(uri)
                return self.finish(context, self.extract_pages(context, hook, client, query_arguments, origin))
            self._running_job = running_job = _RunningJob(status.job_id, uri, self._deadline(uri), try_deadline)
            self.log.info("%s job %s: %s", hook.hook_name, status.job_id, status.partner_status or status.state)
            if status.state is JobState.RUNNING:
                if self.deferrable and utcnow() < running_job.wait_until:
                    self._defer(running_job)
                self._wait_for_job(client, running_job)
            return self.finish(context, self._collect(client, job, running_job, origin))

    def _submit(self, job: AsyncJob, uri: str, mode: ExtractMode, *, new_try: bool) -> JobStatus | None:
        """Return the status of the job; ``None`` if the partner refuses it and pages are allowed."""
        try:
            return resume_or_submit(job, uri, now=utcnow(), replace_failed=new_try)
        except JobRefusedError as error:
            if mode is not ExtractMode.AUTO or self._given_job_arguments():
                raise
            self.log.info("It is read page by page: %s", error)
            return None

    def execute_complete(self, context: Context, event: Any = None) -> DatasetRefDict:
        """Resume after the trigger. The status is read from the partner again; the event only wakes the task up.

        :param event: the trigger's event
        """
        from airflow_provider_partners.triggers.base import ERROR, validate_event

        with self.tracked(context):
            payload = validate_event(event)
            job_id, status, message = payload.get("job_id"), payload["status"], payload.get("message")
            self.log.info("Event of the trigger for job %s: %s %s", job_id, status, message)
            if status == ERROR:
                problem = f"The triggerer could not read the status of job {job_id}: {message}"
                raise TransientError(problem, remedy="The job continues; the next try resumes it.")
            end = payload.get("try_deadline")
            deadline = None if end is None else timestamps.from_epoch(end)
            if deadline is not None:
                _shorten_timer(deadline)
            return self._fetch(context, new_try=False, try_deadline=deadline)

    def on_kill(self) -> None:
        """Cancel the job if that takes only a few seconds, and stop waiting."""
        self._stopped = True
        if self._running_job is not None:
            # In a new thread: on_kill may run inside a signal handler, while a call holds locks.
            thread = threading.Thread(target=self._cancel, args=(self._running_job,), daemon=True)
            thread.start()
            thread.join(_CANCEL_TIMEOUT)

    def _resolve_mode(self) -> ExtractMode:
        mode = self.modes.get(self.mode)
        if mode is None:
            message = f"There is no mode '{self.mode}'{suggest(self.mode, self.modes)}"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(self.modes)}.")
        if mode is ExtractMode.JOB and self.match is not None:
            message = f"mode='{self.mode}' can't be used with 'match'"
            raise ConfigurationError(message, remedy="Leave one of them out.")
        return mode

    def _choose_job(
        self, client: Any, query_arguments: Mapping[str, Any], mode: ExtractMode, uri: str
    ) -> AsyncJob | None:
        """Return the job to fetch by, or ``None`` to fetch by pages."""
        job_arguments = self._given_job_arguments()
        if mode is ExtractMode.PAGES or self.match is not None:
            if job_arguments:
                message = f"'{next(iter(job_arguments))}' has no effect on a list that is read page by page"
                raise ConfigurationError(message, remedy="Remove it, or read the list by a job.")
            return None
        arguments = {**query_arguments, **job_arguments}
        query = {name: value for name, value in arguments.items() if name != "page_size" and value is not None}
        checkpoint = load_checkpoint(uri) if mode is ExtractMode.AUTO else None
        if checkpoint is not None:
            # Resume without asking the client again: its choice may change while the job runs.
            submitted_job = self.job(client, query)
            if submitted_job.fingerprint == checkpoint.fingerprint:
                return submitted_job
        if mode is ExtractMode.AUTO and not job_arguments and not self.prefers_job(client, query):
            return None
        return self.job(client, query)

    def job(self, client: Any, query: Mapping[str, Any]) -> AsyncJob:
        """Return the job that fetches the list.

        :param query: the arguments of the client's ``job``
        """
        job: AsyncJob = client.job(self.resource, **query)
        return job

    def prefers_job(self, client: Any, query: Mapping[str, Any]) -> bool:
        """Return True if the client prefers a job to pages.

        :param query: the arguments of the client's ``job``
        """
        return bool(client.prefers_job(self.resource, **query))

    def _deadline(self, uri: str) -> datetime:
        checkpoint = load_checkpoint(uri)
        started_at = checkpoint.started_at if checkpoint else utcnow()
        return started_at + timedelta(seconds=self.job_timeout.total_seconds())

    def _defer(self, running_job: _RunningJob) -> None:
        # Loaded only here: parsing a Dag should not load Airflow's triggers.
        from airflow_provider_partners.triggers.job import JobTrigger

        hook = self.hook()
        trigger = JobTrigger(
            conn_type=hook.conn_type,
            conn_id=hook.conn_id,
            hook_params=self.hook_params(),
            job_id=running_job.job_id,
            poll_interval=self.poll_interval,
            deadline=running_job.wait_until.timestamp(),
            try_deadline=None if running_job.try_deadline is None else running_job.try_deadline.timestamp(),
            max_failures=MAX_POLL_FAILURES,
        )
        self.defer(
            trigger=trigger, method_name="execute_complete", timeout=running_job.wait_until - utcnow() + TRIGGER_GRACE
        )

    def _wait_for_job(self, client: Any, running_job: _RunningJob) -> None:
        """Poll the job until it is done."""
        from airflow_provider_partners.triggers.base import growing_pauses

        failures, pauses = 0, growing_pauses(self.poll_interval)
        description, last_logged = f"{self.resource} by job", time.monotonic()
        while utcnow() < running_job.wait_until:
            self._sleep(min(next(pauses), (running_job.wait_until - utcnow()).total_seconds()))
            try:
                job_status = client.job_status(running_job.job_id)
                status: JobStatus = raise_if_failed(job_status, running_job.uri, description)
            except JobFailedError:
                raise
            except TransientError as error:
                failures += 1
                if failures >= MAX_POLL_FAILURES:
                    raise
                self.log.warning("Polling the job failed, %d of %d times: %s", failures, MAX_POLL_FAILURES, error)
                continue
            failures = 0
            if status.state is JobState.DONE:
                return
            if time.monotonic() - last_logged >= self.poll_interval:
                last_logged = time.monotonic()
                count = "" if status.record_count is None else f", {status.record_count} records so far"
                self.log.info("Job %s: %s%s", running_job.job_id, status.partner_status or status.state, count)
        self._cancel(running_job)
        self._running_job = None  # It is cancelled; Airflow calls on_kill after a timeout.
        problem = f"{description}: the partner's job {running_job.job_id} was not done within"
        if running_job.wait_until != running_job.deadline:
            message = f"{problem} the task's execution_timeout of {self.execution_timeout}, and was cancelled"
            raise AirflowTaskTimeout(message)
        message = f"{problem} {self.job_timeout}, and was cancelled"
        raise JobFailedError(message, remedy="Raise 'job_timeout', or use a shorter window.")

    def _sleep(self, seconds: float) -> None:
        """Sleep, but stop when the task is killed: Airflow's signal alone does not end the sleep."""
        end = time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0 and not self._stopped:
            time.sleep(min(remaining, _STOP_CHECK_INTERVAL))
        if self._stopped:
            message = "The task was killed while it waited for the partner's job"
            raise TransientError(message)

    def _cancel(self, running_job: _RunningJob) -> None:
        try:
            with self.hook() as client:
                client.cancel_job(running_job.job_id)
            # Only after the cancellation: the next try must find a job that may still run.
            clear_checkpoint(running_job.uri)
            self.log.info("Cancelled job %s", running_job.job_id)
        except PartnersError as error:
            self.log.warning("Job %s could not be cancelled: %s", running_job.job_id, error)

    def _collect(self, client: Any, job: AsyncJob, running_job: _RunningJob, origin: Mapping[str, Any]) -> DatasetRef:
        self.log.info("Job %s is done, fetching its records", running_job.job_id)
        self._running_job = None  # A finished job needs no cancellation; the next try resumes the download.
        if running_job.try_deadline is not None and utcnow() >= running_job.try_deadline:
            message = f"The job {running_job.job_id} is done, but the task's execution_timeout has passed"
            raise AirflowTaskTimeout(message)
        reference = collect(
            job,
            running_job.job_id,
            running_job.uri,
            workers=self.workers or settings.parallel_calls(),
            on_page=ProgressLog(self.log.info, self.resource),
            extra=lambda: {"api": client.stats.snapshot()},
            options=self.storage_options(),
            origin=origin,
        )
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference


def _shorten_timer(deadline: datetime) -> None:
    """End Airflow's own timer at the deadline of the try: after a deferral Airflow starts it with the full time."""
    running, left = signal.getitimer(signal.ITIMER_REAL)[0], (deadline - utcnow()).total_seconds()
    if 0 < left < running:
        signal.setitimer(signal.ITIMER_REAL, left)
