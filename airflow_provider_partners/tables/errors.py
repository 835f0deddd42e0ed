"""Errors of a database as one line, without the values that the database quotes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, TransientError
from airflow_provider_partners.files import first_line

_NAME = re.compile(
    r"\b(column|table|relation|schema|database|constraint|index|type|function|role|user|near|encoding) \"([^\"]*)\""
    r"|\b[Uu]nknown database '[^']*'"
)
"""Where PostgreSQL quotes names and not values: its messages say what is named (errcodes and ``ereport`` calls in
https://github.com/postgres/postgres). SQLite and MySQL quote the name of an unknown database, too."""

_PLACEHOLDER = re.compile(r"'(%.?)'")

_VALUES = re.compile(r"\".*\"|(?<!\w)'.*'(?!\w)", re.DOTALL)
"""From the first quotation mark to the last one, since a value may have some itself. An apostrophe is none."""

_MISTAKES = frozenset({
    "ProgrammingError",
    "NotSupportedError",
    "DataError",
    "NotNullViolation",
    "CheckViolation",
    "CatalogException",
    "ParserException",
    "BinderException",
})
"""Classes of errors that a retry doesn't mend: PEP 249 names the first three, PostgreSQL's drivers and DuckDB the
others."""

_REMEDY = (
    "Correct the connection, the statement or the user's rights. The table's schema must exist; SQLite has no schemas."
)


@contextmanager
def database_errors(conn_id: str) -> Iterator[None]:
    """Translate the errors of a driver inside of the block.

    Only the first line is shown, and no quoted value: they may be customers' data. For the same reason the driver's
    error is not kept as the cause.

    :raises ConfigurationError: when the database refuses a statement
    :raises TransientError: when it fails otherwise: a retry may help
    """
    try:
        yield
    except PartnersError:
        raise
    except Exception as error:
        if not _is_of_driver(error):
            raise
        kinds = [kind.__name__ for kind in type(error).__mro__]
        message = f"The database of '{conn_id}' answers {kinds[0]}: {without_values(first_line(error))}"
        # SQLite has one class for all errors; https://sqlite.org/rescode.html#error is that of a wrong statement.
        if _MISTAKES.intersection(kinds) or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise ConfigurationError(message, remedy=_REMEDY) from None
        raise TransientError(message) from None


def without_values(message: str) -> str:
    """Return a database's message without the values that it quotes. Names of columns and the like stay."""
    quoted: list[str] = []

    def keep(match: re.Match[str]) -> str:
        quoted.append(match.group())
        return f"\x00{len(quoted) - 1}\x00"

    masked = _VALUES.sub("…", _PLACEHOLDER.sub(keep, _NAME.sub(keep, message.replace("\x00", ""))))
    return re.sub("\x00([0-9]+)\x00", lambda match: quoted[int(match[1])], masked)


def _is_of_driver(error: Exception) -> bool:
    """Return True for the errors of PEP 249, which each driver defines for itself."""
    return any(kind.__name__ in {"DatabaseError", "InterfaceError", "Error"} for kind in type(error).__mro__)
