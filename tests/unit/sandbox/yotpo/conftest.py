"""Two empty Yotpo stores behind the sandbox's API, called over ASGI."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.yotpo import server

if TYPE_CHECKING:
    from collections.abc import Callable

STORE = "store-aaaa"
SECRETS = {STORE: "secret-a", "store-bbbb": "secret-b"}
ORDER = {
    "external_id": "1001",
    "order_date": "2026-05-01T10:20:30Z",
    "line_items": [{"external_product_id": "p-1", "quantity": 1}],
}


class YotpoApi:
    """Yotpo's API with two stores, without a rate limit.

    :param store: a sandbox's store to continue with
    :param switches: without their prefix
    """

    def __init__(self, store: Store | None = None, **switches: Any) -> None:
        defaults = server.SWITCHES | {"yotpo.rate_limit": 0}
        self.sandbox = Sandbox(
            store=store or Store(),
            credentials={"yotpo": {name: {"secret": secret} for name, secret in SECRETS.items()}},
            switches=defaults | {f"yotpo.{name}": value for name, value in switches.items()},
            now=datetime(2026, 6, 1, 12, tzinfo=UTC),
        )
        self.time = 1_790_000_000.0
        self.app = Starlette(routes=[Mount("/yotpo", routes=server.routes(self.sandbox, clock=lambda: self.time))])
        self._tokens: dict[str, str] = {}

    def set_switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"yotpo.{name}"] = value

    def request(self, method: str, path: str, store: str = STORE, **options: Any) -> httpx.Response:
        """Send a request to a store with a valid token."""
        if store not in self._tokens:
            self._tokens[store] = ""
            response = self.request("POST", "access_tokens", store, json={"secret": SECRETS[store]})
            self._tokens[store] = response.json()["access_token"]

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            base = f"http://sandbox/yotpo/core/v3/stores/{store}/"
            headers = {"X-Yotpo-Token": self._tokens[store]}
            async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def create_products(self, *external_ids: str, store: str = STORE) -> None:
        for each in external_ids:
            self.create_product(each, store)

    def create_product(self, external_id: str, store: str = STORE, **properties: Any) -> int:
        """Create a product and return its Yotpo id."""
        product = {"external_id": external_id, **properties}
        response = self.request("POST", "products", store, json={"product": product})
        assert response.status_code == 201, response.text
        return response.json()["product"]["yotpo_id"]

    def read_product(self, yotpo_id: int, store: str = STORE) -> dict[str, Any]:
        return self.request("GET", f"products/{yotpo_id}", store).json()["product"]

    def post_order(self, **changes: Any) -> httpx.Response:
        return self.request("POST", "orders", json={"order": ORDER | changes})

    def create_order(self, **changes: Any) -> int:
        """Create an order and return its Yotpo id."""
        response = self.post_order(**changes)
        assert response.status_code == 201, response.text
        return response.json()["order"]["yotpo_id"]

    def patch_order(self, yotpo_id: int, **properties: Any) -> httpx.Response:
        return self.request("PATCH", f"orders/{yotpo_id}", json={"order": properties})

    def read_order(self, yotpo_id: int) -> dict[str, Any]:
        response = self.request("GET", f"orders/{yotpo_id}")
        assert response.status_code == 200, response.text
        return response.json()["order"]


@pytest.fixture
def make_yotpo() -> Callable[..., YotpoApi]:
    """Return the class: its arguments are a sandbox's store and switches."""
    return YotpoApi


@pytest.fixture
def yotpo() -> YotpoApi:
    return YotpoApi()


@pytest.fixture
def yotpo_shop() -> YotpoApi:
    """Yotpo's API with the products p-1, p-2 and p-3 in the first store."""
    api = YotpoApi()
    api.create_products("p-1", "p-2", "p-3")
    return api
