"""The checkpoint of an asynchronous job that fills a dataset: the job is submitted once, however often the task dies.

The checkpoint is a file in the dataset's folder. It is saved before the submission and completed after it. A retry
therefore has the job's id, or knows since when to look for a job that was perhaps submitted. The checkpoint is cleared
when the dataset is finished, or when the job is of no use any more. Knows no partner, and not who waits for the job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.manifest import load_manifest, stored_reference
from airflow_provider_partners.datasets.record_shape import StorageOptions, format_text
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import (
    JOB_FILE,
    MANIFEST_FILE,
    PROGRESS_FILE,
    TRIES_FILE,
    DatasetFolder,
)
from airflow_provider_partners.exceptions import AuthenticationError, ExpiredError, JobFailedError, NotFoundError

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import AsyncJob
    from airflow_provider_partners.datasets.progress import Progress

log = logging.getLogger("airflow_provider_partners.datasets")

CLOCK_SKEW = timedelta(minutes=5)
"""How far the partner's clock may be behind ours: the search for a submitted job starts that much earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCheckpoint:
    """What is known of a dataset's job.

    :param fingerprint: identifies the query
    :param intended_at: time just before the submission, ISO 8601
    :param job_id: ``None`` until it is known whether the partner accepted the job
    :param submitted_at: time at which the submission was known to have succeeded, ISO 8601
    :param window: the time range that the job covers
    """

    fingerprint: str
    intended_at: str
    job_id: str | None = None
    submitted_at: str | None = None
    window: dict[str, str] | None = None

    @property
    def started_at(self) -> datetime:
        """The time from which the job's timeout counts."""
        return timestamps.parse(self.submitted_at or self.intended_at, "submitted_at")


def load_checkpoint(uri: str) -> JobCheckpoint | None:
    """Return the checkpoint in a dataset's folder; ``None`` if there is none that can be read."""
    stored = DatasetFolder(uri).read_json(JOB_FILE)
    try:
        return JobCheckpoint(**stored) if stored else None
    except TypeError:
        return None


def clear_checkpoint(uri: str) -> None:
    """Remove the checkpoint: the next try submits another job."""
    DatasetFolder(uri).remove(JOB_FILE)


def resume_or_submit(job: AsyncJob, uri: str, *, now: datetime, replace_failed: bool = False) -> JobStatus:
    """Return the status of the job that fills a dataset.

    This is the job in the checkpoint, or one found at the partner, or a new one.

    :param uri: the dataset's folder
    :param now: the current time, with a time zone
    :param replace_failed: submit another job at once if the job of an earlier try has failed. This happens when a
        user clears the task that waited for it
    :returns: the status, running or done
    :raises JobFailedError: when the job has failed; the next try submits another one
    :raises AuthenticationError: when the job has failed for a missing permission
    :raises ThrottledError: when the partner runs other jobs; the next try finds out whether this one was submitted
    """
    checkpoint = load_checkpoint(uri)
    status = _find_or_submit(job, uri, now)
    failed = status.state is JobState.FAILED
    may_replace = replace_failed and not status.is_access_denied
    if failed and may_replace and checkpoint and checkpoint.job_id == status.job_id:
        reason = status.reason or status.partner_status
        log.info("%s: job %s of an earlier try has failed: %s", _describe(job), status.job_id, reason)
        clear_checkpoint(uri)
        status = _find_or_submit(job, uri, now)
    return raise_if_failed(status, uri, _describe(job))


def _find_or_submit(job: AsyncJob, uri: str, now: datetime) -> JobStatus:
    checkpoint = load_checkpoint(uri)
    if checkpoint is None or checkpoint.fingerprint != job.fingerprint or _is_outdated(uri, checkpoint):
        checkpoint = _start_checkpoint(job, uri, now)
        job_id = job.submit()
    elif checkpoint.job_id is not None:
        job_id = checkpoint.job_id
    else:
        since = timestamps.parse(checkpoint.intended_at, "intended_at") - CLOCK_SKEW
        submitted = job.find(since=since)
        log.info("%s: %s", _describe(job), f"found job {submitted}" if submitted else "the job was not submitted")
        job_id = submitted or job.submit()
    if checkpoint.job_id is None:
        checkpoint = replace(checkpoint, job_id=job_id, submitted_at=timestamps.isoformat(now))
        _save_checkpoint(uri, checkpoint)
    if _finished_dataset(uri, checkpoint):
        return JobStatus(job_id=job_id, state=JobState.DONE, partner_status="collected")
    try:
        return job.status(job_id)
    except NotFoundError:
        return JobStatus(job_id=job_id, state=JobState.FAILED, reason="the partner no longer knows the job")


def raise_if_failed(status: JobStatus, uri: str, description: str) -> JobStatus:
    """Return the status of a job that has not failed.

    :param uri: the dataset's folder
    :param description: of the job, for the error
    :raises JobFailedError: when the job has failed; the checkpoint is cleared
    :raises AuthenticationError: when it failed for a missing permission, which another job would lack too
    """
    if status.state is JobState.FAILED:
        clear_checkpoint(uri)
        message = f"{description}: the partner's job {status.job_id} has failed: "
        message += status.reason or status.partner_status
        if status.is_access_denied:
            raise AuthenticationError(message, remedy="Give the permission, then clear the task.")
        raise JobFailedError(message, remedy="The next try submits another.")
    return status


def collect(
    job: AsyncJob,
    job_id: str,
    uri: str,
    *,
    workers: int = 1,
    on_page: Callable[[Progress], None] | None = None,
    extra: Callable[[], Mapping[str, Any]] | None = None,
    options: StorageOptions | None = None,
    origin: Mapping[str, Any] | None = None,
) -> DatasetRef:
    """Write the records of a finished job into a dataset, and resume an unfinished try.

    :param uri: the dataset's folder
    :param workers: pages completed in parallel, where the file lacks data that takes further calls
    :param on_page: called after each page
    :param extra: called at the end; its counts become part of the reference
    :param options: format and shape of the stored records
    :param origin: entries of the manifest that say which query was read, and by which tries
    :raises ExpiredError: when the job's file does not exist any more; the next try submits another job
    """
    checkpoint = load_checkpoint(uri)
    reference = _finished_dataset(uri, checkpoint) if checkpoint and _is_stored_alike(uri, options) else None
    if reference is None:
        try:
            reference = write_dataset(
                job.extraction(job_id),
                uri=uri,
                workers=workers,
                on_page=on_page,
                extra=lambda: {**(extra() if extra else {}), "job": job_id},
                # The partner reads the records some time after the submission.
                read_at=checkpoint.intended_at if checkpoint else None,
                options=options,
                origin=origin,
            )
        except ExpiredError:
            clear_checkpoint(uri)
            raise
    else:
        DatasetFolder(uri).remove(PROGRESS_FILE)  # The try was killed right before it did so.
    # Must be last: after a crash before it, a retry finds checkpoint and manifest of the same job and does nothing.
    clear_checkpoint(uri)
    return reference


def _start_checkpoint(job: AsyncJob, uri: str, now: datetime) -> JobCheckpoint:
    # Remove old files first: a retry must not take them for the result of this job.
    folder = DatasetFolder(uri)
    folder.remove(MANIFEST_FILE)
    folder.remove(*(name for name in folder.file_names() if name != TRIES_FILE))
    window = job.window.to_dict() if job.window else None
    checkpoint = JobCheckpoint(fingerprint=job.fingerprint, intended_at=timestamps.isoformat(now), window=window)
    _save_checkpoint(uri, checkpoint)
    return checkpoint


def _finished_dataset(uri: str, checkpoint: JobCheckpoint) -> DatasetRef | None:
    """Return the finished dataset if the checkpoint's job filled it."""
    manifest = load_manifest(DatasetFolder(uri)) if checkpoint.job_id else None
    reference = stored_reference(manifest) if manifest else None
    return reference if reference and reference.extra.get("job") == checkpoint.job_id else None


def _is_stored_alike(uri: str, options: StorageOptions | None) -> bool:
    """Return True if the folder's dataset is stored as the task would store it now: its arguments may have changed."""
    manifest, options = load_manifest(DatasetFolder(uri)), options or StorageOptions()
    if manifest is None:
        return False
    shape = manifest["fingerprint"].partition(" ")[2]
    form = format_text(options.format, options.nested)
    return (shape, manifest["file_format"]) == (options.shape.fingerprint, form)


def _is_outdated(uri: str, checkpoint: JobCheckpoint) -> bool:
    """Return True if the folder holds a finished dataset that another job or a paged read has written."""
    return MANIFEST_FILE in DatasetFolder(uri).file_names() and not _finished_dataset(uri, checkpoint)


def _save_checkpoint(uri: str, checkpoint: JobCheckpoint) -> None:
    DatasetFolder(uri).write_json(JOB_FILE, asdict(checkpoint))


def _describe(job: AsyncJob) -> str:
    return f"{job.source} {job.resource}"
