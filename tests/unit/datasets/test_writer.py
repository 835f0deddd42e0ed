"""Datasets are written completely, resumed exactly, read back as written, and refused when they differ."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.progress import Progress
from airflow_provider_partners.datasets.publish import publish_dataset
from airflow_provider_partners.datasets.reader import read_column, read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    DatasetError,
    PagingError,
    StorageError,
    TransientError,
)


@pytest.fixture(autouse=True)
def _one_part_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is large enough with its first record, so that each page is a part."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__PART_MB", "0.000001")


class Pages:
    """A list of numbered pages that can be made to fail once at one of them."""

    def __init__(self, pages: int, *, fail_at: int | None = None) -> None:
        self.pages, self.fail_at, self.fetched = pages, fail_at, []

    def fetch(self, cursor: Cursor) -> Page:
        number = cursor.get("page", 0)
        self.fetched.append(number)
        if number == self.fail_at:
            self.fail_at = None
            message = "the network is down"
            raise TransientError(message)
        following = {"page": number + 1} if number + 1 < self.pages else None
        return Page(records=[{"id": number * 2, "name": "Zoë"}, {"id": number * 2 + 1}], next=following)

    def extraction(self, **request: object) -> Extraction:
        return Extraction(
            source="yofi", resource="claims", key=("id",), request=request,
            segments=[Segment(name="all", fetch=self.fetch)],
        )  # fmt: skip


def ids(reference: DatasetRef) -> list[int]:
    return [record["id"] for record in read_dataset(reference)]


def test_records_are_read_back_in_the_order_they_were_fetched(tmp_path: Path) -> None:
    reference = write_dataset(Pages(3).extraction(), uri=str(tmp_path / "d"))

    assert ids(reference) == [0, 1, 2, 3, 4, 5]
    assert (reference.records, reference.parts) == (6, 3)
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        "manifest.json", "part-00000.jsonl.gz", "part-00001.jsonl.gz", "part-00002.jsonl.gz",
    ]  # fmt: skip


def test_a_reference_survives_json(tmp_path: Path) -> None:
    reference = write_dataset(Pages(1).extraction(), uri=str(tmp_path / "d"), extra=lambda: {"requests": 1})

    assert DatasetRef.from_dict(json.loads(json.dumps(reference.to_dict()))) == reference
    assert reference.extra == {"requests": 1}


def test_a_retry_resumes_after_the_last_complete_page(tmp_path: Path) -> None:
    pages = Pages(4, fail_at=2)
    with pytest.raises(TransientError):
        write_dataset(pages.extraction(), uri=str(tmp_path))
    assert not (tmp_path / "manifest.json").exists()

    reference = write_dataset(pages.extraction(), uri=str(tmp_path))

    assert pages.fetched == [0, 1, 2, 2, 3]
    assert ids(reference) == list(range(8))
    assert reference.extra["resumed"] == 4


def test_a_crash_between_the_last_page_and_the_manifest_fetches_no_page_again(tmp_path: Path) -> None:
    pages = Pages(2)
    write_dataset(pages.extraction(), uri=str(tmp_path / "first"))
    writer = DatasetWriter(
        str(tmp_path / "d"), source="yofi", resource="claims", fingerprint=pages.extraction().fingerprint
    )
    for record in read_dataset(write_dataset(Pages(2).extraction(), uri=str(tmp_path / "other"))):
        writer.append([record], position={"end": True})
    pages.fetched.clear()

    assert ids(write_dataset(pages.extraction(), uri=str(tmp_path / "d"))) == [0, 1, 2, 3]
    assert pages.fetched == []


def test_progress_of_another_request_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        write_dataset(Pages(4, fail_at=2).extraction(filter="a"), uri=str(tmp_path))
    pages = Pages(2)

    assert ids(write_dataset(pages.extraction(filter="b"), uri=str(tmp_path))) == [0, 1, 2, 3]
    assert pages.fetched == [0, 1]


def test_a_finished_dataset_is_replaced_not_resumed(tmp_path: Path) -> None:
    write_dataset(Pages(4).extraction(), uri=str(tmp_path))

    reference = write_dataset(Pages(1).extraction(), uri=str(tmp_path))

    assert ids(reference) == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "part-00000.jsonl.gz"]


def test_damaged_progress_restarts_from_the_beginning(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        write_dataset(Pages(4, fail_at=2).extraction(), uri=str(tmp_path))
    (tmp_path / "progress.json").write_text("{half")

    assert ids(write_dataset(Pages(4).extraction(), uri=str(tmp_path))) == list(range(8))


def test_the_same_records_have_the_same_hash(tmp_path: Path) -> None:
    first = write_dataset(Pages(3).extraction(), uri=str(tmp_path / "a"))
    second = write_dataset(Pages(3).extraction(), uri=str(tmp_path / "b"))

    assert first.sha256 == second.sha256


def test_an_empty_list_is_a_dataset_too(tmp_path: Path) -> None:
    def nothing(cursor: Cursor) -> Page:
        return Page(records=[], next=None)

    empty = Extraction(
        source="yofi",
        resource="claims",
        key=("id",),
        request={},
        segments=[Segment(name="all", fetch=nothing)],
    )
    reference = write_dataset(empty, uri=str(tmp_path))

    assert reference.records == 0
    assert list(read_dataset(reference)) == []


def test_the_error_about_a_missing_dataset_names_the_option_to_set(tmp_path: Path) -> None:
    reference = DatasetRef(uri=str(tmp_path / "missing"), source="yofi", resource="claims")

    with pytest.raises(DatasetError, match="staging_uri"):
        next(read_dataset(reference))


def test_a_reference_to_an_overwritten_dataset_is_refused(tmp_path: Path) -> None:
    reference = write_dataset(Pages(2).extraction(), uri=str(tmp_path))
    write_dataset(Pages(3).extraction(), uri=str(tmp_path))

    with pytest.raises(DatasetError, match="written again"):
        next(read_dataset(reference))


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    reference = write_dataset(Pages(1).extraction(), uri=str(tmp_path))
    (tmp_path / "part-00000.jsonl.gz").write_bytes(b"x")

    with pytest.raises(DatasetError, match="damaged"):
        next(read_dataset(reference))


def test_a_missing_part_is_refused(tmp_path: Path) -> None:
    reference = write_dataset(Pages(1).extraction(), uri=str(tmp_path))
    (tmp_path / "part-00000.jsonl.gz").unlink()

    with pytest.raises(DatasetError, match="part-00000"):
        next(read_dataset(reference))


def test_something_else_than_a_reference_is_refused() -> None:
    with pytest.raises(DatasetError, match="reference"):
        DatasetRef.from_dict({"path": "x"})


def test_a_column_gives_each_value_once_as_text(tmp_path: Path) -> None:
    writer = DatasetWriter(str(tmp_path), source="shopify_admin", resource="orders")
    writer.append([{"customer": {"id": 7}}, {"customer": None}, {}])
    writer.append([{"customer": {"id": 8}}, {"customer": {"id": 7}}])

    assert list(read_column(writer.commit(), "customer.id")) == ["7", "8"]


def test_progress_counts_the_records_of_an_earlier_try(tmp_path: Path) -> None:
    reported: list[Progress] = []
    pages = Pages(3, fail_at=1)
    with pytest.raises(TransientError):
        write_dataset(pages.extraction(), uri=str(tmp_path))

    write_dataset(pages.extraction(), uri=str(tmp_path), on_page=reported.append)

    assert [(progress.records, progress.resumed_records) for progress in reported] == [(4, 2), (6, 2)]


def test_object_storage_is_written_and_read_like_a_folder() -> None:
    reference = write_dataset(Pages(2).extraction(), uri="memory://staging/dataset")

    assert reference.uri == "memory://staging/dataset"
    assert ids(reference) == [0, 1, 2, 3]


@pytest.fixture(autouse=True)
def _empty_memory_storage() -> Iterator[None]:
    import fsspec

    yield
    fsspec.filesystem("memory").store.clear()


def test_progress_of_many_parts_is_resumed_completely(tmp_path: Path) -> None:
    first = DatasetWriter(str(tmp_path), source="yofi", resource="claims", fingerprint="f")
    for number in range(150):
        first.append([{"id": number}], position={"page": number + 1})

    second = DatasetWriter(str(tmp_path), source="yofi", resource="claims", fingerprint="f")
    assert second.resume() == {"page": 150}
    assert (second.records, second.parts) == (150, 150)
    for number in range(150, 170):
        second.append([{"id": number}], position={"page": number + 1})
    reference = second.commit()

    assert ids(reference) == list(range(170))
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".json") == ["manifest.json"]


def test_a_part_that_is_missing_in_the_progress_file_is_written_again(tmp_path: Path) -> None:
    first = DatasetWriter(str(tmp_path), source="yofi", resource="claims", fingerprint="f")
    first.append([{"id": 0}], position={"page": 1})
    first.append([{"id": "lost"}])
    assert len(list(tmp_path.glob("part-*"))) == 2

    second = DatasetWriter(str(tmp_path), source="yofi", resource="claims", fingerprint="f")
    assert second.resume() == {"page": 1}
    assert len(list(tmp_path.glob("part-*"))) == 1
    second.append([{"id": 1}], position={"end": True})

    assert ids(second.commit()) == [0, 1]


def test_the_manifest_names_the_fields_with_their_types_and_no_value(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path.as_uri(), source="yofi", resource="claims")
    writer.append([{"id": 1, "name": None, "lines": []}, {"name": "Zoë", "sent": True, "shop": {}, "id": "2"}])
    reference = writer.commit()
    fields = {"id": "string", "name": "string", "lines": "json", "sent": "boolean", "shop": "json"}
    columns = json.loads((tmp_path / "manifest.json").read_text())["columns"]
    assert columns == [{"name": name, "type": kind} for name, kind in fields.items()]
    assert reference.fields == fields
    assert "fields" not in reference.to_dict()
    assert DatasetRef.from_dict(reference.to_dict()) == reference


def test_the_fields_of_an_earlier_try_are_kept(tmp_path: Path) -> None:
    request = {"source": "yofi", "resource": "claims", "fingerprint": "x"}
    first = DatasetWriter(tmp_path.as_uri(), **request)
    first.resume()
    first.append([{"id": 1, "early": "x"}], position={"page": 1})
    second = DatasetWriter(tmp_path.as_uri(), **request)
    second.resume()
    second.append([{"id": 2, "late": 1.5}], position={"page": 2})
    assert second.commit().fields == {"id": "integer", "early": "string", "late": "float"}


def test_at_most_500_field_names_are_recorded(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path.as_uri(), source="yofi", resource="claims")
    writer.append({f"field {number}": number} for number in range(2000))
    assert len(writer.commit().fields) == 500


HALF = "Zoë \ud83d"
"""A text that ends in half an emoji: legal in JSON (RFC 8259, section 8.2), and no encoding accepts it."""


def test_records_with_half_an_emoji_are_kept(tmp_path: Path) -> None:
    writer = DatasetWriter(str(tmp_path), source="yofi", resource="claims")
    writer.append([{"id": 1, "name": HALF, HALF: [{"city": HALF}]}])

    reference = writer.commit(extra={"reasons": {HALF: 1}})

    marked = "Zoë \ufffd"
    assert list(read_dataset(reference)) == [{"id": 1, "name": marked, marked: [{"city": marked}]}]
    assert reference.fields[marked] == "json"


def test_a_cursor_with_half_an_emoji_is_resumed_as_it_was(tmp_path: Path) -> None:
    first = DatasetWriter(str(tmp_path), source="yofi", resource="claims", fingerprint="f")
    first.append([{"id": 1}], position={"cursor": HALF})

    assert DatasetWriter(str(tmp_path), source="yofi", resource="claims", fingerprint="f").resume() == {"cursor": HALF}


# Files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_for_the_current_user_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    reference = write_dataset(Pages(2).extraction(), uri=str(tmp_path / "dag" / "task" / "run"))
    publish_dataset(reference, str(tmp_path / "place" / "day"))

    made = [path for name in ("dag", "place") for path in (tmp_path / name, *(tmp_path / name).rglob("*"))]
    assert {mode(path) for path in made if path.is_dir()} == {0o700}
    assert {mode(path) for path in made if path.is_file()} == {0o600}


def test_files_in_a_folder_that_its_owner_has_opened_are_open_too(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir(mode=0o750)
    publish_dataset(write_dataset(Pages(1).extraction(), uri=str(tmp_path / "run")), str(place))

    assert {mode(path) for path in place.iterdir()} == {0o640}


def test_without_locks_temporary_files_of_a_killed_writer_are_removed_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("airflow_provider_partners.files.fcntl.flock", refuse)
    old, new = tmp_path / ".part-00000.jsonl.gz.abcdef12.tmp", tmp_path / ".part-00001.jsonl.gz.abcdef34.tmp"
    for path in (old, new):
        path.write_bytes(b"half a part")
    os.utime(old, (0, 0))

    assert DatasetFolder(str(tmp_path)).file_names() == []
    assert list(tmp_path.iterdir()) == [new]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda path, target: names.append(path.name) or replace(path, target))
    for _ in range(2):
        DatasetFolder(str(tmp_path)).write("part", b"x")

    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (errno.ENOSPC, StorageError, "No space left on device. Free or add space"),
        (errno.EDQUOT, StorageError, "quota exceeded. Free or add space"),
        (errno.EIO, StorageError, "Input/output error"),
        (errno.EROFS, ConfigurationError, "Read-only file system. Choose a place"),
        (errno.EACCES, ConfigurationError, "Permission denied. Choose a place"),
    ],
)
def test_a_storage_that_cannot_be_written_is_one_line_with_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception], text: str
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("airflow_provider_partners.files.os.fdopen", fail)
    with pytest.raises(kind, match=text) as error:
        write_dataset(Pages(1).extraction(), uri=str(tmp_path / "d"))

    assert "\n" not in str(error.value)
    assert str(tmp_path / "d") in str(error.value)


def test_errors_of_object_storage_are_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each storage has errors of its own class, such as botocore's ``ClientError``."""
    from fsspec.implementations.memory import MemoryFileSystem

    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("AccessDenied: you may not put objects\nand a second line")

    monkeypatch.setattr(MemoryFileSystem, "_open", refuse)
    with pytest.raises(
        StorageError, match="memory://staging/d can't be read or written: RuntimeError: AccessDenied"
    ) as error:
        write_dataset(Pages(1).extraction(), uri="memory://staging/d")
    assert "\n" not in str(error.value)


# The folder's owner


def test_the_dataset_of_another_account_is_not_replaced(tmp_path: Path) -> None:
    def of_shop(shop: str) -> Extraction:
        return replace(Pages(1).extraction(), account=shop)

    first = write_dataset(of_shop("a.myshopify.com"), uri=str(tmp_path / "d"))
    with pytest.raises(ConfigurationError, match=r"of b\.myshopify\.com can't be written .*of a\.myshopify\.com"):
        write_dataset(of_shop("b.myshopify.com"), uri=str(tmp_path / "d"))
    assert ids(first) == [0, 1]


def test_a_task_may_write_another_account_into_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user corrects the task's connection and clears the task."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    write_dataset(replace(Pages(1).extraction(), account="a"), uri=f"{tmp_path}/dag/task/run/-1")
    second = write_dataset(replace(Pages(2).extraction(), account="b"), uri=f"{tmp_path}/dag/task/run/-1")
    assert (second.account, ids(second)) == ("b", [0, 1, 2, 3])


def test_progress_with_a_lost_part_restarts_from_the_beginning(tmp_path: Path) -> None:
    pages = Pages(4, fail_at=2)
    with pytest.raises(TransientError):
        write_dataset(pages.extraction(), uri=str(tmp_path))
    (tmp_path / "part-00000.jsonl.gz").unlink()

    assert ids(write_dataset(pages.extraction(), uri=str(tmp_path))) == list(range(8))


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        (None, "it is a NoneType"),
        ([("email", "a@example.com")], "it is a list"),
        ({"id": 1, "at": datetime(2026, 1, 1)}, "its field 'at' is a datetime"),
        ({"id": 1, "lines": [{"at": datetime(2026, 1, 1)}]}, "its field 'lines' holds what JSON has no form for"),
        ({1: "a@example.com"}, "its field 1 holds what JSON has no form for"),
    ],
)
def test_a_record_that_is_no_json_object_is_refused_with_its_position_and_nothing_is_written(
    tmp_path: Path, record: object, fault: str
) -> None:
    writer = DatasetWriter(str(tmp_path / "d"), source="yofi", resource="claims")
    writer.append([{"id": 1}])

    with pytest.raises(DatasetError, match=f"Record 3 of 'claims' can't be stored: {fault}") as caught:
        writer.append([{"id": 2}, record])

    assert "example.com" not in str(caught.value)
    assert (writer.records, writer.parts) == (1, 1)


@pytest.mark.parametrize("name", ["uri", "source", "resource"])
@pytest.mark.parametrize("value", [None, 5, ""])
def test_a_reference_without_a_folder_or_a_list_is_refused(name: str, value: object) -> None:
    with pytest.raises(DatasetError, match=f"'{name}' of a dataset reference is"):
        DatasetRef.from_dict({"uri": "file:///d", "source": "yofi", "resource": "claims", name: value})


@pytest.mark.parametrize("uri", [None, 5, ""])
def test_a_folder_that_is_no_text_is_refused(uri: object) -> None:
    with pytest.raises(ConfigurationError, match="'uri' is"):
        DatasetFolder(uri)  # type: ignore[arg-type]


def test_a_list_of_more_pages_than_allowed_counts_as_endless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_PAGES", "2")
    with pytest.raises(PagingError, match=r"more than 2 pages.*raise max_pages"):
        write_dataset(Pages(4).extraction(), uri=str(tmp_path / "d"))
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_PAGES", "9")
    assert write_dataset(Pages(4).extraction(), uri=str(tmp_path / "e")).records > 0
