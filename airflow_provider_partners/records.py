"""Records of the partners' lists: their JSON, and access to a value inside of one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

__all__ = ["Record", "UnsafeJsonError", "encode_text", "get_path", "parse_json", "repair_text"]

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


_MAX_DEPTH = 100
"""Levels of a JSON text. The partners' schemas have about ten; code that walks deeper ones exhausts the stack."""

_MAX_DIGITS = 40
"""Digits of a whole number. The partners' ids have 64 bits, which are 20 digits."""


class UnsafeJsonError(ValueError):
    """A JSON text whose values no code of ours can work with: RFC 8259, section 9, lets a parser set such limits."""


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

    :raises UnsafeJsonError: when it is nested too deeply, or has a number that is no finite one
    :raises ValueError: when it is not JSON
    """
    text = content if isinstance(content, str) else content.decode(json.detect_encoding(content), "surrogatepass")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise UnsafeJsonError(_TOO_DEEP) from None
    if text.count("{") + text.count("[") > _MAX_DEPTH:
        _check_depth(value)
    suspicious = _HALVES_IN_TEXT.search(content) if isinstance(content, str) else _HALVES_IN_BYTES.search(content)
    return _repair(value) if suspicious else value


_TOO_DEEP = f"JSON with more than {_MAX_DEPTH} levels"


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        containers = [item for item in level if type(item) in {dict, list}]
        if not containers:
            return
        level = [child for item in containers for child in (item.values() if type(item) is dict else item)]
    raise UnsafeJsonError(_TOO_DEEP)


def _parse_integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        message = f"JSON with a number of more than {_MAX_DIGITS} digits"
        raise UnsafeJsonError(message)
    return int(text)


def _parse_fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = "JSON with a number that is too large"
        raise UnsafeJsonError(message)
    return number


def _refuse_constant(name: str) -> NoReturn:
    message = f"JSON with {name}, which is no number"
    raise UnsafeJsonError(message)


_DECODER = json.JSONDecoder(parse_int=_parse_integer, parse_float=_parse_fraction, parse_constant=_refuse_constant)


def _repair(value: Any) -> Any:
    if isinstance(value, str):
        return repair_text(value)
    if isinstance(value, dict):
        return {repair_text(name): _repair(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_repair(item) for item in value]
    return value
