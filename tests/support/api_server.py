"""Airflow's own API server on loopback, with two teams, so that its auth manager keeps Dags apart."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from airflow_commands import AirflowCommands
from services import free_port

SUPPORT = Path(__file__).parent

USERS = {
    "north_viewer": "viewer:north",
    "north_user": "user:north",
    "south_viewer": "viewer:south",
    "without_xcoms": "viewer:north",
    "admin": "admin",
}
"""Users by name, with role and team, see Airflow's ``[core] simple_auth_manager_users``."""


@dataclass(frozen=True)
class ApiServer:
    """A running server."""

    url: str
    environment: dict[str, str]

    def token(self, user: str) -> str:
        """Sign a user in, as Airflow documents it for its public API."""
        answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": _password(user)})
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def client(self, user: str | None = None) -> httpx.Client:
        """Return a client that is signed in, or an anonymous one."""
        headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def serve_airflow(home: Path, database: Path, dags: dict[str, Path], **options: str) -> Iterator[ApiServer]:
    """Start the API server with a copy of a migrated database.

    :param dags: a folder with Dags for each team
    :param options: further variables of the environment
    """
    shutil.copy(database, home / "airflow.db")
    port = free_port()
    (home / "passwords.json").write_text(json.dumps({user: _password(user) for user in USERS}))
    bundles = [
        {
            "name": team,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(folder)},
            "team_name": team,
        }
        for team, folder in dags.items()
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__SECRET_KEY": "a" * 64,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "b" * 64,
        "AIRFLOW__CORE__AUTH_MANAGER": "fine_permissions.FinePermissions",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__MULTI_TEAM": "True",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "PYTHONPATH": str(SUPPORT),
        **options,
    }
    commands = AirflowCommands(environment)
    for arguments in [*(("teams", "create", team) for team in dags), ("dags", "reserialize")]:
        done = commands.run(*arguments)
        assert done.returncode == 0, done.stdout[-3000:]
    commands.close()
    with (home / "api-server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/api/v2/version", process, home / "api-server.log")
        yield ApiServer(url, environment)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the API server did not start: {log.read_text()[-3000:]}")


def _password(user: str) -> str:
    return f"password-of-{user}"
