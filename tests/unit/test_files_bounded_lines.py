"""A line, or a record of several lines, is never longer than its limit."""

from __future__ import annotations

import io

import pytest

from airflow_provider_partners.files import BoundedLines


def too_long(number: int) -> ValueError:
    return ValueError(f"too long, up to line {number}")


def test_the_lines_are_those_of_the_file() -> None:
    lines = BoundedLines(io.BytesIO(b"a\n\nbc"), 3, too_long)
    assert [(line, lines.next_record())[0] for line in lines] == [b"a\n", b"\n", b"bc"]


def test_a_line_that_is_too_long_is_not_read_to_its_end() -> None:
    file = io.BytesIO(b"ab\n" + b"x" * 1_000_000)
    lines = BoundedLines(file, 10, too_long)
    assert next(lines) == b"ab\n"
    lines.next_record()
    with pytest.raises(ValueError, match="up to line 2"):
        next(lines)
    assert file.tell() < 50


def test_the_lines_of_one_record_count_together() -> None:
    lines = BoundedLines(io.StringIO("abc\n" * 5), 10, too_long)
    assert (next(lines), next(lines)) == ("abc\n", "abc\n")
    with pytest.raises(ValueError, match="up to line 3"):
        next(lines)
