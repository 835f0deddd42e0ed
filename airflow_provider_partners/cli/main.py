"""Parses the command line, runs a command, and turns its end into an exit code."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from airflow_provider_partners.cli.commands import COMMANDS, DESCRIPTION, EPILOG, Command
from airflow_provider_partners.cli.exits import FAILED, INTERRUPTED, OK, WRONG_USAGE, UsageError

__all__ = ["main", "run"]

_PROGRAM = "python -m airflow_provider_partners"
_SERVER = "_AIRFLOW_PROCESS_CONTEXT"
"""Airflow 3.2 and later read connections and Variables from the metadata database only in a process that names itself
a server. Airflow's own commands for connections set the same variable (``airflow/cli/commands/connection_command.py``).
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of ``python -m airflow_provider_partners``.

    :param argv: the arguments; those of the process by default
    :returns: the exit code
    """
    options = _parser().parse_args(argv)
    return run(options.command, options)


def run(command: Command, options: Any) -> int:
    """Run a command with parsed arguments.

    :returns: the exit code
    """
    from airflow_provider_partners.cli.output import Output
    from airflow_provider_partners.exceptions import PartnersError

    output = Output(as_json=options.json)
    try:
        with _logs_to_stderr(), _server_context():
            code: int = import_module(f"airflow_provider_partners.cli.{command.name}").run(options, output)
            output.flush()
    except UsageError as error:
        output.error(str(error), error.remedy)
        return WRONG_USAGE
    except PartnersError as error:
        line = f"{error.partner}: {error.message}" if error.partner else error.message
        output.error(f"{line} (HTTP {error.status})" if error.status else line, error.remedy)
        return FAILED
    except KeyboardInterrupt:
        output.error("Interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, such as `head`, has enough. Python would complain once more while it ends.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return OK
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description=DESCRIPTION, epilog=EPILOG, formatter_class=_HelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name,
            help=command.help,
            description=command.description,
            epilog=command.epilog(_PROGRAM),
            formatter_class=_HelpFormatter,
        )
        for argument in command.arguments:
            sub.add_argument(*argument.flags, help=argument.help, **argument.options)
        sub.set_defaults(command=command)
    return parser


class _HelpFormatter(argparse.HelpFormatter):
    """Wraps the description, and keeps the lines of the examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


@contextlib.contextmanager
def _server_context() -> Iterator[None]:
    """Let Airflow read connections and Variables from its database, as well as from the environment."""
    before = os.environ.get(_SERVER)
    os.environ[_SERVER] = "server"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SERVER]
        else:
            os.environ[_SERVER] = before


@contextlib.contextmanager
def _logs_to_stderr() -> Iterator[None]:
    """Keep standard output free for the command's result, and show this package's warnings only.

    Airflow logs to standard output: by handlers that exist already, and by those that it makes when a command loads it.
    """
    own = logging.getLogger("airflow_provider_partners")
    level = own.level
    handlers = [
        each
        for logger in (logging.root, *logging.Logger.manager.loggerDict.values())
        for each in getattr(logger, "handlers", ())
    ]
    moved = [
        (each, each.setStream(sys.stderr))
        for each in handlers
        if isinstance(each, logging.StreamHandler) and each.stream is sys.stdout is not sys.stderr
    ]
    own.setLevel(logging.WARNING)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        own.setLevel(level)
        for handler, stream in moved:
            handler.setStream(stream)
