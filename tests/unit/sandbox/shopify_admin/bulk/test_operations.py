"""Bulk operations over HTTP: submit, poll to the end, cancel, fail, list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from bulk_sandbox import ORDERS, OTHER, RUN, BulkClient, client_of, read_lines, serve_two_shops

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Any]:
    with serve_two_shops() as running:
        yield running


@pytest.fixture
def bulk_client(running_sandbox: Any) -> Iterator[BulkClient]:
    with client_of(running_sandbox) as bulk_client:
        yield bulk_client


def test_a_fresh_operation_looks_as_recorded(bulk_client: BulkClient) -> None:
    operation = bulk_client.run()["bulkOperation"]
    assert operation.pop("id").startswith("gid://shopify/BulkOperation/")
    assert operation == {
        "type": "QUERY",
        "status": "CREATED",
        "errorCode": None,
        "createdAt": "2026-05-20T14:00:00Z",
        "completedAt": None,
        "objectCount": "0",
        "rootObjectCount": "0",
        "fileSize": None,
        "url": None,
        "partialDataUrl": None,
        "query": ORDERS,
    }


def test_submitting_costs_ten_points_and_a_poll_one(bulk_client: BulkClient) -> None:
    cost = bulk_client.post(RUN, query=ORDERS, grouped=True)["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (10, 10)
    gid = bulk_client.execute("{ currentBulkOperation { id } }")["currentBulkOperation"]["id"]
    for poll in (f'node(id: "{gid}") {{ ... on BulkOperation {{ status }} }}', f'bulkOperation(id: "{gid}") {{ id }}'):
        assert bulk_client.post(f"{{ {poll} }}")["extensions"]["cost"]["requestedQueryCost"] == 1


def test_an_operation_runs_before_it_completes(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_polls", 3)
    gid = bulk_client.submit()
    seen = [bulk_client.poll(gid)["status"] for _ in range(4)]
    assert seen == ["RUNNING", "RUNNING", "RUNNING", "COMPLETED"]


def test_an_operation_takes_as_long_as_the_switches_say(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_seconds", 300)
    gid = bulk_client.submit()
    bulk_client.sandbox.now += timedelta(seconds=299)
    assert [bulk_client.poll(gid)["status"] for _ in range(3)] == ["RUNNING"] * 3
    bulk_client.sandbox.now += timedelta(seconds=1)
    assert bulk_client.ended(gid)["completedAt"] == "2026-05-20T14:05:00Z"


def test_a_denied_field_fails_the_operation(bulk_client: BulkClient) -> None:
    bulk_client.switch("access_denied", ["Order.customer"])
    operation = bulk_client.ended(bulk_client.submit())
    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "ACCESS_DENIED", None)


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT", "ACCESS_DENIED"])
def test_a_failed_operation_returns_its_partial_file(bulk_client: BulkClient, code: str) -> None:
    bulk_client.switch("bulk_failure", {"code": code, "after": 10})
    operation = bulk_client.ended(bulk_client.submit())
    assert (operation["status"], operation["errorCode"], operation["objectCount"]) == ("FAILED", code, "10")
    assert operation["url"] is None
    assert len(read_lines(httpx.get(operation["partialDataUrl"]))) == 10
    assert bulk_client.ended(bulk_client.submit())["status"] == "COMPLETED"


def test_an_operation_that_fails_at_once_has_no_file(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_failure", {"code": "TIMEOUT"})
    operation = bulk_client.ended(bulk_client.submit())
    assert (operation["status"], operation["partialDataUrl"]) == ("FAILED", None)


def test_a_cancelled_operation_is_canceling_first(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_seconds", 3_600)
    gid = bulk_client.submit()
    bulk_client.poll(gid)
    cancelled = bulk_client.cancel(gid)
    assert (cancelled["bulkOperation"]["status"], cancelled["userErrors"]) == ("CANCELING", [])
    assert [bulk_client.poll(gid)["status"] for _ in range(2)] == ["CANCELING", "CANCELED"]
    assert bulk_client.poll(gid)["url"] is None


def test_an_ended_operation_cannot_be_cancelled(bulk_client: BulkClient) -> None:
    gid = bulk_client.submit()
    bulk_client.ended(gid)
    refused = bulk_client.cancel(gid)
    message = "A bulk operation cannot be canceled when it is completed"
    assert refused["userErrors"] == [{"field": None, "message": message}]
    assert refused["bulkOperation"]["status"] == "COMPLETED"


def test_an_unknown_operation_cannot_be_cancelled(bulk_client: BulkClient) -> None:
    refused = bulk_client.cancel("gid://shopify/BulkOperation/1")
    assert refused == {
        "bulkOperation": None,
        "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}],
    }


@pytest.mark.parametrize(("version", "most"), [("2025-10", 1), ("2026-01", 5), ("2026-07", 5)])
def test_the_number_of_running_operations_is_limited(bulk_client: BulkClient, version: str, most: int) -> None:
    bulk_client.version = version
    bulk_client.switch("bulk_seconds", 3_600)
    ids = [bulk_client.submit() for _ in range(most)]
    refused = bulk_client.run()
    assert refused == {
        "bulkOperation": None,
        "userErrors": [
            {
                "field": None,
                "message": f"A bulk query operation for this app and shop is already in progress: {', '.join(ids)}.",
                "code": "OPERATION_IN_PROGRESS",
            }
        ],
    }
    bulk_client.shop = OTHER
    assert bulk_client.run()["userErrors"] == []


def test_a_new_operation_can_start_after_one_ends(bulk_client: BulkClient) -> None:
    bulk_client.version = "2025-10"
    bulk_client.ended(bulk_client.submit())
    assert bulk_client.run()["userErrors"] == []


def test_an_operation_that_nobody_polls_ends_by_itself(bulk_client: BulkClient) -> None:
    bulk_client.version = "2025-10"
    gid = bulk_client.submit()
    assert bulk_client.run()["bulkOperation"] is None
    bulk_client.sandbox.now += timedelta(minutes=2)
    assert bulk_client.run()["userErrors"] == []
    assert bulk_client.poll(gid)["status"] == "COMPLETED"


def test_operations_of_another_client_count_towards_the_limit(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_foreign_jobs", 5)
    (error,) = bulk_client.run()["userErrors"]
    foreign = bulk_client.execute('{ bulkOperations(first: 9, query: "status:RUNNING") { nodes { id status } } }')
    assert error["code"] == "OPERATION_IN_PROGRESS"
    assert all(row["id"] in error["message"] for row in foreign["bulkOperations"]["nodes"])
    assert len(foreign["bulkOperations"]["nodes"]) == 5
    bulk_client.switch("bulk_foreign_jobs", 4)
    assert bulk_client.run()["userErrors"] == []


def test_a_stalled_operation_runs_until_shopify_cancels_it(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_stalls", 7_200)
    gid = bulk_client.submit()
    bulk_client.sandbox.now += timedelta(seconds=7_199)
    seen = [bulk_client.poll(gid) for _ in range(5)]
    assert {(row["status"], row["objectCount"]) for row in seen} == {("RUNNING", "0")}
    bulk_client.sandbox.now += timedelta(seconds=1)
    assert bulk_client.ended(gid)["status"] == "CANCELED"


def test_operations_are_listed_newest_first(bulk_client: BulkClient) -> None:
    ids = []
    for _ in range(3):
        ids.append(bulk_client.submit("{ orders { edges { node { id } } } }"))
        bulk_client.ended(ids[-1])
        bulk_client.sandbox.now += timedelta(seconds=1)
    listed = bulk_client.execute("{ bulkOperations(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } }")
    page = listed["bulkOperations"]
    assert ([row["id"] for row in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (ids[:0:-1], True)
    second = bulk_client.execute(
        "query SecondPage($after: String) { bulkOperations(first: 2, after: $after) { nodes { id } } }",
        after=page["pageInfo"]["endCursor"],
    )
    assert [row["id"] for row in second["bulkOperations"]["nodes"]] == ids[:1]
    assert bulk_client.execute("{ currentBulkOperation { id } }")["currentBulkOperation"]["id"] == ids[-1]


def test_operations_are_found_by_status_type_and_time(bulk_client: BulkClient) -> None:
    ended = bulk_client.submit()
    bulk_client.ended(ended)
    bulk_client.sandbox.now += timedelta(minutes=1)
    bulk_client.switch("bulk_seconds", 3_600)
    running = bulk_client.submit()

    def find(query: str) -> list[str]:
        listed = bulk_client.execute(
            "query Find($query: String) { bulkOperations(first: 9, query: $query) { nodes { id } } }", query=query
        )
        return [row["id"] for row in listed["bulkOperations"]["nodes"]]

    assert find("status:RUNNING operation_type:QUERY") == [running]
    assert find("status:completed") == [ended]
    assert find("operation_type:MUTATION") == []
    assert find("created_at:>='2026-05-20T14:01:00Z'") == [running]


def test_the_operations_of_one_shop_are_unknown_to_another(bulk_client: BulkClient) -> None:
    gid = bulk_client.submit()
    bulk_client.shop = OTHER
    assert bulk_client.poll(gid) is None
    assert bulk_client.execute("{ bulkOperations(first: 9) { nodes { id } } }")["bulkOperations"]["nodes"] == []


def test_an_id_of_another_kind_is_refused(bulk_client: BulkClient) -> None:
    body = bulk_client.post('{ bulkOperation(id: "gid://shopify/Product/1") { id } }')
    assert body["errors"][0]["message"] == "Invalid id: gid://shopify/Product/1"


def test_the_root_fields_came_with_2026_01(bulk_client: BulkClient) -> None:
    bulk_client.version = "2025-10"
    body = bulk_client.post("{ bulkOperations(first: 1) { nodes { id } } }")
    assert body["errors"][0]["extensions"]["code"] == "undefinedField"
    gid = bulk_client.submit()
    assert bulk_client.poll(gid)["id"] == gid
