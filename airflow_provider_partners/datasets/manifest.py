"""The manifest of a dataset: it lists the parts, and is written last.

Reference, manifest and parts are a chain. The reference has a hash over the parts' hashes, and the manifest has the
hash of each part. A reader with the reference notices every change of the files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from airflow_provider_partners.datasets.reference import DatasetRef, DatasetRefDict
from airflow_provider_partners.datasets.storage import (
    MANIFEST_FILE,
    TRIES_FILE,
    UNREADABLE_REMEDY,
    DatasetFolder,
    PartEntry,
)
from airflow_provider_partners.exceptions import DatasetError

PART_NAME = re.compile(r"part-[0-9]{5,}(-[0-9a-f]{12})?(\.jsonl\.gz|\.parquet)")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_CHAINED = ("source", "resource", "account", "window", "records", "parts", "bytes", "sha256")
"""What the manifest and the reference both say."""


class Manifest(TypedDict, total=False):
    """Content of ``manifest.json``."""

    format: int
    source: str
    resource: str
    account: str | None
    fingerprint: str
    """Identifies the request."""
    parts: list[PartEntry]
    columns: list[dict[str, str]]
    """The declared columns, then the observed ones, see :mod:`airflow_provider_partners.datasets.schema`."""
    content: str
    """Hash over the records in order, whatever their parts and their format are."""
    file_format: str
    widened: dict[str, str]
    """The declared types of columns that hold other values too."""
    reference: DatasetRefDict
    published_by: dict[str, Any] | None
    """The task that published it, see :func:`~airflow_provider_partners.datasets.location.task_identity`."""


def hash_parts(parts: Sequence[PartEntry]) -> str:
    """Return the hash of the parts' hashes, in order."""
    return hashlib.sha256("".join(part["sha256"] for part in parts).encode()).hexdigest()


def load_manifest(folder: DatasetFolder) -> Manifest | None:
    """Return the manifest of a folder; ``None`` if there is none, or if it contradicts itself."""
    manifest = folder.read_json(MANIFEST_FILE)
    return manifest if _is_consistent(manifest) else None


def remove_unlisted(folder: DatasetFolder, manifest: Manifest) -> None:
    """Remove what a try that was killed after the manifest has left of its progress."""
    kept = {MANIFEST_FILE, TRIES_FILE, *(part["name"] for part in manifest["parts"])}
    folder.remove(*(name for name in folder.file_names() if name not in kept))


def verify_manifest(ref: DatasetRef) -> Manifest:
    """Return the manifest of a dataset, checked against its reference.

    :raises DatasetError: when it is missing, or says anything else than the reference
    """
    folder = DatasetFolder(ref.uri)
    manifest = load_manifest(folder)
    if manifest is None and MANIFEST_FILE not in folder.file_names():
        message = f"The dataset {ref.uri} is not readable here: it has no manifest"
        raise DatasetError(message, remedy=UNREADABLE_REMEDY)
    expected = ref.to_dict()
    if manifest is None or any(manifest["reference"].get(name) != expected.get(name) for name in _CHAINED):
        message = f"The dataset {ref.uri} differs from its reference: it was written again since, or was changed"
        raise DatasetError(message, remedy="Clear the task that wrote it together with this one.")
    return manifest


def stored_reference(manifest: Manifest) -> DatasetRef:
    """Return the reference that a manifest holds, with the records' fields."""
    fields = {column["name"]: column["type"] for column in manifest["columns"]}
    return DatasetRef(**manifest["reference"], fields=fields)  # type: ignore[arg-type]


def is_other_list(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return True if two datasets hold another list each, or a list of another account each.

    :param one: ``source``, ``resource`` and ``account`` of a dataset; an unknown account may be any
    """
    accounts = {one.get("account"), other.get("account")} - {None}
    return len(accounts) > 1 or any(one.get(name) != other.get(name) for name in ("source", "resource"))


def describe_list(source: Any, resource: Any, account: Any) -> str:
    """Return a list in words, for errors."""
    return f"{source} {resource}{f' of {account}' if account else ''}"


def _is_consistent(manifest: Any) -> bool:
    try:
        parts, reference = manifest["parts"], stored_reference(manifest)
        return (
            all(PART_NAME.fullmatch(part["name"]) and _SHA256.fullmatch(part["sha256"]) for part in parts)
            and len({part["name"] for part in parts}) == len(parts) == reference.parts
            and sum(part["records"] for part in parts) == reference.records
            and sum(part["bytes"] for part in parts) == reference.bytes
            and hash_parts(parts) == reference.sha256
            and all(manifest[name] == getattr(reference, name) for name in ("source", "resource", "account"))
        )
    except (TypeError, KeyError):
        return False
