"""A partner's job that fills a dataset: begun once, however often the task that waits for it dies.

A note rests in the dataset's folder. It is written before the job is submitted and completed after, so that a later try
either has the job's id, or knows since when to look for a job that it may have submitted. It goes when the dataset is
finished, or the job is of no use any more. Must not know any particular partner, nor who waits or how.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import JOB_FILE, MANIFEST_FILE, DatasetFolder
from airflow_provider_partners.datasets.writer import Progress, write_dataset
from airflow_provider_partners.exceptions import ExpiredError, JobFailedError, NotFoundError

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import AsyncJob

log = logging.getLogger("airflow_provider_partners.datasets")

CLOCK_SKEW = timedelta(minutes=5)
"""How far the partner's clock may lag behind ours: a job is looked for that much earlier than it was meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCheckpoint:
    """What is known of a dataset's job.

    :param fingerprint: the question
    :param intended_at: just before it was submitted, ISO 8601
    :param job_id: ``None`` as long as it isn't known whether the partner took it on
    :param submitted_at: when the partner was known to have taken it on, ISO 8601
    :param window: the stretch of time it covers
    """

    fingerprint: str
    intended_at: str
    job_id: str | None = None
    submitted_at: str | None = None
    window: dict[str, str] | None = None

    @property
    def started_at(self) -> datetime:
        """From when on the job is waited for."""
        return timestamps.parse(self.submitted_at or self.intended_at, "submitted_at")


def load_checkpoint(uri: str) -> JobCheckpoint | None:
    """The note of a dataset's job, if there is one that can be read.

    :param uri: the dataset's folder
    """
    found = DatasetFolder(uri).read_json(JOB_FILE)
    try:
        return JobCheckpoint(**found) if found else None
    except TypeError:
        return None


def clear_checkpoint(uri: str) -> None:
    """Remove the note: the next try submits anew.

    :param uri: the dataset's folder
    """
    DatasetFolder(uri).remove(JOB_FILE)


def resume_or_submit(job: AsyncJob, uri: str, *, now: datetime, replace_failed: bool = False) -> JobStatus:
    """Have the job that fills a dataset: the one that was noted, one that was submitted without being noted, or new.

    :param job: the question
    :param uri: the dataset's folder
    :param now: the present, aware
    :param replace_failed: whether to submit another one at once where an earlier try's has ended without a result, as
        it has when someone cleared the task that waited for it
    :returns: where it stands, running or done
    :raises JobFailedError: when it has ended without a result; the next try submits another
    :raises ThrottledError: when others are in the way; whether it was submitted is found out by the next try
    """
    before = load_checkpoint(uri)
    status = _find_or_submit(job, uri, now)
    if status.state is JobState.FAILED and replace_failed and before and before.job_id == status.job_id:
        log.info(
            "%s: an earlier try's job %s has ended: %s",
            _describe(job),
            status.job_id,
            status.reason or status.partner_status,
        )
        clear_checkpoint(uri)
        status = _find_or_submit(job, uri, now)
    return raise_if_failed(status, uri, _describe(job))


def _find_or_submit(job: AsyncJob, uri: str, now: datetime) -> JobStatus:
    """Where the job stands; there is one after this."""
    note = load_checkpoint(uri)
    if note is None or note.fingerprint != job.fingerprint or (_has_manifest(uri) and not _finished_dataset(uri, note)):
        note = _start_checkpoint(job, uri, now)
        job_id = job.submit()
    elif note.job_id is not None:
        job_id = note.job_id
    else:
        since = timestamps.parse(note.intended_at, "intended_at") - CLOCK_SKEW
        found = job.find(since=since)
        log.info(
            "%s: %s", _describe(job), f"found its job {found}" if found else "its job was meant, but not submitted"
        )
        job_id = found or job.submit()
    if note.job_id is None:
        note = replace(note, job_id=job_id, submitted_at=_iso(now))
        _save_checkpoint(uri, note)
    if _finished_dataset(uri, note):
        return JobStatus(job_id=job_id, state=JobState.DONE, partner_status="collected")
    try:
        return job.status(job_id)
    except NotFoundError:
        return JobStatus(job_id=job_id, state=JobState.FAILED, reason="the partner knows it no longer")


def raise_if_failed(status: JobStatus, uri: str, description: str) -> JobStatus:
    """A status that something may still come of.

    :param status: as the partner gives it
    :param uri: the dataset's folder
    :param description: is being waited for, for the error
    :raises JobFailedError: when nothing will; the note is removed
    """
    if status.state is JobState.FAILED:
        clear_checkpoint(uri)
        message = (
            f"{description}: the partner's job {status.job_id} has failed: {status.reason or status.partner_status}"
        )
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
) -> DatasetRef:
    """Write the rows of a job that is done, resuming an unfinished try.

    :param job: the question
    :param job_id: the job
    :param uri: the dataset's folder
    :param workers: pages made whole side by side, where the file lacks what has to be asked for
    :param on_page: told after each page
    :param extra: asked at the end for counts to hand on with the reference
    :raises ExpiredError: when the job's file is gone; the next try submits another job
    """
    note = load_checkpoint(uri)
    reference = _finished_dataset(uri, note) if note else None
    if reference is None:
        try:
            reference = write_dataset(
                job.extraction(job_id),
                uri=uri,
                workers=workers,
                on_page=on_page,
                extra=lambda: {**(extra() if extra else {}), "job": job_id},
            )
        except ExpiredError:
            clear_checkpoint(uri)
            raise
    # The last act: dying before it, a later try finds note and manifest of the same job, and has nothing to do.
    clear_checkpoint(uri)
    return reference


def _start_checkpoint(job: AsyncJob, uri: str, now: datetime) -> JobCheckpoint:
    """Begin anew. What is there goes before the intent is written: a later try must not take it for this job's."""
    folder = DatasetFolder(uri)
    folder.remove(MANIFEST_FILE)
    folder.remove(*folder.file_names())
    window = job.window.to_dict() if job.window else None
    note = JobCheckpoint(fingerprint=job.fingerprint, intended_at=_iso(now), window=window)
    _save_checkpoint(uri, note)
    return note


def _finished_dataset(uri: str, checkpoint: JobCheckpoint) -> DatasetRef | None:
    """The finished dataset, where the noted job is the one it was filled from."""
    manifest = DatasetFolder(uri).read_json(MANIFEST_FILE) if checkpoint.job_id else None
    reference = DatasetRef(**manifest["reference"], fields=manifest.get("fields", {})) if manifest else None
    return reference if reference and reference.extra.get("job") == checkpoint.job_id else None


def _has_manifest(uri: str) -> bool:
    return MANIFEST_FILE in DatasetFolder(uri).file_names()


def _save_checkpoint(uri: str, checkpoint: JobCheckpoint) -> None:
    DatasetFolder(uri).write_json(JOB_FILE, asdict(checkpoint))


def _describe(job: AsyncJob) -> str:
    return f"{job.source} {job.resource}"


def _iso(value: datetime) -> str:
    return value.isoformat()
