"""An Airflow connection, read and checked: base URL, credentials, and the named extras alone.

A connection's editor is less trusted than a Dag's author, so no extra is handed on that is not declared.
Knows nothing of the partners beyond their declared forms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks import connection_forms


class StoredConnection(Protocol):
    """What is read of an Airflow connection."""

    conn_id: str
    conn_type: str | None
    host: str | None
    schema: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerConnection:
    """A connection that passed the checks.

    :param conn_id: its id, for messages
    :param conn_type: such as ``yofi``
    :param base_url: host, port and path prefix, without a slash at the end
    :param login: the login, or nothing
    :param password: the credential
    :param extras: the extras that were given, of the declared types
    """

    conn_id: str
    conn_type: str
    base_url: str
    login: str
    password: str = field(repr=False)
    extras: Mapping[str, Any] = field(repr=False)

    def require(self, *names: str) -> None:
        """Refuse a connection that lacks one of these, ``login`` or extras.

        :raises ConfigurationError: naming the field as the form does
        """
        for name in names:
            if name == "login" and not self.login:
                _raise_invalid(
                    self.conn_id, f"has no {connection_forms.field_label(self.conn_type, name)}", "Put it in 'login'."
                )
            if name != "login" and self.extras.get(name) in {None, ""}:
                about = connection_forms.extra_fields(self.conn_type)[name]["description"]
                _raise_invalid(self.conn_id, f"has no extra '{name}'", about)


def read_connection(stored: StoredConnection, *, conn_type: str, default_host: str) -> PartnerConnection:
    """Check a connection.

    :param stored: as Airflow gives it
    :param conn_type: the type it has to be of
    :param default_host: the base URL where it names none
    :raises ConfigurationError: naming the field and the remedy, never a value of it that may be secret
    """
    found = (stored.conn_type or conn_type).replace("-", "_")
    if found != conn_type:
        _raise_invalid(stored.conn_id, f"is of type '{found}'", f"A connection of type '{conn_type}' is needed here.")
    if not stored.password:
        _raise_invalid(
            stored.conn_id,
            f"has no {connection_forms.field_label(conn_type, 'password').lower()}",
            "Put it in 'password'.",
        )
    return PartnerConnection(
        conn_id=stored.conn_id,
        conn_type=conn_type,
        base_url=base_url(stored, default_host),
        login=(stored.login or "").strip(),
        password=stored.password,
        extras=_read_extras(stored, conn_type),
    )


def base_url(stored: StoredConnection, default: str) -> str:
    """The base URL of a connection.

    The host may be a full URL with a path prefix. A connection in URI form has the port and the prefix in
    fields of their own (Airflow reads ``yofi://http://:secret@127.0.0.1:8000/yofi`` as host, port and
    schema); a schema of ``http`` or ``https`` is the protocol, as in Airflow's own HTTP connections.
    """
    host = (stored.host or "").strip()
    if not host:
        return default
    schema = (stored.schema or "").strip().strip("/")
    protocol, prefix = (schema, "") if schema in {"http", "https"} else ("https", schema)
    url = host if "://" in host else f"{protocol}://{host}"
    problem = None
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None
    except ValueError:
        _raise_invalid(stored.conn_id, "has a host that is no URL", _HOST_REMEDY)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        problem = "has a host that is no http or https URL"
    elif "@" in parts.netloc or parts.query or parts.fragment:
        problem = "has a host with credentials, a query or a fragment in it"
    if problem:
        _raise_invalid(stored.conn_id, problem, _HOST_REMEDY)
    netloc = parts.netloc if has_port or not stored.port else f"{parts.netloc}:{stored.port}"
    path = parts.path.rstrip("/") + (f"/{prefix}" if prefix else "")
    return f"{parts.scheme}://{netloc}{path}"


_HOST_REMEDY = "Write it as https://host or https://host/prefix."


def _raise_invalid(conn_id: str, problem: str, remedy: str) -> NoReturn:
    message = f"The connection '{conn_id}' {problem}"
    raise ConfigurationError(message, remedy=remedy) from None


def _read_extras(stored: StoredConnection, conn_type: str) -> dict[str, Any]:
    declared = connection_forms.extra_fields(conn_type)
    remedy = f"Its extras are: {', '.join(sorted(declared))}."
    try:
        given = json.loads(stored.extra) if stored.extra and stored.extra.strip() else {}
    except ValueError:
        _raise_invalid(stored.conn_id, "has an extra that is not JSON", remedy)
    if not isinstance(given, Mapping):
        _raise_invalid(stored.conn_id, "has an extra that is not a JSON object", remedy)
    if unknown := sorted(set(given) - set(declared)):
        names = ", ".join(f"'{name}'" for name in unknown)
        _raise_invalid(stored.conn_id, f"has unknown extras: {names}", remedy)
    return {
        name: _convert_extra(stored.conn_id, name, value, declared[name]["schema"])
        for name, value in given.items()
        if value not in (None, "")
    }


def _convert_extra(conn_id: str, name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """One extra, of its declared type; the UI and URIs give numbers and objects as text."""
    convert, expected = _CONVERSIONS[next(kind for kind in schema["type"] if kind != "null")]
    try:
        converted = convert(value)
    except (TypeError, ValueError):
        _raise_invalid(conn_id, f"has an extra '{name}' of a wrong type", f"It has to be {expected}.")
    if "enum" in schema and converted not in schema["enum"]:
        _raise_invalid(conn_id, f"has an unknown value in '{name}'", f"Use one of: {', '.join(schema['enum'])}.")
    least, most = schema.get("minimum"), schema.get("maximum")
    if (least is not None and converted < least) or (most is not None and converted > most):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        _raise_invalid(conn_id, f"has '{name}' out of bounds", f"It has to be {bounds}.")
    return converted


def _to_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    return str(value).strip()


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or int(value) != float(value):
        raise TypeError
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return float(value)


def _to_object(value: Any) -> dict[str, str]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping) or not all(isinstance(text, str) for text in found.values()):
        raise TypeError
    return dict(found)


def _to_bool(value: Any) -> bool:
    found = {"true": True, "false": False}.get(str(value).strip().lower())
    if found is None:
        raise TypeError
    return found


_CONVERSIONS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "string": (_to_text, "text"),
    "integer": (_to_int, "a whole number"),
    "number": (_to_float, "a number"),
    "boolean": (_to_bool, "true or false"),
    "object": (_to_object, "a JSON object of texts"),
}
