"""Voucherify's client against the sandbox over real HTTP: every list, beyond the last page, and the limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clocks import TurningClock

from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.voucherify.client import RESOURCES, VoucherifyClient
from airflow_provider_partners.exceptions import AuthenticationError, PagingError, ThrottledError
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.store import Sandbox, Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROJECT = {
    "app_id": "sandbox-app",
    "secret_key": "sandbox-secret-not-a-secret",
    "client_app_id": "sandbox-client",
    "client_token": "sandbox-client-not-a-secret",
    "client_origin": "https://a.example",
    "management_id": "sandbox-management",
    "management_token": "sandbox-management-not-a-secret",
    "project_id": "proj_1",
    "shop": "a.myshopify.com",
}
KEYS: dict[str, dict[str, Any]] = {
    "server": {"application_id": PROJECT["app_id"], "secret_key": PROJECT["secret_key"]},
    "client": {
        "application_id": PROJECT["client_app_id"],
        "secret_key": PROJECT["client_token"],
        "auth": "client",
        "origin": PROJECT["client_origin"],
    },
    "management": {
        "application_id": PROJECT["management_id"],
        "secret_key": PROJECT["management_token"],
        "auth": "management",
    },
}


@pytest.fixture(scope="module")
def served() -> Iterator[RunningSandbox]:
    with serve(Sandbox(store=Store(), credentials={"voucherify": PROJECT}, now=NOW)) as served:
        yield served


@pytest.fixture
def world(served: RunningSandbox) -> Iterator[RunningSandbox]:
    """An empty project without a limit; its switches as they were."""
    sandbox = served.sandbox
    before = dict(sandbox.switches)
    sandbox.switches["voucherify.rate_limit"] = 0
    for partner, owner, kind, key, _ in list(sandbox.store):
        sandbox.store.delete(partner, owner, kind, key)
    sandbox.calls.clear()
    yield served
    served.faults.clear()
    sandbox.switches.clear()
    sandbox.switches.update(before)


def client(world: RunningSandbox, family: str = "server", **options: Any) -> VoucherifyClient:
    given = {**KEYS[family], "base_url": f"{world.url}/voucherify", "ledger": InMemoryStore()}
    return VoucherifyClient(**{**given, "requests_per_minute": 6_000_000.0, **options})


def moment(milliseconds: int) -> str:
    at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def put(world: RunningSandbox, name: str, moments: list[int], scope: str = "") -> list[str]:
    """Rows of a list; their ids, oldest first."""
    ids = []
    for number, each in enumerate(moments):
        id_, at = f"{name}_{number:05}", moment(each)
        body = {"id": id_, "created_at": at, "updated_at": at, "date": at, "expiration_date": at}
        body |= {"reward": {"id": id_}, "assignment": {"id": id_}, "code": id_}
        world.sandbox.store.put("voucherify", scope, name, id_, body, at=at)
        ids.append(id_)
    return ids


@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_list_is_read_whole(world: RunningSandbox, name: str) -> None:
    row = RESOURCES[name]
    parents = {parent: PROJECT["project_id"] if parent == "project_id" else f"{parent}_1" for parent in row.parents}
    count = 10 if row.paging_style in {"limit_only", "single_shot"} and name != "segments" else 25
    wanted = put(world, name, [number // 2 * 10 for number in range(count)], "/".join(parents.values()))

    options = {} if count == 10 else {"page_size": 10}
    with client(world, row.family) as voucherify:
        found = list(voucherify.extract(name, parents=parents or None, **options).records())

    assert sorted(each["id"] for each in found) == wanted


@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
@pytest.mark.parametrize(("name", "optional"), [("redemptions", True), ("vouchers", False), ("customers", True)])
def test_a_list_beyond_its_last_page_is_read_whole(
    world: RunningSandbox, name: str, bounds: str, optional: bool
) -> None:
    world.sandbox.switches.update({"voucherify.time_bounds": bounds, "voucherify.optional_members": optional})
    wanted = put(world, name, [number // 40 * 7 for number in range(150)])

    with client(world) as voucherify:
        for window in ({}, {"since": "2026-05-01", "until": "2026-05-02"}):
            found = [row["id"] for row in voucherify.extract(name, page_size=1, **window).records(workers=3)]
            assert sorted(found) == wanted


def test_a_list_without_a_time_filter_beyond_its_last_page_is_an_error(world: RunningSandbox) -> None:
    put(world, "orders", list(range(201)))

    with client(world) as voucherify, pytest.raises(PagingError, match="201 rows here"):
        list(voucherify.extract("orders", page_size=2).records())


def test_a_walk_goes_on_when_its_cursor_has_expired(world: RunningSandbox) -> None:
    wanted = put(world, "loyalty_programs", list(range(25)))

    with client(world) as voucherify:
        extraction = voucherify.extract("loyalty_programs", page_size=10)
        first = next(extraction.pages())
        assert first.position is not None
        stale = {**first.position["cursor"], "token": "lcrsprg_" + "0" * 24}
        rest = [row for step in extraction.pages(position={**first.position, "cursor": stale}) for row in step.records]

    assert [row["id"] for row in [*first.records, *rest]] == wanted


def test_a_window_is_met_exactly_by_every_time(world: RunningSandbox) -> None:
    put(world, "customers", [0, 1, 999, 1000, 1001])

    with client(world) as voucherify:
        for field in ("created_at", "updated_at"):
            extraction = voucherify.extract("customers", time_field=field, since=moment(1), until=moment(1000))
            assert [row["id"] for row in extraction.records()] == ["customers_00001", "customers_00002"]


def test_filters_with_many_values_find_each_row_once(world: RunningSandbox) -> None:
    for number in range(50):
        body = {"id": f"r_{number:02}", "date": moment(number), "result": "SUCCESS", "customer_id": f"cust_{number}"}
        world.sandbox.store.put("voucherify", "", "redemptions", body["id"], body, at=body["date"])
    wanted = {"customer_id": {"conditions": {"$in": [f"cust_{number}" for number in range(45)]}}}

    with client(world) as voucherify:
        found = [row["id"] for row in voucherify.extract("redemptions", filters=wanted).records()]

    assert found == [f"r_{number:02}" for number in range(45)]


def test_single_records_are_found_by_id_and_by_the_stores_own(world: RunningSandbox) -> None:
    order = {"id": "ord_1", "source_id": "gid://shopify/Order/7", "created_at": moment(0)}
    world.sandbox.store.put("voucherify", "", "orders", "ord_1", order, at=order["created_at"])

    with client(world) as voucherify:
        for wanted in ("ord_1", "gid://shopify/Order/7"):
            extraction = voucherify.extract("orders", match={"id": ["unknown", wanted]})
            assert [row["id"] for row in extraction.records()] == ["ord_1"]


def test_tokens_are_exchanged_for_the_keys(world: RunningSandbox) -> None:
    put(world, "redemptions", [1])

    with client(world, auth="oauth", oauth_scope="redemptions, orders") as voucherify:
        assert voucherify.ping().endswith("1 redemptions.")


def test_wrong_keys_are_refused(world: RunningSandbox) -> None:
    with client(world, secret_key="wrong") as voucherify, pytest.raises(AuthenticationError):
        voucherify.ping()


def pings(voucherify: VoucherifyClient, count: int) -> None:
    for _ in range(count):
        voucherify.ping()


def test_a_project_whose_calls_of_the_hour_are_used_up_is_left_alone_until_the_hour_ends(world: RunningSandbox) -> None:
    world.sandbox.switches.update({"voucherify.rate_limit": 3, "voucherify.rate_period": "hour"})

    with (
        client(world, clock=TurningClock(time.time())) as voucherify,
        pytest.raises(ThrottledError, match="too long to wait") as caught,
    ):
        pings(voucherify, 5)

    assert 60 < caught.value.retry_after < 3700
    assert sum(world.sandbox.calls.values()) == 3


def test_a_plan_whose_cycle_is_used_up_fails_at_once(world: RunningSandbox) -> None:
    world.sandbox.switches.update({"voucherify.rate_limit": 3, "voucherify.rate_type": "api_calls_cycle"})

    with (
        client(world, clock=TurningClock(time.time())) as voucherify,
        pytest.raises(AuthenticationError, match="billing cycle"),
    ):
        pings(voucherify, 5)

    assert sum(world.sandbox.calls.values()) == 4
