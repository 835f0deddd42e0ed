"""Messages of databases without the values in them.

The messages are PostgreSQL's (https://github.com/postgres/postgres, ``src/backend``), MySQL's
(https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html), SQLite's and DuckDB's.
"""

from __future__ import annotations

import sqlite3

import pytest

from airflow_provider_partners.exceptions import ConfigurationError, TransientError
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
        "ungültige Eingabesyntax für Typ integer: »{}«",
        "syntaxe en entrée invalide pour le type integer : « {} »",
        "la sintaxis de entrada no es válida para tipo integer: «{}»",
        "无效的类型 integer 输入语法: “{}”",
        'invalid input syntax for type integer: "{}',
    ],
)
@pytest.mark.parametrize(
    "value", ["ann@example.com", 'Ann "Annie" Lee', "Ann O'Neil", 'column "Ann"', "it's 'Ann'", "x\nAnn"]
)
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


@pytest.mark.parametrize("value", ["ann@example.com", "Ann O'Neil", "4420 7946", "'Ann'"])
def test_a_value_in_the_place_of_a_name_does_not_stay(value: str) -> None:
    assert without_values(f'syntax error at or near "{value}"') == "syntax error at or near …"


def test_only_names_of_the_statement_stay_where_one_is_known() -> None:
    """``SELECT name::regclass`` makes a name of each value:
    https://www.postgresql.org/docs/current/datatype-oid.html"""
    statement = "SELECT Total FROM orders"

    assert without_values('column "total" does not exist', statement=statement) == 'column "total" does not exist'
    assert without_values('relation "Ann" does not exist', statement=statement) == "relation … does not exist"


def test_the_words_of_a_procedure_of_mysql_are_not_shown() -> None:
    """Its drivers' errors begin with the number. 1644 is what ``SIGNAL`` raises."""

    class Error(Exception):
        pass

    class OperationalError(Error):
        pass

    with pytest.raises(TransientError) as raised, database_errors("warehouse"):
        raise OperationalError(1644, "no customer Ann")

    assert "OperationalError: a trigger or a function" in str(raised.value)
    assert "Ann" not in str(raised.value)


def test_the_words_of_a_trigger_of_sqlite_are_not_shown() -> None:
    """https://sqlite.org/lang_createtrigger.html#the_raise_function"""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (id)")
    database.execute("CREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no customer Ann'); END")

    with pytest.raises(TransientError, match="IntegrityError") as raised, database_errors("warehouse"):
        database.execute("INSERT INTO t VALUES (1)")

    assert "Ann" not in str(raised.value)
    assert "trigger" in str(raised.value)


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
