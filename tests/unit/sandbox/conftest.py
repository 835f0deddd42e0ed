"""Worlds to ask over ASGI: a small Yofi shop, two empty Yotpo stores, an empty Voucherify project."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.voucherify import server as voucherify
from airflow_provider_partners.sandbox.yofi import server as yofi
from airflow_provider_partners.sandbox.yotpo import server as yotpo

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "not-a-real-secret-but-long-enough-for-hs256"
SHOP = "a.myshopify.com"
NOW = 1_790_000_000.0
STORE = "store-aaaa"
SECRETS = {STORE: "secret-a", "store-bbbb": "secret-b"}
ORDER = {
    "external_id": "1001",
    "order_date": "2026-05-01T10:20:30Z",
    "line_items": [{"external_product_id": "p-1", "quantity": 1}],
}


class YofiWorld:
    """A small shop: 12 claims, 3 customers, 4 returns, 3 events; asked over ASGI."""

    def __init__(self) -> None:
        credentials = {
            "secret": SECRET,
            "issuer": "partner-sandbox",
            "subject": "svc-sandbox",
            "client_id": "backend-service",
            "organization_id": "org-sandbox",
            "platform": "shopify",
            "shops": [SHOP],
        }
        self.sandbox = Sandbox(store=Store(), credentials={"yofi": credentials}, switches=dict(yofi.SWITCHES))
        self.app = Starlette(routes=[Mount("/yofi", routes=yofi.routes(self.sandbox, clock=lambda: NOW))])
        self._records()

    def put(self, kind: str, type_: str, id_: str, relationships: dict[str, Any] | None = None, **attributes) -> None:
        record = {"type": type_, "id": id_, "attributes": attributes, "relationships": relationships or {}}
        self.sandbox.store.put("yofi", SHOP, kind, id_, record, at=f"2026-01-01T00:00:{id_[-2:]:>02}Z")

    def _records(self) -> None:
        for n in range(12):
            self.put("claim", "Claim", f"c{n:02}", customer_id=str(n % 3), claim_items=[], created_at_epoch=100 + n)
        for n, prediction in ((1, "cp1"), (2, None), (3, "cp1")):
            linked = [["customer_prediction", prediction]] if prediction else []
            self.put(
                "customer",
                "EcommerceCustomer",
                f"cust-{n}",
                {"customer_predictions": linked},
                entity_id=f"cust-{n}",
                customer_id=str(7000 + n),
                first_name=["Žofie", "Ann", "李"][n - 1],
                email=f"{n}@example.com",
            )
        self.put("customer_prediction", "EcommerceCustomerPrediction", "cp1", predicted_value=0.7, severity="high")
        for n, (order, returned, predictions) in enumerate(
            [(10, 900, ["p1", "p2"]), (40, 500, ["p3"]), (20, 700, []), (30, 600, ["p4"])], start=1
        ):
            relationships = {
                "customer": ["customer", f"cust-{1 + n % 2}"],
                "order": ["order", f"o{n}"] if n != 3 else None,
                "return_predictions": [["return_prediction", each] for each in predictions],
                "app": ["app", "app-1"],
            }
            self.put(
                "return",
                "EcommerceUnifiedReturn",
                f"r{n}",
                relationships,
                order_id=str(5000 + n),
                order_number=1000 + n,
                order_name=f"#{1000 + n}",
                state="requested" if n < 3 else "refunded",
                customer_first_name="Žofie",
                order_created_at_epoch=order,
                return_created_at_epoch=returned,
            )
            self.put("order", "EcommerceOrder", f"o{n}", name=f"#{1000 + n}", model_predictions={})
        self.put("app", "EcommerceApp", "app-1", name="Returns")
        for id_, category, value in [
            ("p1", "drop_off_fraud", 0.95),
            ("p2", "return_abuse", 0.95),
            ("p3", "drop_off_fraud", 0.4),
            ("p4", "drop_off_fraud", 0.99),
        ]:
            self.put(
                "return_prediction",
                "EcommerceUnifiedReturnPrediction",
                id_,
                prediction_category=category,
                predicted_value=value,
            )
        for n in (1, 2, 3):
            at = f"2025-06-0{n}T00:00:00Z"
            self.put("notification_event", "NotificationEvent", f"n{n}", notify_template_id="t", created_at=at)

    def ask(self, path: str, params: Any = None, method: str = "GET") -> httpx.Response:
        token = jwt.encode(
            {
                "iss": "partner-sandbox",
                "sub": "svc-sandbox",
                "aud": ["yofi-public-api"],
                "iat": int(NOW) - 5,
                "exp": int(NOW) + 300,
                "jti": str(uuid.uuid4()),
                "client_id": "backend-service",
            },
            SECRET,
        )
        headers = {"Authorization": f"Bearer {token}", "app_id": SHOP, "partner_id": "shopify"}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/yofi") as client:
                return await client.request(method, path, params=params, headers=headers)

        return asyncio.run(send())

    def ids(self, path: str, params: Any = None) -> list[str]:
        response = self.ask(path, params)
        assert response.status_code == 200, response.text
        return [each["id"] for each in response.json()["data"]]

    def refused(self, path: str, params: Any) -> str:
        response = self.ask(path, params)
        assert response.status_code == 400, response.text
        return response.json()["errors"][0]["detail"]


class YotpoWorld:
    """Two stores and a clock to turn; asked over ASGI with a good token."""

    def __init__(self, store: Store | None = None, **switches: Any) -> None:
        defaults = yotpo.SWITCHES | {"yotpo.rate_limit": 0}
        self.sandbox = Sandbox(
            store=store or Store(),
            credentials={"yotpo": {name: {"secret": secret} for name, secret in SECRETS.items()}},
            switches=defaults | {f"yotpo.{name}": value for name, value in switches.items()},
            now=datetime(2026, 6, 1, 12, tzinfo=UTC),
        )
        self.time = 1_790_000_000.0
        self.app = Starlette(routes=[Mount("/yotpo", routes=yotpo.routes(self.sandbox, clock=lambda: self.time))])
        self._tokens: dict[str, str] = {}

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"yotpo.{name}"] = value

    def ask(self, method: str, path: str, store: str = STORE, **more: Any) -> httpx.Response:
        if store not in self._tokens:
            self._tokens[store] = ""
            answer = self.ask("POST", "access_tokens", store, json={"secret": SECRETS[store]})
            self._tokens[store] = answer.json()["access_token"]

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            base = f"http://sandbox/yotpo/core/v3/stores/{store}/"
            headers = {"X-Yotpo-Token": self._tokens[store]}
            async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def products(self, *external_ids: str, store: str = STORE) -> None:
        for each in external_ids:
            self.make(each, store)

    def make(self, external_id: str, store: str = STORE, **more: Any) -> int:
        response = self.ask("POST", "products", store, json={"product": {"external_id": external_id, **more}})
        assert response.status_code == 201, response.text
        return response.json()["product"]["yotpo_id"]

    def product(self, number: int, store: str = STORE) -> dict[str, Any]:
        return self.ask("GET", f"products/{number}", store).json()["product"]

    def create(self, **changes: Any) -> httpx.Response:
        return self.ask("POST", "orders", json={"order": ORDER | changes})

    def made(self, **changes: Any) -> int:
        response = self.create(**changes)
        assert response.status_code == 201, response.text
        return response.json()["order"]["yotpo_id"]

    def patch(self, number: int, **given: Any) -> httpx.Response:
        return self.ask("PATCH", f"orders/{number}", json={"order": given})

    def order(self, number: int) -> dict[str, Any]:
        response = self.ask("GET", f"orders/{number}")
        assert response.status_code == 200, response.text
        return response.json()["order"]


class VoucherifyWorld:
    """A project without records and a clock to turn; asked over ASGI with good keys."""

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
            switches=voucherify.SWITCHES | {f"voucherify.{name}": value for name, value in switches.items()},
            now=datetime(2026, 6, 1, 12, tzinfo=UTC),
        )
        self.time = 1_790_000_000.0
        routes = voucherify.routes(self.sandbox, clock=lambda: self.time)
        self.app = Starlette(routes=[Mount("/voucherify", routes=routes)])

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"voucherify.{name}"] = value

    def put(self, kind: str, *rows: dict[str, Any], scope: str = "") -> None:
        """Rows are listed by ``created_at``, or ``date``."""
        self.sandbox.store.put_many(
            "voucherify",
            scope,
            kind,
            [(row["id"], row.get("created_at") or row.get("date") or "2026-01-01T00:00:00.000Z", row) for row in rows],
        )

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport) as client:
                url = path if path.startswith("http") else f"http://sandbox/voucherify{path}"
                return await client.request(method, url, headers=self.KEYS if headers is None else headers, **more)

        return asyncio.run(send())

    def body(self, path: str, **more: Any) -> dict[str, Any]:
        response = self.ask(path, **more)
        assert response.status_code == 200, response.text
        return response.json()

    def ids(self, path: str) -> list[str]:
        """Ids of a list's rows, wherever its array is."""
        body = self.body(path)
        (rows,) = [value for value in body.values() if isinstance(value, list)]
        return [row["id"] for row in rows]

    def export(self, exported_object: str = "order", **parameters: Any) -> httpx.Response:
        """Order an export."""
        body = {"exported_object": exported_object, "parameters": parameters}
        return self.ask("/v1/exports", "POST", json=body)

    def finished(self, exported_object: str = "order", **parameters: Any) -> str:
        """The address of the file of a new export."""
        export = self.export(exported_object, **parameters).json()
        while export["status"] not in {"DONE", "ERROR"}:
            export = self.body(f"/v1/exports/{export['id']}")
        return export["result"]["url"]

    def refused(self, path: str) -> str:
        """What is wrong with a query."""
        response = self.ask(path)
        assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params"), response.text
        return response.json()["details"]


@pytest.fixture
def voucherify_world() -> Callable[..., VoucherifyWorld]:
    """Makes a world; takes switches."""
    return VoucherifyWorld


@pytest.fixture
def yofi_world() -> YofiWorld:
    return YofiWorld()


@pytest.fixture
def yotpo_world() -> Callable[..., YotpoWorld]:
    """Makes a world; takes a store to go on with, and switches."""
    return YotpoWorld
