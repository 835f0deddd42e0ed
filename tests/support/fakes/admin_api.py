"""A fake Admin API of one shop that returns the answers of a test."""

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


class FakeAdminApi:
    """Answers by the operation's name: with a body, a response, or a function of the variables.

    A list gives its items in turn, and then the last one again.
    """

    def __init__(self, **answers: object) -> None:
        self.answers = {
            "OrdersCount": {"data": {"ordersCount": {"count": 1, "precision": "EXACT"}}},
            "ProductsCount": {"data": {"productsCount": {"count": 1, "precision": "EXACT"}}},
            "Shop": shop_body("read_all_orders"),
            **answers,
        }
        self.operations_sent: list[tuple[str, dict]] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path.endswith("access_token"):
            answer = self.answers["token"](request)  # type: ignore[operator]
            return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)
        body = json.loads(request.content)
        name = re.search(r"(?:query|mutation) (\w+)", body["query"]).group(1)  # type: ignore[union-attr]
        self.operations_sent.append((name, body["variables"]))
        answer = self.answers[name]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(body["variables"])
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def variables_of(self, name: str) -> list[dict]:
        """Return the variables of each request for an operation."""
        return [variables for operation, variables in self.operations_sent if operation == name]

    def document(self, name: str) -> str:
        """Return the document of an operation that was sent."""
        documents = (json.loads(request.content)["query"] for request in self.requests)
        return next(document for document in documents if f"query {name}(" in document)


def shop_body(*scopes: str) -> dict:
    """The answer to the query of the shop's domain and the token's scopes."""
    return {
        "data": {
            "shop": {"name": "A", "myshopifyDomain": "a.myshopify.com"},
            "currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in scopes]},
        }
    }


def connection(*nodes: dict, more: bool = False, cursor: str = "c1") -> dict:
    """One page of a connection."""
    return {"nodes": list(nodes), "pageInfo": {"hasNextPage": more, "endCursor": cursor if nodes else None}}


def order_node(number: int = 1, **fields: object) -> dict:
    """An order as the list returns it, without line items and fulfillments."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "updatedAt": "2026-05-01T00:30:00Z",
        "lineItems": connection(),
        "fulfillmentsCount": {"count": 0, "precision": "EXACT"},
        "fulfillments": [],
        **fields,
    }


def orders_body(*nodes: dict, more: bool = False, cursor: str = "c1", **extensions: object) -> dict:
    """The answer with one page of orders."""
    return {"data": {"orders": connection(*nodes, more=more, cursor=cursor)}, "extensions": extensions}


def error_body(message: str, code: str | None = None, data: object = None, **extensions: object) -> dict:
    """The answer with one error."""
    extensions = {**({"code": code} if code else {}), **extensions}
    return {"errors": [{"message": message, **({"extensions": extensions} if extensions else {})}], "data": data}


def make_client(api: FakeAdminApi, **options: object) -> ShopifyAdminClient:
    """A client of the fake shop at the time ``NOW``."""
    defaults = {"shop": "a", "access_token": TOKEN, "clock": TurningClock(NOW.timestamp())}
    return ShopifyAdminClient(**gather_options(handler=httpx.MockTransport(api), **{**defaults, **options}))


def extract(
    api: FakeAdminApi, resource: str = "orders", client_options: dict | None = None, **arguments: object
) -> list[dict]:
    """The records of the hour from ``SINCE`` to ``UNTIL``."""
    query = {"since": SINCE, "until": UNTIL, **arguments}
    return list(make_client(api, **(client_options or {})).extract(resource, **query).records())  # type: ignore[arg-type]
