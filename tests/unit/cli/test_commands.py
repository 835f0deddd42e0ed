"""The declaration of the commands: each teaches, each has JSON, and each example can be parsed."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib import import_module

import pytest

from airflow_provider_partners.cli.commands import COMMANDS
from airflow_provider_partners.cli.main import _parser

BY_NAME = {command.name: command for command in COMMANDS}


def test_the_commands_are_those_that_users_need():
    assert sorted(BY_NAME) == ["check", "dags", "diff", "replay", "resources", "sample"]


@pytest.mark.parametrize("name", BY_NAME)
def test_a_command_has_a_module_json_and_examples(name):
    command = BY_NAME[name]
    assert callable(import_module(f"airflow_provider_partners.cli.{name}").run)
    assert ("--json",) in [argument.flags for argument in command.arguments]
    assert len(command.examples) >= 2


@pytest.mark.parametrize("name", BY_NAME)
def test_every_example_can_be_parsed(name):
    for _purpose, example in BY_NAME[name].examples:
        options = _parser().parse_args(shlex.split(example.partition(" | ")[0]))
        assert options.command.name == name


@pytest.mark.parametrize("name", BY_NAME)
def test_help_shows_the_examples_line_by_line(name, command):
    printed = command(name, "--help")
    assert printed.code == 0
    for purpose, example in BY_NAME[name].examples:
        assert f"  # {purpose}\n  python -m airflow_provider_partners {example}\n" in printed.out


def test_the_declaration_loads_neither_airflow_nor_a_client():
    """Airflow loads it with every command, as `airflow --help` shows (airflow/cli/cli_parser.py)."""
    code = (
        "import sys, airflow_provider_partners.cli.airflow_group; "
        "print([name for name in sys.modules if name.split('.')[0] in "
        "{'airflow', 'httpx', 'rich', 'pydantic', 'graphql', 'pyarrow'}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
