"""The command line: a process that serves until a signal, and connections printed without a server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from airflow.secrets.local_filesystem import load_connections_dict

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.__main__ import main
from airflow_provider_partners.sandbox.store import Store

COMMAND = [sys.executable, "-m", "airflow_provider_partners.sandbox"]


@contextmanager
def process(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    command = [*COMMAND, *arguments, "--port", "0", "--port-file", str(port_file), "--shops", "1", "--orders", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            deadline = time.monotonic() + 30
            while not port_file.exists() and time.monotonic() < deadline and running.poll() is None:
                time.sleep(0.02)
            yield running, f"http://127.0.0.1:{port_file.read_text().strip()}"
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_serves_and_ends_cleanly_within_two_seconds(tmp_path, number):
    with process(tmp_path) as (running, url), httpx.Client() as client:
        assert client.get(f"{url}/_sandbox/health").json()["world"] == {"seed": 7, "shops": 1, "orders": 2}
        begun = time.monotonic()
        running.send_signal(number)
        output, errors = running.communicate(timeout=10)

    assert time.monotonic() - begun < 2
    assert running.returncode == 0
    assert errors == ""
    assert url in output
    assert "/shopify-admin/{shop}" in output
    assert "sandbox-not-a-secret" not in output


def test_requests_print_nothing(tmp_path):
    with process(tmp_path, "serve") as (running, url):
        httpx.get(f"{url}/yofi/ecommerce/claims/")
        httpx.post(f"{url}/_sandbox/faults", json={"path_prefix": "/yotpo", "drop": True})
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/yotpo/x")
        running.terminate()
        output, errors = running.communicate(timeout=10)

    assert errors == ""
    assert "claims" not in output


def test_the_database_keeps_the_state_after_the_process_ends(tmp_path):
    database = str(tmp_path / "world.sqlite")
    for _ in range(2):
        with process(tmp_path, "--database", database) as (running, url):
            created = httpx.post(f"{url}/_sandbox/shopify/aurora-apparel.myshopify.com/orders/create").json()
            running.terminate()
            running.wait(10)

    store = Store(database)
    assert store.count("shopify_admin", "aurora-apparel.myshopify.com", "order") == 4
    assert created["created"][0]["name"] == "#1004"
    store.close()


def test_the_day_of_the_world_can_be_set(tmp_path):
    with process(tmp_path, "--now", "2026-03-01T12:00:00+01:00") as (_, url):
        clock = httpx.get(f"{url}/_sandbox/clock").json()

    assert clock == {"now": "2026-03-01T11:00:00Z", "fixed": True}


def test_a_file_with_another_world_is_an_error(tmp_path, capsys):
    database = tmp_path / "world.sqlite"
    with process(tmp_path, "--database", str(database)) as (running, _):
        running.terminate()
        running.wait(10)

    done = subprocess.run(
        [*COMMAND, "--database", str(database), "--seed", "9", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 2
    assert "another file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_an_error(tmp_path):
    with process(tmp_path) as (_, url):
        port = url.rpartition(":")[2]
        done = subprocess.run(
            [*COMMAND, "--port", port, "--shops", "1", "--orders", "1"], capture_output=True, text=True, timeout=30
        )

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_connections_are_printed_for_a_shell(capsys):
    assert main(["connections", "--url", "http://127.0.0.1:9", "--seed", "3", "--shops", "1"]) == 0

    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 12
    assert all(line.startswith("export AIRFLOW_") for line in lines)


def test_connections_are_printed_as_json_for_airflows_own_import(capsys, tmp_path):
    """`airflow connections import` reads its file with this function of Airflow."""
    assert main(["connections", "--url", "http://127.0.0.1:9", "--format", "json"]) == 0

    (tmp_path / "connections.json").write_text(capsys.readouterr().out)
    read = load_connections_dict(str(tmp_path / "connections.json"))

    assert set(read) == set(credentials.connections("http://127.0.0.1:9", seed=7, shops=4))
    yofi = read["yofi_default"]
    assert (yofi.conn_type, yofi.host) == ("yofi", "http://127.0.0.1:9/yofi")
    assert yofi.extra_dejson["auth_profile"] == "service_account"


def test_variables_are_printed_for_airflows_own_import(capsys):
    """`airflow variables import` takes an object with a value per key, and stores a list as JSON."""
    assert main(["connections", "--format", "variables"]) == 0

    printed = json.loads(capsys.readouterr().out)

    assert printed["partner_app_id"] == "gid://partners/App/1001"
    assert len(printed["partner_shop_routes"]) == 5
    assert set(printed) == {"partner_app_id", "partner_shop_routes", "partner_finance_uri"}


def test_without_its_extra_it_names_the_extra_to_install():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('graphql', 'starlette', 'uvicorn')));"
    code = f"{blocked} from airflow_provider_partners.sandbox.__main__ import main;"

    served = subprocess.run([sys.executable, "-c", f"{code} sys.exit(main([]))"], capture_output=True, text=True)
    printed = subprocess.run([sys.executable, "-c", f"{code} sys.exit(main(['connections']))"], capture_output=True)

    assert served.returncode == 2
    assert "pip install 'airflow-provider-partners[sandbox]'" in served.stderr
    assert served.stderr.count("\n") == 1
    assert printed.returncode == 0


def test_help_names_both_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])

    shown = capsys.readouterr().out
    assert "serve" in shown
    assert "connections" in shown
