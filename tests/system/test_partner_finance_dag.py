"""The Dag of the partner's money: a dataset for each day, replaced whole, with sums as calculated a second time."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 5, "shops": 2, "orders": 3}
DAG = "shopify_partner_finance"
NOW = datetime.now(UTC)
DAYS = 7
WINDOW = {
    "since": (NOW - timedelta(days=DAYS - 1)).strftime("%Y-%m-%dT00:00:00Z"),
    "until": (NOW + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z"),
}
STRETCH = [(NOW - timedelta(days=back)).date() for back in range(DAYS - 1, -1, -1)]


@pytest.fixture(scope="module", autouse=True)
def _made(world: Any) -> None:
    """Sales on several days, of amounts that floats would not add up to."""
    world.sandbox.switches["shopify_partner.requests_per_second"] = 0
    for number, amount in enumerate(("0.10", "0.20", "0.30", "1234567.89", "-0.05")):
        put(world, sale(800 + number, datetime.combine(STRETCH[number // 2], time(9, number), UTC), amount))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("finance")


@pytest.fixture(scope="module")
def first(world: Any, home: Path) -> Any:
    run = world.run(dag_id=DAG, conf={**WINDOW, "destination": str(home)})
    assert run.succeeded, run.log[-6000:]
    return run


def again(world: Any, home: Path, **more: Any) -> Any:
    run = world.run(dag_id=DAG, conf={**WINDOW, "destination": str(home), **more})
    assert run.succeeded, run.log[-6000:]
    return run


def rows(home: Path, resource: str, day: date) -> list[dict[str, Any]]:
    """What lies in a day's folder, read by its manifest without a line of the package."""
    folder = home / resource / f"day={day.isoformat()}"
    manifest = json.loads((folder / "manifest.json").read_text())
    listed = [part["name"] for part in manifest["parts"]]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*listed, "manifest.json"])
    return [json.loads(line) for name in listed for line in gzip.decompress((folder / name).read_bytes()).splitlines()]


def held(world: Any, kind: str, field: str, day: date) -> list[dict[str, Any]]:
    app = world.sandbox.credentials["shopify_partner"]["app_id"]
    documents = world.documents("shopify_partner", app if kind == "app_event" else "", kind)
    return [row for row in documents if row[field][:10] == day.isoformat()]


def put(world: Any, transaction: dict[str, Any]) -> None:
    world.sandbox.store.put(
        "shopify_partner", "", "transaction", transaction["id"], transaction, at=transaction["createdAt"]
    )


def sale(number: int, at: datetime, amount: str, currency: str = "USD") -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": currency}
    return {
        "__typename": "ServiceSale",
        "id": f"gid://partners/ServiceSale/{number}",
        "createdAt": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "grossAmount": None,
        "netAmount": money,
        "shopifyFee": None,
        "shop": None,
    }


def test_each_day_is_a_dataset_of_its_own_with_that_days_rows(first: Any, world: Any, home: Path) -> None:
    for day in STRETCH:
        for resource, kind, field in (
            ("transactions", "transaction", "createdAt"),
            ("app_events", "app_event", "occurredAt"),
        ):
            found = Counter(row[field] for row in rows(home, resource, day))
            assert found == Counter(row[field] for row in held(world, kind, field, day)), (resource, day)
    assert first.summary["transactions"]["records"] >= 5
    assert first.states["extract_transactions", DAYS - 1] == "success"


def test_the_sums_are_those_of_a_second_calculation(first: Any, world: Any) -> None:
    net: dict[str, Decimal] = {}
    for day in STRETCH:
        for row in held(world, "transaction", "createdAt", day):
            money = row.get("netAmount") or row["amount"]
            net[row["__typename"]] = net.get(row["__typename"], Decimal()) + Decimal(money["amount"])
    sums = first.summary["transactions"]["sums"]

    assert {kind: Decimal(sums[kind]["USD"]["net"]) for kind in sums} == net
    assert net["ServiceSale"] >= Decimal("1234568.44")
    assert sum(first.summary["transactions"]["counts"].values()) == first.summary["transactions"]["records"]


def test_a_second_run_changes_nothing(first: Any, world: Any, home: Path) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "days.json"}

    run = again(world, home)

    assert {
        path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "days.json"
    } == before
    days = run.summary["transactions"].pop("days")
    assert days["restated"] == []
    # Only the day that isn't over yet.
    assert days["new"] == [STRETCH[-1].isoformat()]
    assert run.summary["transactions"] == {k: v for k, v in first.summary["transactions"].items() if k != "days"}


def test_a_restated_amount_takes_the_old_ones_place_and_a_late_row_comes_in(first: Any, world: Any, home: Path) -> None:
    at = datetime.combine(STRETCH[3], time(12), UTC)
    put(world, sale(900, at, "100.10"))
    before = again(world, home).summary["transactions"]
    world.sandbox.switches["shopify_partner.restatements"] = {
        "gid://partners/ServiceSale/900": {"netAmount": {"amount": "90.05", "currencyCode": "USD"}}
    }
    put(world, sale(901, at + timedelta(days=1), "7.00", "EUR"))

    after = again(world, home)

    found = after.summary["transactions"]
    assert found["days"]["restated"] == [STRETCH[3].isoformat(), STRETCH[4].isoformat()]
    assert found["records"] == before["records"] + 1
    changed = Decimal(found["sums"]["ServiceSale"]["USD"]["net"]) - Decimal(before["sums"]["ServiceSale"]["USD"]["net"])
    assert changed == Decimal("-10.05")
    assert Decimal(found["sums"]["ServiceSale"]["EUR"]["net"]) == 7
    of_day = [row for row in rows(home, "transactions", STRETCH[3]) if row["id"].endswith("/900")]
    assert [row["netAmount"]["amount"] for row in of_day] == ["90.05"]


def test_the_record_of_days_tells_what_each_adds_up_to(first: Any, home: Path) -> None:
    record = json.loads((home / "days.json").read_text())
    days = record["transactions"]["days"]

    assert list(days) == [day.isoformat() for day in STRETCH]
    for day in STRETCH:
        assert days[day.isoformat()]["records"] == len(rows(home, "transactions", day))
        assert days[day.isoformat()]["uri"] == str(home / "transactions" / f"day={day.isoformat()}")
    assert set(record["app_events"]["days"]) == set(days)


def test_a_scheduled_run_reads_its_day_and_the_latest_again_after_the_months_first(world: Any, home: Path) -> None:
    """The first reads the longer stretch; the one on the next day its own day and three before."""
    apart = home / "apart"
    day = NOW - timedelta(days=2)
    if day.day == 1:
        day -= timedelta(days=1)  # the next day has to be of the same month

    def run(on: datetime) -> Any:
        date_ = on.strftime("%Y-%m-%dT01:30:00+00:00")
        variables = {"AIRFLOW_VAR_PARTNER_FINANCE_URI": str(apart), "AIRFLOW_VAR_PARTNER_APP_ID": None}
        found = world.run(date_, dag_id=DAG, **variables)
        assert found.succeeded, found.log[-6000:]
        return found

    assert run(day).summary["transactions"]["days"]["read"] >= 36
    second = run(day + timedelta(days=1)).summary["transactions"]["days"]
    assert 4 <= second["read"] <= 5
    assert len(second["new"]) <= 2


def test_without_an_app_the_transactions_are_read_alone(world: Any, home: Path) -> None:
    day = {"since": WINDOW["since"], "until": WINDOW["since"].replace("T00:00", "T10:00")}
    run = world.run(dag_id=DAG, conf={**day, "destination": str(home / "no-app")}, AIRFLOW_VAR_PARTNER_APP_ID=None)

    assert run.succeeded, run.log[-6000:]
    assert run.summary["transactions"]["days"]["read"] == 1
    assert run.summary["app_events"]["days"] == {"read": 0, "new": [], "restated": []}


def test_an_asset_of_the_organization_is_told_of_what_changed(first: Any, world: Any) -> None:
    organization = world.sandbox.credentials["shopify_partner"]["organization_id"]
    known = {uri for (uri,) in world.rows("SELECT uri FROM asset")}

    assert {f"shopify-partner://{organization}/transactions", f"shopify-partner://{organization}/app_events"} <= known
