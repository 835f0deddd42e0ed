"""RSQL filters applied to records, as a server would."""

from __future__ import annotations

import time
from typing import Any

import pytest

from airflow_provider_partners.api.rsql.evaluate import matches
from airflow_provider_partners.api.rsql.expressions import parse

RECORD: dict[str, Any] = {"category": "drop_off_fraud", "value": 0.95, "text": "0.9", "flag": True, "none": None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("category==drop_off_fraud;value>0.9", True),
        ("category==drop_off_fraud;value>0.95", False),
        ("value>=0.95", True),
        ("value<1", True),
        ("value<=0.9", False),
        ("category==bot,value>0.9", True),
        ("(category==bot,value>0.9);flag==true", True),
        ("category!=bot", True),
        ("category=in=(bot,drop_off_fraud)", True),
        ("category=out=(bot,drop_off_fraud)", False),
        ("text==0.90", True),
        ("text>0.10", True),
        ("category>c", True),
        ("category==drop*", True),
        ("category==*bot*", False),
        ("flag==True", False),
        ("none==x", False),
        ("none!=x", False),
        ("missing!=x", False),
    ],
)
def test_records_are_matched_against_a_filter(text: str, expected: bool) -> None:
    assert matches(parse(text), RECORD) is expected


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("ab*ba", "aba", False),
        ("ab*ba", "abba", True),
        ("**", "", True),
        ("*b*", "a\nb\nc", True),
        ("x*x*x*x*x*x*y", "x" * 100_000, False),
    ],
)
def test_wildcards_match_any_text_in_linear_time(pattern: str, value: str, expected: bool) -> None:
    started = time.process_time()
    assert matches(parse(f"name=='{pattern}'"), {"name": value}) is expected
    assert time.process_time() - started < 1.0
