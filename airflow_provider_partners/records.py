"""Records of the partners' lists, and access to a value inside of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Record", "get_path"]

Record = dict[str, Any]
"""One record, as in the partner's JSON."""


def get_path(body: Any, path: str) -> Any:
    """Return the value at a dotted path, or None if a step is missing.

    :param body: JSON
    :param path: such as ``pagination.next_page_info``; the empty path returns the body itself
    """
    for step in path.split(".") if path else ():
        body = body.get(step) if isinstance(body, Mapping) else None
    return body
