"""Publish a finished dataset to a fixed folder."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets.publish import Publisher, check_target, publish_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError


def write(folder: Path, *parts: list[Any], resource: str = "transactions") -> DatasetRef:
    writer = DatasetWriter(str(folder), source="shopify_partner", resource=resource)
    writer.resume()
    for ids in parts:
        writer.append([{"id": id_} for id_ in ids])
    return writer.commit()


def ids(reference: Any) -> list[Any]:
    return [record["id"] for record in read_dataset(reference)]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_published_dataset_is_read_by_its_new_reference(tmp_path: Path) -> None:
    moved = publish_dataset(write(tmp_path / "run", [1, 2], [3]), str(tmp_path / "day"))

    assert moved.uri == str(tmp_path / "day")
    assert moved.extra["changed"] is True
    assert ids(moved) == [1, 2, 3]


def test_the_previous_dataset_is_replaced_completely(tmp_path: Path) -> None:
    first = publish_dataset(write(tmp_path / "one", [1, 2], [3], [4]), str(tmp_path / "day"))
    second = publish_dataset(write(tmp_path / "two", [1, 9]), str(tmp_path / "day"))

    assert ids(second) == [1, 9]
    assert len(list((tmp_path / "day").glob("part-*"))) == 1
    with pytest.raises(DatasetError, match="was written again since"):
        ids(first)


def test_publishing_the_same_dataset_again_changes_no_file(tmp_path: Path) -> None:
    publish_dataset(write(tmp_path / "one", [1, 2]), str(tmp_path / "day"))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "day").iterdir()}

    again = publish_dataset(write(tmp_path / "two", [1, 2]), str(tmp_path / "day"))

    assert again.extra["changed"] is False
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "day").iterdir()} == before
    assert ids(again) == [1, 2]


def test_an_empty_dataset_replaces_a_full_one(tmp_path: Path) -> None:
    publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"))
    empty = publish_dataset(write(tmp_path / "two"), str(tmp_path / "day"))

    assert ids(empty) == []
    assert sorted(files(tmp_path / "day")) == ["manifest.json"]


def test_the_next_try_completes_a_publication_that_crashed(tmp_path: Path) -> None:
    """Until the manifest is replaced, readers see the complete old dataset."""
    old = publish_dataset(write(tmp_path / "one", [1], [2]), str(tmp_path / "day"))
    new = write(tmp_path / "two", [1], [3])
    elsewhere = publish_dataset(new, str(tmp_path / "elsewhere"))
    for part in (tmp_path / "elsewhere").glob("part-*"):
        (tmp_path / "day" / part.name).write_bytes(part.read_bytes())
    assert ids(old) == [1, 2]

    done = publish_dataset(new, str(tmp_path / "day"))

    assert ids(done) == [1, 3]
    assert files(tmp_path / "day").keys() == files(tmp_path / "elsewhere").keys()
    assert done.sha256 == elsewhere.sha256


def test_a_lost_part_is_published_again(tmp_path: Path) -> None:
    first = publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"))
    next((tmp_path / "day").glob("part-*")).unlink()

    again = publish_dataset(write(tmp_path / "two", [1]), str(tmp_path / "day"))

    assert again.extra["changed"] is True
    assert ids(again) == ids(first) == [1]


def test_the_dataset_of_another_list_is_not_replaced(tmp_path: Path) -> None:
    publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"))

    with pytest.raises(ConfigurationError, match=r"the folder holds shopify_partner transactions.*folder of its own"):
        publish_dataset(write(tmp_path / "two", [1], resource="app_events"), str(tmp_path / "day"))


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "budget.xlsx").write_bytes(b"x")

    with pytest.raises(ConfigurationError, match=r"such as budget\.xlsx"):
        publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"))
    assert sorted(files(tmp_path / "day")) == ["budget.xlsx"]


def test_a_missing_or_overwritten_dataset_cannot_be_published(tmp_path: Path) -> None:
    reference = write(tmp_path / "run", [1])
    write(tmp_path / "run", [2])

    with pytest.raises(DatasetError, match="it was written again since"):
        publish_dataset(reference, str(tmp_path / "day"))
    assert not (tmp_path / "day").exists()


def test_a_published_dataset_can_be_published_again_elsewhere(tmp_path: Path) -> None:
    further = publish_dataset(publish_dataset(write(tmp_path / "run", [1]), str(tmp_path / "a")), str(tmp_path / "b"))

    assert files(tmp_path / "a").keys() == files(tmp_path / "b").keys()
    assert ids(further) == [1]


def of_shop(folder: Path, shop: str | None) -> DatasetRef:
    writer = DatasetWriter(str(folder), source="shopify_partner", resource="transactions", account=shop)
    writer.append([{"id": shop}])
    return writer.commit()


def mapped(index: int, run: str = "r1") -> dict[str, Any]:
    return {"task": f"dag/extract/{run}", "map_index": index}


def test_the_dataset_of_another_account_is_not_replaced(tmp_path: Path) -> None:
    first = publish_dataset(of_shop(tmp_path / "one", "a.myshopify.com"), str(tmp_path / "day"))

    with pytest.raises(ConfigurationError, match=r"of b\.myshopify\.com can't .*holds .*of a\.myshopify\.com"):
        publish_dataset(of_shop(tmp_path / "two", "b.myshopify.com"), str(tmp_path / "day"))
    assert ids(first) == ["a.myshopify.com"]


def test_the_dataset_of_another_map_index_of_the_same_run_is_not_replaced(tmp_path: Path) -> None:
    first = publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"), task=mapped(0))

    with pytest.raises(ConfigurationError, match=r"of map index 0 of this run.*mapped task a folder of its own"):
        publish_dataset(write(tmp_path / "two", [2]), str(tmp_path / "day"), task=mapped(1))
    assert ids(first) == [1]


def test_a_retry_and_a_later_run_replace_the_dataset(tmp_path: Path) -> None:
    publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"), task=mapped(0))
    publish_dataset(write(tmp_path / "two", [2]), str(tmp_path / "day"), task=mapped(0))
    last = publish_dataset(write(tmp_path / "three", [3]), str(tmp_path / "day"), task=mapped(1, "r2"))

    assert ids(last) == [3]


def test_of_two_tasks_that_publish_at_the_same_time_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second task begins when the first has found the folder free and has not written its manifest yet."""
    first, second = write(tmp_path / "one", [1]), write(tmp_path / "two", [2])
    day, write_file, refused = str(tmp_path / "day"), DatasetFolder.write, []

    def write_slowly(self: DatasetFolder, name: str, content: bytes) -> None:
        if name.startswith("part-"):
            monkeypatch.setattr(DatasetFolder, "write", write_file)
            with pytest.raises(ConfigurationError, match=r"is claimed, in \.claim-") as error:
                publish_dataset(second, day, task=mapped(1))
            refused.append(error)
        write_file(self, name, content)

    monkeypatch.setattr(DatasetFolder, "write", write_slowly)
    assert ids(publish_dataset(first, day, task=mapped(0))) == [1]
    assert refused
    assert not [name for name in files(tmp_path / "day") if name.startswith(".")]


def test_the_claim_of_a_killed_task_ends_after_a_day(tmp_path: Path) -> None:
    claim = {"source": "shopify_partner", "resource": "app_events", "account": None, "task": None}
    (tmp_path / "day").mkdir()
    path = tmp_path / "day" / ".claim-0123456789abcdef.json"
    path.write_text(json.dumps({**claim, "claimed_at": time.time() - 3600}))
    with pytest.raises(ConfigurationError, match="is claimed"):
        publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"))

    path.write_text(json.dumps({**claim, "claimed_at": time.time() - 90_000}))
    assert ids(publish_dataset(write(tmp_path / "one", [1]), str(tmp_path / "day"))) == [1]
    assert not path.exists()


def test_a_target_is_checked_before_there_is_a_dataset(tmp_path: Path) -> None:
    publish_dataset(of_shop(tmp_path / "one", "a.myshopify.com"), str(tmp_path / "day"))

    check_target(str(tmp_path / "day"), Publisher("shopify_partner", "transactions", "a.myshopify.com"))
    with pytest.raises(ConfigurationError, match="the folder holds"):
        check_target(str(tmp_path / "day"), Publisher("shopify_partner", "transactions", "b.myshopify.com"))


@pytest.mark.parametrize(
    ("uri", "package"),
    [
        ("s3://bucket/day", r"apache-airflow-providers-amazon\[s3fs\]"),
        ("gs://bucket/day", "apache-airflow-providers-google"),
        ("abfs://container/day", "apache-airflow-providers-microsoft-azure"),
        ("nope://bucket/day", "Use a local folder"),
    ],
)
def test_a_missing_filesystem_is_one_line_with_the_package_to_install(
    uri: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packages are those of Airflow's page on object storage."""
    # s3fs is installed for the tests of object storage, and Airflow keeps the file systems that it has opened.
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
    with pytest.raises(ConfigurationError, match=f"can't be opened.*{package}") as error:
        check_target(uri, Publisher("yofi", "claims"))
    assert "\n" not in str(error.value)
