"""Reference, manifest and parts are a chain: the reader notices a change of any of them.

The chain is the one that content-addressed formats use, such as the manifests of the Open Container Initiative
(https://github.com/opencontainers/image-spec/blob/main/descriptor.md, "digest"): each level has the hashes of the next.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets.publish import publish_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import DatasetError

Damage = Callable[[Path, dict[str, Any]], None]


@pytest.fixture(autouse=True)
def _one_part_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is large enough with its first record, so that each page is a part."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__PART_MB", "0.000001")


def write(folder: Path, *, published: bool) -> DatasetRef:
    run = folder.parent / "run" if published else folder
    writer = DatasetWriter(str(run), source="yotpo", resource="built orders", account="a.myshopify.com")
    for number in range(3):
        writer.append([{"external_id": str(number)}])
    reference = writer.commit()
    return publish_dataset(reference, str(folder)) if published else reference


def forge_part(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace a part, and give the manifest its hash."""
    part = manifest["parts"][1]
    content = gzip.compress(b'{"external_id":"forged"}\n')
    (folder / part["name"]).write_bytes(content)
    part |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def forge_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Replace a part, and make the manifest agree with itself."""
    forge_part(folder, manifest)
    parts = manifest["parts"]
    hashes = "".join(part["sha256"] for part in parts)
    manifest["reference"]["bytes"] = sum(part["bytes"] for part in parts)
    manifest["reference"]["sha256"] = hashlib.sha256(hashes.encode()).hexdigest()


def empty(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["parts"] = []


def remove_a_part(folder: Path, manifest: dict[str, Any]) -> None:
    del manifest["parts"][1]


def double_a_part(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["parts"].append(manifest["parts"][0])


def swap_parts(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["parts"].reverse()


def lead_out_of_the_folder(folder: Path, manifest: dict[str, Any]) -> None:
    shutil.copy(folder / manifest["parts"][0]["name"], folder.parent / "elsewhere.jsonl.gz")
    manifest["parts"][0]["name"] = "../elsewhere.jsonl.gz"


def count_other_records(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["parts"][0]["records"], manifest["parts"][1]["records"] = 2, 0


def name_another_account(folder: Path, manifest: dict[str, Any]) -> None:
    manifest["account"] = manifest["reference"]["account"] = "b.myshopify.com"


def lose_the_reference(folder: Path, manifest: dict[str, Any]) -> None:
    del manifest["reference"]


def empty_a_file(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / manifest["parts"][2]["name"]).write_bytes(b"")


DAMAGES = [
    forge_part,
    forge_manifest,
    empty,
    remove_a_part,
    double_a_part,
    swap_parts,
    lead_out_of_the_folder,
    count_other_records,
    name_another_account,
    lose_the_reference,
    empty_a_file,
]


def damage(folder: Path, how: Damage) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    how(folder, manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize("published", [False, True], ids=["staged", "published"])
@pytest.mark.parametrize("how", DAMAGES, ids=lambda how: how.__name__)
def test_a_changed_dataset_is_refused_with_one_error(tmp_path: Path, how: Damage, published: bool) -> None:
    reference = write(tmp_path / "d", published=published)
    assert len(list(read_dataset(reference))) == 3
    damage(tmp_path / "d", how)

    with pytest.raises(DatasetError, match=r"differs from its reference|is damaged|has \d records, not \d"):
        list(read_dataset(reference))


@pytest.mark.parametrize(
    "how", [how for how in DAMAGES if how is not name_another_account], ids=lambda how: how.__name__
)
def test_publishing_again_repairs_a_published_folder(tmp_path: Path, how: Damage) -> None:
    write(tmp_path / "d", published=True)
    damage(tmp_path / "d", how)
    again = publish_dataset(write(tmp_path / "again", published=False), str(tmp_path / "d"))

    assert again.extra["changed"] is True
    assert [record["external_id"] for record in read_dataset(again)] == ["0", "1", "2"]


def test_a_manifest_that_is_no_object_is_refused(tmp_path: Path) -> None:
    reference = write(tmp_path / "d", published=False)
    (tmp_path / "d" / "manifest.json").write_text("[]")

    with pytest.raises(DatasetError, match="differs from its reference"):
        list(read_dataset(reference))


def test_a_reference_without_a_hash_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "d", published=False)

    with pytest.raises(DatasetError, match="differs from its reference"):
        list(read_dataset(DatasetRef(uri=str(tmp_path / "d"), source="yotpo", resource="built orders")))


def test_reference_and_manifest_name_the_account(tmp_path: Path) -> None:
    reference = write(tmp_path / "d", published=False)

    assert reference.to_dict()["account"] == "a.myshopify.com"
    assert json.loads((tmp_path / "d" / "manifest.json").read_text())["account"] == "a.myshopify.com"
