"""Bodies are unpacked in small pieces. The bodies are packed by Python's ``gzip`` and ``zlib``."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Iterator

import pytest

from airflow_provider_partners.api.http.decoding import PIECE_SIZE, DecodingError, decode

TEXT = b'{"orders": [' + b'{"id": 1}, ' * 500 + b"{}]}"


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", TEXT),
        ("", TEXT),
        ("gzip", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:])),
        ("gzip", gzip.compress(TEXT) + bytes(100)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
    ],
)
def test_a_body_is_unpacked(encoding: str, packed: bytes, size: int) -> None:
    """Several members follow each other (RFC 1952, 2.2); deflate has a zlib header or none (RFC 9110, 8.4.1.2)."""
    assert b"".join(decode(pieces(packed, size), encoding)) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_ends_early_is_broken(encoding: str) -> None:
    packed = gzip.compress(TEXT) if encoding == "gzip" else zlib.compress(TEXT)
    with pytest.raises(DecodingError):
        list(decode([packed[:-9]], encoding))
    with pytest.raises(DecodingError):
        list(decode([b"no compression at all"], encoding))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_empty_body_needs_no_compression(encoding: str) -> None:
    """A response to HEAD, or of status 204, may state an encoding and has no body (RFC 9110, section 8.4)."""
    assert b"".join(decode([b"", b""], encoding)) == b""


def test_no_piece_is_large() -> None:
    packed = gzip.compress(bytes(50_000_000))
    assert max(map(len, decode([packed], "gzip"))) == PIECE_SIZE


def test_blocks_without_content_are_seen() -> None:
    """An empty stored block has five bytes (RFC 1951, section 3.2.4). A body may consist of them without an end."""
    header = gzip.compress(b"")[:10]
    endless = itertools.chain([header], itertools.repeat(b"\x00\x00\x00\xff\xff" * 1000))
    assert list(itertools.islice(decode(endless, "gzip"), 50)) == [b""] * 50
