"""The files of bulk operations: written line by line, served under a signed URL that expires.

Shopify stores them in Google Cloud Storage. The URL is therefore not the shop's, needs no token, and returns errors as
XML.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shutil
import threading
from collections.abc import Iterable
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import TextIO
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from airflow_provider_partners.sandbox.shopify_admin.bulk.lines import Line
from airflow_provider_partners.sandbox.store import Sandbox, Store

PREFIX = "/shopify-files"
MEDIA_TYPE = "application/jsonl"
_ACCOUNT = "assets@sandbox.example"
_DEPTHS = 3
#: Number of root objects whose children are interleaved.
_INTERLEAVED_ROOTS = 200


def path_of(store: Store, name: str) -> Path:
    """Return the path of a file."""
    return store.folder() / f"{name}.jsonl"


class OutputFile:
    """The file of one operation while it is written; at most a few hundred objects are in memory.

    :param grouped: write each object directly after its parent; otherwise the children of different parents alternate
    :param by_depth: ungrouped, write all root objects first, then their children, then theirs
    """

    def __init__(self, path: Path, *, grouped: bool, by_depth: bool) -> None:
        self._path = path
        self._grouped = grouped
        self._waiting: list[Line] = []
        self._roots = 0
        parts = [path] if grouped or not by_depth else [path.with_suffix(f".{depth}") for depth in range(_DEPTHS)]
        self._parts = parts
        self._files: list[TextIO] = [part.open("w", encoding="utf-8", newline="\n") for part in parts]

    def add(self, lines: list[Line]) -> None:
        """Write a root object and everything below it."""
        if self._grouped:
            self._write(lines)
            return
        self._waiting += lines
        self._roots += 1
        if self._roots == _INTERLEAVED_ROOTS:
            self._write_interleaved()

    def finish(self) -> int:
        """Complete the file; return its size in bytes."""
        self._write_interleaved()
        for file in self._files:
            file.close()
        if self._parts != [self._path]:
            with self._path.open("wb") as output:
                for part in self._parts:
                    with part.open("rb") as one:
                        shutil.copyfileobj(one, output)
                    part.unlink()
        return self._path.stat().st_size

    def _write_interleaved(self) -> None:
        for depth in range(_DEPTHS):
            siblings: dict[str, list[Line]] = {}
            for line in self._waiting:
                if line.depth == depth:
                    siblings.setdefault(line.body.get("__parentId", ""), []).append(line)
            turns = zip_longest(*siblings.values())
            self._write(line for turn in turns for line in turn if line is not None)
        self._waiting, self._roots = [], 0

    def _write(self, lines: Iterable[Line]) -> None:
        for line in lines:
            file = self._files[line.depth if len(self._files) > 1 else 0]
            file.write(json.dumps(line.body, ensure_ascii=False, separators=(",", ":")) + "\n")


def address(sandbox: Sandbox, base_url: str, name: str, *, shown_as: str, until: datetime) -> str:
    """Return the URL of a file, in the recorded form.

    :param shown_as: the file name for a browser
    :param until: when the URL expires
    """
    expires = str(int(until.timestamp()))
    disposition = f"attachment; filename=\"{shown_as}\"; filename*=UTF-8''{shown_as}"
    query = {
        "GoogleAccessId": _ACCOUNT,
        "Expires": expires,
        "Signature": _signature(sandbox, name, expires),
        "response-content-disposition": disposition,
        "response-content-type": MEDIA_TYPE,
    }
    return f"{base_url}{PREFIX}/bulk-operation-outputs/{name}?{urlencode(query)}"


def _signature(sandbox: Sandbox, name: str, expires: str) -> str:
    made = hmac.new(sandbox.key, f"GET\n\n\n{expires}\n/{name}".encode(), hashlib.sha256)
    return base64.b64encode(made.digest()).decode()


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """Return the routes below :data:`PREFIX`."""
    return [Route("/bulk-operation-outputs/{name}", _Files(sandbox).get, methods=["GET"])]


class _Files:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()

    def get(self, request: Request) -> Response:
        """Return a file or a range of it."""
        name, expires = request.path_params["name"], request.query_params.get("Expires", "")
        signature = request.query_params.get("Signature", "")
        known = self._sandbox.store.get("sandbox", "", "file", name)
        shop = known["shop"] if known else ""
        if any(header in request.headers for header in ("x-shopify-access-token", "authorization")):
            # A token sent here would leak to a third party; tests check this count.
            self._sandbox.count("shopify_admin", shop, "file.with_token")
        if not hmac.compare_digest(signature.encode(), _signature(self._sandbox, name, expires).encode()):
            return _error_response(403, "SignatureDoesNotMatch", "Access denied.")
        if self._sandbox.clock().timestamp() >= int(expires):
            status = self._sandbox.switches["shopify_admin.bulk_expired_file_status"]
            return _error_response(status, "ExpiredToken", "The provided token has expired.")
        path = path_of(self._sandbox.store, name)
        if not path.exists():
            return _error_response(404, "NoSuchKey", "The specified key does not exist.")
        self._sandbox.count("shopify_admin", shop, "file")
        headers = {"content-disposition": request.query_params.get("response-content-disposition", "attachment")}
        kind = _TruncatedFile if self._should_break() else FileResponse
        return kind(path, media_type=MEDIA_TYPE, headers=headers)

    def _should_break(self) -> bool:
        with self._lock:
            remaining: int = self._sandbox.switches["shopify_admin.bulk_file_breaks"]
            if remaining > 0:
                self._sandbox.switches["shopify_admin.bulk_file_breaks"] = remaining - 1
            return remaining > 0


class _TruncatedFile(FileResponse):
    """A file whose download stops half way: the server closes the connection."""

    chunk_size = 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        remaining = 0

        async def half(message: Message) -> None:
            nonlocal remaining
            if message["type"] == "http.response.start":
                lengths = [value for name, value in message["headers"] if name == b"content-length"]
                remaining = int(lengths[0]) // 2
                await send(message)
            elif remaining > 0:
                body = message.get("body", b"")[:remaining]
                remaining -= len(body)
                await send({**message, "body": body, "more_body": True})

        await super().__call__(scope, receive, half)


def _error_response(status: int, code: str, message: str) -> Response:
    body = (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    return Response(body, status_code=status, media_type="application/xml; charset=UTF-8")
