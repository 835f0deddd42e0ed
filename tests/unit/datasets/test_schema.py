"""Columns: what fits a type, and how a column becomes wider without losing a value.

The forms of the types are those of the documents: Shopify's scalars DateTime, Date and Decimal
(https://shopify.dev/docs/api/admin-graphql/latest/scalars/DateTime), JSON's numbers (RFC 8259, section 6: an integer
beyond 2**53 has no exact double), and ISO 8601.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_partners.datasets.schema import COLUMN_TYPES, Column, SchemaObserver, dataset_columns
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import DatasetError


@pytest.fixture(autouse=True)
def _one_part_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is large enough with its first record, so that each page is a part."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__PART_MB", "0.000001")


def types_of(*values: object, declared: str | None = None) -> str:
    observer = SchemaObserver([Column("x", declared)] if declared else ())
    for value in values:
        observer.observe({"x": value})
    return observer.columns[0].type


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("a",), "string"),
        ((True, False), "boolean"),
        ((1, 2**62), "integer"),
        ((1.5,), "float"),
        (([],), "json"),
        ((None, {}), "json"),
        ((None, None), "string"),
        ((1, 1.5), "float"),
        ((2**60, 1.5), "string"),
        ((1.5, 2**60), "string"),
        ((2**70,), "string"),
        ((1, True), "string"),
        ((1, "a"), "string"),
        (("a", ["b"]), "json"),
        (([1], "b"), "json"),
        (("2026-05-01T00:00:00Z",), "string"),
    ],
)
def test_an_undeclared_field_has_the_type_of_all_its_values(values: tuple[object, ...], kind: str) -> None:
    assert types_of(*values) == kind


@pytest.mark.parametrize(
    ("declared", "fitting", "other", "wider"),
    [
        ("timestamp", "2026-05-01T02:00:00+02:00", "2026-05-01", "string"),
        ("timestamp", "2026-05-01T00:00:00.123456Z", "2026-05-01T00:00:00.1234567Z", "string"),
        ("timestamp", "2026-05-01T00:00:00Z", "2026-02-30T00:00:00Z", "string"),
        ("timestamp", None, 1777593600, "string"),
        ("date", "2026-05-01", "01.05.2026", "string"),
        ("decimal", "-10.50", "1.0000000001", "string"),
        ("decimal", 10.5, "ten", "string"),
        ("decimal", "1.5000000000", "9" * 30, "string"),
        ("integer", 5, "5", "string"),
        ("integer", 5, 5.5, "float"),
        ("boolean", True, 1, "string"),
        ("string", "a", {"a": 1}, "json"),
        ("timestamp", "2026-05-01T00:00:00Z", [1], "json"),
    ],
)
def test_a_value_that_does_not_fit_makes_its_column_wider(
    declared: str, fitting: object, other: object, wider: str
) -> None:
    assert types_of(fitting, declared=declared) == declared
    assert types_of(fitting, other, declared=declared) == wider
    assert types_of(other, fitting, declared=declared) == wider


def test_a_scalar_in_a_text_column_is_kept_as_its_text() -> None:
    assert types_of("a", 5, True, declared="string") == "string"
    assert [Column("x", "string").typed(value) for value in ("a", 5, True)] == ["a", "5", "true"]


@pytest.mark.parametrize(
    ("kind", "raw", "typed", "text"),
    [
        ("timestamp", "2026-05-01T02:00:00+02:00", datetime(2026, 5, 1, tzinfo=UTC), "2026-05-01T00:00:00Z"),
        ("timestamp", "2026-05-01T00:00:00", datetime(2026, 5, 1, tzinfo=UTC), "2026-05-01T00:00:00Z"),
        ("date", "2026-05-01", date(2026, 5, 1), "2026-05-01"),
        ("decimal", "10.50", Decimal("10.50"), "10.5"),
        ("decimal", 100, Decimal(100), "100"),
        ("json", {"a": ["ä"]}, '{"a":["ä"]}', {"a": ["ä"]}),
        ("integer", 2**62, 2**62, 2**62),
        ("string", None, None, None),
    ],
)
def test_a_value_has_a_form_in_python_and_comes_back(kind: str, raw: object, typed: object, text: object) -> None:
    column = Column("x", kind)
    assert column.typed(raw) == typed
    assert column.untyped(typed) == text


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(DatasetError, match="no column type 'text'"):
        Column("x", "text")


def test_a_dataset_has_its_declared_columns_and_then_the_observed_ones(tmp_path) -> None:
    columns = [Column("id", "string"), Column("total", "decimal"), Column("never", "date")]
    writer = DatasetWriter(str(tmp_path / "d"), source="yotpo", resource="orders", columns=columns)
    writer.append([{"id": "1", "total": "1.50", "new": True}, {"id": "2", "total": "1.50", "other": [1]}])
    reference = writer.commit().to_dict()
    assert dataset_columns(reference) == (*columns, Column("new", "boolean"), Column("other", "json"))


def test_a_later_try_goes_on_with_the_columns_of_an_earlier_one(tmp_path) -> None:
    columns = [Column("total", "decimal")]
    first = DatasetWriter(str(tmp_path / "d"), source="yotpo", resource="orders", columns=columns)
    first.resume()
    first.append([{"total": "n/a", "n": 2**60}], position={"n": 1})
    second = DatasetWriter(str(tmp_path / "d"), source="yotpo", resource="orders", columns=columns)
    assert second.resume() == {"n": 1}
    second.append([{"total": "1.00", "n": 1.5}], position={"n": 2})
    assert dataset_columns(second.commit()) == (Column("total", "string"), Column("n", "string"))


VALUES = st.sampled_from([
    *(None, None, "", "a", "7.25", "2026-05-01"),
    *("2026-05-01T10:00:00Z", "2026-13-01T10:00:00Z", "2026-05-01T10:00:00.1234567Z"),
    *(True, False, 0, -1, 2**53, 2**53 + 1, -(2**63), 2**70, 0.5, -0.0, 1e300, [], [1], {}, {"a": 1}),
])
NAMES = st.sampled_from(["a", "b", "c", "half \ud83d"])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.lists(st.dictionaries(NAMES, VALUES, max_size=3), max_size=6), max_size=4),
    st.dictionaries(NAMES.filter(str.isascii), st.sampled_from(COLUMN_TYPES), max_size=2),
    st.sampled_from([1, 500]),
)
def test_records_together_give_the_columns_of_records_one_after_the_other(
    chunks: list[list[dict[str, object]]], declared: dict[str, str], limit: int
) -> None:
    columns = [Column(name, kind) for name, kind in declared.items()]
    together, single = SchemaObserver(columns, limit=limit), SchemaObserver(columns, limit=limit)
    for chunk in chunks:
        together.observe_all(chunk)
        for record in chunk:
            single.observe(record)
    assert (together.columns, together.widened) == (single.columns, single.widened)
    assert together.to_dict() == single.to_dict()
