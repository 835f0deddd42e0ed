"""Messages of databases without the values in them.

The messages are PostgreSQL's (https://github.com/postgres/postgres, ``src/backend``), MySQL's
(https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html), SQLite's and DuckDB's.
"""

from __future__ import annotations

import sqlite3

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.tables.errors import database_errors, without_values


@pytest.mark.parametrize(
    "message",
    [
        'value "{}" is out of range for type integer',
        'invalid input syntax for type uuid: "{}"',
        'date/time field value out of range: "{}"',
        'malformed array literal: "{}"',
        'time zone "{}" not recognized',
        'invalid value "{}" for "MM"',
        "Duplicate entry '{}' for key 'orders.PRIMARY'",
        "Incorrect integer value: '{}' for column 'qty' at row 1",
        "Table 'x' doesn't have the value '{}'",
        "Numeric value '{}' is not recognized",
        'Conversion Error: Could not convert string "{}" to INT32 when casting from source column qty',
    ],
)
@pytest.mark.parametrize("value", ["ann@example.com", 'Ann "Annie" Lee', "Ann O'Neil", 'column "Ann"', "it's 'Ann'"])
def test_no_value_stays_in_a_message(message: str, value: str) -> None:
    shown = without_values(message.format(value))

    assert "Ann" not in shown
    assert "ann" not in shown
    assert "…" in shown


@pytest.mark.parametrize(
    "message",
    [
        'null value in column "nn" of relation "ext" violates not-null constraint',
        'column "total" is of type integer but expression is of type text',
        'duplicate key value violates unique constraint "orders_pkey"',
        'syntax error at or near "FORM"',
        "UNIQUE constraint failed: orders.id",
        "unknown database 'analytics'",
        "Unknown database 'analytics'",
        "only '%s', '%b', '%t' are allowed as placeholders, got '%'",
    ],
)
def test_names_stay_in_a_message(message: str) -> None:
    assert without_values(message) == message


@pytest.mark.parametrize(
    ("path", "statement", "named"),
    [
        (":memory:", "SELECT name FROM pragma_table_info('orders', 'analytics')", "unknown database 'analytics'"),
        ("file://data/warehouse.db", "SELECT 1", "invalid uri authority: data"),
    ],
)
def test_the_remedy_names_what_a_first_connection_gets_wrong(path: str, statement: str, named: str) -> None:
    """SQLite itself answers: a schema that it has not (https://sqlite.org/lang_attach.html), and a path that is
    relative to nothing (https://sqlite.org/uri.html)."""
    with pytest.raises(ConfigurationError, match=named) as raised, database_errors("warehouse"):
        sqlite3.connect(path, uri=True).execute(statement)

    assert "connection" in str(raised.value.remedy)
    assert "schema" in str(raised.value.remedy)
