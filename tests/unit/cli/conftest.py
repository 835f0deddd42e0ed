"""Runs commands as the shell does, and reads what they print."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_partners.cli.main import main


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document that is all of standard output."""
        return json.loads(self.out)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Printed]:
    """Return a function that runs a command with arguments."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def run(*arguments: str) -> Printed:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse
            code = int(str(end.code))
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run
