"""The same query submits one job, whatever happens to the task that waits for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fakes.job import RECORDS, FakeJob, FakePartner

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.datasets.job_checkpoint import (
    CLOCK_SKEW,
    clear_checkpoint,
    collect,
    load_checkpoint,
    resume_or_submit,
)
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ExpiredError,
    JobFailedError,
    PartnersError,
    ThrottledError,
    TransientError,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SINCE, UNTIL = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


class Killed(BaseException):
    """The worker crashes; no code may catch this."""


@pytest.fixture
def partner() -> FakePartner:
    return FakePartner(now=NOW)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "dataset")


def fake_job(partner: FakePartner, query: str = "a") -> FakeJob:
    return partner.job("orders", since=SINCE, until=UNTIL, query=query)


def test_the_checkpoint_is_saved_before_the_submission_and_completed_after_it(partner: FakePartner, uri: str) -> None:
    saved = []
    job = fake_job(partner)
    submit, job.submit = job.submit, lambda: saved.append(load_checkpoint(uri)) or submit()  # type: ignore[method-assign]
    status = resume_or_submit(job, uri, now=NOW)
    checkpoint = load_checkpoint(uri)
    assert saved[0] is not None
    assert (saved[0].fingerprint, saved[0].job_id) == (job.fingerprint, None)
    assert checkpoint is not None
    assert (status.job_id, checkpoint.job_id, checkpoint.started_at) == ("job-1", "job-1", NOW)
    assert checkpoint.window == {"since": "2026-04-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}


def test_a_second_call_resumes_the_job_in_the_checkpoint(partner: FakePartner, uri: str) -> None:
    partner.states = [JobState.RUNNING, JobState.DONE]
    assert resume_or_submit(fake_job(partner), uri, now=NOW).state is JobState.RUNNING
    assert resume_or_submit(fake_job(partner), uri, now=NOW + timedelta(hours=1)).state is JobState.DONE
    assert len(partner.submitted) == 1
    assert load_checkpoint(uri).started_at == NOW  # type: ignore[union-attr]
    assert partner.searched == []


def test_a_submitted_job_without_an_id_in_the_checkpoint_is_found_at_the_partner(
    partner: FakePartner, uri: str
) -> None:
    partner.errors["submitted"] = [TransientError("no answer")]
    with pytest.raises(TransientError):
        resume_or_submit(fake_job(partner), uri, now=NOW)
    assert resume_or_submit(fake_job(partner), uri, now=NOW + timedelta(minutes=9)).job_id == "job-1"
    assert len(partner.submitted) == 1
    assert partner.searched == [NOW - CLOCK_SKEW]


def test_a_checkpoint_without_a_submission_leads_to_a_submission(partner: FakePartner, uri: str) -> None:
    partner.errors["submit"] = [TransientError("no connection")]
    with pytest.raises(TransientError):
        resume_or_submit(fake_job(partner), uri, now=NOW)
    assert resume_or_submit(fake_job(partner), uri, now=NOW).job_id == "job-1"


def test_a_throttled_submission_raises_and_can_be_repeated(partner: FakePartner, uri: str) -> None:
    partner.errors["submit"] = [ThrottledError("busy", retry_after=60), ThrottledError("busy", retry_after=60)]
    for _ in range(2):
        with pytest.raises(ThrottledError):
            resume_or_submit(fake_job(partner), uri, now=NOW)
    assert resume_or_submit(fake_job(partner), uri, now=NOW).job_id == "job-1"


def test_the_checkpoint_of_another_query_is_not_resumed(partner: FakePartner, uri: str) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    assert resume_or_submit(fake_job(partner, query="b"), uri, now=NOW).job_id == "job-2"


def test_an_unreadable_checkpoint_is_ignored(partner: FakePartner, uri: str) -> None:
    DatasetFolder(uri).write("job.json", b"{half")
    assert load_checkpoint(uri) is None
    DatasetFolder(uri).write_json("job.json", {"other": 1})
    assert load_checkpoint(uri) is None
    assert resume_or_submit(fake_job(partner), uri, now=NOW).job_id == "job-1"


def test_a_failed_job_clears_the_checkpoint_and_the_next_try_submits_another(partner: FakePartner, uri: str) -> None:
    partner.states = [JobState.FAILED, JobState.DONE]
    with pytest.raises(
        JobFailedError, match=r"fake orders: the partner's job job-1 has failed: the partner has a failure"
    ):
        resume_or_submit(fake_job(partner), uri, now=NOW)
    assert load_checkpoint(uri) is None
    assert resume_or_submit(fake_job(partner), uri, now=NOW).job_id == "job-2"


def test_a_job_that_the_partner_no_longer_knows_clears_the_checkpoint(partner: FakePartner, uri: str) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    partner.unknown.add("job-1")
    with pytest.raises(JobFailedError, match="job-1 has failed: the partner no longer knows the job"):
        resume_or_submit(fake_job(partner), uri, now=NOW)
    assert load_checkpoint(uri) is None


@pytest.mark.parametrize("ended", ["cancelled", "unknown"])
def test_a_new_try_may_replace_the_failed_job_of_an_earlier_try(partner: FakePartner, uri: str, ended: str) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    partner.cancelled = ["job-1"] if ended == "cancelled" else []
    partner.unknown = {"job-1"} if ended == "unknown" else set()
    status = resume_or_submit(fake_job(partner), uri, now=NOW, replace_failed=True)
    assert (status.job_id, status.state) == ("job-2", JobState.DONE)
    assert load_checkpoint(uri).job_id == "job-2"  # type: ignore[union-attr]


@pytest.mark.parametrize("replace_failed", [False, True])
def test_a_job_that_lacks_a_permission_is_not_submitted_again(
    partner: FakePartner, uri: str, replace_failed: bool
) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    partner.states, partner.access_denied = [JobState.FAILED], True
    with pytest.raises(AuthenticationError, match="the partner has a failure"):
        resume_or_submit(fake_job(partner), uri, now=NOW, replace_failed=replace_failed)
    assert len(partner.submitted) == 1
    assert load_checkpoint(uri) is None


def test_a_failed_job_of_this_try_is_not_replaced(partner: FakePartner, uri: str) -> None:
    partner.states = [JobState.FAILED]
    with pytest.raises(JobFailedError):
        resume_or_submit(fake_job(partner), uri, now=NOW, replace_failed=True)
    assert len(partner.submitted) == 1


def test_a_finished_job_becomes_a_dataset_and_the_checkpoint_is_cleared(partner: FakePartner, uri: str) -> None:
    job = fake_job(partner)
    reference = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri, extra=lambda: {"api": {"requests": 3}})
    assert list(read_dataset(reference)) == RECORDS
    assert reference.extra == {"api": {"requests": 3}, "job": "job-1"}
    assert reference.window == {"since": "2026-04-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}
    assert load_checkpoint(uri) is None


def test_collecting_resumes_after_the_last_complete_page(partner: FakePartner, uri: str) -> None:
    job = fake_job(partner)
    partner.errors["page 1"] = [TransientError("the disk of the partner")]
    with pytest.raises(TransientError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    reference = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    assert list(read_dataset(reference)) == RECORDS
    assert partner.calls.count("page 0") == 1
    assert reference.extra["resumed"] == 2
    assert len(partner.submitted) == 1


def test_pages_of_an_earlier_job_are_not_resumed(partner: FakePartner, uri: str) -> None:
    job = fake_job(partner)
    partner.errors["page 1"] = [TransientError("x")]
    with pytest.raises(TransientError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    partner.expired.add("job-1")
    with pytest.raises(ExpiredError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    reference = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    assert reference.extra["job"] == "job-2"
    assert "resumed" not in reference.extra
    assert list(read_dataset(reference)) == RECORDS


def test_an_expired_file_clears_the_checkpoint(partner: FakePartner, uri: str) -> None:
    job = fake_job(partner)
    resume_or_submit(job, uri, now=NOW)
    partner.expired.add("job-1")
    with pytest.raises(ExpiredError):
        collect(job, "job-1", uri)
    assert load_checkpoint(uri) is None


def test_a_file_that_expires_between_two_pages_clears_the_checkpoint(partner: FakePartner, uri: str) -> None:
    job = fake_job(partner)
    partner.errors["page 2"] = [ExpiredError("expired")]
    with pytest.raises(ExpiredError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    assert load_checkpoint(uri) is None


def test_a_finished_dataset_is_replaced_by_another_job(partner: FakePartner, uri: str) -> None:
    job = fake_job(partner)
    first = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    status = resume_or_submit(job, uri, now=NOW)
    assert status.job_id == "job-2"
    with pytest.raises(PartnersError, match="no manifest"):
        list(read_dataset(first))


def test_a_dataset_read_by_pages_is_not_taken_for_the_result_of_the_job(partner: FakePartner, uri: str) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    DatasetWriter(uri, source="fake", resource="orders").commit()
    assert resume_or_submit(fake_job(partner), uri, now=NOW).job_id == "job-2"


def test_the_old_manifest_is_removed_before_the_checkpoint_is_saved(
    partner: FakePartner, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = fake_job(partner)
    collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)

    def crash(self: DatasetFolder, name: str, value: object) -> None:
        raise Killed

    monkeypatch.setattr(DatasetFolder, "write_json", crash)
    with pytest.raises(Killed):
        resume_or_submit(job, uri, now=NOW)
    assert DatasetFolder(uri).file_names() == []


def test_the_retry_after_a_kill_between_manifest_and_progress_leaves_the_dataset_alone(
    partner: FakePartner, uri: str
) -> None:
    job = fake_job(partner)
    status = resume_or_submit(job, uri, now=NOW)
    checkpoint = DatasetFolder(uri).read("job.json")
    reference = collect(job, status.job_id, uri)
    for name, content in {"job.json": checkpoint, "progress.json": b"{}"}.items():
        DatasetFolder(uri).write(name, content)

    assert collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri) == reference
    assert DatasetFolder(uri).file_names() == ["manifest.json", "part-00000.jsonl.gz"]


def test_the_checkpoint_works_in_object_storage(partner: FakePartner) -> None:
    job, uri = fake_job(partner), "memory://jobs/dataset"
    partner.errors["submitted"] = [TransientError("x")]
    with pytest.raises(TransientError):
        resume_or_submit(job, uri, now=NOW)
    assert list(read_dataset(collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri))) == RECORDS
    assert len(partner.submitted) == 1
    assert load_checkpoint(uri) is None


def test_the_checkpoint_survives_a_writer_that_starts_from_the_beginning(partner: FakePartner, uri: str) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    writer = DatasetWriter(uri, source="fake", resource="orders", fingerprint="other")
    writer.append(RECORDS, position={"page": 1})
    assert DatasetWriter(uri, source="fake", resource="orders", fingerprint="another").resume() is None
    assert DatasetFolder(uri).file_names() == ["job.json"]


def test_clearing_twice_is_harmless(uri: str) -> None:
    clear_checkpoint(uri)
    clear_checkpoint(uri)


def run_task(partner: FakePartner, uri: str) -> list[dict[str, str]]:
    """Do what a task does from start to end."""
    job = fake_job(partner)
    while (status := resume_or_submit(job, uri, now=NOW)).state is JobState.RUNNING:
        pass
    return list(read_dataset(collect(job, status.job_id, uri)))


@pytest.mark.parametrize("method", ["write", "remove"])
def test_a_crash_at_any_file_access_or_call_leads_to_no_second_job(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crash once just before or after each step; the next try must return all records from one job."""
    for crash_at in range(200):
        partner, uri, steps = FakePartner(now=NOW, states=[JobState.RUNNING, JobState.DONE]), str(tmp_path), [0]
        DatasetFolder(uri).remove(*DatasetFolder(uri).file_names())
        real, step = getattr(DatasetFolder, method), partner.step

        def count_step(call, *arguments, crash_at=crash_at, steps=steps):  # type: ignore[no-untyped-def]
            before, after = steps[0], steps[0] + 1
            steps[0] += 2
            if before == crash_at:
                raise Killed
            result = call(*arguments)
            if after == crash_at:
                raise Killed
            return result

        with monkeypatch.context() as patch:
            patch.setattr(DatasetFolder, method, lambda *a, real=real, count_step=count_step: count_step(real, *a))
            partner.step = lambda name, step=step, count_step=count_step: count_step(step, name)  # type: ignore[method-assign]
            try:
                records = run_task(partner, uri)
                crashed = False
            except Killed:
                crashed = True
        partner.step = step  # type: ignore[method-assign]
        if crashed:
            if load_checkpoint(uri) is None and (tmp_path / "manifest.json").exists():
                continue  # The task was finished; there is no next try.
            records = run_task(partner, uri)
        assert records == RECORDS, crash_at
        assert len(partner.submitted) == 1, crash_at
        if not crashed:
            break
    assert crash_at > 20


def test_the_checkpoint_has_five_fields_and_no_filter_of_the_query(partner: FakePartner, uri: str) -> None:
    resume_or_submit(fake_job(partner), uri, now=NOW)
    checkpoint = json.loads((Path(uri) / "job.json").read_text())
    assert set(checkpoint) == {"fingerprint", "intended_at", "job_id", "submitted_at", "window"}
