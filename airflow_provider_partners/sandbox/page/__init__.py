"""The sandbox's page: what each store holds, the last calls, and faults and switches to flip.

It is one HTML file with a style sheet and a script beside it, which use the control API. Nothing comes from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from airflow_provider_partners.sandbox.control import is_local

__all__ = ["asset_routes", "route"]

_FOLDER = Path(__file__).parent
_ASSETS: Mapping[str, str] = {"page.css": "text/css", "page.js": "text/javascript"}
_HEADERS = {
    # The page shows texts of records. Even a mistake in the script must not let them run or load anything.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def route() -> Route:
    """Return the route of the page."""
    return Route("/", partial(_serve, "page.html", "text/html"))


def asset_routes() -> list[Route]:
    """Return the routes of the style sheet and the script, below the control prefix."""
    return [Route(f"/{name}", partial(_serve, name, media_type)) for name, media_type in _ASSETS.items()]


async def _serve(name: str, media_type: str, request: Request) -> Response:
    if not is_local(request):
        return PlainTextResponse("The page answers callers on this machine only.", status_code=403)
    # Read each time: a few kilobytes, and an edit shows at once.
    return Response((_FOLDER / name).read_bytes(), media_type=media_type, headers=_HEADERS)
