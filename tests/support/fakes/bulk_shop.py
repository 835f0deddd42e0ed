"""A fake shop that gives the same records page by page and by bulk operations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime

import httpx

from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from fakes.admin_api import SINCE, UNTIL, FakeAdminApi, connection, make_client

FILE = "https://storage.googleapis.com/outputs/abc?Expires=1790000000&Signature=s1gned-by-the-storage-itself"
INNER_CONNECTIONS = {
    "orders": ("lineItems", "Order"),
    "products": ("variants", "Product"),
}


def line_item(number: int) -> dict:
    return {"id": f"gid://shopify/LineItem/{number}", "title": f"Tasse {number}, groß", "quantity": 1, "product": None}


def fulfillment(number: int, lines: int = 1) -> dict:
    return {
        "id": f"gid://shopify/Fulfillment/{number}",
        "status": "SUCCESS",
        "trackingInfo": [{"company": "DHL", "number": f"JD{number}", "url": None}],
        "fulfillmentLineItems": [
            {"id": f"gid://shopify/FulfillmentLineItem/{number}{place}", "quantity": 1} for place in range(lines)
        ],
    }


def order(number: int, *, lines: int = 2, fulfillments: Iterable[dict] = (), minute: int | None = None) -> dict:
    """A complete order, as the client returns it."""
    return {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "updatedAt": f"2026-05-01T00:{number % 60 if minute is None else minute:02}:00Z",
        "email": None,
        "phone": None,
        "customer": {"id": "gid://shopify/Customer/1", "firstName": "Zoë"},
        "billingAddress": None,
        "shippingAddress": None,
        "tags": ['say "__parentId": "no"'],
        "lineItems": [line_item(number * 1000 + place) for place in range(lines)],
        "fulfillments": list(fulfillments),
    }


def product(number: int, variants: int = 1) -> dict:
    return {
        "id": f"gid://shopify/Product/{number}",
        "title": "Tasse",
        "updatedAt": f"2026-05-01T00:{number % 60:02}:00Z",
        "variants": [
            {"id": f"gid://shopify/ProductVariant/{number}{place}", "sku": f"S-{place}"} for place in range(variants)
        ],
    }


class FakeBulkShop(FakeAdminApi):
    """Serves complete records, page by page and as a bulk file.

    :param records: orders or products, in the order of their change
    """

    def __init__(self, *records: dict, resource: str = "orders", **answers: object) -> None:
        self.resource = resource
        self.records = list(records)
        self.operations: dict[str, dict] = {}
        self.files: dict[str, bytes | httpx.Response | list[bytes]] = {}
        self.downloads: list[httpx.Request] = []
        name = resource.capitalize()
        inner = "OrderLineItems" if resource == "orders" else "ProductVariants"
        super().__init__(**{
            name: self._page,
            f"{name}Count": lambda variables: self._count(variables["query"]),
            f"{name}ById": self._by_id,
            inner: self._inner,
            "OrderFulfillments": self._fulfillments,
            "FulfillmentLineItems": self._lines_of_fulfillment,
            "FulfillmentsById": self._fulfillments_by_id,
            "BulkRun": self._run,
            "BulkById": lambda variables: {"data": {"nodes": [self.operations.get(gid) for gid in variables["ids"]]}},
            "BulkCancel": {"data": {"bulkOperationCancel": {"userErrors": []}}},
            **answers,
        })

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return super().__call__(request)
        self.downloads.append(request)
        answer = self.files[str(request.url)]
        if isinstance(answer, list):
            # Each download in turn, and then the last one again and again.
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, content=answer)

    def complete_operation(self, job_id: str, content: bytes | None = None, **fields: object) -> dict:
        """End an operation, by default with the file of all records."""
        content = self.file() if content is None else content
        lines = content.splitlines()
        self.files[FILE] = content
        self.operations[job_id] |= {
            "status": "COMPLETED",
            "objectCount": str(len(lines)),
            "rootObjectCount": str(sum(b'"__parentId": "gid' not in line for line in lines)),
            "url": FILE if lines else None,
            **fields,
        }
        return self.operations[job_id]

    def file(self, arrange: Callable[[list[dict]], list[dict]] = list) -> bytes:
        """The records as a bulk operation writes them, grouped unless arranged otherwise."""
        inner, _ = INNER_CONNECTIONS[self.resource]
        lines = []
        for record in self.records:
            plain = {name: value for name, value in record.items() if name != inner}
            if "fulfillments" in plain:
                plain["fulfillmentsCount"] = {"count": len(record["fulfillments"]), "precision": "EXACT"}
                plain["fulfillments"] = [_without_lines(each) for each in record["fulfillments"]]
            lines.append(plain)
            lines += [{**each, "__parentId": record["id"]} for each in record[inner]]
        return b"".join(json.dumps(line).encode() + b"\n" for line in arrange(lines))

    def _run(self, variables: dict) -> dict:
        job_id = f"gid://shopify/BulkOperation/{len(self.operations) + 1}"
        self.operations[job_id] = operation(job_id, query=variables["query"])
        return {"data": {"bulkOperationRunQuery": {"bulkOperation": {"id": job_id}, "userErrors": []}}}

    def _records_in_range(self, query: str) -> list[dict]:
        since, until = (re.search(rf"updated_at:{operator}'([^']+)'", query) for operator in (">=", "<"))
        return [
            record
            for record in self.records
            if (since is None or record["updatedAt"] >= since.group(1))
            and (until is None or record["updatedAt"] < until.group(1))
        ]

    def _count(self, query: str) -> dict:
        counted = {"count": len(self._records_in_range(query)), "precision": "EXACT"}
        return {"data": {f"{self.resource}Count": counted}}

    def _page(self, variables: dict) -> dict:
        records = self._records_in_range(variables["query"])
        begin = int(variables["after"] or 0)
        end = begin + variables["first"]
        nodes = [self._list_node(record) for record in records[begin:end]]
        return {"data": {self.resource: connection(*nodes, more=end < len(records), cursor=str(end))}}

    def _by_id(self, variables: dict) -> dict:
        by_id = {record["id"]: record for record in self.records}
        kind = INNER_CONNECTIONS[self.resource][1]
        nodes = [
            {"__typename": kind, **self._list_node(by_id[gid])} if gid in by_id else None for gid in variables["ids"]
        ]
        return {"data": {"nodes": nodes}}

    def _list_node(self, record: dict) -> dict:
        inner, _ = INNER_CONNECTIONS[self.resource]
        first = 30 if self.resource == "orders" else 50
        node = {**record, inner: _page_of(record[inner], 0, first)}
        if "fulfillments" in record:
            node["fulfillmentsCount"] = {"count": len(record["fulfillments"]), "precision": "EXACT"}
            node["fulfillments"] = [_with_lines(each) for each in record["fulfillments"][:50]]
        return node

    def _record(self, gid: str) -> dict:
        return next(record for record in self.records if record["id"] == gid)

    def _inner(self, variables: dict) -> dict:
        inner, _ = INNER_CONNECTIONS[self.resource]
        nodes = self._record(variables["id"])[inner]
        return {"data": {"node": {inner: _page_of(nodes, int(variables["after"]), variables["first"])}}}

    def _fulfillments(self, variables: dict) -> dict:
        fulfillments = [_with_lines(each) for each in self._record(variables["id"])["fulfillments"]]
        counted = {"count": len(fulfillments), "precision": "EXACT"}
        return {"data": {"node": {"fulfillmentsCount": counted, "fulfillments": fulfillments[: variables["first"]]}}}

    def _all_fulfillments(self) -> dict[str, dict]:
        return {each["id"]: each for record in self.records for each in record["fulfillments"]}

    def _lines_of_fulfillment(self, variables: dict) -> dict:
        nodes = self._all_fulfillments()[variables["id"]]["fulfillmentLineItems"]
        page = _page_of(nodes, int(variables["after"]), variables["first"])
        return {"data": {"node": {"fulfillmentLineItems": page}}}

    def _fulfillments_by_id(self, variables: dict) -> dict:
        by_id = self._all_fulfillments()
        fulfillments = [by_id.get(gid) for gid in variables["ids"]]
        nodes = [
            each and {"id": each["id"], "fulfillmentLineItems": _page_of(each["fulfillmentLineItems"])}
            for each in fulfillments
        ]
        return {"data": {"nodes": nodes}}


def submit_job(shop: FakeBulkShop, *, grouping: bool = False, **arguments: object) -> tuple[BulkJob, str]:
    """Submit the list of ``SINCE`` to ``UNTIL`` as a bulk operation; return the job and its id."""
    query = {"since": SINCE, "until": UNTIL, **arguments}
    job = make_client(shop, bulk_grouping=grouping).job(shop.resource, **query)  # type: ignore[arg-type]
    return job, job.submit()


def operation(job_id: str, **fields: object) -> dict:
    """A new bulk operation, as Shopify shows it."""
    return {
        "id": job_id,
        "status": "CREATED",
        "errorCode": None,
        "createdAt": "2026-05-02T00:00:00Z",
        "completedAt": None,
        "objectCount": "0",
        "rootObjectCount": "0",
        "url": None,
        "partialDataUrl": None,
        **fields,
    }


def refusal(code: str, message: str) -> dict:
    """The answer to a bulk operation that Shopify refuses."""
    errors = [{"field": None, "message": message, "code": code}]
    return {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": errors}}}


def timestamp(text: str) -> datetime:
    """A datetime from ISO text."""
    return datetime.fromisoformat(text)


def _page_of(items: list[dict], begin: int = 0, first: int = 50) -> dict:
    end = begin + first
    return connection(*items[begin:end], more=end < len(items), cursor=str(end))


def _with_lines(fulfillment: dict) -> dict:
    return {**fulfillment, "fulfillmentLineItems": _page_of(fulfillment["fulfillmentLineItems"])}


def _without_lines(fulfillment: dict) -> dict:
    return {name: value for name, value in fulfillment.items() if name != "fulfillmentLineItems"}
