"""``SqlToDatasetOperator`` on a real PostgreSQL and on SQLite. The values come from the databases' own statements."""

from __future__ import annotations

import json
import sqlite3
import sys
import tracemalloc
from types import SimpleNamespace

import pytest

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets import dataset_columns, read_dataset
from airflow_provider_partners.operators.sql import SqlToDatasetOperator
from airflow_provider_partners.task_errors import PartnerTaskError


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    task = SimpleNamespace(dag_id="dag", task_id="orders", run_id="run", map_index=-1, xcom_push=lambda **_: None)
    return {"ti": task}


@pytest.fixture(params=["psycopg2", "psycopg"])
def driver(request, monkeypatch):
    """Airflow's hook uses psycopg where it is installed, else psycopg2."""
    import airflow.providers.postgres.hooks.postgres as module

    monkeypatch.setattr(module, "USE_PSYCOPG3", request.param == "psycopg")
    return request.param


@pytest.fixture
def warehouse(monkeypatch, postgres):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgres.airflow_connection())
    return postgres


@pytest.fixture
def lite(monkeypatch, tmp_path):
    path = tmp_path / "lite.db"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as connection:
        yield connection
    connection.close()


def run(context, conn_id, sql, **arguments):
    return SqlToDatasetOperator(task_id="orders", conn_id=conn_id, sql=sql, **arguments).execute(context)


def records(reference):
    return list(read_dataset(reference))


def types(reference):
    return {column.name: column.type for column in dataset_columns(reference)}


EVERY_TYPE = """
SELECT 1::smallint AS small, 9007199254740993::bigint AS big, 10.50::numeric(10, 2) AS price,
       12345678901234567890.123456789::numeric AS long, 1.5::float8 AS rate, true AS paid, 'Zoë'::text AS name,
       '2026-05-01 12:00+02'::timestamptz AS at, '2026-05-01 12:00'::timestamp AS local, '2026-05-01'::date AS day,
       '10:30'::time AS clock, '1 day 2 hours'::interval AS wait, '{"a": [1, null]}'::jsonb AS data,
       '[1]'::json AS list, '\\x0001'::bytea AS raw, 'c0ffee00-0000-4000-8000-000000000000'::uuid AS id,
       ARRAY['x', 'y'] AS tags, '10.0.0.1'::inet AS address, NULL::numeric AS nothing
"""


def test_every_type_of_postgresql_becomes_json_without_loss(context, warehouse, driver):
    reference = run(context, "warehouse", EVERY_TYPE, timezone="Europe/Berlin")

    (record,) = records(reference)
    assert record == {
        "small": 1,
        "big": 9007199254740993,
        "price": "10.50",
        "long": "12345678901234567890.123456789",
        "rate": 1.5,
        "paid": True,
        "name": "Zoë",
        "at": "2026-05-01T10:00:00Z",
        "local": "2026-05-01T10:00:00Z",
        "day": "2026-05-01",
        "clock": "10:30:00",
        "wait": "P1DT7200S",
        "data": {"a": [1, None]},
        "list": [1],
        "raw": "AAE=",
        "id": "c0ffee00-0000-4000-8000-000000000000",
        "tags": ["x", "y"],
        "address": "10.0.0.1",
        "nothing": None,
    }
    assert types(reference) == {
        **dict.fromkeys(("small", "big"), "integer"),
        **dict.fromkeys(("price", "long", "nothing"), "decimal"),
        **dict.fromkeys(("at", "local"), "timestamp"),
        **dict.fromkeys(("data", "list", "tags"), "json"),
        **dict.fromkeys(("name", "clock", "wait", "raw", "id", "address"), "string"),
        "rate": "float",
        "paid": "boolean",
        "day": "date",
    }


def test_a_result_without_rows_has_its_columns(context, warehouse, driver):
    reference = run(context, "warehouse", "SELECT 1 AS id, now() AS at, 1.5 AS price WHERE false")

    assert reference["records"] == 0
    assert types(reference) == {"id": "integer", "at": "timestamp", "price": "decimal"}


def test_values_are_bound_and_never_part_of_the_statement(context, warehouse, driver):
    sql = "SELECT %(name)s::text AS name, '100%%' AS share"

    assert records(run(context, "warehouse", sql, parameters={"name": "x'; DROP TABLE y; --"})) == [
        {"name": "x'; DROP TABLE y; --", "share": "100%"}
    ]
    assert records(run(context, "warehouse", "SELECT %s::int AS id", parameters="[5]")) == [{"id": 5}]


def test_a_percent_sign_is_no_placeholder_without_parameters(context, warehouse, driver):
    assert records(run(context, "warehouse", "SELECT 'a%b' AS x WHERE 'abc' LIKE '%b%'")) == [{"x": "a%b"}]


@pytest.mark.parametrize(
    "sql",
    [
        "-- the first\nSELECT 1 AS id",
        "/* a */ (SELECT 1 AS id)",
        "WITH one AS (SELECT 1 AS id) SELECT * FROM one",
        "VALUES (1)",
        "WITH new AS (INSERT INTO written VALUES (1) RETURNING id) SELECT id FROM new",
        "INSERT INTO written VALUES (1) RETURNING id",
        "SHOW server_version_num",
    ],
)
def test_any_statement_that_returns_rows_can_be_read(context, warehouse, driver, sql):
    warehouse.execute("DROP TABLE IF EXISTS written; CREATE TABLE written (id integer)")

    assert run(context, "warehouse", sql)["records"] == 1


def test_a_dictionary_cursor_of_the_connection_is_understood(context, postgres, driver, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", postgres.airflow_connection(cursor="dictcursor"))

    assert records(run(context, "warehouse", "SELECT 1 AS id, 'x' AS name")) == [{"id": 1, "name": "x"}]


def test_a_number_that_is_not_finite_is_rejected_with_its_row(context, warehouse, driver):
    sql = "SELECT id, CASE id WHEN 2 THEN 'NaN'::float8 ELSE 1.5 END AS rate FROM generate_series(1, 3) AS id"

    reference = run(context, "warehouse", sql)

    assert [record["id"] for record in records(reference)] == [1, 3]
    (reject,) = records(reference["extra"]["rejects"])
    assert (reject["id"], reject["rejected"]["external_id"]) == (2, "row 2")
    assert reject["rejected"]["reason"] == "rate: its value is no finite number"


def test_a_million_rows_take_no_more_memory_than_fifty_thousand(context, warehouse, driver):
    """The memory of the process and of the driver's C library, as the kernel counts it, in a process of its own."""
    import subprocess

    code = f"""
import resource, sys
sys.path.insert(0, {str(__file__).rpartition("/")[0]!r})
from types import SimpleNamespace
import airflow.providers.postgres.hooks.postgres as module
module.USE_PSYCOPG3 = {driver == "psycopg"}
from airflow_provider_partners.hooks.database import find_database
from airflow_provider_partners.tables.select import Query
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def read(number):
    with find_database("warehouse").open() as connection:
        query = Query(connection, f"SELECT id, repeat('x', 100) AS note FROM generate_series(1, {{number}}) AS id")
        query.execute()
        return sum(1 for record in query.records())
assert read(50_000) == 50_000
before = peak()
assert read(1_000_000) == 1_000_000
print("grown by", peak() - before)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[-1]) < 20_000, "kilobytes"


def test_a_time_that_python_does_not_have_rejects_its_row_alone(context, warehouse, driver):
    """PostgreSQL has infinity and years before Christ: https://www.postgresql.org/docs/current/datatype-datetime.html"""
    sql = """
    SELECT * FROM (VALUES
        (1, timestamptz '2026-05-01 12:00Z', date '2026-05-01', timestamp '9999-12-31 23:59:59.999999'),
        (2, timestamptz 'infinity', NULL, NULL), (3, NULL, date '-infinity', NULL),
        (4, NULL, NULL, timestamp 'infinity'),
        (5, NULL, date '0044-03-15 BC', NULL), (6, timestamptz '20000-01-01', NULL, NULL), (7, NULL, NULL, NULL)
    ) AS t (id, at, day, local)
    """
    reference = run(context, "warehouse", sql, max_rejects=5)

    kept = records(reference)
    assert [record["id"] for record in kept] == [1, 7]
    assert kept[0] == {
        "id": 1,
        "at": "2026-05-01T12:00:00Z",
        "day": "2026-05-01",
        "local": "9999-12-31T23:59:59.999999Z",
    }
    rejects = records(reference["extra"]["rejects"])
    assert [(each["id"], each["rejected"]["reason"].partition(":")[0]) for each in rejects] == [
        (2, "at"),
        (3, "day"),
        (4, "local"),
        (5, "day"),
        (6, "at"),
    ]


def test_sqlite(context, lite):
    lite.execute("CREATE TABLE orders (id INTEGER, price NUMERIC, note TEXT, raw BLOB, at TEXT)")
    lite.execute("INSERT INTO orders VALUES (1, 10.5, 'x', x'0001', '2026-05-01 10:00'), (2, NULL, NULL, NULL, NULL)")
    lite.commit()

    sql = "SELECT * FROM orders WHERE id < :end ORDER BY id"
    reference = run(context, "lite", sql, parameters={"end": 9}, types={"at": "timestamp"})

    assert records(reference) == [
        {"id": 1, "price": 10.5, "note": "x", "raw": "AAE=", "at": "2026-05-01T10:00:00Z"},
        {"id": 2, "price": None, "note": None, "raw": None, "at": None},
    ]
    assert types(reference)["at"] == "timestamp"


def test_the_window_is_that_of_the_arguments(context, lite):
    reference = run(context, "lite", "SELECT 1 AS id", since="2026-05-01", until="2026-05-02", account="acme")

    assert reference["window"] == {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}
    assert (reference["source"], reference["resource"], reference["account"]) == ("sql", "orders", "acme")


def test_a_retry_runs_the_query_again_into_a_fresh_dataset(context, lite):
    lite.execute("CREATE TABLE t (id INTEGER)")
    lite.execute("INSERT INTO t VALUES (1)")
    lite.commit()
    run(context, "lite", "SELECT id FROM t")
    lite.execute("INSERT INTO t VALUES (2)")
    lite.commit()

    assert records(run(context, "lite", "SELECT id FROM t ORDER BY id")) == [{"id": 1}, {"id": 2}]


def test_too_few_records_fail_the_task(context, lite):
    with pytest.raises(PartnerTaskError, match="has read 1 records, and 'min_records' is 2"):
        run(context, "lite", "SELECT 1 AS id", min_records="2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sql": "SELECT 1 AS id, 2 AS id"}, "one name for the columns 1 and 2"),
        ({"sql": "CREATE TABLE x (id INTEGER)"}, "returns no rows"),
        ({"sql": ""}, "'sql'"),
        ({"sql": "SELECT 1 AS id", "types": {"id": "int"}}, "did you mean 'integer'"),
        ({"sql": "SELECT 1 AS qty", "types": {"qtty": "integer"}}, "no column 'qtty', .*returns 1 columns"),
        ({"sql": "SELECT 1 AS Qty", "types": {"qty": "integer"}}, "there it is spelled 'Qty'"),
        ({"sql": "SELECT 1 AS id", "timezone": "Nowhere"}, "'timezone'"),
        ({"sql": "SELECT 1 AS id", "parameters": 5}, "'parameters'"),
        ({"sql": "SELECT id FROM missing"}, "no such table: missing"),
        ({"sql": "SELEC 1"}, "syntax error"),
    ],
)
def test_what_a_user_writes_wrong_fails_at_once_and_names_it(context, lite, arguments, message):
    with pytest.raises(AirflowFailException, match=message):
        run(context, "lite", **arguments)


def test_a_wrong_statement_fails_at_once_and_names_the_connection(context, warehouse, driver):
    with pytest.raises(AirflowFailException, match="'warehouse' answers UndefinedTable: relation \"missing\" does not"):
        run(context, "warehouse", "SELECT * FROM missing")


def test_values_that_the_database_quotes_are_not_in_the_error(context, warehouse, driver):
    with pytest.raises(AirflowFailException, match="invalid input syntax for type integer: …") as error:
        run(context, "warehouse", "SELECT CAST(name AS integer) FROM (VALUES ('ann@example.com')) AS t (name)")
    assert "ann@" not in str(error.value.error)
    assert error.value.error.__cause__ is None


def test_a_server_that_cannot_be_reached_is_left_to_the_retries(context, monkeypatch, driver):
    monkeypatch.setenv("AIRFLOW_CONN_GONE", "postgres://tester@127.0.0.1:1/postgres?connect_timeout=2")

    with pytest.raises(PartnerTaskError, match="The database of 'gone' answers OperationalError"):
        run(context, "gone", "SELECT 1 AS id")


@pytest.mark.parametrize(
    ("uri", "message"),
    [("yotpo://store:secret@", "which is no database"), ("nonsense://x", "has no hook here")],
)
def test_a_connection_of_another_kind_fails_at_once(context, monkeypatch, uri, message):
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", uri)

    with pytest.raises(AirflowFailException, match=message):
        run(context, "other", "SELECT 1 AS id")


def test_without_the_extra_the_error_names_it(context, monkeypatch):
    monkeypatch.setitem(sys.modules, "airflow.providers.common.sql.hooks.sql", None)

    with pytest.raises(AirflowFailException, match=r"Install airflow-provider-partners\[sql\]"):
        run(context, "lite", "SELECT 1 AS id")


def test_the_memory_of_the_dataset_does_not_grow_with_the_rows(context, lite):
    peaks = []
    for number in (20_000, 200_000):
        sql = (
            f"WITH RECURSIVE n (id) AS (VALUES (1) UNION ALL SELECT id + 1 FROM n WHERE id < {number}) SELECT id FROM n"
        )
        tracemalloc.start()
        assert run(context, "lite", sql)["records"] == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.5


@pytest.mark.parametrize(
    ("sql", "parameters", "shown"),
    [
        ("SELECT name::int FROM people", None, "type integer: …"),
        ("SELECT substr(name, 3, 3)::regclass FROM people", None, "relation …"),
        ("SELECT absent FROM people", None, 'column "absent"'),
        ("SELECT 1 FORM %s WHERE", ["Ann"], "syntax error at or near …"),
    ],
)
def test_a_refused_query_shows_its_own_names_and_no_value(context, driver, warehouse, caplog, sql, parameters, shown):
    """A value may have several lines, and be longer than what an error shows. psycopg2 writes parameters into the
    statement: https://www.psycopg.org/psycopg3/docs/basic/from_pg2.html"""
    caplog.set_level("DEBUG")
    warehouse.execute("DROP TABLE IF EXISTS people; CREATE TABLE people (name text)")
    warehouse.execute("INSERT INTO people VALUES (E'x\nAnn' || repeat('x', 300))")

    with pytest.raises(AirflowFailException) as raised:
        run(context, "warehouse", sql, parameters=parameters)

    assert shown in str(raised.value)
    assert "Ann" not in f"{raised.value} {caplog.text}"
