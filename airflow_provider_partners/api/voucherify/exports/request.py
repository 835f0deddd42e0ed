"""What an export is asked, and whether another export was asked the same.

Checks fields, order, filters and times against the table of exports before anything is sent. Must not know how a job
is run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_partners.api.voucherify.exports.objects import ExportObject
from airflow_provider_partners.api.voucherify.filters import Filter, to_json, validate_filter
from airflow_provider_partners.exceptions import ConfigurationError

PARTNER = "Voucherify"

_OVERLAP = timedelta(milliseconds=1)
"""Whether filters of time include their bounds isn't documented, so they are asked a little wider than wanted."""


def resolve_fields(export_object: ExportObject, fields: Sequence[str] | None) -> tuple[str, ...]:
    """The fields of the rows.

    :param export_object: what is exported
    :param fields: as asked for; all that are documented by default
    :raises ConfigurationError: naming those that there are
    """
    if fields is None:
        return export_object.fields
    if isinstance(fields, str) or not fields:
        message = "'fields' is no list of fields"
        raise ConfigurationError(message, remedy="Give a list, even of one field.", partner=PARTNER)
    for name in fields:
        if not export_object.has_field(name):
            check_known("field", name, export_object.fields, export_object)
    return tuple(dict.fromkeys(fields))


def resolve_sort(export_object: ExportObject, sort: str | None) -> str:
    """What the rows are sorted by; empty where nothing is documented.

    :param export_object: what is exported
    :param sort: a field, with ``-`` for descending; by time by default
    """
    if sort is not None:
        check_known("order", sort.removeprefix("-"), export_object.sort_fields, export_object)
        return sort
    return export_object.sort_fields[0] if export_object.sort_fields else ""


def resolve_time_field(export_object: ExportObject, time_field: str | None) -> tuple[str, str]:
    """The filter that a window is laid on, and the field of a row that it goes by.

    :param export_object: what is exported
    :param time_field: which time a window is of; that of creation by default
    """
    if not export_object.times:
        message = f"an export of '{export_object.name}' can't be asked for by time"
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
    """The filters of an export's body, with those of a window.

    :param export_object: what is exported
    :param filters: as asked for
    :param time_field: the time that a window is of; empty for none
    :param since: its first moment
    :param until: the first moment not in it
    """
    parsed = validate_filter(
        filters,
        target=f"an export of {export_object.name}",
        allowed=export_object.filters,
        allow_any_field=export_object.allows_any_filter,
    )
    body = to_json(parsed)
    if not time_field:
        return body
    if parsed is not None and len(parsed.conditions) > 1 and parsed.junction == "or":
        message = "the filters are joined by 'or', and a window would be one of them"
        raise ConfigurationError(message, remedy="Leave 'since' and 'until' out, or use 'and'.", partner=PARTNER)
    if time_field in body:
        message = f"the filters ask for '{time_field}', and so do 'since' and 'until'"
        raise ConfigurationError(message, remedy="Give one of them.", partner=PARTNER)
    after = {"$after": [format_export_timestamp(since - _OVERLAP)]} if since else {}
    before = {"$before": [format_export_timestamp(until + _OVERLAP)]} if until else {}
    return {**body, "junction": "and", time_field: {"conditions": {**after, **before}}}


def check_known(kind: str, name: str, known: Collection[str], export_object: ExportObject) -> None:
    """Refuse what isn't there.

    :param kind: of thing, for the error
    :param name: as asked for
    :param known: those that there are
    :param export_object: what is exported
    """
    if name not in known:
        message = f"an export of '{export_object.name}' has no {kind} '{name}'"
        listed = ", ".join([
            *sorted(known),
            *(["metadata.x"] if kind == "field" and export_object.has_metadata else []),
        ])
        raise ConfigurationError(message, remedy=f"Use one of: {listed or 'none'}.", partner=PARTNER)


def normalize_filters(filters: Any) -> str:
    """Filters in one form, however the server tells them: with a junction that says nothing, values in lists or not.

    :param filters: of an export's parameters
    """
    normalized: dict[str, Any] = {}
    conditions_by_field = filters if isinstance(filters, Mapping) else {}
    for name, inner in conditions_by_field.items():
        conditions = inner.get("conditions") if isinstance(inner, Mapping) else None
        for key, value in (conditions if isinstance(conditions, Mapping) else {}).items():
            listed = value if isinstance(value, list) else [value]
            normalized[f"{name} {key}"] = [str(one).lower() if isinstance(one, bool) else str(one) for one in listed]
    junction = str(conditions_by_field.get("junction", "and")).lower() if len(normalized) > 1 else "and"
    return json.dumps([junction, normalized], sort_keys=True)


def parse_export_timestamp(value: Any) -> datetime | None:
    """A time as exports have it, always in UTC; ``None`` when it is none.

    :param value: ISO 8601
    """
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def format_export_timestamp(value: datetime, timespec: str = "milliseconds") -> str:
    """A time as it is sent.

    :param value: aware
    :param timespec: how finely
    """
    return value.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
