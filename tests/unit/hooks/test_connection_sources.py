"""Connections of every partner in each source that Airflow reads them from, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import quote, urlencode

import pytest
from airflow.sdk import Connection
from sandbox import run_sandbox

from airflow_provider_partners.sandbox import credentials

SHOP = "aurora-apparel.myshopify.com"
HOOKS = {
    "yofi_default": "YofiHook",
    "shopify_partner_default": "ShopifyPartnerHook",
    "shopify_admin_aurora_apparel": "ShopifyAdminHook",
    "voucherify_sandbox": "VoucherifyHook",
    "yotpo_aurora_apparel": "YotpoHook",
}

SCRIPT = """
import json, sys
from airflow.sdk import BaseHook

results = {}
for conn_id in json.loads(sys.argv[1]):
    hook = BaseHook.get_connection(conn_id).get_hook()
    if hook.conn_type == "yofi":
        hook.shop = "aurora-apparel.myshopify.com"
    results[conn_id] = [type(hook).__name__, *hook.test_connection()]
print("RESULTS " + json.dumps(results))
"""


@pytest.fixture(scope="module")
def sandbox_url():
    with run_sandbox(seed=7, shops=1, orders=2) as running:
        yield running.url


def as_uri(fields):
    """Return a connection in URI form, as users write it."""
    conn_type, secret = fields["conn_type"].replace("_", "-"), quote(fields["password"], safe="")
    login, host = quote(fields.get("login", ""), safe=""), quote(fields["host"], safe="")
    query = urlencode(fields.get("extra") or {})
    return f"{conn_type}://{login}:{secret}@{host}" + (f"/?{query}" if query else "")


def as_airflow_uri(fields):
    """Return a connection in URI form, as Airflow writes it."""
    return Connection(conn_id="any", **{**fields, "extra": json.dumps(fields.get("extra") or {})}).get_uri()


SOURCES = {"json": json.dumps, "uri": as_uri, "airflow_uri": as_airflow_uri}
"""How the environment holds a connection."""


@pytest.fixture(scope="module")
def output(sandbox_url, tmp_path_factory):
    """What one Airflow process prints that tests each connection from each source; a source prefixes the id."""
    known = credentials.connections(sandbox_url, seed=7, shops=1)
    variables = {
        f"AIRFLOW_CONN_{source.upper()}_{name.upper()}": write(known[name])
        for source, write in SOURCES.items()
        for name in HOOKS
    }
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "connections.json").write_text(json.dumps({f"backend_{name}": known[name] for name in HOOKS}))
    variables |= {
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(folder / "connections.json")}),
        "AIRFLOW__PARTNERS__BUDGET_URI": "memory://",
        "AIRFLOW_HOME": str(folder),
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    conn_ids = [f"{source}_{name}" for source in (*SOURCES, "backend") for name in HOOKS]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(conn_ids)],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    printed = done.stdout + done.stderr
    assert not [fields["password"] for fields in known.values() if fields["password"] in printed]
    return done


@pytest.mark.parametrize("source", [*SOURCES, "backend"])
def test_a_connection_of_every_partner_works_from_each_source(output, source):
    lines = [line for line in output.stdout.splitlines() if line.startswith("RESULTS ")]
    assert lines, output.stderr[-3000:]
    results = json.loads(lines[0].removeprefix("RESULTS "))
    assert {name: tuple(results[f"{source}_{name}"][:2]) for name in HOOKS} == {
        name: (hook, True) for name, hook in HOOKS.items()
    }, results
