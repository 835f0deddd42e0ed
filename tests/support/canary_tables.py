"""Databases and files with canaries in their rows, lines and parameters, through success and all that they refuse.

The databases are a PostgreSQL server, by both of Airflow's drivers, and SQLite. PostgreSQL's errors have fields that
quote values: the message, the detail with the whole row, the context with the line of a COPY
(https://www.postgresql.org/docs/current/protocol-error-fields.html). Triggers and functions have words of their own.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from airflow.providers.postgres.hooks import postgres as postgres_hook
from airflow.sdk import DAG, Asset
from canary_search import Attack
from postgres import PostgresServer, serve_postgres

from airflow_provider_partners import DatasetToSqlOperator, FilesToDatasetOperator, SqlToDatasetOperator
from airflow_provider_partners.datasets.writer import DatasetWriter

__all__ = ["databases", "files"]

PEOPLE = 12

Person = dict[str, Any]


def databases(attack: Attack, *, everything: bool) -> None:
    """Load into tables and query them.

    :param everything: by both drivers, with all refusals
    """
    people = _people(attack)
    reference = _staged(attack, people)
    path = attack.folder.parent / "lite.db"
    with ExitStack() as stack:
        server = stack.enter_context(serve_postgres())
        with _connections(attack, server, path):
            for driver in ("psycopg2", "psycopg") if everything else ("psycopg",):
                with mock.patch.object(postgres_hook, "USE_PSYCOPG3", driver == "psycopg"):
                    _loads(attack, "canary_pg", driver, reference)
                    _refused_loads(attack, server, driver, reference, people, every=1 if everything else 2)
                    _queries(attack, "canary_pg", driver, people[0], _WRONG_CASTS, every=1 if everything else 3)
            _loads(attack, "canary_lite", "sqlite", reference)
            _refused_in_sqlite(attack, path, reference, people)
            _queries(attack, "canary_lite", "sqlite", people[0], _WRONG_IN_SQLITE, every=1)
            _wrong_connections(attack, server, reference)


def _people(attack: Attack) -> list[Person]:
    """Return records whose every text is a canary."""
    forms = {"name": "name", "email": "email", "phone": "phone", "note": "text", "city": "word"}
    return [
        {"id": number, **{name: attack.canaries.value(form, f"people.{name}") for name, form in forms.items()}}
        for number in range(PEOPLE)
    ]


def _staged(attack: Attack, people: list[Person]) -> dict[str, Any]:
    with DatasetWriter(str(attack.folder / "people"), source="shop", resource="people") as writer:
        writer.append(people)
        return writer.commit().to_dict()


@contextmanager
def _connections(attack: Attack, server: PostgresServer, path: Path) -> Iterator[None]:
    """Add connections whose passwords are canaries. The server trusts everybody."""
    password = "a-s3cret/of+the=database&'x'"
    stored = json.loads(server.airflow_connection())
    refused = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "me", "password": password}
    wrong = {**stored, "password": password, "schema": "no_such_database"}
    odd = {**stored, "extra": {"options": f"-c no_such={password}"}, "password": password}
    added = {
        "AIRFLOW_CONN_CANARY_PG": json.dumps({**stored, "password": password}),
        "AIRFLOW_CONN_CANARY_REFUSED": json.dumps(refused),
        "AIRFLOW_CONN_CANARY_WRONG": json.dumps(wrong),
        "AIRFLOW_CONN_CANARY_ODD": json.dumps(odd),
        "AIRFLOW_CONN_CANARY_LITE": json.dumps({"conn_type": "sqlite", "host": str(path)}),
    }
    attack.job.environment |= added
    attack.canaries.add_connections(added)
    yield


def _run(attack: Attack, make: Callable[..., Any], **arguments: Any) -> Callable[[], Any]:
    """Return a function that runs a task in a run of its own."""
    outlets = [Asset("canaries://people")]

    def run() -> Any:
        attack.runs += 1
        with DAG("canaries", schedule=None):
            task = make(task_id="task", outlets=outlets, **arguments)
        return attack.job.execute(task, run_id=f"tables-{attack.runs}")

    return run


def _load(attack: Attack, reference: Any, conn_id: str, table: str, **arguments: Any) -> Callable[[], Any]:
    arguments = {"keys": ["id"], **arguments} if arguments.get("mode", "merge") != "append" else arguments
    return _run(attack, DatasetToSqlOperator, dataset=reference, conn_id=conn_id, table=table, **arguments)


def _loads(attack: Attack, conn_id: str, driver: str, reference: Any) -> None:
    table = f"people_{driver}"
    for mode in ("merge", "append", "replace"):
        run = _load(attack, reference, conn_id, f"{table}_{mode}", mode=mode)
        attack.case(f"{mode} by {driver} succeeds", run)
    rejecting = {"types": {"phone": "integer", "email": "timestamp"}}
    run = _load(attack, reference, conn_id, f"{table}_rejects", max_rejects=PEOPLE, **rejecting)
    attack.case(f"rejects by {driver} succeeds", run)
    run = _load(attack, reference, conn_id, f"{table}_threshold", max_rejects=0, **rejecting)
    attack.case(f"rejects by {driver}: too many", run)
    attack.case(f"a load by {driver}: no such schema", _load(attack, reference, conn_id, f"nowhere.{table}"))
    attack.case(f"a load by {driver}: a new column", _load(attack, reference, conn_id, f"{table}_append_only"))
    query = f"SELECT * FROM {table}_merge ORDER BY id"
    attack.case(f"a query by {driver} succeeds", _run(attack, SqlToDatasetOperator, conn_id=conn_id, sql=query))


_COLUMNS = "id bigint, name text, phone text, note text, city text"

_REFUSING = {
    "a unique address": "CREATE TABLE {t} (" + _COLUMNS + ", email text UNIQUE);"
    " INSERT INTO {t} (id, email) VALUES (-1, {email})",
    "a check": "CREATE TABLE {t} (" + _COLUMNS + ", email text CHECK (email NOT LIKE '%@%'))",
    "a mandatory column": "CREATE TABLE {t} (" + _COLUMNS + ", email text, company text NOT NULL)",
    "a foreign key": "CREATE TABLE {t}_of (email text PRIMARY KEY);"
    " CREATE TABLE {t} (" + _COLUMNS + ", email text REFERENCES {t}_of)",
    "a short column": "CREATE TABLE {t} (" + _COLUMNS + ", email varchar(3))",
    "a domain": "CREATE DOMAIN {t}_mail AS text CHECK (VALUE !~ '@');"
    " CREATE TABLE {t} (" + _COLUMNS + ", email {t}_mail)",
    "an enumeration": "CREATE TYPE {t}_kind AS ENUM ('a'); CREATE TABLE {t} (" + _COLUMNS + ", email {t}_kind)",
    "an exclusion": "CREATE TABLE {t} (" + _COLUMNS + ", email text, EXCLUDE (email WITH =));"
    " INSERT INTO {t} (id, email) VALUES (-1, {email})",
    "no partition": "CREATE TABLE {t} (" + _COLUMNS + ", email text) PARTITION BY LIST (email)",
    "a view": "CREATE VIEW {t} AS SELECT 1::bigint AS id, ''::text AS email GROUP BY 1",
    "an index that is too small": "CREATE TABLE {t} (" + _COLUMNS + ", email text);"
    " CREATE UNIQUE INDEX ON {t} (lower(left(email, 1)))",
}
_TRIGGERS = {
    "its own words": "RAISE EXCEPTION 'no % of %', NEW.email, NEW.name USING DETAIL = NEW.note, HINT = NEW.city",
    "its own class": "RAISE EXCEPTION 'bad % (%)', NEW.email, NEW.phone USING ERRCODE = 'C0001'",
    "a borrowed class": "RAISE EXCEPTION 'bad % (%)', NEW.email, NEW.name USING ERRCODE = 'unique_violation'",
    "an assertion": "ASSERT false, 'no ' || NEW.email || ' please'",
    "a cast": "NEW.id := NEW.email::int",
    "a name in SQL": "EXECUTE format('SELECT %I', NEW.email)",
    "a table in SQL": "EXECUTE format('SELECT 1 FROM %I', NEW.city)",
    "a text in SQL": "EXECUTE 'SELECT ' || NEW.note",
    "a regular class": "PERFORM NEW.city::regclass",
}


def _refused_loads(
    attack: Attack, server: PostgresServer, driver: str, reference: Any, people: list[Person], *, every: int
) -> None:
    refused: list[tuple[str, str]] = list(_REFUSING.items())
    refused += [(f"a trigger with {name}", _trigger(body)) for name, body in _TRIGGERS.items()]
    for number, (name, ddl) in enumerate(refused):
        if number % every:
            continue
        table = f"refusing_{driver}_{number}"
        email = "'" + people[1]["email"].replace("'", "''") + "'"
        server.execute(ddl.replace("{t}", table).replace("{email}", email))
        attack.case(
            f"a load by {driver}: {name}", _load(attack, reference, "canary_pg", table, on_new_columns="ignore")
        )
    warning = f"warning_{driver}"
    server.execute(_trigger("RAISE WARNING 'odd %', NEW.email; RAISE NOTICE 'odd %', NEW.name").replace("{t}", warning))
    attack.case(f"a trigger that warns by {driver} succeeds", _load(attack, reference, "canary_pg", warning))


def _trigger(body: str) -> str:
    return (
        "CREATE TABLE {t} (" + _COLUMNS + ", email text);"
        " CREATE FUNCTION {t}_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + "; RETURN NEW; END $$;"
        " CREATE TRIGGER {t}_t BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {t}_f()"
    )


_TABLE = "people_{driver}_merge"
_CASTS = ("int", "uuid", "timestamptz", "interval", "inet", "numeric", "json", "boolean", "point", "bytea", "regclass")
_WRONG_CASTS = {
    **{f"a cast to {kind}": f"SELECT id, city::{kind} FROM {_TABLE}" for kind in _CASTS},
    "a cast of texts with lines": f"SELECT note::int FROM {_TABLE}",
    "a cast of long texts": f"SELECT (city || repeat('x', 500))::int FROM {_TABLE}",
    "a cast of a parameter": "SELECT %s::int",
    "a parameter in a wrong place": "SELECT 1 FORM %s WHERE",
    "a name of no column": f"SELECT absent FROM {_TABLE}",
    "a function": f"SELECT to_date(city, 'YYYY') FROM {_TABLE}",
    "a regular expression": f"SELECT regexp_replace('x', '(' || city, '') FROM {_TABLE}",
    "a file": f"SELECT pg_read_file(city) FROM {_TABLE}",
    "a setting": f"SELECT set_config('work_mem', city, true) FROM {_TABLE}",
    "a division": "SELECT 1/0",
    "no rows": f"UPDATE {_TABLE} SET id = id",
    "two columns of one name": f"SELECT city, city FROM {_TABLE}",
}
_WRONG_IN_SQLITE = {
    "JSON": f"SELECT json(note) FROM {_TABLE}",
    "a path in JSON": f"SELECT json_extract('{{}}', city) FROM {_TABLE}",
    "a name of no column": f"SELECT absent FROM {_TABLE}",
    "a parameter too many": f"SELECT id FROM {_TABLE}",
}


def _queries(
    attack: Attack, conn_id: str, driver: str, person: Person, statements: dict[str, str], *, every: int
) -> None:
    for number, (name, sql) in enumerate(statements.items()):
        if number % every:
            continue
        parameters = [person["email"]] if "parameter" in name else None
        arguments = {"conn_id": conn_id, "sql": sql.replace("{driver}", driver), "parameters": parameters}
        run = _run(attack, SqlToDatasetOperator, **arguments)
        attack.case(f"a query by {driver}: {name}", run, arguments=json.dumps(parameters))
    types = {"city": "timestamp", "email": "integer"}
    query = f"SELECT * FROM {_TABLE} ORDER BY id".replace("{driver}", driver)
    for limit, end in ((PEOPLE, " succeeds"), (0, ": too many")):
        run = _run(attack, SqlToDatasetOperator, conn_id=conn_id, sql=query, types=types, max_rejects=limit)
        attack.case(f"rejected rows by {driver}{end}", run)


def _refused_in_sqlite(attack: Attack, path: Path, reference: Any, people: list[Person]) -> None:
    for number, (name, ddl) in enumerate(
        {
            "a unique address": "CREATE TABLE {t} (" + _COLUMNS + ", email text UNIQUE)",
            "a check": "CREATE TABLE {t} (" + _COLUMNS + ", email text CHECK (email NOT LIKE '%@%'))",
            "a mandatory column": "CREATE TABLE {t} (" + _COLUMNS + ", email text, company text NOT NULL)",
            "a strict column": "CREATE TABLE {t} (id integer, email integer) STRICT",
            "a trigger": "CREATE TABLE {t} (" + _COLUMNS + ", email text); CREATE TRIGGER {t}_t BEFORE INSERT ON {t}"
            " BEGIN SELECT RAISE(ABORT, 'no customer qzxzzzzz please'); END",
        }.items()
    ):
        table = f"refusing_{number}"
        database = sqlite3.connect(path)
        database.executescript(ddl.replace("{t}", table))
        if "UNIQUE" in ddl:
            database.execute(f"INSERT INTO {table} (id, email) VALUES (-1, ?)", [people[1]["email"]])
        database.commit()
        database.close()
        run = _load(attack, reference, "canary_lite", table, on_new_columns="ignore")
        attack.case(f"a load by sqlite: {name}", run)


def _wrong_connections(attack: Attack, server: PostgresServer, reference: Any) -> None:
    for name in ("refused", "wrong", "odd", "missing"):
        run = _load(attack, reference, f"canary_{name}", "people")
        attack.case(f"a connection: {name}", run)


def files(attack: Attack) -> None:
    """Read files of people, whole and spoiled."""
    people = _people(attack)
    folder = attack.folder.parent / "files"
    folder.mkdir()
    for name, (content, arguments) in _contents(people).items():
        path = folder / name
        path.write_bytes(content)
        attack.case(f"the file {name}", _run(attack, FilesToDatasetOperator, uri=str(path), **arguments))
    for limit, end in ((100, " succeeds"), (0, ": too many")):
        uri = [str(folder / name) for name in ("cells.csv", "lines.jsonl")]
        run = _run(attack, FilesToDatasetOperator, uri=uri, max_rejects=limit)
        attack.case(f"rejected lines{end}", run)
    run = _run(attack, FilesToDatasetOperator, uri=str(folder / "people.csv"), types={"id": "integer"})
    if loaded := attack.case("a CSV file succeeds", run):
        attack.case("a CSV file in a table succeeds", _load(attack, loaded, "canary_lite", "people_of_csv"))


def _contents(people: list[Person]) -> dict[str, tuple[bytes, dict[str, Any]]]:
    """Return the files by name, each with the arguments of its task."""
    names = list(people[0])
    rows = [[str(person[name]) for name in names] for person in people]
    lines = "".join(f"{json.dumps(person)}\n" for person in people)
    whole = _csv([names, *rows])
    any_number = {"max_rejects": 100}
    typed = {"types": {"id": "integer", "email": "timestamp", "city": "decimal"}}
    mixed = lines + f'{{"id": 1, "email": {people[0]["email"]}\n["{people[1]["email"]}"]\n"{people[2]["name"]}"\n'
    packed = gzip.compress(whole, mtime=0)
    return {
        "people.csv": (whole, {}),
        "typed.csv": (whole, {**typed, **any_number}),
        "cells.csv": (_csv([names, *rows, [*rows[0], rows[1][2]], rows[2][:3]]), any_number),
        "quotes.csv": (whole + b'1,"' + people[0]["name"].encode() + b'"x,\n', {}),
        "open_quote.csv": (whole + b'1,"' + people[0]["email"].encode(), {}),
        "without_header.csv": (_csv(rows), {}),
        "without_header_typed.csv": (_csv(rows), {"types": {"id": "integer"}}),
        "one_value_twice.csv": (_csv([[*rows[0], rows[0][2]], rows[1]]), {}),
        "an_empty_name.csv": (_csv([[*rows[0], ""], rows[1]]), {}),
        "wrong_header.csv": (whole, {"header": ["a", "b"], **any_number}),
        "latin.csv": (whole.decode().encode("latin-1", "replace"), any_number),
        "wide.csv": (whole, {"encoding": "utf-16"}),
        "wide_cut.csv": (whole.decode().encode("utf-16")[:-1], {"encoding": "utf-16"}),
        "zeros.csv": (whole + b"\x00" + people[0]["email"].encode(), any_number),
        "delimiter.csv": (whole, {"delimiter": "@", **any_number}),
        "lines.jsonl": (mixed.encode(), any_number),
        "typed.jsonl": (lines.encode(), {**typed, **any_number}),
        "not_utf8.jsonl": (lines.encode("utf-16"), any_number),
        "cut.json": (json.dumps(people)[:-9].encode(), {}),
        "texts.json": (json.dumps([person["email"] for person in people]).encode(), any_number),
        "no.json": (people[0]["email"].encode(), {}),
        "people.parquet": (_parquet(people), {**typed, **any_number}),
        "cut.parquet": (_parquet(people)[:-40], {}),
        "no.parquet": (whole, {}),
        "cut.csv.gz": (packed[:-20], {}),
        "no.csv.gz": (whole, {}),
        "people.unknown": (whole, {}),
    }


def _csv(rows: list[list[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()


def _parquet(people: list[Person]) -> bytes:
    buffer = io.BytesIO()
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [{**person, "score": float("inf") if person["id"] % 2 else 1.0, "at": at} for person in people]
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()
