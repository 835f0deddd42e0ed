"""Records come back from the temporary database as ``json`` would give them, whichever library has written them.

Numbers and texts follow RFC 8259, sections 6 and 8.2, and NaN and keys the notes of
https://docs.python.org/3/library/json.html.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.sync.spill import RecordSpill


def read_back(record: Any, folder: Path) -> Any:
    with RecordSpill("test", base=folder) as spill:
        spill.store("return", [record], keys=lambda _: ["order:1"])
        [(_, kind, found)] = spill.related(["order:1"])["order:1"]
        assert kind == "return"
        assert json.dumps(next(spill.groups())) == json.dumps([found])
    return found


@pytest.mark.parametrize(
    "record",
    [
        {"id": "r-1", "order": {"id": "1001", "items": [{"quantity": 2, "price": 7.25}], "test": False, "note": None}},
        {"name": "Zoë 日本", "empty": {}, "nothing": []},
        {"id": 2**63, "amount": -(2**63)},
        {"id": 2**64, "negative": -(2**80), "digits": 10**39},
        {"score": 1e-7, "large": 1e22, "zero": -0.0},
        {"score": float("nan"), "most": float("inf")},
        {"half": "\ud83d", "\ude00": 1, "nul": "a\x00b"},
        {1: "a key of another type", None: "and another"},
        {"pair": (1, 2)},
    ],
    ids=lambda record: str(next(iter(record))),
)
def test_what_json_writes_comes_back_as_json_reads_it(record: dict[Any, Any], tmp_path: Path) -> None:
    expected = json.loads(json.dumps(record))
    assert json.dumps(read_back(record, tmp_path)) == json.dumps(expected)


def test_what_json_does_not_have_comes_back_as_its_text(tmp_path: Path) -> None:
    record = {
        "at": datetime(2024, 5, 1, 10, 20, 30, 5, tzinfo=UTC),
        "on": date(2024, 5, 1),
        "price": Decimal("7.250"),
        "exact": Decimal("0.1234567890123456789"),
        "path": Path("a/b"),
    }
    assert read_back(record, tmp_path) == {
        "at": "2024-05-01T10:20:30.000005+00:00",
        "on": "2024-05-01",
        "price": 7.25,
        "exact": "0.1234567890123456789",
        "path": "a/b",
    }
