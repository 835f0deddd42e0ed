"""Fill the stage: by COPY, by statements of many rows, or by a statement that the driver repeats."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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

_MAX_TEXT = 500_000
"""Characters of the values of one statement. Snowflake and BigQuery allow statements of 1 MB."""

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
    elif dialect.insert == "json":
        for batch in _batches(positioned, len(positioned)):
            cursor.execute(
                statements.insert_json(), {"rows": json.dumps([list(map(_json_text, row)) for row in batch])}
            )
    else:
        for batch in _batches(positioned, min(_MAX_ROWS, _MAX_BOUND // len(positioned[0]))):
            statement = statements.insert(placeholder, len(batch))
            cursor.execute(statement, [value for row in batch for value in row])


def _batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Yield rows in batches whose statement isn't too long."""
    batch: list[Row] = []
    length = 0
    for row in rows:
        own = sum(len(value) if isinstance(value, str) else 40 for value in row)
        if batch and (len(batch) >= max(1, size) or length + own > _MAX_TEXT):
            yield batch
            batch, length = [], 0
        batch.append(row)
        length += own
    if batch:
        yield batch


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


def _json_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _TEXTS[type(value)](value)


def _as_text(row: Row) -> Row:
    return tuple(_TEXTS[type(value)](value) if isinstance(value, Decimal | date) else value for value in row)
