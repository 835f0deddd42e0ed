"""Records: access to a value at a dotted path, and texts with half of a surrogate pair."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_partners.records import UnsafeJsonError, encode_text, get_path, parse_json, repair_text

BODY = {"pagination": {"next": "t", "total": 0}, "data": [{"id": 1}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [("pagination.next", "t"), ("pagination.total", 0), ("data", [{"id": 1}]), ("", BODY)],
)
def test_a_value_is_read_at_a_dotted_path(path: str, value: Any) -> None:
    assert get_path(BODY, path) == value


@pytest.mark.parametrize("path", ["cursor", "pagination.cursor.next", "data.id", "pagination.next.value"])
def test_a_missing_step_gives_none(path: str) -> None:
    assert get_path(BODY, path) is None


@pytest.mark.parametrize("body", [None, "text", []])
def test_a_body_that_is_no_object_gives_none(body: Any) -> None:
    assert get_path(body, "data") is None


# RFC 8259, section 8.2: JSON may contain half of a surrogate pair, and what a receiver does with it is unpredictable.
# The Unicode Standard, chapter 3.9 (Unicode 15.0, "U+FFFD Substitution of Maximal Subparts"), has U+FFFD in its place.
@pytest.mark.parametrize(
    ("content", "value"),
    [
        (rb'"Zo\u00eb \ud83d"', "Zoë \ufffd"),
        (rb'"\udc20 x"', "\ufffd x"),
        (rb'"\ud83c\udfe0"', "🏠"),
        (rb'"\ud83d\ud83c\udfe0"', "\ufffd🏠"),
        (b'"\xed\xa0\xbd"', "\ufffd"),
        (rb'{"\uD83D": [{"name": "\uDBFF", "n": 1}], "x": null}', {"\ufffd": [{"name": "\ufffd", "n": 1}], "x": None}),
        ('"\\ud83d"', "\ufffd"),
        ('"\ud83d"', "\ufffd"),
        (rb'"\\ud83d"', r"\ud83d"),
        ('"\\ud83d"'.encode("utf-16"), "\ufffd"),
    ],
)  # fmt: skip
def test_half_of_a_surrogate_pair_becomes_the_replacement_character(content: bytes | str, value: Any) -> None:
    assert parse_json(content) == value


def test_a_text_is_encoded_whatever_it_contains() -> None:
    assert encode_text("Zoë 🏠") == "Zoë 🏠".encode()
    assert encode_text("a\ud83db") == "a\ufffdb".encode()
    assert repair_text("\ud83d" + "\udc4d") == "👍"


# RFC 8259, section 9: "An implementation may set limits on the maximum depth of nesting" and "on the range and
# precision of numbers". Section 6 has no Infinity and no NaN.
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 101 + b"]" * 101,
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b"[" * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'{"amount": 1E+9999999}',
        b'{"amount": -1e400}',
        b'{"amount": NaN}',
        b'{"amount": Infinity}',
        b'{"id": 1' + b"0" * 40 + b"}",
        b'{"id": 1' + b"0" * 10_000 + b"}",
    ],
)
def test_json_that_no_code_can_work_with_is_refused(content: bytes) -> None:
    with pytest.raises(UnsafeJsonError, match="JSON with "):
        parse_json(content)


def test_deep_and_large_json_within_the_limits_is_read() -> None:
    deep = b"[" * 100 + b"]" * 100
    assert parse_json(deep) == json.loads(deep)
    assert parse_json(b"[" + b'{"a": [1, 2.5, "[[["]},' * 500 + b"18446744073709551615]")[-1] == 2**64 - 1
