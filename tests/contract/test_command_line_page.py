"""The page of the command line: its commands run against the sandbox, and its tables name every option."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from airflow_provider_partners.cli.commands import COMMANDS
from airflow_provider_partners.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()
BLOCKS = re.findall(r"^```shell\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.splitlines()]


def test_every_command_has_a_section_with_an_example():
    assert [f"\n## {command.name}\n" in PAGE for command in COMMANDS] == [True] * len(COMMANDS)
    assert {shlex.split(line)[2] for line in LINES} == {command.name for command in COMMANDS}


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_page_runs_against_the_sandbox(line, partners_sandbox, capsys, monkeypatch, tmp_path):
    """0, or 1 for `diff`: no sync has run, so Yotpo lacks the order."""
    program, group, *arguments = shlex.split(line)
    assert (program, group) == ("airflow", "partners")
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == (1 if arguments[0] == "diff" else 0), capsys.readouterr().err
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert printed.out
    if "--json" in arguments:
        json.loads(printed.out)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_section_names_every_option(command):
    section = PAGE.partition(f"\n## {command.name}\n")[2].partition("\n## ")[0]
    options = [argument.flags[0] for argument in command.arguments if argument.flags[0].startswith("--")]
    assert [option for option in options if option not in section and option != "--json"] == []


def test_the_exit_codes_are_those_of_the_code():
    from airflow_provider_partners.cli import exits

    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]
    assert codes == [exits.OK, exits.FOUND, exits.WRONG_USAGE, exits.FAILED, exits.INTERRUPTED]
