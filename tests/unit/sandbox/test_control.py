"""The control API: inspect and change a busy_sandbox while a sandbox serves it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.credentials import APP_ID
from airflow_provider_partners.sandbox.server import create_app, serve, switch_defaults
from airflow_provider_partners.sandbox.store import Sandbox, format_timestamp
from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.sandbox.world.changes.orders import CHANGES
from airflow_provider_partners.sandbox.world.changes.shop import Changes, NothingToDoError

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SHOP = "aurora-apparel.myshopify.com"


@contextmanager
def control(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with serve(sandbox) as running, httpx.Client(base_url=f"{running.url}/_sandbox", timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def shared():
    """A sandbox shared by tests that do not change its shops; each test restores its settings."""
    sandbox = build(shops=1, orders=3, now=NOW)
    with control(sandbox) as client:
        yield sandbox, client


@pytest.fixture
def sandbox(shared):
    yield shared[0]
    shared[0].now = NOW
    shared[0].calls.clear()
    shared[1].delete("/switches")
    shared[1].delete("/faults")


@pytest.fixture
def client(shared, sandbox):
    return shared[1]


@pytest.fixture
def busy_sandbox() -> Sandbox:
    """A sandbox for tests that change its shops."""
    return build(shops=1, orders=80, now=NOW)


@pytest.fixture
def busy_client(busy_sandbox):
    with control(busy_sandbox) as client:
        yield client


def order(sandbox: Sandbox, gid: str, shop: str = SHOP) -> dict[str, Any]:
    changed_order = sandbox.store.get("shopify_admin", shop, "order", gid)
    assert changed_order
    return changed_order


def test_health_returns_the_world(client):
    body = client.get("/health").json()

    assert body["status"] == "ok"
    assert body["world"] == {"seed": 7, "shops": 1, "orders": 3}
    assert body["now"] == format_timestamp(NOW)
    assert SHOP in body["shops"]


def test_calls_are_counted_until_they_are_reset(client, sandbox):
    sandbox.count("yotpo", "s", "orders.create")
    sandbox.count("yotpo", "s", "orders.create")

    assert client.get("/calls").json() == {"yotpo/s/orders.create": 2}
    assert client.delete("/calls").status_code == 200
    assert client.get("/calls").json() == {}


def test_looking_at_the_control_api_is_not_a_call(client):
    client.get("/health")

    assert client.get("/calls").json() == {}


def test_switches_are_set_and_reset(client, sandbox):
    assert client.get("/switches").json() == switch_defaults()

    answer = client.post("/switches", json={"yotpo.unknown_product_status": 400})

    assert answer.json()["yotpo.unknown_product_status"] == 400
    assert sandbox.switches["yotpo.unknown_product_status"] == 400
    assert client.delete("/switches").json() == switch_defaults()


def test_an_unknown_switch_is_refused_and_none_is_set(client, sandbox):
    answer = client.post("/switches", json={"yotpo.rate_limit": 1, "yotpo.nonsense": 1})

    assert answer.status_code == 400
    assert "yotpo.nonsense" in answer.json()["error"]
    assert sandbox.switches["yotpo.rate_limit"] == switch_defaults()["yotpo.rate_limit"]


@pytest.mark.parametrize("body", ["[1]", "{", '"text"'])
def test_a_body_that_is_no_object_is_refused(client, body):
    assert client.post("/switches", content=body).status_code == 400


def test_faults_are_added_one_or_many_shown_and_cleared(client):
    first = client.post("/faults", json={"path_prefix": "/yofi", "status": 500, "times": 2})
    both = client.post("/faults", json=[{"path_prefix": "/yotpo", "drop": True}])

    assert [rule["path_prefix"] for rule in both.json()] == ["/yofi", "/yotpo"]
    assert first.json()[0]["used"] == 0
    assert httpx.get(f"{client.base_url.join('/yofi/x')}").status_code == 500
    assert client.get("/faults").json()[0]["used"] == 1
    assert client.delete("/faults").json() == []
    assert client.get("/faults").json() == []


def test_an_invalid_fault_is_refused_with_the_known_fields(client):
    answer = client.post("/faults", json={"stauts": 500})

    assert answer.status_code == 400
    assert "path_prefix" in answer.json()["error"]


def test_the_clock_can_be_fixed_and_released(client, sandbox):
    assert client.get("/clock").json() == {"now": format_timestamp(NOW), "fixed": True}
    later = client.post("/clock", json={"now": "2026-05-20T18:00:00+02:00"})
    assert later.json() == {"now": "2026-05-20T16:00:00Z", "fixed": True}

    assert client.post("/clock", json={"now": None}).json()["fixed"] is False
    assert sandbox.now is None


@pytest.mark.parametrize("now", ["2026-05-20T18:00:00", "yesterday"])
def test_a_clock_without_time_zone_or_with_an_invalid_time_is_refused(client, now):
    assert client.post("/clock", json={"now": now}).status_code == 400


def test_connections_are_those_of_the_command_line_at_this_address(client):
    url = str(client.base_url).removesuffix("/_sandbox/")

    assert client.get("/connections").json() == credentials.environment(url, seed=7, shops=1)


def test_changed_orders_are_returned_and_have_the_sandboxs_time(busy_client, busy_sandbox):
    before = {row["id"]: row for row in busy_sandbox.store.select("shopify_admin", SHOP, "order")}

    body = busy_client.post(f"/shopify/{SHOP}/orders/change", params={"count": 5}).json()

    assert {row["what"] for row in body["changed"]} == set(CHANGES)
    changed = {row["id"] for row in body["changed"]}
    assert len(changed) == 5
    for row in busy_sandbox.store.select("shopify_admin", SHOP, "order"):
        assert (row != before[row["id"]]) == (row["id"] in changed)
        if row["id"] in changed:
            assert row["updatedAt"] == format_timestamp(NOW) > before[row["id"]]["updatedAt"]


def test_each_change_can_be_seen_by_a_review_platform(busy_client, busy_sandbox):
    before = {row["id"]: row for row in busy_sandbox.store.select("shopify_admin", SHOP, "order")}
    body = busy_client.post(f"/shopify/{SHOP}/orders/change", params={"count": 20}).json()
    seen = {
        "delivered": lambda o: [row["displayStatus"] for row in o["fulfillments"]],
        "fulfilled": lambda o: len(o["fulfillments"]),
        "partially refunded": lambda o: o["displayFinancialStatus"],
        "address changed": lambda o: o["shippingAddress"]["address1"],
        "cancelled": lambda o: o["cancelledAt"],
    }

    for row in body["changed"]:
        was, became = before[row["id"]], order(busy_sandbox, row["id"])
        assert seen[row["what"]](was) != seen[row["what"]](became)
        assert not became["test"]
        assert not was["cancelledAt"]
        assert any(line["product"] and not line["isGiftCard"] for line in became["lineItems"])


def test_changed_orders_still_add_up(busy_client, busy_sandbox):
    body = busy_client.post(f"/shopify/{SHOP}/orders/change", params={"count": 25}).json()

    for changed_order in (order(busy_sandbox, row["id"]) for row in body["changed"]):
        for line in changed_order["lineItems"]:
            assert 0 <= line["unfulfilledQuantity"] <= line["quantity"]
            assert 0 <= line["currentQuantity"] <= line["quantity"]
        refunds = sum(float(row["totalRefundedSet"]["shopMoney"]["amount"]) for row in changed_order["refunds"])
        assert float(changed_order["totalRefundedSet"]["shopMoney"]["amount"]) == pytest.approx(refunds)


def test_the_same_world_changes_in_the_same_way():
    outcomes = []
    for _ in range(2):
        changes = Changes(build(shops=1, orders=30, now=NOW))
        outcomes.append([
            changes.change_orders(SHOP, 3),
            changes.change_orders(SHOP, 3),
            changes.create_orders(SHOP, 2),
        ])

    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] != outcomes[0][1]


def test_more_changes_than_orders_change_nothing(busy_client, busy_sandbox):
    before = busy_sandbox.store.select("shopify_admin", SHOP, "order")

    answer = busy_client.post(f"/shopify/{SHOP}/orders/change", params={"count": 500})

    assert answer.status_code == 409
    assert "not 500" in answer.json()["error"]
    assert busy_sandbox.store.select("shopify_admin", SHOP, "order") == before


@pytest.mark.parametrize("count", ["0", "-1", "many", "1001"])
def test_a_count_out_of_range_is_refused(client, count):
    assert client.post(f"/shopify/{SHOP}/orders/change", params={"count": count}).status_code == 400


def test_an_unknown_shop_is_not_found_and_the_known_ones_are_named(client):
    answer = client.post("/shopify/none.myshopify.com/orders/change")

    assert answer.status_code == 404
    assert SHOP in answer.json()["error"]


def test_created_orders_are_the_newest_with_ids_and_names_of_their_own(busy_client, busy_sandbox):
    before = busy_sandbox.store.select("shopify_admin", SHOP, "order")

    body = busy_client.post(f"/shopify/{SHOP}/orders/create", params={"count": 3}).json()

    after = busy_sandbox.store.select("shopify_admin", SHOP, "order")
    new = [row for row in after if row["id"] not in {old["id"] for old in before}]
    assert {row["id"] for row in new} == {row["id"] for row in body["created"]}
    assert len(new) == 3
    assert [row["name"] for row in body["created"]] == ["#1081", "#1082", "#1083"]
    assert all(row["updatedAt"] == format_timestamp(NOW) for row in new)
    assert min(int(row["legacyResourceId"]) for row in new) > max(int(row["legacyResourceId"]) for row in before)
    assert all(row["displayFinancialStatus"] == "PAID" for row in new)


def test_yofi_knows_created_orders(busy_client, busy_sandbox):
    created = busy_client.post(f"/shopify/{SHOP}/orders/create").json()["created"][0]

    assert (
        busy_sandbox.store.get("yofi", SHOP, "order", created["legacyResourceId"])["attributes"]["name"]
        == created["name"]
    )


def test_ids_stay_unique_over_a_restart(tmp_path):
    path = tmp_path / "busy_sandbox.sqlite"
    names = []
    for _ in range(2):
        sandbox = build(path=path, shops=1, orders=3, now=NOW)
        names += [row["id"] for row in Changes(sandbox).create_orders(SHOP, 2)]
        sandbox.store.close()

    assert len(set(names)) == 4


def test_uninstalling_creates_a_partner_event_and_revokes_the_token(busy_client, busy_sandbox):
    token = busy_sandbox.credentials["shopify_admin"][SHOP]["token"]
    address = busy_client.base_url.join(f"/shopify-admin/{SHOP}/admin/api/2026-07/graphql.json")
    request = {"headers": {"X-Shopify-Access-Token": token}, "json": {"query": "query { busy_client { name } }"}}
    assert httpx.post(address, **request).status_code == 200
    busy_sandbox.now = NOW + timedelta(hours=1)

    body = busy_client.post(f"/shops/{SHOP}/uninstall").json()

    latest = busy_sandbox.store.select("shopify_partner", APP_ID, "app_event")[-1]
    assert latest == body["event"]
    assert latest["type"] == "RELATIONSHIP_UNINSTALLED"
    assert latest["shop"]["myshopifyDomain"] == SHOP
    assert busy_sandbox.store.select("shopify_partner", "", "event")[-1]["eventType"] == "RELATIONSHIP_UNINSTALLED"
    assert httpx.post(address, **request).status_code == 401


def test_uninstalling_revokes_tokens_of_the_client_credentials_grant_too(busy_client, busy_sandbox):
    account = busy_sandbox.credentials["shopify_admin"][SHOP]
    grant = {
        "grant_type": "client_credentials",
        "client_id": account["client_id"],
        "client_secret": account["client_secret"],
    }
    base = busy_client.base_url.join(f"/shopify-admin/{SHOP}/admin/")
    token = httpx.post(base.join("oauth/access_token"), data=grant).json()["access_token"]
    busy_client.post(f"/shops/{SHOP}/uninstall")

    answer = httpx.post(
        base.join("api/2026-07/graphql.json"),
        headers={"X-Shopify-Access-Token": token},
        json={"query": "query { busy_client { name } }"},
    )

    assert answer.status_code == 401


def test_a_shop_uninstalls_once(busy_client):
    busy_client.post(f"/shops/{SHOP}/uninstall")

    assert busy_client.post(f"/shops/{SHOP}/uninstall").status_code == 409


def test_an_uninstalled_shop_stays_so_over_a_restart(tmp_path):
    path = tmp_path / "busy_sandbox.sqlite"
    first = build(path=path, shops=1, orders=2, now=NOW)
    token = first.credentials["shopify_admin"][SHOP]["token"]
    Changes(first).uninstall(SHOP)
    first.store.close()

    again = build(path=path, shops=1, orders=2, now=NOW)

    assert again.credentials["shopify_admin"][SHOP]["token"] != token
    with pytest.raises(NothingToDoError):
        Changes(again).uninstall(SHOP)


async def _ask(host: str) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/_sandbox/health", "raw_path": b"/_sandbox/health", "root_path": "",
        "query_string": b"", "headers": [], "client": (host, 5000), "server": ("10.0.0.1", 80), "scheme": "http",
        "http_version": "1.1",
    }  # fmt: skip
    await create_app(build(shops=1, orders=1, now=NOW))(scope, receive, send)
    return sent


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 403)])
def test_only_callers_on_this_machine_are_answered(host, status):
    start, body = asyncio.run(_ask(host))

    assert start["status"] == status
    assert json.loads(body["body"])


def test_coupons_are_redeemed_and_rolled_back(busy_client, busy_sandbox):
    made = busy_client.post("/voucherify/redemptions/create", params={"count": 2}).json()["created"]
    (back,) = busy_client.post("/voucherify/redemptions/rollback").json()["rolled_back"]

    assert len({row["id"] for row in made}) == 2
    assert back["order"] in {row["order"] for row in made}
    assert busy_sandbox.store.get("voucherify", "", "redemptions", back["id"])["object"] == "redemption_rollback"


def test_records_can_be_added_to_a_voucherify_list(busy_client, busy_sandbox):
    before = busy_sandbox.store.count("voucherify", "", "customers")

    body = busy_client.post("/voucherify/customers/grow", params={"count": 2500}).json()

    assert body == {"kind": "customers", "parents": "", "added": 2500}
    assert busy_sandbox.store.count("voucherify", "", "customers") == before + 2500


def test_an_unknown_voucherify_list_is_an_error(client):
    answer = client.post("/voucherify/management_projects/grow", params={"count": 1})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("management_projects cannot be made longer")


@pytest.mark.parametrize("kind", ["returns", "claims"])
def test_returns_and_claims_appear_in_yofi(busy_client, busy_sandbox, kind):
    before = {row["id"] for row in busy_sandbox.store.select("yofi", SHOP, kind[:-1])}
    made = busy_client.post(f"/yofi/{SHOP}/{kind}/create?count=2").json()["created"]
    rows = {row["id"]: row for row in busy_sandbox.store.select("yofi", SHOP, kind[:-1])}
    assert {row["id"] for row in made} == set(rows) - before
    assert len(made) == 2
    orders = {row["legacyResourceId"]: row for row in busy_sandbox.store.select("shopify_admin", SHOP, "order")}
    for row in made:
        field = "return_created_at_epoch" if kind == "returns" else "created_at_epoch"
        assert format_timestamp(datetime.fromtimestamp(rows[row["id"]]["attributes"][field], UTC)) == row["at"]
        assert kind == "claims" or orders[row["order"]]["returnStatus"] == "RETURN_REQUESTED"


def test_returns_of_every_order_leave_nothing_to_return(busy_client):
    busy_client.post(f"/yofi/{SHOP}/returns/create?count=1000")
    assert busy_client.post(f"/yofi/{SHOP}/returns/create").status_code == 409


def test_an_app_is_installed_again(busy_client, busy_sandbox):
    known = dict(busy_sandbox.credentials["shopify_admin"][SHOP])
    assert busy_client.post(f"/shops/{SHOP}/install").status_code == 409
    busy_client.post(f"/shops/{SHOP}/uninstall")
    event = busy_client.post(f"/shops/{SHOP}/install").json()["event"]
    assert (event["type"], event["shop"]["myshopifyDomain"]) == ("RELATIONSHIP_INSTALLED", SHOP)
    assert busy_sandbox.credentials["shopify_admin"][SHOP] == known
