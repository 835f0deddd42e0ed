"""Sends the file of an export: all of it, a byte range, or half of it and then a closed connection."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")
_PLAIN = "text/plain; charset=utf-8"


class TruncatedResponse(Response):
    """A response that announces the whole body, sends half of it and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one half."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def file_response(text: str, *, headers: Mapping[str, str], ranges: bool, truncate: bool) -> Response:
    """Return the response to a request for a file.

    :param headers: the request's headers
    :param ranges: range requests work
    :param truncate: stop the transfer halfway
    """
    content = text.encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    own_headers = {"ETag": tag, "Accept-Ranges": "bytes" if ranges else "none"}
    byte_range = _RANGE.fullmatch(headers.get("range", "")) if ranges else None
    response = TruncatedResponse if truncate else Response
    # If-Range with another tag: the client has the beginning of another file, so it gets all of this one.
    if byte_range is None or headers.get("if-range", tag) != tag:
        return response(content, media_type=_PLAIN, headers=own_headers)
    start, end = int(byte_range[1]), min(int(byte_range[2] or len(content)), len(content) - 1)
    if start >= len(content) or end < start:
        return Response(status_code=416, headers=own_headers | {"Content-Range": f"bytes */{len(content)}"})
    own_headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return response(content[start : end + 1], status_code=206, media_type=_PLAIN, headers=own_headers)
