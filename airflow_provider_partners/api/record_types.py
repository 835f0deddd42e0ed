"""The declared fields of each list's records, with their types.

Each partner's package has them in ``record_types.json``, one tree a list: a field's type by its name, or the tree of an
object's or a list's own fields. Shopify's come from its schema and Voucherify's from its OpenAPI file
(``docs/generate_record_types.py``), Yofi's and Yotpo's from their pages. This module knows no partner.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = ["FieldTypes", "check_field_path", "field_types", "requested_names", "top_level_types"]

log = logging.getLogger("airflow_provider_partners.api")

FieldTypes = Mapping[str, Any]
"""A type, such as ``timestamp``, or the tree of the own fields, by name. ``*`` stands for any further name."""

_FILE_NAME = "record_types.json"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@cache
def _trees(source: str) -> Mapping[str, FieldTypes]:
    path = Path(__file__).parent / source / _FILE_NAME
    trees: Mapping[str, FieldTypes] = json.loads(path.read_text()) if source.isidentifier() and path.exists() else {}
    return trees


def field_types(source: str, resource: str) -> FieldTypes:
    """Return the declared fields of a list's records; nothing for a list without a declaration.

    :param source: the partner, such as ``shopify_admin``
    :param resource: the list
    """
    return _trees(source).get(resource, {})


def top_level_types(types: FieldTypes) -> dict[str, str]:
    """Return the types of the fields at the top of a record. An object and a list are ``json``.

    :param types: from :func:`field_types`
    """
    return {name: kind if isinstance(kind, str) else "json" for name, kind in types.items() if name != "*"}


def check_field_path(
    argument: str, path: str, types: FieldTypes, *, requested: str = "", may_be_new: bool = False
) -> None:
    """Refuse a dotted path that no declared field and no requested one has.

    An object without declared fields of its own may have any, such as ``metadata``.

    :param argument: the argument that has the path, for the error
    :param path: such as ``lineItems.customAttributes``; lists are passed through
    :param types: the declared fields; without any, every path is taken
    :param requested: the request, as text: what a user has named in it may be part of the records
    :param may_be_new: take a path that is like no declared one: the partner may have more fields than are declared
    :raises ConfigurationError: when there is no such field; the error names the nearest one
    """
    if not types or _has(types, path):
        return
    words = requested_names(requested)
    if all(step in words for step in _undeclared_steps(types, path)):
        return
    nearest = suggest(path, sorted(_paths(types)))
    if may_be_new and not nearest:
        log.warning("'%s' names '%s', which is no declared field of this list", argument, path)
        return
    message = f"'{argument}' names '{path}', which is no field of this list{nearest}"
    fields = ", ".join(name for name in types if name != "*")
    remedy = f"Its fields are: {fields}. Dots lead into objects and lists."
    raise ConfigurationError(message, remedy=remedy)


def requested_names(requested: str) -> set[str]:
    """Return all names in a request: what a user has named in it may be part of the records.

    :param requested: the request, as text
    """
    return set(_NAME.findall(requested))


def _has(types: FieldTypes, path: str) -> bool:
    return not _undeclared_steps(types, path)


def _undeclared_steps(types: Any, path: str) -> list[str]:
    """Return the steps of a path from the first one that is not declared."""
    steps = path.split(".")
    for position, step in enumerate(steps):
        if types == "json":
            return []
        if not isinstance(types, Mapping) or not (step in types or "*" in types):
            return steps[position:]
        types = types.get(step, "json")
    return []


def _paths(types: FieldTypes, prefix: str = "") -> Iterator[str]:
    for name, kind in types.items():
        if name != "*":
            yield prefix + name
        if isinstance(kind, Mapping):
            yield from _paths(kind, f"{prefix}{name}.")
