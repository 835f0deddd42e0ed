"""Base classes of the API clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.http.messages import Request, accept_any
from airflow_provider_partners.arguments import check_kinds, check_mapping, check_text, suggest
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.stats import RequestStats
    from airflow_provider_partners.api.http.transport import Transport

__all__ = ["READS", "ApiClient", "RestClient", "check_call"]

READS = frozenset({"GET", "HEAD"})
"""The methods that change nothing (https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1)."""

_METHODS = (*sorted(READS), "POST", "PUT", "PATCH", "DELETE")

_PATH_CHARACTERS = "/%:@!$&'()*+,;=~-._"
"""What stays as it is in a path; the percent sign, because an id may be encoded already."""

_VERSION = re.compile(r"v\d+")


class ApiClient:
    """Base class of the API clients: owns the transport and closes it.

    A subclass sets ``_transport``. Use a client as a context manager, so that its connections are closed.
    """

    _transport: Transport

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the constructor refuse arguments of a wrong type, before they fail somewhere else."""
        super().__init_subclass__(**kwargs)
        if (construct := vars(cls).get("__init__")) is not None:
            cls.__init__ = _checked(construct)  # type: ignore[method-assign]

    @property
    def stats(self) -> RequestStats:
        """Counters of the requests, retries and waits so far."""
        return self._transport.stats

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the client."""
        self.close()


class RestClient(ApiClient):
    """A client of a REST API, which can also send any call that has no method of its own."""

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        idempotent: bool | None = None,
    ) -> Any:
        """Send any call of the API and return the response's JSON; ``None`` for a response without a body.

        The call has the client's credentials, rate limit, retries, errors and redaction. A write is not sent again
        after its response is lost, unless ``idempotent`` says that a second one has no further effect.

        ::

            client.request("POST", "/v1/vouchers/SPRING/disable", idempotent=True)

        :param method: ``GET``, ``HEAD``, ``POST``, ``PUT``, ``PATCH`` or ``DELETE``
        :param path: path below the connection's host, without a query; an id with a slash is percent-encoded
        :param params: query parameters; nested ones become ``filters[result][conditions][$is]``, and the values of a
            list repeat the name
        :param json: the body
        :param idempotent: the same call may be sent twice; by default only ``GET`` and ``HEAD`` may
        :raises UnknownOutcomeError: the response of a write is lost
        :raises ConfigurationError: for a method or a path that is none
        """
        method = check_call(method, path, params)
        is_read = method in READS
        response = self._transport.send(
            Request(
                method=method,
                path=quote(path, safe=_PATH_CHARACTERS),
                params=tuple(_query_pairs(params or {})),
                json=json,
                label=f"{method} {_public_path(path)}",
                expects_json=method != "HEAD",
                check=accept_any,
                may_be_empty=True,
                repeatable=is_read if idempotent is None else idempotent,
            )
        )
        return response.json() if response.content.strip() else None


def _checked(construct: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that checks its keyword arguments by their annotations."""

    @wraps(construct)
    def checked(self: Any, *args: Any, **arguments: Any) -> None:
        check_kinds(construct.__annotations__, arguments)
        construct(self, *args, **arguments)

    return checked


def check_call(method: Any, path: Any, params: Any = None) -> str:
    """Return the method in upper case.

    :raises ConfigurationError: for a method, a path or parameters that no call can have
    """
    check_text("method", method)
    check_text("path", path)
    if method.upper() not in _METHODS:
        message = f"there is no method {method[:20]!r}{suggest(method, _METHODS)}"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(_METHODS)}.")
    if not path.startswith("/") or path.startswith("//") or {"?", "#", "\\"} & set(path):
        message = "'path' is no path below the connection's host"
        raise ConfigurationError(message, remedy="Write path='/v1/vouchers', and the query in 'params'.")
    if {".", ".."} & set(path.lower().replace("%2e", ".").split("/")):
        message = "'path' leads to another path: it has a part of dots only"
        raise ConfigurationError(message, remedy="Write the path without '.' and '..'.")
    if params is not None:
        check_mapping("params", params)
    return str(method.upper())


def _public_path(path: str) -> str:
    """Return the beginning of a path that holds no data: up to the kind of object, as in ``/v1/vouchers/…``."""
    parts = path.strip("/").split("/")
    version = next((place for place, part in enumerate(parts) if _VERSION.fullmatch(part)), -1)
    kept = parts[: version + 2]
    return "/" + "/".join([*kept, *(["…"] if len(parts) > len(kept) else [])])


def _query_pairs(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in params.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, Mapping):
            yield from _query_pairs(value, name)
        elif isinstance(value, list | tuple):
            # Inside of brackets, an index keeps the order; at the top, the name is repeated.
            for index, item in enumerate(value):
                yield from _query_pairs({str(index): item}, name) if prefix else [(name, _as_text(item))]
        elif value is not None:
            yield name, _as_text(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return timestamps.isoformat(value, "milliseconds")
    return value.isoformat() if isinstance(value, date) else str(value)
