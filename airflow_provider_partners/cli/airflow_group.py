"""The commands as a group of Airflow's own command line (Airflow 3.2 and later)."""

from __future__ import annotations

import sys
from typing import Any

from airflow_provider_partners.cli.commands import COMMANDS, DESCRIPTION, EPILOG, Command

__all__ = ["get_cli_commands"]


def get_cli_commands() -> list[Any]:
    """Return the group ``partners``, for the entry ``cli`` of the provider's metadata."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    commands = tuple(
        ActionCommand(
            name=command.name,
            help=command.help,
            func=_Action(command),
            args=tuple(
                Arg(flags=argument.flags, help=argument.help, **argument.options)  # type: ignore[no-untyped-call]
                for argument in command.arguments
            ),
            description=command.description,
            epilog=command.epilog("airflow partners"),
        )
        for command in COMMANDS
    )
    group = GroupCommand(
        name="partners",
        help="Look at Yofi, Shopify, Voucherify and Yotpo",
        subcommands=commands,
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    return [group]


class _Action:
    """Runs a command. Airflow ignores what its commands return, so the exit code ends the process."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def __call__(self, arguments: Any) -> None:
        """Run it with what Airflow has parsed."""
        from airflow_provider_partners.cli.main import run

        if code := run(self._command, arguments):
            sys.exit(code)
