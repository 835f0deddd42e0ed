"""Manifest, asset event, lineage and links agree for every operator.

Airflow's command runs the Dag with the real OpenLineage provider, which writes its events to a file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 5, "shops": 1, "orders": 12}
FOLDER = Path(__file__).parent / "observability_dags"
SHOP = "aurora-apparel.myshopify.com"

DATASETS = ("orders", "returns", "lists", "redemptions", "app_events", "query", "build", "plan", "upsert_products")
DATASETS += ("upsert_orders", "stored", "compare")
EVENTS = (
    "orders",
    "returns",
    "lists",
    "redemptions",
    "app_events",
    "query",
    "build",
    "plan",
    "upsert_orders",
    "stored",
)
EVENTS += ("compare",)

LINKS = """
import json, sys
from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app

client = TestClient(create_app(), base_url="http://localhost")
token = client.get("/auth/token").json()["access_token"]
links = {}
for task, index in json.loads(sys.argv[2]):
    response = client.get(
        f"/api/v2/dags/every_operator/dagRuns/{sys.argv[1]}/taskInstances/{task}/links",
        params={"map_index": index}, headers={"Authorization": f"Bearer {token}"},
    )
    response.raise_for_status()
    links[f"{task}/{index}"] = response.json()["extra_links"]
print("LINKS " + json.dumps(links))
"""


@dataclass
class RunReport:
    """What one run of the Dag reported."""

    airflow: Any
    run_id: str
    log: str
    references: dict[tuple[str, int], dict[str, Any]]
    events: dict[tuple[str, int], list[tuple[str, dict[str, Any]]]]
    lineage: dict[str, list[dict[str, Any]]]
    links: dict[str, dict[str, str | None]]

    def manifests(self) -> dict[tuple[str, int], dict[str, Any]]:
        """The manifests on disk, by task and map index."""
        return {
            of: json.loads((Path(reference["uri"].removeprefix("file://")) / "manifest.json").read_text())
            for of, reference in self.references.items()
        }

    def outputs(self, task: str) -> list[dict[str, Any]]:
        return [output for event in self.lineage[task] for output in event["outputs"]]


@pytest.fixture(scope="module")
def report(airflow: Any, tmp_path_factory: pytest.TempPathFactory) -> RunReport:
    pytest.importorskip("airflow.providers.openlineage")
    lineage_file = tmp_path_factory.mktemp("lineage") / "events.jsonl"
    wrong_connection = json.loads(airflow.environment["AIRFLOW_CONN_YOFI_DEFAULT"]) | {
        "password": "another-secret-" + "x" * 30
    }
    changes = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({
            "type": "file",
            "log_file_path": str(lineage_file),
            "append": True,
        }),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW_CONN_YOFI_WRONG": json.dumps(wrong_connection),
    }
    done = airflow.run_command("dags", "test", "every_operator", **changes)
    log = done.stdout + done.stderr
    run_id = airflow.query_database("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")[0][0]
    states = airflow.query_database("SELECT task_id, map_index, state FROM task_instance WHERE run_id = ?", run_id)
    failed = [task for task, _, state in states if state != "success"]
    assert failed == ["refused"], f"{failed}\n{log[-8000:]}"
    values = airflow.query_database(
        "SELECT task_id, map_index, value FROM xcom WHERE run_id = ? AND key = 'return_value'", run_id
    )
    references = {(task, index): json.loads(value) for task, index, value in values if task in DATASETS}
    return RunReport(
        airflow=airflow,
        run_id=run_id,
        log=log,
        references=references,
        events=_events(airflow, run_id),
        lineage=_lineage(lineage_file),
        links=_links(airflow, run_id, [(task, index) for task, index, _ in states], changes),
    )


def _events(airflow: Any, run_id: str) -> dict[tuple[str, int], list[tuple[str, dict[str, Any]]]]:
    rows = airflow.query_database(
        "SELECT source_task_id, source_map_index, uri, asset_event.extra FROM asset_event "
        "JOIN asset ON asset.id = asset_id WHERE source_run_id = ?",
        run_id,
    )
    events: dict[tuple[str, int], list[tuple[str, dict[str, Any]]]] = {}
    for task, index, uri, extra in rows:
        events.setdefault((task, index), []).append((uri, json.loads(extra)))
    return events


def _lineage(lineage_file: Path) -> dict[str, list[dict[str, Any]]]:
    """The last event of each try, by task."""
    last_events: dict[str, list[dict[str, Any]]] = {}
    for line in lineage_file.read_text().splitlines():
        event = json.loads(line)
        if event["eventType"] in {"COMPLETE", "FAIL"} and event["job"]["name"].startswith("every_operator."):
            last_events.setdefault(event["job"]["name"].partition(".")[2], []).append(event)
    return last_events


def _links(airflow: Any, run_id: str, tasks: list[tuple[str, int]], changes: dict[str, str]) -> dict[str, Any]:
    """Return the links as the API returns them to the UI."""
    done = subprocess.run(
        [sys.executable, "-c", LINKS, run_id, json.dumps(tasks)],
        env={**airflow.environment, **changes},
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("LINKS ")]
    assert lines, done.stdout[-3000:] + done.stderr[-3000:]
    links: dict[str, Any] = json.loads(lines[0].removeprefix("LINKS "))
    return links


@pytest.mark.parametrize("task", DATASETS)
def test_manifest_and_lineage_agree(report: RunReport, task: str) -> None:
    manifests = {of: manifest for of, manifest in report.manifests().items() if of[0] == task}
    assert manifests
    # Mapped tasks write versions of one dataset; datasets without a record have one hash.
    outputs = {
        (output["name"], output["facets"]["version"]["datasetVersion"]): output
        for output in report.outputs(task)
        if _file(output)
    }
    for manifest in manifests.values():
        reference = manifest["reference"]
        output = outputs[_without_run(reference["uri"]), reference["sha256"]]
        assert (
            output["outputFacets"]["outputStatistics"]
            | {
                "rowCount": reference["records"],
                "size": reference["bytes"],
                "fileCount": reference["parts"],
            }
            == output["outputFacets"]["outputStatistics"]
        )
        assert output["facets"]["dataSource"]["uri"].endswith(f"{reference['uri'].split('staging/')[1]}/manifest.json")
        schema = output["facets"].get("schema", {}).get("fields", [])
        assert {field["name"]: field["type"] for field in schema} == {
            column["name"]: column["type"] for column in manifest["columns"]
        }
        assert sum(part["records"] for part in manifest["parts"]) == reference["records"]


@pytest.mark.parametrize("task", EVENTS)
def test_manifest_and_asset_event_agree(report: RunReport, task: str) -> None:
    manifests = {of: manifest["reference"] for of, manifest in report.manifests().items() if of[0] == task}
    for of, reference in manifests.items():
        ((_, extra),) = report.events[of]
        assert extra["rows"] == reference["records"]
        assert extra["bytes"] == reference["bytes"]
        assert extra["sha256"] == reference["sha256"]
        assert extra["window"] == reference["window"]
        assert extra["manifest"] == f"{reference['uri']}/manifest.json"
        assert (extra["source"], extra["resource"]) == (reference["source"], reference["resource"])
        assert isinstance(extra["rejects"], int)


def test_the_outlets_are_the_lists_that_were_read_and_written(report: RunReport) -> None:
    store = report.airflow.store_of(SHOP)
    assert {of: [uri for uri, _ in events] for of, events in report.events.items()} == {
        ("orders", -1): [f"shopify-admin://{SHOP}/orders"],
        ("returns", -1): [f"yofi://{SHOP}/returns"],
        ("lists", 0): [f"yofi://{SHOP}/claims"],
        ("lists", 1): [f"yofi://{SHOP}/returns"],
        ("redemptions", -1): [f"voucherify://{report.airflow.sandbox.credentials['voucherify']['app_id']}/redemptions"],
        ("app_events", -1): ["shopify-partner://12345/app_events"],
        ("query", -1): ["shopify-partner://12345/any%20events"],
        ("build", -1): ["built_orders"],
        # A plan writes nothing, so there is no event of the store's list.
        ("plan", -1): ["planned_orders"],
        ("upsert_orders", -1): [f"yotpo://{store}/orders"],
        ("stored", -1): [f"yotpo://{store}/orders"],
        ("compare", -1): ["differences"],
    }


def test_lineage_asset_event_and_store_agree_on_the_orders_written_to_yotpo(report: RunReport) -> None:
    (event,) = report.lineage["upsert_orders"]
    (store,) = [output for output in event["outputs"] if not _file(output)]
    ((_, extra),) = report.events["upsert_orders", -1]
    stored = report.airflow.yotpo_orders(SHOP)
    assert len(stored) > 0
    assert store["outputFacets"]["outputStatistics"]["rowCount"] == extra["outcomes"]["created"] == len(stored)
    assert (store["namespace"], store["name"]) == (f"yotpo://{report.airflow.store_of(SHOP)}", "orders")
    ((_, planned),) = report.events["plan", -1]
    assert planned["dry_run"]
    assert planned["outcomes"] == {"would_create": len(stored)}
    assert not [output for output in report.outputs("plan") if not _file(output)]


def test_lineage_leads_from_the_partners_lists_to_the_store(report: RunReport) -> None:
    read = {
        task: {(one["namespace"], one["name"]) for one in events[0]["inputs"]}
        for task, events in report.lineage.items()
    }
    wrote = {
        task: {(one["namespace"], one["name"]) for one in events[0]["outputs"]}
        for task, events in report.lineage.items()
    }
    assert (f"shopify-admin://{SHOP}", "orders") in read["orders"]
    assert read["returns"] == {(f"yofi://{SHOP}", "returns"), *wrote["orders"]}
    assert read["build"] == wrote["orders"] | wrote["returns"] | wrote["redemptions"]
    assert wrote["build"] <= read["upsert_orders"] | {one for one in wrote["build"] if one[1].endswith("/rejects")}
    assert read["shops"] == {("shopify-partner://12345", "app_events")}
    assert wrote["shops"] == set()


def test_a_function_reports_its_lineage_by_the_collector_of_hooks(report: RunReport) -> None:
    """``dags test`` runs all tasks in one process, whose collector holds what the others have read, too."""
    (event,) = report.lineage["by_hand"]
    inputs = {(one["namespace"], one["name"]) for one in event["inputs"]}
    outputs = {(one["namespace"], one["name"]) for one in event["outputs"]}
    (orders,) = [one for one in report.outputs("orders") if _file(one)]
    assert {(f"yofi://{SHOP}", "customers"), ("file", orders["name"])} <= inputs
    assert ("file", orders["name"].replace("/orders", "/by_hand")) in outputs


def test_lineage_counts_the_records_read_from_each_list(report: RunReport) -> None:
    for task in ("orders", "stored", "redemptions"):
        (event,) = report.lineage[task]
        (listed,) = [one for one in event["inputs"] if not _file(one)]
        assert listed["inputFacets"]["inputStatistics"]["rowCount"] == report.references[task, -1]["records"]


def test_a_failed_task_has_lineage_without_outputs(report: RunReport) -> None:
    (event,) = report.lineage["refused"]
    assert event["eventType"] == "FAIL"
    assert event["outputs"] == []


def test_lineage_and_events_hold_no_customers_data_and_no_secrets(report: RunReport) -> None:
    text = json.dumps([list(report.lineage.values()), [*report.events.values()], list(report.links.values())])
    secrets = [known["password"] for known in _connections(report.airflow)]
    mails = {order["email"] for order in report.airflow.documents("shopify_admin", SHOP, "Order") if order.get("email")}
    assert secrets
    assert not [secret for secret in secrets if secret in text]
    assert not [mail for mail in mails if mail in text]


def test_links_lead_to_the_console_of_each_partner(report: RunReport) -> None:
    admin = f"https://admin.shopify.com/store/{SHOP.partition('.')[0]}"
    app = report.airflow.sandbox.credentials["shopify_partner"]["app_id"].rpartition("/")[2]
    console: dict[str, dict[str, str | None]] = {
        "orders": {"Shopify admin": f"{admin}/orders"},
        "returns": {"Yofi": f"{admin}/apps"},
        "redemptions": {"Voucherify": None},
        "app_events": {"Partner Dashboard": f"https://partners.shopify.com/12345/apps/{app}"},
        "query": {"Partner Dashboard": "https://partners.shopify.com/12345"},
        "upsert_orders": {"Yotpo": "https://reviews.yotpo.com/"},
        "stored": {"Yotpo": "https://reviews.yotpo.com/"},
        "build": {},
        "compare": {},
    }
    for task, links in console.items():
        # A browser opens no page for a local folder, so its dataset has no link.
        assert _plain(report.links[f"{task}/-1"]) == _plain({**links, "Dataset": None}), task
    for index in (0, 1):
        assert report.links[f"lists/{index}"] == {"Yofi": f"{admin}/apps", "Dataset": None}
    assert report.links["wait/-1"] == {"Yofi": f"{admin}/apps"}
    assert report.links["shops/-1"] == {"Partner Dashboard": f"https://partners.shopify.com/12345/apps/{app}"}


def test_a_failed_task_links_to_the_console_only(report: RunReport) -> None:
    handle = SHOP.partition(".")[0]
    assert report.links["refused/-1"] == {"Dataset": None, "Yofi": f"https://admin.shopify.com/store/{handle}/apps"}


def test_the_dag_has_a_task_of_every_operator(report: RunReport) -> None:
    assert Counter(task for task, _ in report.references) == Counter(dict.fromkeys(DATASETS, 1) | {"lists": 2})


def _without_run(uri: str) -> str:
    """Return a dataset's folder without run and map index."""
    return str(Path(uri.removeprefix("file://")).parent.parent)


def _file(dataset: dict[str, Any]) -> bool:
    return bool(dataset["namespace"] == "file")


def _connections(airflow: Any) -> list[dict[str, Any]]:
    return [json.loads(value) for name, value in airflow.environment.items() if name.startswith("AIRFLOW_CONN_")]


def _plain(links: dict[str, str | None]) -> dict[str, str | None]:
    """Return the links unquoted: a run's id contains escaped colons and plus signs."""
    from urllib.parse import unquote

    return {name: unquote(url) if url else url for name, url in links.items()}
