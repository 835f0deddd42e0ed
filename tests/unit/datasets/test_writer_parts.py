"""Parts by size and by time: how many objects are written, and what a retry reads again."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import PagingError, TransientError

LIST = {"source": "yofi", "resource": "claims", "fingerprint": "f"}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def writer(folder: Path, **options: object) -> DatasetWriter:
    made = DatasetWriter(str(folder), **LIST, **options)
    made.resume()
    return made


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("part-*"))


def test_pages_are_collected_into_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = DatasetFolder.write
    monkeypatch.setattr(
        DatasetFolder, "write", lambda self, name, content: (written.append(name), write(self, name, content))[1]
    )
    target = writer(tmp_path)
    for number in range(200):
        target.append([{"id": number}], position={"page": number + 1})
    assert (target.records, target.parts) == (200, 1)
    reference = target.commit()
    assert [name for name in written if not name.startswith(".probe")] == ["part-00000.jsonl.gz", "manifest.json"]
    assert [record["id"] for record in read_dataset(reference)] == list(range(200))


def test_a_part_is_written_when_it_is_large_enough(tmp_path: Path) -> None:
    """Random text cannot be compressed: each page has more than the 20,000 bytes of a part."""
    target = writer(tmp_path, part_size=20_000)
    for number in range(3):
        target.append([{"id": number, "text": os.urandom(30_000).hex()}], position={"page": number + 1})
        assert len(parts(tmp_path)) == number + 1
    assert json.loads((tmp_path / "progress.json").read_text())["position"] == {"page": 3}


def test_a_part_without_a_position_may_be_longer_than_the_memory(tmp_path: Path) -> None:
    target = writer(tmp_path, part_size=20_000)
    target.append({"id": number, "text": os.urandom(100).hex()} for number in range(5_000))
    assert len(parts(tmp_path)) > 3
    assert not (tmp_path / "progress.json").exists()
    assert target.commit().records == 5_000


def test_a_slow_list_saves_its_progress_in_time(tmp_path: Path) -> None:
    clock = Clock()
    target = writer(tmp_path, part_seconds=60, clock=clock)
    target.append([{"id": 0}], position={"page": 1})
    clock.now = 59.0
    target.append([{"id": 1}], position={"page": 2})
    assert parts(tmp_path) == []
    clock.now = 61.0
    target.append([], position={"page": 3})
    assert parts(tmp_path) == ["part-00000.jsonl.gz"]
    assert writer(tmp_path).records == 2


def test_a_list_of_empty_pages_saves_its_position_in_time(tmp_path: Path) -> None:
    clock = Clock()
    target = writer(tmp_path, part_seconds=60, clock=clock)
    clock.now = 61.0
    target.append([], position={"page": 1})
    assert DatasetWriter(str(tmp_path), **LIST).resume() == {"page": 1}


def test_a_failure_saves_the_complete_pages(tmp_path: Path) -> None:
    def fail() -> None:
        with writer(tmp_path) as target:
            target.append([{"id": 0}], position={"page": 1})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    second = DatasetWriter(str(tmp_path), **LIST)
    assert second.resume() == {"page": 1}
    assert [record["id"] for record in second.written_records()] == [0]


def test_a_page_that_fails_halfway_is_not_saved(tmp_path: Path) -> None:
    def page() -> object:
        yield {"id": 1}
        message = "the network is down"
        raise TransientError(message)

    def fail() -> None:
        with writer(tmp_path) as target:
            target.append([{"id": 0}], position={"page": 1})
            target.append(page(), position={"page": 2})

    with pytest.raises(TransientError):
        fail()
    second = DatasetWriter(str(tmp_path), **LIST)
    assert second.resume() == {"page": 1}
    assert [record["id"] for record in second.written_records()] == [0]


def pair(folder: Path) -> tuple[DatasetWriter, DatasetWriter]:
    """Two datasets that are written along, each batch a part."""
    rejects = DatasetWriter(str(folder / "rejects"), **LIST)
    return DatasetWriter(str(folder / "outcomes"), part_seconds=0, companions=[rejects], **LIST), rejects


def ids(dataset: DatasetWriter) -> list[int]:
    return [record["id"] for record in dataset.written_records()]


def test_datasets_that_are_written_along_are_resumed_in_one_step(tmp_path: Path) -> None:
    outcomes, rejects = pair(tmp_path)
    outcomes.resume()
    for number in range(2):
        rejects.append([{"id": number}])
        outcomes.append([{"id": number}], position={"n": number})
    # What a kill between two files leaves: the part of the rejects is there, and the progress has not heard of it.
    rejects.append([{"id": 2}])
    rejects.save()

    outcomes, rejects = pair(tmp_path)
    assert outcomes.resume() == {"n": 1}
    assert ids(outcomes) == ids(rejects) == [0, 1]
    assert parts(tmp_path / "rejects") == ["part-00000.jsonl.gz", "part-00001.jsonl.gz"]


def test_a_kill_between_two_manifests_loses_no_record(tmp_path: Path) -> None:
    outcomes, rejects = pair(tmp_path)
    outcomes.resume()
    rejects.append([{"id": 0}])
    outcomes.append([{"id": 0}], position={"n": 0})
    rejects.commit()

    outcomes, rejects = pair(tmp_path)
    assert outcomes.resume() == {"n": 0}
    assert ids(outcomes) == ids(rejects) == [0]
    assert [record["id"] for record in read_dataset(rejects.commit())] == [0]


def test_without_its_companion_progress_is_of_no_use(tmp_path: Path) -> None:
    outcomes, rejects = pair(tmp_path)
    outcomes.resume()
    rejects.append([{"id": 0}])
    outcomes.append([{"id": 0}], position={"n": 0})
    (tmp_path / "rejects" / "part-00000.jsonl.gz").unlink()

    outcomes, rejects = pair(tmp_path)
    assert outcomes.resume() is None
    assert ids(outcomes) == ids(rejects) == []
    assert parts(tmp_path / "outcomes") == []


def test_a_kill_before_the_progress_is_removed_reads_nothing_again(tmp_path: Path) -> None:
    first = writer(tmp_path, part_seconds=0)
    first.append([{"id": 0}], position={"end": True})
    progress = (tmp_path / "progress.json").read_bytes()
    first.commit()
    (tmp_path / "progress.json").write_bytes(progress)

    second = writer(tmp_path, part_seconds=0)
    assert second.resume() == {"end": True}
    assert [record["id"] for record in read_dataset(second.commit())] == [0]
    assert not (tmp_path / "progress.json").exists()


KILLED = """
import os, sys
from airflow_provider_partners.datasets.writer import DatasetWriter
writer = DatasetWriter(sys.argv[1], source="yofi", resource="claims", fingerprint="f")
writer.resume()
with writer:
    for number in range(10):
        writer.append([{"id": number}], position={"page": number + 1})
        if number == 5:
            writer.save()
    os._exit(9)
"""


def test_a_killed_process_loses_only_the_unfinished_part(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=120)
    assert killed.returncode == 9
    second = DatasetWriter(str(tmp_path), **LIST)
    assert second.resume() == {"page": 6}
    second.append([{"id": number} for number in range(6, 10)], position={"end": True})
    assert [record["id"] for record in read_dataset(second.commit())] == list(range(10))


def test_an_extraction_reads_no_complete_page_again_after_a_failure(tmp_path: Path) -> None:
    fetched: list[int] = []

    def fetch(cursor: Cursor) -> Page:
        number = cursor.get("page", 0)
        fetched.append(number)
        if fetched.count(number) == 1 and number == 3:
            message = "the network is down"
            raise TransientError(message)
        return Page(records=[{"id": number}], next={"page": number + 1} if number < 5 else None)

    def extraction() -> Extraction:
        return Extraction(source="yofi", resource="claims", request={}, segments=[Segment(name="all", fetch=fetch)])

    with pytest.raises(TransientError):
        write_dataset(extraction(), uri=str(tmp_path))
    reference = write_dataset(extraction(), uri=str(tmp_path))
    assert fetched == [0, 1, 2, 3, 3, 4, 5]
    assert [record["id"] for record in read_dataset(reference)] == list(range(6))
    assert reference.extra["resumed"] == 3


def test_a_list_that_led_back_is_read_from_its_start_by_a_retry(tmp_path: Path) -> None:
    """A page named itself as the next one. The position behind it is wrong, so each retry from it would fail too."""
    pages: dict[int, list[int]] = {}

    def fetch(cursor: Cursor, *, loops: bool) -> Page:
        number = cursor.get("page", 1)
        pages.setdefault(loops, []).append(number)
        following = None if number == 3 else {"page": number if loops and number == 2 else number + 1}
        return Page([{"id": number}], following)

    def extraction(*, loops: bool) -> Extraction:
        segment = Segment(name="all", fetch=partial(fetch, loops=loops))
        return Extraction(source="yofi", resource="claims", key=("id",), request={}, segments=[segment])

    with pytest.raises(PagingError, match=r"leads back.*A retry reads the list from its start"):
        write_dataset(extraction(loops=True), uri=str(tmp_path))
    reference = write_dataset(extraction(loops=False), uri=str(tmp_path))

    assert [record["id"] for record in read_dataset(reference)] == [1, 2, 3]
    assert pages[False] == [1, 2, 3]


def test_the_same_records_in_other_parts_are_the_same_content(tmp_path: Path) -> None:
    contents = []
    for name, size in (("one", 1), ("two", 10**9)):
        target = writer(tmp_path / name, part_size=size)
        for number in range(3):
            target.append([{"id": number}])
        target.commit()
        contents.append(json.loads((tmp_path / name / "manifest.json").read_text())["content"])
    assert contents[0] == contents[1]


def test_a_part_is_plain_gzip_without_a_timestamp(tmp_path: Path) -> None:
    """RFC 1952, section 2.3.1: the bytes 4 to 7 of the header are the time; zero means none."""
    target = writer(tmp_path)
    target.append([{"id": "ä"}])
    target.commit()
    content = (tmp_path / "part-00000.jsonl.gz").read_bytes()
    assert content[4:8] == bytes(4)
    assert gzip.decompress(content) == '{"id":"ä"}\n'.encode()


@pytest.mark.parametrize("on_new_fields", ["warn", "fail"])
def test_a_new_field_is_logged_or_refused(tmp_path: Path, on_new_fields: str, caplog: pytest.LogCaptureFixture) -> None:
    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.exceptions import DatasetError

    target = writer(tmp_path, columns=[Column("id", "string")], on_new_fields=on_new_fields)
    target.append([{"id": "1"}])
    if on_new_fields == "fail":
        with pytest.raises(DatasetError, match="yofi claims has fields that are not declared: shoe_size"):
            target.append([{"id": "2", "shoe_size": 43}])
        return
    with caplog.at_level("WARNING"):
        target.append([{"id": "2", "shoe_size": 43}, {"shoe_size": 44}])
        target.append([{"shoe_size": 45}])
    assert caplog.text.count("shoe_size") == 1
    assert "43" not in caplog.text
    assert [record.get("shoe_size") for record in read_dataset(target.commit())] == [None, 43, 44, 45]


def test_a_field_that_a_user_has_requested_is_not_new(tmp_path: Path) -> None:
    """``clientIp`` is a field of Shopify's Order that the package does not request by itself:
    https://shopify.dev/docs/api/admin-graphql/latest/objects/Order."""
    from airflow_provider_partners.api.extraction import Extraction, Segment
    from airflow_provider_partners.api.pagination.page import Page
    from airflow_provider_partners.datasets.list_writer import write_dataset
    from airflow_provider_partners.datasets.record_shape import RecordShape, StorageOptions
    from airflow_provider_partners.exceptions import DatasetError

    def extraction(*fields: str) -> Extraction:
        page = Page([{"id": "1", "clientIp": "192.0.2.1"}], None)
        request = {"fields": list(fields)}
        segments = [Segment(name="orders", fetch=lambda cursor: page)]
        return Extraction(source="shopify_admin", resource="orders", request=request, segments=segments)

    def stored(*fields: str, drop: tuple[str, ...] = ()) -> list[dict[str, str]]:
        options = StorageOptions(on_new_fields="fail", shape=RecordShape(drop=drop))
        return list(read_dataset(write_dataset(extraction(*fields), uri=str(tmp_path / "o"), options=options)))

    with pytest.raises(DatasetError, match="fields that are not declared: clientIp"):
        stored()
    assert stored("clientIp") == [{"id": "1", "clientIp": "192.0.2.1"}]
    assert stored(drop=("clientIp",)) == [{"id": "1"}]
