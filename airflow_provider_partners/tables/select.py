"""Read the rows of a query as records, in memory that doesn't grow with the result."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib import import_module
from itertools import chain
from typing import Any

from airflow_provider_partners.datasets.schema import Column, ColumnType
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record
from airflow_provider_partners.tables.file_records import Typer, UnreadableRecord, to_json_record
from airflow_provider_partners.tables.values import ValueConverter, column_type

_POSTGRES_TYPES: Mapping[int, ColumnType] = {
    16: "boolean",
    **dict.fromkeys((20, 21, 23, 26), "integer"),
    **dict.fromkeys((700, 701), "float"),
    1700: "decimal",
    1082: "date",
    **dict.fromkeys((1114, 1184), "timestamp"),
    **dict.fromkeys((114, 3802), "json"),
    **dict.fromkeys((25, 1042, 1043, 2950), "string"),
}
"""Column types by the object id of a type, which PostgreSQL's catalog fixes: its file ``pg_type.dat``."""

_QUERY = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
"""Statements that a named cursor takes: see DECLARE in PostgreSQL's documentation."""

_MODIFIES = re.compile(r"\b(?:insert\s+into|update|delete\s+from|merge\s+into)\b", re.IGNORECASE)
"""Words of a ``WITH`` that writes, which a named cursor refuses."""


class Query:
    """A query's result, read once.

    :param connection: of the DB-API
    :param sql: one statement that returns rows
    :param parameters: values that the driver binds
    :param types: column types of fields, by name; they apply to texts
    :param timezone: the time zone of timestamps without one
    :param batch_size: rows that are fetched at once
    """

    def __init__(
        self,
        connection: Any,
        sql: str,
        parameters: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        types: Mapping[str, str] | None = None,
        timezone: str = "UTC",
        batch_size: int = 5_000,
    ) -> None:
        self._connection, self._sql, self._parameters = connection, sql, parameters
        self._types, self._batch_size = types or {}, batch_size
        self._converter = ValueConverter(timezone)
        self._typer = Typer(self._types, timezone)
        self._batches: Iterator[Sequence[Any]] = iter(())
        self._names: list[str] = []
        self.columns: list[Column] = []

    def execute(self) -> None:
        """Execute the statement and fetch the first rows, which say what the columns are.

        :raises ConfigurationError: when it returns no rows, or two columns of one name
        """
        self._batches = self._fetch()
        first = next(self._batches)
        self._batches = chain([first], self._batches)

    def _fetch(self) -> Iterator[Sequence[Any]]:
        with closing(_streaming_cursor(self._connection, self._sql)) as cursor:
            with suppress(AttributeError):
                cursor.arraysize = self._batch_size
            # Without parameters, a percent sign in the statement is no placeholder.
            cursor.execute(self._sql, *([self._parameters] if self._parameters else []))
            # A named cursor of psycopg2 knows its columns after the first fetch.
            is_query = cursor.description is not None or getattr(cursor, "name", None)
            rows = cursor.fetchmany(self._batch_size) if is_query else []
            self._describe(cursor.description, rows)
            yield rows
            while rows := cursor.fetchmany(self._batch_size):
                yield rows

    def _describe(self, description: Sequence[Sequence[Any]] | None, rows: Sequence[Any]) -> None:
        if description is None:
            message = "The statement of 'sql' returns no rows"
            raise ConfigurationError(message, remedy="Write a SELECT.")
        self._names = [column[0] for column in description]
        doubled = next((name for name in self._names if self._names.count(name) > 1), None)
        if doubled is not None:
            message = f"The statement of 'sql' returns two columns {doubled!r}"
            raise ConfigurationError(message, remedy="Give one of them another name with AS.")
        is_postgres = type(self._connection).__module__.partition(".")[0] in {"psycopg", "psycopg2"}
        kinds: dict[str, Any] = {
            column[0]: _POSTGRES_TYPES.get(column[1]) if is_postgres and isinstance(column[1], int) else None
            for column in description
        }
        for row in rows:
            for name, value in self._named(row).items():
                kinds[name] = kinds[name] or column_type(value)
        kinds |= self._types
        self.columns = [Column(name, kind) for name, kind in kinds.items() if kind and name in self._names]

    def _named(self, row: Any) -> Record:
        return dict(row) if isinstance(row, Mapping) else dict(zip(self._names, row, strict=True))

    def records(self) -> Iterator[Record | UnreadableRecord]:
        """Yield the records. A row with a number that isn't finite can't be read."""
        number = 0
        for rows in self._batches:
            for row in rows:
                number += 1
                record, fault = to_json_record(self._named(row), self._converter)
                if fault is not None:
                    yield UnreadableRecord(f"row {number}", fault, record)
                else:
                    yield self._typer(record, f"row {number}")


def _streaming_cursor(connection: Any, sql: str) -> Any:
    """Return a cursor that doesn't load the whole result.

    PostgreSQL's drivers do so with a cursor that has a name, MySQL's with ``SSCursor``; the others fetch as they go.
    """
    driver = type(connection).__module__.partition(".")[0]
    query = _QUERY.match(sql)
    writes = query is not None and query[1].lower() == "with" and _MODIFIES.search(sql)
    if driver in {"psycopg", "psycopg2"} and query and not writes:
        return connection.cursor(name=f"partners_{secrets.token_hex(8)}")
    if driver in {"MySQLdb", "pymysql"}:
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()
