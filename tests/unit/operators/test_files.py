"""``FilesToDatasetOperator``. The files are written by other programs: Python's ``csv``, ``gzip`` and pyarrow."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pytest
from pyarrow import parquet

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets import dataset_columns, read_dataset
from airflow_provider_partners.operators.files import FilesToDatasetOperator
from airflow_provider_partners.task_errors import PartnerTaskError


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    pushed = {}
    task = SimpleNamespace(
        dag_id="dag",
        task_id="orders",
        run_id="run",
        map_index=-1,
        xcom_push=lambda key, value: pushed.update({key: value}),
    )
    return {"ti": task, "pushed": pushed}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    return path


def run(context, uri, **arguments):
    return FilesToDatasetOperator(task_id="orders", uri=str(uri), **arguments).execute(context)


def records(reference):
    return list(read_dataset(reference))


def types(reference):
    return {column.name: column.type for column in dataset_columns(reference)}


def test_a_csv_file_becomes_a_dataset_of_texts(context, folder):
    with (folder / "orders.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "note"], ["007", 'say "hi", twice'], ["8", "two\nlines"], ["9", ""]])

    reference = run(context, folder / "orders.csv")

    assert records(reference) == [
        {"id": "007", "note": 'say "hi", twice'},
        {"id": "8", "note": "two\nlines"},
        {"id": "9", "note": None},
    ]
    assert (reference["source"], reference["resource"], reference["records"]) == ("files", "orders", 3)


def test_declared_types_make_values_of_cells(context, folder):
    (folder / "a.csv").write_text('id,price,qty,at,paid,tags\n1,10.50,2,2026-05-01 10:00,yes,"[1, 2]"\n')

    declared = {"price": "decimal", "qty": "integer", "at": "timestamp", "paid": "boolean", "tags": "json"}
    reference = run(context, folder / "a.csv", types=declared, timezone="Europe/Berlin")

    # Berlin is two hours ahead of UTC on the first of May.
    assert records(reference) == [
        {"id": "1", "price": "10.50", "qty": 2, "at": "2026-05-01T08:00:00Z", "paid": True, "tags": [1, 2]}
    ]
    assert types(reference) == {**declared, "id": "string"}


def test_types_that_arrive_as_the_text_of_a_template_count(context, folder):
    (folder / "a.csv").write_text("qty\n2\n")

    assert records(run(context, folder / "a.csv", types='{"qty": "integer"}')) == [{"qty": 2}]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", " 12 ", 12),
        ("float", "1e3", 1000.0),
        ("decimal", "1E+2", "100"),
        ("boolean", "F", False),
        ("date", "2026-05-01", "2026-05-01"),
        ("timestamp", "2026-05-01T10:00:00+02:00", "2026-05-01T08:00:00Z"),
        ("timestamp", "2026-05-01T10:00:00.123456789Z", "2026-05-01T10:00:00.123456Z"),
        ("string", " x ", " x "),
    ],
)
def test_a_text_of_each_type(context, folder, kind, text, value):
    (folder / "a.csv").write_text(f"cell\n{text}\n")

    assert records(run(context, folder / "a.csv", types={"cell": kind})) == [{"cell": value}]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("integer", "1.5"), ("float", "nan"), ("decimal", "1,5"), ("decimal", "NaN"), ("boolean", "2"), ("date", "1 May")],
)
def test_a_cell_that_is_not_of_its_type_is_rejected_with_field_file_and_line(context, folder, kind, text):
    with (folder / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "cell"], ["1", text]])

    reference = run(context, folder / "a.csv", types={"cell": kind})

    assert reference["records"] == 0
    assert reference["extra"]["rejected"] == 1
    (reject,) = records(reference["extra"]["rejects"])
    assert reject["cell"] == text
    assert reject["rejected"]["external_id"].endswith("/in/a.csv, line 2")
    assert reject["rejected"]["reason"].startswith("cell: its ")


def test_a_line_of_another_length_is_rejected_and_the_others_are_read(context, folder):
    (folder / "a.csv").write_text("id,note\n1,a\n2\n3,c,d\n4,e\n")

    reference = run(context, folder / "a.csv")

    assert [record["id"] for record in records(reference)] == ["1", "4"]
    assert reference["extra"]["rejections"] == {
        "1 cells, and the header has 2": 1,
        "3 cells, and the header has 2": 1,
    }


def test_too_many_rejects_fail_the_task_and_the_counts_are_pushed(context, folder):
    (folder / "a.csv").write_text("id,note\n" + "1\n" * 10)

    with pytest.raises(AirflowFailException, match="10 of 10 records were rejected"):
        run(context, folder / "a.csv")
    assert context["pushed"]["return_value"]["extra"]["over_threshold"]


def test_an_open_quotation_mark_is_an_error_with_file_and_line_since_nobody_knows_where_the_record_ends(
    context, folder
):
    (folder / "a.csv").write_text('id,note\n1,a\n2,"b\n3,c\n')

    with pytest.raises(PartnerTaskError, match=r"a\.csv, line 4: unexpected end of data"):
        run(context, folder / "a.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_with_and_without_a_byte_order_mark(context, folder, encoding):
    (folder / "a.csv").write_bytes("id,name\n1,Zoë\n".encode(encoding))

    reference = run(context, folder / "a.csv", encoding="utf-8" if encoding == "utf-8-sig" else encoding)

    assert records(reference) == [{"id": "1", "name": "Zoë"}]


def test_a_line_in_another_encoding_is_rejected(context, folder):
    (folder / "a.csv").write_bytes(b"id,name\n1,Zo\xeb\n2,Ann\n")

    reference = run(context, folder / "a.csv")

    assert [record["id"] for record in records(reference)] == ["2"]
    assert reference["extra"]["rejections"] == {"its text is not in utf-8": 1}


def test_delimiter_quotation_mark_header_and_null_values(context, folder):
    (folder / "a.csv").write_text("1;'a;b';NULL\n2;;x\n")

    reference = run(
        context, folder / "a.csv", delimiter=";", quotechar="'", header=["id", "note", "mail"], null_values=["NULL"]
    )

    assert records(reference) == [{"id": "1", "note": "a;b", "mail": None}, {"id": "2", "note": "", "mail": "x"}]


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("id,id\n1,2\n", {}, "one name for the columns 1 and 2"),
        ("id,\n1,2\n", {}, "no name for column 2"),
        ("id\n1\n", {"types": {"qty": "integer"}}, "has no column 'qty'"),
        ("id,qyt\n1,2\n", {"types": {"qty": "integer"}}, "It has 2 columns. Does its first line hold the names"),
        ("id,Unit Price\n1,2\n", {"types": {"unit_price": "decimal"}}, "there it is spelled 'Unit Price'"),
        ("id\n1\n", {"types": {"id": "int"}}, "did you mean 'integer'"),
        ("id\n1\n", {"delimiter": ";;"}, "'delimiter'"),
        ("id\n1\n", {"encoding": "utf-9"}, "'encoding'"),
        ("id\n1\n", {"header": False}, "'header'"),
        ("id\n1\n", {"timezone": "Mars/Base"}, "'timezone'"),
        ("id\n1\n", {"format": "cvs"}, "did you mean 'csv'"),
        ("id\n1\n", {"null_values": 5}, "'null_values'"),
    ],
)
def test_what_a_user_writes_wrong_fails_at_once_and_names_the_argument(context, folder, content, arguments, message):
    (folder / "a.csv").write_text(content)

    with pytest.raises(AirflowFailException, match=message):
        run(context, folder / "a.csv", **arguments)


@pytest.mark.parametrize(
    ("first", "arguments"),
    [
        ("1,Ann Lee,ann@example.com", {}),
        ("1,Ann Lee,+44 20 7946 0018", {}),
        ("1,Ann Lee,Ann Lee", {}),
        ("1,Ann Lee,", {}),
        ("1,Ann Lee,Hill Street", {"types": {"id": "integer"}}),
    ],
)
def test_the_customer_in_the_first_line_of_a_file_without_a_header_is_shown_nowhere(
    context, folder, caplog, first, arguments
):
    """The first line is the header or a record, and nothing in the file says which: RFC 4180, section 2, number 3."""
    caplog.set_level("DEBUG")
    (folder / "a.csv").write_text(f"{first}\n2,Bob,x\n")

    with pytest.raises(AirflowFailException, match="header") as raised:
        run(context, folder / "a.csv", **arguments)

    shown = f"{raised.value!r} {raised.value.error!r} {caplog.text}"
    assert "a.csv" in shown
    assert [each for each in ("Ann", "ann@", "7946", "Hill") if each in shown] == []


def test_the_bytes_of_a_file_in_another_encoding_are_in_no_error(context, folder):
    """``UnicodeDecodeError.object``: https://docs.python.org/3/library/exceptions.html#UnicodeError.object"""
    (folder / "a.csv").write_bytes("id\nAnn\n".encode("utf-16") + b"\x00\xd8\x41\x00")

    with pytest.raises(AirflowFailException, match="not in utf-16") as raised:
        run(context, folder / "a.csv", encoding="utf-16")

    assert raised.value.error.__cause__ is None
    assert raised.value.error.__context__ is None


def test_json_lines(context, folder):
    lines = [
        b'\xef\xbb\xbf{"id": 1, "note": "\\u00eb"}',
        b"",
        b'{"id": 2, "tags": [1]}',
        b"{broken",
        b"[3]",
        b'{"id": "\xeb"}',
    ]
    (folder / "a.jsonl").write_bytes(b"\n".join(lines))

    reference = run(context, folder / "a.jsonl")

    assert records(reference) == [{"id": 1, "note": "ë"}, {"id": 2, "tags": [1]}]
    places = {
        reject["rejected"]["external_id"].rpartition(", ")[2] for reject in records(reference["extra"]["rejects"])
    }
    assert places == {"line 4", "line 5", "line 6"}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("number", [0, 1, 3, 40_000])
def test_a_json_array_of_any_length_and_form(context, folder, indent, number):
    rows = [{"id": index, "name": "ë]}" * 10, "rate": 1.5} for index in range(number)]
    (folder / "a.json").write_text(json.dumps(rows, indent=indent, ensure_ascii=False))

    assert records(run(context, folder / "a.json")) == rows


def test_json_lines_in_a_json_file(context, folder):
    (folder / "a.json").write_text('{"id": 1}\n{"id": 2}\n')

    assert records(run(context, folder / "a.json")) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("content", ['[{"id": 1}, {"id": 2}', '[{"id": 1}, {"id": 2', '{"id": 1}\n{"id"'])
def test_a_json_file_that_ends_too_early_is_an_error(context, folder, content):
    (folder / "a.json").write_text(content)

    with pytest.raises(PartnerTaskError, match=r"a\.json is no JSON after record [12]"):
        run(context, folder / "a.json")


def test_parquet_keeps_the_types_of_the_file(context, folder):
    row = {
        "id": 1,
        "price": Decimal("10.50"),
        "at": datetime(2026, 5, 1, 10, tzinfo=UTC),
        "local": datetime(2026, 5, 1, 10),
        "day": date(2026, 5, 1),
        "raw": b"\x00\x01",
        "lines": [{"sku": "a", "price": Decimal("1.5")}],
        "none": None,
    }
    parquet.write_table(pa.Table.from_pylist([row]), folder / "a.parquet")

    reference = run(context, folder / "a.parquet", timezone="Europe/Berlin")

    (record,) = records(reference)
    assert record == {
        "id": 1,
        "price": "10.50",
        "at": "2026-05-01T10:00:00Z",
        "local": "2026-05-01T08:00:00Z",
        "day": "2026-05-01",
        "raw": "AAE=",
        "lines": [{"sku": "a", "price": "1.5"}],
        "none": None,
    }
    assert types(reference) == {
        "id": "integer",
        "price": "decimal",
        "at": "timestamp",
        "local": "timestamp",
        "day": "date",
        "raw": "string",
        "lines": "json",
        "none": "string",
    }


def test_a_number_of_parquet_that_is_not_finite_is_rejected(context, folder):
    parquet.write_table(pa.table({"id": [1, 2], "rate": [1.5, float("inf")]}), folder / "a.parquet")

    reference = run(context, folder / "a.parquet")

    assert records(reference) == [{"id": 1, "rate": 1.5}]
    assert reference["extra"]["rejections"] == {"column 2: its value is no finite number": 1}


def test_nanoseconds_of_parquet_are_cut_to_microseconds(context, folder):
    """Python's ``datetime`` has no nanoseconds; pandas and Spark (INT96) write them."""
    nanoseconds = pa.array([1_777_629_600_123_456_789], pa.timestamp("ns", "UTC"))
    table = pa.table({"at": nanoseconds, "kind": pa.array(["a"]).dictionary_encode()})
    parquet.write_table(table, folder / "a.parquet")
    parquet.write_table(table, folder / "b.parquet", use_deprecated_int96_timestamps=True)

    reference = run(context, folder)

    assert [record["at"] for record in records(reference)] == ["2026-05-01T10:00:00.123456Z"] * 2
    assert types(reference) == {"at": "timestamp", "kind": "string"}


def test_a_parquet_file_with_damaged_pages_is_an_error(context, folder):
    parquet.write_table(pa.table({"id": list(range(10_000))}), folder / "a.parquet")
    content = bytearray((folder / "a.parquet").read_bytes())
    content[4:2_000] = bytes(1_996)
    (folder / "a.parquet").write_bytes(bytes(content))

    with pytest.raises(PartnerTaskError, match=r"a\.parquet can't be read"):
        run(context, folder / "a.parquet")


def test_what_is_no_parquet_is_an_error(context, folder):
    (folder / "a.parquet").write_bytes(b"PAR1 is not enough")

    with pytest.raises(PartnerTaskError, match=r"a\.parquet is no Parquet file"):
        run(context, folder / "a.parquet")


@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)])
def test_compressed_files(context, folder, suffix, compress):
    (folder / f"a.csv.{suffix}").write_bytes(compress(b"id\n1\n"))

    assert records(run(context, folder / f"a.csv.{suffix}")) == [{"id": "1"}]


def test_a_compressed_file_that_is_cut_off_is_an_error(context, folder):
    (folder / "a.csv.gz").write_bytes(gzip.compress(b"id\n" + b"1\n" * 1000)[:-10])

    with pytest.raises(PartnerTaskError, match=r"a\.csv\.gz can't be decompressed"):
        run(context, folder / "a.csv.gz")


def test_a_compressed_file_with_damaged_content_is_an_error(context, folder):
    content = bytearray(gzip.compress(b"id\n" + bytes(range(32, 127)) * 500))
    content[20:40] = b"\xff" * 20
    (folder / "a.csv.gz").write_bytes(bytes(content))

    with pytest.raises(PartnerTaskError, match=r"a\.csv\.gz can't be decompressed"):
        run(context, folder / "a.csv.gz")


def test_a_folder_is_read_in_depth_in_order_and_without_hidden_files(context, folder):
    for name in ("b.csv", "a.csv", "sub/c.csv", "_SUCCESS", ".hidden.csv", "_temporary/0/d.csv", "sub/.e.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"id\n{name}\n")

    assert [record["id"] for record in records(run(context, folder))] == ["a.csv", "b.csv", "sub/c.csv"]


def test_a_pattern_and_a_list(context, folder):
    for name in ("a.csv", "b.csv", "c.txt", "d.csv"):
        (folder / name).write_text(f"id\n{name}\n")

    assert [record["id"] for record in records(run(context, folder / "[ab].csv"))] == ["a.csv", "b.csv"]
    operator = FilesToDatasetOperator(task_id="orders", uri=[f"{folder}/d.csv", f"{folder}/*.csv"])
    assert [record["id"] for record in records(operator.execute(context))] == ["d.csv", "a.csv", "b.csv"]


def test_object_storage_is_read_as_files_are(context):
    import fsspec
    from airflow.sdk.io import attach

    filesystem = fsspec.filesystem("memory")
    attach(protocol="memory", fs=filesystem)
    for name in ("a", "b"):
        filesystem.pipe(f"/bucket/orders/{name}.csv", f"id\n{name}\n".encode())

    assert [record["id"] for record in records(run(context, "memory://bucket/orders"))] == ["a", "b"]
    assert [record["id"] for record in records(run(context, "memory://bucket/orders/b*.csv"))] == ["b"]


def test_a_storage_without_a_filesystem_fails_at_once(context):
    with pytest.raises(AirflowFailException, match="nowhere://bucket/orders can't be opened"):
        run(context, "nowhere://bucket/orders")


def test_a_file_of_an_unknown_format_is_an_error_unless_the_format_is_set(context, folder):
    (folder / "orders.dat").write_text("id\n1\n")

    with pytest.raises(AirflowFailException, match=r"The format of .*orders\.dat is unknown"):
        run(context, folder)
    assert records(run(context, folder, format="csv")) == [{"id": "1"}]


@pytest.mark.parametrize("name", ["missing.csv", "*.csv", ""])
def test_no_file_is_an_error_unless_it_is_allowed(context, folder, name):
    with pytest.raises(PartnerTaskError, match="There is no file for"):
        run(context, folder / name)
    reference = run(context, folder / name, allow_empty="true")
    assert reference["records"] == 0


def test_fewer_records_than_min_records_are_an_error(context, folder):
    (folder / "a.csv").write_text("id\n1\n2\n")

    with pytest.raises(PartnerTaskError, match="has read 2 records, and 'min_records' is 3"):
        run(context, folder / "a.csv", min_records="3")
    assert run(context, folder / "a.csv", min_records=2)["records"] == 2


def test_the_reference_names_the_list_the_account_and_the_window(context, folder):
    (folder / "a.csv").write_text("id\n1\n")

    reference = run(
        context,
        folder / "a.csv",
        resource="shop orders",
        source="erp",
        account="acme",
        since="2026-05-01",
        until="2026-05-02",
    )

    assert (reference["resource"], reference["source"], reference["account"]) == ("shop orders", "erp", "acme")
    assert reference["window"] == {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


def test_a_second_try_replaces_the_dataset(context, folder):
    (folder / "a.csv").write_text("id\n1\n2\n")
    run(context, folder / "a.csv")
    (folder / "a.csv").write_text("id\n3\n")

    assert records(run(context, folder / "a.csv")) == [{"id": "3"}]


def test_the_memory_does_not_grow_with_the_file(context, folder):
    """A CSV file of 20 MB and one of 1 MB take about the same memory (tracemalloc counts what Python allocates)."""
    import tracemalloc

    peaks = []
    for number in (20_000, 400_000):
        with (folder / "a.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["id", "note"], *([str(index), "x" * 40] for index in range(number))])
        tracemalloc.start()
        run(context, folder / "a.csv")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.5 + 1_000_000
