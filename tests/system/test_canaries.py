"""No secret and no personal value is left in Airflow by whole runs, at ``DEBUG``.

The sandbox's secrets and personal fields are canaries. The hourly Dag runs to success, as a dry run with its diff, and
to a failure where Yotpo refuses the secret. Then all that Airflow holds is searched: every row of its database (XCom,
rendered templates, notes, asset events), all log files and the output, reports, lineage events, metrics, manifests.
What is personal comes from Shopify's page on protected customer data. A part of the long form of ``make canaries``.
"""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from canaries import Canaries

pytestmark = pytest.mark.system

SANDBOX = {"seed": 5, "shops": 1, "orders": 12}
DAG_ID = "yofi_shopify_to_yotpo"


@pytest.fixture(scope="module")
def canaries(request: pytest.FixtureRequest) -> Iterator[Canaries]:
    if request.config.getoption("seeds", None) is None:
        pytest.skip("in the long form: make canaries")
    canaries = Canaries()
    with canaries.recorded():
        yield canaries


@pytest.fixture(scope="module")
def places(canaries: Canaries, airflow: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All texts that two runs leave, by place."""
    canaries.plant(airflow.sandbox)
    canaries.add_connections(airflow.environment)
    lineage = tmp_path_factory.mktemp("lineage") / "events.jsonl"
    metrics = Metrics()
    # The level of the logs is read when the process of the commands starts.
    airflow.environment |= {
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(lineage), "append": True}),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(metrics.port),
    }
    first = airflow.run(dag_id=DAG_ID)
    assert first.succeeded, first.log[-3000:]
    second = airflow.run(dag_id=DAG_ID, conf={"dry_run": True})
    wrong = {
        name: json.dumps({**json.loads(value), "password": "a-wrong-s3cret-of-the-store"})
        for name, value in airflow.environment.items()
        if name.startswith("AIRFLOW_CONN_YOTPO")
    }
    canaries.add_secrets("a-wrong-s3cret-of-the-store", "a wrong secret")
    third = airflow.run(dag_id=DAG_ID, **wrong)
    assert not third.succeeded
    staging = airflow.home / "partners" / "staging"
    return {
        "output": without_airflows_masks(first.log + second.log + third.log),
        **{f"table {name}": text for name, text in tables(airflow)},
        "log files": "\n".join(text_of(path) for path in files(airflow.home / "logs")),
        "lineage": lineage.read_text() if lineage.exists() else "",
        "metrics": metrics.text(),
        "reports": "\n".join(text_of(path) for path in files(staging / ".reports")),
        "staging without records": "\n".join(
            text_of(path) for path in files(staging) if not path.name.startswith("part-")
        ),
        "file names": "\n".join(map(str, files(airflow.home))),
    }


def without_airflows_masks(log: str) -> str:
    """Leave out what Airflow itself prints: ``dags test`` logs each secret that it is to mask, at ``DEBUG``.

    A supervisor of a deployed Airflow omits the body of this message (``airflow.sdk.execution_time.supervisor``).
    """
    return "\n".join(line for line in log.splitlines() if not ("Sending request" in line and "MaskSecret(" in line))


class Metrics:
    """Receives what Airflow sends to StatsD."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._lines: list[bytes] = []
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        while True:
            self._lines.append(self._socket.recv(65_536))

    def text(self) -> str:
        return b"\n".join(self._lines).decode(errors="replace")


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in {".db", ".sqlite"}]


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8", "replace")


def tables(airflow: Any) -> Iterator[tuple[str, str]]:
    """Yield every table of Airflow's database with its rows."""
    names = airflow.query_database("SELECT name FROM sqlite_master WHERE type = 'table'")
    for (name,) in names:
        yield name, "\n".join(map(repr, airflow.query_database(f'SELECT * FROM "{name}"')))


def test_nothing_is_left_in_airflow(canaries: Canaries, places: dict[str, str]) -> None:
    found = {place: each for place, text in places.items() if (each := canaries.found_in(text))}
    assert found == {}


def test_every_place_had_something_to_search(places: dict[str, str]) -> None:
    for place in ("output", "table xcom", "table rendered_task_instance_fields", "lineage", "reports", "file names"):
        assert len(places[place]) > 500, place
    assert "[debug" in places["output"]


def test_the_records_had_canaries(canaries: Canaries, airflow: Any, places: dict[str, str]) -> None:
    parts = [path for path in files(airflow.home / "partners" / "staging") if path.name.startswith("part-")]
    assert len(canaries.found_in("\n".join(map(text_of, parts)))) > 200
