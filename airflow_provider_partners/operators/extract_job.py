"""Extracting by a partner's job: the steps that operators share whose partner has such jobs.

Knows no partner. What is known of a job rests in the dataset's folder, nowhere else: whoever runs next (a retry, the
task after its deferral, a cleared task) goes on from there.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_partners import settings
from airflow_provider_partners._compat import conf, utcnow
from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.datasets.job_checkpoint import (
    clear_checkpoint,
    collect,
    load_checkpoint,
    raise_if_failed,
    resume_or_submit,
)
from airflow_provider_partners.exceptions import ConfigurationError, JobFailedError, PartnersError, TransientError
from airflow_provider_partners.operators.base import Context, ProgressLog, dataset_uri
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.triggers.base import ERROR, growing_pauses, validate_event
from airflow_provider_partners.triggers.job import JobTrigger

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import AsyncJob, JobStatus
    from airflow_provider_partners.datasets.reference import DatasetRef

AUTO, PAGES, JOB = "auto", "pages", "job"
"""How a list is fetched, whatever words a partner has for it."""

MAX_POLL_FAILURES = 10
"""Questions about a job, in a row, that may fail."""

TRIGGER_GRACE = timedelta(minutes=10)
"""How much longer than the trigger Airflow itself waits, in case that no triggerer runs."""

_CANCEL_TIMEOUT = 10.0
_STOP_CHECK_INTERVAL = 1.0
"""Seconds: how long a cancellation is waited for, and how soon a stopped task notices it."""


@dataclass(frozen=True, slots=True)
class _RunningJob:
    """The job under way."""

    job_id: str
    uri: str
    deadline: datetime


class JobExtractOperator(ExtractOperator):
    """Extracts a list page by page, or by a job of the partner's that makes a file of it.

    A job is submitted once for a question, whatever becomes of the task; it isn't Airflow's ``ResumableJobMixin`` that
    sees to this but a note in the dataset's folder, which works in every version of Airflow 3, also where the job was
    submitted and the task died before it knew.

    :param mode: ``auto`` asks the partner whether the list is long enough for a job
    :param deferrable: whether to wait for a job in the triggerer, without a worker's slot; ``[operators]
        default_deferrable`` by default
    :param poll_interval: seconds between two looks at a job, at most; the first ones come sooner
    :param job_timeout: how long a job may take, from its submission on, over all deferrals and tries; it is cancelled
        then, and the next try submits another
    """

    modes: ClassVar[Mapping[str, str]]
    """The partner's words for :data:`AUTO`, :data:`PAGES` and :data:`JOB`."""

    _running_job: _RunningJob | None = None
    _stopped: bool = False

    def __init__(
        self,
        *,
        mode: str = AUTO,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = 30.0,
        job_timeout: timedelta = timedelta(hours=10),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = mode
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.job_timeout = job_timeout

    @abstractmethod
    def hook_params(self) -> dict[str, Any]:
        """What the hook is made of besides the connection, as JSON: a trigger makes it anew."""

    def job_arguments(self) -> dict[str, Any]:
        """What only a job is asked for; those that are ``None`` were not given."""
        return {}

    def run(self, context: Context) -> dict[str, Any]:
        """Fetch by pages or by a job, whichever is right; return the dataset's reference."""
        # A task that gave its slot back begins here again, but it is the same try.
        return self._fetch(context, new_try=not context.get("task_reschedule_count"))

    def _fetch(self, context: Context, *, new_try: bool) -> dict[str, Any]:
        way, asked = self._resolve_mode(), self.query_arguments(context)
        uri, hook = dataset_uri(context), self.hook()
        with hook as client:
            self.record_partner(hook)
            job = self._choose_job(client, asked, way, uri)
            if job is None:
                clear_checkpoint(uri)
                return self.finish(context, self.extract_pages(context, hook, client, asked))
            status = resume_or_submit(job, uri, now=utcnow(), replace_failed=new_try)
            self._running_job = watch = _RunningJob(status.job_id, uri, self._deadline(uri))
            self.log.info("%s job %s: %s", hook.hook_name, status.job_id, status.partner_status or status.state)
            if status.state is JobState.RUNNING:
                if self.deferrable and utcnow() < watch.deadline:
                    self._defer(watch)
                self._wait_for_job(client, watch)
            return self.finish(context, self._collect(client, job, watch))

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on where the trigger left off.

        The event is but the reason to look again: where the job stands, the partner says.

        :param context: the task's context
        :param event: what the trigger told
        """
        with self.tracked(context):
            told = validate_event(event)
            self.log.info("The trigger says of job %s: %s %s", told.get("job_id"), told["status"], told.get("message"))
            if told["status"] == ERROR:
                message = f"The triggerer could not ask for job {told.get('job_id')}: {told.get('message')}"
                raise TransientError(message, remedy="The job goes on; the next try looks for it again.")
            return self._fetch(context, new_try=False)

    def on_kill(self) -> None:
        """Have the partner stop, as far as it can be told in a few seconds, and stop waiting."""
        self._stopped = True
        if self._running_job is not None:
            # In a thread of its own: this may run inside of a signal's handler, amid a call that holds locks.
            thread = threading.Thread(target=self._cancel, args=(self._running_job,), daemon=True)
            thread.start()
            thread.join(_CANCEL_TIMEOUT)

    def _resolve_mode(self) -> str:
        found = self.modes.get(self.mode)
        if found is None:
            message = f"There is no mode '{self.mode}'"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(self.modes)}.")
        if found == JOB and self.match is not None:
            message = f"mode='{self.mode}' can't be used with 'match'"
            raise ConfigurationError(message, remedy="Leave one of them out.")
        return found

    def _choose_job(self, client: Any, query_arguments: Mapping[str, Any], mode: str, uri: str) -> AsyncJob | None:
        """The job to fetch by; ``None`` to fetch by pages."""
        own = {name: value for name, value in self.job_arguments().items() if value is not None}
        question = {name: value for name, value in {**query_arguments, **own}.items() if name != "page_size"}
        if mode == PAGES or self.match is not None:
            return None
        note = load_checkpoint(uri) if mode == AUTO else None
        if note is not None:
            noted_job: AsyncJob = client.job(self.resource, **question)
            if noted_job.fingerprint == note.fingerprint:
                return noted_job
        if mode == AUTO and not client.worth_a_job(self.resource, **question):
            return None
        job: AsyncJob = client.job(self.resource, **question)
        return job

    def _deadline(self, uri: str) -> datetime:
        note = load_checkpoint(uri)
        return (note.started_at if note else utcnow()) + self.job_timeout

    def _defer(self, running_job: _RunningJob) -> None:
        hook = self.hook()
        trigger = JobTrigger(
            conn_type=hook.conn_type,
            conn_id=hook.conn_id,
            hook_params=self.hook_params(),
            job_id=running_job.job_id,
            poll_interval=self.poll_interval,
            deadline=running_job.deadline.timestamp(),
            max_failures=MAX_POLL_FAILURES,
        )
        self.defer(
            trigger=trigger, method_name="execute_complete", timeout=running_job.deadline - utcnow() + TRIGGER_GRACE
        )

    def _wait_for_job(self, client: Any, running_job: _RunningJob) -> None:
        """Look at the job now and then until it is done."""
        failures, steps = 0, growing_pauses(self.poll_interval)
        what, told = f"{self.resource} by job", time.monotonic()
        while utcnow() < running_job.deadline:
            self._sleep(min(next(steps), (running_job.deadline - utcnow()).total_seconds()))
            try:
                status: JobStatus = raise_if_failed(client.job_status(running_job.job_id), running_job.uri, what)
            except JobFailedError:
                raise
            except TransientError as error:
                failures += 1
                if failures >= MAX_POLL_FAILURES:
                    raise
                self.log.warning("Looking at the job failed, %d of %d times: %s", failures, MAX_POLL_FAILURES, error)
                continue
            failures = 0
            if status.state is JobState.DONE:
                return
            if time.monotonic() - told >= self.poll_interval:
                told = time.monotonic()
                rows = "" if status.record_count is None else f", {status.record_count} rows so far"
                self.log.info("Job %s: %s%s", running_job.job_id, status.partner_status or status.state, rows)
        self._cancel(running_job)
        message = (
            f"{what}: the partner's job {running_job.job_id} was not done within {self.job_timeout}, and was cancelled"
        )
        raise JobFailedError(message, remedy="Raise 'job_timeout', or ask for a shorter window.")

    def _sleep(self, seconds: float) -> None:
        """Wait, but not after the task was told to stop: Airflow's signal alone doesn't end it."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not self._stopped:
            time.sleep(min(left, _STOP_CHECK_INTERVAL))
        if self._stopped:
            message = "The task was told to stop while it waited for the partner's job"
            raise TransientError(message)

    def _cancel(self, running_job: _RunningJob) -> None:
        try:
            with self.hook() as client:
                client.cancel_job(running_job.job_id)
            # Only now: the next try must find a job that may be running still.
            clear_checkpoint(running_job.uri)
            self.log.info("Cancelled job %s", running_job.job_id)
        except PartnersError as error:
            self.log.warning("Job %s could not be cancelled: %s", running_job.job_id, error)

    def _collect(self, client: Any, job: AsyncJob, running_job: _RunningJob) -> DatasetRef:
        self.log.info("Job %s is done, fetching its rows", running_job.job_id)
        self._running_job = None  # there is nothing to cancel any more; the next try fetches on
        reference = collect(
            job,
            running_job.job_id,
            running_job.uri,
            workers=self.workers or settings.parallel_calls(),
            on_page=ProgressLog(self.log.info, self.resource),
            extra=lambda: {"api": client.usage.snapshot()},
        )
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference
