"""Exit codes, and what goes to standard output and to standard error."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from airflow_provider_partners.cli import main as module
from airflow_provider_partners.cli import resources
from airflow_provider_partners.exceptions import ThrottledError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
        monkeypatch.delenv(name)


def test_a_wrong_argument_is_wrong_usage(command):
    assert command("sample").code == 2
    assert command("nosuch").code == 2
    assert command("sample", "yofi.retruns").code == 2


def test_a_missing_connection_is_a_failure_with_a_remedy_and_no_traceback(command):
    printed = command("sample", "yofi.returns", "--conn-id", "absent")
    assert printed.code == 3
    assert printed.out == ""
    assert "Airflow did not find the connection 'absent'.\n" in printed.err
    assert "Create a connection of type 'yofi'" in printed.err
    assert "Traceback" not in printed.err


def test_an_error_of_a_partner_names_the_partner_and_its_status(command, monkeypatch):
    def fail(*_arguments):
        raise ThrottledError("too many calls", retry_after=1, partner="Yotpo", status=429, remedy="Wait.")

    monkeypatch.setattr(resources, "run", fail)
    printed = command("resources")
    assert (printed.code, printed.err) == (3, "Yotpo: too many calls (HTTP 429).\nWait.\n")


def test_a_user_who_stops_a_command_gets_the_code_of_shells(command, monkeypatch):
    """128 + SIGINT (2), https://tldp.org/LDP/abs/html/exitcodes.html."""

    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(resources, "run", stop)
    assert command("resources").code == 130


def test_logs_leave_standard_output_to_the_result(command, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(sys.stdout)])

    def run(_options, output):
        logging.getLogger("airflow_provider_partners.api").warning("a warning")
        logging.getLogger("airflow_provider_partners.api").info("progress")
        output.document({"a": 1})
        return 0

    monkeypatch.setattr(resources, "run", run)
    handler = logging.root.handlers[0]
    handler.setStream(sys.stdout)
    printed = command("resources", "--json")
    assert printed.document == {"a": 1}
    assert "a warning" in printed.err
    assert "progress" not in printed.out + printed.err


def test_what_airflow_prints_while_a_command_loads_it_goes_to_standard_error(command, monkeypatch):
    """It makes handlers for standard output when it is imported, which may be in the middle of a command."""

    def run(_options, output):
        handler = logging.StreamHandler(sys.stdout)
        handler.emit(logging.makeLogRecord({"msg": "made late"}))
        print("printed")
        output.document({"a": 1})
        return 0

    monkeypatch.setattr(resources, "run", run)
    printed = command("resources", "--json")
    assert printed.document == {"a": 1}
    assert printed.err == "made late\nprinted\n"


def test_a_program_whose_output_and_errors_are_one_stream_runs_commands(command, monkeypatch):
    """Python's own handler of last resort has a stream that can't be set: ``logging._StderrHandler``, Python 3.11."""
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    monkeypatch.setattr(logging.root, "handlers", [logging.lastResort])

    assert command("resources", "--partner", "yofi").code == 0


def test_airflow_reads_its_database_during_a_command_only(monkeypatch):
    """As Airflow's own commands for connections do (airflow/cli/commands/connection_command.py)."""
    seen = []
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    monkeypatch.setattr(resources, "run", lambda *_: seen.append(os.environ["_AIRFLOW_PROCESS_CONTEXT"]) or 0)
    command = SimpleNamespace(name="resources")
    assert module.run(command, SimpleNamespace(json=False)) == 0
    assert seen == ["server"]
    assert "_AIRFLOW_PROCESS_CONTEXT" not in os.environ


def test_a_reader_that_ends_early_is_no_error():
    code = f"{sys.executable} -m airflow_provider_partners resources | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("resource ")
