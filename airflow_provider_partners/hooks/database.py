"""Open a database by its Airflow connection, and translate its errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners._compat import AirflowException, BaseHook
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.files import first_line
from airflow_provider_partners.hooks.lookups import find_connection
from airflow_provider_partners.tables.errors import database_errors

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook


@dataclass(frozen=True, slots=True)
class Database:
    """A database that an Airflow connection names.

    :param conn_id: id of the connection
    :param connection: the connection, as Airflow stores it
    :param hook: its hook
    """

    conn_id: str
    connection: Any
    hook: DbApiHook

    @property
    def kind(self) -> str:
        """The connection type; ``redshift`` for a PostgreSQL connection whose extra says so."""
        extra = self.connection.extra_dejson
        is_redshift = any(str(extra.get(name)).lower() == "true" for name in ("redshift", "redshift-serverless"))
        return "redshift" if is_redshift else str(self.connection.conn_type)

    @contextmanager
    def open(self, statement: str = "") -> Iterator[Any]:
        """Return a connection of the DB-API, whose statements are in a transaction where the database has them.

        :param statement: the user's, if the block runs one: errors show names that are in it
        :raises ConfigurationError: when the database refuses a statement
        :raises TransientError: when it fails
        """
        with database_errors(self.conn_id), closing(self.hook.get_conn()) as connection:
            if self.hook.supports_autocommit:
                self.hook.set_autocommit(connection, False)
            with database_errors(self.conn_id, statement=statement):
                yield connection


def find_database(conn_id: str, hook_params: Mapping[str, Any] | None = None) -> Database:
    """Return the database of a connection.

    :param hook_params: further arguments of the hook, such as ``{"database": "sales"}``
    :raises ConfigurationError: when a package is missing, or the connection is of another kind
    """
    try:
        from airflow.providers.common.sql.hooks.sql import DbApiHook
    except ImportError:
        message = "apache-airflow-providers-common-sql isn't installed"
        remedy = "Install airflow-provider-partners[sql] and the provider of the database on every worker."
        raise ConfigurationError(message, remedy=remedy) from None
    connection: Any = find_connection(BaseHook.get_connection, conn_id, conn_type="postgres")
    remedy = "Use a connection to a database, and install its provider on every worker."
    try:
        hook = connection.get_hook(hook_params=dict(hook_params or {}))
    except (AirflowException, ImportError, TypeError) as error:
        message = f"The connection '{conn_id}' of type '{connection.conn_type}' has no hook here: {first_line(error)}"
        raise ConfigurationError(message, remedy=remedy) from None
    if not isinstance(hook, DbApiHook):
        message = f"The connection '{conn_id}' is of type '{connection.conn_type}', which is no database"
        raise ConfigurationError(message, remedy=remedy)
    return Database(conn_id, connection, hook)
