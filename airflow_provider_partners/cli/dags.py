"""``dags``: write the files of this provider's Dags."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.cli.exits import FOUND, OK, UsageError
from airflow_provider_partners.cli.output import Cell, Output
from airflow_provider_partners.exceptions import StorageError

__all__ = ["DAG_FILES", "dag_file", "run"]

DAG_FILES: Mapping[str, tuple[str, str]] = {
    "yofi_shopify_to_yotpo": ("order_sync_dag", "Hourly: sync the orders of every shop to Yotpo."),
    "yofi_shopify_to_yotpo_backfill": (
        "order_backfill_dag",
        "By hand: sync the orders of a past time range to Yotpo.",
    ),
    "yofi_new_returns": ("new_returns_dag", "On events: sync the orders with new returns or claims to Yotpo."),
    "yotpo_reconcile": (
        "order_reconcile_dag",
        "Daily: compare Yotpo's orders with Shopify's, and repair the differences.",
    ),
    "yotpo_replay_rejects": (
        "replay_rejects_dag",
        "By hand: send rejected orders to Yotpo again, after the cause is mended.",
    ),
    "shopify_partner_finance": (
        "partner_finance_dag",
        "Daily: extract the partner's transactions and app events by day.",
    ),
    "voucherify_extract": ("voucherify_extract_dag", "Daily: extract Voucherify's lists."),
    "partner_dataset_retention": ("retention_dag", "Daily: remove old staged datasets."),
}
"""By Dag id: the factory in :mod:`airflow_provider_partners.pipelines`, and what the Dag does."""

_FILE = '''"""{about}"""

from __future__ import annotations

from airflow_provider_partners.pipelines import {factory}

dag = {factory}()
'''

_STATE_STYLES = {"written": "green", "replaced": "yellow", "unchanged": "dim", "kept": "red"}


def dag_file(dag_id: str) -> str:
    """Return the content of a Dag's file."""
    factory, about = DAG_FILES[dag_id]
    return _FILE.format(about=about, factory=factory)


def run(options: Any, output: Output) -> int:
    """Write the files, and print what became of each."""
    chosen = list(dict.fromkeys(options.only or DAG_FILES))
    for dag_id in chosen:
        if dag_id not in DAG_FILES:
            message = f"There is no Dag '{dag_id}'{suggest(dag_id, DAG_FILES)}"
            raise UsageError(message, f"There are {', '.join(DAG_FILES)}.")
    folder = Path(options.directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        states = {dag_id: _write(folder / f"{dag_id}.py", dag_file(dag_id), force=options.force) for dag_id in chosen}
    except OSError as error:
        message = f"The folder {folder} can't be written: {error.strerror}"
        raise StorageError(message, remedy="Check the path, and that you may write there.") from None
    if output.as_json:
        output.document({"directory": str(folder), "files": {f"{name}.py": state for name, state in states.items()}})
    else:
        rows: list[list[Cell]] = [
            [f"{name}.py", (state, _STATE_STYLES[state]), DAG_FILES[name][1]] for name, state in states.items()
        ]
        output.table(["file", "", "what the Dag does"], rows)
    kept = [f"{name}.py" for name, state in states.items() if state == "kept"]
    if kept:
        output.error(
            f"These files exist with other content, and stay as they are: {', '.join(kept)}",
            "Compare them with the new ones, or replace them with --force.",
        )
    return FOUND if kept else OK


def _write(path: Path, content: str, *, force: bool) -> str:
    """Write a file and return what became of it."""
    before = path.read_text(errors="replace") if path.exists() else None
    if before == content:
        return "unchanged"
    if before is not None and not force:
        return "kept"
    path.write_text(content)
    return "written" if before is None else "replaced"
