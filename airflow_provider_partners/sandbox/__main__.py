"""The sandbox on the command line: serve a world, or print the connections to one."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import PREFIXES, RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import Parameters, build

_COMMANDS = ("serve", "connections")
_URL = "http://127.0.0.1:8900"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; ``serve`` when none is named."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in (*_COMMANDS, "-h", "--help"):
        given.insert(0, "serve")
    options = _parser().parse_args(given)
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
    serving.add_argument(
        "--now", type=_parse_timestamp, help="the day of the world; the sandbox's clock stands still at it"
    )
    serving.add_argument("--port-file", type=Path, help="file to write the port to, once it answers")
    printing = commands.add_parser("connections", help="print what Airflow needs to reach a sandbox")
    printing.add_argument("--url", default=_URL, help=f"the sandbox's address (default: {_URL})")
    printing.add_argument("--format", choices=("env", "json"), default="env", help="default: env, for eval in a shell")
    for command in (serving, printing):
        command.add_argument("--seed", type=int, default=defaults.seed, help="the world's number (default: 7)")
        command.add_argument("--shops", type=int, default=defaults.shops, help="installed, routed shops (default: 4)")
    return parser


def _parse_timestamp(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _connections(options: argparse.Namespace) -> int:
    variables = credentials.environment(options.url, seed=options.seed, shops=options.shops)
    as_json = options.format == "json"
    print(json.dumps(variables, indent=2, ensure_ascii=False) if as_json else credentials.as_shell(variables))
    return 0


def _serve(options: argparse.Namespace) -> int:
    over = threading.Event()

    def end(_number: int, _frame: Any) -> None:
        over.set()

    # Before the world is built, so that an early signal ends it as cleanly.
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
            with serve(sandbox, options.port, host=options.host) as served:
                _announce(served, options)
                over.wait()
        except OSError as error:
            print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
            return 2
    return 0


def _announce(served: RunningSandbox, options: argparse.Namespace) -> None:
    lines = [
        f"Four partners' APIs at {served.url}",
        f"Seed {options.seed}, {options.shops} shops, {options.orders} orders each",
        *(f"  {served.url}{prefix}" for prefix in PREFIXES),
        f"  {served.url}/_sandbox  control: health, calls, switches, faults, clock, connections",
        "Connections for Airflow:",
        f'  eval "$(python -m airflow_provider_partners.sandbox connections --url {served.url}'
        f' --seed {options.seed} --shops {options.shops})"',
        "Stop with Ctrl-C.",
    ]
    print("\n".join(lines), flush=True)
    if options.port_file:
        # Renamed into place: whoever waits for the file never reads half a number.
        draft = options.port_file.with_name(f"{options.port_file.name}.part")
        draft.write_text(f"{served.port}\n")
        draft.replace(options.port_file)


if __name__ == "__main__":
    sys.exit(main())
