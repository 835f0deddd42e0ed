"""Time ranges of returns and lists of predictions over real HTTP, with every undocumented behaviour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sandbox import restored_settings, run_sandbox, yofi_client

from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.sandbox.server import RunningSandbox

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SORTABLE = {"yofi.sortable": {"returns.list": ["return_created_at_epoch"]}}
Record = dict[str, Any]


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=150, now=NOW) as running:
        yield running


@pytest.fixture
def yofi_sandbox(running_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox; its switches and returns are restored afterwards."""
    store, shop = running_sandbox.sandbox.store, name(running_sandbox)
    before = {record["id"]: record for record in store.select("yofi", shop, "return")}
    with restored_settings(running_sandbox):
        yield running_sandbox
    now = {record["id"] for record in store.select("yofi", shop, "return")}
    for id_ in now - set(before):
        store.delete("yofi", shop, "return", id_)
    for id_ in set(before) - now:
        at = datetime.fromtimestamp(before[id_]["attributes"]["return_created_at_epoch"], UTC)
        store.put("yofi", shop, "return", id_, before[id_], at=at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def name(yofi_sandbox: RunningSandbox) -> str:
    return str(next(iter(yofi_sandbox.sandbox.credentials["yofi"]["shops"])))


def client(yofi_sandbox: RunningSandbox) -> YofiClient:
    return yofi_client(yofi_sandbox, name(yofi_sandbox))


def stored(yofi_sandbox: RunningSandbox, kind: str) -> list[Record]:
    return list(yofi_sandbox.sandbox.store.select("yofi", name(yofi_sandbox), kind))


def returned(yofi_sandbox: RunningSandbox, since: datetime, until: datetime) -> list[str]:
    first, last = since.timestamp(), until.timestamp()
    return sorted(
        record["id"]
        for record in stored(yofi_sandbox, "return")
        if first <= record["attributes"]["return_created_at_epoch"] < last
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
def test_time_ranges_give_every_return_once_with_any_sortable_fields(
    yofi_sandbox: RunningSandbox, switches: dict[str, Any], page_size: int
) -> None:
    yofi_sandbox.sandbox.switches.update(switches)
    edges = [NOW - timedelta(days=days) for days in (400, 60, 30, 7, 2, -1)]
    with client(yofi_sandbox) as yofi:
        for since, until in pairwise(edges):
            records = yofi.extract("returns", since=since, until=until, page_size=page_size).records()
            assert sorted(record["id"] for record in records) == returned(yofi_sandbox, since, until)


@pytest.mark.parametrize("switches", [SORTABLE, {}], ids=["by returns", "by orders"])
def test_a_late_return_of_an_old_order_is_in_the_time_range_of_its_own_date(
    yofi_sandbox: RunningSandbox, switches: dict[str, Any]
) -> None:
    yofi_sandbox.sandbox.switches.update(switches)
    since = NOW - timedelta(days=2)
    late = {
        record["id"]
        for record in stored(yofi_sandbox, "return")
        if record["attributes"]["return_created_at_epoch"] >= since.timestamp()
        and record["attributes"]["order_created_at_epoch"] < since.timestamp() - 45 * 86_400
    }
    with client(yofi_sandbox) as yofi:
        records = {record["id"] for record in yofi.extract("returns", since=since, until=NOW, page_size=5).records()}

    assert late
    assert late <= records


@pytest.mark.parametrize("switches", [SORTABLE, {}], ids=["by returns", "by orders"])
@pytest.mark.parametrize("happening", ["yofi.drift", "yofi.removal"])
def test_returns_that_are_added_or_deleted_during_a_walk_neither_double_nor_hide_others(
    yofi_sandbox: RunningSandbox, switches: dict[str, Any], happening: str
) -> None:
    since = NOW - timedelta(days=30)
    before = set(returned(yofi_sandbox, since, NOW + timedelta(days=1)))
    yofi_sandbox.sandbox.switches.update({**switches, happening: True})

    with client(yofi_sandbox) as yofi:
        records = [record["id"] for record in yofi.extract("returns", since=since, page_size=5).records()]

    after = set(returned(yofi_sandbox, since, NOW + timedelta(days=1)))
    assert len(records) == len(set(records))
    assert before & after <= set(records)
    if happening == "yofi.drift":
        arrived = after - before
        assert len(arrived) > 2
        # Also those that arrived during the walk, except with the last page.
        assert len(arrived - set(records)) <= 1


@pytest.mark.parametrize("semantics", ["included", "returns", "ignored"])
def test_predictions_are_the_same_records_with_each_filter_semantics(
    yofi_sandbox: RunningSandbox, semantics: str
) -> None:
    text = "predicted_value>0.7"
    by_id = {record["id"]: record["attributes"] for record in stored(yofi_sandbox, "return_prediction")}
    expected = sorted(
        (record["id"], id_)
        for record in stored(yofi_sandbox, "return")
        for _, id_ in record["relationships"]["return_predictions"]
        if by_id[id_]["predicted_value"] > 0.7
    )
    yofi_sandbox.sandbox.switches["yofi.prediction_filter_semantics"] = semantics

    with client(yofi_sandbox) as yofi:
        records = list(yofi.extract("return_predictions", prediction_filter=text).records())

    assert sorted((record["return_id"], record["id"]) for record in records) == expected
    assert expected
    assert all(record["order_id"] and record["return_created_at_epoch"] for record in records)


def test_predictions_of_a_time_range_are_those_of_its_returns(yofi_sandbox: RunningSandbox) -> None:
    since, until = NOW - timedelta(days=60), NOW - timedelta(days=7)
    with client(yofi_sandbox) as yofi:
        records = {
            record["return_id"] for record in yofi.extract("return_predictions", since=since, until=until).records()
        }

    assert sorted(records) == returned(yofi_sandbox, since, until)


@pytest.mark.covers("yofi.customers.included")
def test_predictions_of_customers_are_records(yofi_sandbox: RunningSandbox) -> None:
    expected = sorted(
        (record["id"], id_)
        for record in stored(yofi_sandbox, "customer")
        for _, id_ in record["relationships"]["customer_predictions"] or []
    )
    with client(yofi_sandbox) as yofi:
        records = list(yofi.extract("customer_predictions").records())
        known = yofi.extract(
            "customer_predictions", match={"customer_id": {record["customer_id"] for record in records}}
        )
        again = list(known.records())

    assert sorted((record["customer_entity_id"], record["id"]) for record in records) == expected
    assert sorted(record["id"] for record in again) == sorted(record["id"] for record in records)


@pytest.mark.parametrize("alternatives", ["accept", "refuse", "first"])
def test_customers_are_matched_by_ids_with_each_behaviour_of_or(
    yofi_sandbox: RunningSandbox, alternatives: str
) -> None:
    yofi_sandbox.sandbox.switches["yofi.customers_or"] = alternatives
    ids_to_match = [record["attributes"]["customer_id"] for record in stored(yofi_sandbox, "customer")][:12]

    with client(yofi_sandbox) as yofi:
        records = yofi.extract("customers", match={"customer_id": ids_to_match}).records(workers=3)

        assert sorted(record["customer_id"] for record in records) == sorted(ids_to_match)


def test_customers_that_are_deleted_during_a_walk_hide_no_other(yofi_sandbox: RunningSandbox) -> None:
    store, shop = yofi_sandbox.sandbox.store, name(yofi_sandbox)
    before = {record["id"]: record for record in stored(yofi_sandbox, "customer")}
    yofi_sandbox.sandbox.switches["yofi.removal"] = True
    try:
        with client(yofi_sandbox) as yofi:
            records = [record["id"] for record in yofi.extract("customers", page_size=5).records()]
        remaining = {record["id"] for record in stored(yofi_sandbox, "customer")}
    finally:
        for id_, record in before.items():
            store.put("yofi", shop, "customer", id_, record, at="2026-01-01T00:00:00Z")

    assert len(remaining) < len(before)
    assert remaining <= set(records)
    assert len(records) == len(set(records))
