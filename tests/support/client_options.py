"""Arguments of clients in tests, where factories pass options of the client and of ``ClientOptions`` together."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from airflow_provider_partners.api.http.options import ClientOptions

_NAMES = frozenset(field.name for field in fields(ClientOptions))


def gather_options(**arguments: Any) -> dict[str, Any]:
    """Return the arguments with those of ``ClientOptions`` gathered in ``options``."""
    options = {name: value for name, value in arguments.items() if name in _NAMES}
    others = {name: value for name, value in arguments.items() if name not in _NAMES}
    return {**others, "options": ClientOptions(**options)}
