"""Voucherify's client against the sandbox over HTTP: every list, lists beyond the last page, and rate limits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from clocks import TurningClock
from sandbox import restored_settings, voucherify_client

from airflow_provider_partners.api.voucherify.client import RESOURCES, VoucherifyClient
from airflow_provider_partners.exceptions import AuthenticationError, PagingError, ThrottledError
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.voucherify.rate_limits import RateLimiter

pytestmark = pytest.mark.usefixtures("quick_refusals")

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


@pytest.fixture(scope="module")
def voucherify_sandbox() -> Iterator[RunningSandbox]:
    with serve(Sandbox(store=Store(), credentials={"voucherify": PROJECT}, now=NOW)) as running:
        yield running


@pytest.fixture
def empty_project(voucherify_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """An empty project without a rate limit. The switches are restored after the test."""
    sandbox = voucherify_sandbox.sandbox
    for partner, owner, kind, key, _ in list(sandbox.store):
        sandbox.store.delete(partner, owner, kind, key)
    with restored_settings(voucherify_sandbox):
        sandbox.switches["voucherify.rate_limit"] = 0
        yield voucherify_sandbox


def timestamp(milliseconds: int) -> str:
    at = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def put_records(empty_project: RunningSandbox, name: str, times: list[int], scope: str = "") -> list[str]:
    """Store records of a list, created at these milliseconds, and return their ids, the oldest first."""
    ids = []
    for number, time_ in enumerate(times):
        id_, at = f"{name}_{number:05}", timestamp(time_)
        body = {"id": id_, "created_at": at, "updated_at": at, "date": at, "expiration_date": at}
        body |= {"reward": {"id": id_}, "assignment": {"id": id_}, "code": id_}
        empty_project.sandbox.store.put("voucherify", scope, name, id_, body, at=at)
        ids.append(id_)
    return ids


@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_list_is_read_completely(empty_project: RunningSandbox, name: str) -> None:
    resource = RESOURCES[name]
    parents = {
        parent: PROJECT["project_id"] if parent == "project_id" else f"{parent}_1" for parent in resource.parents
    }
    count = 10 if resource.paging_style in {"limit_only", "single_shot"} and name != "segments" else 25
    ids = put_records(empty_project, name, [number // 2 * 10 for number in range(count)], "/".join(parents.values()))

    options = {} if count == 10 else {"page_size": 10}
    with voucherify_client(empty_project, resource.family) as voucherify:
        result = list(voucherify.extract(name, parents=parents or None, **options).records())

    assert sorted(record["id"] for record in result) == ids


@pytest.mark.covers("voucherify.page.over_limit")
@pytest.mark.parametrize("bounds", ["inclusive", "exclusive"])
@pytest.mark.parametrize(("name", "optional"), [("redemptions", True), ("vouchers", False), ("customers", True)])
def test_a_list_beyond_its_last_page_is_complete(
    empty_project: RunningSandbox, name: str, bounds: str, optional: bool
) -> None:
    empty_project.sandbox.switches.update({"voucherify.time_bounds": bounds, "voucherify.optional_members": optional})
    ids = put_records(empty_project, name, [number // 40 * 7 for number in range(150)])

    with voucherify_client(empty_project) as voucherify:
        for window in ({}, {"since": "2026-05-01", "until": "2026-05-02"}):
            result = [record["id"] for record in voucherify.extract(name, page_size=1, **window).records(workers=3)]
            assert sorted(result) == ids


def test_a_list_without_a_time_filter_beyond_its_last_page_is_an_error(empty_project: RunningSandbox) -> None:
    put_records(empty_project, "orders", list(range(201)))

    with voucherify_client(empty_project) as voucherify, pytest.raises(PagingError, match="201 records here"):
        list(voucherify.extract("orders", page_size=2).records())


@pytest.mark.covers("voucherify.cursor.expired")
def test_a_list_continues_after_its_cursor_has_expired(empty_project: RunningSandbox) -> None:
    ids = put_records(empty_project, "loyalty_programs", list(range(25)))

    with voucherify_client(empty_project) as voucherify:
        extraction = voucherify.extract("loyalty_programs", page_size=10)
        first = next(extraction.pages())
        assert first.position is not None
        expired_cursor = {**first.position["cursor"], "token": "lcrsprg_" + "0" * 24}
        position = {**first.position, "cursor": expired_cursor}
        remaining = [record for page in extraction.pages(position=position) for record in page.records]

    assert [record["id"] for record in [*first.records, *remaining]] == ids


def test_a_window_is_applied_exactly_to_each_time(empty_project: RunningSandbox) -> None:
    put_records(empty_project, "customers", [0, 1, 999, 1000, 1001])

    with voucherify_client(empty_project) as voucherify:
        for field in ("created_at", "updated_at"):
            extraction = voucherify.extract("customers", time_field=field, since=timestamp(1), until=timestamp(1000))
            assert [record["id"] for record in extraction.records()] == ["customers_00001", "customers_00002"]


def test_filters_with_many_values_return_each_record_once(empty_project: RunningSandbox) -> None:
    for number in range(50):
        body = {"id": f"r_{number:02}", "date": timestamp(number), "result": "SUCCESS", "customer_id": f"cust_{number}"}
        empty_project.sandbox.store.put("voucherify", "", "redemptions", body["id"], body, at=body["date"])
    filters = {"customer_id": {"conditions": {"$in": [f"cust_{number}" for number in range(45)]}}}

    with voucherify_client(empty_project) as voucherify:
        result = [record["id"] for record in voucherify.extract("redemptions", filters=filters).records()]

    assert result == [f"r_{number:02}" for number in range(45)]


def test_an_order_is_found_by_its_id_and_by_the_stores_id(empty_project: RunningSandbox) -> None:
    order = {"id": "ord_1", "source_id": "gid://shopify/Order/7", "created_at": timestamp(0)}
    empty_project.sandbox.store.put("voucherify", "", "orders", "ord_1", order, at=order["created_at"])

    with voucherify_client(empty_project) as voucherify:
        for order_id in ("ord_1", "gid://shopify/Order/7"):
            extraction = voucherify.extract("orders", match={"id": ["unknown", order_id]})
            assert [record["id"] for record in extraction.records()] == ["ord_1"]


def test_tokens_are_exchanged_for_the_keys(empty_project: RunningSandbox) -> None:
    put_records(empty_project, "redemptions", [1])

    with voucherify_client(empty_project, auth="oauth", oauth_scope="redemptions, orders") as voucherify:
        assert voucherify.ping().endswith("1 redemptions.")


def test_wrong_keys_are_refused(empty_project: RunningSandbox) -> None:
    with voucherify_client(empty_project, secret_key="wrong") as voucherify, pytest.raises(AuthenticationError):
        voucherify.ping()


def ping_repeatedly(voucherify: VoucherifyClient, count: int) -> None:
    for _ in range(count):
        voucherify.ping()


def stop_limits(monkeypatch: pytest.MonkeyPatch, now: float) -> TurningClock:
    """Let the sandbox's limits count at one time, and return a clock of it. The end of an hour or a month differs."""
    monkeypatch.setattr(RateLimiter, "_clock", property(lambda _: lambda: now), raising=False)
    return TurningClock(now)


def test_an_exhausted_hourly_limit_gets_no_requests_until_the_hour_ends(
    empty_project: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_project.sandbox.switches.update({"voucherify.rate_limit": 3, "voucherify.rate_period": "hour"})
    now = time.time()
    clock = stop_limits(monkeypatch, now - 300 if now % 3600 > 3300 else now)

    with (
        voucherify_client(empty_project, clock=clock) as voucherify,
        pytest.raises(ThrottledError, match="too long here") as caught,
    ):
        ping_repeatedly(voucherify, 5)

    assert 60 < caught.value.retry_after < 3700
    assert sum(empty_project.sandbox.calls.values()) == 3


def test_an_exhausted_billing_cycle_fails_at_once(
    empty_project: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_project.sandbox.switches.update({"voucherify.rate_limit": 3, "voucherify.rate_type": "api_calls_cycle"})
    clock = stop_limits(monkeypatch, datetime(2026, 5, 15, tzinfo=UTC).timestamp())

    with (
        voucherify_client(empty_project, clock=clock) as voucherify,
        pytest.raises(AuthenticationError, match="billing cycle"),
    ):
        ping_repeatedly(voucherify, 5)

    assert sum(empty_project.sandbox.calls.values()) == 4


def test_a_long_list_is_complete_when_its_time_range_is_a_parameter(empty_project: RunningSandbox) -> None:
    """``created_at`` with one bound, as https://docs.voucherify.io/api-reference/listing documents it."""
    ids = put_records(empty_project, "vouchers", [number * 7 for number in range(150)])

    with voucherify_client(empty_project) as voucherify:
        for bound, expected in (({"after": timestamp(69)}, ids[10:]), ({"before": timestamp(981)}, ids[:141])):
            extraction = voucherify.extract("vouchers", page_size=1, parameters={"created_at": bound})
            assert sorted(record["id"] for record in extraction.records()) == expected


@pytest.mark.covers("voucherify.response.filters")
def test_a_shortcut_selects_what_the_filter_of_its_name_selects(empty_project: RunningSandbox) -> None:
    """Both are documented: the shortcuts on the page on lists, the filters in the OpenAPI description."""
    for number, campaign in enumerate(("Spring", "Autumn", "Spring")):
        voucher = {
            "id": f"v_{number}",
            "code": f"CODE-{number}",
            "campaign": campaign,
            "campaign_id": f"camp_{campaign}",
        }
        body = {"id": f"r_{number}", "date": timestamp(number), "voucher": voucher, "related_object_id": voucher["id"]}
        empty_project.sandbox.store.put("voucherify", "", "redemptions", body["id"], body, at=body["date"])
    values = {
        "campaign_name": "Spring",
        "voucher_code": "CODE-1",
        "related_object_id": "v_2",
        "related_object_parent_id": "camp_Autumn",
    }

    with voucherify_client(empty_project) as voucherify:
        for name, value in values.items():
            filters = {name: {"conditions": {"$is": value}}}
            by_shortcut = list(voucherify.extract("redemptions", parameters={name: value}).records())
            assert by_shortcut == list(voucherify.extract("redemptions", filters=filters).records())
            assert 0 < len(by_shortcut) < 3
