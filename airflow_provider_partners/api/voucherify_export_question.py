"""What an export is asked, and whether another export was asked the same.

Checks fields, order, filters and times against the table of exports before anything is sent. Must not know how a job
is run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_partners.api.voucherify_export_table import Exported
from airflow_provider_partners.api.voucherify_filters import Filter, checked, to_json
from airflow_provider_partners.exceptions import ConfigurationError

PARTNER = "Voucherify"

_OVERLAP = timedelta(milliseconds=1)
"""Whether filters of time include their bounds isn't documented, so they are asked a little wider than wanted."""


def chosen_fields(exported: Exported, fields: Sequence[str] | None) -> tuple[str, ...]:
    """The fields of the rows.

    :param exported: what is exported
    :param fields: as asked for; all that are documented by default
    :raises ConfigurationError: naming those that there are
    """
    if fields is None:
        return exported.fields
    if isinstance(fields, str) or not fields:
        message = "'fields' is no list of fields"
        raise ConfigurationError(message, remedy="Give a list, even of one field.", partner=PARTNER)
    for name in fields:
        if not exported.known(name):
            possible("field", name, exported.fields, exported)
    return tuple(dict.fromkeys(fields))


def chosen_order(exported: Exported, order: str | None) -> str:
    """What the rows are sorted by; empty where nothing is documented.

    :param exported: what is exported
    :param order: a field, with ``-`` for descending; by time by default
    """
    if order is not None:
        possible("order", order.removeprefix("-"), exported.orders, exported)
        return order
    return exported.orders[0] if exported.orders else ""


def chosen_time(exported: Exported, time_field: str | None) -> tuple[str, str]:
    """The filter that a window is laid on, and the field of a row that it goes by.

    :param exported: what is exported
    :param time_field: which time a window is of; that of creation by default
    """
    if not exported.times:
        message = f"an export of '{exported.name}' can't be asked for by time"
        raise ConfigurationError(message, remedy="Leave 'since' and 'until' out.", partner=PARTNER)
    name = time_field or "created_at"
    possible("time", name, exported.times, exported)
    return name, exported.times[name]


def chosen_filters(
    exported: Exported,
    filters: Filter | Mapping[str, Any] | None,
    time_field: str,
    since: datetime | None,
    until: datetime | None,
) -> dict[str, Any]:
    """The filters of an export's body, with those of a window.

    :param exported: what is exported
    :param filters: as asked for
    :param time_field: the time that a window is of; empty for none
    :param since: its first moment
    :param until: the first moment not in it
    """
    asked = checked(filters, what=f"an export of {exported.name}", allowed=exported.filters, free=exported.free_filters)
    body = to_json(asked)
    if not time_field:
        return body
    if asked is not None and len(asked.conditions) > 1 and asked.junction == "or":
        message = "the filters are joined by 'or', and a window would be one of them"
        raise ConfigurationError(message, remedy="Leave 'since' and 'until' out, or use 'and'.", partner=PARTNER)
    if time_field in body:
        message = f"the filters ask for '{time_field}', and so do 'since' and 'until'"
        raise ConfigurationError(message, remedy="Give one of them.", partner=PARTNER)
    after = {"$after": [iso(since - _OVERLAP)]} if since else {}
    before = {"$before": [iso(until + _OVERLAP)]} if until else {}
    return {**body, "junction": "and", time_field: {"conditions": {**after, **before}}}


def possible(kind: str, name: str, known: Collection[str], row: Exported) -> None:
    """Refuse what isn't there.

    :param kind: of thing, for the error
    :param name: as asked for
    :param known: those that there are
    :param row: what is exported
    """
    if name not in known:
        message = f"an export of '{row.name}' has no {kind} '{name}'"
        listed = ", ".join([*sorted(known), *(["metadata.x"] if kind == "field" and row.metadata else [])])
        raise ConfigurationError(message, remedy=f"Use one of: {listed or 'none'}.", partner=PARTNER)


def canonical(filters: Any) -> str:
    """Filters in one form, however the server tells them: with a junction that says nothing, values in lists or not.

    :param filters: of an export's parameters
    """
    found: dict[str, Any] = {}
    given = filters if isinstance(filters, Mapping) else {}
    for name, inner in given.items():
        conditions = inner.get("conditions") if isinstance(inner, Mapping) else None
        for key, value in (conditions if isinstance(conditions, Mapping) else {}).items():
            listed = value if isinstance(value, list) else [value]
            found[f"{name} {key}"] = [str(one).lower() if isinstance(one, bool) else str(one) for one in listed]
    junction = str(given.get("junction", "and")).lower() if len(found) > 1 else "and"
    return json.dumps([junction, found], sort_keys=True)


def instant(value: Any) -> datetime | None:
    """A time as exports have it, always in UTC; ``None`` when it is none.

    :param value: ISO 8601
    """
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def iso(value: datetime, timespec: str = "milliseconds") -> str:
    """A time as it is sent.

    :param value: aware
    :param timespec: how finely
    """
    return value.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
