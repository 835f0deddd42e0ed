"""Windows of returns and lists of predictions over real HTTP, under every behaviour that is not documented."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from client_options import gather_options

from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SORTABLE = {"yofi.sortable": {"returns.list": ["return_created_at_epoch"]}}
Record = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with serve(build(shops=1, orders=150, now=NOW)) as served:
        yield served


@pytest.fixture
def world(served: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox as it was: switches, and returns that came or went."""
    store, switches = served.sandbox.store, dict(served.sandbox.switches)
    shop = name(served)
    before = {row["id"]: row for row in store.select("yofi", shop, "return")}
    yield served
    served.sandbox.switches.clear()
    served.sandbox.switches.update(switches)
    now = {row["id"] for row in store.select("yofi", shop, "return")}
    for id_ in now - set(before):
        store.delete("yofi", shop, "return", id_)
    for id_ in set(before) - now:
        at = datetime.fromtimestamp(before[id_]["attributes"]["return_created_at_epoch"], UTC)
        store.put("yofi", shop, "return", id_, before[id_], at=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def name(world: RunningSandbox) -> str:
    return str(next(iter(world.sandbox.credentials["yofi"]["shops"])))


def client(world: RunningSandbox) -> YofiClient:
    names = ("secret", "issuer", "subject", "client_id", "organization_id", "platform")
    credentials = {name: world.sandbox.credentials["yofi"][name] for name in names}
    given = {"base_url": f"{world.url}/yofi", "requests_per_second": 10_000.0, "rate_limit_store": InMemoryStore()}
    return YofiClient(**gather_options(shop=name(world), **credentials, **given))


def stored(world: RunningSandbox, kind: str) -> list[Record]:
    return list(world.sandbox.store.select("yofi", name(world), kind))


def returned(world: RunningSandbox, since: datetime, until: datetime) -> list[str]:
    first, last = since.timestamp(), until.timestamp()
    return sorted(
        row["id"] for row in stored(world, "return") if first <= row["attributes"]["return_created_at_epoch"] < last
    )


@pytest.mark.parametrize(
    "switches",
    [
        SORTABLE,
        {},
        {"yofi.sort": "ignore"},
        {**SORTABLE, "yofi.sort": "ignore"},
        {**SORTABLE, "yofi.meta": False, "yofi.links": False},
        {"yofi.meta": False, "yofi.links": False, "yofi.page_size_max": 10},
    ],
    ids=str,
)
@pytest.mark.parametrize("page_size", [4, 30])
def test_windows_of_returns_give_every_one_once_whatever_can_be_sorted(
    world: RunningSandbox, switches: dict[str, Any], page_size: int
) -> None:
    world.sandbox.switches.update(switches)
    edges = [NOW - timedelta(days=days) for days in (400, 60, 30, 7, 2, -1)]
    with client(world) as yofi:
        for since, until in pairwise(edges):
            rows = yofi.extract("returns", since=since, until=until, page_size=page_size).records()
            assert sorted(row["id"] for row in rows) == returned(world, since, until)


@pytest.mark.parametrize("switches", [SORTABLE, {}], ids=["by returns", "by orders"])
def test_a_late_return_of_an_old_order_is_in_the_window_of_the_day_it_came(
    world: RunningSandbox, switches: dict[str, Any]
) -> None:
    world.sandbox.switches.update(switches)
    since = NOW - timedelta(days=2)
    late = {
        row["id"]
        for row in stored(world, "return")
        if row["attributes"]["return_created_at_epoch"] >= since.timestamp()
        and row["attributes"]["order_created_at_epoch"] < since.timestamp() - 45 * 86_400
    }
    with client(world) as yofi:
        found = {row["id"] for row in yofi.extract("returns", since=since, until=NOW, page_size=5).records()}

    assert late
    assert late <= found


@pytest.mark.parametrize("switches", [SORTABLE, {}], ids=["by returns", "by orders"])
@pytest.mark.parametrize("happening", ["yofi.drift", "yofi.removal"])
def test_returns_that_come_or_go_during_a_walk_neither_double_nor_hide_others(
    world: RunningSandbox, switches: dict[str, Any], happening: str
) -> None:
    since = NOW - timedelta(days=30)
    before = set(returned(world, since, NOW + timedelta(days=1)))
    world.sandbox.switches.update({**switches, happening: True})

    with client(world) as yofi:
        found = [row["id"] for row in yofi.extract("returns", since=since, page_size=5).records()]

    after = set(returned(world, since, NOW + timedelta(days=1)))
    assert len(found) == len(set(found))
    assert before & after <= set(found)
    if happening == "yofi.drift":
        arrived = after - before
        assert len(arrived) > 2
        # Even those that came while the list was read, all but what came with the last page.
        assert len(arrived - set(found)) <= 1


@pytest.mark.parametrize("semantics", ["included", "returns", "ignored"])
def test_predictions_are_the_same_rows_whatever_their_filter_does(world: RunningSandbox, semantics: str) -> None:
    text = "predicted_value>0.7"
    by_id = {row["id"]: row["attributes"] for row in stored(world, "return_prediction")}
    expected = sorted(
        (row["id"], id_)
        for row in stored(world, "return")
        for _, id_ in row["relationships"]["return_predictions"]
        if by_id[id_]["predicted_value"] > 0.7
    )
    world.sandbox.switches["yofi.prediction_filter_semantics"] = semantics

    with client(world) as yofi:
        found = list(yofi.extract("return_predictions", prediction_filter=text).records())

    assert sorted((row["return_id"], row["id"]) for row in found) == expected
    assert expected
    assert all(row["order_id"] and row["return_created_at_epoch"] for row in found)


def test_predictions_of_a_window_are_those_of_its_returns(world: RunningSandbox) -> None:
    since, until = NOW - timedelta(days=60), NOW - timedelta(days=7)
    with client(world) as yofi:
        found = {row["return_id"] for row in yofi.extract("return_predictions", since=since, until=until).records()}

    assert sorted(found) == returned(world, since, until)


def test_predictions_of_customers_are_rows_of_their_own(world: RunningSandbox) -> None:
    expected = sorted(
        (row["id"], id_)
        for row in stored(world, "customer")
        for _, id_ in row["relationships"]["customer_predictions"] or []
    )
    with client(world) as yofi:
        found = list(yofi.extract("customer_predictions").records())
        known = yofi.extract("customer_predictions", match={"customer_id": {row["customer_id"] for row in found}})
        again = list(known.records())

    assert sorted((row["customer_entity_id"], row["id"]) for row in found) == expected
    assert sorted(row["id"] for row in again) == sorted(row["id"] for row in found)


@pytest.mark.parametrize("alternatives", ["accept", "refuse", "first"])
def test_customers_are_found_by_their_ids_however_they_may_be_asked_for(
    world: RunningSandbox, alternatives: str
) -> None:
    world.sandbox.switches["yofi.customers_or"] = alternatives
    wanted = [row["attributes"]["customer_id"] for row in stored(world, "customer")][:12]

    with client(world) as yofi:
        found = yofi.extract("customers", match={"customer_id": wanted}).records(workers=3)

        assert sorted(row["customer_id"] for row in found) == sorted(wanted)


def test_customers_that_go_during_a_walk_hide_no_other(world: RunningSandbox) -> None:
    store, shop = world.sandbox.store, name(world)
    before = {row["id"]: row for row in stored(world, "customer")}
    world.sandbox.switches["yofi.removal"] = True
    try:
        with client(world) as yofi:
            found = [row["id"] for row in yofi.extract("customers", page_size=5).records()]
        left = {row["id"] for row in stored(world, "customer")}
    finally:
        for id_, row in before.items():
            store.put("yofi", shop, "customer", id_, row, at="2026-01-01T00:00:00Z")

    assert len(left) < len(before)
    assert left <= set(found)
    assert len(found) == len(set(found))
