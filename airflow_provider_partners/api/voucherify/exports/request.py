"""Check the arguments of an export, and build the body of its request.

Everything is checked against the table of exports before the first request.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_partners.api.voucherify.exports.objects import ExportObject
from airflow_provider_partners.api.voucherify.filters import Filter, to_json, validate_filter
from airflow_provider_partners.api.voucherify.pages import OVERLAP, format_timestamp
from airflow_provider_partners.arguments import check_names, check_text, suggest
from airflow_provider_partners.exceptions import ConfigurationError

PARTNER = "Voucherify"


def resolve_fields(export_object: ExportObject, fields: Sequence[str] | None) -> tuple[str, ...]:
    """Return the fields of the records; all documented ones by default.

    :raises ConfigurationError: for an unknown field, with the known ones
    """
    if fields is None:
        return export_object.fields
    names = check_names("fields", fields)
    if isinstance(fields, str) or not names:
        message = "'fields' is not a list of fields"
        raise ConfigurationError(message, remedy="Give a list, even of one field.", partner=PARTNER)
    for name in names:
        if not export_object.has_field(name):
            check_known("field", name, export_object.fields, export_object)
    return names


def resolve_sort(export_object: ExportObject, sort: str | None) -> str:
    """Return the value of ``order``; empty when the API documents none.

    :param sort: a field, with ``-`` for descending; by time when ``None``
    """
    if sort is not None:
        check_text("sort", sort)
        check_known("sort", sort.removeprefix("-"), export_object.sort_fields, export_object)
        return sort
    return export_object.sort_fields[0] if export_object.sort_fields else ""


def resolve_time_field(export_object: ExportObject, time_field: str | None) -> tuple[str, str]:
    """Return the filter that a window applies to, and the matching field of a record.

    :param time_field: the time of the window; ``created_at`` when ``None``
    """
    if not export_object.times:
        message = f"an export of '{export_object.name}' can't be filtered by time"
        raise ConfigurationError(message, remedy="Leave 'since' and 'until' out.", partner=PARTNER)
    name = time_field or "created_at"
    check_known("time", name, export_object.times, export_object)
    return name, export_object.times[name]


def resolve_filters(
    export_object: ExportObject,
    filters: Filter | Mapping[str, Any] | None,
    time_field: str,
    since: datetime | None,
    until: datetime | None,
) -> dict[str, Any]:
    """Return the ``filters`` of the request body, including the conditions of a window.

    :param time_field: the time of the window; empty without a window
    """
    parsed = validate_filter(
        filters,
        target=f"an export of {export_object.name}",
        allowed=export_object.filters,
        allow_any_field=export_object.allows_any_filter,
        list_name=export_object.name,
    )
    body = to_json(parsed)
    if not time_field:
        return body
    if parsed is not None and len(parsed.conditions) > 1 and parsed.junction == "or":
        message = "the filters are joined by 'or', and the window would become one of the alternatives"
        raise ConfigurationError(message, remedy="Leave 'since' and 'until' out, or use 'and'.", partner=PARTNER)
    if time_field in body:
        message = f"the filters compare '{time_field}', and so do 'since' and 'until'"
        raise ConfigurationError(message, remedy="Give one of them.", partner=PARTNER)
    after = {"$after": [format_timestamp(since - OVERLAP)]} if since else {}
    before = {"$before": [format_timestamp(until + OVERLAP)]} if until else {}
    return {**body, "junction": "and", time_field: {"conditions": {**after, **before}}}


def check_known(kind: str, name: str, known: Collection[str], export_object: ExportObject) -> None:
    """Reject an unknown name.

    :param kind: ``field``, ``sort``, ``time`` or ``parameter``, for the error
    :raises ConfigurationError: with the known names
    """
    if name not in known:
        message = f"an export of '{export_object.name}' has no {kind} '{name}'{suggest(name, known)}"
        metadata = ["metadata.x"] if kind == "field" and export_object.has_metadata else []
        names = ", ".join([*sorted(known), *metadata])
        raise ConfigurationError(message, remedy=f"Use one of: {names or 'none'}.", partner=PARTNER)


def normalize_filters(filters: Any) -> str:
    """Return filters in one comparable form.

    The server returns them with a default junction added, and operands as lists or single values.

    :param filters: the ``filters`` of an export's parameters
    """
    normalized: dict[str, Any] = {}
    conditions_by_field = filters if isinstance(filters, Mapping) else {}
    for name, inner in conditions_by_field.items():
        conditions = inner.get("conditions") if isinstance(inner, Mapping) else None
        for operator, operand in (conditions if isinstance(conditions, Mapping) else {}).items():
            operands = operand if isinstance(operand, list) else [operand]
            normalized[f"{name} {operator}"] = [
                str(value).lower() if isinstance(value, bool) else str(value) for value in operands
            ]
    junction = str(conditions_by_field.get("junction", "and")).lower() if len(normalized) > 1 else "and"
    return json.dumps([junction, normalized], sort_keys=True)
