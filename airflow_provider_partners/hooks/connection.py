"""Read and check an Airflow connection: base URL, credentials and the declared extras.

A connection's editor is less trusted than a Dag's author. Therefore an extra that is not declared is refused.
Knows the partners only by their declared forms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import urlsplit

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks import connection_forms


class StoredConnection(Protocol):
    """The fields of an Airflow connection that are read here."""

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

    :param base_url: scheme, host, port and path prefix, without a slash at the end
    :param login: the login, or ``""``
    :param password: the secret credential
    :param extras: the extras that have a value, converted to their declared types
    """

    conn_id: str
    conn_type: str
    base_url: str
    login: str
    password: str = field(repr=False)
    extras: Mapping[str, Any] = field(repr=False)

    def require(self, *names: str) -> None:
        """Raise an error unless the connection has these fields: ``login``, or names of extras.

        :raises ConfigurationError: with the field's label in the form
        """
        for name in names:
            if name == "login" and not self.login:
                _raise_invalid(
                    self.conn_id, f"has no {connection_forms.field_label(self.conn_type, name)}", "Put it in 'login'."
                )
            if name != "login" and self.extras.get(name) in {None, ""}:
                description = connection_forms.extra_fields(self.conn_type)[name]["description"]
                _raise_invalid(self.conn_id, f"has no extra '{name}'", description)


def read_connection(stored: StoredConnection, *, conn_type: str, default_host: str) -> PartnerConnection:
    """Check a connection and return it in its typed form.

    :param stored: the connection as Airflow returns it
    :param conn_type: the required type
    :param default_host: the base URL when the connection has no host
    :raises ConfigurationError: with the field and the remedy, never a value that may be secret
    """
    stored_type = (stored.conn_type or conn_type).replace("-", "_")
    if stored_type != conn_type:
        _raise_invalid(
            stored.conn_id, f"is of type '{stored_type}'", f"A connection of type '{conn_type}' is needed here."
        )
    # Editors and `echo` leave a line break at the end of a secret. No partner's secret has one there.
    password = (stored.password or "").rstrip("\r\n")
    if not password:
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
        password=password,
        extras=_read_extras(stored, conn_type),
    )


def base_url(stored: StoredConnection, default: str) -> str:
    """Return the base URL of a connection.

    The host may be a full URL with a path prefix. Airflow splits a connection in URI form: it reads
    ``yofi://http://:secret@127.0.0.1:8000/yofi`` as host, port and schema. A schema of ``http`` or ``https`` is the
    protocol, as in Airflow's HTTP connections; any other schema is the path prefix.
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
        _raise_invalid(stored.conn_id, "has a host that is not a URL", _HOST_REMEDY)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        problem = "has a host that is not an http or https URL"
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
        extras = json.loads(stored.extra) if stored.extra and stored.extra.strip() else {}
    except ValueError:
        _raise_invalid(stored.conn_id, "has an extra that is not JSON", remedy)
    if not isinstance(extras, Mapping):
        _raise_invalid(stored.conn_id, "has an extra that is not a JSON object", remedy)
    if unknown := sorted(set(extras) - set(declared)):
        names = ", ".join(f"'{name}'" for name in unknown)
        _raise_invalid(stored.conn_id, f"has unknown extras: {names}{suggest(unknown[0], declared)}", remedy)
    return {
        name: _convert_extra(stored.conn_id, name, value, declared[name]["schema"])
        for name, value in extras.items()
        if value not in (None, "")
    }


def _convert_extra(conn_id: str, name: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Convert one extra to its declared type. The UI and connection URIs pass numbers and objects as text."""
    convert, expected = _CONVERSIONS[next(kind for kind in schema["type"] if kind != "null")]
    try:
        converted = convert(value)
    except (TypeError, ValueError):
        _raise_invalid(conn_id, f"has an extra '{name}' of the wrong type", f"It has to be {expected}.")
    if "enum" in schema and converted not in schema["enum"]:
        _raise_invalid(
            conn_id,
            f"has an unknown value in '{name}'{suggest(converted, schema['enum'])}",
            f"Use one of: {', '.join(schema['enum'])}.",
        )
    minimum, maximum = schema.get("minimum"), schema.get("maximum")
    if (minimum is not None and converted < minimum) or (maximum is not None and converted > maximum):
        allowed = f"{minimum} or more" if maximum is None else f"{minimum} to {maximum}"
        _raise_invalid(conn_id, f"has '{name}' out of range", f"It has to be {allowed}.")
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
    texts = json.loads(value) if isinstance(value, str) else value
    if not isinstance(texts, Mapping) or not all(isinstance(text, str) for text in texts.values()):
        raise TypeError
    return dict(texts)


def _to_bool(value: Any) -> bool:
    boolean = {"true": True, "false": False}.get(str(value).strip().lower())
    if boolean is None:
        raise TypeError
    return boolean


_CONVERSIONS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "string": (_to_text, "text"),
    "integer": (_to_int, "a whole number"),
    "number": (_to_float, "a number"),
    "boolean": (_to_bool, "true or false"),
    "object": (_to_object, "a JSON object with text values"),
}
