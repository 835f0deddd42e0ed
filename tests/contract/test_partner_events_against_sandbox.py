"""Historical events in windows of more than a year, over real HTTP: an event on an edge is returned once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sandbox import run_sandbox, shopify_partner_client

from airflow_provider_partners.sandbox.server import RunningSandbox

pytestmark = pytest.mark.usefixtures("quick_refusals")

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
EDGES = [NOW - 3 * YEAR, NOW - 2 * YEAR, NOW - YEAR, NOW]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    """A sandbox with an event at each edge of a year, and one microsecond before and after it."""
    with run_sandbox(shops=1, orders=5, now=NOW, switches={"shopify_partner.requests_per_second": 0}) as server:
        store = server.sandbox.store
        template = store.select("shopify_partner", "", "event")[0]
        timestamps = [
            edge + timedelta(microseconds=offset)
            for edge in EDGES
            for offset in (-1, 0, 1)
            if edge < NOW or offset <= 0
        ]
        for number, timestamp in enumerate(timestamps):
            event = {**template, "id": f"gid://shopify/PartnerEvent/9{number}", "occurredAt": text(timestamp)}
            store.put("shopify_partner", "", "event", event["id"], event, at=event["occurredAt"])
        yield server


def text(timestamp: datetime) -> str:
    return timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ids(records: Any) -> list[str]:
    return [record["id"] for record in records]


def stored_ids(server: RunningSandbox, since: datetime, until: datetime) -> list[str]:
    return sorted(
        event["id"]
        for event in server.sandbox.store.select("shopify_partner", "", "event")
        if since <= datetime.fromisoformat(event["occurredAt"]) < until
    )


@pytest.mark.parametrize("page_size", [3, 250])
def test_an_event_on_the_edge_of_two_queries_is_returned_once(server: RunningSandbox, page_size: int) -> None:
    with shopify_partner_client(server) as client:
        records = ids(client.extract("events", since=EDGES[0], until=EDGES[-1], page_size=page_size).records(workers=2))

    assert sorted(records) == stored_ids(server, EDGES[0], EDGES[-1])
    assert len(records) > 10


def test_adjacent_windows_share_no_event_and_leave_none_out(server: RunningSandbox) -> None:
    with shopify_partner_client(server) as client:
        for since, until in pairwise([*EDGES, NOW + YEAR]):
            assert sorted(ids(client.extract("events", since=since, until=until).records())) == stored_ids(
                server, since, until
            )
