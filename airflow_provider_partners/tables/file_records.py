"""Read the records of CSV, JSON and Parquet files, in memory that doesn't grow with the file.

A record that can't be read is yielded as an :class:`UnreadableRecord`, with its file and line. A file in which nobody
can say where the next record begins is an error.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_partners.arguments import suggest_spelling
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError, RejectedError
from airflow_provider_partners.files import BoundedLines, first_line
from airflow_provider_partners.masking import has_contact
from airflow_provider_partners.records import parse_json
from airflow_provider_partners.tables.errors import without_values
from airflow_provider_partners.tables.file_list import SourceFile, text_stream
from airflow_provider_partners.tables.values import PLAIN_TYPES, ValueConverter, parse_text, parse_timezone

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

MAX_LINE = 64_000_000
"""Characters of one line or one object. A longer one would fill the worker's memory."""

_CHUNK = 1_000_000
_PARQUET_BATCH = 5_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_SEPARATORS = re.compile(r"[ \t\r\n,]*")


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that can't be read.

    :param place: file and line
    :param rule: the reason without what differs between records
    :param content: what the file has, for the dataset of rejects (customers' data: keep it out of logs)
    """

    place: str
    rule: str
    content: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How files are read.

    :param types: column types of fields, by name
    :param timezone: the time zone of timestamps without one
    :param encoding: of CSV files
    :param delimiter: between the cells of a CSV file
    :param quotechar: around cells of a CSV file that contain the delimiter
    :param header: True if the first line of a CSV file has the names, or the names
    :param null_values: texts of cells without a value
    """

    types: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    encoding: str = "utf-8"
    delimiter: str | None = None
    quotechar: str = '"'
    header: bool | Sequence[str] = True
    null_values: Sequence[str] = ("",)

    def __post_init__(self) -> None:
        """Refuse options that fit no file.

        :raises ConfigurationError: for the first one that is wrong
        """
        for name in ("delimiter", "quotechar"):
            value = getattr(self, name)
            if value is not None and len(value) != 1:
                message = f"'{name}' is {value[:20]!r}, and one character is needed"
                raise ConfigurationError(message, remedy=f"Write {name}=';', for example.")
        try:
            codecs.lookup(self.encoding)
        except LookupError:
            message = f"'encoding' is {self.encoding[:40]!r}, which is unknown"
            raise ConfigurationError(message, remedy="Write utf-8, utf-16 or cp1252, for example.") from None
        if not self.header:
            message = f"'header' is {self.header!r}, and the names of the columns are needed"
            raise ConfigurationError(message, remedy="Write header=['id', 'email', …].")
        parse_timezone(self.timezone)


def read_records(file: SourceFile, options: ReadOptions) -> Iterator[Record | UnreadableRecord]:
    """Yield the records of one file in order.

    :raises DatasetError: when the file is damaged
    :raises ConfigurationError: when the options don't fit the file
    """
    with file.open() as stream:
        yield from _READERS[file.format](file, stream, options)


def declared_columns(file: SourceFile, options: ReadOptions) -> list[Column]:
    """Return the columns whose types are known before the records are read: of the options, and of a Parquet file."""
    columns: dict[str, Any] = {}
    if file.format == "parquet":
        with file.open() as stream:
            columns = _parquet_types(_parquet(file, stream).schema_arrow)
    return [Column(name, kind) for name, kind in {**columns, **options.types}.items()]


def _read_csv(file: SourceFile, stream: IO[bytes], options: ReadOptions) -> Iterator[Record | UnreadableRecord]:
    # The module's limit is for the whole process. It is raised only, never lowered.
    csv.field_size_limit(max(MAX_LINE, csv.field_size_limit()))
    delimiter = options.delimiter or ("\t" if file.format == "tsv" else ",")
    with text_stream(stream, options.encoding) as text:
        lines = BoundedLines(text, MAX_LINE, lambda number: _too_long(f"{file.uri}, line {number}"))
        rows = csv.reader(lines, delimiter=delimiter, quotechar=options.quotechar, strict=True)
        try:
            names = next(rows, None) if isinstance(options.header, bool) else list(options.header)
            if names is not None:
                _check_header(file, names, options)
                yield from _csv_records(file, rows, lines, names, options)
        except csv.Error as error:
            message = f"{file.uri}, line {rows.line_num}: {first_line(error)}"
            remedy = "Correct the quotation marks there, or set 'quotechar' and 'delimiter' as the file has them."
            raise DatasetError(message, remedy=remedy) from None
        except UnicodeError:
            message = f"{file.uri}, after line {rows.line_num}: its text is not in {options.encoding}"
            # The error holds the bytes.
            raise ConfigurationError(message, remedy="Set 'encoding'.") from None


def _check_header(file: SourceFile, names: Sequence[str], options: ReadOptions) -> None:
    """Refuse a header that names no columns. Its texts are not shown: a file without one begins with a customer.

    :raises ConfigurationError: with the positions of what is wrong
    """
    if fault := _header_fault(names):
        message = f"The header of {file.uri} has {fault}"
        remedy = "Correct it. If the file has none, write header=['id', 'email', …] with the names of its columns."
        raise ConfigurationError(message, remedy=remedy)
    missing = sorted(set(options.types) - set(names))
    if missing:
        message = f"{file.uri} has no column {missing[0]!r}, which 'types' names{suggest_spelling(missing[0], names)}"
        remedy = (
            f"It has {len(names)} columns. Does its first line hold the names? Correct 'types', or write the names "
            "as header=['id', 'email', …]."
        )
        raise ConfigurationError(message, remedy=remedy)


def _header_fault(names: Sequence[str]) -> str | None:
    for number, name in enumerate(names, 1):
        if not name:
            return f"no name for column {number}"
        if (first := names.index(name) + 1) < number:
            return f"one name for the columns {first} and {number}"
        if has_contact(name):
            return f"an e-mail address or a telephone number as the name of column {number}"
    return None


def _csv_records(
    file: SourceFile, rows: Any, lines: BoundedLines[str], names: Sequence[str], options: ReadOptions
) -> Iterator[Record | UnreadableRecord]:
    null_values, width, convert = frozenset(options.null_values), len(names), Typer(options.types, options.timezone)
    for cells in rows:
        lines.next_record()
        if not cells:  # an empty line
            continue
        place = f"{file.uri}, line {rows.line_num}"
        if len(cells) != width:
            rule = f"{len(cells)} cells, and the header has {width}"
            yield UnreadableRecord(place, rule, {"cells": cells})
            continue
        record = {name: None if cell in null_values else cell for name, cell in zip(names, cells, strict=True)}
        if any(_SURROGATE.search(cell) for cell in cells if not cell.isascii()):
            yield UnreadableRecord(place, f"its text is not in {options.encoding}", record)
        else:
            yield convert(record, place)


def _read_lines(file: SourceFile, stream: IO[bytes], options: ReadOptions) -> Iterator[Record | UnreadableRecord]:
    convert, number = Typer(options.types, options.timezone), 0
    while line := stream.readline(MAX_LINE):
        number += 1
        place = f"{file.uri}, line {number}"
        if len(line) == MAX_LINE:
            raise _too_long(place)
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            try:
                value = parse_json(text)
            except ValueError:
                yield UnreadableRecord(place, "its line is no JSON", {"text": text.decode(errors="replace")})
            else:
                yield convert(value, place)


def _read_json(file: SourceFile, stream: IO[bytes], options: ReadOptions) -> Iterator[Record | UnreadableRecord]:
    """Yield the objects of an array, or objects that follow each other."""
    with text_stream(stream, "utf-8") as characters:
        yield from _json_records(file, characters, Typer(options.types, options.timezone))


def _json_records(file: SourceFile, characters: IO[str], convert: Typer) -> Iterator[Record | UnreadableRecord]:
    for number, text in enumerate(_json_texts(file, characters), 1):
        place = f"{file.uri}, record {number}"
        try:
            value = parse_json(text)
        except ValueError:
            yield UnreadableRecord(
                place, "its JSON is nested too deeply, or has a number without a value", {"text": text}
            )
            continue
        # An escape of half of a surrogate pair is ASCII: only bytes that are no UTF-8 are found here.
        if text.isascii() or not _SURROGATE.search(text):
            yield convert(value, place)
        else:
            yield UnreadableRecord(place, "its text is not in utf-8", {"text": text})


def _json_texts(file: SourceFile, stream: IO[str]) -> Iterator[str]:
    """Yield the text of each element, with little more than one element in memory."""
    decoder, buffer, position, number = json.JSONDecoder(), "", 0, 0
    in_array = ended = False
    while True:
        position = _SEPARATORS.match(buffer, position).end()  # type: ignore[union-attr]
        character = buffer[position : position + 1]
        if character == "[" and number == 0 and not in_array:
            in_array, position = True, position + 1
            continue
        if (character == "]" and in_array) or (ended and not character and not in_array):
            return
        try:
            end = decoder.raw_decode(buffer, position)[1]
        except ValueError:
            end = len(buffer)
        except RecursionError:
            message = f"{file.uri}, record {number + 1}: its JSON is nested too deeply"
            raise DatasetError(message, remedy="Correct the file: no record of the partners has 100 levels.") from None
        if end < len(buffer) or (ended and not in_array and _is_json(buffer[position:])):
            number += 1
            yield buffer[position:end]
            position = end
            continue
        # The buffer ends inside of an element, or at its end, where a number may go on.
        if ended:
            message = f"{file.uri} is no JSON after record {number}"
            raise DatasetError(message, remedy="Write the file again, or set 'format'.")
        if len(buffer) - position > MAX_LINE:
            place = f"{file.uri}, record {number + 1}"
            raise _too_long(place)
        # Twice as much each time, so that a large element isn't parsed again for every chunk.
        chunk = stream.read(max(_CHUNK, len(buffer) - position))
        buffer, position, ended = buffer[position:] + chunk, 0, not chunk


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read_parquet(file: SourceFile, stream: IO[bytes], options: ReadOptions) -> Iterator[Record | UnreadableRecord]:
    converter, convert = ValueConverter(options.timezone), Typer(options.types, options.timezone)
    written = "\n".join(options.types)
    for number, row in enumerate(_parquet_rows(file, stream), 1):
        place = f"{file.uri}, record {number}"
        record, fault = to_json_record(row, converter, written)
        yield convert(record, place) if fault is None else UnreadableRecord(place, fault, record)


def _parquet_rows(file: SourceFile, stream: IO[bytes]) -> Iterator[Record]:
    parquet_file = _parquet(file, stream)
    import pyarrow as pa

    try:
        for batch in parquet_file.iter_batches(batch_size=_PARQUET_BATCH):
            yield from pa.Table.from_batches([batch]).cast(_in_microseconds(batch.schema), safe=False).to_pylist()
    except pa.ArrowException as error:
        message = f"{file.uri} can't be read: {first_line(without_values(str(error)))}"
        raise DatasetError(message, remedy="Write the file again.") from None


def _in_microseconds(schema: Any) -> Any:
    """Return a schema without nanoseconds, which Python's times don't have: pandas and Spark write them."""
    import pyarrow as pa

    fields = [
        item.with_type(pa.timestamp("us", item.type.tz))
        if pa.types.is_timestamp(item.type) and item.type.unit == "ns"
        else item
        for item in schema
    ]
    return pa.schema(fields)


def to_json_record(record: Record, converter: ValueConverter, written: str) -> tuple[Record, str | None]:
    """Replace the values of a record by their JSON, in place.

    :param written: what the author wrote. Columns that it doesn't name are described by their number
    :returns: the record and what is wrong with it: then it has text for the wrong values
    """
    fault = None
    for name, value in record.items():
        if type(value) not in PLAIN_TYPES:
            try:
                record[name] = converter.to_json(value)
            except RejectedError as error:
                label = name if name in written else f"column {[*record].index(name) + 1}"
                record[name], fault = str(value), f"{label}: {error.message}"
    return record, fault


def _parquet(file: SourceFile, stream: IO[bytes]) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        message = f"{file.uri} can't be read: pyarrow isn't installed"
        remedy = "Install airflow-provider-partners[parquet] on every worker."
        raise ConfigurationError(message, remedy=remedy) from None
    try:
        return parquet.ParquetFile(stream, coerce_int96_timestamp_unit="us")
    except pa.ArrowInvalid as error:
        message = f"{file.uri} is no Parquet file: {first_line(error)}"
        raise DatasetError(message, remedy="Write the file again, or set 'format'.") from None


def _parquet_types(schema: Any) -> dict[str, str]:
    """Return the column types of an Arrow schema that the JSON of the values doesn't show."""
    import pyarrow.types as kinds

    tests = (
        (kinds.is_decimal, "decimal"),
        (kinds.is_timestamp, "timestamp"),
        (kinds.is_date, "date"),
        (kinds.is_boolean, "boolean"),
        (kinds.is_integer, "integer"),
        (kinds.is_floating, "float"),
        (kinds.is_nested, "json"),
    )

    def plain_type(kind: Any) -> Any:
        return kind.value_type if kinds.is_dictionary(kind) else kind

    return {item.name: next((kind for test, kind in tests if test(plain_type(item.type))), "string") for item in schema}


class Typer:
    """Checks that a value is a record, and parses its texts by the declared types.

    :param types: column types of fields, by name
    :param timezone: the time zone of timestamps without one
    """

    def __init__(self, types: Mapping[str, str], timezone: str) -> None:
        self._types = {name: kind for name, kind in types.items() if kind != "string"}
        self._converter = ValueConverter(timezone)

    def __call__(self, value: Any, place: str) -> Record | UnreadableRecord:
        """Return the record, or what is wrong with it."""
        if not isinstance(value, dict):
            kind = "list" if isinstance(value, list) else type(value).__name__
            return UnreadableRecord(place, f"it is a {kind}, and an object is needed", {"value": value})
        if not self._types:
            return value
        typed = dict(value)
        for name, kind in self._types.items():
            cell = value.get(name)
            if isinstance(cell, str):
                try:
                    typed[name] = parse_text(cell, kind, self._converter)
                except RejectedError as error:
                    return UnreadableRecord(place, f"{name}: {error.message}", value)
        return typed


def _too_long(place: str) -> DatasetError:
    message = f"{place} is longer than {MAX_LINE:,} characters"
    return DatasetError(message, remedy="Check 'format', and split the file by records.")


_READERS: Mapping[str, Any] = {
    "csv": _read_csv,
    "tsv": _read_csv,
    "jsonl": _read_lines,
    "json": _read_json,
    "parquet": _read_parquet,
}
