"""``DatasetToSqlOperator`` on a real PostgreSQL, by both of Airflow's drivers, and on SQLite.

What is in the tables is read by independent clients: psycopg without Airflow, and Python's ``sqlite3``.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets import Column, DatasetWriter, read_dataset
from airflow_provider_partners.operators.sql import DatasetToSqlOperator
from airflow_provider_partners.task_errors import PartnerTaskError

ORDERS = [
    {
        "id": 1,
        "createdAt": "2026-05-01T10:00:00Z",
        "total": "10.50",
        "paid": True,
        "day": "2026-05-01",
        "lines": [{"sku": "a"}],
    },
    {"id": 2, "createdAt": "2026-05-01T11:00:00.5Z", "total": "0.000000001", "paid": False, "day": None, "lines": []},
    {"id": 3, "createdAt": None, "total": None, "paid": None, "day": "2026-05-02", "lines": {"note": "x\ty\\z\n'\"ë"}},
]
COLUMNS = [
    Column("id", "integer"),
    Column("createdAt", "timestamp"),
    Column("total", "decimal"),
    Column("paid", "boolean"),
    Column("day", "date"),
    Column("lines", "json"),
]


class Lite:
    """An SQLite file, as tests look at it."""

    dialect = "sqlite"

    def __init__(self, path):
        self.path = path

    def query(self, sql):
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute(sql).fetchall()
        connection.close()
        return rows

    def execute(self, sql):
        with sqlite3.connect(self.path) as connection:
            connection.executescript(sql)
        connection.close()


class Warehouse:
    """A schema of a PostgreSQL server of its own, as tests look at it."""

    dialect = "postgres"

    def __init__(self, server):
        self.server = server
        server.execute("DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public")

    def query(self, sql):
        return self.server.query(sql)

    def execute(self, sql):
        self.server.execute(sql)


@pytest.fixture(autouse=True)
def staging(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    return tmp_path / "staging"


@pytest.fixture(params=["psycopg2", "psycopg"])
def warehouse(request, monkeypatch, postgres):
    """Airflow's hook uses psycopg where it is installed, else psycopg2."""
    import airflow.providers.postgres.hooks.postgres as module

    monkeypatch.setattr(module, "USE_PSYCOPG3", request.param == "psycopg")
    monkeypatch.setenv("AIRFLOW_CONN_DB", postgres.airflow_connection())
    return Warehouse(postgres)


@pytest.fixture(params=["postgres", "sqlite"])
def database(request, monkeypatch, tmp_path):
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        monkeypatch.setenv("AIRFLOW_CONN_DB", server.airflow_connection())
        return Warehouse(server)
    path = tmp_path / "lite.db"
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return Lite(path)


def dataset(staging, records, columns=(), name="orders", run_id="run", window=None):
    writer = DatasetWriter(f"{staging}/dag/{name}/{run_id}/-1", source="shop", resource="orders", columns=columns)
    writer.resume()
    writer.append(records)
    return writer.commit().to_dict()


def load(reference, *, run_id="run", pushed=None, try_number=1, max_tries=None, **arguments):
    arguments = {"table": "orders", "conn_id": "db", "keys": ["id"], **arguments}
    if arguments.get("mode", "merge") == "append":
        arguments.pop("keys")
    pushed = {} if pushed is None else pushed
    task = SimpleNamespace(
        dag_id="dag",
        task_id="load",
        run_id=run_id,
        map_index=-1,
        try_number=try_number,
        max_tries=max_tries,
        xcom_push=lambda key, value: pushed.update({key: value}),
    )
    return DatasetToSqlOperator(task_id="load", dataset=reference, **arguments).execute({"ti": task})


def counts(result):
    return {name: result[name] for name in ("inserted", "updated", "unchanged")}


def test_a_table_is_created_by_the_types_of_the_dataset_and_holds_every_value(staging, warehouse):
    result = load(dataset(staging, ORDERS, COLUMNS))

    assert counts(result) == {"inserted": 3, "updated": 0, "unchanged": 0}
    assert warehouse.query("SELECT id, created_at, total, paid, day, lines FROM orders ORDER BY id") == [
        (1, datetime(2026, 5, 1, 10, tzinfo=UTC), Decimal("10.50"), True, date(2026, 5, 1), [{"sku": "a"}]),
        (2, datetime(2026, 5, 1, 11, 0, 0, 500_000, tzinfo=UTC), Decimal("0.000000001"), False, None, []),
        (3, None, None, None, date(2026, 5, 2), {"note": "x\ty\\z\n'\"ë"}),
    ]
    types = warehouse.query(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1"
    )
    assert dict(types) == {
        "id": "bigint",
        "created_at": "timestamp with time zone",
        "total": "numeric",
        "paid": "boolean",
        "day": "date",
        "lines": "jsonb",
    }


def test_sqlite_keeps_decimals_and_times_as_text(staging, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "lite.db")}))
    load(dataset(staging, ORDERS, COLUMNS))

    assert Lite(tmp_path / "lite.db").query("SELECT * FROM orders ORDER BY id") == [
        (1, "2026-05-01T10:00:00Z", "10.50", 1, "2026-05-01", '[{"sku":"a"}]'),
        (2, "2026-05-01T11:00:00.500000Z", "0.000000001", 0, None, "[]"),
        (3, None, None, None, "2026-05-02", '{"note":"x\\ty\\\\z\\n\'\\"ë"}'),
    ]


def test_a_repeated_merge_changes_nothing(staging, database):
    reference = dataset(staging, ORDERS, COLUMNS)
    load(reference)
    if database.dialect == "postgres":
        before = database.query("SELECT xmin, ctid, * FROM orders ORDER BY id")
        again = load(reference)
        # xmin is the transaction that wrote a row: https://www.postgresql.org/docs/current/ddl-system-columns.html
        assert database.query("SELECT xmin, ctid, * FROM orders ORDER BY id") == before
    else:
        before = database.query("SELECT * FROM orders ORDER BY id")
        again = load(reference)
        assert database.query("SELECT * FROM orders ORDER BY id") == before
    assert counts(again) == {"inserted": 0, "updated": 0, "unchanged": 3}


def test_a_merge_inserts_updates_and_leaves_alone(staging, database):
    load(dataset(staging, [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 3, "v": None}]))

    result = load(dataset(staging, [{"id": 2, "v": "B"}, {"id": 3, "v": None}, {"id": 4, "v": "d"}]))

    assert counts(result) == {"inserted": 1, "updated": 1, "unchanged": 1}
    assert database.query("SELECT id, v FROM orders ORDER BY id") == [(1, "a"), (2, "B"), (3, None), (4, "d")]


def test_null_becomes_a_value_and_a_value_null(staging, database):
    load(dataset(staging, [{"id": 1, "v": "a"}, {"id": 2, "v": None}]))

    assert load(dataset(staging, [{"id": 1, "v": None}, {"id": 2, "v": "b"}]))["updated"] == 2
    assert database.query("SELECT id, v FROM orders ORDER BY id") == [(1, None), (2, "b")]


def test_of_several_records_with_one_key_the_last_one_counts(staging, database):
    result = load(dataset(staging, [{"id": 1, "v": "a"}, {"id": 2, "v": "x"}, {"id": 1, "v": "b"}]))

    assert (result["inserted"], result["duplicates"]) == (2, 1)
    assert database.query("SELECT id, v FROM orders ORDER BY id") == [(1, "b"), (2, "x")]


def test_several_keys(staging, database):
    rows = [{"shop": "a", "id": 1, "v": 1}, {"shop": "b", "id": 1, "v": 2}]
    load(dataset(staging, rows), keys="shop, id")

    assert load(dataset(staging, [{"shop": "b", "id": 1, "v": 3}]), keys=["shop", "id"])["updated"] == 1
    assert database.query("SELECT shop, id, v FROM orders ORDER BY shop") == [("a", 1, 1), ("b", 1, 3)]


def test_only_keys(staging, database):
    load(dataset(staging, [{"id": 1}]))

    assert counts(load(dataset(staging, [{"id": 1}, {"id": 2}]))) == {"inserted": 1, "updated": 0, "unchanged": 1}


def test_only_newer_leaves_newer_rows_alone(staging, database):
    columns = [Column("id", "integer"), Column("updatedAt", "timestamp"), Column("v", "string")]

    def at(identifier, hour, value):
        return {"id": identifier, "updatedAt": hour and f"2026-05-01T{hour}:00:00Z", "v": value}

    load(dataset(staging, [at(1, "10", "a"), at(2, "10", "b"), at(3, None, "c")], columns), only_newer="updatedAt")
    older = [
        at(1, "09", "old"),
        at(2, "10", "same time"),
        at(3, "08", "first time"),
        at(4, "12", "x"),
        at(4, "11", "y"),
    ]
    result = load(dataset(staging, older, columns), only_newer="updatedAt")

    assert (result["stale"], result["updated"], result["inserted"]) == (1, 2, 1)
    assert [row[0] for row in database.query("SELECT v FROM orders ORDER BY id")] == [
        "a",
        "same time",
        "first time",
        "x",
    ]


def test_without_only_newer_the_last_load_counts(staging, database):
    load(dataset(staging, [{"id": 1, "at": 2}]))

    assert load(dataset(staging, [{"id": 1, "at": 1}]))["updated"] == 1


def test_replace_keeps_the_table_and_is_repeatable(staging, database):
    database.execute(
        "CREATE TABLE orders (id BIGINT, v TEXT, note TEXT DEFAULT 'kept'); INSERT INTO orders (id, v) VALUES (9, 'x')"
    )
    reference = dataset(staging, [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 2, "v": "c"}])

    result = load(reference, mode="replace", keys=None)
    again = load(reference, mode="replace", keys=None)

    assert (result["deleted"], result["inserted"], again["deleted"]) == (1, 3, 3)
    assert database.query("SELECT id, v, note FROM orders ORDER BY id, v") == [
        (1, "a", "kept"),
        (2, "b", "kept"),
        (2, "c", "kept"),
    ]


def test_replace_keeps_the_rights_on_the_table(staging, warehouse):
    warehouse.execute("CREATE TABLE orders (id BIGINT); GRANT SELECT ON orders TO PUBLIC")

    load(dataset(staging, [{"id": 1}]), mode="replace", keys=None)

    (rights,) = warehouse.query("SELECT relacl::text FROM pg_class WHERE relname = 'orders'")[0]
    assert "=r/tester" in rights


def test_replace_with_keys_keeps_one_record_of_each(staging, database):
    result = load(dataset(staging, [{"id": 1, "v": "a"}, {"id": 1, "v": "b"}]), mode="replace")

    assert (result["inserted"], result["duplicates"]) == (1, 1)
    assert database.query("SELECT id, v FROM orders") == [(1, "b")]


@pytest.mark.parametrize("columns", [(), (Column("id", "integer"),)])
def test_replace_by_an_empty_dataset_empties_the_table_unless_min_records_forbids_it(staging, database, columns):
    load(dataset(staging, [{"id": 1}]))
    empty = dataset(staging, [], columns, name="empty")

    with pytest.raises(PartnerTaskError, match="has 0 records, and 'min_records' is 1"):
        load(empty, mode="replace", keys=None, min_records="1")
    assert database.query("SELECT id FROM orders") == [(1,)]
    assert load(empty, mode="replace", keys=None)["deleted"] == 1
    assert database.query("SELECT id FROM orders") == []


def test_an_empty_dataset_without_columns_changes_nothing(staging, database):
    assert counts(load(dataset(staging, []))) == {"inserted": 0, "updated": 0, "unchanged": 0}


@pytest.mark.parametrize("columns", [(), (Column("note", "string"),)])
@pytest.mark.parametrize(
    ("mode", "arguments", "left"),
    [
        ("merge", {"keys": ["id"]}, [(1,)]),
        ("append", {"keys": None, "columns": {"id": "id"}}, [(1,)]),
        ("replace", {"keys": None, "types": {"id": "integer"}}, []),
    ],
)
def test_an_empty_dataset_needs_no_column_that_only_records_show(staging, database, columns, mode, arguments, left):
    """The cursor's description of SQLite and others names no types (PEP 249 leaves ``type_code`` to the driver)."""
    load(dataset(staging, [{"id": 1}]))
    empty = dataset(staging, [], columns, name="empty", run_id="two")

    load(empty, mode=mode, **arguments)

    assert database.query("SELECT id FROM orders") == left
    with pytest.raises(AirflowFailException, match="'id'"):
        load(dataset(staging, [{"note": "a"}], name="other", run_id="three"), mode=mode, **arguments)


def test_a_repeated_append_changes_nothing_and_another_run_appends(staging, database):
    first = dataset(staging, [{"id": 1}, {"id": 1}], run_id="one")

    assert load(first, mode="append")["inserted"] == 2
    assert load(first, mode="append", run_id="another try of the Dag")["unchanged"] == 2
    assert load(dataset(staging, [{"id": 1}], run_id="two"), mode="append")["inserted"] == 1
    assert database.query("SELECT id FROM orders") == [(1,)] * 3
    assert len(database.query("SELECT DISTINCT _load_id FROM orders")) == 2


def test_an_append_of_a_dataset_that_was_written_again_replaces_its_rows(staging, database):
    load(dataset(staging, [{"id": 1}, {"id": 2}]), mode="append")

    result = load(dataset(staging, [{"id": 1}, {"id": 3}, {"id": 4}]), mode="append")

    assert (result["deleted"], result["inserted"]) == (2, 3)
    assert database.query("SELECT id FROM orders ORDER BY id") == [(1,), (3,), (4,)]


def test_an_append_to_a_table_of_the_users(staging, database):
    database.execute("CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (7)")

    load(dataset(staging, [{"id": 1}]), mode="append")

    assert sorted(database.query("SELECT id FROM orders")) == [(1,), (7,)]


def test_the_table_of_an_append_can_be_copied_without_its_load_ids(staging, database):
    copy = [{"id": 1, "_load_id": "a-b", "_position": 7}]

    with pytest.raises(AirflowFailException, match=r"'_load_id' would become it, too.*exclude=\['_load_id'\]"):
        load(copy, mode="append")
    load(copy, mode="append", exclude="_load_id")
    assert database.query("SELECT id, _position FROM orders") == [(1, 7)]


def test_a_load_id_says_what_an_append_is_about(staging, database):
    load([{"id": 1}], mode="append", load_id="2026-05-01", run_id="one")

    assert load([{"id": 1}], mode="append", load_id="2026-05-01", run_id="two")["unchanged"] == 1
    assert load([{"id": 2}], mode="append", load_id="2026-05-01", run_id="three")["deleted"] == 1
    assert load([{"id": 1}], mode="append", load_id="2026-05-02", run_id="four")["inserted"] == 1


def test_plain_records_are_appended_once_in_each_run(staging, database):
    load([{"id": 1}], mode="append", run_id="one")
    load([{"id": 1}], mode="append", run_id="one")
    load([{"id": 1}], mode="append", run_id="two")

    assert database.query("SELECT id FROM orders") == [(1,), (1,)]


def test_a_list_of_datasets_and_json_text(staging, database):
    references = [dataset(staging, [{"id": 1, "v": 1}], name="a"), dataset(staging, [{"id": 2, "v": 1.5}], name="b")]

    assert load(references)["inserted"] == 2
    assert load(json.dumps(references))["unchanged"] == 2
    assert [float(row[0]) for row in database.query("SELECT v FROM orders ORDER BY id")] == [1.0, 1.5]


def test_new_fields_become_columns(staging, database):
    load(dataset(staging, [{"id": 1}]))

    result = load(dataset(staging, [{"id": 1, "lineItems": [1]}, {"id": 2, "lineItems": None}]))

    assert result["added_columns"] == ["line_items"]
    assert counts(result) == {"inserted": 1, "updated": 1, "unchanged": 0}


def test_new_fields_are_ignored_or_fail_by_choice(staging, database):
    load(dataset(staging, [{"id": 1, "v": 1}]))
    wider = dataset(staging, [{"id": 1, "v": 2, "x": 3}])

    with pytest.raises(AirflowFailException, match="has no column 'x' for 'x'"):
        load(wider, on_new_columns="fail")
    assert load(wider, on_new_columns="ignore")["updated"] == 1
    assert database.query("SELECT * FROM orders") == [(1, 2)]


def test_a_column_that_a_dataset_lacks_keeps_its_values(staging, database):
    load(dataset(staging, [{"id": 1, "v": 1, "note": "kept"}]))
    load(dataset(staging, [{"id": 1, "v": 2}]))

    assert database.query("SELECT v, note FROM orders") == [(2, "kept")]


@pytest.mark.parametrize(
    ("before", "after", "kind", "values"),
    [
        (1, 1.5, "double precision", [1.0, 1.5]),
        (1, "007", "text", ["1", "007"]),
        (1.5, "x", "text", ["1.5", "x"]),
        (True, "x", "text", ["true", "x"]),
        ({"a": 1}, "x", "text", ['{"a": 1}', "x"]),
    ],
)
def test_a_column_becomes_wider_where_the_database_can(staging, warehouse, before, after, kind, values):
    load(dataset(staging, [{"id": 1, "v": before}]))

    result = load(dataset(staging, [{"id": 2, "v": after}]))

    assert result["widened_columns"] == ["v"]
    assert warehouse.query("SELECT v, pg_typeof(v)::text FROM orders ORDER BY id") == [(each, kind) for each in values]


def test_integer_and_float_become_decimal(staging, warehouse):
    load(dataset(staging, [{"id": 1, "a": 1, "b": 1.5}]))

    load(dataset(staging, [{"id": 2, "a": "0.1", "b": "0.2"}], [Column("a", "decimal"), Column("b", "decimal")]))

    assert warehouse.query("SELECT a, b FROM orders ORDER BY id") == [
        (Decimal(1), Decimal("1.5")),
        (Decimal("0.1"), Decimal("0.2")),
    ]


def test_a_column_that_can_not_become_wider_is_an_error_before_anything_changes(staging, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "lite.db")}))
    load(dataset(staging, [{"id": 1, "v": 1}]))

    with pytest.raises(AirflowFailException, match="'v' of orders is of type INTEGER, and 'v' is string; sqlite can't"):
        load(dataset(staging, [{"id": 2, "new": 1, "v": "007"}]))
    assert Lite(tmp_path / "lite.db").query("SELECT * FROM orders") == [(1, 1)]


def test_existing_types_of_the_users_are_kept(staging, warehouse):
    warehouse.execute(
        "CREATE TABLE orders (id integer PRIMARY KEY, uid uuid, price numeric(10, 2), local timestamp, code varchar(3))"
    )
    record = {
        "id": 1,
        "uid": "c0ffee00-0000-4000-8000-000000000000",
        "price": "10.555",
        "local": "2026-05-01T12:00:00+02:00",
        "code": "abc",
    }
    columns = [Column("price", "decimal"), Column("local", "timestamp")]
    reference = dataset(staging, [record], columns)
    load(reference)

    assert warehouse.query("SELECT price, local, code FROM orders") == [
        (Decimal("10.56"), datetime(2026, 5, 1, 10), "abc")
    ]
    assert load(reference)["unchanged"] == 1
    # PEP 249: a DataError is of the data, so a retry would fail, too.
    with pytest.raises(AirflowFailException, match="value too long for type character varying"):
        load(dataset(staging, [{"id": 2, "code": "abcd"}]))


def test_a_failure_in_the_middle_changes_nothing(staging, database):
    """Not even the table exists after it: CREATE belongs to the transaction."""
    with pytest.raises(AirflowFailException, match="1 of 2 records were rejected"):
        load([{"id": 1}, {"id": 2**63}], types={"id": "integer"}, max_rejects=0)

    tables = (
        "SELECT name FROM sqlite_master"
        if database.dialect == "sqlite"
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    assert database.query(tables) == []


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": None, "v": "x"}, "id: it is a key, and has no value"),
        ({"v": "x"}, "id: it is a key, and has no value"),
        ({"id": 2, "v": "x", "at": "yesterday"}, "at: its text is no timestamp"),
        ({"id": 2, "v": "x", "at": 5}, "at: its value is no timestamp"),
    ],
)
def test_a_record_that_has_no_row_is_rejected_with_field_and_reason(staging, database, record, reason):
    reference = dataset(staging, [{"id": 1, "v": "a", "at": "2026-05-01T10:00:00"}, record])

    result = load(reference, types={"at": "timestamp"}, timezone="Europe/Berlin")

    assert (result["inserted"], result["rejected"], result["rejections"]) == (1, 1, {reason: 1})
    (reject,) = read_dataset(result["rejects"])
    assert reject == {**record, "rejected": {"kind": "row", "reason": reason}}
    ((at,),) = database.query("SELECT at FROM orders")
    assert at == ("2026-05-01T08:00:00Z" if database.dialect == "sqlite" else datetime(2026, 5, 1, 8, tzinfo=UTC))


def test_the_character_nul_is_rejected_by_postgresql_and_stored_by_sqlite(staging, database):
    """The character with code zero can't be stored: https://www.postgresql.org/docs/current/datatype-character.html."""
    result = load(dataset(staging, [{"id": 1, "v": "a\x00b"}, {"id": 2, "v": "c"}, {"id": 3, "v": "d", "x": ["\x00"]}]))

    assert result["rejected"] == (2 if database.dialect == "postgres" else 0)


def test_too_many_rejects_fail_the_task_and_nothing_is_committed(staging, database):
    load(dataset(staging, [{"id": 1, "v": "a"}]))
    pushed = {}

    with pytest.raises(AirflowFailException, match="2 of 3 records were rejected"):
        load(dataset(staging, [{"id": 1, "v": "b"}, {"v": "c"}, {"v": "d"}]), max_rejects="1", pushed=pushed)

    assert database.query("SELECT id, v FROM orders") == [(1, "a")]
    assert pushed["return_value"]["over_threshold"]
    assert len(list(read_dataset(pushed["return_value"]["rejects"]))) == 2


NESTED = [
    {"id": 1, "customer": {"email": "a@b.c", "address": {"city": "Berlin", "zip": 1}}, "tags": ["x"]},
    {"id": 2, "customer": None, "tags": []},
    {"id": 3, "customer": {"email": None, "address": None}, "tags": ["y"]},
]


def names(database):
    if database.dialect == "sqlite":
        return [row[0] for row in database.query("SELECT name FROM pragma_table_info('orders')")]
    sql = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position"
    return [row[0] for row in database.query(sql)]


def test_objects_become_columns_with_flatten(staging, database):
    reference = dataset(staging, NESTED)

    load(reference, flatten=True)

    assert names(database) == ["id", "customer_email", "customer_address_city", "customer_address_zip", "tags"]
    assert database.query(
        "SELECT customer_email, customer_address_city, customer_address_zip FROM orders ORDER BY id"
    ) == [
        ("a@b.c", "Berlin", 1),
        (None, None, None),
        (None, None, None),
    ]
    assert load(reference, flatten=True)["unchanged"] == 3


def test_two_fields_of_one_name_after_flattening_are_refused(staging, database):
    """RFC 8259 lets a name have a dot, so both fields exist, and neither may be lost."""
    records = [{"a": {"b": 1}, "a.b": 2}]

    with pytest.raises(AirflowFailException, match=r"Two fields become 'a\.b'"):
        load(dataset(staging, records), mode="append", flatten=True)


def test_flatten_takes_a_number_of_levels(staging, database):
    load(dataset(staging, NESTED), flatten=1)

    assert names(database) == ["id", "customer_email", "customer_address", "tags"]


def test_columns_are_named_and_left_out(staging, database):
    load(
        dataset(staging, NESTED),
        flatten=True,
        columns={"customer.email": "mail", "id": "order_no"},
        exclude=["customer.address", "tags"],
        keys=["id"],
    )

    assert names(database) == ["order_no", "mail"]


def test_names_of_fields_are_kept_by_choice(staging, database):
    load(
        dataset(staging, [{"id": 1, "createdAt": "x", "select": "y", 'a"b; DROP TABLE orders; --': "z", "100%": 1}]),
        names="keep",
    )

    assert names(database) == ["id", "createdAt", "select", 'a"b; DROP TABLE orders; --', "100%"]
    assert load([{"id": 1, "createdAt": "x2", "select": "y"}], names="keep")["updated"] == 1


def test_names_become_lower_case_with_underscores(staging, database):
    load(dataset(staging, [{"id": 1, "createdAt": 1, "HTTPStatus": 2, "a b-c": 3, "1st": 4, "order": 5, "Größe": 6}]))

    assert names(database) == ["id", "created_at", "http_status", "a_b_c", "_1st", "order", "größe"]


def test_long_names_are_cut_and_stay_unique(staging, warehouse):
    """PostgreSQL cuts names after 63 bytes, and two of them would become one."""
    load(dataset(staging, [{"id": 1, "x" * 70 + "a": 1, "x" * 70 + "b": 2}]))

    long = names(warehouse)[1:]
    assert len(set(long)) == 2
    assert [len(name) for name in long] == [63, 63]


@pytest.mark.parametrize("table", ['"my orders; DROP TABLE x"', '"a""b"', "Orders", "ORDERS"])
def test_any_name_of_a_table_is_only_a_name(staging, database, table):
    reference = dataset(staging, [{"id": 1}])

    assert load(reference, table=table)["inserted"] == 1
    assert load(reference, table=table)["unchanged"] == 1


def test_a_name_without_quotes_is_the_one_that_the_database_reads(staging, warehouse):
    load(dataset(staging, [{"id": 1}]), table="Orders")

    assert warehouse.query("SELECT id FROM orders") == [(1,)]


def test_a_table_in_a_schema(staging, warehouse):
    warehouse.execute("CREATE SCHEMA IF NOT EXISTS sales; DROP TABLE IF EXISTS sales.orders")
    reference = dataset(staging, [{"id": 1}])

    load(reference, table="sales.orders")

    assert load(reference, table="sales.orders")["unchanged"] == 1
    assert warehouse.query("SELECT id FROM sales.orders") == [(1,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keys": None}, "mode='merge' needs 'keys'"),
        ({"keys": ["idd"]}, "'keys' names 'idd', which the records don't have"),
        ({"keys": ["ID"]}, "which the records don't have: there it is spelled 'id'"),
        ({"mode": "upsert"}, "'mode' is 'upsert'"),
        ({"mode": "repalce"}, "did you mean 'replace'"),
        ({"table": "a..b"}, "'table' is 'a..b'"),
        ({"table": "a b"}, "'table' is 'a b'"),
        ({"columns": {"idd": "x"}}, "'columns' names 'idd'"),
        ({"columns": {"v": "id"}}, "'id' and 'v' both become the column 'id'"),
        ({"types": {"v": "text"}}, "'types' has 'text' for 'v'"),
        ({"types": {"w": "string"}}, "'types' names 'w'"),
        ({"only_newer": "at"}, "'only_newer' names 'at'"),
        ({"only_newer": "v", "mode": "replace"}, "has no use for 'only_newer'"),
        ({"load_id": "v"}, "has no use for 'load_id'"),
        ({"on_new_columns": "drop"}, "'on_new_columns'"),
        ({"names": "camel"}, "'names'"),
        ({"flatten": "maybe"}, "'flatten'"),
        ({"timezone": "Nowhere"}, "'timezone'"),
        ({"dialect": "snowflakes"}, "did you mean 'snowflake'"),
        ({"batch_size": 0}, "'batch_size'"),
        ({"dataset": "orders"}, "'dataset'"),
    ],
)
def test_what_a_user_writes_wrong_fails_at_once_and_names_it(staging, monkeypatch, tmp_path, arguments, message):
    monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "lite.db")}))
    reference = arguments.pop("dataset", None) or dataset(staging, [{"id": 1, "v": "x"}])

    with pytest.raises(AirflowFailException, match=message):
        load(reference, **arguments)


def test_keys_have_no_use_in_an_append(staging, database):
    operator = DatasetToSqlOperator(
        task_id="load", dataset=[{"id": 1}], table="t", conn_id="db", keys=["id"], mode="append"
    )
    with pytest.raises(AirflowFailException, match="mode='append' has no use for 'keys'"):
        operator.execute({"ti": SimpleNamespace(dag_id="d", task_id="t", run_id="r", map_index=-1)})


def test_parallel_first_loads_of_one_table_wait_for_each_other(staging, postgres, monkeypatch):
    """The lanes of a mapped task create the table at the same time, and none fails."""
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setenv("AIRFLOW_CONN_DB", postgres.airflow_connection())
    warehouse = Warehouse(postgres)
    references = [dataset(staging, [{"id": number}, {"id": 100}], name=f"lane{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda item: load(item[1], run_id=f"run{item[0]}"), enumerate(references)))

    assert sum(result["inserted"] for result in results) == 9
    assert warehouse.query("SELECT count(*), count(DISTINCT id) FROM orders") == [(9, 9)]


KILLED = """
import json, os, signal, sys
from types import SimpleNamespace
from airflow_provider_partners.operators.sql import DatasetToSqlOperator
from airflow_provider_partners.tables import load as module

fill, batches = module.fill_stage, []
def fill_or_die(*arguments):
    fill(*arguments)
    batches.append(1)
    if len(batches) == {batches}:
        os.kill(os.getpid(), signal.SIGKILL)
module.fill_stage = fill_or_die
task = SimpleNamespace(dag_id="dag", task_id="load", run_id="run", map_index=-1)
arguments = json.loads(sys.argv[1])
DatasetToSqlOperator(task_id="load", **arguments).execute({{"ti": task}})
"""


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_a_task_that_is_killed_between_two_batches_leaves_nothing_behind_and_its_retry_ends_as_if_nothing_was(
    staging, database, mode
):
    load(dataset(staging, [{"id": number, "v": "old"} for number in range(5)], name="first"), mode=mode)
    before = database.query("SELECT * FROM orders ORDER BY id")
    reference = dataset(staging, [{"id": number, "v": "new"} for number in range(3, 1_003)])
    arguments = {"dataset": reference, "table": "orders", "conn_id": "db", "mode": mode, "batch_size": 100}
    arguments |= {} if mode == "append" else {"keys": ["id"]}

    code = textwrap.dedent(KILLED.format(batches=5))
    process = subprocess.run([sys.executable, "-c", code, json.dumps(arguments)], capture_output=True, text=True)

    assert process.returncode == -signal.SIGKILL, process.stderr
    assert database.query("SELECT * FROM orders ORDER BY id") == before
    load(reference, mode=mode, batch_size=100)
    rows = database.query("SELECT id, v FROM orders")
    expected = [(number, "new") for number in range(3, 1_003)]
    kept = {"merge": [0, 1, 2], "append": range(5), "replace": []}[mode]
    assert sorted(rows) == sorted([*expected, *((number, "old") for number in kept)])


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_the_statements_of_any_other_database_run_on_postgresql_as_well(staging, warehouse, mode):
    """``ansi`` has nothing but what SQL:2003 has, so PostgreSQL understands it."""
    keys = ["id"] if mode == "merge" else None
    first = [{"id": 1, "v": None, "w": [1]}, {"id": 2, "v": 1.5, "w": None}]
    load(dataset(staging, first, name="a"), dialect="ansi", mode=mode, keys=keys)
    reference = dataset(staging, [{"id": 2, "v": 2.5, "w": None}, {"id": 3, "v": None, "w": {"x": "y"}}], name="b")

    load(reference, dialect="ansi", mode=mode, keys=keys)
    load(reference, dialect="ansi", mode=mode, keys=keys)

    kept = {"merge": [(1, None)], "append": [(1, None), (2, 1.5)], "replace": []}[mode]
    assert warehouse.query("SELECT id, v FROM orders ORDER BY id, v") == [*kept, (2, 2.5), (3, None)]
    assert warehouse.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]


def test_the_statements_are_logged_without_values(staging, database, caplog):
    caplog.set_level("INFO")
    load(dataset(staging, [{"id": 1, "mail": "ann@example.com"}]))

    assert "ann@example.com" not in caplog.text


def test_the_event_of_the_outlet_has_the_counts(staging, database):
    from airflow.sdk import Asset

    outlet = Asset("file:///warehouse/orders")
    events = {outlet: SimpleNamespace(extra={})}
    task = SimpleNamespace(dag_id="dag", task_id="load", run_id="run", map_index=-1)
    operator = DatasetToSqlOperator(
        task_id="load", dataset=[{"id": 1}], table="orders", conn_id="db", keys=["id"], outlets=[outlet]
    )
    operator.execute({"ti": task, "outlet_events": events})

    assert (events[outlet].extra["table"], events[outlet].extra["inserted"]) == ("orders", 1)


def test_openlineage_has_the_table_as_output(staging, postgres, monkeypatch):
    """The name is that of OpenLineage's conventions for PostgreSQL: postgres://host:port, database.schema.table."""
    monkeypatch.setenv("AIRFLOW_CONN_DB", postgres.airflow_connection())
    Warehouse(postgres)
    task = SimpleNamespace(dag_id="dag", task_id="load", run_id="run", map_index=-1)
    reference = dataset(staging, [{"id": 1}])
    operator = DatasetToSqlOperator(task_id="load", dataset=reference, table="orders", conn_id="db", keys=["id"])
    operator.execute({"ti": task})

    lineage = operator.get_openlineage_facets_on_complete(task)
    assert [(output.namespace, output.name) for output in lineage.outputs] == [
        (f"postgres://127.0.0.1:{postgres.port}", f"{postgres.database}.public.orders")
    ]
    assert len(lineage.inputs) == 1


TRIGGER = """
CREATE TABLE orders (id bigint, mail text);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$;
CREATE TRIGGER look BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION look()
"""


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("RAISE EXCEPTION 'no customer %', NEW.mail", "its words may quote values"),
        ("RAISE EXCEPTION 'no customer %', NEW.mail USING ERRCODE = 'unique_violation'", "its words may quote values"),
        ("RAISE EXCEPTION 'no customer %', NEW.mail USING ERRCODE = 'C0001'", "its words may quote values"),
        ("ASSERT false, NEW.mail", "its words may quote values"),
        ("EXECUTE format('SELECT %I', NEW.mail)", "UndefinedColumn: column …"),
        ("NEW.id := NEW.mail::int", "invalid input syntax for type integer: …"),
    ],
)
def test_what_a_trigger_says_of_a_row_is_not_shown(staging, warehouse, caplog, body, shown):
    """https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html"""
    caplog.set_level("DEBUG")
    warehouse.execute(TRIGGER.format(body=body))

    with pytest.raises((AirflowFailException, PartnerTaskError)) as raised:
        load(dataset(staging, [{"id": 1, "mail": "Ann"}]))

    assert shown in str(raised.value)
    assert "Ann" not in f"{raised.value} {caplog.text}"


def test_the_drivers_error_with_the_row_is_not_kept(staging, warehouse):
    """Its detail has the whole row: https://www.postgresql.org/docs/current/protocol-error-fields.html"""
    warehouse.execute("CREATE TABLE orders (id bigint, mail text CHECK (mail <> 'Ann'))")

    with pytest.raises(AirflowFailException, match="orders_mail_check") as raised:
        load(dataset(staging, [{"id": 1, "mail": "Ann"}]))

    assert raised.value.error.__context__ is None
    assert raised.value.error.__cause__ is None


@pytest.mark.parametrize(
    ("mode", "before"),
    [("merge", [{"id": 1, "v": "old"}]), ("append", [{"id": 1, "v": "old"}]), ("replace", [{"id": 8}, {"id": 9}])],
)
def test_the_retry_of_a_task_that_was_killed_after_the_commit_returns_the_first_counts(
    staging, database, monkeypatch, mode, before
):
    """Airflow has not heard of the load. A cleared task has more ``max_tries``.

    See ``clear_task_instances`` in Airflow's ``models/taskinstance.py``.
    """
    load(dataset(staging, before, name="before", run_id="before"), mode=mode, run_id="before")
    reference = dataset(staging, [{"id": 1, "v": "a", "w": 1}, {"id": 2, "v": "b"}, {"id": {"no": "key"}}])
    arguments = {"mode": mode, "types": {"id": "integer"}}
    with monkeypatch.context() as patch:
        patch.setattr(DatasetToSqlOperator, "_report", lambda self, context, database, dialect, result: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load(reference, max_tries=2, **arguments)
    rows = database.query("SELECT * FROM orders ORDER BY id")

    results = [load(reference, try_number=number, max_tries=2, **arguments) for number in (2, 3)]

    assert database.query("SELECT * FROM orders ORDER BY id") == rows
    for result in results:
        assert (
            counts(result)
            == {
                "merge": {"inserted": 1, "updated": 1, "unchanged": 0},
                "append": {"inserted": 2, "updated": 0, "unchanged": 0},
                "replace": {"inserted": 2, "updated": 0, "unchanged": 0},
            }[mode]
        )
        assert (result["deleted"], result["rejected"]) == (2 if mode == "replace" else 0, 1)
        assert result["added_columns"] == (["v", "w"] if mode == "replace" else ["w"])
        assert [each["id"] for each in read_dataset(result["rejects"])] == [{"no": "key"}]
    cleared = load(reference, try_number=4, max_tries=5, **arguments)
    assert (cleared["unchanged"], cleared["deleted"]) == ((0, 2) if mode == "replace" else (2, 0))


def test_the_retry_of_a_load_that_the_database_has_rolled_back_counts_its_own(staging, database, monkeypatch):
    """Another task has inserted one of the rows since."""
    reference = dataset(staging, [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}])
    with monkeypatch.context() as patch:
        patch.setattr("airflow_provider_partners.tables.load.TableLoader._end", lambda self, cursor, word: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load(reference, max_tries=2)
    load(dataset(staging, [{"id": 2, "v": "b"}], name="other"), run_id="other")

    assert counts(load(reference, try_number=2, max_tries=2)) == {"inserted": 1, "updated": 0, "unchanged": 1}
