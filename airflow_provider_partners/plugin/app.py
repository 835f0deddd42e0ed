"""The page's FastAPI app: its files, and what the reports say as JSON, for users whom Airflow lets read the Dag.

Each request is authorized by itself, and nothing is kept between requests but digests of reports. The folders of the
storage never leave this module: a request names a Dag, a run and the place of a dataset in the run's report.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from airflow_provider_partners import settings
from airflow_provider_partners._compat import utcnow
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.observability.report import RunReport, read_page, read_report, reported_dags
from airflow_provider_partners.plugin import records
from airflow_provider_partners.plugin.access import Access, RequestAccess
from airflow_provider_partners.plugin.history import History, lanes_of, read_history, read_run_rejects

__all__ = ["create_app"]

STATIC = Path(__file__).parent / "static"

PAGES = ("", "shop", "run", "dataset")
"""The addresses of the page. All of them serve the same file."""

_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self';"
    # The report of a run has its styles inside of it.
    " style-src 'self' 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

log = logging.getLogger(__name__)

DagId = Annotated[str, Query(min_length=1, max_length=250)]
RunId = Annotated[str, Query(min_length=1, max_length=250)]
Shop = Annotated[str, Query(min_length=1, max_length=250)]
Number = Annotated[int, Query(ge=0)]
Limit = Annotated[int, Query(ge=1, le=200)]


def create_app() -> FastAPI:
    """Return the app that Airflow mounts below ``/partners``."""
    app = FastAPI(title="Partners", docs_url=None, redoc_url=None, openapi_url=None)
    for page in PAGES:
        app.add_api_route(f"/{page}", _serve_page, include_in_schema=False)
    app.add_api_route("/api/overview", show_overview)
    app.add_api_route("/api/shop", show_shop)
    app.add_api_route("/api/run", show_run)
    app.add_api_route("/api/report", show_report)
    app.add_api_route("/api/dataset", show_dataset)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(PartnersError, _explain)
    app.middleware("http")(_add_headers)
    return app


def show_overview(access: RequestAccess, runs: Limit = 30) -> dict[str, Any]:
    """Return the Dags that the user may read, each with its newest runs and its shops.

    :param runs: how many runs of a Dag
    """
    dag_ids = [dag_id for dag_id in reported_dags() if access.reads_reports(dag_id)]
    return {"now": utcnow().isoformat(), "dags": [_describe_dag(read_history(dag_id), runs) for dag_id in dag_ids]}


def _describe_dag(history: History, runs: int) -> dict[str, Any]:
    return {
        "dag_id": history.dag_id,
        "title": history.title,
        "runs": [_shorten(run) for run in history.runs[:runs]],
        "shops": [history.overview(shop) for shop in history.shops],
    }


def _shorten(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run without what only the page of a shop shows."""
    kept = ("shop", "state", "failed_at", "error", "counts")
    lanes = [{name: lane[name] for name in kept} for lane in run["lanes"]]
    return {name: value for name, value in run.items() if name != "gaps"} | {"lanes": lanes}


def show_shop(access: RequestAccess, dag_id: DagId, shop: Shop, runs: Limit = 60) -> dict[str, Any]:
    """Return a shop's runs of one Dag, its watermark, its gaps and its open rejects.

    :param runs: how many runs
    """
    access.require_reports(dag_id)
    history = read_history(dag_id)
    found = [run | {"lanes": lanes, "gaps": []} for run in history.runs if (lanes := lanes_of(run, shop))]
    if not found:
        raise HTTPException(404, "No run of this Dag has left a report for this shop")
    return {
        **history.overview(shop),
        "now": utcnow().isoformat(),
        "dag_id": dag_id,
        "title": history.title,
        "can_replay": _can_replay(access, dag_id),
        "rejects": [{"run_id": each.run_id, "records": len(each.ids)} for each in history.open_rejects_of(shop)],
        "runs": found[:runs],
    }


def _can_replay(access: Access, dag_id: str) -> bool:
    """Return True if the Dag that sends rejects again exists, and the user may start it."""
    return dag_id != REPLAY_DAG_ID and access.triggers(REPLAY_DAG_ID)


def show_run(access: RequestAccess, dag_id: DagId, run_id: RunId) -> dict[str, Any]:
    """Return the report of a run, and the datasets that the user may open."""
    access.require_reports(dag_id)
    report = _report(dag_id, run_id)
    shown = report.to_dict() | {"warnings": report.warnings}
    for lane in shown["lanes"]:
        # The address of the storage is nobody's business here, and may hold the id of a connection.
        del lane["datasets"], lane["connections"]
    opens = {dag_id: access.reads_records(dag_id)}
    datasets = []
    for number, (shop, dataset) in enumerate(records.datasets_of(report)):
        owner = records.owner_of(dataset.uri, dag_id)
        if owner is not None and owner not in opens:
            opens[owner] = access.reads_records(owner)
        datasets.append({
            "number": number,
            "shop": shop,
            "opens": owner is not None and opens[owner],
            "is_rejects": dataset.is_rejects,
            **{name: getattr(dataset, name) for name in ("task", "source", "resource", "records", "bytes")},
        })
    return {
        "report": shown,
        "total": report.total,
        "datasets": datasets,
        "open_rejects": _count_open_rejects(report),
        "can_replay": _can_replay(access, dag_id),
    }


def _count_open_rejects(report: RunReport) -> int:
    """Return how many rejects of a run no replay has closed; a plan has none."""
    if report.dry_run or report.dag_id == REPLAY_DAG_ID:
        return 0
    found = (
        read_run_rejects(report.dag_id, report.run_id, lane.shop, dataset.uri)
        for lane in report.lanes
        for dataset in lane.rejects
    )
    return sum(len(rejects.ids) for rejects in found if rejects is not None)


def show_report(access: RequestAccess, dag_id: DagId, run_id: RunId) -> HTMLResponse:
    """Return the page that the run has left. It runs no scripts, whatever it holds."""
    access.require_reports(dag_id)
    page = read_page(dag_id, run_id)
    if page is None:
        raise HTTPException(404, "This run has left no report")
    # The folders of datasets begin with the place of the storage, which only those need who run Airflow.
    page = page.replace(html.escape(settings.staging_uri().rstrip("/")).encode(), "…".encode())
    policy = "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return HTMLResponse(page, headers={"Content-Security-Policy": f"{policy}; frame-ancestors 'self'"})


def show_dataset(
    access: RequestAccess,
    dag_id: DagId,
    run_id: RunId,
    number: Number,
    offset: Number = 0,
    limit: Limit = records.PAGE_SIZE,
) -> dict[str, Any]:
    """Return a dataset of a run: what its manifest says, and some of its records.

    :param number: its place in the run's report
    :param offset: how many records to skip
    :param limit: how many to return
    """
    access.require_records(dag_id)
    dataset = records.dataset_of(_report(dag_id, run_id), number)
    owner = None if dataset is None else records.owner_of(dataset.uri, dag_id)
    if dataset is None or owner is None:
        raise HTTPException(404, "The run's report names no such dataset")
    access.require_records(owner)
    page, masked = records.read_records(dataset, offset, limit)
    return {
        "dataset": records.describe_dataset(dataset),
        "records": page,
        "offset": offset,
        "masked": masked,
        "can_replay": _can_replay(access, owner),
    }


def _report(dag_id: str, run_id: str) -> RunReport:
    report = read_report(dag_id, run_id)
    if report is None or (report.dag_id, report.run_id) != (dag_id, run_id):
        raise HTTPException(404, "This run has left no report")
    return report


def _serve_page() -> FileResponse:
    """Return the page. It holds nothing but addresses of scripts, which ask for the rest as the user."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _add_headers(request: Request, call_next: Any) -> Any:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if "/static/" in request.url.path:
        response.headers["Cache-Control"] = "no-cache"
    return response


def _explain(request: Request, error: Exception) -> JSONResponse:
    """Return that the storage failed. What failed is in the log: it names the place of the datasets."""
    log.error("The page of the partners can't read the staging folder: %s", error)
    return JSONResponse({"detail": "The staging folder can't be read. The log of the API server says why."}, 503)
