"""Read the rows of a query as records, in memory that doesn't grow with the result."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib import import_module
from itertools import chain
from typing import Any

from airflow_provider_partners.arguments import suggest_spelling
from airflow_provider_partners.datasets.schema import Column, ColumnType
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record
from airflow_provider_partners.tables.file_records import Typer, UnreadableRecord, to_json_record
from airflow_provider_partners.tables.values import OutOfCalendar, ValueConverter, column_type

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

_TIMES = {1082: "PYDATE", 1114: "PYDATETIME", 1184: "PYDATETIMETZ"}
"""The object ids of PostgreSQL's dates and timestamps, with the names of psycopg2's converters."""

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
        # A database may make names of what a file or a table has: PIVOT does, and DuckDB of a CSV file's first line.
        for number, name in enumerate(self._names, 1):
            if (first := self._names.index(name) + 1) == number:
                continue
            message = f"The statement of 'sql' returns one name for the columns {first} and {number}"
            raise ConfigurationError(message, remedy="Give one of them another name with AS.")
        missing = sorted(set(self._types) - set(self._names))
        if missing:
            message = f"The statement of 'sql' returns no column {missing[0]!r}, which 'types' names"
            message += suggest_spelling(missing[0], self._names)
            remedy = f"It returns {len(self._names)} columns. Name one of them so with AS, or correct 'types'."
            raise ConfigurationError(message, remedy=remedy)
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
        """Yield the records. A row with an infinite number or time can't be read."""
        number = 0
        for rows in self._batches:
            for row in rows:
                number += 1
                record, fault = to_json_record(self._named(row), self._converter, self._sql)
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
    if driver in {"psycopg", "psycopg2"}:
        named = {"name": f"partners_{secrets.token_hex(8)}"} if query and not writes else {}
        cursor = connection.cursor(**named)
        (_keep_times_of_psycopg if driver == "psycopg" else _keep_times_of_psycopg2)(cursor)
        return cursor
    if driver in {"MySQLdb", "pymysql"}:
        return connection.cursor(import_module(f"{driver}.cursors").SSCursor)
    return connection.cursor()


def _keep_times_of_psycopg(cursor: Any) -> None:
    """Let the cursor return a time that Python doesn't have as text: psycopg fails the whole query for it.

    See https://www.psycopg.org/psycopg3/docs/advanced/adapt.html, "Handling infinity date".
    """
    psycopg = import_module("psycopg")

    def tolerant(base: Any) -> Any:
        class TolerantLoader(psycopg.adapt.Loader):  # type: ignore[misc, name-defined]
            def __init__(self, oid: int, context: Any = None) -> None:
                super().__init__(oid, context)
                self._load = base(oid, context).load

            def load(self, data: Any) -> Any:
                try:
                    return self._load(data)
                except psycopg.DataError:
                    return OutOfCalendar(bytes(data).decode())

        return TolerantLoader

    for oid in _TIMES:
        cursor.adapters.register_loader(oid, tolerant(cursor.adapters.get_loader(oid, psycopg.pq.Format.TEXT)))


def _keep_times_of_psycopg2(cursor: Any) -> None:
    """Let the cursor return a time that Python doesn't have as text: psycopg2 makes infinity the end of the calendar.

    See https://www.psycopg.org/docs/usage.html, "Infinite dates handling".
    """
    extensions, errors = import_module("psycopg2.extensions"), import_module("psycopg2").Error

    def tolerant(base: Any) -> Any:
        def cast(text: str | None, owner: Any) -> Any:
            if text is None:
                return None
            try:
                return OutOfCalendar(text) if text.endswith("infinity") else base(text, owner)
            except (ValueError, OverflowError, errors):
                return OutOfCalendar(text)

        return cast

    for oid, name in _TIMES.items():
        extensions.register_type(extensions.new_type((oid,), name, tolerant(getattr(extensions, name))), cursor)
