"""Publish a finished dataset to a fixed folder, where it replaces the previous one.

A dataset is written in the folder of its task's run, where a retry can resume. Others rely on the published folder,
which must never be empty or half full. Therefore new parts are written first, under names of their own. Then the
manifest is replaced, and only then the old parts are removed. A reader of the manifest sees the old or the new dataset.
Knows nothing about the records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, UNREADABLE_REMEDY, DatasetFolder, PartEntry
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError

_PUBLISHED_PART = re.compile(r"part-\d{5,}-[0-9a-f]{12}\.jsonl\.gz")


def publish_dataset(reference: DatasetRef | Mapping[str, Any], uri: str) -> DatasetRef:
    """Publish a dataset to a folder. Publishing the same dataset again changes no file.

    :param reference: the finished dataset
    :param uri: the target folder; it must be empty or hold a dataset of the same list
    :returns: the reference of the published dataset; ``extra["changed"]`` says whether the content has changed
    :raises ConfigurationError: when the folder holds something else
    :raises DatasetError: when the dataset cannot be read here
    """
    ref = DatasetRef.from_dict(reference)
    source, target = DatasetFolder(ref.uri), DatasetFolder(uri)
    manifest = source.read_json(MANIFEST_FILE)
    if manifest is None or manifest["reference"]["sha256"] != ref.sha256:
        message = f"The dataset {ref.uri} is not readable here, or it was written again since"
        raise DatasetError(message, remedy=UNREADABLE_REMEDY)
    published, names = target.read_json(MANIFEST_FILE), target.file_names()
    _check_target(ref, uri, published, names)
    parts = [{**part, "name": _published_name(part)} for part in manifest["parts"]]
    unchanged = published is not None and published["parts"] == parts and {part["name"] for part in parts} <= set(names)
    moved = replace(ref, uri=uri, extra={**ref.extra, "changed": not unchanged})
    if published is not None and unchanged and published["reference"]["window"] == moved.window:
        return moved
    for part, new_part in zip(manifest["parts"], parts, strict=True):
        if new_part["name"] not in names:
            target.write(new_part["name"], source.read_part(part))
    target.write_json(MANIFEST_FILE, {**manifest, "parts": parts, "reference": moved.to_dict()})
    current = {part["name"] for part in parts}
    target.remove(*(name for name in names if _PUBLISHED_PART.fullmatch(name) and name not in current))
    return moved


def _published_name(part: PartEntry) -> str:
    """Return a part's name with a hash of its content, so that new parts do not overwrite old ones."""
    number = re.match(r"part-\d+", part["name"])
    return f"{number.group() if number else 'part-00000'}-{part['sha256'][:12]}.jsonl.gz"


def _check_target(ref: DatasetRef, uri: str, manifest: Any, names: list[str]) -> None:
    """Refuse a folder that holds anything but a dataset of the same list."""
    content = None
    if manifest is not None:
        published = manifest.get("reference", {}) if isinstance(manifest, Mapping) else {}
        if (published.get("source"), published.get("resource")) != (ref.source, ref.resource):
            content = f"{published.get('source')} {published.get('resource')}"
    elif any(not _PUBLISHED_PART.fullmatch(name) and not name.startswith(".") for name in names):
        content = f"files that no dataset's manifest lists, such as {names[0]}"
    if content:
        message = f"{ref.source} {ref.resource} can't be published to {uri}: the folder holds {content}"
        raise ConfigurationError(message, remedy="Give each list a folder of its own with 'uri'.")
