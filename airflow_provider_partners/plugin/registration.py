"""What Airflow loads in each of its processes: cheap to import, and without the page itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_provider_partners._compat import PLUGIN_PAGES

__all__ = ["URL_PREFIX", "PartnersPlugin"]

URL_PREFIX = "/partners"
"""Where the page is, below Airflow's base URL."""

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class PartnersApp:
    """The page as an ASGI app. It is imported with the first request, since only the API server needs it."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if self._app is None:
            self._app = await asyncio.to_thread(_create_app)
        await self._app(scope, receive, send)


def _create_app() -> Any:
    from airflow_provider_partners.plugin.app import create_app

    return create_app()


class PartnersPlugin(AirflowPlugin):
    """Adds the page "Partners" to Airflow's navigation (Airflow 3.1 and later)."""

    name = "partners"
    fastapi_apps: list[Any] = (
        [{"name": "Partners", "app": PartnersApp(), "url_prefix": URL_PREFIX}] if PLUGIN_PAGES else []
    )
    # The addresses are relative to Airflow's base URL, which may have a path.
    external_views: list[Any] = (
        [
            {
                "name": "Partners",
                "href": f"{URL_PREFIX.lstrip('/')}/",
                "url_route": "partners",
                "destination": "nav",
                "icon": f"{URL_PREFIX.lstrip('/')}/static/icon.svg",
                "icon_dark_mode": f"{URL_PREFIX.lstrip('/')}/static/icon-dark.svg",
            }
        ]
        if PLUGIN_PAGES
        else []
    )
