"""The commands inside of Airflow's own command line."""

from __future__ import annotations

import json
import shlex

import pytest

from airflow_provider_partners._compat import _sdk
from airflow_provider_partners.cli.airflow_group import get_cli_commands
from airflow_provider_partners.cli.commands import COMMANDS

pytestmark = pytest.mark.skipif(_sdk() < (1, 2), reason="Airflow takes commands of providers from 3.2 on")


@pytest.fixture(scope="module")
def parser():
    """Airflow's parser, which has found the commands by the provider's metadata."""
    from airflow.cli import cli_parser

    return cli_parser.get_parser()


def test_airflow_has_the_group(parser):
    from airflow.cli.cli_parser import ALL_COMMANDS_DICT

    assert [command.name for command in ALL_COMMANDS_DICT["partners"].subcommands] == [
        command.name for command in COMMANDS
    ]


def test_airflow_parses_every_example(parser):
    for command in COMMANDS:
        for _purpose, example in command.examples:
            options = parser.parse_args(["partners", *shlex.split(example.partition(" | ")[0])])
            assert options.func


def test_a_command_runs_and_ends_the_process_with_its_exit_code(parser, capsys):
    """`airflow.__main__.main` ignores what a command returns."""
    options = parser.parse_args(["partners", "resources", "unified", "--json"])
    with pytest.raises(SystemExit) as end:
        options.func(options)
    assert end.value.code == 1
    assert json.loads(capsys.readouterr().out) == {"resources": []}


def test_a_command_that_succeeds_does_not_end_the_process(parser, capsys):
    options = parser.parse_args(["partners", "resources", "--partner", "yofi", "--json"])
    assert options.func(options) is None
    assert len(json.loads(capsys.readouterr().out)["resources"]) == 6


def test_the_help_of_the_group_and_of_each_command_can_be_shown(parser, capsys):
    for arguments in (["partners", "--help"], *(["partners", command.name, "--help"] for command in COMMANDS)):
        with pytest.raises(SystemExit) as end:
            parser.parse_args(arguments)
        assert end.value.code == 0
    assert "# three returns of a shop" in capsys.readouterr().out


def test_the_declared_function_is_this_one():
    from airflow_provider_partners.get_provider_info import get_provider_info

    assert get_provider_info()["cli"] == [f"{get_cli_commands.__module__}.{get_cli_commands.__name__}"]
