"""Jobs, conversations and messages: in the versions of the Partner API that had them, and in no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sandbox import run_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Execute = Callable[..., dict[str, Any]]

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
JOBS = """query Jobs($first: Int, $after: String, $statuses: [JobStatus!], $shopId: ID, $lastEventAtMin: DateTime,
        $lastEventAtMax: DateTime) {
    jobs(first: $first, after: $after, statuses: $statuses, shopId: $shopId, lastEventAtMin: $lastEventAtMin,
            lastEventAtMax: $lastEventAtMax) {
        pageInfo { hasNextPage }
        edges { cursor node { id status confirmedCompleted createdAt lastEventAt dashboardUrl
            shop { id myshopifyDomain } services { handle name } requirements { question responses }
            conversation { id status } } } } }"""
CONVERSATIONS = """query Conversations($statuses: [ConversationStatus!], $unreadOnly: Boolean) {
    conversations(first: 100, statuses: $statuses, unreadOnly: $unreadOnly) {
        edges { node { id status hasUnreadMessages lastEventAt merchantUser { id name timezone }
            messages(first: 100) { edges { node { id body sentAt sentVia fileUrls sentBy {
                __typename ... on MerchantUser { id name } ... on Organization { id name }
                ... on Shop { id myshopifyDomain } ... on TeamMember { id } ... on ShopifyEmployee { id }
            } } } } } } } }"""


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Any]:
    switches = {"shopify_partner.requests_per_second": 0, "shopify_partner.oldest_version": "2024-10"}
    with run_sandbox(shops=2, orders=5, now=NOW, switches=switches) as running:
        yield running


@pytest.fixture
def execute(running_sandbox: Any) -> Execute:
    known = running_sandbox.sandbox.credentials["shopify_partner"]

    def post(query: str, version: str = "2025-01", **variables: Any) -> dict[str, Any]:
        response = httpx.post(
            f"{running_sandbox.url}/shopify-partner/{known['organization_id']}/api/{version}/graphql.json",
            headers={"X-Shopify-Access-Token": known["tokens"][0]},
            json={"query": query, "variables": variables},
        )
        assert response.headers["x-shopify-api-version"] == version
        return response.json()

    return post


def nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


@pytest.mark.parametrize("version", ["2024-10", "2025-01", "2025-04"])
def test_every_status_of_a_job_occurs(execute: Execute, version: str) -> None:
    jobs = nodes(execute(JOBS, version, first=100)["data"]["jobs"])
    assert {job["status"] for job in jobs} == {
        "NEW", "OPENED", "RESPONDED", "AWAITING_RESPONSE", "COMPLETED", "DECLINED", "CLOSED", "EXPIRED", "INACTIVE",
    }  # fmt: skip
    assert all(job["confirmedCompleted"] is (job["status"] == "COMPLETED") for job in jobs)
    assert {job["conversation"] is None for job in jobs} == {True, False}


@pytest.mark.parametrize("version", ["2025-07", "2025-10", "2026-07"])
def test_later_versions_have_no_jobs(execute: Execute, version: str) -> None:
    body = execute("{ jobs(first: 1) { edges { node { id } } } }", version)
    assert "data" not in body
    assert body["errors"][0]["message"] == "Field 'jobs' doesn't exist on type 'QueryRoot'"
    assert body["errors"][0]["extensions"]["code"] == "undefinedField"


def test_old_versions_answer_only_if_they_are_switched_on(running_sandbox: Any, execute: Execute) -> None:
    switches = running_sandbox.sandbox.switches
    switches["shopify_partner.oldest_version"] = "2025-10"
    known = running_sandbox.sandbox.credentials["shopify_partner"]
    try:
        response = httpx.post(
            f"{running_sandbox.url}/shopify-partner/{known['organization_id']}/api/2025-01/graphql.json",
            headers={"X-Shopify-Access-Token": known["tokens"][0]},
            json={"query": "{ publicApiVersions { handle } }"},
        )
    finally:
        switches["shopify_partner.oldest_version"] = "2024-10"
    assert response.headers["x-shopify-api-version"] == "2025-10"
    assert {"handle": "2025-01"} not in response.json()["data"]["publicApiVersions"]


def test_pages_of_jobs_are_complete_and_without_duplicates(execute: Execute) -> None:
    every = nodes(execute(JOBS, first=100)["data"]["jobs"])
    walked: list[dict[str, Any]] = []
    after = None
    while True:
        page = execute(JOBS, first=4, after=after)["data"]["jobs"]
        walked += nodes(page)
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["edges"][-1]["cursor"]
    assert walked == every
    times = [job["lastEventAt"] for job in every]
    assert times == sorted(times, reverse=True)


def test_jobs_are_found_by_status_shop_and_last_event(execute: Execute) -> None:
    every = nodes(execute(JOBS, first=100)["data"]["jobs"])
    shop, edge = every[0]["shop"]["id"], every[4]["lastEventAt"]

    def find(**variables: Any) -> list[str]:
        return [job["id"] for job in nodes(execute(JOBS, first=100, **variables)["data"]["jobs"])]

    assert find(statuses=["NEW", "CLOSED"]) == [job["id"] for job in every if job["status"] in {"NEW", "CLOSED"}]
    assert find(shopId=shop) == [job["id"] for job in every if job["shop"]["id"] == shop]
    # Both ends belong to the range.
    assert find(lastEventAtMin=edge) == [job["id"] for job in every[:5]]
    assert find(lastEventAtMax=edge) == [job["id"] for job in every[4:]]


def test_a_page_of_more_than_a_hundred_is_refused(execute: Execute) -> None:
    assert execute(JOBS, first=101)["errors"][0]["message"] == "first must be between 0 and 100"


def test_conversations_have_messages_of_every_kind_of_sender(execute: Execute) -> None:
    conversations = nodes(execute(CONVERSATIONS)["data"]["conversations"])
    messages = [message for row in conversations for message in nodes(row["messages"])]
    assert {message["sentBy"]["__typename"] for message in messages} == {
        "MerchantUser", "Organization", "Shop", "TeamMember", "ShopifyEmployee",
    }  # fmt: skip
    assert {row["status"] for row in conversations} == {"ACTIVE", "BLOCKED"}
    assert {message["body"] is None for message in messages} == {True, False}
    for row in conversations:
        assert row["lastEventAt"] == max(message["sentAt"] for message in nodes(row["messages"]))


def test_conversations_are_found_by_status_and_unread_messages(execute: Execute) -> None:
    blocked = nodes(execute(CONVERSATIONS, statuses=["BLOCKED"])["data"]["conversations"])
    assert {row["status"] for row in blocked} == {"BLOCKED"}
    unread = nodes(execute(CONVERSATIONS, unreadOnly=True)["data"]["conversations"])
    assert {row["hasUnreadMessages"] for row in unread} == {True}


def test_one_job_and_its_conversation_are_read_by_id(execute: Execute) -> None:
    job = next(job for job in nodes(execute(JOBS, first=100)["data"]["jobs"]) if job["conversation"])
    query = """query One($job: ID!, $conversation: ID!, $since: DateTime) {
        job(id: $job) { id status }
        conversation(id: $conversation) {
            id messages(first: 100, sentAtMin: $since) { edges { node { id sentAt } } } } }"""
    data = execute(query, job=job["id"], conversation=job["conversation"]["id"])["data"]
    assert data["job"] == {"id": job["id"], "status": job["status"]}
    messages = nodes(data["conversation"]["messages"])
    later = execute(query, job=job["id"], conversation=job["conversation"]["id"], since=messages[1]["sentAt"])["data"]
    assert nodes(later["conversation"]["messages"]) == messages[:2]
    assert execute('{ job(id: "gid://partners/Job/1") { id } }')["data"] == {"job": None}
