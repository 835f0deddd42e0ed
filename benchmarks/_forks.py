"""Measure in a fork of this process, so that each measurement begins with the same modules and the same memory."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["in_fork", "in_forks"]


def in_fork(action: Callable[[], Any]) -> Any:
    """Return what an action returns, as JSON, in a fork whose output is discarded.

    :raises RuntimeError: if it fails
    """
    reader, writer = os.pipe()

    def report() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.write(writer, json.dumps(action()).encode())

    process = _fork(report)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    _wait(process)
    return json.loads(text)


def in_forks(tasks: Sequence[Callable[[], None]]) -> None:
    """Run each task in a fork, all at the same time.

    :raises RuntimeError: if one fails
    """
    _wait(*map(_fork, tasks))


def _fork(action: Callable[[], None]) -> int:
    """Return the id of a process that runs an action and ends."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            action()
            code = 0
        except BaseException:  # noqa: BLE001 - the process ends without a handler that would show it
            traceback.print_exc()
        finally:
            os._exit(code)
    return process


def _wait(*processes: int) -> None:
    statuses = [os.waitpid(process, 0)[1] for process in processes]
    if any(statuses):
        message = "a process failed"
        raise RuntimeError(message)
