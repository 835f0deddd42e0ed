"""Rate limits in a database that an Airflow connection names: ``[partners] budget_uri = sql://connection_id``."""

from __future__ import annotations

import json
import threading
from copy import copy
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.rate_limit_store import RateLimitStore
    from airflow_provider_partners.api.http.sql_rate_limit_store import RateLimitTable

DEFAULT_TABLE = "partner_rate_limits"

_DATABASES = ("postgres", "mysql", "sqlite")
"""Connection types of databases with short transactions and keys that they enforce. Warehouses have neither."""

_POSTGRES_TIMEOUTS = {"connect_timeout": 5, "tcp_user_timeout": 5000}
"""libpq waits for minutes by default: https://www.postgresql.org/docs/current/libpq-connect.html"""

_tables: dict[str, RateLimitTable] = {}
_lock = threading.Lock()


def open_store(uri: str, credential: str) -> RateLimitStore:
    """Return the store of a credential. All stores of a process share the connection to their database.

    :param uri: ``sql://connection_id``, or ``sql://connection_id/schema.table`` for another table
    :raises ConfigurationError: when the URI is wrong, a package is missing, or the connection is of another kind
    """
    from airflow_provider_partners.api.http.sql_rate_limit_store import SqlStore

    with _lock:
        if uri not in _tables:
            _tables[uri] = _open_table(uri)
        return SqlStore(_tables[uri], credential)


def _open_table(uri: str) -> RateLimitTable:
    from airflow_provider_partners.api.http.sql_rate_limit_store import NAME_PATTERN, RateLimitTable
    from airflow_provider_partners.hooks.database import find_database

    parts = urlsplit(uri)
    conn_id, name = unquote(parts.netloc), unquote(parts.path.strip("/")) or DEFAULT_TABLE
    remedy = "Write sql://connection_id or sql://connection_id/schema.table."
    if not conn_id or "@" in conn_id or parts.query or not NAME_PATTERN.fullmatch(name):
        message = "[partners] budget_uri begins with sql://, but doesn't go on with the id of a connection"
        raise ConfigurationError(message, remedy=remedy)
    database = find_database(conn_id)
    if database.kind not in _DATABASES:
        message = f"[partners] budget_uri names the connection '{conn_id}' of type '{database.kind}'"
        raise ConfigurationError(message, remedy=f"Use a connection of one of the types {', '.join(_DATABASES)}.")
    hook: Any = database.hook
    connection = copy(database.connection)
    if database.kind == "postgres":
        connection.extra = json.dumps({**_POSTGRES_TIMEOUTS, **database.connection.extra_dejson})
    # Some hooks look the connection up each time, which is a call to Airflow's API server.
    hook.get_connection = lambda _: connection

    def connect() -> Any:
        opened = hook.get_conn()
        if hook.supports_autocommit:
            hook.set_autocommit(opened, True)
        return opened

    return RateLimitTable(connect, name=name, placeholder=hook.placeholder, keep_open=database.kind != "sqlite")
