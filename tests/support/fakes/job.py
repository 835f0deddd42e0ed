"""A fake partner with asynchronous jobs. It counts the submitted jobs; no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_partners.api.async_job import JobState, JobStatus
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.api.pagination.page import Page
from airflow_provider_partners.exceptions import ExpiredError, NotFoundError
from airflow_provider_partners.windows import Window

RECORDS = [{"id": str(number)} for number in range(6)]


@dataclass
class FakePartner:
    """Keeps its jobs while the tasks that wait for them crash and retry.

    ``errors`` maps a step's name to the errors that it raises, one per call: ``submit`` before the job exists,
    ``submitted`` after it, ``find``, ``status``, ``file``, ``page 1``.
    """

    errors: dict[str, list[Exception]] = field(default_factory=dict)
    submitted: list[tuple[str, str, datetime]] = field(default_factory=list)
    states: list[JobState] = field(default_factory=lambda: [JobState.DONE])
    cancelled: list[str] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    searched: list[datetime] = field(default_factory=list)
    access_denied: bool = False
    job_preferred: bool = True
    now: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)
    calls: list[str] = field(default_factory=list)
    stats: RequestStats = field(default_factory=RequestStats)

    def step(self, name: str) -> None:
        self.calls.append(name)
        if self.errors.get(name):
            raise self.errors[name].pop(0)

    def job(self, resource: str, **query: Any) -> FakeJob:
        return FakeJob(self, resource, query)

    def prefers_job(self, resource: str, **query: Any) -> bool:
        self.calls.append("prefers_job")
        return self.job_preferred

    def job_status(self, job_id: str) -> JobStatus:
        self.step("status")
        if job_id in self.unknown:
            message = "there is no such job"
            raise NotFoundError(message)
        if job_id in self.cancelled:
            return JobStatus(job_id=job_id, state=JobState.FAILED, partner_status="CANCELED", reason="it was cancelled")
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        reason = "the partner has a failure" if state is JobState.FAILED else ""
        return JobStatus(
            job_id=job_id,
            state=state,
            partner_status=state.upper(),
            record_count=3,
            reason=reason,
            is_access_denied=self.access_denied and state is JobState.FAILED,
        )

    def cancel_job(self, job_id: str) -> None:
        self.step("cancel")
        self.cancelled.append(job_id)

    def extract(self, resource: str, **query: Any) -> Extraction:
        self.calls.append("paged")
        return Extraction(
            source="fake", resource=resource, request={"paged": True}, segments=[Segment("all", self.page)]
        )

    def page(self, cursor: dict[str, Any]) -> Page:
        number = cursor.get("page", 0)
        self.step(f"page {number}")
        following = {"page": number + 1} if number < 2 else None
        return Page(records=RECORDS[number * 2 : number * 2 + 2], next=following)

    def close(self) -> None:
        self.calls.append("close")


@dataclass
class FakeJob:
    """One query of the fake partner."""

    partner: FakePartner
    resource: str
    query: dict[str, Any]
    source: str = "fake"

    @property
    def request(self) -> dict[str, Any]:
        return {name: str(value) for name, value in self.query.items()}

    @property
    def window(self) -> Window | None:
        return Window(self.query["since"], self.query["until"]) if "since" in self.query else None

    @property
    def fingerprint(self) -> str:
        return f"{self.resource} {sorted(self.request.items())}"

    def find(self, since: datetime) -> str | None:
        self.partner.step("find")
        self.partner.searched.append(since)
        matching = (job_id for job_id, of, at in self.partner.submitted if of == self.fingerprint and at >= since)
        return next(matching, None)

    def submit(self) -> str:
        self.partner.step("submit")
        job_id = f"job-{len(self.partner.submitted) + 1}"
        self.partner.submitted.append((job_id, self.fingerprint, self.partner.now))
        self.partner.step("submitted")
        return job_id

    def status(self, job_id: str) -> JobStatus:
        return self.partner.job_status(job_id)

    def cancel(self, job_id: str) -> None:
        self.partner.cancel_job(job_id)

    def extraction(self, job_id: str) -> Extraction:
        self.partner.step("file")
        if job_id in self.partner.expired:
            message = "the file has expired"
            raise ExpiredError(message)
        request = {**self.request, "job": job_id}
        return Extraction(
            source=self.source,
            resource=self.resource,
            request=request,
            segments=[Segment("file", self.partner.page)],
            window=self.window,
        )
