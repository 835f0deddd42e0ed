"""Where routes come from: the Variable, a file, a SQL query, or the Dag file itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import Any, NoReturn
from urllib.parse import urlsplit

from airflow_provider_partners.arguments import parse_structure
from airflow_provider_partners.exceptions import ConfigurationError, StorageError
from airflow_provider_partners.files import first_line
from airflow_provider_partners.hooks.lookups import get_variable
from airflow_provider_partners.pipelines.routing import routes

__all__ = ["check_routes", "is_local_file", "read_entries", "read_routes"]

_MAX_VALUES = 1_000_000
"""Values of a file with routes. A route has some ten."""

_SQL_KEYS = frozenset({"conn_id", "sql"})
_SUFFIXES = (".json", ".yaml", ".yml")
_REMEDY = (
    "Give the URI or absolute path of a JSON or YAML file, a query as {'conn_id': …, 'sql': …}, or a list of routes. "
    f"Without 'routes' they are the Variable '{routes.ROUTES_VARIABLE}'."
)


def read_routes(source: Any = None) -> list[routes.Route]:
    """Return the routes of a source, checked.

    :param source: see :class:`~airflow_provider_partners.pipelines.order_arguments.OrderArguments`
    :raises NotDefinedError: when Airflow does not find the Variable or the connection
    :raises StorageError: when a file can't be read
    :raises TransientError: when a query fails
    :raises ConfigurationError: when there is no such file, or a route is wrong
    """
    return routes.parse_routes(read_entries(source), source=describe_source(source))


def describe_source(source: Any) -> str:
    """Return the source's name, for errors."""
    source = _normalize(source)
    if source is None:
        return routes.VARIABLE_SOURCE
    if isinstance(source, str):
        return f"The file {source}"
    return f"The query on '{source['conn_id']}'" if isinstance(source, Mapping) else "The argument 'routes'"


def read_entries(source: Any) -> Any:
    """Return what a source holds, unchecked: JSON text of the Variable, or the list of a file or query."""
    source = _normalize(source)
    check_routes("routes", source)
    if source is None:
        return get_variable(routes.ROUTES_VARIABLE, remedy=routes.ROUTES_REMEDY)
    if isinstance(source, str):
        return _read_file(source)
    if isinstance(source, Mapping):
        return _read_query(source["conn_id"], source["sql"])
    return list(source)


def is_local_file(source: Any) -> bool:
    """Return True for a file that can be read wherever the Dag file can."""
    return isinstance(source, str) and "{{" not in source and source.startswith(("/", "file://"))


def check_routes(name: str, value: Any) -> None:
    """Refuse what is no source of routes.

    :raises ConfigurationError: when it is none
    """
    value = _normalize(value)
    if value is None or (isinstance(value, str) and ("{{" in value or "{%" in value)):
        return
    if isinstance(value, str):
        if not (value.startswith("/") or "://" in value) or PurePosixPath(urlsplit(value).path).suffix not in _SUFFIXES:
            _refuse(name, f"is {value!r}, and the address of a file that ends with {', '.join(_SUFFIXES)} is needed")
    elif isinstance(value, Mapping):
        if set(value) != _SQL_KEYS or not all(isinstance(each, str) and each for each in value.values()):
            _refuse(name, "is a dict with other keys than 'conn_id' and 'sql', or without text for them")
    elif not isinstance(value, Sequence):
        _refuse(name, f"is a {type(value).__name__}")


def _refuse(name: str, problem: str) -> NoReturn:
    message = f"'{name}' {problem}"
    raise ConfigurationError(message, remedy=_REMEDY)


def _normalize(source: Any) -> Any:
    """Return a source whose text a template may have rendered."""
    if not isinstance(source, str):
        return source
    return None if source.strip() in {"", "None"} else parse_structure(source.strip())


def _read_file(uri: str) -> Any:
    from airflow.sdk import ObjectStoragePath

    try:
        text = ObjectStoragePath(uri).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        message = f"There is no file {uri} with routes"
        remedy = "Put it where every worker and the Dag processor can read it."
        raise ConfigurationError(message, remedy=remedy) from None
    except (ImportError, ValueError) as error:
        if isinstance(error, UnicodeError):
            message, remedy = f"The file {uri} with routes is not in UTF-8", "Write it in UTF-8."
        else:
            message = f"The file {uri} with routes can't be read: {first_line(error)}"
            remedy = f"Install the provider package for '{urlsplit(uri).scheme}://', or use another address."
        raise ConfigurationError(message, remedy=remedy) from None
    except OSError as error:
        message = f"The file {uri} with routes can't be read: {type(error).__name__}"
        raise StorageError(message, remedy="Check the file, and the worker's access to it.") from error
    return _parse_text(uri, text)


def _parse_text(uri: str, text: str) -> Any:
    problem = ""
    if uri.endswith(".json"):
        try:
            return json.loads(text)
        except ValueError as error:
            problem = f"is not JSON ({error})"
    else:
        import yaml  # type: ignore[import-untyped]

        try:
            return _bounded(uri, yaml.safe_load(text))
        except (yaml.YAMLError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            problem = "is not YAML" + (f" (line {mark.line + 1})" if mark else "")
    message = f"The file {uri} {problem}"
    raise ConfigurationError(message, remedy=f"Write a list of routes, such as {routes.EXAMPLE}.")


def _bounded(uri: str, value: Any) -> Any:
    """Return the value of a YAML text. Its aliases may stand for more than fits into any memory.

    :raises ConfigurationError: for more than a million values
    """
    level, count = [value], 0
    while level:
        count += len(level)
        if count > _MAX_VALUES:
            message = f"The file {uri} has more than {_MAX_VALUES:,} values"
            raise ConfigurationError(message, remedy="Its aliases (*name) repeat what they name: write fewer.")
        members = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = list(islice(chain.from_iterable(members), _MAX_VALUES + 1))
    return value


def _read_query(conn_id: str, sql: str) -> list[dict[str, Any]]:
    """Return the rows of a query as routes: a column is a field, and null means not given."""
    from airflow_provider_partners.hooks.database import find_database
    from airflow_provider_partners.tables.select import Query

    with find_database(conn_id).open() as connection:
        query = Query(connection, sql)
        query.execute()
        rows = list(query.records())
    # A row with a number that isn't finite has a field that no route has; the check of the routes names it.
    return [_route_of_row(row if isinstance(row, Mapping) else row.content) for row in rows]


def _route_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    # Some databases return names in upper case, and have no type for booleans.
    values = {name.lower(): value for name, value in row.items() if value is not None}
    if values.get("personal_data") in (0, 1):
        values["personal_data"] = bool(values["personal_data"])
    return values
