"""Look up connections and Variables in Airflow. What is not found is an error that a retry may mend.

Airflow gives one answer for two causes. When its API server fails or times out, a task's look-up goes on to the next
secrets backend, and ends as "not found" (``ExecutionAPISecretsBackend``, since Airflow 3.1; a backend that raises an
error is skipped in the same way). Therefore no default stands for "not set" here: a default would turn an outage into
another configuration. This module knows no partner.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from airflow.sdk import Variable

from airflow_provider_partners._compat import AirflowNotFoundException, AirflowRuntimeError
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, NotDefinedError

__all__ = ["find_connection", "get_variable", "remembered_connections"]

T = TypeVar("T")

REMEMBERED_SECONDS = 60.0
"""How long a task of many lanes takes a connection as it was: its secret may be replaced while the task runs."""

_remembered: ContextVar[dict[str, tuple[float, Any]] | None] = ContextVar(
    "connections that this task has looked up, each with the time", default=None
)


@contextmanager
def remembered_connections() -> Iterator[None]:
    """Look each connection up once a minute in the enclosed steps of a task: each is a request to Airflow's API."""
    token = _remembered.set({})
    try:
        yield
    finally:
        _remembered.reset(token)


_OUTAGE = "Airflow answers the same while its API server or secrets backend fails; then a retry helps."


def get_variable(name: str, *, remedy: str) -> str:
    """Return an Airflow Variable.

    :param remedy: how to set it
    :raises NotDefinedError: when Airflow does not find it
    :raises AuthenticationError: when Airflow denies it to the task
    """
    try:
        return str(Variable.get(name))
    except AirflowRuntimeError:
        message = f"Airflow did not find the Variable '{name}'"
        raise NotDefinedError(message, remedy=f"{remedy} {_OUTAGE}") from None
    except PermissionError:
        _raise_denied(f"the Variable '{name}'")


def find_connection(get_connection: Callable[[str], T], conn_id: str, *, conn_type: str) -> T:
    """Return an Airflow connection.

    :param get_connection: the hook's look-up
    :param conn_type: the type that is needed, for the error
    :raises NotDefinedError: when Airflow does not find it
    :raises ConfigurationError: when it is in an environment variable that Airflow can't read
    :raises AuthenticationError: when Airflow denies it to the task
    """
    try:
        return _look_up(get_connection, conn_id)
    except AirflowNotFoundException:
        variable = f"AIRFLOW_CONN_{conn_id.upper()}"
        if variable in os.environ:
            message = f"The environment variable {variable} is set, but Airflow can't read a connection from it"
            remedy = f'Write it as JSON, such as {{"conn_type": "{conn_type}", "password": "…"}}, or as a URI.'
            raise ConfigurationError(message, remedy=remedy) from None
        message = f"Airflow did not find the connection '{conn_id}'"
        remedy = f"Create a connection of type '{conn_type}', or use another id. {_OUTAGE}"
        raise NotDefinedError(message, remedy=remedy) from None
    except PermissionError:
        _raise_denied(f"the connection '{conn_id}'")


def _look_up(get_connection: Callable[[str], T], conn_id: str) -> T:
    remembered = _remembered.get()
    if remembered is None:
        return get_connection(conn_id)
    looked_up_at, found = remembered.get(conn_id, (-math.inf, None))
    if time.monotonic() - looked_up_at >= REMEMBERED_SECONDS:
        found = get_connection(conn_id)
        remembered[conn_id] = (time.monotonic(), found)
    connection: T = found
    return connection


def _raise_denied(what: str) -> NoReturn:
    message = f"Airflow denies this task {what}"
    raise AuthenticationError(message, remedy="Give the task's team or Dag access to it.") from None
