"""What a Dag's reports say together: its runs by shop, how far each shop is read, and which rejects are open.

Nothing is stored. A report does not change once it is written, so its digest stays in memory for the next request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.reader import published_dataset
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.observability.report import LaneReport, ReportEntry, RunReport, list_reports
from airflow_provider_partners.observability.report.store import is_report_at
from airflow_provider_partners.pipelines.open_rejects import open_ids
from airflow_provider_partners.plugin.records import owner_of

__all__ = ["HISTORY", "History", "OpenRejects", "digest_report", "lanes_of", "read_history", "read_open_rejects"]

HISTORY = 200
"""How many of a Dag's newest reports the page looks at: a week of an hourly Dag, and a bit more."""

_PARALLEL_READS = 8

Digest = dict[str, Any]
"""What the page needs of one report, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRejects:
    """Rejects of one shop in one run that no replay has closed.

    :param ids: external ids of their orders
    """

    run_id: str
    shop: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The newest runs of one Dag.

    :param runs: digests, the newest first
    :param open_rejects: of these runs, the newest first
    """

    dag_id: str
    runs: Sequence[Digest] = ()
    open_rejects: Sequence[OpenRejects] = field(default=())

    @property
    def title(self) -> str:
        """What the Dag does."""
        return next((run["title"] for run in self.runs if run["title"]), "")

    @property
    def shops(self) -> list[str]:
        """The shops of the runs, in alphabetical order."""
        return sorted({lane["shop"] for run in self.runs for lane in run["lanes"]})

    def overview(self, shop: str) -> dict[str, Any]:
        """Return up to when a shop is read, its gaps, and how many of its orders were rejected and are open."""
        covered = [until for run in self.runs for lane in lanes_of(run, shop) if (until := _covered_until(run, lane))]
        latest = next((run for run in self.runs if not run["dry_run"] and lanes_of(run, shop)), None)
        return {
            "shop": shop,
            "covered_until": max(covered, default=None),
            # Each run names all gaps that remain of its shops.
            "gaps": [gap for gap in latest["gaps"] if gap["shop"] == shop] if latest else [],
            "open_rejects": len(frozenset().union(*(rejects.ids for rejects in self.open_rejects_of(shop)))),
        }

    def open_rejects_of(self, shop: str) -> list[OpenRejects]:
        """Return the open rejects of a shop."""
        return [rejects for rejects in self.open_rejects if rejects.shop == shop]


def read_history(dag_id: str, limit: int = HISTORY) -> History:
    """Return the newest runs of a Dag.

    :raises StorageError: when the storage can't be listed
    """
    entries = list_reports(dag_id=dag_id, limit=limit)
    with ThreadPoolExecutor(_PARALLEL_READS) as threads:
        found = [parts for parts in threads.map(_parts, entries) if parts is not None]
        found.sort(key=lambda parts: (parts[0]["at"] or "", parts[0]["run_id"]), reverse=True)
        # A replay sends rejects of other runs, and what it rejects again is still open there.
        rejects = [] if dag_id == REPLAY_DAG_ID else [each for _, rejects in found for each in rejects]
        unread = threads.map(lambda each: read_open_rejects(dag_id, *each), rejects)
        return History(
            dag_id=dag_id,
            runs=[digest for digest, _ in found],
            open_rejects=[each for each in unread if each is not None],
        )


def read_open_rejects(dag_id: str, run_id: str, shop: str, uri: str) -> OpenRejects | None:
    """Return the open rejects of one dataset; ``None`` if all are closed, or if the dataset is not there any more."""
    if owner_of(uri, dag_id) != dag_id:
        return None
    try:
        ids = frozenset(open_ids(published_dataset(uri)))
    except DatasetError:
        return None
    return OpenRejects(run_id=run_id, shop=shop, ids=ids) if ids else None


def lanes_of(run: Mapping[str, Any], shop: str) -> list[dict[str, Any]]:
    """Return the lanes of a shop in a run."""
    return [lane for lane in run["lanes"] if lane["shop"] == shop]


def digest_report(report: RunReport) -> Digest:
    """Return what the page needs of a report for its lists and charts."""
    return {
        "dag_id": report.dag_id,
        "run_id": report.run_id,
        "title": report.title,
        "state": report.state,
        "dry_run": report.dry_run,
        "at": report.started_at or report.written_at or None,
        "started_at": report.started_at,
        "error": None if report.error is None else report.error.message,
        "gaps": [asdict(gap) for gap in report.gaps],
        "lanes": [_digest_lane(lane) for lane in report.lanes],
    }


def _digest_lane(lane: LaneReport) -> dict[str, Any]:
    return {
        "shop": lane.shop,
        "state": lane.state,
        "window": lane.window,
        "failed_at": lane.failed_at,
        "error": None if lane.error is None else lane.error.message,
        "counts": lane.counts,
        "rejections": [asdict(reason) for reason in lane.rejections],
        "api": [
            {
                "partner": calls.partner,
                "requests": calls.requests,
                "throttled": calls.throttled,
                "waited": calls.waited,
                "limit_share": calls.limit_share,
            }
            for calls in lane.api
        ],
    }


def _covered_until(run: Mapping[str, Any], lane: Mapping[str, Any]) -> str | None:
    """Return up to when a lane has read its shop: the end of its window, but no later than the run's start."""
    if run["dry_run"] or lane["state"] != "success" or not lane["window"]:
        return None
    ends = [lane["window"].get("until"), run["started_at"]]
    parsed = [time for end in ends if (time := timestamps.try_parse(end)) is not None]
    return timestamps.isoformat(min(parsed)) if parsed else None


_Rejects = tuple[str, str, str]
"""A run, a shop and the folder of its rejects. Folders are no part of a digest: a digest is shown."""


def _parts(entry: ReportEntry) -> tuple[Digest, list[_Rejects]] | None:
    if entry.written_at is None:
        return _read(entry)
    return _cached(entry.uri, entry.written_at, _NoKey(entry))


class _NoKey:
    """A value that is no part of a cache's key."""

    def __init__(self, entry: ReportEntry) -> None:
        self.entry = entry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _NoKey)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=5 * HISTORY)
def _cached(uri: str, written_at: datetime, value: _NoKey) -> tuple[Digest, list[_Rejects]] | None:
    return _read(value.entry)


def _read(entry: ReportEntry) -> tuple[Digest, list[_Rejects]] | None:
    report = entry.read()
    if report is None or not is_report_at(report, entry.uri):
        # Damaged, or written by hand: a report speaks for its own run alone.
        return None
    return digest_report(report), [] if report.dry_run else list(_rejects(report))


def _rejects(report: RunReport) -> Iterable[_Rejects]:
    for lane in report.lanes:
        for dataset in lane.rejects:
            if dataset.records:
                yield report.run_id, lane.shop, dataset.uri
