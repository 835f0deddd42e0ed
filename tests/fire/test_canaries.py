"""No secret and no personal value leaves the provider but in the records themselves.

``tests/support/canary_attack.py`` runs the real operators against a sandbox whose secrets and personal fields are
canaries: through success, and through each way in which a server, a gateway or a proxy can repeat a request in an
error. It searches logs at ``DEBUG`` with Airflow's masks off, XCom, rendered templates, the state store, errors with
their tracebacks, URLs, manifests and all other files but the records. What is personal comes from Shopify's page on
protected customer data. The short form tries some of the answers for each step; ``make canaries`` tries all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from canaries import Canaries, encodings

SCRIPT = Path(__file__).parents[1] / "support" / "canary_attack.py"
SABOTAGE = ("without redaction", "with a line that logs an order")
SEARCHED = (
    *("log", "printed", "xcom", "state store", "templates", "events", "lineage", "pages and messages"),
    *("urls", "file names", "files"),
)


@pytest.fixture(scope="module")
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What was found, by case."""
    folder = tmp_path_factory.mktemp("canaries")
    arguments = ["--long"] if request.config.getoption("seeds", None) is not None else []
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), *arguments], capture_output=True, text=True, timeout=7_200
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    lines = [json.loads(line) for line in (folder / "found.jsonl").read_text().splitlines()]
    counts = lines.pop()
    assert counts["canaries"] > 5_000
    assert counts["secrets"] > 75
    print(f"{len(lines)} cases, {counts}")
    return {line["case"]: line for line in lines}


def test_nothing_is_found_outside_of_the_records(cases: dict[str, dict[str, Any]]) -> None:
    found = {name: case["found"] for name, case in cases.items() if name not in SABOTAGE and case["found"]}
    assert found == {}


def test_the_successes_succeed_and_the_failures_fail(cases: dict[str, dict[str, Any]]) -> None:
    """Otherwise nothing would have been tried."""
    successes = {name: case["failed"] for name, case in cases.items() if name.endswith("succeeds")}
    assert len(successes) > 30
    assert {name: failed for name, failed in successes.items() if failed} == {}
    failures = {name: case["failed"] for name, case in cases.items() if ": " in name}
    assert len(failures) > 50
    # A 409 of an order that exists is looked up; some lists of the long form have nothing to fail by.
    assert sum(not failed for failed in failures.values()) < len(failures) / 10
    assert not [name for name, failed in failures.items() if failed.startswith(("AttributeError", "TypeError", "Name"))]


def test_every_place_had_something_to_search(cases: dict[str, dict[str, Any]]) -> None:
    total = {place: sum(case["sizes"].get(place, 0) for case in cases.values()) for place in SEARCHED}
    assert min(total[place] for place in SEARCHED) > 500, total


@pytest.mark.parametrize("case", SABOTAGE)
def test_the_search_finds_what_is_not_hidden(cases: dict[str, dict[str, Any]], case: str) -> None:
    found = cases[case]["found"]
    assert "log" in found
    if case == "with a line that logs an order":
        assert any(label.startswith("AIRFLOW_CONN_YOFI") for label in found["printed"].values())


@pytest.mark.parametrize("secret", ["s3cr3t/with+marks=&'x'\"", "prtapi_sandbox_0123456789"])
@pytest.mark.parametrize("encoding", list(encodings("x")))
def test_the_search_reads_each_encoding(secret: str, encoding: str) -> None:
    """URLs (RFC 3986), HTML entities, JSON escapes (RFC 8259), hexadecimal and base64 (RFC 4648), made by Python."""
    canaries = Canaries()
    canaries.add_secrets(secret, "a secret")
    core = canaries.core("a name")
    phone = canaries.value("phone", "a number")
    assert canaries.found_in(f"before {encodings(core)[encoding]} after")
    if encoding != "cut":
        assert canaries.found_in(f"before {encodings(secret)[encoding]} after", personal=False)
        assert canaries.found_in(f"before {encodings(phone)[encoding]} after")


def test_the_search_finds_nothing_where_nothing_is() -> None:
    canaries = Canaries()
    canaries.add_secrets("prtapi_sandbox_0123456789", "a secret")
    canaries.value("phone", "a number")
    assert canaries.found_in("order 5000003145729 of aurora-apparel at 2026-11-30T16:00:00Z, +12025550142") == {}
