"""The folder of a task's dataset."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from airflow_provider_partners import settings
from airflow_provider_partners.records import encode_text

_UNSAFE = re.compile(r"[^A-Za-z0-9_.=-]|^\.|^$")
"""Characters that no folder name may have on every storage. A leading dot is for what is no Dag's."""

_RUN_FOLDER = re.compile(r"(?P<task>[^/]+/[^/]+)/[^/]+/-?\d+(?:-(?P<suffix>[a-z]+))?")
"""Path below the staging folder: Dag and task, run, map index, and the suffix of a second dataset."""

_LONGEST_NAME = 160
_CUT = "~~"


def dataset_uri(context: Mapping[str, Any], suffix: str = "") -> str:
    """Return the folder of a task's dataset: the same for every try of the task, and different for every other task.

    :param context: the task's context
    :param suffix: distinguishes a second dataset of the task, such as ``rejects``
    """
    task = context["ti"]
    index = f"{getattr(task, 'map_index', -1)}{f'-{suffix}' if suffix else ''}"
    parts = (folder_name(part) for part in (task.dag_id, task.task_id, task.run_id, index))
    return "/".join([settings.staging_uri().rstrip("/"), *parts])


def version_log_uri(store: str) -> str:
    """Return the folder of a store's version log. It lies beside the datasets, and no Dag's folder begins with a dot.

    :param store: the store's id; several connections may lead to one store
    """
    return f"{settings.staging_uri().rstrip('/')}/.versions/{hashlib.sha256(store.encode()).hexdigest()[:16]}"


def leases_uri() -> str:
    """Return the folder of the leases: which datasets the tasks read. No Dag's folder begins with a dot."""
    return f"{settings.staging_uri().rstrip('/')}/.leases"


def stable_uri(uri: str) -> str:
    """Return a dataset's folder without the run, the map index and the id of the connection that opens it.

    It names one dataset with many versions. A folder that the user chose stays as it is.
    """
    folder, staging = absolute_uri(uri), absolute_uri(settings.staging_uri())
    run_folder = _RUN_FOLDER.fullmatch(folder[len(staging) + 1 :]) if folder.startswith(f"{staging}/") else None
    if run_folder is not None:
        folder = "/".join(filter(None, [staging, run_folder["task"], run_folder["suffix"]]))
    return without_connection(folder)


def without_connection(uri: str) -> str:
    """Return an absolute URI without the id of the Airflow connection that opens it."""
    parts = urlsplit(absolute_uri(uri))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def absolute_uri(uri: str) -> str:
    """Return a path or a URI as a URI, without a slash at its end."""
    return uri.rstrip("/") if "://" in uri else f"file://{os.path.abspath(uri)}"


def is_task_folder(uri: str) -> bool:
    """Return True if a folder belongs to one task: it is below the staging folder."""
    return uri.startswith(f"{settings.staging_uri().rstrip('/')}/")


def task_identity(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return which task publishes a dataset: the run's task as one text, and the map index.

    :param context: the task's context
    """
    task = context["ti"]
    return {"task": f"{task.dag_id}/{task.task_id}/{task.run_id}", "map_index": getattr(task, "map_index", -1)}


def folder_name(text: str) -> str:
    """Return a safe folder name, different for every text. ``~3A`` stands for a colon, as ``%3A`` does in a URL."""
    name = _UNSAFE.sub(lambda match: "".join(f"~{byte:02X}" for byte in encode_text(match.group())), text)
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 10]}{_CUT}{hashlib.sha256(encode_text(text)).hexdigest()[:8]}"


def read_folder_name(name: str) -> str | None:
    """Return the text of a folder name; ``None`` if the name was cut."""
    if _CUT in name:
        return None
    return unquote(name.replace("%", "%25").replace("~", "%"))
