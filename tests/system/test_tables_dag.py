"""A Dag of tables and files through Airflow, with templates, mapped tasks and a PostgreSQL on loopback."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from postgres import PostgresServer

pytestmark = pytest.mark.system

SANDBOX = {"seed": 31, "shops": 2, "orders": 20}
FOLDER = str(Path(__file__).parent / "table_dags")


@pytest.fixture(scope="module")
def conf(airflow: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("csv")
    (folder / "a.csv").write_text("order_no;placed_at;total\n1001;2026-05-01 10:20;10.50\n1002;2026-05-02;0.1\n")
    (folder / "b.csv").write_text("order_no;placed_at;total\n1001;2026-05-01 10:20;11.00\n1003;yesterday;1\n")
    shops = ["aurora-apparel", "maison-lumiere"]
    first_connection, second_connection = (f"shopify_admin_{shop.replace('-', '_')}" for shop in shops)
    first, second = (f"{shop}.myshopify.com" for shop in shops)
    now = datetime.now(UTC)
    return {
        "folder": f"{folder}/*.csv",
        "delimiter": ";",
        "types": {"placed_at": "timestamp", "total": "decimal"},
        "min_records": 2,
        "keys": ["order_no"],
        "newest_since": "2026-05-02",
        "since": (now - timedelta(days=300)).isoformat(),
        "until": (now + timedelta(minutes=1)).isoformat(),
        "first_shop": first,
        "first_connection": first_connection,
        "second_shop": second,
        "second_connection": second_connection,
    }


@pytest.fixture(scope="module")
def runs(airflow: Any, conf: dict[str, Any], postgres: PostgresServer) -> list[dict[str, Any]]:
    """Run the Dag twice, and return what each task has returned."""
    results = []
    for _ in range(2):
        done = airflow.run_command(
            "dags",
            "test",
            "tables",
            "--conf",
            json.dumps(conf),
            AIRFLOW__CORE__DAGS_FOLDER=FOLDER,
            AIRFLOW_CONN_WAREHOUSE=postgres.airflow_connection(),
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        ((run_id,),) = airflow.query_database("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")
        rows = airflow.query_database(
            "SELECT task_id, map_index, value FROM xcom WHERE run_id = ? AND key = 'return_value'", run_id
        )
        results.append({f"{task}.{index}" if index >= 0 else task: json.loads(value) for task, index, value in rows})
    return results


def test_files_become_a_table(runs: list[dict[str, Any]], postgres: PostgresServer) -> None:
    assert postgres.query("SELECT order_no, placed_at, total FROM csv_orders ORDER BY order_no") == [
        ("1001", datetime(2026, 5, 1, 10, 20, tzinfo=UTC), Decimal("11.00")),
        ("1002", datetime(2026, 5, 2, tzinfo=UTC), Decimal("0.1")),
    ]
    assert runs[0]["files"]["extra"]["rejected"] == 1
    assert (runs[0]["csv_orders"]["inserted"], runs[0]["csv_orders"]["duplicates"]) == (2, 1)


def test_a_second_run_changes_nothing(runs: list[dict[str, Any]]) -> None:
    for task in ("csv_orders", "each_shop.0", "each_shop.1"):
        assert runs[0][task]["inserted"] > 0
        assert (runs[1][task]["inserted"], runs[1][task]["updated"]) == (0, 0)
        assert runs[1][task]["unchanged"] == runs[0][task]["inserted"]


def test_the_orders_of_all_shops_are_in_the_table_as_the_sandbox_has_them(
    airflow: Any, conf: dict[str, Any], runs: list[dict[str, Any]], postgres: PostgresServer
) -> None:
    stored = {
        order["id"]
        for shop in (conf["first_shop"], conf["second_shop"])
        for order in airflow.documents("shopify_admin", shop, "order")
    }
    loaded = {row[0] for row in postgres.query("SELECT id FROM shop_orders")}

    assert loaded
    assert loaded <= stored
    assert {row[0] for row in postgres.query("SELECT id FROM all_orders")} == loaded
    types = dict(
        postgres.query("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'shop_orders'")
    )
    assert types["updated_at"] == "timestamp with time zone"


def test_a_query_in_a_file_with_parameters_becomes_a_dataset(runs: list[dict[str, Any]]) -> None:
    assert (runs[1]["newest"]["records"], runs[1]["newest"]["resource"]) == (1, "newest")
