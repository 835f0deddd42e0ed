"""Loads into DuckDB, and into DuckDB in place of Snowflake, Redshift and BigQuery, see ``other_databases``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest
from other_databases import TranslatedConnection

from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.tables.dialects import find_dialect
from airflow_provider_partners.tables.load import LoadOptions, TableLoader
from airflow_provider_partners.tables.names import parse_table
from airflow_provider_partners.tables.plan import PlanOptions, TablePlan
from airflow_provider_partners.tables.statements import LoadId

TYPES = {
    "id": "integer",
    "createdAt": "timestamp",
    "total": "decimal",
    "rate": "float",
    "paid": "boolean",
    "day": "date",
    "lines": "json",
    "note": "string",
}
FULL = {
    "id": 1,
    "createdAt": "2026-05-01T10:00:00.123456Z",
    "total": "10.50",
    "rate": 1.5,
    "paid": True,
    "day": "2026-05-01",
    "lines": [{"sku": "x'\"\\"}],
    "note": 'it\'s 100% \\ "fine"\n',
}
EMPTY = {**dict.fromkeys(TYPES), "id": 2}


class Duck:
    """A real DuckDB."""

    def __init__(self):
        self.connection = duckdb.connect(":memory:")

    def query(self, sql):
        return self.connection.execute(sql).fetchall()

    def end_session(self):
        """The loader has rolled back."""


class Translated:
    """DuckDB in place of another database."""

    def __init__(self, dialect):
        self.connection = TranslatedConnection(dialect)
        self.query = self.connection.query
        self.end_session = self.connection.end_session


@pytest.fixture(params=["duckdb", "snowflake", "redshift", "bigquery"])
def name(request):
    return request.param


@pytest.fixture
def database(name):
    place = Duck() if name == "duckdb" else Translated(name)
    place.query(f"CREATE SCHEMA {find_dialect(name).folded('sales')}")
    return place


def load(
    database, name, records, *, types=TYPES, keys=("id",), mode="merge", load_id=("x", "y"), check=None, **options
):
    dialect = find_dialect(name)
    columns = [Column(field, kind) for field, kind in types.items()]
    plan = TablePlan(columns, PlanOptions(), dialect, keys if mode == "merge" else ())
    options = LoadOptions(mode=mode, load_id=LoadId.of(*load_id), **options)
    loader = TableLoader(
        database.connection,
        dialect,
        dialect.placeholder or "%s",
        parse_table("sales.orders", dialect),
        plan,
        options,
        log=lambda statement: None,
        reject=lambda record, reason: None,
    )
    return loader.load(records, before_changes=check or (lambda counts: None))


def changes(counts):
    return counts.inserted, counts.updated, counts.unchanged


def test_every_value_arrives(database, name):
    load(database, name, [FULL, EMPTY])

    rows = database.query(
        "SELECT id, created_at, total, rate, paid, day, CAST(CAST(lines AS JSON) AS VARCHAR), note "
        "FROM sales.orders ORDER BY id"
    )
    assert rows == [
        (
            1,
            datetime(2026, 5, 1, 10, 0, 0, 123_456, tzinfo=UTC),
            Decimal("10.50"),
            1.5,
            True,
            date(2026, 5, 1),
            '[{"sku":"x\'\\"\\\\"}]',
            'it\'s 100% \\ "fine"\n',
        ),
        (2, None, None, None, None, None, None, None),
    ]


def test_a_repeated_merge_changes_nothing(database, name):
    load(database, name, [FULL, EMPTY])

    assert changes(load(database, name, [FULL, EMPTY])) == (0, 0, 2)


@pytest.mark.parametrize("field", [field for field in TYPES if field != "id"])
def test_a_change_of_any_type_is_seen_also_from_and_to_null(database, name, field):
    load(database, name, [{**FULL, field: None}, {**FULL, "id": 2}, {**FULL, "id": 3}])

    assert changes(load(database, name, [FULL, {**FULL, "id": 2, field: None}, {**FULL, "id": 3}])) == (0, 2, 1)


def test_new_rows_are_inserted_and_of_duplicates_the_last_counts(database, name):
    load(database, name, [FULL])

    counts = load(database, name, [{**FULL, "note": "a"}, {**EMPTY, "note": "b"}, {**EMPTY, "note": "c"}])

    assert (changes(counts), counts.duplicates) == ((1, 1, 0), 1)
    assert database.query("SELECT note FROM sales.orders ORDER BY id") == [("a",), ("c",)]


def test_only_newer(database, name):
    load(database, name, [FULL], only_newer="createdAt")
    older = {**FULL, "createdAt": "2026-05-01T09:00:00Z", "note": "old"}
    newer = {**FULL, "createdAt": "2026-05-01T11:00:00Z", "note": "new"}

    assert load(database, name, [older], only_newer="createdAt").stale == 1
    assert changes(load(database, name, [newer, older], only_newer="createdAt")) == (0, 1, 0)
    assert database.query("SELECT note FROM sales.orders") == [("new",)]


def test_replace(database, name):
    load(database, name, [FULL, EMPTY])
    load(database, name, [{**EMPTY, "id": 3}], mode="replace")
    load(database, name, [{**EMPTY, "id": 3}], mode="replace")

    assert database.query("SELECT id FROM sales.orders") == [(3,)]


def test_append(database, name):
    load(database, name, [FULL, FULL], mode="append", load_id=("a", "1"))
    assert load(database, name, [FULL, FULL], mode="append", load_id=("a", "1")).unchanged == 2
    load(database, name, [FULL], mode="append", load_id=("b", "1"))
    load(database, name, [EMPTY], mode="append", load_id=("a", "2"))

    assert database.query("SELECT id FROM sales.orders ORDER BY id") == [(1,), (2,)]


def test_a_new_field_becomes_a_column(database, name):
    load(database, name, [FULL])

    counts = load(database, name, [{**FULL, "extra": 5}], types={**TYPES, "extra": "integer"})

    assert (counts.added_columns, changes(counts)) == ([find_dialect(name).folded("extra")], (0, 1, 0))
    assert database.query("SELECT extra FROM sales.orders") == [(5,)]


def test_an_integer_becomes_wider_or_the_error_says_that_it_can_not(database, name):
    load(database, name, [{"id": 1, "v": 1}], types={"id": "integer", "v": "integer"})
    wider = {"id": "integer", "v": "decimal"}

    if ("integer", "decimal") in find_dialect(name).widenings:
        load(database, name, [{"id": 2, "v": "0.1"}], types=wider)
        assert database.query("SELECT v FROM sales.orders ORDER BY id") == [(Decimal(1),), (Decimal("0.1"),)]
    else:
        with pytest.raises(ConfigurationError, match=f"{name} can't change the one to hold the other"):
            load(database, name, [{"id": 2, "v": "0.1"}], types=wider)


def test_a_refusal_before_the_changes_leaves_the_rows_as_they_are(database, name):
    load(database, name, [FULL])

    def refuse(counts):
        raise ConfigurationError("too many rejects")

    for mode in ("merge", "replace", "append"):
        with pytest.raises(ConfigurationError, match="too many rejects"):
            load(database, name, [{**FULL, "note": "changed"}], mode=mode, check=refuse)
        database.end_session()
    assert database.query("SELECT note FROM sales.orders") == [(FULL["note"],)]


def test_duckdb_rolls_a_failure_back():
    database = Duck()
    database.query("CREATE SCHEMA sales")

    with pytest.raises(duckdb.Error):
        load(database, "duckdb", [{"id": 1, "v": "1" * 40}], types={"id": "integer", "v": "decimal"})
    assert database.query("SELECT count(*) FROM information_schema.tables") == [(0,)]


def test_no_statement_is_longer_than_snowflake_and_bigquery_allow(database, name):
    """1 MB: https://docs.snowflake.com/en/user-guide/query-size-limits, https://cloud.google.com/bigquery/quotas."""
    load(database, name, [{**FULL, "id": number, "note": "x" * 100_000} for number in range(12)])

    assert database.query("SELECT count(*), sum(length(note)) FROM sales.orders") == [(12, 1_200_000)]
    if name != "duckdb":
        inserts = [statement for statement in database.connection.statements if statement.startswith("INSERT INTO")]
        assert len(inserts) >= 3
