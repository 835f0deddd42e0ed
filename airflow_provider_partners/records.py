"""Records of the partners' lists: their JSON, and access to a value inside of one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Record", "encode_text", "get_path", "parse_json", "repair_text"]

Record = dict[str, Any]
"""One record, as in the partner's JSON."""

_HALVES_IN_BYTES = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\x00")
_HALVES_IN_TEXT = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
r"""What JSON with half of a surrogate pair contains: an escape such as ``\ud83d``, or itself; NUL is UTF-16."""


def get_path(body: Any, path: str) -> Any:
    """Return the value at a dotted path, or None if a step is missing.

    :param body: JSON
    :param path: such as ``pagination.next_page_info``; the empty path returns the body itself
    """
    for step in path.split(".") if path else ():
        body = body.get(step) if isinstance(body, Mapping) else None
    return body


def repair_text(text: str) -> str:
    r"""Return the text with U+FFFD in place of each half of a surrogate pair.

    JSON may contain such a half (``"\ud83d"``, see RFC 8259, section 8.2): a system has cut a text inside of an emoji.
    No Unicode encoding accepts it. U+FFFD is the character that the Unicode Standard recommends instead (chapter 3.9).
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def encode_text(text: str) -> bytes:
    """Return the text as UTF-8, with U+FFFD in place of each half of a surrogate pair."""
    return repair_text(text).encode()


def parse_json(content: bytes | str) -> Any:
    """Return the value of a JSON text. All its texts can be encoded, see :func:`repair_text`.

    :raises ValueError: when it is not JSON
    """
    value = json.loads(content)
    suspicious = _HALVES_IN_TEXT.search(content) if isinstance(content, str) else _HALVES_IN_BYTES.search(content)
    return _repair(value) if suspicious else value


def _repair(value: Any) -> Any:
    if isinstance(value, str):
        return repair_text(value)
    if isinstance(value, dict):
        return {repair_text(name): _repair(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_repair(item) for item in value]
    return value
