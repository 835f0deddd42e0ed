"""Sends the file of an export: whole, from some byte on, or broken off halfway.

It must not know what is in the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")
_PLAIN = "text/plain; charset=utf-8"


class TruncatedResponse(Response):
    """Promises the whole body, sends half of it and lets the connection end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the half."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def file_response(text: str, *, headers: Mapping[str, str], ranges: bool, truncate: bool) -> Response:
    """The answer to a request for a file.

    :param headers: of the request
    :param ranges: a part may be asked for
    :param truncate: the transfer breaks off
    """
    content = text.encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    more = {"ETag": tag, "Accept-Ranges": "bytes" if ranges else "none"}
    asked = _RANGE.fullmatch(headers.get("range", "")) if ranges else None
    kind = TruncatedResponse if truncate else Response
    # A part is only sent of the file that the client has the beginning of.
    if asked is None or headers.get("if-range", tag) != tag:
        return kind(content, media_type=_PLAIN, headers=more)
    start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if start >= len(content) or end < start:
        return Response(status_code=416, headers=more | {"Content-Range": f"bytes */{len(content)}"})
    more["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
    return kind(content[start : end + 1], status_code=206, media_type=_PLAIN, headers=more)
