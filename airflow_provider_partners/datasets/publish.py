"""Putting a finished dataset where it is expected, in place of the one that was there.

A dataset is written in the folder of its task's run, where a retry can go on; what others rely on lies elsewhere and
must not be missing, or half there, while it is fetched anew. So it moves in when it is whole: new parts under names of
their own, then the manifest, then the old parts go. Whoever reads by the manifest sees the old or the new one. Must not
know what the records mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, UNREADABLE_REMEDY, DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError

_PUBLISHED_PART = re.compile(r"part-\d{5,}-[0-9a-f]{12}\.jsonl\.gz")


def publish(reference: DatasetRef | Mapping[str, Any], uri: str) -> DatasetRef:
    """Put a dataset at another place, as a whole; the same one again changes nothing there.

    :param reference: of the finished dataset
    :param uri: the folder it is to be in; datasets of another list are not replaced
    :returns: the reference of what is there now, ``extra["changed"]`` telling whether that is different from before
    :raises ConfigurationError: when the folder holds something else
    :raises DatasetError: when the dataset can't be read here
    """
    ref = DatasetRef.from_dict(reference)
    origin, target = DatasetFolder(ref.uri), DatasetFolder(uri)
    manifest = origin.read_json(MANIFEST_FILE)
    if manifest is None or manifest["reference"]["sha256"] != ref.sha256:
        message = f"The dataset {ref.uri} is not readable here, or not the one referred to"
        raise DatasetError(message, remedy=UNREADABLE_REMEDY)
    there, names = target.read_json(MANIFEST_FILE), target.file_names()
    _check_target(ref, uri, there, names)
    parts = [{**part, "name": _published_name(part)} for part in manifest["parts"]]
    same = there is not None and there["parts"] == parts and {part["name"] for part in parts} <= set(names)
    moved = replace(ref, uri=uri, extra={**ref.extra, "changed": not same})
    if same and there is not None and there["reference"]["window"] == moved.window:
        return moved
    for part, put in zip(manifest["parts"], parts, strict=True):
        if put["name"] not in names:
            target.write(put["name"], origin.read_part(part))
    target.write_json(MANIFEST_FILE, {**manifest, "parts": parts, "reference": moved.to_dict()})
    kept = {part["name"] for part in parts}
    target.remove(*(name for name in names if _PUBLISHED_PART.fullmatch(name) and name not in kept))
    return moved


def _published_name(part: Mapping[str, Any]) -> str:
    """Of its content, so that new parts don't take old ones' places before the manifest says so."""
    number = re.match(r"part-\d+", part["name"])
    return f"{number.group() if number else 'part-00000'}-{part['sha256'][:12]}.jsonl.gz"


def _check_target(ref: DatasetRef, uri: str, manifest: Any, names: list[str]) -> None:
    """Refuse to take the place of what isn't the same list's."""
    held = None
    if manifest is not None:
        found = manifest.get("reference", {}) if isinstance(manifest, Mapping) else {}
        if (found.get("source"), found.get("resource")) != (ref.source, ref.resource):
            held = f"{found.get('source')} {found.get('resource')}"
    elif any(not _PUBLISHED_PART.fullmatch(name) and not name.startswith(".") for name in names):
        held = f"files that no dataset's manifest lists, such as {names[0]}"
    if held:
        message = f"{ref.source} {ref.resource} can't be put at {uri}: it holds {held}"
        raise ConfigurationError(message, remedy="Give each list a folder of its own by 'uri'.")
