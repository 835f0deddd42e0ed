"""An empty Voucherify project behind the sandbox's API, called over ASGI."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.voucherify import server

if TYPE_CHECKING:
    from collections.abc import Callable


class VoucherifyApi:
    """Voucherify's API with one project and no records. Its clock stands at 2026-06-01T12:00:00Z.

    :param switches: without their prefix
    """

    KEYS: ClassVar[dict[str, str]] = {"X-App-Id": "app", "X-App-Token": "token"}

    def __init__(self, **switches: Any) -> None:
        self.sandbox = Sandbox(
            store=Store(),
            credentials={
                "voucherify": {
                    "app_id": "app",
                    "secret_key": "token",
                    "client_app_id": "client-app",
                    "client_token": "client-token",
                    "client_origin": "https://shop.example",
                    "management_id": "manager",
                    "management_token": "manager-token",
                    "project_id": "proj_1",
                    "shop": "a.myshopify.com",
                }
            },
            switches=server.SWITCHES | {f"voucherify.{name}": value for name, value in switches.items()},
            now=datetime(2026, 6, 1, 12, tzinfo=UTC),
        )
        self.time = 1_790_000_000.0
        routes = server.routes(self.sandbox, clock=lambda: self.time)
        self.app = Starlette(routes=[Mount("/voucherify", routes=routes)])

    def set_switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"voucherify.{name}"] = value

    def put(self, kind: str, *records: dict[str, Any], scope: str = "") -> None:
        """Store records. Their ``created_at``, or ``date``, orders them."""
        self.sandbox.store.put_many(
            "voucherify",
            scope,
            kind,
            [
                (each["id"], each.get("created_at") or each.get("date") or "2026-01-01T00:00:00.000Z", each)
                for each in records
            ],
        )

    def request(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Send a request, with valid keys unless there are other headers."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport) as client:
                url = path if path.startswith("http") else f"http://sandbox/voucherify{path}"
                return await client.request(method, url, headers=self.KEYS if headers is None else headers, **options)

        return asyncio.run(send())

    def get_json(self, path: str, **options: Any) -> dict[str, Any]:
        response = self.request(path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, path: str) -> list[str]:
        """Return the ids of a list's records, whatever key the list has."""
        body = self.get_json(path)
        (records,) = [value for value in body.values() if isinstance(value, list)]
        return [record["id"] for record in records]

    def post_export(self, exported_object: str = "order", **parameters: Any) -> httpx.Response:
        body = {"exported_object": exported_object, "parameters": parameters}
        return self.request("/v1/exports", "POST", json=body)

    def export_url(self, exported_object: str = "order", **parameters: Any) -> str:
        """Create an export, wait for it and return the address of its file."""
        export = self.post_export(exported_object, **parameters).json()
        while export["status"] not in {"DONE", "ERROR"}:
            export = self.get_json(f"/v1/exports/{export['id']}")
        return export["result"]["url"]

    def error_details(self, path: str) -> str:
        """Return the details of the 400 that answers an invalid query."""
        response = self.request(path)
        assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params"), response.text
        return response.json()["details"]


@pytest.fixture
def make_voucherify() -> Callable[..., VoucherifyApi]:
    """Return the class: its arguments are switches."""
    return VoucherifyApi


@pytest.fixture
def voucherify() -> VoucherifyApi:
    """Return the API without a rate limit."""
    return VoucherifyApi(rate_limit=0)


@pytest.fixture
def limited() -> VoucherifyApi:
    """Return the API with the default rate limit."""
    return VoucherifyApi()
