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

_IDENTIFIER = re.compile(r"[^\W\d][\w$. -]{0,62}")
"""What a name looks like. With other characters, it may be a value in the place of a name."""

_PLACEHOLDER = re.compile(r"'(%.?)'")

_QUOTATION_MARK = '["«»„“”「」『』]'
"""A server may answer in its own language: PostgreSQL's ``lc_messages``, and its files ``src/backend/po/*.po``."""

_VALUES = re.compile(rf"{_QUOTATION_MARK}.*{_QUOTATION_MARK}|(?<!\w)'.*'(?!\w)", re.DOTALL)
"""From the first quotation mark to the last one, since a value may have some itself. An apostrophe is none."""

_UNCLOSED = re.compile(rf"(?:{_QUOTATION_MARK}|(?<!\w)').*", re.DOTALL)

_RAISED = re.compile(r"\b(RAISE|ASSERT)\b|\bPL/(?!pgSQL)")
"""PostgreSQL's context of an error that code in the database has raised, with a text of its own:
https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html. The two words are in no language translated.
"""

_OWN_WORDS = "a trigger or a function of the database has raised it; its words may quote values, so they are not shown"

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
def database_errors(conn_id: str, *, statement: str = "") -> Iterator[None]:
    """Translate the errors of a driver inside of the block.

    Only the first line is shown, and no quoted value: they may be customers' data. For the same reason the driver's
    error is not kept as the cause.

    :param statement: what the block runs. A quoted name that isn't in it may be a value: ``text::regclass``
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
        message = f"The database of '{conn_id}' answers {kinds[0]}: {_describe(error, statement)}"
        # SQLite has one class for all errors; https://sqlite.org/rescode.html#error is that of a wrong statement.
        if _MISTAKES.intersection(kinds) or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise ConfigurationError(message, remedy=_REMEDY) from None
        raise TransientError(message) from None


def without_values(message: str, *, statement: str = "", names: bool = True) -> str:
    """Return a database's message without the values that it quotes. Names of columns and the like stay.

    :param statement: only its names stay; by default all
    :param names: whether any name stays
    """
    quoted: list[str] = []

    def keep(match: re.Match[str]) -> str:
        name = match[2] if match.re is _NAME else None
        if name and not (names and _IDENTIFIER.fullmatch(name) and name.lower() in (statement.lower() or name.lower())):
            return match[0]
        quoted.append(match[0])
        return f"\x00{len(quoted) - 1}\x00"

    masked = _VALUES.sub("…", _PLACEHOLDER.sub(keep, _NAME.sub(keep, message.replace("\x00", ""))))
    masked = _UNCLOSED.sub("…", masked)
    return re.sub("\x00([0-9]+)\x00", lambda match: quoted[int(match[1])], masked)


def _describe(error: Exception, statement: str) -> str:
    # Of PostgreSQL's drivers: the fields of the error, of which the others quote the row and the statement.
    fields = getattr(error, "diag", None)
    context = str(getattr(fields, "context", None) or "")
    if _is_raised_by_code(error, context):
        return _OWN_WORDS
    # Below code in the database, a name may be made of a value. The context of a COPY is our own.
    message = getattr(fields, "message_primary", None) or str(error)
    shown = without_values(message, statement=statement, names=not context or context.startswith("COPY "))
    # Cut last: a value may have several lines, and its end would be missing.
    return first_line(shown)


def _is_raised_by_code(error: Exception, context: str) -> bool:
    """Return True if code in the database has written the message, and not the database."""
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    # Class P0: https://www.postgresql.org/docs/current/errcodes-appendix.html. 1644 is ER_SIGNAL_EXCEPTION:
    # https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html
    return (
        state.startswith("P0")
        or _RAISED.search(context) is not None
        or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CONSTRAINT_TRIGGER
        or error.args[:1] == (1644,)
    )


def _is_of_driver(error: Exception) -> bool:
    """Return True for the errors of PEP 249, which each driver defines for itself."""
    return any(kind.__name__ in {"DatabaseError", "InterfaceError", "Error"} for kind in type(error).__mro__)
