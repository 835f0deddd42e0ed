"""One connection in each place that Airflow reads connections from: over real HTTP, by Airflow's own machinery."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import quote, urlencode

import pytest
from airflow.sdk import Connection

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world.build import build

SHOP = "aurora-apparel.myshopify.com"
HOOKS = {
    "yofi_default": "YofiHook",
    "shopify_partner_default": "ShopifyPartnerHook",
    "shopify_admin_aurora_apparel": "ShopifyAdminHook",
    "voucherify_sandbox": "VoucherifyHook",
    "yotpo_aurora_apparel": "YotpoHook",
}

ASK = """
import json, sys
from airflow.sdk import BaseHook

found = {}
for conn_id in json.loads(sys.argv[1]):
    hook = BaseHook.get_connection(conn_id).get_hook()
    if hook.conn_type == "yofi":
        hook.shop = "aurora-apparel.myshopify.com"
    found[conn_id] = [type(hook).__name__, *hook.test_connection()]
print("FOUND " + json.dumps(found))
"""


@pytest.fixture(scope="module")
def served():
    sandbox = build(path=":memory:", seed=7, shops=1, orders=2, now=None)
    with serve(sandbox) as running:
        yield running
    sandbox.store.close()


def as_uri(given):
    """Host and extras of a connection in URI form, as users write it."""
    kind, secret = given["conn_type"].replace("_", "-"), quote(given["password"], safe="")
    login, host = quote(given.get("login", ""), safe=""), quote(given["host"], safe="")
    query = urlencode(given.get("extra") or {})
    return f"{kind}://{login}:{secret}@{host}" + (f"/?{query}" if query else "")


def in_environment_json(known, folder):
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(given) for name, given in known.items()}


def in_environment_uri(known, folder):
    return {f"AIRFLOW_CONN_{name.upper()}": as_uri(given) for name, given in known.items()}


def in_airflows_own_uri(known, folder):
    return {
        f"AIRFLOW_CONN_{name.upper()}": Connection(
            conn_id=name, **{**given, "extra": json.dumps(given.get("extra") or {})}
        ).get_uri()
        for name, given in known.items()
    }


def in_secrets_backend(known, folder):
    path = folder / "connections.json"
    path.write_text(json.dumps(known))
    return {
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(path)}),
    }


@pytest.mark.parametrize(
    "place",
    [in_environment_json, in_environment_uri, in_airflows_own_uri, in_secrets_backend],
    ids=lambda way: way.__name__,
)
def test_every_kind_of_connection_answers_from_there(served, tmp_path, place):
    known = credentials.connections(served.url, seed=7, shops=1)
    variables = place({name: known[name] for name in HOOKS}, tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_CONN_")}
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(list(HOOKS))],
        env={**kept, **variables, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__PARTNERS__BUDGET_URI": "memory://"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert told, done.stderr[-3000:]
    found = json.loads(told[0].removeprefix("FOUND "))
    assert {name: (kind, works) for name, (kind, works, _) in found.items()} == {
        name: (hook, True) for name, hook in HOOKS.items()
    }, found
    assert not [given["password"] for given in known.values() if given["password"] in done.stdout + done.stderr]
