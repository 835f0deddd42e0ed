"""DuckDB as it is, and in place of databases that can't run here: sqlglot translates their statements for it.

sqlglot's grammars of Snowflake, BigQuery and Redshift are not ours. So a statement with a mistake is no statement for
it, and a statement with another meaning leaves other rows.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

UNKNOWN_TO_DUCKDB = ("ANALYZE", "LOCK TABLE", "SET LOCAL", "SELECT PG_ADVISORY")
"""Statements that only say how, not what."""


class TranslatedConnection:
    """A connection of the DB-API that takes one database's statements and runs them in DuckDB."""

    def __init__(self, dialect: str, path: str = ":memory:") -> None:
        self._dialect = dialect
        self._duckdb = duckdb.connect(path)
        self.statements: list[str] = []
        if dialect == "redshift":
            # https://docs.aws.amazon.com/redshift/latest/dg/r_SUPER_type.html
            self._duckdb.execute("CREATE TYPE SUPER AS JSON")
            self._duckdb.execute("CREATE MACRO JSON_PARSE(value) AS CAST(value AS JSON)")
            self._duckdb.execute("CREATE MACRO JSON_SERIALIZE(value) AS CAST(value AS VARCHAR)")

    def cursor(self) -> TranslatedConnection:
        """Return itself: DuckDB's cursors are connections."""
        return self

    def execute(self, sql: str, parameters: Any = ()) -> TranslatedConnection:
        """Translate a statement and run it."""
        self.statements.append(sql)
        if sql.upper().startswith(UNKNOWN_TO_DUCKDB):
            return self
        # A dataset of BigQuery has an information schema of its own, whose name sqlglot keeps in one piece.
        of_dataset = re.search(r"`(\w+)`\.INFORMATION_SCHEMA\.COLUMNS WHERE", sql)
        if of_dataset:
            place = f"information_schema.columns WHERE table_schema = '{of_dataset[1]}' AND"
            self._duckdb.execute(sql.replace(of_dataset[0], place))
            return self
        if isinstance(parameters, dict):
            for name, value in parameters.items():
                literal = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
                sql = (sql % {name: literal}) if f"%({name})s" in sql else sql
            parameters = ()
        elif parameters:
            sql = re.sub("%s", "?", sql).replace("%%", "%")
        tree = sqlglot.parse_one(sql, read=self._dialect, error_level=sqlglot.ErrorLevel.RAISE)
        assert not isinstance(tree, exp.Command), f"sqlglot's {self._dialect} doesn't know: {sql}"
        self._duckdb.execute(_for_duckdb(tree, self._dialect), list(parameters))
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows of the last statement."""
        return self._duckdb.fetchall()

    def commit(self) -> None:
        """DuckDB has committed each statement."""

    def rollback(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do: tests look at the rows afterwards."""

    def end_session(self) -> None:
        """Remove the temporary tables, as the databases do when a connection is closed."""
        for (name,) in self.query("SELECT table_name FROM duckdb_tables() WHERE temporary"):
            self.query(f'DROP TABLE "{name}"')

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return rows, by a statement of DuckDB."""
        return self._duckdb.execute(sql).fetchall()


def _for_duckdb(tree: exp.Expression, dialect: str) -> str:
    """Return DuckDB's statement."""
    for properties in list(tree.find_all(exp.Properties)):
        # Options such as an expiry, which DuckDB doesn't have.
        kept = [item for item in properties.expressions if isinstance(item, exp.TemporaryProperty)]
        properties.set("expressions", kept)
    for constraint in list(tree.find_all(exp.PrimaryKey)):
        constraint.set("options", [])
    return tree.sql(dialect="duckdb")
