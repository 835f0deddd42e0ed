"""The Dag of the page "Your own table to Yotpo", run as it is printed there, with the file that it shows.

What has to arrive in Yotpo is written here by hand, from the file and https://core-api.yotpo.com/reference/create-order.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 5, "shops": 1, "orders": 3}
PAGE = Path(__file__).parents[2] / "docs" / "guides" / "yotpo.md"
FOLDER = "/data/orders"


def printed(kind: str) -> str:
    """Return the first block of a kind below the heading."""
    section = PAGE.read_text().split("## Your own table to Yotpo", 1)[1]
    block = re.search(rf"```{kind}\n(.*?)```", section, re.DOTALL)
    assert block
    return block.group(1)


@pytest.fixture
def csv_dag(airflow: Any, tmp_path: Path) -> dict[str, str]:
    """Return the environment with the Dag, its file and its connection."""
    code = printed("python")
    assert FOLDER in code
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    for name, text in {"dags/csv_to_yotpo.py": code.replace(FOLDER, str(tmp_path)), "a.csv": printed("text")}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    connection = next(value for name, value in airflow.environment.items() if name.startswith("AIRFLOW_CONN_YOTPO_"))
    return {"AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"), "AIRFLOW_CONN_YOTPO_ACME": connection}


def test_the_printed_dag_sends_the_printed_file(airflow: Any, csv_dag: dict[str, str]) -> None:
    first = airflow.run(dag_id="csv_to_yotpo", **csv_dag)
    assert first.succeeded, first.log[-6000:]
    store = next(iter(airflow.sandbox.credentials["yotpo"].values()))["shop"]
    orders = {order["external_id"]: order for order in airflow.yotpo_orders(store)}

    assert set(orders) == {"1001", "1002"}
    order = orders["1001"]
    assert (order["order_date"], order["currency"]) == ("2026-05-01T10:20:00", "EUR")
    assert order["customer"] == {"email": "zoe@example.com", "first_name": "Zoë", "last_name": "Li"}
    assert {line["external_product_id"]: line["quantity"] for line in order["line_items"]} == {"mug": 2, "cup": 1}
    (shipment,) = order["fulfillments"]
    assert (shipment["external_id"], shipment["status"]) == ("1001", "success")
    assert shipment["fulfillment_date"] == "2026-05-03T00:00:00"
    assert shipment["fulfilled_items"] == [
        {"external_product_id": "mug", "quantity": 2},
        {"external_product_id": "cup", "quantity": 1},
    ]
    assert orders["1002"]["fulfillments"] == []

    second = airflow.run(dag_id="csv_to_yotpo", **csv_dag)
    assert second.succeeded
    assert second.writes == 0
