"""Part files in Parquet: columns with types, decimals and timestamps as such. Needs pyarrow, the extra ``parquet``.

Objects and lists are JSON text by default, so that the schema is the same for every run whatever a partner adds to
them. They can be Arrow's own structures instead; values that no structure fits become JSON text again.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_partners.datasets.schema import DECIMAL_PRECISION, DECIMAL_SCALE, Column
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

__all__ = [
    "NESTED_FORMS",
    "NestedForm",
    "ParquetPart",
    "check_pyarrow",
    "common_schema",
    "read_parquet",
    "write_parquet",
]

NestedForm = Literal["json", "struct"]
"""How objects and lists are stored: as JSON text, or as Arrow's own structures."""

NESTED_FORMS: tuple[str, ...] = get_args(NestedForm)

_COLUMNS_KEY = b"partners.columns"
"""Key of the file's metadata with the columns, so that a part can be read without its manifest."""

_RECORDS_PER_ROW_GROUP, _BYTES_PER_ROW_GROUP = 50_000, 64_000_000
_RECORDS_PER_BATCH = 1_000
"""Records that are Python objects at the same time; the others of a row group are Arrow's, which are smaller."""


def check_pyarrow() -> None:
    """Find out whether Parquet can be written and read here.

    :raises ConfigurationError: when pyarrow is not installed
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        message = "format='parquet' needs the package pyarrow, which is not installed here"
        remedy = "Install airflow-provider-partners[parquet] on every worker, or use format='jsonl'."
        raise ConfigurationError(message, remedy=remedy) from None


class ParquetPart:
    """One part as Parquet, and its schema.

    :param content: the file
    :param schema: the Arrow schema as text
    """

    __slots__ = ("content", "schema")

    def __init__(self, content: bytes, schema: str) -> None:
        self.content = content
        self.schema = schema


def write_parquet(
    records: Callable[[], Iterable[Record]],
    columns: Sequence[Column],
    *,
    nested: str = "json",
    schema: Any | None = None,
) -> ParquetPart:
    """Return records as a Parquet file.

    :param records: returns the records; called again for structures, whose types are found first
    :param columns: every column; every value fits its column
    :param nested: see :data:`NestedForm`
    :param schema: the Arrow schema; found in the columns and records by default
    :raises ValueError: when a structure of this schema does not fit
    """
    check_pyarrow()
    if schema is not None:
        return _write(records(), columns, schema)
    if nested == "struct":
        try:
            return _write(records(), columns, _arrow_schema(columns, _structures(records(), columns)))
        except (ValueError, TypeError, OverflowError):
            pass  # The types of two batches unite, and a value fits only the one of its own.
    return _write(records(), columns, _arrow_schema(columns, {}))


def _write(records: Iterable[Record], columns: Sequence[Column], schema: Any) -> ParquetPart:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    types = [schema.field(column.name).type for column in columns]
    with pq.ParquetWriter(sink, schema) as writer:
        group: list[Any] = []
        for batch in _batches(records, _RECORDS_PER_BATCH):
            arrays = [pa.array(_values(batch, column, kind), kind) for column, kind in zip(columns, types, strict=True)]
            group.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
            if sum(each.num_rows for each in group) >= _RECORDS_PER_ROW_GROUP or _size(group) >= _BYTES_PER_ROW_GROUP:
                writer.write_table(pa.Table.from_batches(group, schema))
                group = []
        if group:
            writer.write_table(pa.Table.from_batches(group, schema))
    return ParquetPart(sink.getvalue(), _schema_text(schema))


def _size(batches: Sequence[Any]) -> int:
    return sum(batch.nbytes for batch in batches)


def _schema_text(schema: Any) -> str:
    return base64.b64encode(schema.serialize()).decode()


def read_parquet(content: bytes, fields: Sequence[str] | None = None) -> Iterator[Record]:
    """Yield the records of a file that :func:`write_parquet` has made, as JSON values. A missing field is ``None``.

    :param content: the file
    :param fields: read only these fields at the top of a record; all by default
    """
    check_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content))
    schema = file.schema_arrow
    columns = {column["name"]: Column.from_dict(column) for column in json.loads(schema.metadata[_COLUMNS_KEY])}
    names = [name for name in columns if fields is None or name in fields]
    converters = {name: _converter(columns[name], schema.field(name).type) for name in names}
    for batch in file.iter_batches(_RECORDS_PER_BATCH, columns=names):
        values = {name: batch.column(name).to_pylist() for name in names}
        for number in range(batch.num_rows):
            yield {name: converters[name](values[name][number]) for name in names}


def common_schema(schemas: Iterable[str], columns: Sequence[Column], *, nested: bool = True) -> tuple[Any, str]:
    """Return the one schema that holds the records of several parts, as such and as text.

    :param schemas: the schema of each part
    :param columns: the columns of the complete dataset
    :param nested: whether structures may stay what they are; otherwise they become JSON text
    """
    import pyarrow as pa

    if not nested:
        schema = _arrow_schema(columns, {})
        return schema, _schema_text(schema)
    parts = [pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))) for text in set(schemas)]
    structures = {}
    for column in columns:
        if column.type == "json":
            own = [pa.schema([part.field(column.name)]) for part in parts if column.name in part.names]
            structures[column.name] = _common_type(own, column.name)
    schema = _arrow_schema(columns, structures)
    return schema, _schema_text(schema)


def _common_type(schemas: Sequence[Any], name: str) -> Any:
    import pyarrow as pa

    types = {str(schema.field(name).type): schema for schema in schemas}
    if not types or "string" in types:
        return pa.string()
    try:
        unified = pa.unify_schemas(list(types.values()), promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()
    kind = unified.field(name).type
    return pa.string() if pa.types.is_null(kind) else kind


def _arrow_schema(columns: Sequence[Column], structures: dict[str, Any]) -> Any:
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "integer": pa.int64(),
        "float": pa.float64(),
        "decimal": pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "json": pa.string(),
    }
    fields = [pa.field(column.name, structures.get(column.name, types[column.type])) for column in columns]
    text = json.dumps([column.to_dict() for column in columns])
    return pa.schema(fields, metadata={_COLUMNS_KEY: text.encode()})


def _structures(records: Iterable[Record], columns: Sequence[Column]) -> dict[str, Any]:
    """Return the Arrow type of each column of objects and lists. A column that no type fits stays JSON text."""
    import pyarrow as pa

    names = [column.name for column in columns if column.type == "json"]
    found: dict[str, list[Any]] = {name: [] for name in names}
    unfit: set[str] = set()
    for batch in _batches(records, _RECORDS_PER_BATCH):
        for name in names:
            try:
                kind = pa.infer_type([record.get(name) for record in batch])
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                unfit.add(name)
            else:
                if not pa.types.is_null(kind):
                    found[name].append(pa.schema([pa.field(name, kind)]))
    # A column without any value has no type yet; that of another part is its type.
    types = {
        name: _common_type(schemas, name) if schemas else pa.null()
        for name, schemas in found.items()
        if name not in unfit
    }
    return {name: kind for name, kind in types.items() if _is_writable(kind)}


def _is_writable(kind: Any) -> bool:
    """Return False for a structure that holds an empty one, which Parquet has no form for."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return kind.num_fields > 0 and all(_is_writable(kind.field(number).type) for number in range(kind.num_fields))
    return not pa.types.is_list(kind) or _is_writable(kind.value_type)


def _values(batch: Sequence[Record], column: Column, kind: Any) -> list[Any]:
    if _is_structure(column, kind):
        return [record.get(column.name) for record in batch]
    return [column.typed(record.get(column.name)) for record in batch]


def _converter(column: Column, kind: Any) -> Callable[[Any], Any]:
    return (lambda value: value) if _is_structure(column, kind) else column.untyped


def _is_structure(column: Column, kind: Any) -> bool:
    import pyarrow as pa

    return column.type == "json" and not pa.types.is_string(kind)


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
