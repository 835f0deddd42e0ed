"""HTTP of both Shopify servers: read the request body, send a JSON response with their headers."""

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
    """Return a route whose handler gets the whole body.

    The handler runs in a thread, because it parses, executes and reads SQLite.
    """

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(handle, request, body)

    return Route(path, endpoint, methods=["POST"])


def new_request_id() -> str:
    """Return a request id: ``<uuid>-<epoch seconds>``, as recorded."""
    return f"{uuid.uuid4()}-{int(time.time())}"


def json_response(
    body: Any, *, status: int = 200, version: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a JSON response with the recorded headers.

    :param version: the API version that answered; a client compares it with the requested version
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
    """Return the message of both APIs for an internal error."""
    return (
        "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests)."
    )
