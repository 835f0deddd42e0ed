"""The finance Dag: a dataset per day that is replaced completely, with sums as calculated a second time."""

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

SANDBOX = {"seed": 5, "shops": 2, "orders": 3}
DAG = "shopify_partner_finance"
NOW = datetime.now(UTC)
DAYS = 7
WINDOW = {
    "since": (NOW - timedelta(days=DAYS - 1)).strftime("%Y-%m-%dT00:00:00Z"),
    "until": (NOW + timedelta(days=1)).strftime("%Y-%m-%dT00:00:00Z"),
}
DAYS_READ = [(NOW - timedelta(days=back)).date() for back in range(DAYS - 1, -1, -1)]


@pytest.fixture(scope="module", autouse=True)
def _sales(airflow: Any) -> None:
    """Sales on several days, with amounts that floats would not sum correctly."""
    airflow.sandbox.switches["shopify_partner.requests_per_second"] = 0
    for number, amount in enumerate(("0.10", "0.20", "0.30", "1234567.89", "-0.05")):
        put(airflow, make_sale(800 + number, datetime.combine(DAYS_READ[number // 2], time(9, number), UTC), amount))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("finance")


@pytest.fixture(scope="module")
def first_run(airflow: Any, folder: Path) -> Any:
    run = airflow.run(dag_id=DAG, conf={**WINDOW, "destination": str(folder)})
    assert run.succeeded, run.log[-6000:]
    return run


def rerun(airflow: Any, folder: Path, **conf: Any) -> Any:
    run = airflow.run(dag_id=DAG, conf={**WINDOW, "destination": str(folder), **conf})
    assert run.succeeded, run.log[-6000:]
    return run


def records_of_day(folder: Path, resource: str, day: date) -> list[dict[str, Any]]:
    """The records in a day's folder, read by its manifest without this package."""
    folder = folder / resource / f"day={day.isoformat()}"
    manifest = json.loads((folder / "manifest.json").read_text())
    listed = [part["name"] for part in manifest["parts"]]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*listed, "manifest.json"])
    return [json.loads(line) for name in listed for line in gzip.decompress((folder / name).read_bytes()).splitlines()]


def stored_records(airflow: Any, kind: str, field: str, day: date) -> list[dict[str, Any]]:
    app = airflow.sandbox.credentials["shopify_partner"]["app_id"]
    documents = airflow.documents("shopify_partner", app if kind == "app_event" else "", kind)
    return [record for record in documents if record[field][:10] == day.isoformat()]


def put(airflow: Any, transaction: dict[str, Any]) -> None:
    airflow.sandbox.store.put(
        "shopify_partner", "", "transaction", transaction["id"], transaction, at=transaction["createdAt"]
    )


def make_sale(number: int, at: datetime, amount: str, currency: str = "USD") -> dict[str, Any]:
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


def test_each_day_is_a_dataset_with_that_day_s_records(first_run: Any, airflow: Any, folder: Path) -> None:
    for day in DAYS_READ:
        for resource, kind, field in (
            ("transactions", "transaction", "createdAt"),
            ("app_events", "app_event", "occurredAt"),
        ):
            result = Counter(record[field] for record in records_of_day(folder, resource, day))
            assert result == Counter(record[field] for record in stored_records(airflow, kind, field, day)), (
                resource,
                day,
            )
    assert first_run.summary["transactions"]["records"] >= 5
    assert first_run.states["extract_transactions", DAYS - 1] == "success"


def test_the_sums_are_those_of_a_second_calculation(first_run: Any, airflow: Any) -> None:
    net: dict[str, Decimal] = {}
    for day in DAYS_READ:
        for record in stored_records(airflow, "transaction", "createdAt", day):
            money = record.get("netAmount") or record["amount"]
            net[record["__typename"]] = net.get(record["__typename"], Decimal()) + Decimal(money["amount"])
    sums = first_run.summary["transactions"]["sums"]

    assert {kind: Decimal(sums[kind]["USD"]["net"]) for kind in sums} == net
    assert net["ServiceSale"] >= Decimal("1234568.44")
    assert sum(first_run.summary["transactions"]["counts"].values()) == first_run.summary["transactions"]["records"]


def test_a_second_run_changes_nothing(first_run: Any, airflow: Any, folder: Path) -> None:
    previous = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "days.json"}

    run = rerun(airflow, folder)

    assert {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "days.json"
    } == previous
    days = run.summary["transactions"].pop("days")
    assert days["restated"] == []
    # Only the day that has not ended yet.
    assert days["new"] == [DAYS_READ[-1].isoformat()]
    assert run.summary["transactions"] == {k: v for k, v in first_run.summary["transactions"].items() if k != "days"}


def test_a_restated_amount_replaces_the_old_one_and_a_late_record_is_added(
    first_run: Any, airflow: Any, folder: Path
) -> None:
    at = datetime.combine(DAYS_READ[3], time(12), UTC)
    put(airflow, make_sale(900, at, "100.10"))
    previous = rerun(airflow, folder).summary["transactions"]
    airflow.sandbox.switches["shopify_partner.restatements"] = {
        "gid://partners/ServiceSale/900": {"netAmount": {"amount": "90.05", "currencyCode": "USD"}}
    }
    put(airflow, make_sale(901, at + timedelta(days=1), "7.00", "EUR"))

    next_run = rerun(airflow, folder)

    result = next_run.summary["transactions"]
    assert result["days"]["restated"] == [DAYS_READ[3].isoformat(), DAYS_READ[4].isoformat()]
    assert result["records"] == previous["records"] + 1
    changed = Decimal(result["sums"]["ServiceSale"]["USD"]["net"]) - Decimal(
        previous["sums"]["ServiceSale"]["USD"]["net"]
    )
    assert changed == Decimal("-10.05")
    assert Decimal(result["sums"]["ServiceSale"]["EUR"]["net"]) == 7
    restated = [
        record for record in records_of_day(folder, "transactions", DAYS_READ[3]) if record["id"].endswith("/900")
    ]
    assert [record["netAmount"]["amount"] for record in restated] == ["90.05"]


def test_the_history_has_the_sums_of_each_day(first_run: Any, folder: Path) -> None:
    record = json.loads((folder / "days.json").read_text())
    days = record["transactions"]["days"]

    assert list(days) == [day.isoformat() for day in DAYS_READ]
    for day in DAYS_READ:
        assert days[day.isoformat()]["records"] == len(records_of_day(folder, "transactions", day))
        assert days[day.isoformat()]["uri"] == str(folder / "transactions" / f"day={day.isoformat()}")
    assert set(record["app_events"]["days"]) == set(days)


def test_after_the_month_s_first_run_a_run_reads_its_day_and_the_latest_again(airflow: Any, folder: Path) -> None:
    """The first run reads the longer range; the next day's run reads its own day and three before."""
    separate_folder = folder / "apart"
    day = NOW - timedelta(days=2)
    if day.day == 1:
        day -= timedelta(days=1)  # the next day must be in the same month

    def run(on: datetime) -> Any:
        date_ = on.strftime("%Y-%m-%dT01:30:00+00:00")
        variables = {"AIRFLOW_VAR_PARTNER_FINANCE_URI": str(separate_folder), "AIRFLOW_VAR_PARTNER_APP_ID": "none"}
        result = airflow.run(date_, dag_id=DAG, **variables)
        assert result.succeeded, result.log[-6000:]
        return result

    assert run(day).summary["transactions"]["days"]["read"] >= 36
    second = run(day + timedelta(days=1)).summary["transactions"]["days"]
    assert 4 <= second["read"] <= 5
    assert len(second["new"]) <= 2


def test_without_an_app_the_transactions_are_read_alone(airflow: Any, folder: Path) -> None:
    day = {"since": WINDOW["since"], "until": WINDOW["since"].replace("T00:00", "T10:00")}
    conf = {**day, "destination": str(folder / "no-app")}
    run = airflow.run(dag_id=DAG, conf=conf, AIRFLOW_VAR_PARTNER_APP_ID="none")

    assert run.succeeded, run.log[-6000:]
    assert run.summary["transactions"]["days"]["read"] == 1
    assert run.summary["app_events"]["days"] == {"read": 0, "new": [], "restated": []}


def test_the_organization_s_assets_have_events_for_changed_days(first_run: Any, airflow: Any) -> None:
    organization = airflow.sandbox.credentials["shopify_partner"]["organization_id"]
    uris = {uri for (uri,) in airflow.query_database("SELECT uri FROM asset")}

    assert {f"shopify-partner://{organization}/transactions", f"shopify-partner://{organization}/app_events"} <= uris
