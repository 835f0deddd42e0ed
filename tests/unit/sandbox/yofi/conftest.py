"""A small Yofi shop behind the sandbox's API, called over ASGI."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.yofi import server

SECRET = "not-a-real-secret-but-long-enough-for-hs256"
SHOP = "a.myshopify.com"
NOW = 1_790_000_000.0


class YofiApi:
    """Yofi's API with 12 claims, 3 customers, 4 returns and 3 notification events of one shop."""

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
        self.sandbox = Sandbox(store=Store(), credentials={"yofi": credentials}, switches=dict(server.SWITCHES))
        self.app = Starlette(routes=[Mount("/yofi", routes=server.routes(self.sandbox, clock=lambda: NOW))])
        self._put_records()

    def put(self, kind: str, type_: str, id_: str, relationships: dict[str, Any] | None = None, **attributes) -> None:
        record = {"type": type_, "id": id_, "attributes": attributes, "relationships": relationships or {}}
        self.sandbox.store.put("yofi", SHOP, kind, id_, record, at=f"2026-01-01T00:00:{id_[-2:]:>02}Z")

    def _put_records(self) -> None:
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
            created_at = f"2025-06-0{n}T00:00:00Z"
            self.put("notification_event", "NotificationEvent", f"n{n}", notify_template_id="t", created_at=created_at)

    def request(self, path: str, params: Any = None, method: str = "GET") -> httpx.Response:
        """Send a request with a valid token."""
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
        """Return the ids of a list's records."""
        response = self.request(path, params)
        assert response.status_code == 200, response.text
        return [each["id"] for each in response.json()["data"]]

    def error_detail(self, path: str, params: Any) -> str:
        """Return the detail of the 400 that answers a query."""
        response = self.request(path, params)
        assert response.status_code == 400, response.text
        return response.json()["errors"][0]["detail"]


@pytest.fixture
def yofi() -> YofiApi:
    return YofiApi()
