"""A job is submitted once for a question, whatever happens to the one who waits for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_job import ROWS, FakeJob, FakePartner

from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.datasets import job_checkpoint
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
    ExpiredError,
    JobFailedError,
    PartnersError,
    ThrottledError,
    TransientError,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SINCE, UNTIL = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)


class Killed(BaseException):
    """The worker dies: nothing may catch it."""


@pytest.fixture
def partner() -> FakePartner:
    return FakePartner(now=NOW)


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return str(tmp_path / "dataset")


def question(partner: FakePartner, query: str = "a") -> FakeJob:
    return partner.job("orders", since=SINCE, until=UNTIL, query=query)


def test_a_job_is_noted_before_it_is_submitted_and_with_its_id_after(partner: FakePartner, uri: str) -> None:
    before = []
    job = question(partner)
    submit, job.submit = job.submit, lambda: before.append(load_checkpoint(uri)) or submit()  # type: ignore[method-assign]
    status = resume_or_submit(job, uri, now=NOW)
    note = load_checkpoint(uri)
    assert before[0] is not None
    assert (before[0].fingerprint, before[0].job_id) == (job.fingerprint, None)
    assert note is not None
    assert (status.job_id, note.job_id, note.started_at) == ("job-1", "job-1", NOW)
    assert note.window == {"since": "2026-04-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}


def test_a_second_look_takes_up_the_noted_job(partner: FakePartner, uri: str) -> None:
    partner.states = [JobState.RUNNING, JobState.DONE]
    assert resume_or_submit(question(partner), uri, now=NOW).state is JobState.RUNNING
    assert resume_or_submit(question(partner), uri, now=NOW + timedelta(hours=1)).state is JobState.DONE
    assert len(partner.submitted) == 1
    assert load_checkpoint(uri).started_at == NOW  # type: ignore[union-attr]
    assert partner.searched == []


def test_a_job_that_was_submitted_but_not_noted_is_found(partner: FakePartner, uri: str) -> None:
    partner.dies["submitted"] = [TransientError("no answer")]
    with pytest.raises(TransientError):
        resume_or_submit(question(partner), uri, now=NOW)
    assert resume_or_submit(question(partner), uri, now=NOW + timedelta(minutes=9)).job_id == "job-1"
    assert len(partner.submitted) == 1
    assert partner.searched == [NOW - CLOCK_SKEW]


def test_a_job_that_was_meant_but_not_submitted_is_submitted(partner: FakePartner, uri: str) -> None:
    partner.dies["submit"] = [TransientError("no connection")]
    with pytest.raises(TransientError):
        resume_or_submit(question(partner), uri, now=NOW)
    assert resume_or_submit(question(partner), uri, now=NOW).job_id == "job-1"


def test_others_in_the_way_are_said_and_asked_again(partner: FakePartner, uri: str) -> None:
    partner.dies["submit"] = [ThrottledError("busy", retry_after=60), ThrottledError("busy", retry_after=60)]
    for _ in range(2):
        with pytest.raises(ThrottledError):
            resume_or_submit(question(partner), uri, now=NOW)
    assert resume_or_submit(question(partner), uri, now=NOW).job_id == "job-1"


def test_the_note_of_another_question_is_not_taken_up(partner: FakePartner, uri: str) -> None:
    resume_or_submit(question(partner), uri, now=NOW)
    assert resume_or_submit(question(partner, query="b"), uri, now=NOW).job_id == "job-2"


def test_a_note_that_cannot_be_read_is_none(partner: FakePartner, uri: str) -> None:
    DatasetFolder(uri).write("job.json", b"{half")
    assert load_checkpoint(uri) is None
    DatasetFolder(uri).write_json("job.json", {"other": 1})
    assert load_checkpoint(uri) is None
    assert resume_or_submit(question(partner), uri, now=NOW).job_id == "job-1"


def test_a_failed_job_is_forgotten_so_that_the_next_try_submits_another(partner: FakePartner, uri: str) -> None:
    partner.states = [JobState.FAILED, JobState.DONE]
    with pytest.raises(JobFailedError, match=r"fake orders: the partner's job job-1 has failed: .*order"):
        resume_or_submit(question(partner), uri, now=NOW)
    assert load_checkpoint(uri) is None
    assert resume_or_submit(question(partner), uri, now=NOW).job_id == "job-2"


def test_a_job_that_the_partner_does_not_know_any_more_is_forgotten(partner: FakePartner, uri: str) -> None:
    resume_or_submit(question(partner), uri, now=NOW)
    partner.unknown.add("job-1")
    with pytest.raises(JobFailedError, match="job-1 has failed: the partner knows it no longer"):
        resume_or_submit(question(partner), uri, now=NOW)
    assert load_checkpoint(uri) is None


@pytest.mark.parametrize("ended", ["cancelled", "unknown"])
def test_a_new_try_may_replace_the_ended_job_of_an_earlier_one_at_once(
    partner: FakePartner, uri: str, ended: str
) -> None:
    resume_or_submit(question(partner), uri, now=NOW)
    partner.cancelled = ["job-1"] if ended == "cancelled" else []
    partner.unknown = {"job-1"} if ended == "unknown" else set()
    status = resume_or_submit(question(partner), uri, now=NOW, replace_failed=True)
    assert (status.job_id, status.state) == ("job-2", JobState.DONE)
    assert load_checkpoint(uri).job_id == "job-2"  # type: ignore[union-attr]


def test_what_this_very_try_submitted_is_not_replaced(partner: FakePartner, uri: str) -> None:
    partner.states = [JobState.FAILED]
    with pytest.raises(JobFailedError):
        resume_or_submit(question(partner), uri, now=NOW, replace_failed=True)
    assert len(partner.submitted) == 1


def test_rows_become_a_dataset_and_the_note_goes(partner: FakePartner, uri: str) -> None:
    job = question(partner)
    reference = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri, extra=lambda: {"api": {"requests": 3}})
    assert list(read_dataset(reference)) == ROWS
    assert reference.extra == {"api": {"requests": 3}, "job": "job-1"}
    assert reference.window == {"since": "2026-04-01T00:00:00Z", "until": "2026-05-01T00:00:00Z"}
    assert load_checkpoint(uri) is None


def test_an_unfinished_try_at_the_rows_is_gone_on_with(partner: FakePartner, uri: str) -> None:
    job = question(partner)
    partner.dies["page 1"] = [TransientError("the disk of the partner")]
    with pytest.raises(TransientError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    reference = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    assert list(read_dataset(reference)) == ROWS
    assert partner.calls.count("page 0") == 1
    assert reference.extra["resumed"] == 2
    assert len(partner.submitted) == 1


def test_rows_of_an_earlier_job_are_not_gone_on_with(partner: FakePartner, uri: str) -> None:
    job = question(partner)
    partner.dies["page 1"] = [TransientError("x")]
    with pytest.raises(TransientError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    partner.expired.add("job-1")
    with pytest.raises(ExpiredError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    reference = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    assert reference.extra["job"] == "job-2"
    assert "resumed" not in reference.extra
    assert list(read_dataset(reference)) == ROWS


def test_a_file_that_has_expired_is_forgotten(partner: FakePartner, uri: str) -> None:
    job = question(partner)
    resume_or_submit(job, uri, now=NOW)
    partner.expired.add("job-1")
    with pytest.raises(ExpiredError):
        collect(job, "job-1", uri)
    assert load_checkpoint(uri) is None


def test_a_file_that_expires_amid_its_rows_is_forgotten_too(partner: FakePartner, uri: str) -> None:
    job = question(partner)
    partner.dies["page 2"] = [ExpiredError("gone")]
    with pytest.raises(ExpiredError):
        collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    assert load_checkpoint(uri) is None


def test_a_finished_dataset_is_replaced_by_another_job(partner: FakePartner, uri: str) -> None:
    job = question(partner)
    first = collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)
    status = resume_or_submit(job, uri, now=NOW)
    assert status.job_id == "job-2"
    with pytest.raises(PartnersError, match="no manifest"):
        list(read_dataset(first))


def test_what_pages_had_finished_is_not_taken_for_the_jobs(partner: FakePartner, uri: str) -> None:
    resume_or_submit(question(partner), uri, now=NOW)
    DatasetWriter(uri, source="fake", resource="orders").commit()
    assert resume_or_submit(question(partner), uri, now=NOW).job_id == "job-2"


def test_before_the_intent_is_written_the_old_manifest_is_gone(
    partner: FakePartner, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = question(partner)
    collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri)

    def die(self: DatasetFolder, name: str, value: object) -> None:
        raise Killed

    monkeypatch.setattr(DatasetFolder, "write_json", die)
    with pytest.raises(Killed):
        resume_or_submit(job, uri, now=NOW)
    assert DatasetFolder(uri).file_names() == []


def test_object_storage_keeps_a_note_too(partner: FakePartner) -> None:
    job, uri = question(partner), "memory://jobs/dataset"
    partner.dies["submitted"] = [TransientError("x")]
    with pytest.raises(TransientError):
        resume_or_submit(job, uri, now=NOW)
    assert list(read_dataset(collect(job, resume_or_submit(job, uri, now=NOW).job_id, uri))) == ROWS
    assert len(partner.submitted) == 1
    assert load_checkpoint(uri) is None


def test_the_note_survives_a_resumed_writer_that_begins_anew(partner: FakePartner, uri: str) -> None:
    resume_or_submit(question(partner), uri, now=NOW)
    writer = DatasetWriter(uri, source="fake", resource="orders", fingerprint="other")
    writer.append(ROWS, position={"page": 1})
    assert DatasetWriter(uri, source="fake", resource="orders", fingerprint="another").resume() is None
    assert DatasetFolder(uri).file_names() == ["job.json"]


def test_forgetting_twice_is_harmless(uri: str) -> None:
    clear_checkpoint(uri)
    clear_checkpoint(uri)


def whole(partner: FakePartner, uri: str) -> list[dict[str, str]]:
    """What a task does from beginning to end."""
    job = question(partner)
    while (status := resume_or_submit(job, uri, now=NOW)).state is JobState.RUNNING:
        pass
    return list(read_dataset(collect(job, status.job_id, uri)))


@pytest.mark.parametrize("files", ["put", "remove"])
def test_dying_at_any_touch_of_a_file_or_the_partner_leads_to_no_second_job(
    files: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step dies once, just before or just after; the next try must end with all rows and one job in all."""
    for moment in range(200):
        partner, uri, touched = FakePartner(now=NOW, states=[JobState.RUNNING, JobState.DONE]), str(tmp_path), [0]
        DatasetFolder(uri).remove(*DatasetFolder(uri).file_names())
        real, step = getattr(DatasetFolder, files), partner.step

        def touch(work, *arguments, moment=moment, touched=touched):  # type: ignore[no-untyped-def]
            before, after = touched[0], touched[0] + 1
            touched[0] += 2
            if before == moment:
                raise Killed
            done = work(*arguments)
            if after == moment:
                raise Killed
            return done

        with monkeypatch.context() as patch:
            patch.setattr(DatasetFolder, files, lambda *a, real=real, touch=touch: touch(real, *a))
            partner.step = lambda name, step=step, touch=touch: touch(step, name)  # type: ignore[method-assign]
            try:
                rows = whole(partner, uri)
                died = False
            except Killed:
                died = True
        partner.step = step  # type: ignore[method-assign]
        if died:
            if job_checkpoint.load_checkpoint(uri) is None and (tmp_path / "manifest.json").exists():
                continue  # finished: nothing is left to a next try
            rows = whole(partner, uri)
        assert rows == ROWS, moment
        assert len(partner.submitted) == 1, moment
        if not died:
            break
    assert moment > 20


def test_the_note_is_small_and_holds_no_filter_of_the_question(partner: FakePartner, uri: str) -> None:
    resume_or_submit(question(partner), uri, now=NOW)
    note = json.loads((Path(uri) / "job.json").read_text())
    assert set(note) == {"fingerprint", "intended_at", "job_id", "submitted_at", "window"}
