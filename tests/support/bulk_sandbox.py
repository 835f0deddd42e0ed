"""A running sandbox of two small shops, and a client that submits and polls bulk operations."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from sandbox import restored_settings, run_sandbox

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


class BulkClient:
    """A client of one shop of a running sandbox."""

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

    def execute(self, document: str, /, **variables: Any) -> dict[str, Any]:
        body = self.post(document, **variables)
        assert "errors" not in body, body
        return body["data"]

    def run(self, query: str = ORDERS, *, grouped: bool = False) -> dict[str, Any]:
        return self.execute(RUN, query=query, grouped=grouped)["bulkOperationRunQuery"]

    def submit(self, query: str = ORDERS, *, grouped: bool = False) -> str:
        payload = self.run(query, grouped=grouped)
        assert payload["userErrors"] == []
        return payload["bulkOperation"]["id"]

    def poll(self, gid: str) -> dict[str, Any] | None:
        return self.execute(
            f"query Node($id: ID!) {{ node(id: $id) {{ ... on BulkOperation {{ {FIELDS} }} }} }}", id=gid
        )["node"]

    def ended(self, gid: str) -> dict[str, Any]:
        for _ in range(60):
            operation = self.poll(gid)
            if operation["status"] not in {"CREATED", "RUNNING", "CANCELING"}:
                return operation
        raise AssertionError(operation)

    def lines(self, query: str = ORDERS, *, grouped: bool = False) -> list[dict[str, Any]]:
        operation = self.ended(self.submit(query, grouped=grouped))
        assert operation["status"] == "COMPLETED", operation
        return read_lines(httpx.get(operation["url"]))

    def cancel(self, gid: str) -> dict[str, Any]:
        return self.execute(CANCEL, id=gid)["bulkOperationCancel"]


def read_lines(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    # Not splitlines(): a note can contain a Unicode line separator, which JSON does not escape.
    return [json.loads(line) for line in response.text.split("\n")[:-1]]


def stored_orders(client: BulkClient) -> list[dict[str, Any]]:
    return client.sandbox.store.select("shopify_admin", SHOP, "order")


@contextmanager
def serve_two_shops() -> Iterator[Any]:
    """Serve a sandbox for the tests of one module."""
    with run_sandbox(shops=2, orders=60, now=NOW) as running:
        yield running


@contextmanager
def client_of(running_sandbox: Any) -> Iterator[BulkClient]:
    """Return a client for one test; afterwards restore the switches and remove all operations."""
    sandbox = running_sandbox.sandbox
    sandbox.now = NOW
    client = BulkClient(running_sandbox.url, sandbox)
    with restored_settings(running_sandbox):
        sandbox.switches["shopify_admin.bucket"] = (1_000_000, 1_000_000)
        yield client
    sandbox.now = NOW + timedelta(days=1)
    for client.shop in (SHOP, OTHER):
        for document in sandbox.store.select("shopify_admin", client.shop, "bulk_operation"):
            client.ended(document["id"])
            sandbox.store.delete("shopify_admin", client.shop, "bulk_operation", document["id"])
