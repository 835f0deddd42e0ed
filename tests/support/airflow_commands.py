"""Run ``airflow`` commands without starting Python and Airflow for each: one process loads them once, and forks.

A fork runs Airflow's own entry point with the arguments and the environment of its command, in its own process, as the
command line does. What Airflow reads when it is loaded (``AIRFLOW_HOME``, the database) is that of the first process,
so a test with another home needs another :class:`AirflowCommands`.

Run as a script, this module is that process: it reads one JSON request per line, and answers with the exit code.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import httpx

_LOADED_FIRST = (
    "a2wsgi",
    "airflow.api_fastapi.app",
    "airflow.api_fastapi.execution_api.app",
    "airflow.cli.cli_parser",
    "airflow.cli.commands.dag_command",
    "airflow.dag_processing.collection",
    "airflow.providers.standard.decorators.python",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "alembic.command",
    "phonenumbers",
    "pygments.formatters.html",
)
"""What ``airflow dags test`` imports. A module that an Airflow version does not have is skipped."""


class AirflowCommands:
    """Commands of one Airflow home.

    :param environment: all variables of every command
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="airflow-commands-")
        with (Path(self._folder.name) / "server.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def run(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """Run one command and wait for its end.

        :param arguments: those after ``airflow``
        :param changes: to the environment, for this command; ``None`` removes a variable
        :return: with stdout and stderr, in the order in which they were written, as ``stdout``
        """
        output = Path(self._folder.name) / "output.txt"
        request = {"arguments": arguments, "changes": changes, "output": str(output)}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            log = (Path(self._folder.name) / "server.log").read_text()
            message = f"the process that runs airflow commands has ended: {log[-2000:]}"
            raise RuntimeError(message)
        return subprocess.CompletedProcess(["airflow", *arguments], json.loads(answer), output.read_text(), "")

    def close(self) -> None:
        """End the process."""
        with self._process:
            pass  # closes its pipes, and waits
        self._folder.cleanup()


def _serve(requests: TextIO, answers: TextIO) -> None:
    for name in ("airflow.__main__", *_LOADED_FIRST):
        try:
            import_module(name)
        except ModuleNotFoundError:
            continue
    asyncio.run(_start_api())
    for line in requests:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            # A regular exit ends what the command has started, such as OpenLineage's processes.
            answers.close()
            sys.exit(_run(**request))
        _, status = os.waitpid(child, 0)
        answers.write(json.dumps(os.waitstatus_to_exitcode(status)) + "\n")
        answers.flush()


async def _start_api() -> None:
    """Send a request to the API inside of ``airflow dags test``, which builds its routes for the first one, slowly."""
    supervisor: Any = sys.modules["airflow.sdk.execution_time.supervisor"]
    api = supervisor.in_process_api_server()
    async with httpx.AsyncClient(transport=api.atransport, base_url="http://in-process") as client:
        await client.get("/health")


def _run(arguments: list[str], changes: dict[str, str | None], output: str) -> int:
    """Run one command in this process, which is a fork of its own."""
    entry: Any = sys.modules["airflow.__main__"]
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    sys.modules["airflow.settings"].configure_vars()  # type: ignore[attr-defined]  # reads the Dags folder again
    sys.argv = ["airflow", *arguments]
    try:
        entry.main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    else:
        return 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Airflow prints while it is loaded is not an answer
    _serve(sys.stdin, answers)
