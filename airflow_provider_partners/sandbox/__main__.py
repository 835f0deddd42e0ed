"""The sandbox's command line: serve a world, or print the connections to one."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.world.build import Parameters, build

if TYPE_CHECKING:
    from airflow_provider_partners.sandbox.server import RunningSandbox

_COMMANDS = ("serve", "connections")
_URL = "http://127.0.0.1:8900"
_FORMATS = ("env", "json", "variables")
_FORMAT_HELP = (
    "env: for eval in a shell (the default); json: the file of `airflow connections import`; "
    "variables: the file of `airflow variables import`"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the default is ``serve``."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    if not argv or argv[0] not in (*_COMMANDS, "-h", "--help"):
        argv.insert(0, "serve")
    options = _parser().parse_args(argv)
    return _connections(options) if options.command == "connections" else _serve(options)


def _parser() -> argparse.ArgumentParser:
    defaults = Parameters()
    parser = argparse.ArgumentParser(prog="python -m airflow_provider_partners.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="serve the partners' APIs (the default command)")
    serving.add_argument("--port", type=int, default=8900, help="0 takes any free port (default: 8900)")
    serving.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    serving.add_argument("--orders", type=int, default=defaults.orders, help="orders per shop (default: 100)")
    serving.add_argument("--database", default=":memory:", help="SQLite file that keeps the state between runs")
    serving.add_argument("--now", type=_parse_timestamp, help="the day of the world; fixes the sandbox's clock")
    serving.add_argument("--port-file", type=Path, help="file for the port number, written when the server is ready")
    printing = commands.add_parser("connections", help="print what Airflow needs to reach a sandbox")
    printing.add_argument("--url", default=_URL, help=f"the sandbox's address (default: {_URL})")
    printing.add_argument("--format", choices=_FORMATS, default="env", help=_FORMAT_HELP)
    for command in (serving, printing):
        command.add_argument("--seed", type=int, default=defaults.seed, help="seed of the world (default: 7)")
        command.add_argument("--shops", type=int, default=defaults.shops, help="installed, routed shops (default: 4)")
    return parser


def _parse_timestamp(text: str) -> datetime:
    timestamp = datetime.fromisoformat(text)
    return timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)


def _connections(options: argparse.Namespace) -> int:
    world = {"seed": options.seed, "shops": options.shops}
    if options.format == "env":
        print(credentials.as_shell(credentials.environment(options.url, **world)))
        return 0
    as_json = options.format == "json"
    printed = credentials.connections(options.url, **world) if as_json else credentials.variables(options.shops)
    print(json.dumps(printed, indent=2, ensure_ascii=False))
    return 0


def _serve(options: argparse.Namespace) -> int:
    try:
        # Only here: `connections` needs no server, and not the extra.
        server = import_module("airflow_provider_partners.sandbox.server")
    except ModuleNotFoundError as error:
        print(
            f"The package '{error.name}' is not installed. The sandbox needs the extra 'sandbox': "
            "pip install 'airflow-provider-partners[sandbox]', or pip install '.[sandbox]' in a checkout.",
            file=sys.stderr,
        )
        return 2
    stopped = threading.Event()

    def end(_number: int, _frame: Any) -> None:
        stopped.set()

    # Set before the world is built, so that an early signal ends the process cleanly, too.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        sandbox = build(
            path=options.database, seed=options.seed, shops=options.shops, orders=options.orders, now=options.now
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with closing(sandbox.store):
        try:
            with server.serve(sandbox, options.port, host=options.host) as running:
                _announce(running, server.PREFIXES, options)
                stopped.wait()
        except OSError as error:
            print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
            return 2
    return 0


def _announce(running: RunningSandbox, prefixes: Sequence[str], options: argparse.Namespace) -> None:
    lines = [
        f"Four partners' APIs at {running.url}; open it in a browser to watch them",
        f"Seed {options.seed}, {options.shops} shops, {options.orders} orders each",
        *(f"  {running.url}{prefix}" for prefix in prefixes),
        f"  {running.url}/_sandbox  control: health, calls, switches, faults, clock, connections",
        "Connections for Airflow:",
        f'  eval "$(python -m airflow_provider_partners.sandbox connections --url {running.url}'
        f' --seed {options.seed} --shops {options.shops})"',
        "Stop with Ctrl-C.",
    ]
    print("\n".join(lines), flush=True)
    if options.port_file:
        # Rename the finished file into place, so that a waiting process never reads a partial number.
        draft = options.port_file.with_name(f"{options.port_file.name}.part")
        draft.write_text(f"{running.port}\n")
        draft.replace(options.port_file)


if __name__ == "__main__":
    sys.exit(main())
