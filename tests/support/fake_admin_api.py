"""A shop's Admin API that answers what a test tells it to."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import httpx
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 5, 2, tzinfo=UTC)
TOKEN = "shpat_0123456789"


class Shop:
    """Answers by the operation's name: a body, a response, or a function of the variables."""

    def __init__(self, **answers: object) -> None:
        self.answers = {
            "OrdersCount": {"data": {"ordersCount": {"count": 1, "precision": "EXACT"}}},
            "ProductsCount": {"data": {"productsCount": {"count": 1, "precision": "EXACT"}}},
            "Shop": shop_answer("read_all_orders"),
            **answers,
        }
        self.sent: list[tuple[str, dict]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path.endswith("access_token"):
            found = self.answers["token"](request)  # type: ignore[operator]
            return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)
        body = json.loads(request.content)
        name = re.search(r"(?:query|mutation) (\w+)", body["query"]).group(1)  # type: ignore[union-attr]
        self.sent.append((name, body["variables"]))
        found = self.answers[name]
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            found = found(body["variables"])
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    def of(self, name: str) -> list[dict]:
        return [variables for operation, variables in self.sent if operation == name]

    def document(self, name: str) -> str:
        bodies = (json.loads(request.content)["query"] for request in self.requests)
        return next(document for document in bodies if f"query {name}(" in document)


def shop_answer(*scopes: str) -> dict:
    return {
        "data": {
            "shop": {"name": "A", "myshopifyDomain": "a.myshopify.com"},
            "currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in scopes]},
        }
    }


def client(api: Shop, **options: object) -> ShopifyAdminClient:
    given = {"shop": "a", "access_token": TOKEN, **options}
    return ShopifyAdminClient(
        **gather_options(handler=httpx.MockTransport(api), clock=TurningClock(NOW.timestamp()), **given)
    )


def nodes(*rows: dict, more: bool = False, cursor: str = "c1") -> dict:
    return {"nodes": list(rows), "pageInfo": {"hasNextPage": more, "endCursor": cursor if rows else None}}
