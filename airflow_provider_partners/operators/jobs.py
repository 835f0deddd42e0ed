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
from airflow_provider_partners.api.jobs import JobState
from airflow_provider_partners.datasets.jobs import collect, forget, noted, take_up, usable
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    JobFailedError,
    PartnersError,
    TransientError,
)
from airflow_provider_partners.operators.base import Context, ProgressLog, dataset_uri
from airflow_provider_partners.operators.extract import ExtractOperator
from airflow_provider_partners.triggers.base import ERROR, checked, pauses
from airflow_provider_partners.triggers.job import JobTrigger

if TYPE_CHECKING:
    from airflow_provider_partners.api.jobs import Job, JobStatus
    from airflow_provider_partners.datasets.reference import DatasetRef

AUTO, PAGES, JOB = "auto", "pages", "job"
"""How a list is fetched, whatever words a partner has for it."""

MOST_FAILURES = 10
"""Questions about a job, in a row, that may fail."""

GRACE = timedelta(minutes=10)
"""How much longer than the trigger Airflow itself waits, in case that no triggerer runs."""

_CANCEL_WITHIN = 10.0
_GLANCE = 1.0
"""Seconds: how long a cancellation is waited for, and how soon a stopped task notices it."""


@dataclass(frozen=True, slots=True)
class _Watch:
    """The job under way."""

    job_id: str
    uri: str
    until: datetime


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

    _watch: _Watch | None = None
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

    def job_filters(self) -> dict[str, Any]:
        """What only a job is asked for; those that are ``None`` were not given."""
        return {}

    def work(self, context: Context) -> dict[str, Any]:
        """Fetch by pages or by a job, whichever is right; return the dataset's reference."""
        # A task that gave its slot back begins here again, but it is the same try.
        return self._fetch(context, new_try=not context.get("task_reschedule_count"))

    def _fetch(self, context: Context, *, new_try: bool) -> dict[str, Any]:
        way, asked = self._way(), self.asked(context)
        uri, hook = dataset_uri(context), self.hook()
        with hook as client:
            self.using(hook)
            job = self._job(client, asked, way, uri)
            if job is None:
                forget(uri)
                return self.rested(context, self.by_pages(context, hook, client, asked))
            status = take_up(job, uri, now=utcnow(), replace_failed=new_try)
            self._watch = watch = _Watch(status.job_id, uri, self._until(uri))
            self.log.info("%s job %s: %s", hook.hook_name, status.job_id, status.said or status.state)
            if status.state is JobState.RUNNING:
                if self.deferrable and utcnow() < watch.until:
                    self._defer(watch)
                self._wait(client, watch)
            return self.rested(context, self._collected(client, job, watch))

    def job_ended(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on where the trigger left off.

        The event is but the reason to look again: where the job stands, the partner says.

        :param context: the task's context
        :param event: what the trigger told
        """
        with self.accounted(context):
            told = checked(event)
            self.log.info("The trigger says of job %s: %s %s", told.get("job_id"), told["status"], told.get("message"))
            if told["status"] == ERROR:
                message = f"The triggerer could not ask for job {told.get('job_id')}: {told.get('message')}"
                raise TransientError(message, remedy="The job goes on; the next try looks for it again.")
            return self._fetch(context, new_try=False)

    def on_kill(self) -> None:
        """Have the partner stop, as far as it can be told in a few seconds, and stop waiting."""
        self._stopped = True
        if self._watch is not None:
            # In a thread of its own: this may run inside of a signal's handler, amid a call that holds locks.
            thread = threading.Thread(target=self._cancel, args=(self._watch,), daemon=True)
            thread.start()
            thread.join(_CANCEL_WITHIN)

    def _way(self) -> str:
        found = self.modes.get(self.mode)
        if found is None:
            message = f"There is no mode '{self.mode}'"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(self.modes)}.")
        if found == JOB and self.match is not None:
            message = f"mode='{self.mode}' can't be used with 'match'"
            raise ConfigurationError(message, remedy="Leave one of them out.")
        return found

    def _job(self, client: Any, asked: Mapping[str, Any], way: str, uri: str) -> Job | None:
        """The job to fetch by; ``None`` to fetch by pages."""
        own = {name: value for name, value in self.job_filters().items() if value is not None}
        question = {name: value for name, value in {**asked, **own}.items() if name != "page_size"}
        if way == PAGES or self.match is not None:
            return None
        note = noted(uri) if way == AUTO else None
        if note is not None:
            noted_job: Job = client.job(self.resource, **question)
            if noted_job.fingerprint == note.fingerprint:
                return noted_job
        if way == AUTO and not client.worth_a_job(self.resource, **question):
            return None
        job: Job = client.job(self.resource, **question)
        return job

    def _until(self, uri: str) -> datetime:
        note = noted(uri)
        return (note.began if note else utcnow()) + self.job_timeout

    def _defer(self, watch: _Watch) -> None:
        hook = self.hook()
        trigger = JobTrigger(
            hook=hook.conn_type,
            conn_id=hook.conn_id,
            hook_params=self.hook_params(),
            job_id=watch.job_id,
            poll_interval=self.poll_interval,
            deadline=watch.until.timestamp(),
            max_failures=MOST_FAILURES,
        )
        self.defer(trigger=trigger, method_name="job_ended", timeout=watch.until - utcnow() + GRACE)

    def _wait(self, client: Any, watch: _Watch) -> None:
        """Look at the job now and then until it is done."""
        failures, steps = 0, pauses(self.poll_interval)
        what, told = f"{self.resource} by job", time.monotonic()
        while utcnow() < watch.until:
            self._sleep(min(next(steps), (watch.until - utcnow()).total_seconds()))
            try:
                status: JobStatus = usable(client.job_status(watch.job_id), watch.uri, what)
            except JobFailedError:
                raise
            except TransientError as error:
                failures += 1
                if failures >= MOST_FAILURES:
                    raise
                self.log.warning("Looking at the job failed, %d of %d times: %s", failures, MOST_FAILURES, error)
                continue
            failures = 0
            if status.state is JobState.DONE:
                return
            if time.monotonic() - told >= self.poll_interval:
                told = time.monotonic()
                rows = "" if status.rows is None else f", {status.rows} rows so far"
                self.log.info("Job %s: %s%s", watch.job_id, status.said or status.state, rows)
        self._cancel(watch)
        message = f"{what}: the partner's job {watch.job_id} was not done within {self.job_timeout}, and was cancelled"
        raise JobFailedError(message, remedy="Raise 'job_timeout', or ask for a shorter window.")

    def _sleep(self, seconds: float) -> None:
        """Wait, but not after the task was told to stop: Airflow's signal alone doesn't end it."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and not self._stopped:
            time.sleep(min(left, _GLANCE))
        if self._stopped:
            message = "The task was told to stop while it waited for the partner's job"
            raise TransientError(message)

    def _cancel(self, watch: _Watch) -> None:
        try:
            with self.hook() as client:
                client.cancel_job(watch.job_id)
            # Only now: the next try must find a job that may be running still.
            forget(watch.uri)
            self.log.info("Cancelled job %s", watch.job_id)
        except PartnersError as error:
            self.log.warning("Job %s could not be cancelled: %s", watch.job_id, error)

    def _collected(self, client: Any, job: Job, watch: _Watch) -> DatasetRef:
        self.log.info("Job %s is done, fetching its rows", watch.job_id)
        self._watch = None  # there is nothing to cancel any more; the next try fetches on
        reference = collect(
            job,
            watch.job_id,
            watch.uri,
            workers=self.workers or settings.parallel_calls(),
            on_page=ProgressLog(self.log.info, self.resource),
            extra=lambda: {"api": client.usage.snapshot()},
        )
        self.log.info("%d %s in %s", reference.records, self.resource, reference.uri)
        return reference
