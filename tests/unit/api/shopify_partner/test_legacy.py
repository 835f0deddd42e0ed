"""Lists that the Partner API had until 2025-04, and the parts of long windows of its events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from clocks import TurningClock

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.exceptions import ConfigurationError

SINCE, UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


class FakePartnerApi:
    """Gives every request the same answer, and records variables and documents."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.sent: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content))
        return httpx.Response(200, json=self.answer)

    @property
    def variables(self) -> list[dict[str, Any]]:
        return [sent["variables"] for sent in self.sent]


def make_client(api: FakePartnerApi, version: str = "2025-01") -> ShopifyPartnerClient:
    return ShopifyPartnerClient(
        organization_id=1,
        access_token="prtapi_x",
        api_version=version,
        options=ClientOptions(handler=httpx.MockTransport(api), clock=TurningClock(NOW.timestamp())),
    )


def connection(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False}, "edges": [{"cursor": "c", "node": node} for node in nodes]}


def job(number: int, at: str = "2025-01-01T10:00:00Z", shop: str = "a.myshopify.com") -> dict[str, Any]:
    return {"id": f"gid://partners/Job/{number}", "lastEventAt": at, "shop": {"myshopifyDomain": shop}}


@pytest.mark.covers("shopify.jobs", "shopify.jobs.statuses", "shopify.jobs.shopId", "shopify.jobs.lastEventAt")
def test_jobs_are_read_by_their_last_event() -> None:
    api = FakePartnerApi({
        "data": {"jobs": connection(job(1), job(2, "2025-01-02T00:00:00Z"), job(3, shop="b.myshopify.com"))}
    })

    records = (
        make_client(api)
        .extract("jobs", since=SINCE, until=UNTIL, types=["new", "OPENED"], shop_id=5, shop="a")
        .records()
    )

    assert [record["id"] for record in records] == ["gid://partners/Job/1"]
    assert api.variables == [
        {
            "first": 100,
            "statuses": ["NEW", "OPENED"],
            "shopId": "gid://partners/Shop/5",
            "lastEventAtMin": "2025-01-01T00:00:00.000000Z",
            "lastEventAtMax": "2025-01-02T00:00:00.000000Z",
        }
    ]


@pytest.mark.covers("shopify.conversations", "shopify.conversations.statuses")
def test_conversations_are_read_by_their_last_event() -> None:
    record = {"id": "gid://partners/Conversation/1", "lastEventAt": "2025-01-01T10:00:00Z"}
    api = FakePartnerApi({"data": {"conversations": connection(record)}})

    assert list(make_client(api).extract("conversations", since=SINCE, until=UNTIL, types="blocked").records()) == [
        record
    ]
    assert api.variables[0]["statuses"] == ["BLOCKED"]


@pytest.mark.covers("shopify.messages")
def test_messages_are_those_of_one_conversation() -> None:
    record = {"id": "gid://partners/Message/1", "sentAt": "2025-01-01T10:00:00Z", "body": "Hello"}
    api = FakePartnerApi({"data": {"conversation": {"messages": connection(record)}}})

    assert list(make_client(api).extract("messages", conversation_id=8).records()) == [record]
    assert api.variables[0]["conversationId"] == "gid://partners/Conversation/8"


@pytest.mark.parametrize("resource", ["jobs", "conversations", "messages"])
@pytest.mark.parametrize("version", ["2025-07", "2026-07", "unstable"])
def test_versions_without_these_lists_are_refused_with_the_reason(resource: str, version: str) -> None:
    api = FakePartnerApi({})

    with pytest.raises(
        ConfigurationError,
        match=rf"'{resource}' exists up to API version 2025-04, but {version} is configured.*around 2025-07",
    ):
        make_client(api, version).extract(resource, conversation_id=1 if resource == "messages" else None)
    assert api.sent == []


def test_an_answer_of_a_later_version_for_an_expired_one_is_explained() -> None:
    """Shopify "falls forward": it then checks the document against a schema without jobs."""
    api = FakePartnerApi({"errors": [{"message": "Field 'jobs' doesn't exist on type 'QueryRoot'", "extensions": {}}]})

    with pytest.raises(ConfigurationError, match=r"the API has no 'jobs'.*for an expired version Shopify answers"):
        list(make_client(api).extract("jobs").records())


@pytest.mark.parametrize(
    ("resource", "arguments", "message"),
    [
        ("jobs", {"app_id": 1}, "'jobs' can't be filtered by 'app_id'.*types, shop_id"),
        ("conversations", {"shop_id": 1}, "'conversations' can't be filtered by 'shop_id'"),
        ("conversations", {"shop": "a"}, "'conversations' can't be filtered by 'shop'"),
        ("transactions", {"conversation_id": 1}, "'transactions' can't be filtered by 'conversation_id'"),
        ("messages", {}, "'messages' needs 'conversation_id': messages are listed by conversation"),
        ("messages", {"conversation_id": "gid://partners/Job/1"}, "gid://partners/Conversation/<number>"),
        ("jobs", {"types": "LOST"}, "'types' of 'jobs' holds LOST.*AWAITING_RESPONSE"),
        ("jobs", {"page_size": 101}, "page_size=101"),
    ],
)
def test_unsupported_arguments_are_refused(resource: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_client(FakePartnerApi({})).extract(resource, **arguments)


# --- parts of long windows of historical events ---


def requested_ranges(since: datetime, until: datetime) -> list[tuple[str, str]]:
    api = FakePartnerApi({"data": {"events": connection()}})
    list(make_client(api, "2026-07").extract("events", since=since, until=until).records())
    return [(sent["filter"]["occurredAtMin"], sent["filter"]["occurredAtMax"]) for sent in api.variables]


def test_a_window_of_exactly_a_year_is_one_query() -> None:
    assert len(requested_ranges(NOW - YEAR, NOW)) == 1
    assert len(requested_ranges(NOW - YEAR - timedelta(microseconds=1), NOW)) == 2


def test_no_query_ends_in_the_future() -> None:
    assert requested_ranges(NOW - timedelta(days=1), NOW + 3 * YEAR) == [
        ("2026-05-31T12:00:00.000000Z", "2026-06-01T12:00:00.000000Z")
    ]


def test_a_window_in_the_future_sends_nothing_and_is_empty() -> None:
    api = FakePartnerApi({})
    extraction = make_client(api, "2026-07").extract("events", since=NOW, until=NOW + timedelta(days=1))

    assert list(extraction.records()) == []
    assert api.sent == []
    assert extraction.window is not None


def test_the_same_window_has_the_same_fingerprint_at_any_time() -> None:
    clock = TurningClock(NOW.timestamp())
    client = ShopifyPartnerClient(
        organization_id=1,
        access_token="x",
        options=ClientOptions(clock=clock, handler=httpx.MockTransport(FakePartnerApi({}))),
    )
    first = client.extract("events", since=NOW - 2 * YEAR, until=NOW + timedelta(days=1))
    clock.now += 7200

    assert (
        client.extract("events", since=NOW - 2 * YEAR, until=NOW + timedelta(days=1)).fingerprint == first.fingerprint
    )
