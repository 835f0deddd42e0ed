"""The folder of a task's dataset."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_partners import settings
from airflow_provider_partners.records import encode_text


def dataset_uri(context: Mapping[str, Any], suffix: str = "") -> str:
    """Return the folder of a task's dataset: the same for every try of the task, and different for every other task.

    :param context: the task's context
    :param suffix: distinguishes a second dataset of the task, such as ``rejects``
    """
    task = context["ti"]
    index = f"{getattr(task, 'map_index', -1)}{f'-{suffix}' if suffix else ''}"
    parts = (_folder_name(part) for part in (task.dag_id, task.task_id, task.run_id, index))
    return "/".join([settings.staging_uri().rstrip("/"), *parts])


def version_log_uri(store: str) -> str:
    """Return the folder of a store's version log. It lies beside the datasets, and no Dag's folder begins with a dot.

    :param store: the store's id; several connections may lead to one store
    """
    return f"{settings.staging_uri().rstrip('/')}/.versions/{hashlib.sha256(store.encode()).hexdigest()[:16]}"


def is_task_folder(uri: str) -> bool:
    """Return True if a folder belongs to one task: it is below the staging folder."""
    return uri.startswith(f"{settings.staging_uri().rstrip('/')}/")


def task_identity(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return which task publishes a dataset: the run's task as one text, and the map index.

    :param context: the task's context
    """
    task = context["ti"]
    return {"task": f"{task.dag_id}/{task.task_id}/{task.run_id}", "map_index": getattr(task, "map_index", -1)}


def _folder_name(text: str) -> str:
    """Return a safe folder name. If characters had to be replaced, a hash keeps the name unique."""
    safe = re.sub(r"[^A-Za-z0-9_.=-]", "_", text)[:150].lstrip(".")
    if safe == text:
        return text
    return f"{safe}-{hashlib.sha256(encode_text(text)).hexdigest()[:8]}"
