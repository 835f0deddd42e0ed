"""A served sandbox of two small shops, and a client that submits bulk operations to it and watches them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world.build import build

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SHOP, OTHER = "aurora-apparel.myshopify.com", "orchard-toys-and-games.myshopify.com"
ORDERS = """{ orders(sortKey: UPDATED_AT) { edges { node {
    id name updatedAt email
    totalPriceSet { shopMoney { amount currencyCode } }
    customer { id displayName numberOfOrders }
    shippingAddress { name city }
    fulfillments { id status trackingInfo { company number } }
    lineItems { edges { node { id title quantity product { id title } } } }
} } } }"""
FIELDS = "id type status errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl query"
RUN = f"""mutation Run($query: String!, $grouped: Boolean!) {{
    bulkOperationRunQuery(query: $query, groupObjects: $grouped) {{
        bulkOperation {{ {FIELDS} }} userErrors {{ field message code }} }} }}"""
CANCEL = f"""mutation Cancel($id: ID!) {{
    bulkOperationCancel(id: $id) {{ bulkOperation {{ {FIELDS} }} userErrors {{ field message }} }} }}"""


class World:
    """The server, and a client of one shop."""

    def __init__(self, url: str, sandbox: Any) -> None:
        self.url, self.sandbox = url, sandbox
        self.shop, self.version = SHOP, "2026-07"

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"shopify_admin.{name}"] = value

    def post(self, document: str, /, **variables: Any) -> dict[str, Any]:
        token = self.sandbox.credentials["shopify_admin"][self.shop]["token"]
        response = httpx.post(
            f"{self.url}/shopify-admin/{self.shop}/admin/api/{self.version}/graphql.json",
            headers={"X-Shopify-Access-Token": token},
            json={"query": document, "variables": variables},
        )
        assert response.status_code == 200, response.text
        return response.json()

    def ask(self, document: str, /, **variables: Any) -> dict[str, Any]:
        body = self.post(document, **variables)
        assert "errors" not in body, body
        return body["data"]

    def run(self, query: str = ORDERS, *, grouped: bool = False) -> dict[str, Any]:
        return self.ask(RUN, query=query, grouped=grouped)["bulkOperationRunQuery"]

    def submit(self, query: str = ORDERS, *, grouped: bool = False) -> str:
        payload = self.run(query, grouped=grouped)
        assert payload["userErrors"] == []
        return payload["bulkOperation"]["id"]

    def poll(self, gid: str) -> dict[str, Any] | None:
        return self.ask(f"query Node($id: ID!) {{ node(id: $id) {{ ... on BulkOperation {{ {FIELDS} }} }} }}", id=gid)[
            "node"
        ]

    def ended(self, gid: str) -> dict[str, Any]:
        for _ in range(60):
            operation = self.poll(gid)
            if operation["status"] not in {"CREATED", "RUNNING", "CANCELING"}:
                return operation
        raise AssertionError(operation)

    def lines(self, query: str = ORDERS, *, grouped: bool = False) -> list[dict[str, Any]]:
        operation = self.ended(self.submit(query, grouped=grouped))
        assert operation["status"] == "COMPLETED", operation
        return rows(httpx.get(operation["url"]))

    def cancel(self, gid: str) -> dict[str, Any]:
        return self.ask(CANCEL, id=gid)["bulkOperationCancel"]


def rows(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    # not splitlines(): a note may hold a line separator of Unicode's, which JSON leaves as it is
    return [json.loads(line) for line in response.text.split("\n")[:-1]]


def stored_orders(world: World) -> list[dict[str, Any]]:
    return world.sandbox.store.select("shopify_admin", SHOP, "order")


@contextmanager
def serving() -> Iterator[Any]:
    """A sandbox for the tests of one module."""
    with serve(build(shops=2, orders=60, now=NOW)) as running:
        yield running


@contextmanager
def settled(served: Any) -> Iterator[World]:
    """The sandbox for one test: afterwards its switches are as before, and no operation is in the way of the next."""
    sandbox = served.sandbox
    switches = dict(sandbox.switches)
    sandbox.switches["shopify_admin.bucket"] = (1_000_000, 1_000_000)
    sandbox.now = NOW
    world = World(served.url, sandbox)
    yield world
    sandbox.switches.clear()
    sandbox.switches.update(switches)
    sandbox.now = NOW + timedelta(days=1)
    for world.shop in (SHOP, OTHER):
        for document in sandbox.store.select("shopify_admin", world.shop, "bulk_operation"):
            world.ended(document["id"])
            sandbox.store.delete("shopify_admin", world.shop, "bulk_operation", document["id"])
