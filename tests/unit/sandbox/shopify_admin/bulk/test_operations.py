"""Bulk operations over real HTTP: submitted, watched to the end, cancelled, failed, listed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from bulk_sandbox import ORDERS, OTHER, RUN, World, rows, serving, settled

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with serving() as running:
        yield running


@pytest.fixture
def world(served: Any) -> Iterator[World]:
    with settled(served) as world:
        yield world


def test_a_fresh_operation_looks_as_recorded(world: World) -> None:
    operation = world.run()["bulkOperation"]
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


def test_submitting_costs_ten_points_and_a_poll_one(world: World) -> None:
    cost = world.post(RUN, query=ORDERS, grouped=True)["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (10, 10)
    gid = world.ask("{ currentBulkOperation { id } }")["currentBulkOperation"]["id"]
    for poll in (f'node(id: "{gid}") {{ ... on BulkOperation {{ status }} }}', f'bulkOperation(id: "{gid}") {{ id }}'):
        assert world.post(f"{{ {poll} }}")["extensions"]["cost"]["requestedQueryCost"] == 1


def test_an_operation_runs_before_it_completes(world: World) -> None:
    world.switch("bulk_polls", 3)
    gid = world.submit()
    seen = [world.poll(gid)["status"] for _ in range(4)]
    assert seen == ["RUNNING", "RUNNING", "RUNNING", "COMPLETED"]


def test_an_operation_takes_as_long_as_it_is_told_to(world: World) -> None:
    world.switch("bulk_seconds", 300)
    gid = world.submit()
    world.sandbox.now += timedelta(seconds=299)
    assert [world.poll(gid)["status"] for _ in range(3)] == ["RUNNING"] * 3
    world.sandbox.now += timedelta(seconds=1)
    assert world.ended(gid)["completedAt"] == "2026-05-20T14:05:00Z"


def test_a_denied_field_fails_the_operation(world: World) -> None:
    world.switch("access_denied", ["Order.customer"])
    operation = world.ended(world.submit())
    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "ACCESS_DENIED", None)


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT", "ACCESS_DENIED"])
def test_a_failed_operation_gives_what_it_had_written(world: World, code: str) -> None:
    world.switch("bulk_failure", {"code": code, "after": 10})
    operation = world.ended(world.submit())
    assert (operation["status"], operation["errorCode"], operation["objectCount"]) == ("FAILED", code, "10")
    assert operation["url"] is None
    assert len(rows(httpx.get(operation["partialDataUrl"]))) == 10
    assert world.ended(world.submit())["status"] == "COMPLETED"


def test_an_operation_that_fails_at_once_gives_nothing(world: World) -> None:
    world.switch("bulk_failure", {"code": "TIMEOUT"})
    operation = world.ended(world.submit())
    assert (operation["status"], operation["partialDataUrl"]) == ("FAILED", None)


def test_a_cancelled_operation_is_canceling_first(world: World) -> None:
    world.switch("bulk_seconds", 3_600)
    gid = world.submit()
    world.poll(gid)
    cancelled = world.cancel(gid)
    assert (cancelled["bulkOperation"]["status"], cancelled["userErrors"]) == ("CANCELING", [])
    assert [world.poll(gid)["status"] for _ in range(2)] == ["CANCELING", "CANCELED"]
    assert world.poll(gid)["url"] is None


def test_an_ended_operation_cannot_be_cancelled(world: World) -> None:
    gid = world.submit()
    world.ended(gid)
    refused = world.cancel(gid)
    message = "A bulk operation cannot be canceled when it is completed"
    assert refused["userErrors"] == [{"field": None, "message": message}]
    assert refused["bulkOperation"]["status"] == "COMPLETED"


def test_an_unknown_operation_cannot_be_cancelled(world: World) -> None:
    refused = world.cancel("gid://shopify/BulkOperation/1")
    assert refused == {
        "bulkOperation": None,
        "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}],
    }


@pytest.mark.parametrize(("version", "most"), [("2025-10", 1), ("2026-01", 5), ("2026-07", 5)])
def test_only_so_many_operations_run_at_a_time(world: World, version: str, most: int) -> None:
    world.version = version
    world.switch("bulk_seconds", 3_600)
    ids = [world.submit() for _ in range(most)]
    refused = world.run()
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
    world.shop = OTHER
    assert world.run()["userErrors"] == []


def test_there_is_room_again_once_an_operation_ends(world: World) -> None:
    world.version = "2025-10"
    world.ended(world.submit())
    assert world.run()["userErrors"] == []


def test_an_operation_nobody_asks_for_ends_by_itself(world: World) -> None:
    world.version = "2025-10"
    gid = world.submit()
    assert world.run()["bulkOperation"] is None
    world.sandbox.now += timedelta(minutes=2)
    assert world.run()["userErrors"] == []
    assert world.poll(gid)["status"] == "COMPLETED"


def test_operations_of_another_client_take_up_room(world: World) -> None:
    world.switch("bulk_foreign_jobs", 5)
    (error,) = world.run()["userErrors"]
    foreign = world.ask('{ bulkOperations(first: 9, query: "status:RUNNING") { nodes { id status } } }')
    assert error["code"] == "OPERATION_IN_PROGRESS"
    assert all(row["id"] in error["message"] for row in foreign["bulkOperations"]["nodes"])
    assert len(foreign["bulkOperations"]["nodes"]) == 5
    world.switch("bulk_foreign_jobs", 4)
    assert world.run()["userErrors"] == []


def test_a_stalled_operation_runs_until_shopify_cancels_it(world: World) -> None:
    world.switch("bulk_stalls", 7_200)
    gid = world.submit()
    world.sandbox.now += timedelta(seconds=7_199)
    seen = [world.poll(gid) for _ in range(5)]
    assert {(row["status"], row["objectCount"]) for row in seen} == {("RUNNING", "0")}
    world.sandbox.now += timedelta(seconds=1)
    assert world.ended(gid)["status"] == "CANCELED"


def test_operations_are_listed_newest_first(world: World) -> None:
    ids = []
    for _ in range(3):
        ids.append(world.submit("{ orders { edges { node { id } } } }"))
        world.ended(ids[-1])
        world.sandbox.now += timedelta(seconds=1)
    listed = world.ask("{ bulkOperations(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } }")
    page = listed["bulkOperations"]
    assert ([row["id"] for row in page["nodes"]], page["pageInfo"]["hasNextPage"]) == (ids[:0:-1], True)
    rest = world.ask(
        "query Rest($after: String) { bulkOperations(first: 2, after: $after) { nodes { id } } }",
        after=page["pageInfo"]["endCursor"],
    )
    assert [row["id"] for row in rest["bulkOperations"]["nodes"]] == ids[:1]
    assert world.ask("{ currentBulkOperation { id } }")["currentBulkOperation"]["id"] == ids[-1]


def test_operations_are_found_by_status_type_and_time(world: World) -> None:
    ended = world.submit()
    world.ended(ended)
    world.sandbox.now += timedelta(minutes=1)
    world.switch("bulk_seconds", 3_600)
    running = world.submit()

    def found(query: str) -> list[str]:
        listed = world.ask(
            "query Find($query: String) { bulkOperations(first: 9, query: $query) { nodes { id } } }", query=query
        )
        return [row["id"] for row in listed["bulkOperations"]["nodes"]]

    assert found("status:RUNNING operation_type:QUERY") == [running]
    assert found("status:completed") == [ended]
    assert found("operation_type:MUTATION") == []
    assert found("created_at:>='2026-05-20T14:01:00Z'") == [running]


def test_the_operations_of_one_shop_are_unknown_to_another(world: World) -> None:
    gid = world.submit()
    world.shop = OTHER
    assert world.poll(gid) is None
    assert world.ask("{ bulkOperations(first: 9) { nodes { id } } }")["bulkOperations"]["nodes"] == []


def test_an_id_of_another_kind_is_refused(world: World) -> None:
    body = world.post('{ bulkOperation(id: "gid://shopify/Product/1") { id } }')
    assert body["errors"][0]["message"] == "Invalid id: gid://shopify/Product/1"


def test_the_root_fields_came_with_2026_01(world: World) -> None:
    world.version = "2025-10"
    body = world.post("{ bulkOperations(first: 1) { nodes { id } } }")
    assert body["errors"][0]["extensions"]["code"] == "undefinedField"
    gid = world.submit()
    assert world.poll(gid)["id"] == gid
