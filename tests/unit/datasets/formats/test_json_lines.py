"""Files of gzipped JSON lines: any gzip tool reads them, and a damaged one is an error and never fewer records."""

from __future__ import annotations

import gzip
import json
import math
import random
import tracemalloc
from typing import Any

import pytest

from airflow_provider_partners.datasets.formats.json_lines import PartBuffer, read_json_lines
from airflow_provider_partners.records import to_json_lines


def content_of(records: list[dict[str, Any]], *, each: int = 100) -> bytes:
    buffer = PartBuffer()
    for start in range(0, len(records), each):
        buffer.add(to_json_lines(records[start : start + each]))
    assert buffer.records == len(records)
    with buffer.file() as content:
        return bytes(content)


RECORDS = [{"id": number, "text": "ä" * (number % 500), "n": [number / 4, None]} for number in range(3_000)]


def test_the_gzip_of_the_standard_library_reads_a_part() -> None:
    lines = gzip.decompress(content_of(RECORDS)).splitlines()
    assert [json.loads(line) for line in lines] == RECORDS


@pytest.mark.parametrize("each", [1, 7, 3_000])
def test_a_part_does_not_depend_on_how_its_records_arrived(each: int) -> None:
    assert content_of(RECORDS, each=each) == content_of(RECORDS)


def test_records_are_read_across_blocks() -> None:
    """The file has more than a megabyte, and a line of its own that is longer than a block."""
    records = [*RECORDS, {"id": "long", "text": "x" * 600_000}, {"id": "last"}]
    assert list(read_json_lines(content_of(records))) == records


def test_a_file_of_another_program_is_read_as_well() -> None:
    assert list(read_json_lines(gzip.compress(b'{"a": 1}\r\n{"a": NaN}'))) == [
        {"a": 1},
        {"a": pytest.approx(math.nan, nan_ok=True)},
    ]


def test_an_integer_of_more_than_64_bits_keeps_its_digits() -> None:
    records = [{"id": 1}, {"id": 2**64}, {"id": -(2**70)}, {"id": "12345678901234567890"}]
    assert repr(list(read_json_lines(content_of(records)))) == repr(records)


def test_no_records_are_no_lines() -> None:
    buffer = PartBuffer()
    buffer.add([])
    assert buffer.records == 0
    with buffer.file() as content:
        assert list(read_json_lines(content)) == []


def test_a_file_is_complete_each_time_and_more_can_be_added() -> None:
    buffer = PartBuffer()
    for number in range(3):
        buffer.add([b'{"id":%d}' % number])
        with pytest.raises(ConnectionError), buffer.file() as content:
            raise ConnectionError
        with buffer.file() as content:
            assert gzip.decompress(content) == b"".join(b'{"id":%d}\n' % each for each in range(number + 1))


def test_a_file_is_no_copy() -> None:
    noise = random.Random(1)
    buffer = PartBuffer()
    tracemalloc.start()
    try:
        buffer.add([json.dumps(noise.randbytes(2_000_000).hex()).encode()])
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        with buffer.file() as content:
            assert len(content) > 2_000_000
        assert tracemalloc.get_traced_memory()[1] < before + 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", content_of(RECORDS)[:-9], content_of(RECORDS)[:5_000]])
def test_a_file_without_its_end_is_refused(content: bytes) -> None:
    """RFC 1952: a member ends with its checksum and size."""
    with pytest.raises(EOFError, match="end of the gzip file is missing"):
        list(read_json_lines(content))


@pytest.mark.parametrize("content", [b"no gzip at all", content_of(RECORDS)[:-8] + b"\0" * 8])
def test_a_damaged_file_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no gzip file"):
        list(read_json_lines(content))


def test_only_a_piece_of_a_large_part_is_copied() -> None:
    """zlib returns a copy of what it has not read yet: https://docs.python.org/3/library/zlib.html#zlib.Decompress."""
    source = random.Random(1)
    content = content_of([{"text": source.randbytes(20_000).hex()} for _ in range(150)])
    assert len(content) > 3_000_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_json_lines(content)) == 150
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_a_small_part_of_much_text_is_read_in_blocks() -> None:
    content = content_of([{"text": "a" * 1_000} for _ in range(20_000)])
    assert len(content) < 100_000
    assert all(len(record["text"]) == 1_000 for record in read_json_lines(content))
    assert sum(1 for _ in read_json_lines(content)) == 20_000
