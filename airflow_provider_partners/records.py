"""Records of the partners' lists: their JSON, and access to a value inside of one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NoReturn

import orjson

__all__ = [
    "UNSTORABLE",
    "Record",
    "UnsafeJsonError",
    "encode_text",
    "find_unstorable",
    "get_path",
    "has_long_integer",
    "is_plain",
    "parse_json",
    "repair_text",
    "to_json_lines",
]

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
    for step in _steps(path):
        # A look at the type first: the check for a Mapping of any kind takes ten times as long.
        if type(body) is not dict and (body is None or not isinstance(body, Mapping)):
            return None
        body = body.get(step)
    return body


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")) if path else ()


_MAX_DEPTH = 100
"""Levels of a JSON text. The partners' schemas have about ten; code that walks deeper ones exhausts the stack."""

_MAX_VALUES = 5_000_000
"""Values of a JSON text. A page of the partners' records has some ten thousand, and 5 million may take 400 MB."""

_MAX_DIGITS = 40
"""Digits of a whole number. The partners' ids have 64 bits, which are 20 digits."""


class UnsafeJsonError(ValueError):
    """A JSON text whose values no code of ours can work with: RFC 8259, section 9, lets a parser set such limits."""


def repair_text(text: str) -> str:
    r"""Return the text with U+FFFD in place of each half of a surrogate pair.

    JSON may contain such a half (``"\ud83d"``, see RFC 8259, section 8.2): a system has cut a text inside of an emoji.
    No Unicode encoding accepts it. U+FFFD is the character that the Unicode Standard recommends instead (chapter 3.9).
    """
    if text.isascii():
        return text
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
    _check_count(content)
    try:
        encoded = content.encode() if isinstance(content, str) else content
        value = orjson.loads(encoded)
    except ValueError:
        # Half of a surrogate pair, UTF-16, a byte order mark, NaN, a number that is too large, or no JSON at all.
        return _parse_any_json(content)
    if has_long_integer(encoded):
        return _parse_any_json(content)
    _check_brackets(encoded.count(b"{") + encoded.count(b"["), value)
    return value


def has_long_integer(content: bytes) -> bool:
    """Return True if a JSON text has a number of 19 digits or more.

    orjson reads an integer of more than 64 bits as a float, and loses digits. A text in the JSON may look like such a
    number; then the answer is True as well.
    """
    digits = content.translate(_DIGITS_AS_ZERO)
    place = digits.find(_NINETEEN_DIGITS)
    while place >= 0:
        if place == 0 or content[place - 1] in b" \t\r\n:,[-":
            return True
        after = digits.find(b" ", place)
        place = digits.find(_NINETEEN_DIGITS, after) if after >= 0 else -1
    return False


_NINETEEN_DIGITS = b"0" * 19
_DIGITS_AS_ZERO = bytes(ord("0") if byte in b"0123456789" else ord(" ") for byte in range(256))


def _parse_any_json(content: bytes | str) -> Any:
    text = content if isinstance(content, str) else content.decode(json.detect_encoding(content), "surrogatepass")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise UnsafeJsonError(_TOO_DEEP) from None
    _check_brackets(text.count("{") + text.count("["), value)
    suspicious = _HALVES_IN_TEXT.search(content) if isinstance(content, str) else _HALVES_IN_BYTES.search(content)
    return _repair(value) if suspicious else value


def _check_count(content: bytes | str) -> None:
    """Refuse a text of so many values that they would fill the memory: an empty object is 2 bytes, and 64 in Python."""
    if len(content) <= _MAX_VALUES:
        return
    comma, bracket, brace = (",", "[", "{") if isinstance(content, str) else (b",", b"[", b"{")
    if content.count(comma) + content.count(bracket) + content.count(brace) > _MAX_VALUES:  # type: ignore[arg-type]
        message = f"JSON with more than {_MAX_VALUES:,} values"
        raise UnsafeJsonError(message)


_TOO_DEEP = f"JSON with more than {_MAX_DEPTH} levels"


def _check_brackets(opened: int, value: Any) -> None:
    if opened <= _MAX_DEPTH:
        return
    level = [value] if type(value) in {dict, list} else []
    for _ in range(_MAX_DEPTH):
        level = _children(level)
        if not level:
            return
    raise UnsafeJsonError(_TOO_DEEP)


def _children(values: Iterable[Any]) -> list[Any]:
    """Return the objects and lists inside of objects and lists."""
    return [member for member in _members(values) if type(member) in _NESTED]


def _members(values: Iterable[Any]) -> list[Any]:
    return list(chain.from_iterable([value.values() if type(value) is dict else value for value in values]))


_NESTED = frozenset({dict, list})
"""The types of objects and lists. JSON has no other ones with members."""


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


def to_json_lines(records: Sequence[Any]) -> list[bytes]:
    """Return each record as one line of JSON in UTF-8, without spaces and without a line break.

    The bytes are those of the standard library's ``json``, since hashes of datasets depend on them. orjson writes them
    ten times as fast, where it writes the same: see :func:`is_plain`.

    :raises TypeError: when one of them is no JSON object; also the others of :data:`UNSTORABLE`
    """
    try:
        lines = list(map(orjson.dumps, records))
    except TypeError:
        # Half of a surrogate pair, an integer of more than 64 bits, a key that is no text, too deep, or no JSON at all.
        return list(map(_to_json_line, records))
    return lines if is_plain(records) else list(map(_to_json_line, records))


UNSTORABLE = (TypeError, ValueError, RecursionError)
"""What :func:`to_json_lines` raises."""

_JSON_TYPES = (str, bool, int, float, dict, list, type(None))


def find_unstorable(records: Sequence[Any]) -> tuple[int, str]:
    """Return which record :func:`to_json_lines` refuses, from 0, and why. The text shows types, never a value."""
    place = next((place for place, record in enumerate(records) if not _is_storable(record)), len(records) - 1)
    record = records[place]
    if not isinstance(record, dict):
        return place, f"it is a {type(record).__name__}"
    name = next((name for name, value in record.items() if not _is_storable({name: value})), None)
    if isinstance(name, str) and not isinstance(record[name], _JSON_TYPES):
        return place, f"its field {name!r} is a {type(record[name]).__name__}"
    return place, f"its field {name!r} holds what JSON has no form for"


def _is_storable(record: Any) -> bool:
    try:
        to_json_lines([record])
    except UNSTORABLE:
        return False
    return True


def _to_json_line(record: Any) -> bytes:
    if not isinstance(record, dict) or not all(isinstance(name, str) for name in record):
        message = "no JSON object"
        raise TypeError(message)
    return encode_text(_ENCODER.encode(record))


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_PLAIN = frozenset({str, int, bool, type(None), float, dict, list})


def is_plain(records: Sequence[Any]) -> bool:
    """Return True if orjson writes these records as ``json`` does. It has written them, so they have an end.

    It also writes a date, a UUID and an Enum, which ``json`` refuses, and ``null`` for NaN. It has no exponent where
    ``json`` has one: ``repr`` of a float has it below 0.0001 and from 1e16.
    """
    values: list[Any] = list(records)
    if set(map(type, values)) - {dict}:
        return False
    while values:
        members = _members(values)
        kinds = set(map(type, members))
        if not kinds <= _PLAIN:
            return False
        if float in kinds and not all(_has_no_exponent(member) for member in members if type(member) is float):
            return False
        values = [member for member in members if type(member) in _NESTED] if kinds & _NESTED else []
    return True


def _has_no_exponent(value: float) -> bool:
    return value == 0 or 1e-4 <= abs(value) < 1e16
