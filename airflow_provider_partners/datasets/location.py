"""The folder of a task's dataset."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_partners import settings


def dataset_uri(context: Mapping[str, Any], suffix: str = "") -> str:
    """Return the folder of a task's dataset: the same for every try of the task, and different for every other task.

    :param context: the task's context
    :param suffix: distinguishes a second dataset of the task, such as ``rejects``
    """
    task = context["ti"]
    index = f"{getattr(task, 'map_index', -1)}{f'-{suffix}' if suffix else ''}"
    parts = (_folder_name(part) for part in (task.dag_id, task.task_id, task.run_id, index))
    return "/".join([settings.staging_uri().rstrip("/"), *parts])


def _folder_name(text: str) -> str:
    """Return a safe folder name. If characters had to be replaced, a hash keeps the name unique."""
    safe = re.sub(r"[^A-Za-z0-9_.=-]", "_", text)[:150].lstrip(".")
    if safe == text:
        return text
    return f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
