"""Names of tables and columns: parsed, made from names of fields, and always quoted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.tables.dialects import Dialect

_PART = re.compile(r'"((?:[^"]|"")+)"|`([^`]+)`|([^."`\s]+)')
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"\W+")

_REMEDY = "Write table='orders' or table='schema.orders'; put names with other characters between double quotes."


def parse_table(text: str, dialect: Dialect) -> tuple[str, ...]:
    """Return the parts of a table's name.

    A part between quotes is taken as it is. Any other part is read as the database reads it: PostgreSQL makes it lower
    case, and Snowflake upper case.

    :param text: one to three parts with dots between them
    :raises ConfigurationError: when it is no name
    """
    parts, position = [], 0
    while match := _PART.match(text, position):
        doubled, backquoted, plain = match.groups()
        name = doubled.replace('""', '"') if doubled else backquoted or plain
        parts.append(dialect.folded(name) if plain and _PLAIN.fullmatch(plain) else name)
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    if position != len(text) or not 1 <= len(parts) <= 3 or text.endswith(".") or "\x00" in text:
        message = f"'table' is {text[:80]!r}, which is no name of a table"
        raise ConfigurationError(message, remedy=_REMEDY)
    return tuple(parts)


def qualified(parts: Iterable[str], dialect: Dialect) -> str:
    """Return a name for statements, with every part quoted."""
    return ".".join(dialect.quoted(part) for part in parts)


def column_names(fields: Iterable[str], renamed: Mapping[str, str], dialect: Dialect, *, snake: bool) -> dict[str, str]:
    """Return the column of each field.

    :param fields: names of fields; dots lead into nested objects
    :param renamed: columns that the user has named, by field
    :param snake: whether other fields get names in lower case with underscores: ``createdAt`` becomes ``created_at``
    :raises ConfigurationError: when two fields get one column
    """
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for field in fields:
        if field in renamed:
            name = _as_written(renamed[field], dialect)
        else:
            name = dialect.folded(snake_case(field)) if snake else field.replace(".", "_")
        name = shortened(name, dialect.max_name)
        # Most databases compare names without regard to case.
        owner = owners.setdefault(name.lower(), field)
        if owner != field:
            message = f"The fields {owner!r} and {field!r} both become the column {name!r}"
            raise ConfigurationError(message, remedy=f"Name one of them: columns={{{field!r}: '…'}}, or exclude it.")
        names[field] = name
    return names


def _as_written(name: str, dialect: Dialect) -> str:
    """Return a name that a user has written: between quotes as it is, else as the database reads it."""
    if len(name) > 2 and name[0] == name[-1] == '"':
        return name[1:-1].replace('""', '"')
    return dialect.folded(name) if _PLAIN.fullmatch(name) else name


def snake_case(field: str) -> str:
    """Return a field's name in lower case with underscores.

    >>> snake_case("customer.legacyResourceId")
    'customer_legacy_resource_id'
    """
    words = _NO_WORD.sub("_", _HUMP.sub("_", field)).strip("_").lower()
    if not words:
        return f"field_{_digest(field)}"
    leading = "_" if field.startswith("_") or words[0].isdigit() else ""
    return f"{leading}{words}"


def shortened(name: str, limit: int) -> str:
    """Return a name that the database doesn't cut. A long one ends with a hash, so that it stays unique.

    :param limit: bytes in UTF-8
    """
    encoded = name.encode()
    if len(encoded) <= limit:
        return name
    return f"{encoded[: limit - 9].decode(errors='ignore')}_{_digest(name)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
