"""Unpack a compressed body in small pieces, so that a small body can't fill the memory.

A body of 64 KB may unpack to 64 MB. The HTTP library unpacks what arrives at once. Here no piece is larger than
:data:`PIECE_SIZE`, so that a caller can stop in between.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

ENCODINGS = ("gzip", "deflate")
"""Compressions that are accepted. A small piece of others, or of one inside of another, can fill the memory."""

PIECE_SIZE = 65_536
"""Bytes of the largest piece."""

_GZIP, _ZLIB, _RAW_DEFLATE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


class DecodingError(Exception):
    """The body is not what its header says, or it ends early."""


def decode(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield a body without its compression.

    A piece may be empty: a compressed body can contain blocks that hold nothing. A caller sees them, and can end a
    body that has no end.

    :param pieces: the body as it arrives
    :param encoding: the value of ``Content-Encoding``: ``identity``, or one of :data:`ENCODINGS`
    :raises DecodingError: the compression is broken
    """
    if encoding in {"", "identity"}:
        yield from pieces
        return
    decoder = _Decoder(encoding)
    for piece in pieces:
        yield from decoder.unpack(piece)
    decoder.finish()


class _Decoder:
    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding == "gzip"
        self._unzip: Any = None

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        try:
            yield from self._unpack(packed)
        except zlib.error as error:
            raise DecodingError from error

    def finish(self) -> None:
        if self._unzip is not None and not self._unzip.eof:
            raise DecodingError

    def _unpack(self, packed: bytes) -> Iterator[bytes]:
        if packed and self._unzip is None:
            self._unzip = zlib.decompressobj(self._window_bits(packed))
        while packed:
            if self._unzip.eof:
                # A file may consist of several members (RFC 1952, section 2.2). Anything else is padding.
                if not (self._is_gzip and _GZIP_MAGIC.startswith(packed[:2])):
                    return
                self._unzip = zlib.decompressobj(_GZIP)
            yield self._unzip.decompress(packed, PIECE_SIZE)
            packed = self._unzip.unconsumed_tail or self._unzip.unused_data

    def _window_bits(self, first: bytes) -> int:
        if self._is_gzip:
            return _GZIP
        # RFC 9110, section 8.4.1.2: "deflate" has a zlib header, but some servers send it without.
        is_zlib = first[0] & 0x0F == 8 and (len(first) < 2 or int.from_bytes(first[:2], "big") % 31 == 0)
        return _ZLIB if is_zlib else _RAW_DEFLATE
