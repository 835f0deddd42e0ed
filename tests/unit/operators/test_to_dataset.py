"""No error of a reader of files or queries shows a text of what it reads, neither of a cell nor of a name.

Each name and each cell is a canary. Nothing in a CSV file says whether its first line is a header: RFC 4180, section 2,
number 3. DuckDB makes names of columns of that line: https://duckdb.org/docs/stable/data/csv/auto_detection.
"""

from __future__ import annotations

import gzip
import json
import logging
import pickle
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.operators.files import FilesToDatasetOperator
from airflow_provider_partners.operators.sql import SqlToDatasetOperator
from airflow_provider_partners.task_errors import PartnerTaskError

CANARY = "qzxwj"
FIRST, SECOND = f"Ann {CANARY}a", f"{CANARY}b Street"
LINE = f"{FIRST},{SECOND}\n"
NEARLY = {"Ann qzwxja": "integer"}
"""Nearly the first name: the letters differ."""


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    task = SimpleNamespace(dag_id="dag", task_id="people", run_id="run", map_index=-1, xcom_push=lambda **_: None)
    return {"ti": task}


def shown(error: BaseException) -> Iterator[str]:
    """Yield everything that a log or a report may show of an error."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield f"{current} {current!r} {current.args!r} {vars(current)!r} {getattr(current, 'object', '')!r}"
        current = getattr(current, "error", None) or current.__cause__ or current.__context__
    yield "".join(traceback.format_exception(error))
    yield pickle.dumps(error).decode("latin-1")


def assert_no_canary(error: BaseException, logs: pytest.LogCaptureFixture) -> None:
    forms = (CANARY, CANARY.encode("utf-16-le").decode("latin-1"))
    assert [text for text in (*shown(error), logs.text) if any(form in text.lower() for form in forms)] == []


FILES: dict[str, tuple[str, bytes, dict[str, Any]]] = {
    "a type for a column that it lacks": ("a.csv", LINE.encode() * 2, {"types": {"id": "integer"}}),
    "a type for nearly its first name": ("a.csv", LINE.encode() * 2, {"types": NEARLY}),
    "one name twice": ("a.csv", f"{FIRST},{FIRST}\n".encode(), {}),
    "no name": ("a.csv", f"{FIRST},,{SECOND}\n".encode(), {}),
    "an e-mail address as a name": ("a.csv", f"{CANARY}@example.com,x\n".encode(), {}),
    "too few cells": ("a.csv", f"{LINE}{CANARY}\n".encode(), {}),
    "too many cells": ("a.csv", f"{LINE}{CANARY},{CANARY},{CANARY}\n".encode(), {}),
    "a cell of another type": ("a.csv", f"id,{SECOND}\n{CANARY},x\n".encode(), {"types": {"id": "integer"}}),
    "an open quotation mark": ("a.csv", f'{LINE}"{CANARY}'.encode(), {}),
    "a text after a quotation mark": ("a.csv", f'{LINE}"x"{CANARY},y\n'.encode(), {}),
    "another encoding": ("a.csv", LINE.encode("utf-16") + b"\x00\xd8\x41\x00", {"encoding": "utf-16"}),
    "bytes of no encoding": ("a.csv", LINE.encode() + f"{CANARY}\xeb,x\n".encode("latin-1"), {}),
    "a broken line of JSON": ("a.jsonl", f'{{"{FIRST}": {CANARY}\n'.encode(), {}),
    "a line with a text": ("a.jsonl", f'"{CANARY}"\n'.encode(), {}),
    "broken JSON": ("a.json", f'[{{"{FIRST}": {CANARY}}}]'.encode(), {}),
    "cut JSON": ("a.json", f'[{{"{FIRST}": "{CANARY}'.encode(), {}),
    "no Parquet": ("a.parquet", LINE.encode() * 9, {}),
    "cut compression": ("a.csv.gz", gzip.compress(LINE.encode() * 9)[:-12], {}),
    "no compression": ("a.csv.gz", LINE.encode(), {}),
    "an unknown suffix": ("a.people", LINE.encode(), {}),
    "another delimiter": ("a.csv", LINE.encode(), {"delimiter": ";", "types": {FIRST[:3]: "integer"}}),
}


@pytest.mark.parametrize("case", FILES)
def test_no_error_of_a_file_shows_its_text(
    context: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    caplog.set_level(logging.DEBUG)
    name, content, arguments = FILES[case]
    (tmp_path / name).write_bytes(content)
    operator = FilesToDatasetOperator(task_id="people", uri=str(tmp_path / name), max_rejects=0, **arguments)
    with pytest.raises((AirflowFailException, PartnerTaskError)) as raised:
        operator.execute(context)
    assert_no_canary(raised.value, caplog)


def test_no_reason_shows_the_name_of_a_column_of_parquet(
    context: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Pandas makes names of a first line as well: https://pandas.pydata.org/docs/reference/api/pandas.read_csv.html"""
    parquet.write_table(pa.table({"id": [1], FIRST: [float("inf")]}), tmp_path / "a.parquet")
    operator = FilesToDatasetOperator(task_id="people", uri=str(tmp_path / "a.parquet"), max_rejects=0)
    with pytest.raises((AirflowFailException, PartnerTaskError), match="column 2: ") as raised:
        operator.execute(context)
    assert_no_canary(raised.value, caplog)


QUERIES: dict[str, dict[str, Any]] = {
    "a type for a column that it lacks": {"types": {"id": "integer"}},
    "a type for nearly its first name": {"types": NEARLY},
    "one name twice": {"sql": "SELECT *, * FROM people"},
    "a value of another type": {"types": {"note": "integer"}},
    "a number that is not finite": {"sql": "SELECT * FROM numbers"},
    "a function that fails": {"sql": "SELECT json(note) FROM people"},
    "an absent column": {"sql": "SELECT absent FROM people"},
    "a parameter too many": {"parameters": [CANARY]},
}


@pytest.mark.parametrize("case", QUERIES)
def test_no_error_of_a_query_shows_its_text(
    context: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    case: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "lite.db"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as database:
        database.execute(f'CREATE TABLE people ("{FIRST}" TEXT, note TEXT)')
        database.execute("INSERT INTO people VALUES (?, ?)", [SECOND, CANARY])
        database.execute(f'CREATE TABLE numbers ("{FIRST}" REAL)')
        database.execute("INSERT INTO numbers VALUES (9e999)")
    database.close()
    arguments = {"sql": "SELECT * FROM people", "conn_id": "lite", "max_rejects": 0, **QUERIES[case]}
    operator = SqlToDatasetOperator(task_id="people", **arguments)
    with pytest.raises((AirflowFailException, PartnerTaskError)) as raised:
        operator.execute(context)
    assert_no_canary(raised.value, caplog)
