"""Records: access to a value at a dotted path, JSON read and written, and texts with half of a surrogate pair."""

from __future__ import annotations

import json
import math
import uuid
from datetime import date
from enum import Enum
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_partners.records import (
    UnsafeJsonError,
    encode_text,
    get_path,
    parse_json,
    repair_text,
    to_json_lines,
)

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


class Color(Enum):
    RED = "red"


class Name(str):
    """A text of a class of its own."""

    __slots__ = ()


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(TEXTS, values, max_size=4),
    max_leaves=12,
)


def as_json(record: Any) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(TEXTS, JSON_VALUES, max_size=5), max_size=3))
@example([{"a": 1e16}, {"a": 0.0001}])
@example([{"a": [9.9e-05]}])
@example([{"a": [[], {"b": [2**64, -(2**63) - 1]}]}])
@example([{"".join(map(chr, range(0x100))): "\u2028\u2029\ufeff🏠"}])
def test_lines_have_the_bytes_of_the_standard_library(records: list[dict[str, Any]]) -> None:
    """The right bytes are those of Python's ``json``: digests of stored datasets were made of them."""
    assert to_json_lines(records) == [as_json(record) for record in records]


@settings(max_examples=300, deadline=None)
@given(JSON_VALUES)
@example({"id": 2**64, "text": "1" * 30})
@example([-(2**63), -(2**63) - 1, 10**39])
@example({"a": {"b": [1.5e-300, -0.0, 1e22]}})
def test_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    """The right value is that of Python's ``json``, with each integer's digits and each float's sign."""
    content = json.dumps(value, ensure_ascii=False)
    if any(len(digits) > 40 for digits in content.replace("-", " ").split()):
        return
    for text in (content, content.encode(), json.dumps(value).encode()):
        assert repr(parse_json(text)) == repr(json.loads(text))


def test_the_last_of_two_equal_names_counts() -> None:
    content = b'{"a": 1, "b": 2, "a": 3}'
    assert list(parse_json(content).items()) == list(json.loads(content).items())


@pytest.mark.parametrize("value", [10**19, -(10**19), 12345678901234567890123456789])
@pytest.mark.parametrize(
    "form", ["%d", "[%d]", '{"id":%d}', '{"id": %d}', '{"id":\n%d}', "[1,%d]", '["0000000000000000000",%d]']
)
def test_an_integer_of_more_than_64_bits_keeps_its_digits(value: int, form: str) -> None:
    assert repr(parse_json(form % value)) == repr(json.loads(form % value))


def test_nan_and_subclasses_are_written_as_before() -> None:
    """``json`` writes NaN, and orjson would write null."""
    assert to_json_lines([{"a": math.nan, "b": [math.inf]}]) == [b'{"a":NaN,"b":[Infinity]}']
    assert to_json_lines([{"a": Name("x"), "b": (1, {4: 5})}]) == [b'{"a":"x","b":[1,{"4":5}]}']


def test_half_of_a_surrogate_pair_is_written_as_the_replacement_character() -> None:
    assert to_json_lines([{"a": "x"}, {"\ud83d": "a\udc20"}]) == [b'{"a":"x"}', '{"\ufffd":"a\ufffd"}'.encode()]


@pytest.mark.parametrize("value", [date(2026, 5, 1), uuid.UUID(int=1), Color.RED, {1}, b"x", object()])
def test_what_json_has_no_form_for_is_refused(value: Any) -> None:
    """orjson writes dates, UUIDs and Enums. As text they would come back as something else."""
    with pytest.raises(TypeError):
        to_json_lines([{"id": 1}, {"a": [value]}])


@pytest.mark.parametrize("record", [None, 1, "text", [], [{}], {1: 2}])
def test_a_line_is_an_object_with_names(record: Any) -> None:
    with pytest.raises(TypeError, match="no JSON object"):
        to_json_lines([record])


def test_a_record_that_contains_itself_is_refused() -> None:
    record: dict[str, Any] = {}
    record["a"] = [record, record]
    with pytest.raises(ValueError, match="Circular"):
        to_json_lines([record])


@pytest.mark.parametrize("text", [b"[" + b"{}," * 5_000_001 + b"{}]", "[" + "0," * 5_000_001 + "0]"])
def test_more_values_than_fit_into_memory_are_refused_unread(text: bytes | str) -> None:
    """RFC 8259, section 9: a parser may set limits. An empty object is 2 bytes as JSON, and 64 in Python."""
    with pytest.raises(UnsafeJsonError, match="more than 5,000,000 values"):
        parse_json(text)
