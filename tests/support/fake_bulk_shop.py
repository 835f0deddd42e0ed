"""A shop whose orders and products can be read page by page and by bulk operations, from the same records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime

import httpx
from fake_admin_api import SINCE, UNTIL, Shop, client, nodes

from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob

FILE = "https://storage.example/outputs/abc?Expires=1790000000&Signature=s1gned-by-the-storage-itself"
LISTED = {
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
    """A whole order, as the client hands it on."""
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


class BulkShop(Shop):
    """Serves whole records.

    :param records: orders or products, in the order of their change
    """

    def __init__(self, *records: dict, resource: str = "orders", **answers: object) -> None:
        self.resource = resource
        self.records = list(records)
        self.operations: dict[str, dict] = {}
        self.files: dict[str, bytes | httpx.Response] = {}
        self.fetched: list[httpx.Request] = []
        name = resource.capitalize()
        inner = "OrderLineItems" if resource == "orders" else "ProductVariants"
        super().__init__(**{
            name: self._page,
            f"{name}Count": lambda asked: self._counted(asked["query"]),
            f"{name}ById": self._by_id,
            inner: self._inner,
            "OrderFulfillments": self._fulfillments,
            "FulfillmentLineItems": self._lines_of_fulfillment,
            "FulfillmentsById": self._fulfillments_by_id,
            "BulkRun": self._run,
            "BulkById": lambda asked: {"data": {"nodes": [self.operations.get(gid) for gid in asked["ids"]]}},
            "BulkCancel": {"data": {"bulkOperationCancel": {"userErrors": []}}},
            **answers,
        })

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return super().__call__(request)
        self.fetched.append(request)
        found = self.files[str(request.url)]
        return found if isinstance(found, httpx.Response) else httpx.Response(200, content=found)

    def ends(self, job_id: str, content: bytes | None = None, **fields: object) -> dict:
        """Have an operation end, by default with the file of everything."""
        content = self.file() if content is None else content
        found = content.splitlines()
        self.files[FILE] = content
        self.operations[job_id] |= {
            "status": "COMPLETED",
            "objectCount": str(len(found)),
            "rootObjectCount": str(sum(b'"__parentId": "gid' not in line for line in found)),
            "url": FILE if found else None,
            **fields,
        }
        return self.operations[job_id]

    def file(self, arrange: Callable[[list[dict]], list[dict]] = list) -> bytes:
        """The records as a bulk operation writes them, grouped unless arranged otherwise."""
        inner, _ = LISTED[self.resource]
        written = []
        for record in self.records:
            plain = {name: value for name, value in record.items() if name != inner}
            if "fulfillments" in plain:
                plain["fulfillmentsCount"] = {"count": len(record["fulfillments"]), "precision": "EXACT"}
                plain["fulfillments"] = [_without_lines(each) for each in record["fulfillments"]]
            written.append(plain)
            written += [{**each, "__parentId": record["id"]} for each in record[inner]]
        return b"".join(json.dumps(line).encode() + b"\n" for line in arrange(written))

    def _run(self, asked: dict) -> dict:
        job_id = f"gid://shopify/BulkOperation/{len(self.operations) + 1}"
        self.operations[job_id] = operation(job_id, query=asked["query"])
        return {"data": {"bulkOperationRunQuery": {"bulkOperation": {"id": job_id}, "userErrors": []}}}

    def _within(self, query: str) -> list[dict]:
        since, until = (re.search(rf"updated_at:{mark}'([^']+)'", query) for mark in (">=", "<"))
        return [
            record
            for record in self.records
            if (since is None or record["updatedAt"] >= since.group(1))
            and (until is None or record["updatedAt"] < until.group(1))
        ]

    def _counted(self, query: str) -> dict:
        counted = {"count": len(self._within(query)), "precision": "EXACT"}
        return {"data": {f"{self.resource}Count": counted}}

    def _page(self, asked: dict) -> dict:
        found = self._within(asked["query"])
        begin = int(asked["after"] or 0)
        end = begin + asked["first"]
        rows = [self._listed(record) for record in found[begin:end]]
        return {"data": {self.resource: nodes(*rows, more=end < len(found), cursor=str(end))}}

    def _by_id(self, asked: dict) -> dict:
        there = {record["id"]: record for record in self.records}
        kind = LISTED[self.resource][1]
        found = [{"__typename": kind, **self._listed(there[gid])} if gid in there else None for gid in asked["ids"]]
        return {"data": {"nodes": found}}

    def _listed(self, record: dict) -> dict:
        inner, _ = LISTED[self.resource]
        first = 30 if self.resource == "orders" else 50
        node = {**record, inner: _cut(record[inner], 0, first)}
        if "fulfillments" in record:
            node["fulfillmentsCount"] = {"count": len(record["fulfillments"]), "precision": "EXACT"}
            node["fulfillments"] = [_with_lines(each) for each in record["fulfillments"][:50]]
        return node

    def _one(self, gid: str) -> dict:
        return next(record for record in self.records if record["id"] == gid)

    def _inner(self, asked: dict) -> dict:
        inner, kind = LISTED[self.resource]
        rows = self._one(asked["id"])[inner]
        return {"data": {kind.lower(): {inner: _cut(rows, int(asked["after"]), asked["first"])}}}

    def _fulfillments(self, asked: dict) -> dict:
        listed = [_with_lines(each) for each in self._one(asked["id"])["fulfillments"]]
        counted = {"count": len(listed), "precision": "EXACT"}
        return {"data": {"order": {"fulfillmentsCount": counted, "fulfillments": listed[: asked["first"]]}}}

    def _all_fulfillments(self) -> dict[str, dict]:
        return {each["id"]: each for record in self.records for each in record["fulfillments"]}

    def _lines_of_fulfillment(self, asked: dict) -> dict:
        rows = self._all_fulfillments()[asked["id"]]["fulfillmentLineItems"]
        cut = _cut(rows, int(asked["after"]), asked["first"])
        return {"data": {"fulfillment": {"fulfillmentLineItems": cut}}}

    def _fulfillments_by_id(self, asked: dict) -> dict:
        there = self._all_fulfillments()
        found = [there.get(gid) for gid in asked["ids"]]
        cut = [
            each and {"id": each["id"], "fulfillmentLineItems": _cut(each["fulfillmentLineItems"])} for each in found
        ]
        return {"data": {"nodes": cut}}


def submitted(shop: BulkShop, *, grouping: bool = False, **asked: object) -> tuple[BulkJob, str]:
    """The whole list as a job, which Shopify has begun."""
    given = {"since": SINCE, "until": UNTIL, **asked}
    job = client(shop, bulk_grouping=grouping).job(shop.resource, **given)  # type: ignore[arg-type]
    return job, job.submit()


def operation(job_id: str, **fields: object) -> dict:
    """A bulk operation as Shopify shows a fresh one."""
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


def refused(code: str, message: str) -> dict:
    """The answer to a bulk operation that Shopify doesn't take on."""
    errors = [{"field": None, "message": message, "code": code}]
    return {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": errors}}}


def day(text: str) -> datetime:
    """A moment."""
    return datetime.fromisoformat(text)


def _cut(rows: list[dict], begin: int = 0, first: int = 50) -> dict:
    end = begin + first
    return nodes(*rows[begin:end], more=end < len(rows), cursor=str(end))


def _with_lines(found: dict) -> dict:
    return {**found, "fulfillmentLineItems": _cut(found["fulfillmentLineItems"])}


def _without_lines(found: dict) -> dict:
    return {name: value for name, value in found.items() if name != "fulfillmentLineItems"}
