"""What both Shopify servers share on the wire: a request with its body read, an answer with their headers.

It must not know what is asked or answered.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[[Request, bytes], Response]


def post(path: str, handle: Handler) -> Route:
    """A route whose handler gets the whole body, and works in a thread: it parses, executes and reads SQLite."""

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(handle, request, body)

    return Route(path, endpoint, methods=["POST"])


def new_request_id() -> str:
    """``<uuid>-<epoch seconds>``, as recorded."""
    return f"{uuid.uuid4()}-{int(time.time())}"


def json_response(
    body: Any, *, status: int = 200, version: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer with the headers recorded live.

    :param version: the API version that answered; a client compares it with the one it asked for
    """
    shown = {
        "content-type": "application/json; charset=utf-8",
        "cache-control": "max-age=0, private, must-revalidate",
        "x-request-id": new_request_id(),
        **({"x-shopify-api-version": version} if version else {}),
        **(headers or {}),
    }
    return JSONResponse(body, status_code=status, headers=shown)


def internal_error(request_id: str) -> str:
    """The sentence of both APIs for a fault of their own."""
    return (
        "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests)."
    )
