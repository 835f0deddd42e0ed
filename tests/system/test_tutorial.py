"""The tutorial: every command of the page runs, in order, in one shell and an empty folder.

The right values are the sandbox's own: what its Yotpo store holds, and which orders it has changed.

By default the interpreter of the tests takes the place of the new environment, so that nothing is downloaded:
``TUTORIAL_FRESH=1`` makes the environment and installs it as the page says (``make tutorial``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
FRESH = os.environ.get("TUTORIAL_FRESH") == "1"

# What a reader does at a keyboard besides: wait for the UI, then stop it.
_READER = r"""
set -euo pipefail
airflow() {
  if [ "$1" != standalone ]; then command airflow "$@"; return; fi
  setsid "$(type -P airflow)" standalone > standalone.log 2>&1 &
  local started=$!
  curl --silent --fail --retry 120 --retry-delay 1 --retry-all-errors --retry-connrefused \
    "http://localhost:$AIRFLOW__API__PORT/api/v2/monitor/health" > health.json
  grep --quiet "Password for user 'admin'" standalone.log && touch password-shown
  # A background process of a script ignores SIGINT, so Ctrl-C is a SIGTERM here.
  kill -TERM -- "-$started"
  wait "$started" || true
}
"""
_NO_NEW_ENVIRONMENT = r"""
python3() { [ "$1 $2" = "-m venv" ] || command python3 "$@"; }
source() { [ "$1" = .venv/bin/activate ] || builtin source "$@"; }
pip() { [ "$1" = install ]; }
"""


@dataclass
class Tutorial:
    """What is there after the last command."""

    folder: Path
    output: str
    seconds: float


def blocks() -> list[str]:
    """Return the page's shell blocks."""
    return re.findall(r"^```shell\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def script() -> str:
    """Return the commands as one script. They are changed only if another sandbox runs at the default address."""
    text = "\n".join(blocks())
    if not is_free(8900):
        port = str(free_port())
        text = text.replace("sandbox --shops", f"sandbox --port {port} --shops").replace("8900", port)
        text = text.replace("connections --shops", f"connections --url http://127.0.0.1:{port} --shops")
    return _READER + ("" if FRESH else _NO_NEW_ENVIRONMENT) + text


@contextlib.contextmanager
def shell(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the script in a process group of its own, and end what it leaves."""
    port = str(free_port())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "VIRTUAL_ENV"))},
        "HOME": str(home),
        "CHECKOUT": str(ROOT),
        "PATH": os.environ["PATH"] if FRESH else f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.Popen(
        ["bash", "-c", script()], cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    assert shutil.which("curl"), "the page says that it needs curl"
    home = tmp_path_factory.mktemp("home")
    started = time.monotonic()
    with shell(home) as process:
        output, _ = process.communicate(timeout=1200 if FRESH else 600)
    seconds = time.monotonic() - started
    print(f"The tutorial took {seconds / 60:.1f} minutes")
    logs = "\n".join(path.read_text()[-2000:] for path in sorted((home / "first-sync").glob("*.log")))
    assert process.returncode == 0, f"{output[-4000:]}\n{logs}"
    return Tutorial(home / "first-sync", output, seconds)


def lane_row(text: str) -> dict[str, str]:
    """Return the row of the shop in a printed summary, by column."""
    found = re.search(r"^(lane +state.*)\n-.*\n(aurora-apparel\S+ .*)$", text, re.MULTILINE)
    assert found, text[-4000:]
    names = re.split(r" {2,}", found.group(1).strip())
    return dict(zip(names, found.group(2).split(maxsplit=len(names) - 1), strict=True))


def test_the_page_has_the_commands_that_the_test_replaces() -> None:
    text = "\n".join(blocks())

    assert "python3 -m venv .venv\nsource .venv/bin/activate\n" in text
    assert text.count("pip install ") == 1
    assert text.count("airflow standalone") == 1


def test_the_plan_writes_nothing_and_the_sync_creates_what_was_planned(tutorial: Tutorial) -> None:
    plan = lane_row((tutorial.folder / "plan.log").read_text())
    sync = lane_row((tutorial.folder / "sync.log").read_text())

    assert plan["would create"] == sync["created"] == re.search(r"it would create (\d+) orders", PAGE).group(1)  # type: ignore[union-attr]
    assert (plan["would update"], sync["updated"], sync["rejected"]) == ("0", "0", "0")


def test_the_third_run_sends_the_two_changed_orders_and_no_other(tutorial: Tutorial) -> None:
    again = lane_row((tutorial.folder / "again.log").read_text())
    changed, _ = json.JSONDecoder().raw_decode(tutorial.output, tutorial.output.index('{"shop":"aurora'))

    assert int(again["created"]) + int(again["updated"]) == len(changed["changed"]) == 2
    assert int(again["unchanged"]) == int(again["read"]) - 2


def test_the_commands_print_the_table_of_each_run(tutorial: Tutorial) -> None:
    assert len(re.findall(r"^aurora-apparel\.myshopify\.com +done ", tutorial.output, re.MULTILINE)) == 3


def test_airflow_knows_the_provider_and_the_three_runs(tutorial: Tutorial) -> None:
    with contextlib.closing(sqlite3.connect(tutorial.folder / "airflow" / "airflow.db")) as database:
        states = [state for (state,) in database.execute("SELECT state FROM dag_run")]

    assert "airflow-provider-partners" in tutorial.output
    assert states == ["success"] * 3


def test_the_ui_answers_and_its_log_shows_the_password(tutorial: Tutorial) -> None:
    assert "healthy" in (tutorial.folder / "health.json").read_text()
    assert (tutorial.folder / "password-shown").exists()


def test_ten_minutes_are_enough(tutorial: Tutorial) -> None:
    """On a machine with two cores, the installation included if ``TUTORIAL_FRESH`` is set."""
    assert tutorial.seconds < 600
