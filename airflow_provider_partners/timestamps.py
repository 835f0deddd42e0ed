"""Parse and print timestamps. Every timestamp is aware, in UTC, and printed in one form."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pendulum

from airflow_provider_partners.exceptions import ConfigurationError

__all__ = ["from_epoch", "isoformat", "parse", "to_epoch", "try_parse"]

_REMEDY = "Write it in ISO 8601, such as 2026-05-01T00:00:00Z."

_WHOLE_DATE = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})(?:[T ].+)?", re.IGNORECASE)
"""A calendar date, and then perhaps a time. A month, a week, a time alone or an interval could mean several times."""

_FRACTION = re.compile(r"\.(\d+)")


def parse(value: Any, field: str = "timestamp") -> datetime:
    """Return the timestamp that a user wrote, aware and in UTC.

    :param value: ISO 8601 text with a whole date, ``datetime`` or ``date``; a naive one is UTC
    :param field: name of the argument, for the error
    :raises ConfigurationError: the value is not a timestamp
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, str | datetime):
        message = f"'{field}' is not a timestamp but {type(value).__name__}"
        raise ConfigurationError(message, remedy=_REMEDY)
    timestamp = try_parse(_parse_text(value) if isinstance(value, str) else value)
    if timestamp is None:
        message = f"'{field}' is not a timestamp: {str(value)[:40]!r}"
        raise ConfigurationError(message, remedy=_REMEDY)
    # Not the value itself: Airflow passes subclasses, whose arithmetic loses the time zone of the standard library.
    return from_epoch(timestamp.timestamp())


def _parse_text(text: str) -> Any:
    """Return what a user's text means, or None if it is no date with an optional time."""
    if not _WHOLE_DATE.fullmatch(text):
        return None
    try:
        return pendulum.parse(text, tz="UTC")
    except (ValueError, OverflowError):
        return None


def try_parse(value: Any) -> datetime | None:
    """Return the timestamp that a partner wrote, aware and in UTC, or None if it is not a timestamp.

    :param value: ISO 8601 text of any precision, or a ``datetime``; a naive one is UTC
    """
    if isinstance(value, str):
        try:
            text = value.strip()
            if "." in text:
                # fromisoformat refuses some lengths of a fraction. So pad it to microseconds, and cut the rest.
                text = _FRACTION.sub(lambda match: f".{match.group(1)[:6]:0<6}", text)
            value = datetime.fromisoformat(text)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        if value.tzinfo is UTC:
            return value
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:  # a time zone moves the year 1 or 9999 out of the calendar
        return None


def isoformat(value: datetime, timespec: str = "auto") -> str:
    """Return a timestamp as ISO 8601 in UTC, such as ``2026-05-01T00:00:00Z``.

    :param value: a naive one is UTC
    :param timespec: as for :meth:`datetime.isoformat`; ``auto`` prints microseconds only if they are not zero
    """
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value.isoformat(timespec=timespec).replace("+00:00", "Z")


def to_epoch(value: datetime) -> int:
    """Return the seconds since 1970, rounded down."""
    return int(value.timestamp() // 1)


def from_epoch(seconds: float) -> datetime:
    """Return the timestamp of a number of seconds since 1970.

    :raises ValueError: the number is outside of the calendar (also ``OverflowError``)
    """
    return datetime.fromtimestamp(seconds, UTC)
