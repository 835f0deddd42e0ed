"""The columns of a dataset: the declared type of each field, and the observed type of a field that nobody declared.

A value that does not fit its column is never lost. The column becomes wider instead, for all records of that dataset:
``integer`` becomes ``float`` where this loses no digit, a column of unlike scalars becomes ``string``, and a column
with an object or a list among its values becomes ``json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from airflow_provider_partners import timestamps
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.datasets.manifest import verify_manifest
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.records import repair_text

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

__all__ = [
    "DECIMAL_PRECISION",
    "DECIMAL_SCALE",
    "Column",
    "ColumnType",
    "SchemaObserver",
    "check_types",
    "dataset_columns",
]

ColumnType = Literal["string", "integer", "float", "decimal", "boolean", "date", "timestamp", "json"]
"""``integer`` has 64 bits, ``timestamp`` is in UTC with microseconds, ``json`` holds an object or a list."""

COLUMN_TYPES: tuple[str, ...] = get_args(ColumnType)

DECIMAL_PRECISION, DECIMAL_SCALE = 38, 9
"""Digits of a ``decimal`` in all, and after the point: those that Parquet, Snowflake and BigQuery share."""

MAX_FIELDS = 500
"""Undeclared fields whose types are observed; a list with more fields uses names as values."""

_MAX_INTEGER, _MAX_EXACT = 2**63 - 1, 2**53
"""The largest integer of 64 bits, and the largest up to which a double holds every integer."""

_DECIMAL = re.compile(r"[+-]?[0-9]{1,29}(?:\.([0-9]{0,9})0*)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6}0*)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""A timestamp without an offset is in UTC, as Yotpo's are. One with more than six digits of a second does not fit."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset.

    :param name: the field's name
    :param type: its type
    """

    name: str
    type: ColumnType

    def __post_init__(self) -> None:
        """Refuse a type that does not exist.

        :raises DatasetError: when the type is unknown
        """
        if self.type not in COLUMN_TYPES:
            message = f"There is no column type {self.type!r}"
            raise DatasetError(message, remedy=f"Use one of: {', '.join(COLUMN_TYPES)}.")

    def to_dict(self) -> dict[str, str]:
        """Return the column as the manifest lists it."""
        return {"name": self.name, "type": self.type}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Column:
        """Return the column that :meth:`to_dict` has written."""
        return cls(value["name"], value["type"])

    def fits(self, value: Any) -> bool:
        """Return True if a record's value that is not ``None`` fits the column."""
        return _FITS[self.type](value)

    def typed(self, value: Any) -> Any:
        """Return a record's value as Python's value of this type: ``Decimal``, aware ``datetime``, JSON as text.

        :param value: one that fits the column, or ``None``
        """
        return None if value is None else _TO_TYPED[self.type](value)

    def untyped(self, value: Any) -> Any:
        """Return the JSON value of what :meth:`typed` has returned. Decimals and times become text.

        :param value: of this type, or ``None``
        """
        return None if value is None else _FROM_TYPED[self.type](value)


def dataset_columns(reference: DatasetRef | Mapping[str, Any]) -> tuple[Column, ...]:
    """Return a dataset's columns: the declared ones, then those observed in its records.

    Every value of the dataset fits its column.

    :param reference: output of the task that wrote the dataset
    :raises DatasetError: when the dataset is not readable here
    """
    manifest = verify_manifest(DatasetRef.from_dict(reference))
    return tuple(Column.from_dict(column) for column in manifest["columns"])


class SchemaObserver:
    """Keeps the columns of the records written so far, and widens a column for a value that does not fit.

    :param declared: the declared columns
    :param limit: number of undeclared fields that are kept
    """

    def __init__(self, declared: Iterable[Column] = (), *, limit: float = MAX_FIELDS) -> None:
        self._declared: dict[str, str] = {column.name: column.type for column in declared}
        self._types: dict[str, str | None] = dict(self._declared)
        self._long_integers: set[str] = set()
        self._limit = limit

    def observe_all(self, records: Sequence[Record]) -> None:
        """Take the types of several records, as :meth:`observe` does one after the other.

        A column is looked at as a whole: most often all its values fit, and nothing changes.
        """
        names = set[str]().union(*records)
        if not names <= self._types.keys():
            for record in records:
                self.observe(record)
            return
        for name in names:
            values = [record.get(name) for record in records]
            current = self._types[name]
            if current is None or not _ALL_FIT[current](values):
                for value in values:
                    self._observe_value(name, value)

    def observe(self, record: Record) -> None:
        """Take the types of one record."""
        for name, value in record.items():
            self._observe_value(name, value)

    def _observe_value(self, name: str, value: Any) -> None:
        types = self._types
        if value is None and name in types:
            return
        current = types.get(name)
        if current is None:
            self._add(name, value)
        elif not _FITS[current](value):
            types[name] = self._wider(name, current, value)
        elif current == "integer" and abs(value) > _MAX_EXACT:
            self._long_integers.add(name)

    def _add(self, name: str, value: Any) -> None:
        repaired = repair_text(name)
        if repaired != name:
            self.observe({repaired: value})
            return
        if name not in self._types and len(self._types) - len(self._declared) >= self._limit:
            return
        self._types[name] = None if value is None else _observed_type(value)
        if self._types[name] == "integer" and abs(value) > _MAX_EXACT:
            self._long_integers.add(name)

    def _wider(self, name: str, current: str, value: Any) -> str:
        if isinstance(value, dict | list):
            return "json"
        if current == "integer" and _FITS["float"](value) and name not in self._long_integers:
            return "float"
        return "string"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns so far; one without any value is text."""
        return tuple(Column(name, cast("ColumnType", kind or "string")) for name, kind in self._types.items())

    @property
    def undeclared(self) -> list[str]:
        """Names of fields that were not declared, in the order of their appearance."""
        return [name for name in self._types if name not in self._declared]

    @property
    def widened(self) -> dict[str, str]:
        """The declared types of columns that had to become wider."""
        return {name: kind for name, kind in self._declared.items() if self._types[name] != kind}

    def to_dict(self) -> dict[str, Any]:
        """Return the state for a later try, as JSON."""
        return {"types": self._types, "long_integers": sorted(self._long_integers)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue with the state that :meth:`to_dict` has returned."""
        self._types |= state["types"]
        self._long_integers = set(state["long_integers"])


def parse_columns(value: Sequence[Column] | Mapping[str, str]) -> tuple[Column, ...]:
    """Return columns that are given as such, or as a mapping of name to type."""
    if isinstance(value, Mapping):
        return tuple(Column(name, cast("ColumnType", kind)) for name, kind in value.items())
    return tuple(value)


def check_types(name: str, types: Mapping[str, str] | None) -> dict[str, str]:
    """Return the column types of fields, as a user writes them.

    :param name: the argument
    :raises ConfigurationError: when a type is unknown
    """
    for field, kind in (types or {}).items():
        if kind not in COLUMN_TYPES:
            message = f"'{name}' has {kind!r} for {field!r}, which is no column type{suggest(kind, COLUMN_TYPES)}"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(COLUMN_TYPES)}.")
    return dict(types or {})


def json_text(value: Any) -> str:
    """Return a value as JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _observed_type(value: Any) -> ColumnType:
    if isinstance(value, dict | list):
        return "json"
    kinds: tuple[ColumnType, ...] = ("boolean", "integer", "float")
    for kind in kinds:
        if _FITS[kind](value):
            return kind
    return "string"


def _is_integer(value: Any) -> bool:
    return type(value) is int and -_MAX_INTEGER <= value <= _MAX_INTEGER


def _is_float(value: Any) -> bool:
    return type(value) is float or (type(value) is int and -_MAX_EXACT <= value <= _MAX_EXACT)


def _is_decimal(value: Any) -> bool:
    if type(value) is float:
        value = format(Decimal(repr(value)), "f")
    return isinstance(value, str | int) and type(value) is not bool and bool(_DECIMAL.fullmatch(str(value)))


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and bool(_DATE.fullmatch(value)) and _parses(date.fromisoformat, value)


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, str) and bool(_TIMESTAMP.fullmatch(value)) and timestamps.try_parse(value) is not None


def _parses(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


_FITS: Mapping[str, Callable[[Any], bool]] = {
    # Any scalar has a text, and then the column stays what its declaration says.
    "string": lambda value: not isinstance(value, dict | list),
    "integer": _is_integer,
    "float": _is_float,
    "decimal": _is_decimal,
    "boolean": lambda value: type(value) is bool,
    "date": _is_date,
    "timestamp": _is_timestamp,
    "json": lambda value: True,
}
"""Whether a value that is not None fits a type."""

_NONE = type(None)
_SCALARS = frozenset({str, int, float, bool, _NONE})


def _are_texts_that(fit: Callable[[Any], bool]) -> Callable[[Sequence[Any]], bool]:
    """Return a check that all values but None are texts, and fit."""

    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) <= {str, _NONE} and all(map(fit, set(values) - {None}))

    return check


def _are_exact_integers(values: Sequence[Any]) -> bool:
    if not set(map(type, values)) <= {int, _NONE}:
        return False
    return all(-_MAX_EXACT <= value <= _MAX_EXACT for value in values if value is not None)


_ALL_FIT: Mapping[str, Callable[[Sequence[Any]], bool]] = {
    "string": lambda values: set(map(type, values)) <= _SCALARS,
    "integer": _are_exact_integers,
    "float": lambda values: set(map(type, values)) <= {float, _NONE},
    "decimal": _are_texts_that(lambda value: _DECIMAL.fullmatch(value) is not None),
    "boolean": lambda values: set(map(type, values)) <= {bool, _NONE},
    "date": _are_texts_that(_is_date),
    "timestamp": _are_texts_that(_is_timestamp),
    "json": lambda values: True,
}
"""Whether values, which may be None, leave a column of a type as it is. False if that takes a closer look."""

_TO_TYPED: Mapping[str, Callable[[Any], Any]] = {
    "string": lambda value: value if isinstance(value, str) else json_text(value),
    "integer": int,
    "float": float,
    "decimal": lambda value: Decimal(str(value)),
    "boolean": bool,
    "date": lambda value: date.fromisoformat(value),
    "timestamp": timestamps.try_parse,
    "json": json_text,
}


def _decimal_text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


_FROM_TYPED: Mapping[str, Callable[[Any], Any]] = {
    "string": str,
    "integer": int,
    "float": float,
    "decimal": _decimal_text,
    "boolean": bool,
    "date": lambda value: value.isoformat(),
    "timestamp": lambda value: timestamps.isoformat(cast("datetime", value).astimezone(UTC)),
    "json": json.loads,
}
