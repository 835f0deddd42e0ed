"""The content of part files: gzipped JSON lines, and a buffer that collects them until a part is large enough.

A part holds many pages, because object stores charge and wait for each object. Its records stay compressed in memory
until then, so the memory does not depend on the length of the list.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, get_args

import orjson

from airflow_provider_partners.records import has_long_integer

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

__all__ = ["FILE_FORMATS", "JSONL_SUFFIX", "PARQUET_SUFFIX", "FileFormat", "PartBuffer", "read_json_lines"]

FileFormat = Literal["jsonl", "parquet"]
"""The format of part files: gzipped JSON lines, or Parquet."""

FILE_FORMATS: tuple[str, ...] = get_args(FileFormat)

JSONL_SUFFIX, PARQUET_SUFFIX = ".jsonl.gz", ".parquet"

_GZIP = 16 + zlib.MAX_WBITS
"""What zlib calls the gzip format. Its header has no timestamp, so the same records give the same bytes."""

_LEVEL = 6


class PartBuffer:
    """Records of an unfinished part, as compressed JSON lines in memory."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start an empty part."""
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._content = bytearray()
        self.records = 0

    @property
    def size(self) -> int:
        """Compressed bytes so far, without what the compressor still keeps."""
        return len(self._content)

    def add(self, lines: Iterable[bytes]) -> None:
        """Add records.

        :param lines: one JSON text each, without a line break
        """
        added = list(lines)
        if added:
            added.append(b"")
            self._content += self._compressor.compress(b"\n".join(added))
            self.records += len(added) - 1

    @contextmanager
    def file(self) -> Iterator[bytearray]:
        """Give the records so far as a complete file, for the enclosed block. More can be added afterwards.

        The file is the buffer itself, since a copy would be tens of megabytes.
        """
        end = self._compressor.copy().flush()
        self._content += end
        try:
            yield self._content
        finally:
            del self._content[len(self._content) - len(end) :]


def read_json_lines(content: bytes | bytearray) -> Iterator[Record]:
    """Yield the records of a file of gzipped JSON lines; only a few are in memory.

    :raises ValueError: when it is no such file
    :raises EOFError: when its end is missing
    """
    rest = b""
    for block in _decompressed(content):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield from _parse_lines(lines)
    if rest:
        yield from _parse_lines([rest])


def _decompressed(content: bytes | bytearray) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(_GZIP)
    try:
        for start in range(0, len(content), _PIECE):
            # A piece at a time: the decompressor copies what it has not read yet with every block.
            piece = content[start : start + _PIECE]
            while block := decompressor.decompress(piece, _BLOCK):
                yield block
                piece = decompressor.unconsumed_tail
            if decompressor.eof:
                break
    except zlib.error as error:
        message = f"no gzip file: {error}"
        raise ValueError(message) from None
    if not decompressor.eof:
        message = "the end of the gzip file is missing"
        raise EOFError(message)


_PIECE = 1 << 16
"""Compressed bytes that are given to the decompressor together."""

_BLOCK = 1 << 18
"""Bytes of JSON that are read together. Their records are a few times as large in memory."""


def _parse_lines(lines: list[bytes]) -> Iterator[Record]:
    # orjson loses digits of an integer of more than 64 bits.
    parse = json.loads if has_long_integer(b",".join(lines)) else _parse_line
    return map(parse, lines)


def _parse_line(line: bytes) -> Record:
    try:
        record: Record = orjson.loads(line)
    except ValueError:
        record = json.loads(line)  # NaN, or more levels than orjson reads.
    return record
