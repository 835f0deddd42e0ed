"""Fill the stage: by COPY, by statements of many rows, or by a statement that the driver repeats."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.records import encode_text
from airflow_provider_partners.tables.plan import Row
from airflow_provider_partners.tables.statements import Statements

_MAX_BOUND = 30_000
"""Bound values of one statement. Redshift's and PostgreSQL's protocols count them in 16 bits, some with a sign."""

_MAX_ROWS = 1_000

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
"""https://www.postgresql.org/docs/current/sql-copy.html, text format"""

_TEXTS: Mapping[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    int: str,
    float: repr,
    Decimal: lambda value: format(value, "f"),
    date: date.isoformat,
    datetime: timestamps.isoformat,
    str: lambda value: value.translate(_ESCAPES),
}


def fill_stage(cursor: Any, statements: Statements, placeholder: str, rows: Sequence[Row], first: int) -> None:
    """Insert rows into the stage.

    :param placeholder: the driver's
    :param rows: no more than fit in memory at once
    :param first: the position of the first one
    """
    if not rows:
        return
    positioned = [(*row, position) for position, row in enumerate(rows, first)]
    dialect = statements.dialect
    if dialect.insert == "copy":
        _copy(cursor, statements.copy(), positioned)
    elif dialect.insert == "rows":
        values = map(_as_text, positioned) if dialect.values == "text" else positioned
        cursor.executemany(statements.insert(placeholder), list(values))
    else:
        _insert(cursor, statements, placeholder, positioned)


def _copy(cursor: Any, statement: str, rows: Sequence[Row]) -> None:
    lines = ("\t".join(map(_copied, row)) for row in rows)
    content = encode_text("".join(f"{line}\n" for line in lines))
    if hasattr(cursor, "copy_expert"):  # psycopg2
        cursor.copy_expert(statement, io.BytesIO(content))
        return
    with cursor.copy(statement) as copy:
        copy.write(content)


def _copied(value: Any) -> str:
    return "\\N" if value is None else _TEXTS[type(value)](value)


def _insert(cursor: Any, statements: Statements, placeholder: str, rows: Sequence[Row]) -> None:
    size = max(1, min(_MAX_ROWS, _MAX_BOUND // len(rows[0])))
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        cursor.execute(statements.insert(placeholder, len(batch)), [value for row in batch for value in row])


def _as_text(row: Row) -> Row:
    return tuple(_TEXTS[type(value)](value) if isinstance(value, Decimal | date) else value for value in row)
