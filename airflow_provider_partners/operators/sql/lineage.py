"""The name of a table in OpenLineage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners.tables.names import parse_table

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.database import Database
    from airflow_provider_partners.tables.dialects import Dialect


def table_identity(database: Database, dialect: Dialect, table: str) -> tuple[str, str] | None:
    """Return OpenLineage's namespace and name of a table, as the provider of the database names it.

    Naming conventions: https://openlineage.io/docs/spec/naming/

    :returns: ``None`` if the provider doesn't say, or OpenLineage isn't installed
    """
    try:
        info = database.hook.get_openlineage_database_info(database.connection)
        schema = database.hook.get_openlineage_default_schema()
    except (AttributeError, ImportError):
        return None
    if info is None or not info.authority:
        return None
    parts = parse_table(table, dialect)
    defaults = [each for each in (info.database or database.connection.schema, schema) if each]
    missing = 3 - len(parts)
    return f"{info.scheme}://{info.authority}", ".".join([*defaults[:missing], *parts])
