"""Historical events in windows of more than a year, over real HTTP: what lies on an edge comes once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
EDGES = [NOW - 3 * YEAR, NOW - 2 * YEAR, NOW - YEAR, NOW]


@pytest.fixture(scope="module")
def world() -> Iterator[RunningSandbox]:
    with serve(build(shops=1, orders=5, now=NOW)) as served:
        served.sandbox.switches["shopify_partner.requests_per_second"] = 0
        store = served.sandbox.store
        known = store.select("shopify_partner", "", "event")[0]
        around = [
            edge + timedelta(microseconds=offset)
            for edge in EDGES
            for offset in (-1, 0, 1)
            if edge < NOW or offset <= 0
        ]
        for number, at in enumerate(around):
            event = {**known, "id": f"gid://shopify/PartnerEvent/9{number}", "occurredAt": text(at)}
            store.put("shopify_partner", "", "event", event["id"], event, at=event["occurredAt"])
        yield served


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def partner(served: RunningSandbox) -> ShopifyPartnerClient:
    known = served.sandbox.credentials["shopify_partner"]
    return ShopifyPartnerClient(
        organization_id=known["organization_id"],
        access_token=known["tokens"][0],
        base_url=f"{served.url}/shopify-partner",
        requests_per_second=1_000,
    )


def ids(rows: Any) -> list[str]:
    return [row["id"] for row in rows]


def between(served: RunningSandbox, since: datetime, until: datetime) -> list[str]:
    return sorted(
        event["id"]
        for event in served.sandbox.store.select("shopify_partner", "", "event")
        if since <= datetime.fromisoformat(event["occurredAt"]) < until
    )


@pytest.mark.parametrize("page_size", [3, 250])
def test_what_lies_on_the_edge_of_two_queries_comes_once(world: RunningSandbox, page_size: int) -> None:
    with partner(world) as client:
        rows = ids(client.extract("events", since=EDGES[0], until=EDGES[-1], page_size=page_size).records(workers=2))

    assert sorted(rows) == between(world, EDGES[0], EDGES[-1])
    assert len(rows) > 10


def test_windows_that_touch_share_no_event_and_leave_none_out(world: RunningSandbox) -> None:
    with partner(world) as client:
        for since, until in pairwise([*EDGES, NOW + YEAR]):
            assert sorted(ids(client.extract("events", since=since, until=until).records())) == between(
                world, since, until
            )
