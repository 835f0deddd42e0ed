from __future__ import annotations

import json

import pytest

from airflow_provider_partners.datasets.source import parse_source
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.observability.activity import dataset_references
from airflow_provider_partners.windows import Window


def dataset(tmp_path, name, records, **fields):
    writer = DatasetWriter(str(tmp_path / name), source="mine", resource="orders", **fields)
    writer.append(records)
    return writer.commit(extra={"shop": "a.myshopify.com", "part": name}).to_dict()


def test_several_datasets_are_read_one_after_the_other(tmp_path):
    outputs = [dataset(tmp_path, name, [{"id": name}]) for name in ("a", "b")]
    source = parse_source("orders", outputs)
    assert [record["id"] for record in source.read()] == ["a", "b"]
    assert source.records == 2
    assert source.extra == {"shop": "a.myshopify.com"}


def test_a_list_of_records_is_read_as_it_is():
    source = parse_source("orders", [{"id": 1}, {"id": 2}])
    assert list(source.read()) == [{"id": 1}, {"id": 2}]
    assert (source.records, source.account, source.window, source.read_at) == (2, None, None, None)


@pytest.mark.parametrize("dump", [json.dumps, str])
def test_the_text_of_a_template_is_what_it_renders(tmp_path, dump):
    """Jinja writes a list as Python does, and as JSON by its filter ``tojson``."""
    reference = dataset(tmp_path, "a", [{"id": "a"}])
    for value in (reference, [reference], [{"id": "a"}]):
        assert list(parse_source("orders", dump(value)).read()) == [{"id": "a"}]


def test_an_empty_list_is_no_records():
    assert list(parse_source("orders", []).read()) == []


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([("01", "02"), ("02", "03")], ("01", "03")),
        ([("02", "03"), ("01", "02")], ("01", "03")),
        ([("01", "02"), ("03", "04")], ("03", "04")),
        ([("01", "04"), ("02", "03")], ("01", "04")),
        ([("01", "02"), None], None),
    ],
)
def test_the_window_is_what_the_datasets_cover_without_a_gap(tmp_path, windows, expected):
    def day(text):
        return f"2026-05-{text}T00:00:00Z"

    outputs = [
        dataset(tmp_path, str(number), [], window=window and Window(day(window[0]), day(window[1])))
        for number, window in enumerate(windows)
    ]
    source = parse_source("redemptions", outputs)
    assert source.window == (expected and {"since": day(expected[0]), "until": day(expected[1])})
    assert source.since == (expected and Window(day(expected[0]), day(expected[1])).since)


def test_a_hash_of_records_changes_with_them():
    assert parse_source("a", [{"id": 1}]).sha256 == parse_source("a", [{"id": 1}]).sha256
    assert parse_source("a", [{"id": 1}]).sha256 != parse_source("a", [{"id": 2}]).sha256


@pytest.mark.parametrize(
    "value", [None, 7, "not json", {"uri": "a"}, [{"uri": "a", "source": "b", "resource": "c"}, 1]]
)
def test_what_names_no_records_is_refused_by_the_arguments_name(value):
    with pytest.raises(ConfigurationError, match="'orders' is"):
        parse_source("orders", value)


def test_lineage_sees_every_dataset_of_a_list(tmp_path):
    outputs = [dataset(tmp_path, name, [{"id": name}]) for name in ("a", "b")]
    uris = [reference.uri for reference in dataset_references([outputs, [{"id": 1}], outputs[0], None, "text"])]
    assert uris == [outputs[0]["uri"], outputs[1]["uri"]]


def test_the_oldest_reading_counts(tmp_path):
    outputs = [dataset(tmp_path, name, []) for name in ("a", "b")]
    times = [{**output, "read_at": f"2026-05-0{day}T00:00:00Z"} for day, output in enumerate(outputs, 1)]
    assert parse_source("orders", times).read_at == "2026-05-01T00:00:00Z"
    assert parse_source("orders", [times[0], {**outputs[1], "read_at": None}]).read_at is None
