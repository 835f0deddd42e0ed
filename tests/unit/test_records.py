"""Records: access to a value at a dotted path."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.records import get_path

BODY = {"pagination": {"next": "t", "total": 0}, "data": [{"id": 1}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [("pagination.next", "t"), ("pagination.total", 0), ("data", [{"id": 1}]), ("", BODY)],
)
def test_a_value_is_read_at_a_dotted_path(path: str, value: Any) -> None:
    assert get_path(BODY, path) == value


@pytest.mark.parametrize("path", ["cursor", "pagination.cursor.next", "data.id", "pagination.next.value"])
def test_a_missing_step_gives_none(path: str) -> None:
    assert get_path(BODY, path) is None


@pytest.mark.parametrize("body", [None, "text", []])
def test_a_body_that_is_no_object_gives_none(body: Any) -> None:
    assert get_path(body, "data") is None
