"""Processes that run for the length of a measurement or a test: start them, read what they use, and stop them all.

What a service starts belongs to it: its children, theirs, and those whose parent has died. The kernel hands the latter
to this process (``PR_SET_CHILD_SUBREAPER``, ``man 2 prctl``), so that none is left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "Process",
    "Service",
    "Services",
    "adopt_orphans",
    "cpu_seconds",
    "end_with_parent",
    "free_port",
    "process_table",
    "proportional_size",
    "reap_orphans",
    "run_services",
    "tree",
    "wait_until",
]

_TICK = os.sysconf("SC_CLK_TCK")
_SET_CHILD_SUBREAPER, _SET_PARENT_DEATH_SIGNAL = 36, 1


@dataclass(frozen=True, slots=True)
class Process:
    """A process in ``/proc``.

    :param cpu: seconds of its own, and of its children that have ended
    """

    pid: int
    parent: int
    cpu: float
    ended: bool


def process_table() -> dict[int, Process]:
    """Return all processes by id (``man 5 proc``, ``/proc/[pid]/stat``)."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may contain anything.
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                ticks = sum(map(int, fields[11:15]))
                found[int(name)] = Process(int(name), int(fields[1]), ticks / _TICK, fields[0] in "ZX")
    return found


def tree(root: int, table: Mapping[int, Process] | None = None) -> list[Process]:
    """Return a process and all that descend from it, the parents first."""
    table = process_table() if table is None else table
    children: dict[int, list[int]] = defaultdict(list)
    for process in table.values():
        children[process.parent].append(process.pid)
    found, pending = [], [root]
    while pending:
        pid = pending.pop(0)
        if pid in table:
            found.append(table[pid])
        pending += children[pid]
    return found


def cpu_seconds(root: int, table: Mapping[int, Process] | None = None) -> float:
    """Return the CPU time of a process and all that descend from it, the ended ones included."""
    return sum(process.cpu for process in tree(root, table))


def ended_cpu_seconds() -> float:
    """Return the CPU time of this process' children that have ended, orphans included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def proportional_size(pid: int) -> int:
    """Return the kilobytes of a process in memory, pages that others share counted in part; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def adopt_orphans() -> None:
    """Let the kernel hand this process the descendants whose parent ends."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)


def reap_orphans(known: Sequence[int]) -> None:
    """Collect the ended children of this process that it did not start itself.

    :param known: process ids of those that it did
    """
    for process in process_table().values():
        if process.parent == os.getpid() and process.ended and process.pid not in known:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)


def free_port() -> int:
    """Return a port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], *, seconds: float, what: str, every: float = 0.2) -> Any:
    """Return the condition's first true value.

    :raises TimeoutError: when there is none in time
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(every)
    message = f"{what}: not within {seconds:.0f} s"
    raise TimeoutError(message)


@dataclass
class Service:
    """One process that keeps running.

    :param command: its program and arguments
    :param log: file for its output, which later starts append to
    :param grace: seconds that it has to end by itself
    :param account: user and group of the process, as :class:`subprocess.Popen` takes them
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    grace: float = 20.0
    cwd: Path | None = None
    account: Mapping[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.command),
                env=dict(self.environment),
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
                **self.account,
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    @property
    def runs(self) -> bool:
        """True while its first process runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> list[int]:
        """Kill it and all that it has started, as a container's end does. Return the process ids."""
        killed: list[int] = []
        if self.process is None:
            return killed
        members = [process for process in tree(self.pid) if not process.ended]
        for member in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGKILL)
                killed.append(member.pid)
        self.process.wait()
        return killed

    def stop(self) -> None:
        """Let it end by itself, then kill what remains."""
        if self.process is None:
            return
        members = [process.pid for process in tree(self.pid)]
        if self.runs:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(self.grace)
        self.kill()
        own = {process.pid for process in tree(os.getpid())}
        for pid in members:
            if pid in own:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def tail(self, characters: int = 3000) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""


@dataclass
class Services:
    """The running services, by name, in the order of their start."""

    folder: Path
    running: dict[str, Service] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], **options: Any) -> Service:
        """Start one more."""
        service = Service(name, command, environment, self.folder / f"{name}.log", **options)
        self.running[name] = service
        service.start()
        return service

    def check(self) -> None:
        """Raise an error if one has ended.

        :raises RuntimeError: with the end of its output
        """
        for service in self.running.values():
            if not service.runs:
                message = f"{service.name} has ended: {service.tail()}"
                raise RuntimeError(message)

    def reap(self) -> None:
        """Collect ended processes that their parents have left."""
        reap_orphans([service.pid for service in self.running.values() if service.process])

    def stop(self) -> None:
        """Stop all, the last one first: each gets its signal at once, and then its time."""
        services = list(reversed(self.running.values()))
        for service in services:
            if service.runs and service.process is not None:
                service.process.terminate()
        for service in services:
            service.stop()
        self.reap()


@contextlib.contextmanager
def run_services(folder: Path) -> Iterator[Services]:
    """Stop in the end what the block has started, also when this process gets SIGTERM."""
    adopt_orphans()
    services = Services(folder)
    before = signal.signal(signal.SIGTERM, _end_block)
    try:
        yield services
    finally:
        services.stop()
        signal.signal(signal.SIGTERM, before)


def _end_block(_number: int, _frame: Any) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Let the kernel stop this process if its parent is killed, which can't do it then (``man 2 prctl``).

    :param number: the signal
    """
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, number)
