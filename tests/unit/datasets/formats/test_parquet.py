"""Parquet: part files that pyarrow and DuckDB, which know nothing of this package, read with the declared types."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_partners.datasets.publish import publish_dataset
from airflow_provider_partners.datasets.reader import read_column, read_dataset
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError

COLUMNS = [
    Column("id", "string"),
    Column("total", "decimal"),
    Column("at", "timestamp"),
    Column("day", "date"),
    Column("count", "integer"),
    Column("paid", "boolean"),
    Column("lines", "json"),
]
RECORD = {
    "id": "1", "total": "19.90", "at": "2026-05-01T02:00:00.5+02:00", "day": "2026-05-01", "count": 2**62,
    "paid": True, "lines": [{"sku": "ä", "n": 1}],
}  # fmt: skip


def writer(folder: Path, columns: list[Column] | None = None, **options: Any) -> DatasetWriter:
    options = {"part_size": 1, **options}
    return DatasetWriter(
        str(folder), source="yotpo", resource="orders", columns=columns, file_format="parquet", **options
    )


def write(folder: Path, *parts: list[dict[str, Any]], columns: list[Column] | None = None, **options: Any) -> Any:
    target = writer(folder, columns, **options)
    for part in parts:
        target.append(part)
    return target.commit()


def tables(folder: Path) -> list[pa.Table]:
    return [pq.read_table(path) for path in sorted(folder.glob("part-*.parquet"))]


def test_decimals_and_times_are_stored_as_such(tmp_path: Path) -> None:
    write(tmp_path / "d", [RECORD, {"id": "2"}], columns=COLUMNS)
    (table,) = tables(tmp_path / "d")
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string", "total": "decimal128(38, 9)", "at": "timestamp[us, tz=UTC]", "day": "date32[day]",
        "count": "int64", "paid": "bool", "lines": "string",
    }  # fmt: skip
    assert table.to_pylist()[0] == {
        "id": "1", "total": Decimal("19.9"), "at": datetime(2026, 5, 1, 0, 0, 0, 500_000, UTC), "day": date(2026, 5, 1),
        "count": 2**62, "paid": True, "lines": '[{"sku":"ä","n":1}]',
    }  # fmt: skip
    assert set(table.to_pylist()[1].values()) == {"2", None}


def test_duckdb_reads_all_parts_as_one_table(tmp_path: Path) -> None:
    """A column that only a later part has, and one that becomes wider there, are the same in every part."""
    write(tmp_path / "d", [RECORD], [{**RECORD, "total": "free", "new": 1.5}], columns=COLUMNS)
    rows = duckdb.sql(f"SELECT total, new, typeof(total) FROM '{tmp_path}/d/part-*.parquet' ORDER BY new").fetchall()
    assert rows == [("free", 1.5, "VARCHAR"), ("19.9", None, "VARCHAR")]


def test_records_are_read_back_as_json_values(tmp_path: Path) -> None:
    reference = write(tmp_path / "d", [RECORD], [{"id": "2", "later": {"a": 1}}], columns=COLUMNS)
    first, second = read_dataset(reference)
    assert first == {**RECORD, "total": "19.9", "at": "2026-05-01T00:00:00.500000Z", "later": None}
    assert {name: value for name, value in second.items() if value is not None} == {"id": "2", "later": {"a": 1}}
    assert list(read_column(reference, "lines")) == ["[{'sku': 'ä', 'n': 1}]"]
    assert list(read_column(reference, "later.a")) == ["1"]


@pytest.mark.parametrize("other", ["free", 10**30, "1.0000000001"])
def test_a_value_that_does_not_fit_is_kept_and_its_column_is_text(tmp_path: Path, other: Any) -> None:
    reference = write(tmp_path / "d", [RECORD], [{"total": other}], columns=COLUMNS)
    assert [record["total"] for record in read_dataset(reference)] == ["19.9", str(other)]


def test_a_retry_continues_with_the_parts_and_columns_of_the_first_try(tmp_path: Path) -> None:
    first = writer(tmp_path / "d", COLUMNS)
    first.resume()
    first.append([RECORD], position={"page": 1})
    second = writer(tmp_path / "d", COLUMNS)
    assert second.resume() == {"page": 1}
    second.append([{"id": "2", "total": "free"}], position={"page": 2})
    reference = second.commit()
    assert [record["total"] for record in read_dataset(reference)] == ["19.9", "free"]
    assert len(list((tmp_path / "d").glob("part-*"))) == 2


def test_another_format_is_not_resumed(tmp_path: Path) -> None:
    first = DatasetWriter(str(tmp_path / "d"), source="yotpo", resource="orders", part_size=1)
    first.append([RECORD], position={"page": 1})
    assert writer(tmp_path / "d", COLUMNS).resume() is None


def test_structures_are_arrows_own_and_the_same_in_all_parts(tmp_path: Path) -> None:
    parts = [{"id": "1", "to": {"zip": "1"}}], [{"id": "2", "to": {"zip": "2", "floor": 3}}], [{"id": "3", "to": None}]
    reference = write(tmp_path / "d", *parts, nested="struct")
    kinds = {str(table.schema.field("to").type) for table in tables(tmp_path / "d")}
    assert kinds == {"struct<zip: string, floor: int64>"}
    assert [record["to"] for record in read_dataset(reference)] == [
        {"zip": "1", "floor": None}, {"zip": "2", "floor": 3}, None,
    ]  # fmt: skip
    assert duckdb.sql(f"SELECT sum(\"to\".floor) FROM '{tmp_path}/d/*.parquet'").fetchall() == [(3,)]


@pytest.mark.parametrize(
    "values",
    [
        ({"a": 1}, {"a": "x"}),
        ({}, None),
        ([1, "x"], {"a": 1}),
        ({"a": 2**60}, {"a": 1.5}),
        ({"a": 10**30}, {"a": 1}),
        ({"a": [{}]}, None),
    ],
)
def test_a_structure_that_no_type_fits_is_json_text(tmp_path: Path, values: tuple[Any, Any]) -> None:
    for number, parts in enumerate(([[{"x": value} for value in values]], [[{"x": value}] for value in values])):
        folder = tmp_path / str(number)
        reference = write(folder, *parts, nested="struct")
        assert [record["x"] for record in read_dataset(reference)] == list(values)
        assert len({str(table.schema.field("x").type) for table in tables(folder)}) == 1


def test_more_fields_than_a_manifest_of_json_lines_records_are_all_stored(tmp_path: Path) -> None:
    reference = write(tmp_path / "d", [{f"field {number}": number for number in range(600)}])
    assert next(read_dataset(reference)) == {f"field {number}": number for number in range(600)}


def test_a_published_dataset_keeps_its_format(tmp_path: Path) -> None:
    moved = publish_dataset(write(tmp_path / "run", [RECORD], columns=COLUMNS), str(tmp_path / "day"))
    assert [path.suffix for path in (tmp_path / "day").glob("part-*")] == [".parquet"]
    again = publish_dataset(write(tmp_path / "again", [RECORD], columns=COLUMNS), str(tmp_path / "day"))
    assert (moved.extra["changed"], again.extra["changed"]) == (True, False)
    assert [record["id"] for record in read_dataset(again)] == ["1"]


def test_json_lines_are_published_as_parquet(tmp_path: Path) -> None:
    source = DatasetWriter(str(tmp_path / "run"), source="yotpo", resource="orders", columns=COLUMNS, part_size=1)
    source.append([RECORD])
    source.append([{"id": "2", "new": {"a": 1}}])
    reference = source.commit()
    moved = publish_dataset(reference, str(tmp_path / "day"), file_format="parquet")
    assert [table.column("total").to_pylist() for table in tables(tmp_path / "day")] == [[Decimal("19.9")], [None]]
    assert [record["new"] for record in read_dataset(moved)] == [None, {"a": 1}]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "day").iterdir()}
    again = publish_dataset(reference, str(tmp_path / "day"), file_format="parquet")
    assert again.extra["changed"] is False
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "day").iterdir()} == before
    back = publish_dataset(moved, str(tmp_path / "lines"), file_format="jsonl")
    assert [record["id"] for record in read_dataset(back)] == ["1", "2"]


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r"needs the package pyarrow.*airflow-provider-partners\[parquet\]"):
        writer(tmp_path / "d")
