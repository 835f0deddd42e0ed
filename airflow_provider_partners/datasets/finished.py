"""What an earlier try of a task has finished, and Airflow has not heard of: the worker was killed before.

A retry finds it, and returns what the killed try would have returned. A cleared task does its work again: Airflow
raises ``max_tries`` when a task is cleared. So equal numbers are tries without a success in between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.manifest import Manifest, load_manifest, remove_unlisted
from airflow_provider_partners.datasets.storage import DatasetFolder

__all__ = ["finished_manifest", "is_of", "is_retry", "origin_of"]


def origin_of(context: Mapping[str, Any], work: Any) -> dict[str, Any]:
    """Return what is stored with a result: which work it is of, and which tries.

    :param context: the task's context
    :param work: all that decides about the result, as JSON
    """
    text = json.dumps(work, sort_keys=True, default=str)
    tries = getattr(context["ti"], "max_tries", None)
    return {"query": hashlib.sha256(text.encode()).hexdigest(), "max_tries": tries}


def is_retry(context: Mapping[str, Any]) -> bool:
    """Return True unless this is the first try: what is stored then is of a deleted run with the same id."""
    return bool(getattr(context["ti"], "try_number", 1) > 1)


def is_of(stored: Any, origin: Mapping[str, Any], names: Sequence[str] = ()) -> bool:
    """Return True if something stored has this origin, of which no value is ``None``.

    :param names: which values are compared; all by default
    """
    return isinstance(stored, Mapping) and all(
        origin[name] is not None and stored.get(name) == origin[name] for name in names or origin
    )


def finished_manifest(
    context: Mapping[str, Any], origin: Mapping[str, Any], *, names: Sequence[str] = ()
) -> Manifest | None:
    """Return the manifest of the dataset in the folder of the task's run, if it has this origin.

    What the killed try has left of its progress is removed.

    :param context: the task's context
    :param origin: from :func:`origin_of`
    :param names: as in :func:`is_of`
    """
    folder = DatasetFolder(dataset_uri(context))
    manifest = load_manifest(folder)
    if manifest is None or not is_of(manifest, origin, names):
        return None
    remove_unlisted(folder, manifest)
    return manifest
