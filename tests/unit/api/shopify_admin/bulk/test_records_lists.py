"""Files of lists whose records are inside of other objects: refunds of orders, inventory levels of locations."""

from __future__ import annotations

import json
from typing import Any

import httpx
from fakes.admin_api import SINCE, UNTIL, FakeAdminApi, connection, make_client

FILE = "https://storage.googleapis.com/result.jsonl"
JOB = "gid://shopify/BulkOperation/1"
EMPTY = {name: connection() for name in ("transactions", "refundShippingLines", "orderAdjustments")}


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def refund(number: int, order: int) -> dict[str, Any]:
    """A refund as the file has it: a bulk operation accepts no connection inside of a plain list."""
    return {"id": gid("Refund", number), "order": {"id": gid("Order", order), "updatedAt": "2026-05-01T00:30:00Z"}}


def records_of_file(api: FakeAdminApi, resource: str, *lines: dict) -> list[dict[str, Any]]:
    """Return the records of a completed operation with this file."""
    roots = sum("__parentId" not in line for line in lines)
    operation = {
        "id": JOB,
        "status": "COMPLETED",
        "errorCode": None,
        "createdAt": "2026-05-02T00:00:00Z",
        "completedAt": "2026-05-02T00:01:00Z",
        "objectCount": str(len(lines)),
        "rootObjectCount": str(roots),
        "url": FILE,
        "partialDataUrl": None,
        "query": "",
    }
    api.answers["BulkById"] = {"data": {"nodes": [operation]}}
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=content) if str(request.url) == FILE else api(request)

    job = make_client(answer).job(resource, since=SINCE, until=UNTIL)
    return list(job.extraction(JOB).records())


def test_the_lines_of_refunds_are_read_by_the_ids_of_the_refunds() -> None:
    """See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries#operation-restrictions."""
    lines = connection({"id": gid("RefundLineItem", 9), "quantity": 1})
    nodes = [{"__typename": "Refund", "id": gid("Refund", 1), "refundLineItems": lines, **EMPTY}]
    api = FakeAdminApi(RefundsById={"data": {"nodes": nodes}})

    orders = [{"id": gid("Order", 1), "refunds": [refund(1, 1)]}, {"id": gid("Order", 2), "refunds": []}]
    (record,) = records_of_file(api, "refunds", *orders)

    assert record["refundLineItems"] == [{"id": gid("RefundLineItem", 9), "quantity": 1}]
    assert record["order"]["id"] == gid("Order", 1)
    assert record["transactions"] == []
    assert api.variables_of("RefundsById") == [{"ids": [gid("Refund", 1)]}]


def test_an_order_whose_refund_no_longer_exists_is_read_again() -> None:
    again = {
        "__typename": "Order",
        "id": gid("Order", 1),
        "refunds": [{**refund(2, 1), "refundLineItems": connection(), **EMPTY}],
    }
    api = FakeAdminApi(RefundsById={"data": {"nodes": [None]}}, RefundsByParent={"data": {"nodes": [again]}})

    (record,) = records_of_file(api, "refunds", {"id": gid("Order", 1), "refunds": [refund(1, 1)]})

    assert record["id"] == gid("Refund", 2)
    assert api.variables_of("RefundsByParent") == [{"ids": [gid("Order", 1)]}]


def test_inventory_levels_of_a_file_are_records_without_their_locations() -> None:
    location = gid("Location", 1)
    levels = [{"id": f"{gid('InventoryLevel', number)}?inventory_item_id=7", "updatedAt": "x"} for number in (1, 2)]

    found = records_of_file(
        FakeAdminApi(), "inventory_levels", {"id": location}, *({**level, "__parentId": location} for level in levels)
    )

    assert found == levels


def test_locations_of_a_file_are_filtered_here() -> None:
    times = ("2026-04-30T23:59:59Z", "2026-05-01T00:00:00Z")
    lines = [{"id": gid("Location", number), "updatedAt": time} for number, time in enumerate(times)]
    assert records_of_file(FakeAdminApi(), "locations", *lines) == [lines[1]]
