"""The page's FastAPI app: its files, and what the reports say as JSON, for users whom Airflow lets read the Dag.

Each request is authorized by itself, and nothing is kept between requests but digests of reports. The folders of the
storage never leave this module: a request names a Dag, a run and the place of a dataset in the run's report.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from airflow_provider_partners._compat import utcnow
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.observability.report import RunReport, read_page, read_report, reported_dags
from airflow_provider_partners.plugin import history, records
from airflow_provider_partners.plugin.access import Access, RequestAccess

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
    replays = _replays(access)
    return {
        "now": utcnow().isoformat(),
        "can_replay": access.triggers(history.REPLAY_DAG_ID),
        "dags": [_describe_dag(dag_id, runs, replays) for dag_id in dag_ids],
    }


def _describe_dag(dag_id: str, runs: int, replays: list[history.Digest]) -> dict[str, Any]:
    digests = history.read_history(dag_id)
    own_replays = [] if dag_id == history.REPLAY_DAG_ID else replays
    return {
        "dag_id": dag_id,
        "title": next((digest["title"] for digest in digests if digest["title"]), ""),
        "runs": [_shorten(digest) for digest in digests[:runs]],
        "shops": [history.shop_overview(digests, shop, own_replays) for shop in history.shops_of(digests)],
        "reports": len(digests),
    }


def _shorten(digest: history.Digest) -> dict[str, Any]:
    """Return a run without what only the page of a shop shows."""
    kept = ("shop", "state", "failed_at", "error", "counts")
    lanes = [{name: lane[name] for name in kept} for lane in digest["lanes"]]
    return {name: value for name, value in digest.items() if name != "gaps"} | {"lanes": lanes}


def show_shop(access: RequestAccess, dag_id: DagId, shop: Shop, runs: Limit = 60) -> dict[str, Any]:
    """Return a shop's runs of one Dag, its watermark, its gaps and its open rejects.

    :param runs: how many runs
    """
    access.require_reports(dag_id)
    digests = history.read_history(dag_id)
    replays = [] if dag_id == history.REPLAY_DAG_ID else _replays(access)
    found = [digest | {"lanes": lanes} for digest in digests if (lanes := history.lanes_of(digest, shop))]
    if not found:
        raise HTTPException(404, "No run of this Dag has left a report for this shop")
    return {
        **history.shop_overview(digests, shop, replays),
        "now": utcnow().isoformat(),
        "dag_id": dag_id,
        "title": found[0]["title"],
        "can_replay": access.triggers(history.REPLAY_DAG_ID),
        "rejects": history.open_rejects(digests, shop, replays),
        "runs": found[:runs],
    }


def show_run(access: RequestAccess, dag_id: DagId, run_id: RunId) -> dict[str, Any]:
    """Return the report of a run, and the datasets that the user may open."""
    access.require_reports(dag_id)
    report = _report(dag_id, run_id)
    shown = report.to_dict()
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
        "can_replay": dag_id != history.REPLAY_DAG_ID and access.triggers(history.REPLAY_DAG_ID),
    }


def show_report(access: RequestAccess, dag_id: DagId, run_id: RunId) -> HTMLResponse:
    """Return the page that the run has left. It runs no scripts, whatever it holds."""
    access.require_reports(dag_id)
    page = read_page(dag_id, run_id)
    if page is None:
        raise HTTPException(404, "This run has left no report")
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
        "can_replay": access.triggers(history.REPLAY_DAG_ID),
    }


def _replays(access: Access) -> list[history.Digest]:
    """Return the replays; none for a user who may not read that Dag."""
    if not access.reads_reports(history.REPLAY_DAG_ID):
        return []
    return history.replays_of(history.read_history(history.REPLAY_DAG_ID))


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
