"""Publish a finished dataset to a fixed folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets.publish import publish_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
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

    with pytest.raises(DatasetError, match="not readable here, or it was written again since"):
        publish_dataset(reference, str(tmp_path / "day"))
    assert not (tmp_path / "day").exists()


def test_a_published_dataset_can_be_published_again_elsewhere(tmp_path: Path) -> None:
    further = publish_dataset(publish_dataset(write(tmp_path / "run", [1]), str(tmp_path / "a")), str(tmp_path / "b"))

    assert files(tmp_path / "a").keys() == files(tmp_path / "b").keys()
    assert ids(further) == [1]
