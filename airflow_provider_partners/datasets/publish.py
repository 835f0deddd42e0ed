"""Publish a finished dataset to a fixed folder, where it replaces the previous one.

A dataset is written in the folder of its task's run, where a retry can resume. Others rely on the published folder,
which must never be empty or half full. Therefore new parts are written first, under names of their own. Then the
manifest is replaced, and only then the old parts are removed. A reader of the manifest sees the old or the new dataset.

Two tasks that run at the same time must not replace each other's dataset. So each writes a claim first, and looks for
other claims and for the manifest afterwards: at least one of the two sees the other.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.datasets.formats.json_lines import JSONL_SUFFIX, PARQUET_SUFFIX, PartBuffer
from airflow_provider_partners.datasets.formats.parquet import write_parquet
from airflow_provider_partners.datasets.manifest import (
    Manifest,
    describe_list,
    hash_parts,
    is_other_list,
    load_manifest,
    stored_reference,
    verify_manifest,
)
from airflow_provider_partners.datasets.record_shape import StorageOptions, format_text
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, DatasetFolder, PartEntry
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.records import to_json_lines

_PUBLISHED_PART = re.compile(r"part-\d{5,}-[0-9a-f]{12}(\.jsonl\.gz|\.parquet)")
_CLAIM = re.compile(r"\.claim-[0-9a-f]{16}\.json")

_CHUNK = 1_000
"""Records that are written together."""

_CLAIM_LIFETIME = 86_400.0
"""Seconds after which the claim of a killed task no longer counts."""


class Publisher(NamedTuple):
    """Who publishes what.

    :param source: the partner
    :param resource: the list
    :param account: the shop, store, organization or project; ``None`` if it is unknown
    :param task: the task, see :func:`~airflow_provider_partners.datasets.location.task_identity`
    """

    source: str
    resource: str
    account: str | None = None
    task: Mapping[str, Any] | None = None


def check_target(uri: str, publisher: Publisher) -> None:
    """Find out before an extraction whether its dataset can be published to a folder.

    :param uri: the target folder
    :raises ConfigurationError: when the folder can't be written, or holds something else
    """
    with _claimed(DatasetFolder(uri), publisher):
        pass


def publish_dataset(
    reference: DatasetRef | Mapping[str, Any],
    uri: str,
    *,
    file_format: str | None = None,
    task: Mapping[str, Any] | None = None,
) -> DatasetRef:
    """Publish a dataset to a folder. Publishing the same dataset again changes no file.

    :param reference: the finished dataset
    :param uri: the target folder; it must be empty or hold a dataset of the same list and account
    :param file_format: ``jsonl`` or ``parquet``; that of the dataset by default
    :param task: the task that publishes, see :func:`~airflow_provider_partners.datasets.location.task_identity`. The
        folder of another map index of the same run is refused
    :returns: the reference of the published dataset; ``extra["changed"]`` says whether the content has changed
    :raises ConfigurationError: when the folder holds something else, or can't be written
    :raises DatasetError: when the dataset cannot be read here
    """
    ref = DatasetRef.from_dict(reference)
    manifest = verify_manifest(ref)
    if file_format is not None:
        StorageOptions(format=file_format)
        if not manifest["file_format"].startswith(file_format):
            manifest = {**manifest, "file_format": format_text(file_format, "json")}
    source, target = DatasetFolder(ref.uri), DatasetFolder(uri)
    with _claimed(target, Publisher(ref.source, ref.resource, ref.account, task)) as (published, names):
        if published is not None and _is_same(target, published, source, manifest):
            moved = _renew_reference(target, published, ref, is_own=_is_of_same_tries(published, manifest, task))
            current = published["parts"]
        else:
            moved, current = _copy(source, target, manifest, ref, names, task)
        kept = {part["name"] for part in current}
        target.remove(*(name for name in names if _PUBLISHED_PART.fullmatch(name) and name not in kept))
    return moved


def _is_same(target: DatasetFolder, published: Manifest, source: DatasetFolder, manifest: Manifest) -> bool:
    """Return True if two datasets hold the same records in the same form, however they are divided into parts."""
    if any(published.get(name) != manifest[name] for name in ("format", "content", "file_format", "columns")):
        return False
    if _contents(published) == _contents(manifest):
        return _are_intact(target, published["parts"])
    # A slow extraction writes its parts at other places. The files decide, since a manifest may be of another file.
    pairs = zip_longest(_records(target, published), _records(source, manifest), fillvalue=None)
    try:
        return all(one == other for one, other in pairs)
    except DatasetError:
        return False


def _contents(manifest: Manifest) -> list[tuple[str, int]]:
    return [(part["sha256"], part["records"]) for part in manifest["parts"]]


def _records(folder: DatasetFolder, manifest: Manifest) -> Iterator[Any]:
    """Yield the records in the form that every format has."""
    columns = [Column.from_dict(column) for column in manifest["columns"]]
    for part in manifest["parts"]:
        for record in folder.read_records(part):
            yield {**record, **{each.name: each.untyped(each.typed(record.get(each.name))) for each in columns}}


def _is_of_same_tries(published: Manifest, manifest: Manifest, task: Mapping[str, Any] | None) -> bool:
    """Return True if an earlier try has published a dataset, and was killed before anybody heard of it."""
    tries = manifest.get("max_tries")
    return tries is not None and published.get("max_tries") == tries and published.get("published_by") == task


def _renew_reference(target: DatasetFolder, published: Manifest, ref: DatasetRef, *, is_own: bool) -> DatasetRef:
    """Return the reference of a dataset that is published already. Its manifest changes only for another window."""
    changed = is_own and bool(published["reference"]["extra"].get("changed"))
    own = {"window": ref.window, "read_at": ref.read_at, "extra": {**ref.extra, "changed": changed}}
    moved = replace(stored_reference(published), uri=target.uri, **own)  # type: ignore[arg-type]
    if published["reference"]["window"] != moved.window:
        target.write_json(MANIFEST_FILE, {**published, "reference": moved.to_dict()})
    return moved


def _copy(
    source: DatasetFolder,
    target: DatasetFolder,
    manifest: Manifest,
    ref: DatasetRef,
    names: list[str],
    task: Mapping[str, Any] | None,
) -> tuple[DatasetRef, list[PartEntry]]:
    """Copy the parts that are not there yet, then replace the manifest."""
    parts: list[PartEntry] = []
    for part in manifest["parts"]:
        content = _content(source, part, manifest)
        digest = hashlib.sha256(content).hexdigest()
        name = _published_name(part["name"], digest, manifest["file_format"])
        new_part: PartEntry = {"name": name, "records": part["records"], "bytes": len(content), "sha256": digest}
        if name not in names or not _are_intact(target, [new_part]):
            target.write(name, content)
        parts.append(new_part)
    size, extra = sum(part["bytes"] for part in parts), {**ref.extra, "changed": True}
    moved = replace(ref, uri=target.uri, bytes=size, sha256=hash_parts(parts), extra=extra)
    target.write_json(MANIFEST_FILE, {**manifest, "parts": parts, "reference": moved.to_dict(), "published_by": task})
    return moved, parts


def _content(source: DatasetFolder, part: PartEntry, manifest: Manifest) -> bytes:
    """Return a part in the format of the manifest."""
    is_parquet = part["name"].endswith(PARQUET_SUFFIX)
    if is_parquet == manifest["file_format"].startswith("parquet"):
        return source.read_part(part)
    if is_parquet:
        buffer = PartBuffer()
        for records in batches(source.read_records(part), _CHUNK):
            buffer.add(to_json_lines(records))
        with buffer.file() as content:
            return bytes(content)
    columns = [Column.from_dict(column) for column in manifest["columns"]]
    return write_parquet(partial(source.read_records, part), columns).content


def _published_name(name: str, digest: str, file_format: str) -> str:
    """Return a part's name with a hash of its content, so that new parts do not overwrite old ones."""
    number = re.match(r"part-\d+", name)
    suffix = PARQUET_SUFFIX if file_format.startswith("parquet") else JSONL_SUFFIX
    return f"{number.group() if number else 'part-00000'}-{digest[:12]}{suffix}"


def _are_intact(folder: DatasetFolder, parts: Iterable[PartEntry]) -> bool:
    try:
        for part in parts:
            folder.read_part(part)
    except DatasetError:
        return False
    return True


@contextmanager
def _claimed(target: DatasetFolder, publisher: Publisher) -> Iterator[tuple[Manifest | None, list[str]]]:
    """Claim a folder for the block. Return its manifest and the names of its files.

    :raises ConfigurationError: when the folder belongs to somebody else
    """
    claim: dict[str, Any] = {**publisher._asdict(), "claimed_at": time.time()}
    text = json.dumps(publisher._asdict(), sort_keys=True, default=str)
    own_name = f".claim-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    target.write_json(own_name, claim)
    try:
        names = target.file_names()
        for name in names:
            if _CLAIM.fullmatch(name) and name != own_name:
                _check_claim(target, publisher, name)
        # After the claims: a task removes its claim only when its manifest is there.
        manifest = target.read_json(MANIFEST_FILE)
        if manifest is not None:
            _refuse_if_foreign(target, publisher, manifest, "holds")
        else:
            _refuse_other_files(target, publisher, names)
        yield load_manifest(target), names
    finally:
        target.remove(own_name)


def _check_claim(target: DatasetFolder, publisher: Publisher, name: str) -> None:
    """Refuse a folder that somebody else has claimed, and remove the claim of a killed task."""
    claim = target.read_json(name)
    if not isinstance(claim, Mapping):
        return  # It was removed in the meantime.
    if time.time() - claim["claimed_at"] > _CLAIM_LIFETIME:
        target.remove(name)
    else:
        _refuse_if_foreign(target, publisher, claim, f"is claimed, in {name}, by")


def _refuse_if_foreign(target: DatasetFolder, publisher: Publisher, stored: Any, verb: str) -> None:
    """Refuse a folder whose manifest or claim is of another list, account, or mapped task of the same run."""
    if not isinstance(stored, Mapping):
        raise _refusal(target, publisher, f"its {MANIFEST_FILE} is not a dataset's")
    owner = describe_list(stored.get("source"), stored.get("resource"), stored.get("account"))
    if is_other_list(stored, publisher._asdict()):
        raise _refusal(target, publisher, f"the folder {verb} {owner}")
    task, other = publisher.task or {}, stored.get("task") or stored.get("published_by") or {}
    if task and task.get("task") == other.get("task") and task.get("map_index") != other.get("map_index"):
        raise _refusal(
            target, publisher, f"the folder {verb} {owner}, of map index {other.get('map_index')} of this run"
        )


def _refuse_other_files(target: DatasetFolder, publisher: Publisher, names: list[str]) -> None:
    others = [name for name in names if not _PUBLISHED_PART.fullmatch(name) and not name.startswith(".")]
    if others:
        raise _refusal(
            target, publisher, f"the folder holds files that no dataset's manifest lists, such as {others[0]}"
        )


def _refusal(target: DatasetFolder, publisher: Publisher, reason: str) -> ConfigurationError:
    own = describe_list(publisher.source, publisher.resource, publisher.account)
    message = f"{own} can't be published to {target.uri}: {reason}"
    return ConfigurationError(message, remedy="Give each list, account and mapped task a folder of its own with 'uri'.")
