"""How the databases differ: types, names, and the statements that only some of them have.

Each entry follows the database's documentation, which its comment names. What is equal everywhere is in
:mod:`airflow_provider_partners.tables.statements`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError

Kind = Literal["string", "integer", "float", "decimal", "boolean", "date", "timestamp", "json", "other"]
"""A column type, or ``other`` for a type of the database that no dataset has, such as ``uuid``."""

_KINDS: tuple[tuple[str, Kind], ...] = (
    (
        r"(numeric|decimal|number)\(\d+, ?0\)|(u?(big|small|tiny|medium|huge)|u|byte)?int(eger)?\d*( .*)?|.*serial",
        "integer",
    ),
    (r"(big)?(numeric|decimal|number).*", "decimal"),
    (r"(double|float|real).*", "float"),
    (r".*(char|text|string|clob).*|bpchar", "string"),
    (r"bool.*", "boolean"),
    (r"date", "date"),
    (r"(timestamp|datetime).*", "timestamp"),
    (r"jsonb?|variant|super|object", "json"),
)

_NULL_SAFE = "({a} <> {b} OR ({a} IS NULL AND {b} IS NOT NULL) OR ({a} IS NOT NULL AND {b} IS NULL))"

_ALL_WIDENINGS = frozenset({
    ("integer", "float"),
    ("integer", "decimal"),
    ("float", "decimal"),
    ("date", "timestamp"),
    *((kind, "string") for kind in ("integer", "float", "decimal", "boolean", "date", "timestamp", "json")),
})

_INFORMATION_SCHEMA = (
    "SELECT column_name, data_type FROM {catalog}information_schema.columns "
    "WHERE table_schema = {schema} AND table_name = {table} ORDER BY ordinal_position"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One database.

    :param types: the database's type for each column type
    :param quote: the character around names
    :param fold: what the database does with a name that isn't quoted
    :param max_name: characters of the longest name
    :param merge: how rows are merged: ``update_from`` is UPDATE … FROM and INSERT, ``merge`` is MERGE, ``correlated``
        is UPDATE with subqueries and INSERT
    :param insert: how rows get into the stage: ``copy`` is PostgreSQL's COPY, ``values`` many rows in one INSERT,
        ``rows`` one INSERT that the driver repeats, ``json`` one INSERT from a JSON text
    :param values: ``native`` if the driver takes Python's dates and decimals, ``text`` if they are text
    :param begin: the statement that begins a transaction, where the driver doesn't
    :param transactional_ddl: whether CREATE and ALTER belong to the transaction
    :param create_stage: how the stage is created, up to its name
    :param end_stage: the end of that statement
    :param qualified_stage: whether the stage is in the schema of the table, because there are no temporary tables
    :param primary_key: the primary key of a new table; empty for none
    :param distinct: whether two values differ, NULL included
    :param stage_json: the type of JSON in the stage
    :param parse_json: JSON of the stage as the table's type
    :param comparable_json: JSON in a form that can be compared
    :param alter_type: how a column gets another type; empty where that is impossible
    :param widenings: the changes of type that the database can make
    :param columns_query: the columns of a table with their types
    :param current_schema: the schema of a name without one, as an expression
    :param lock: keeps other writers from the table until the transaction ends; empty where the transaction does
    :param analyze: gives the planner the number of rows in the stage; empty where it knows
    :param delete_all: removes all rows
    :param replace_by_merge: whether one MERGE replaces all rows, because DELETE and INSERT would be two steps
    :param refuses_nul: whether text can't contain the character U+0000
    :param setup: statements at the beginning of the transaction; ``{table_hash}`` is a number of 64 bits
    :param placeholder: of a bound value; empty for the hook's
    """

    name: str
    types: Mapping[str, str]
    quote: str = '"'
    fold: Literal["keep", "lower", "upper"] = "keep"
    max_name: int = 128
    merge: Literal["update_from", "merge", "correlated"] = "update_from"
    insert: Literal["copy", "values", "rows", "json"] = "values"
    values: Literal["native", "text"] = "native"
    begin: str = ""
    transactional_ddl: bool = True
    create_stage: str = "CREATE TEMPORARY TABLE"
    end_stage: str = ""
    qualified_stage: bool = False
    primary_key: str = "PRIMARY KEY ({keys})"
    distinct: str = "{a} IS DISTINCT FROM {b}"
    stage_json: str = ""
    parse_json: str = "{value}"
    comparable_json: str = "{value}"
    alter_type: str = ""
    widenings: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    columns_query: str = _INFORMATION_SCHEMA
    current_schema: str = "CURRENT_SCHEMA"
    lock: str = ""
    analyze: str = ""
    delete_all: str = "DELETE FROM {table}"
    replace_by_merge: bool = False
    refuses_nul: bool = False
    setup: Sequence[str] = ()
    placeholder: str = ""

    def quoted(self, name: str) -> str:
        """Return a name between quotes. A quote inside of it is escaped, so no name can end early."""
        if self.quote == "`":
            # https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#quoted_identifiers
            escaped = name.replace("\\", "\\\\").replace("`", "\\`")
        else:
            escaped = name.replace(self.quote, self.quote * 2)
        return f"{self.quote}{escaped}{self.quote}"

    def literal(self, text: str) -> str:
        """Return a text as a literal of a statement."""
        escaped = text.replace("\\", "\\\\") if self.name == "bigquery" else text
        return "'" + escaped.replace("'", "\\'" if self.name == "bigquery" else "''") + "'"

    def folded(self, name: str) -> str:
        """Return a name as the database reads it without quotes."""
        return name.lower() if self.fold == "lower" else name.upper() if self.fold == "upper" else name

    def stage_type(self, kind: str, table_type: str) -> str:
        """Return the type of a column of the stage.

        :param table_type: the type of the table's column
        """
        return self.stage_json if kind == "json" and self.stage_json else table_type


def kind_of(database_type: str) -> Kind:
    """Return the column type that a type of a database stands for."""
    text = database_type.strip().lower()
    if text.endswith("[]"):
        return "other"
    return next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, text)), "other")


POSTGRES = Dialect(
    name="postgres",
    # https://www.postgresql.org/docs/current/datatype.html
    types={
        "string": "TEXT",
        "integer": "BIGINT",
        "float": "DOUBLE PRECISION",
        "decimal": "NUMERIC",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "json": "JSONB",
    },
    fold="lower",
    # Longer names are cut without a warning: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
    max_name=63,
    insert="copy",
    end_stage=" ON COMMIT DROP",
    alter_type="ALTER TABLE {table} ALTER COLUMN {column} TYPE {type} USING CAST({column} AS {type})",
    widenings=_ALL_WIDENINGS,
    # to_regclass finds the table as an unqualified name would, on the search path.
    columns_query=(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass({qualified}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    ),
    # Readers go on: https://www.postgresql.org/docs/current/explicit-locking.html
    lock="LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE",
    analyze="ANALYZE {stage}",
    refuses_nul=True,
    # Loads into one table wait for each other: two of them can't create it at the same time.
    setup=("SET LOCAL TIME ZONE 'UTC'", "SELECT pg_advisory_xact_lock({table_hash})"),
)

SQLITE = Dialect(
    name="sqlite",
    # Affinities: https://www.sqlite.org/datatype3.html. NUMERIC would keep 15 digits of a decimal, and make numbers of
    # JSON texts. So both are TEXT, as are times.
    types={
        "string": "TEXT",
        "integer": "INTEGER",
        "float": "REAL",
        "decimal": "TEXT",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "json": "TEXT",
    },
    max_name=1000,
    insert="rows",
    values="text",
    placeholder="?",
    # Python's driver begins a transaction for INSERT, but not for CREATE: https://docs.python.org/3/library/sqlite3.html
    begin="BEGIN IMMEDIATE",
    distinct="{a} IS NOT {b}",
    current_schema="'main'",
    columns_query="SELECT name, type FROM pragma_table_info({table}, {schema})",
)

DUCKDB = Dialect(
    name="duckdb",
    # https://duckdb.org/docs/stable/sql/data_types/overview
    types={
        "string": "VARCHAR",
        "integer": "BIGINT",
        "float": "DOUBLE",
        "decimal": "DECIMAL(38, 9)",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "json": "JSON",
    },
    begin="BEGIN TRANSACTION",
    placeholder="?",
    # A table with an index can't be altered: https://duckdb.org/docs/stable/sql/statements/alter_table
    primary_key="",
    alter_type="ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {type}",
    widenings=_ALL_WIDENINGS,
    current_schema="CURRENT_SCHEMA()",
)

REDSHIFT = Dialect(
    name="redshift",
    # https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
    types={
        "string": "VARCHAR(65535)",
        "integer": "BIGINT",
        "float": "DOUBLE PRECISION",
        "decimal": "DECIMAL(38, 9)",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMPTZ",
        "json": "SUPER",
    },
    fold="lower",
    max_name=127,
    # https://docs.aws.amazon.com/redshift/latest/dg/merge-examples.html: a staging table, UPDATE and INSERT
    distinct=_NULL_SAFE,
    stage_json="VARCHAR(65535)",
    parse_json="JSON_PARSE({value})",
    comparable_json="JSON_SERIALIZE({value})",
    current_schema="CURRENT_SCHEMA()",
    lock="LOCK TABLE {table}",
    analyze="ANALYZE {stage}",
)

SNOWFLAKE = Dialect(
    name="snowflake",
    # https://docs.snowflake.com/en/sql-reference/intro-summary-data-types
    types={
        "string": "VARCHAR",
        "integer": "NUMBER(38, 0)",
        "float": "FLOAT",
        "decimal": "NUMBER(38, 9)",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP_TZ",
        "json": "VARIANT",
    },
    fold="upper",
    max_name=255,
    merge="merge",
    # CREATE and ALTER commit: https://docs.snowflake.com/en/sql-reference/transactions
    transactional_ddl=False,
    create_stage="CREATE OR REPLACE TEMPORARY TABLE",
    # PARSE_JSON isn't allowed in VALUES: https://docs.snowflake.com/en/sql-reference/sql/insert
    stage_json="VARCHAR",
    parse_json="PARSE_JSON({value})",
    columns_query=(
        "SELECT column_name, CASE data_type WHEN 'NUMBER' THEN 'NUMBER(' || numeric_precision || ', ' || numeric_scale "
        "|| ')' ELSE data_type END FROM {catalog}information_schema.columns "
        "WHERE table_schema = {schema} AND table_name = {table} ORDER BY ordinal_position"
    ),
    current_schema="CURRENT_SCHEMA()",
)

BIGQUERY = Dialect(
    name="bigquery",
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
    types={
        "string": "STRING",
        "integer": "INT64",
        "float": "FLOAT64",
        "decimal": "NUMERIC",
        "boolean": "BOOL",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "json": "JSON",
    },
    quote="`",
    max_name=300,
    merge="merge",
    # Airflow's cursor binds texts by name only, and knows no dates: https://github.com/apache/airflow, BigQueryCursor
    insert="json",
    transactional_ddl=False,
    create_stage="CREATE OR REPLACE TABLE",
    end_stage=" OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY))",
    qualified_stage=True,
    # https://cloud.google.com/bigquery/docs/primary-foreign-keys
    primary_key="PRIMARY KEY ({keys}) NOT ENFORCED",
    stage_json="STRING",
    parse_json="PARSE_JSON({value})",
    comparable_json="TO_JSON_STRING({value})",
    alter_type="ALTER TABLE {table} ALTER COLUMN {column} SET DATA TYPE {type}",
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules#supertypes
    widenings=frozenset({("integer", "float"), ("integer", "decimal")}),
    columns_query=(
        "SELECT column_name, data_type FROM {information_schema} WHERE table_name = {table} ORDER BY ordinal_position"
    ),
    # A DELETE needs a condition: https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax
    delete_all="DELETE FROM {table} WHERE TRUE",
    replace_by_merge=True,
)

ANSI = Dialect(
    name="ansi",
    # The types of SQL:2003 that databases share.
    types={
        "string": "VARCHAR(4000)",
        "integer": "BIGINT",
        "float": "DOUBLE PRECISION",
        "decimal": "DECIMAL(38, 9)",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "json": "VARCHAR(4000)",
    },
    merge="correlated",
    insert="rows",
    transactional_ddl=False,
    create_stage="CREATE TABLE",
    qualified_stage=True,
    primary_key="",
    distinct=_NULL_SAFE,
)

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect for dialect in (POSTGRES, SQLITE, DUCKDB, REDSHIFT, SNOWFLAKE, BIGQUERY, ANSI)
}

_BY_CONNECTION = {"gcpbigquery": "bigquery", "google_cloud_platform": "bigquery", "google_cloud_bigquery": "bigquery"}


def find_dialect(name: str | None, conn_type: str = "") -> Dialect:
    """Return a dialect by name, or that of a connection type.

    :param name: ``None`` to go by the connection type
    :raises ConfigurationError: when there is none
    """
    found = DIALECTS.get(name or _BY_CONNECTION.get(conn_type, conn_type))
    if found is None:
        unknown = f"'dialect' is {name!r}" if name else f"The connection is of type '{conn_type}'"
        message = f"{unknown}, for which there is no dialect{suggest(name or conn_type, DIALECTS)}"
        remedy = f"Use dialect= with one of: {', '.join(DIALECTS)}."
        raise ConfigurationError(message, remedy=remedy)
    return found


_FITS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"string"}),
    "integer": frozenset({"integer", "decimal", "float", "string"}),
    "float": frozenset({"float", "decimal", "string"}),
    "decimal": frozenset({"decimal", "string"}),
    "boolean": frozenset({"boolean", "string"}),
    "date": frozenset({"date", "timestamp", "string"}),
    "timestamp": frozenset({"timestamp", "string"}),
    "json": frozenset({"json", "string"}),
}
"""The kinds of existing columns that hold the values of a column type."""

_JOINS: Mapping[frozenset[str], str] = {
    frozenset({"integer", "float"}): "float",
    frozenset({"integer", "decimal"}): "decimal",
    frozenset({"float", "decimal"}): "decimal",
    frozenset({"date", "timestamp"}): "timestamp",
}


def fits(column_type: str, existing: str) -> bool:
    """Return True if an existing column of this kind holds all values of a column type."""
    return existing == "other" or existing in _FITS[column_type]


def wider(existing: str, column_type: str) -> str:
    """Return the column type that holds the values of both."""
    return _JOINS.get(frozenset({existing, column_type}), "string")
