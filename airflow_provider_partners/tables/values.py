"""Values of databases and files as JSON that loses nothing, with the column types that JSON doesn't show.

Decimals, times, UUIDs and bytes become text. The type of their column says what the text is.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.schema import ColumnType
from airflow_provider_partners.exceptions import ConfigurationError, RejectedError
from airflow_provider_partners.records import parse_json

PLAIN_TYPES = frozenset({str, int, bool, type(None)})
"""Types whose values are JSON as they are."""

_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})

_OFFSET = re.compile(r"(?:[zZ]|[+-][0-9]{2}(?::?[0-9]{2}){0,2})$")
"""The offset at the end of a time."""


class OutOfCalendar(str):
    """The text of a time that Python's types don't hold: infinity, or a year before 1 or after 9999."""

    __slots__ = ()


class ValueConverter:
    """Turns values of a database or a file into JSON.

    :param timezone: the time zone of timestamps without one, such as ``Europe/Berlin``
    :raises ConfigurationError: when there is no such time zone
    """

    def __init__(self, timezone: str = "UTC") -> None:
        self._zone = parse_timezone(timezone)
        self._converters: dict[type, Callable[[Any], Any]] = {
            float: _finite_float,
            Decimal: _decimal_text,
            datetime: self._timestamp,
            date: date.isoformat,
            time: time.isoformat,
            timedelta: _duration,
            UUID: str,
            bytes: _base64,
            bytearray: _base64,
            memoryview: _base64,
            OutOfCalendar: _refuse_time,
        }

    def to_json(self, value: Any) -> Any:
        """Return a value as JSON.

        :raises RejectedError: when it is a number that is not finite, or a time outside of the calendar
        """
        kind = type(value)
        if kind in PLAIN_TYPES:
            return value
        convert = self._converters.get(kind) or self._find(kind)
        return convert(value)

    def _find(self, kind: type) -> Callable[[Any], Any]:
        """Return the converter of a type that is seen for the first time."""
        if issubclass(kind, Mapping):
            found: Callable[[Any], Any] = self._mapping
        elif issubclass(kind, list | tuple | set | frozenset):
            found = self._sequence
        else:
            # Drivers have subclasses of their own, and types such as ranges and network addresses.
            found = next((self._converters[base] for base in kind.__mro__ if base in self._converters), _plain_or_text)
        self._converters[kind] = found
        return found

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        return {str(name): self.to_json(item) for name, item in value.items()}

    def _sequence(self, value: Any) -> list[Any]:
        return [self.to_json(item) for item in value]

    def _timestamp(self, value: datetime) -> str:
        aware = value if value.tzinfo else value.replace(tzinfo=self._zone)
        try:
            return timestamps.isoformat(aware.astimezone(UTC))
        except OverflowError:
            # A time zone moves the year 1 or 9999 out of the calendar.
            return aware.isoformat()

    def timestamp_text(self, text: str) -> str:
        """Return a timestamp's text in UTC.

        :raises ValueError: when it is no timestamp
        """
        return self._timestamp(parse_timestamp(text))


def parse_timezone(name: str) -> tzinfo:
    """Return a time zone of the IANA database.

    :raises ConfigurationError: when there is none of this name
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        message = f"'timezone' is {name[:60]!r}, which is no time zone"
        raise ConfigurationError(message, remedy="Write a name of the IANA database, such as Europe/Berlin.") from None


def column_type(value: Any) -> ColumnType | None:
    """Return the column type of a database's value that its JSON doesn't show; ``None`` for any other value."""
    if isinstance(value, Decimal):
        return "decimal"
    if isinstance(value, datetime):
        return "timestamp"
    if isinstance(value, date):
        return "date"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return "json"
    return None


def parse_text(text: str, kind: str, converter: ValueConverter) -> Any:
    """Return a file's text as the JSON value of a declared type.

    :param kind: a column type
    :raises RejectedError: when the text has no value of the type; the message doesn't contain the text
    """
    try:
        return _PARSERS[kind](text, converter)
    except (ValueError, ArithmeticError):
        message = f"its text is no {kind}"
        raise RejectedError(message) from None


def parse_timestamp(text: str) -> datetime:
    """Return the timestamp of an ISO 8601 text, naive if it has no offset.

    :raises ValueError: when it is none
    """
    parsed = timestamps.try_parse(text)
    if parsed is None:
        message = "no timestamp"
        raise ValueError(message)
    return parsed if _OFFSET.search(text.strip()[10:]) else parsed.replace(tzinfo=None)


def _finite_float(value: float) -> float:
    if not math.isfinite(value):
        message = "its value is no finite number"
        raise RejectedError(message)
    return float(value)


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        message = "its value is no finite number"
        raise RejectedError(message)
    return format(value, "f")


def _refuse_time(value: OutOfCalendar) -> Any:
    message = "its value is infinite, or outside of the years 1 to 9999"
    raise RejectedError(message)


def _duration(value: timedelta) -> str:
    """Return a duration in ISO 8601, with days and seconds, which have a fixed length."""
    sign, length = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = f"{length.seconds}.{length.microseconds:06d}".rstrip("0").rstrip(".") if length.microseconds else ""
    return f"{sign}P{length.days}DT{seconds or length.seconds}S"


def _base64(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode()


def _plain_or_text(value: Any) -> Any:
    # A subclass of a plain type, such as an enumeration of texts, is JSON through its base.
    for plain in (bool, int, str):
        if isinstance(value, plain):
            return plain(value) if plain is not str else str.__str__(value)
    return str(value)


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    message = "neither true nor false"
    raise ValueError(message)


_PARSERS: Mapping[str, Callable[[str, ValueConverter], Any]] = {
    "string": lambda text, converter: text,
    "integer": lambda text, converter: int(text),
    "float": lambda text, converter: _finite_float(float(text)),
    "decimal": lambda text, converter: _decimal_text(Decimal(text.strip())),
    "boolean": lambda text, converter: _boolean(text),
    "date": lambda text, converter: date.fromisoformat(text.strip()).isoformat(),
    "timestamp": lambda text, converter: converter.timestamp_text(text),
    "json": lambda text, converter: parse_json(text),
}
