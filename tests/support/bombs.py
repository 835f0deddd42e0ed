"""Bombs: answers and files that would fill the memory, the stack, the disk or the time of their reader.

A server of its own, without any of this package's code, sends the answers. Each is read in a process of its own, whose
address space is limited, and which reports the error, the time and the most memory that it had.

Run as ``python bombs.py FOLDER``; it prints one JSON line for each bomb.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import resource
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions, Timeouts
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.pagination.page import Page
from airflow_provider_partners.api.shopify_admin.bulk.placement import MarkedPlaces
from airflow_provider_partners.api.shopify_admin.bulk.records import BulkFile
from airflow_provider_partners.api.voucherify.exports.csv_file import ExportCsv
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.records import parse_json

MEGABYTE = 1_000_000
ADDRESS_SPACE = 2_000 * MEGABYTE
"""Bytes of a reader. A bomb that fills it ends the reader, and the test fails."""

# --- what the server sends ---

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"


def _chunks(pieces: Iterator[bytes], *headers: bytes, pause: float = 0.0) -> Iterator[bytes]:
    yield b"".join([_HEAD, *(header + b"\r\n" for header in headers), b"\r\n"])
    # A chunk without content would be the last one (RFC 9112, section 7.1).
    for piece in filter(None, pieces):
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        time.sleep(pause)
    yield b"0\r\n\r\n"


def _endless_zeros(wbits: int) -> Iterator[bytes]:
    """A compressed body without an end. After a full flush, a block stands for itself and can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    yield packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    yield from itertools.repeat(block)


def _empty_blocks() -> Iterator[bytes]:
    """Stored blocks without content (RFC 1951, section 3.2.4)."""
    yield gzip.compress(b"")[:10]
    yield from itertools.repeat(b"\x00\x00\x00\xff\xff" * 2_000)


def _repeated(start: bytes, piece: bytes, end: bytes, size: int) -> Iterator[bytes]:
    yield start
    block = piece * max(1, 60_000 // len(piece))
    yield from itertools.repeat(block, size // len(block))
    yield end


GZIP, DEFLATE = b"Content-Encoding: gzip", b"Content-Encoding: deflate"
SERVED: dict[str, Callable[[], Iterator[bytes]]] = {
    "/gzip": lambda: _chunks(_endless_zeros(31), GZIP),
    "/deflate": lambda: _chunks(_endless_zeros(15), DEFLATE),
    "/raw-deflate": lambda: _chunks(_endless_zeros(-15), DEFLATE),
    "/twice": lambda: _chunks(
        iter([gzip.compress(gzip.compress(bytes(100_000_000)))]), b"Content-Encoding: gzip, gzip"
    ),
    "/brotli": lambda: _chunks(iter([b"\x1b" * 1000]), b"Content-Encoding: br"),
    "/empty-blocks": lambda: _chunks(_empty_blocks(), GZIP),
    "/endless": lambda: _chunks(itertools.repeat(b" " * 60_000)),
    "/trickle": lambda: _chunks(itertools.repeat(b" "), pause=0.02),
    "/header": lambda: iter([b"HTTP/1.1 200 OK\r\nX-Big: ", *itertools.repeat(b"x" * 60_000, 5_000), b"\r\n\r\n"]),
    "/headers": lambda: iter([b"HTTP/1.1 200 OK\r\n", *itertools.repeat(b"X-One: 1\r\n" * 5_000, 5_000), b"\r\n"]),
    "/deep": lambda: _chunks(_repeated(b"", b"[", b"", 60 * MEGABYTE)),
    "/deep-objects": lambda: _chunks(_repeated(b"", b'{"a":', b"", 60 * MEGABYTE)),
    "/deep-and-closed": lambda: _chunks(iter([b"[" * 900, b"]" * 900])),
    "/many-objects": lambda: _chunks(_repeated(b"[", b"{},", b"{}]", 60 * MEGABYTE)),
    "/many-keys": lambda: _chunks(iter([json.dumps({f"key {n}": n for n in range(100_000)}).encode()])),
    "/number": lambda: _chunks(_repeated(b"[1", b"9", b"]", 60 * MEGABYTE)),
    "/exponent": lambda: _chunks(iter([b"[1e999999]"])),
    "/text": lambda: _chunks(_repeated(b'"', b"x", b'"', 60 * MEGABYTE)),
    "/escapes": lambda: _chunks(_repeated(b'"', b"\\ud83d", b'"', 30 * MEGABYTE)),
    "/error": lambda: _error(b"<" * 60 * MEGABYTE),
    "/error-tokens": lambda: _error(b"eyJaaaaaaa." * 5 * MEGABYTE),
    "/error-mails": lambda: _error(b"a@" * 30 * MEGABYTE),
    "/file": lambda: _chunks(itertools.repeat(b"x" * 60_000)),
    "/file-gzip": lambda: _chunks(_endless_zeros(31), GZIP),
}


def _error(body: bytes) -> Iterator[bytes]:
    yield b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    yield body


def serve() -> int:
    """Serve the bombs from a process of its own, and return the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    if os.fork() == 0:
        parent = os.getppid()
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()
    port = listener.getsockname()[1]
    listener.close()
    return int(port)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


def _answer(connection: socket.socket) -> None:
    with connection:
        try:
            path = connection.recv(65_536).split(b" ")[1].decode()
            if path.startswith("/redirect"):
                number = int(path.partition("?")[2] or 0) + 1
                head = f"HTTP/1.1 302 Found\r\nLocation: /redirect?{number}\r\nContent-Length: 0\r\n"
                connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
                return
            for piece in SERVED[path]():
                connection.sendall(piece)
        except OSError:
            pass


# --- who reads ---


def _transport(port: int, **options: Any) -> Transport:
    settings = {"deadline": 60.0, "max_attempts": 1, "timeouts": Timeouts(connect=20, read=20), **options}
    return Transport(partner="Partner", base_url=f"http://127.0.0.1:{port}", options=ClientOptions(**settings))


def _read(path: str, **options: Any) -> Callable[[int, Path], object]:
    def read(port: int, folder: Path) -> object:
        return _transport(port, **options).send(Request(method="GET", path=path, label="orders.list")).json()

    return read


def _download(path: str, **options: Any) -> Callable[[int, Path], object]:
    def download(port: int, folder: Path) -> object:
        url = f"http://127.0.0.1:{port}{path}"
        return _transport(port, max_download_size=50 * MEGABYTE, **options).download(
            url, folder / path.strip("/"), label="bulk.file"
        )

    return download


def _bulk_file(write: Callable[[Any], None], *, pages: int = 1, max_bytes: int = 20 * MEGABYTE) -> Any:
    def read(port: int, folder: Path) -> object:
        def download(path: Path) -> None:
            with path.open("wb") as file:
                write(file)

        file = BulkFile(name="orders", download=download, placement=MarkedPlaces({}), max_bytes=max_bytes)
        with file.open(folder) as joined:
            return [len(joined.read(start * 200, 200)) for start in range(pages)]

    return read


def _long_line(file: Any) -> None:
    file.write(b'{"id": "gid://shopify/Order/1", "note": "')
    file.truncate(4_000 * MEGABYTE)  # a file with a hole: zeros that take no space on the disk


def _many_children(file: Any) -> None:
    file.write(b'{"id":"gid://shopify/Order/1"}\n')
    for number in range(100_000):
        file.write(
            b'{"id":"gid://shopify/LineItem/%d","__parentId":"gid://shopify/Order/1","t":"%s"}\n' % (number, b"x" * 40)
        )


def _large_objects(file: Any) -> None:
    for number in range(400):
        file.write(b'{"id":"gid://shopify/Order/%d","note":"%s"}\n' % (number, b"x" * 400_000))


def _export(write: Callable[[Any], None]) -> Any:
    def read(port: int, folder: Path) -> object:
        def fetch(path: Path) -> None:
            with path.open("wb") as file:
                write(file)

        csv_file = ExportCsv(fetch=fetch, name="e", fields=("id", "code"), transform=lambda record: record)
        return csv_file.page({})

    return read


def _csv_line(file: Any) -> None:
    file.write(b"Id,Code\n")
    file.truncate(400 * MEGABYTE)


def _csv_row(file: Any) -> None:
    """One row without an end: each line ends inside of a quoted cell."""
    file.write(b"Id,Code\n")
    for _ in range(70):
        file.write(b'"\n",' * 250_000)


def _csv_cell(file: Any) -> None:
    file.write(b'Id,Code\n1,"' + b"x" * 20 * MEGABYTE)


def _endless_pages(port: int, folder: Path) -> object:
    """A list with a next page for ever, and new records on each."""

    def fetch(cursor: Any) -> Page:
        number = int(cursor.get("page", 0))
        return Page([{"id": f"{number}-{each}", "note": "x" * 200} for each in range(250)], {"page": number + 1})

    extraction = Extraction(
        source="yotpo", resource="orders", request={}, segments=[Segment(name="orders", fetch=fetch)]
    )
    return sum(len(page.records) for page in replace(extraction, max_pages=500).pages())


Bomb = tuple[Callable[[int, Path], object], str]
TOO_LARGE, LATE = r"more than \d+ MB", "not complete at the deadline"
BOMBS: dict[str, Bomb] = {
    "a gzip body without an end": (_read("/gzip"), f"{TOO_LARGE}.*max_response_mb"),
    "a deflate body without an end": (_read("/deflate"), f"{TOO_LARGE}.*max_response_mb"),
    "a raw deflate body without an end": (_read("/raw-deflate"), f"{TOO_LARGE}.*max_response_mb"),
    "gzip inside of gzip": (_read("/twice"), "a compression that was not requested"),
    "Brotli": (_read("/brotli"), "a compression that was not requested"),
    "gzip blocks that hold nothing, without an end": (_read("/empty-blocks"), f"{LATE}|{TOO_LARGE}"),
    "a chunked body without an end": (_read("/endless"), f"{TOO_LARGE}.*max_response_mb"),
    "one byte now and then, without an end": (_read("/trickle", deadline=1.5), LATE),
    "a header of 300 MB": (_read("/header"), "the connection was closed before"),
    "25 million headers": (_read("/headers"), "the connection was closed before"),
    "redirects without an end": (_download("/redirect"), "redirected to"),
    "60 million open lists": (_read("/deep"), "more than [0-9,]+ (values|levels)"),
    "12 million open objects": (_read("/deep-objects"), "more than [0-9,]+ (values|levels)"),
    "900 nested lists": (_read("/deep-and-closed"), "more than 100 levels"),
    "20 million empty objects": (_read("/many-objects"), "more than 5,000,000 values"),
    "100,000 keys": (_read("/many-keys"), ""),
    "a number of 60 million digits": (_read("/number"), "more than 40 digits"),
    "a number of 10^999999": (_read("/exponent"), "a number that is too large"),
    "a text of 60 MB": (_read("/text"), "a JSON text instead of an object"),
    "5 million half characters": (_read("/escapes"), "a JSON text instead of an object"),
    "an error page of 60 MB of brackets": (_read("/error"), "HTTP 400"),
    "an error of 55 MB of halves of tokens": (_read("/error-tokens"), "HTTP 400"),
    "an error of 60 MB of halves of addresses": (_read("/error-mails"), "HTTP 400"),
    "a file without an end": (_download("/file"), "more than 50 MB.*max_download_mb"),
    "a gzip file without an end": (_download("/file-gzip"), "more than 50 MB.*max_download_mb"),
    "a file of gzip blocks that hold nothing": (
        _download("/empty-blocks"),
        "bytes of the file arrived|more than 50 MB.*max_download_mb",
    ),
    "a file of one byte now and then": (_download("/trickle", deadline=1.5), "bytes of the file arrived within"),
    "a bulk file with a line of 4 GB": (_bulk_file(_long_line), "line 1 .*more than 20 MB.*max_response_mb"),
    "an object with 100,000 nested lines": (
        _bulk_file(_many_children, max_bytes=5 * MEGABYTE),
        "more than 5 MB.*max_response_mb",
    ),
    "400 objects of 400 kB": (_bulk_file(_large_objects), ""),
    "an export with a line of 400 MB": (_export(_csv_line), "row of more than 64,000,000 characters"),
    "an export with a row of 17 million cells": (_export(_csv_row), "row of more than 64,000,000 characters"),
    "an export with a cell of 20 MB": (_export(_csv_cell), "field larger than field limit"),
    "pages without an end": (_endless_pages, "more than 500 pages.*max_pages"),
    "a list that is no JSON": (lambda port, folder: parse_json(b"[" + b"1," * 4_000_000), "JSON|Expecting|char|line"),
}


def run(name: str, port: int, folder: Path) -> dict[str, Any]:
    """Read one bomb in a process of its own, and return what came of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _run_here(name, port, folder, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return {"bomb": name, "expected": BOMBS[name][1], **(json.loads(text) if text else {"died": status})}


def _run_here(name: str, port: int, folder: Path, writing: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    began = time.monotonic()
    try:
        BOMBS[name][0](port, folder)
        error = ""
    except (PartnersError, ValueError) as raised:
        error = f"{type(raised).__name__}: {raised}"
    except BaseException as raised:
        error = f"unexpected {type(raised).__name__}: {str(raised)[:300]}"
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = {"error": error, "seconds": round(seconds, 2), "peak_mb": peak // 1000, "more_mb": (peak - before) // 1000}
    os.write(writing, json.dumps(result).encode())
    os._exit(0)


def main(folder: Path) -> None:
    """Read all bombs."""
    port = serve()
    for number, name in enumerate(BOMBS):
        place = folder / str(number)
        place.mkdir()
        print(json.dumps(run(name, port, place)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
