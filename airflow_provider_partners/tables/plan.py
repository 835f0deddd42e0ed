"""Which column of a table each field of a record goes to, and a record as a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.arguments import suggest_spelling
from airflow_provider_partners.datasets.schema import Column, SchemaObserver
from airflow_provider_partners.exceptions import ConfigurationError, RejectedError
from airflow_provider_partners.records import get_path
from airflow_provider_partners.tables.dialects import Dialect
from airflow_provider_partners.tables.names import column_names
from airflow_provider_partners.tables.values import ValueConverter, parse_text

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

_ANY_DEPTH = 100

_NO_KEY = "it is a key, and has no value"
_WRONG_TYPE = "its value is no {}"
_NUL = "its text has the character U+0000, which the database refuses"

Row = tuple[Any, ...]
"""The values of a row, in the order of the plan's columns."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table.

    :param name: its name in the table
    :param field: the field of a record that it holds; dots lead into nested objects
    :param type: its column type
    """

    name: str
    field: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What a user may decide about the columns.

    :param columns: names of columns, by field
    :param exclude: fields that are left out; a name leaves out what is nested in it, too
    :param types: column types of fields that replace the dataset's
    :param flatten: levels of nested objects that become columns; 0 keeps objects as JSON
    :param snake: whether columns get names in lower case with underscores
    :param timezone: the time zone of texts without one in fields that ``types`` makes timestamps
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    flatten: int = 0
    snake: bool = True
    timezone: str = "UTC"


def flatten_depth(flatten: bool | int) -> int:
    """Return the levels of ``flatten``: True is all of them."""
    return _ANY_DEPTH if flatten is True else int(flatten)


def observed_columns(records: Iterable[Record], declared: Sequence[Column], *, flatten: int) -> list[Column]:
    """Return the columns of records, by reading all of them.

    :param declared: columns that are known
    :param flatten: levels of nested objects that become columns
    """
    observer = SchemaObserver([column for column in declared if column.type != "json" or not flatten], limit=10_000)
    valued: set[str] = set()
    for record in records:
        flat = _flattened(record, flatten)
        valued.update(name for name, value in flat.items() if value is not None)
        observer.observe(flat)
    columns = observer.columns
    parents = {column.name[:end] for column in columns for end in _dots(column.name)}
    # An object that is missing in some records is no column beside those of its fields.
    return [column for column in columns if column.name in valued or column.name not in parents]


def _flat(record: Mapping[str, Any], depth: int, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if depth and isinstance(value, dict):
            yield from _flat(value, depth - 1, f"{prefix}{name}.") if value else ((f"{prefix}{name}", None),)
        else:
            yield f"{prefix}{name}", value


def _flattened(record: Mapping[str, Any], depth: int) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in _flat(record, depth):
        if name in flat:
            message = f"Two fields become {name!r} with 'flatten': one has the dot in its name, one is of an object"
            raise ConfigurationError(message, remedy="Write a smaller 'flatten', or rename one where it comes from.")
        flat[name] = value
    return flat


def _dots(name: str) -> Iterator[int]:
    return (position for position, character in enumerate(name) if character == ".")


class TablePlan:
    """The columns of a load, and how a record becomes a row.

    :param columns: the columns of the records
    :param options: what the user has decided
    :param dialect: of the database
    :param keys: fields or columns that identify a row
    :raises ConfigurationError: when a field that an argument names doesn't exist
    """

    def __init__(
        self, columns: Sequence[Column], options: PlanOptions, dialect: Dialect, keys: Sequence[str] = ()
    ) -> None:
        fields = {column.name: column.type for column in columns}
        known = [name for name in fields if not _is_excluded(name, options.exclude)]
        for argument, names in (("columns", options.columns), ("types", options.types)):
            for name in names:
                if name not in fields:
                    raise unknown_field(argument, name, fields)
        names = column_names(known, options.columns, dialect, snake=options.snake)
        self.columns = [TableColumn(names[name], name, options.types.get(name, fields[name])) for name in known]
        self._key_fields = [self.find(key, "keys").field for key in keys]
        self._dialect, self._options = dialect, options
        self._set_cells()

    @property
    def keys(self) -> list[TableColumn]:
        """The columns that identify a row."""
        return [self.find(field, "keys") for field in self._key_fields]

    def adopt(self, names: Mapping[str, str]) -> None:
        """Keep the columns that are named, under the names of the table.

        :param names: the table's column for each of the plan's columns
        """
        self.columns = [
            TableColumn(names[column.name], column.field, column.type)
            for column in self.columns
            if column.name in names
        ]
        self._set_cells()

    def _set_cells(self) -> None:
        converter = ValueConverter(self._options.timezone)
        self._cells = [
            _Cell(
                column,
                self._dialect,
                converter,
                parses=column.field in self._options.types,
                nested=self._options.flatten > 0,
                is_key=column.field in self._key_fields,
            )
            for column in self.columns
        ]

    def find(self, name: str, argument: str) -> TableColumn:
        """Return the column of a field, or the column of this name.

        :param argument: for the error
        :raises ConfigurationError: when there is none
        """
        for column in self.columns:
            if name in {column.field, column.name}:
                return column
        raise unknown_field(argument, name, [column.field for column in self.columns])

    def row(self, record: Record) -> Row:
        """Return a record as a row.

        :raises RejectedError: when a value has no form in the table; the message names the field
        """
        return tuple(cell(record) for cell in self._cells)


class _Cell:
    """Makes the value of one column."""

    def __init__(
        self,
        column: TableColumn,
        dialect: Dialect,
        converter: ValueConverter,
        *,
        parses: bool,
        nested: bool,
        is_key: bool,
    ) -> None:
        self._field, self._kind, self._is_key = column.field, column.type, is_key
        self._parses, self._nested, self._converter = parses, nested, converter
        self._column = Column(column.field, column.type)  # type: ignore[arg-type]
        self._refuses_nul = dialect.refuses_nul and column.type in {"string", "json"}

    def __call__(self, record: Record) -> Any:
        value = record.get(self._field)
        if value is None and self._nested and "." in self._field:
            value = get_path(record, self._field)
        if value is None:
            if self._is_key:
                raise self._reject(_NO_KEY)
            return None
        if self._parses:
            value = self._parsed(value)
        typed = self._column.typed(value)
        if self._refuses_nul and ("\x00" in typed or (self._kind == "json" and "\\u0000" in typed)):
            raise self._reject(_NUL)
        return typed

    def _parsed(self, value: Any) -> Any:
        """Return a value of the type that the user has given the field."""
        if isinstance(value, str):
            try:
                value = parse_text(value, self._kind, self._converter)
            except RejectedError as error:
                raise self._reject(error.message) from None
        # Every value has a text.
        if self._kind != "string" and not self._column.fits(value):
            raise self._reject(_WRONG_TYPE.format(self._kind))
        return value

    def _reject(self, reason: str) -> RejectedError:
        return RejectedError(f"{self._field}: {reason}")


def _is_excluded(name: str, exclude: Sequence[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in exclude)


def unknown_field(argument: str, name: str, known: Iterable[str]) -> ConfigurationError:
    """Return the error for a field that no record has."""
    names = list(known)
    message = f"'{argument}' names {name!r}, which the records don't have{suggest_spelling(name, names)}"
    # The names may be of a file without a header, whose first line is a customer.
    remedy = f"They have {len(names)} fields; the page of their dataset lists them."
    return ConfigurationError(message, remedy=remedy)
