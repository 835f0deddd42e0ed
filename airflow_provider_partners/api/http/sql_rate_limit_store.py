"""Store of the rate limit's state in a table of a database, for workers that share no Redis.

The number is changed as in Redis: read, compute, and write only if no other task has written in between. That takes two
short statements of SQL that every database has. No task waits while it holds a lock. So a task that is suspended or
killed stops no other one.
"""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

from airflow_provider_partners.api.http.rate_limit_store import Change, RateLimitStoreError, parse_number

log = logging.getLogger("airflow_provider_partners.api")

T = TypeVar("T")

__all__ = ["NAME_PATTERN", "RateLimitTable", "SqlStore"]

NAME_PATTERN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?")
"""What a table may be called: statements contain the name as it is, without quotes."""

_COLUMNS = "credential VARCHAR(64) NOT NULL PRIMARY KEY, arrival_time VARCHAR(32) NOT NULL, changed_at BIGINT NOT NULL"
"""The number is a text: it is compared, and databases compare fractions differently."""

_EXPIRY = 172_800
"""Seconds after which an unused number is removed; longer than any rate limit can block."""

_MAX_ATTEMPTS = 64
_LOCK_TIMEOUT = 10.0
"""Seconds that a thread waits for another one of its process, whose connection may hang."""

_ABANDONED: list[Any] = []
"""Connections of a parent process. If they were collected, the driver would end the parent's session."""


class RateLimitTable:
    """The table, over one connection that the process keeps.

    The first use creates the table, and removes numbers that were not used for two days. A failure begins with that
    again, so a table that was dropped meanwhile is created again.

    :param connect: opens a connection of the DB-API that commits each statement
    :param name: the table, or schema and table; see :data:`NAME_PATTERN`
    :param placeholder: of a bound value, such as ``%s``
    :param keep_open: whether the connection is kept; a file of SQLite is opened for each statement, because its
        connections belong to one thread
    """

    def __init__(
        self, connect: Callable[[], Any], *, name: str, placeholder: str = "%s", keep_open: bool = True
    ) -> None:
        self._connect = connect
        self._name = name
        self._keep_open = keep_open
        self._lock = threading.Lock()
        self._connection: Any = None
        self._process = 0
        self._is_ready = False
        self._select, self._insert, self._update, self._clean = (
            statement.format(table=name, v=placeholder)
            for statement in (
                "SELECT arrival_time FROM {table} WHERE credential = {v}",
                "INSERT INTO {table} (credential, arrival_time, changed_at) VALUES ({v}, {v}, {v})",
                "UPDATE {table} SET arrival_time = {v}, changed_at = {v} WHERE credential = {v} AND arrival_time = {v}",
                "DELETE FROM {table} WHERE changed_at < {v}",
            )
        )

    def read(self, credential: str) -> str | None:
        """Return the stored text; ``None`` if there is none.

        :raises RateLimitStoreError: the database does not answer
        """
        rows = self._run(lambda connection: _fetch(connection, self._select, [credential]))
        return str(rows[0][0]) if rows else None

    def replace(self, credential: str, old: str | None, new: str) -> bool:
        """Store a text, and return False if another task has stored one since ``old`` was read.

        :raises RateLimitStoreError: the database does not answer
        """
        now = int(time.time())
        if old is None:
            return self._run(lambda connection: self._try_insert(connection, [credential, new, now]))
        values = [new, now, credential, old]
        return self._run(lambda connection: _change(connection, self._update, values)) == 1

    def _try_insert(self, connection: Any, values: Sequence[Any]) -> bool:
        try:
            _change(connection, self._insert, values)
        except Exception:
            # Each driver has an error of its own for a key that exists. So look whether it does.
            if not _fetch(connection, self._select, values[:1]):
                raise
            return False
        return True

    def _run(self, action: Callable[[Any], T]) -> T:
        """Run an action, once more from the start if it has worked before.

        Servers close idle connections, and somebody may have dropped the table. Drivers say so in different words, so
        the table itself is looked for.
        """
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT):
            raise _failure(reason="another thread still waits for it")
        try:
            self._leave_parent()
            if self._is_ready:
                try:
                    return self._attempt(action)
                except Exception:  # noqa: BLE001  # each driver has classes of its own
                    self._drop()
                    self._is_ready = False
            try:
                return self._attempt(action)
            except Exception as error:  # noqa: BLE001
                self._drop()
                raise _failure(reason=_reason(error)) from None
        finally:
            self._lock.release()

    def _attempt(self, action: Callable[[Any], T]) -> T:
        if self._connection is None:
            self._connection = self._connect()
        if not self._is_ready:
            self._prepare(self._connection)
            self._is_ready = True
        result = action(self._connection)
        if not self._keep_open:
            self._drop()
        return result

    def _prepare(self, connection: Any) -> None:
        try:
            _fetch(connection, self._select, [""])
        except Exception:  # noqa: BLE001  # each driver has classes of its own
            # Most probably there is no table. Not every database has IF NOT EXISTS, and in PostgreSQL two tasks that
            # create a table at the same time get an error in spite of it.
            try:
                _change(connection, f"CREATE TABLE {self._name} ({_COLUMNS})", [])
                log.info(
                    "There was no table %s of the rate limits; it is created, and they count from zero", self._name
                )
            except Exception as error:  # noqa: BLE001
                _raise_if_missing(connection, self._select, error)
        _change(connection, self._clean, [int(time.time()) - _EXPIRY])

    def _leave_parent(self) -> None:
        """Forget the connection of a parent process. Two processes can't share a session."""
        if self._process != os.getpid():
            if self._connection is not None:
                _ABANDONED.append(self._connection)
            self._connection, self._process = None, os.getpid()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception as error:  # noqa: BLE001  # it is not used any more
                log.debug("The connection could not be closed (%s)", type(error).__name__)


class SqlStore:
    """Store for tasks on several machines: a row of a table.

    :param table: the table
    :param credential: key of the row
    """

    def __init__(self, table: RateLimitTable, credential: str) -> None:
        self._table = table
        self._credential = credential

    def update(self, change: Change) -> float:
        """Change the number atomically.

        :raises RateLimitStoreError: the database does not answer
        """
        for attempt in range(_MAX_ATTEMPTS):
            stored = self._table.read(self._credential)
            value = change(parse_number(stored or ""))
            text = repr(value)
            if text == stored or self._table.replace(self._credential, stored, text):
                return value
            time.sleep(random.uniform(0.0, min(0.05, 0.001 * (attempt + 1))))
        message = "the rate limit in the database cannot be changed (too many tasks change it at the same time)"
        raise RateLimitStoreError(message)


def _fetch(connection: Any, statement: str, values: Sequence[Any]) -> Any:
    """Return the rows of a query. The commit ends its view of the table."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement, tuple(values))
        rows = cursor.fetchall()
    connection.commit()
    return rows


def _change(connection: Any, statement: str, values: Sequence[Any]) -> int:
    """Run a statement in a transaction of its own, and return how many rows it has changed."""
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute(statement, tuple(values))
            changed = int(cursor.rowcount)
        connection.commit()
    except Exception:
        connection.rollback()
        raise
    return changed


def _raise_if_missing(connection: Any, statement: str, error: Exception) -> None:
    """Raise the error of CREATE, unless another task has created the table in the meantime."""
    try:
        _fetch(connection, statement, [""])
    except Exception:  # noqa: BLE001  # the first error says more
        raise error from None


def _reason(error: Exception) -> str:
    """Return the class of an error, and its number if it has one. Its text may contain the address or a password."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    return type(error).__name__ if number is None else f"{type(error).__name__} {number}"


def _failure(*, reason: str) -> RateLimitStoreError:
    return RateLimitStoreError(f"the rate limit in the database cannot be changed ({reason})")
