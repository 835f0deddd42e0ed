"""The content of part files: gzipped JSON lines, and a buffer that collects them until a part is large enough.

A part holds many pages, because object stores charge and wait for each object. Its records stay compressed in memory
until then, so the memory does not depend on the length of the list.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, get_args

from airflow_provider_partners.records import encode_text

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
        for line in lines:
            self._content += self._compressor.compress(line + b"\n")
            self.records += 1

    def content(self) -> bytes:
        """Return the records so far as a complete file. More can be added afterwards."""
        return bytes(self._content) + self._compressor.copy().flush()


def read_json_lines(content: bytes) -> Iterator[Record]:
    """Yield the records of a file of gzipped JSON lines; only a few are in memory."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        for line in io.BufferedReader(file, 1 << 20):
            yield json.loads(line)


def to_line(record: object) -> bytes:
    """Return a record as one line of JSON.

    :raises TypeError: when it is no JSON object
    """
    if not isinstance(record, dict) or not all(isinstance(name, str) for name in record):
        message = "no JSON object"
        raise TypeError(message)
    return encode_text(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
