"""The log of versions is shared by tasks that read and write it at any time."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets import version_log
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.version_log import VersionLog
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import AuthenticationError, DatasetError, StorageError


def version(order: str, returns: str) -> dict[str, str]:
    return {name: f"2026-05-01T{hour}:00:00.000000Z" for name, hour in {"order": order, "returns": returns}.items()}


def clock() -> datetime:
    return datetime(2026, 5, 2, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "log")


def test_a_task_sees_the_claims_of_others_and_its_own(folder: str) -> None:
    with VersionLog(folder, clock=clock) as one, VersionLog(folder, clock=clock) as other:
        assert one.claim({"order:1": version("01", "01")}) == {"order:1": [version("01", "01")]}
        assert other.claim({"order:1": version("02", "02"), "order:2": version("01", "01")}) == {
            "order:1": [version("02", "02")],
            "order:2": [version("01", "01")],
        }
        assert one.claim({"order:1": version("01", "01")}) == {"order:1": [version("02", "02")]}


def test_versions_of_which_none_is_older_in_everything_stay_both(folder: str) -> None:
    claims = [version("01", "03"), version("03", "01"), version("01", "01")]
    for arrivals in itertools.permutations(claims):
        with VersionLog(folder, clock=clock) as log:
            for claim in arrivals:
                newest = log.claim({"order:1": claim})["order:1"]
        assert sorted(newest, key=str) == sorted(claims[:2], key=str)


def test_a_dry_run_claims_nothing(folder: str) -> None:
    with VersionLog(folder, clock=clock) as log:
        assert log.claim({"order:1": version("01", "01")}, dry_run=True) == {"order:1": []}
        assert log.claim({}, dry_run=True) == {}


def test_files_are_merged_by_any_task_without_losing_a_claim(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_log, "MAX_FILES", 4)
    monkeypatch.setattr(version_log, "LOOK_INTERVAL", 0.0)
    logs = [VersionLog(folder, clock=clock) for _ in range(3)]
    for number in range(60):
        logs[number % 3].claim({
            f"order:{number}": version("01", "01"),
            "order:all": version(f"{number % 24:02}", "01"),
        })

    assert len(list(Path(folder).iterdir())) <= 8
    for log in (*logs, VersionLog(folder, clock=clock)):
        assert [log.newest(f"order:{number}") for number in range(60)] == [[version("01", "01")]] * 60
        assert log.newest("order:all") == [version("23", "01")]


def test_a_merge_forgets_what_is_older_than_a_month(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(version_log, "MAX_FILES", 1)
    with VersionLog(folder, clock=clock) as log:
        log.claim({"order:1": version("01", "01")})
    with VersionLog(folder, clock=lambda: datetime(2026, 6, 15, tzinfo=UTC)) as log:
        later = {"order": "2026-06-14T00:00:00.000000Z"}
        log.claim({"order:2": later})
        assert log.kept_since == "2026-05-16T00:00:00.000000Z"

    with VersionLog(folder, clock=clock) as log:
        assert (log.newest("order:1"), log.newest("order:2")) == ([], [later])


def test_a_merge_keeps_a_recent_order_of_which_nobody_knows_when_it_was_read(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version_log, "MAX_FILES", 0)
    recent, old = ({"order": f"2026-{month}-01T01:00:00.000000Z, read "} for month in ("05", "01"))
    with VersionLog(folder, clock=clock) as log:
        log.claim({"order:1": recent, "order:2": old})

    with VersionLog(folder, clock=clock) as log:
        assert (log.newest("order:1"), log.newest("order:2")) == ([recent], [])


def test_a_file_that_another_task_merges_while_it_is_read_is_found_under_its_new_name(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version_log, "MAX_FILES", 0)
    with VersionLog(folder, clock=clock) as first:
        first.claim({"order:1": version("01", "01")})
    reader, other = VersionLog(folder, clock=clock), VersionLog(folder, clock=clock)
    names = reader._folder.file_names

    def names_before_a_merge() -> list[str]:
        listed = names()
        if listed and not other._read_files:
            other.claim({"order:2": version("01", "01")})
        return listed

    monkeypatch.setattr(reader._folder, "file_names", names_before_a_merge)

    assert reader.newest("order:1") == [version("01", "01")]


@pytest.mark.parametrize(
    "content",
    [b"", b"x", gzip.compress(b'["k", {"a": "b"}]')[:-9], gzip.compress(b"{half")],
    # The bytes have a time in them, and every worker of pytest-xdist has to collect the same names.
    ids=["empty", "no gzip", "cut", "no JSON"],
)
def test_a_damaged_file_is_one_error_that_names_it(folder: str, content: bytes) -> None:
    Path(folder).mkdir(parents=True)
    (Path(folder) / "0.jsonl.gz").write_bytes(content)
    with VersionLog(folder, clock=clock) as log, pytest.raises(DatasetError, match=r"0\.jsonl\.gz of .* is damaged"):
        log.claim({"1": version("01", "01")})


def test_the_open_file_of_a_killed_try_is_removed_although_nothing_is_left_to_write(folder: str) -> None:
    """The killed try had stored every outcome, so that its retry sends nothing."""
    killed = VersionLog(folder, owner="dag/upsert/run")
    killed.begin({"order/1": version("a", "a")})
    assert [path.name.endswith(".open.json") for path in Path(folder).iterdir()] == [True]
    with VersionLog(folder, owner="dag/upsert/run"):
        pass
    assert list(Path(folder).iterdir()) == []


def reference(folder: Path, name: str) -> DatasetRef:
    """A dataset with one record, which holds its name."""
    writer = DatasetWriter(str(folder / name), source="yotpo", resource="built orders", fingerprint="")
    writer.resume()
    writer.append([{"external_id": name}], position={})
    return writer.commit()


def test_a_merge_removes_the_open_file_of_a_task_that_was_never_tried_again_after_a_month(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version_log, "MAX_FILES", 0)
    recent = {"order": "2026-05-20T01:00:00.000000Z"}
    VersionLog(folder, owner="old").begin({"order:1": version("01", "01"), "order:2": {}})
    VersionLog(folder, owner="recent").begin({"order:1": recent})

    with VersionLog(folder, clock=lambda: clock() + timedelta(days=28)) as log:
        log.claim({"order:2": version("02", "02")})
    assert len(list(Path(folder).glob("*.open.json"))) == 2

    with VersionLog(folder, clock=lambda: clock() + timedelta(days=31)) as log:
        log.claim({"order:2": version("02", "02")})

    with VersionLog(folder, owner="recent", clock=clock) as retry:
        assert retry.was_sent("order:1", recent)
    assert not list(Path(folder).glob("*.open.json"))


def test_the_datasets_of_the_newest_claims_are_read_once_each(folder: str, tmp_path: Path) -> None:
    for name, order, returns in (("old", "01", "01"), ("order", "03", "01"), ("returns", "02", "02")):
        with VersionLog(folder, sources=[reference(tmp_path, name)], clock=clock) as log:
            log.claim({f"order:{number}": version(order, returns) for number in (1, 2)})

    with VersionLog(folder, clock=clock) as log:
        log.look()
        assert sorted(record["external_id"] for record in log.records(["order:1", "order:2"])) == ["order", "returns"]
        assert list(log.records(["order:3"])) == []


def test_a_task_does_not_read_its_own_dataset_to_find_what_is_newer(folder: str, tmp_path: Path) -> None:
    with VersionLog(folder, sources=[reference(tmp_path, "theirs")], clock=clock) as log:
        log.claim({"order:1": version("01", "02")})
    with VersionLog(folder, sources=[reference(tmp_path, "own")], clock=clock) as log:
        log.claim({"order:1": version("02", "01")})
        assert [record["external_id"] for record in log.records(["order:1"])] == ["theirs"]


@pytest.mark.parametrize("error", [DatasetError("it was removed"), AuthenticationError("another team's storage")])
def test_a_dataset_that_no_retry_makes_readable_is_left_out(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    with VersionLog(folder, sources=[reference(tmp_path, "theirs")], clock=clock) as log:
        log.claim({"order:1": version("02", "02")})
    found = read_with(monkeypatch, folder, error)
    assert list(found) == []
    assert f"A newer build can't be compared with what was just written: {error}" in caplog.text


def test_a_storage_that_fails_for_now_is_an_error(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with VersionLog(folder, sources=[reference(tmp_path, "theirs")], clock=clock) as log:
        log.claim({"order:1": version("02", "02")})
    with pytest.raises(StorageError):
        list(read_with(monkeypatch, folder, StorageError("no answer")))


def read_with(monkeypatch: pytest.MonkeyPatch, folder: str, error: Exception) -> Iterator[Any]:
    def read(_source: Any) -> Any:
        raise error

    monkeypatch.setattr(version_log, "read_dataset", read)
    with VersionLog(folder, clock=clock) as log:
        log.look()
        yield from log.records(["order:1"])


def test_a_claim_names_its_datasets_for_a_day(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of an older build is on its way for minutes. The dataset may be removed after days."""
    with VersionLog(folder, sources=[reference(tmp_path, "built")], clock=clock) as log:
        log.claim({"order:1": version("12", "12")})
    monkeypatch.setattr(version_log, "MAX_FILES", 1)

    for hours, names in ((11, ["built"]), (13, [])):
        later = clock() + timedelta(hours=hours)
        with VersionLog(folder, clock=lambda later=later: later) as log:
            log.claim({"order:2": version("12", f"{hours}")})
            assert len(list(Path(folder).iterdir())) == 1
        with VersionLog(folder, clock=clock) as log:
            log.look()
            assert [record["external_id"] for record in log.records(["order:1"])] == names
            assert log.newest("order:1") == [version("12", "12")]


def test_a_claim_without_datasets_does_not_hide_those_of_the_same_version(folder: str, tmp_path: Path) -> None:
    with VersionLog(folder, sources=[reference(tmp_path, "built")], clock=clock) as log:
        log.claim({"order:1": version("01", "01")})
    with VersionLog(folder, clock=clock) as log:
        log.claim({"order:1": version("01", "01")})
        assert [record["external_id"] for record in log.records(["order:1"])] == ["built"]


def test_the_next_try_of_a_task_knows_what_was_not_looked_after(folder: str) -> None:
    killed = VersionLog(folder, owner="dag/upsert/run", clock=clock)
    killed.begin({"order:1": version("01", "01"), "order:2": version("01", "01")})
    killed.settle(["order:1"])
    killed.begin({"order:3": version("01", "01")})

    retry, other = (VersionLog(folder, owner=name, clock=clock) for name in ("dag/upsert/run", "dag/upsert/other"))
    assert [number for number in (1, 2, 3) if retry.was_sent(f"order:{number}", version("01", "01"))] == [2, 3]
    assert not retry.was_sent("order:2", version("02", "02"))
    assert not other.was_sent("order:2", version("01", "01"))


def test_a_file_names_its_datasets_once(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill claims hundreds of thousands of orders of one dataset."""
    monkeypatch.setattr(version_log, "MAX_FILES", 1)
    for name in ("one", "other"):
        with VersionLog(folder, sources=[reference(tmp_path, name)], clock=clock) as log:
            log.claim({f"order:{name}-{number}": version("12", "12") for number in range(100)})

    (file,) = Path(folder).iterdir()
    content = gzip.decompress(file.read_bytes()).decode()
    assert content.count("order:") == 200
    assert [content.count(f"{tmp_path}/{name}") for name in ("one", "other")] == [1, 1]
