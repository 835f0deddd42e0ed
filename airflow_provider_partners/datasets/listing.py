"""What lies below a folder of the staging place, from the storage's own listing: no file is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.storage import open_filesystem, storage_path
from airflow_provider_partners.files import storage_error

__all__ = ["child_folders", "find_files", "modified_at"]

_MODIFIED_KEYS = ("mtime", "LastModified", "last_modified", "updated", "created")
"""Where the file systems of fsspec say when a file was written: local and SFTP, S3, Azure, Google, memory."""


def child_folders(uri: str) -> list[str]:
    """Return the folders inside of a folder, sorted; none if it does not exist.

    :raises StorageError: when the storage fails
    """
    path = storage_path(uri)
    try:
        fs = open_filesystem(path)
        fs.invalidate_cache(path.path)
        entries = fs.ls(path.path, detail=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise storage_error(uri, error) from error
    names = (each["name"].rstrip("/").rpartition("/")[2] for each in entries if each["type"] == "directory")
    return sorted(f"{uri}/{name}" for name in names)


def find_files(uri: str) -> dict[str, Mapping[str, Any]]:
    """Return what the storage says of each file below a folder, by its path there.

    :raises StorageError: when the storage fails
    """
    path = storage_path(uri)
    root = path.path.rstrip("/")
    try:
        fs = open_filesystem(path)
        fs.invalidate_cache(root)
        found = fs.find(root, detail=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise storage_error(uri, error) from error
    names = {name: details for name, details in found.items() if details.get("type") != "directory"}
    return {name.split(root.lstrip("/"), 1)[1].lstrip("/"): details for name, details in names.items()}


def modified_at(details: Mapping[str, Any]) -> datetime | None:
    """Return when a file was written; ``None`` if the storage does not say.

    :param details: from :func:`find_files`
    """
    for key in _MODIFIED_KEYS:
        value = details.get(key)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if (time := timestamps.try_parse(value)) is not None:
            return time
    return None
