"""What a Dag's reports say together: its runs by shop, and how far each shop is read.

Nothing is stored. A report does not change once it is written, so its digest stays in memory for the next request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.observability.report import LaneReport, ReportEntry, RunReport, list_reports

__all__ = ["HISTORY", "REPLAY_DAG_ID", "read_history", "replays_of", "shop_overview", "shops_of"]

HISTORY = 200
"""How many of a Dag's newest reports the page looks at: a week of an hourly Dag, and a bit more."""

REPLAY_DAG_ID = "yotpo_replay_rejects"
"""The Dag that sends rejects again."""

_PARALLEL_READS = 8

Digest = dict[str, Any]
"""What the page needs of one report, as JSON."""


def read_history(dag_id: str, limit: int = HISTORY) -> list[Digest]:
    """Return the digests of a Dag's newest reports, the newest first.

    :raises StorageError: when the storage can't be listed
    """
    entries = [entry for entry in list_reports(dag_id=dag_id, limit=limit) if entry.run_id is not None]
    with ThreadPoolExecutor(_PARALLEL_READS) as threads:
        digests = [digest for digest in threads.map(_digest, entries) if digest is not None]
    return sorted(digests, key=lambda digest: (digest["at"] or "", digest["run_id"]), reverse=True)


def shops_of(history: Iterable[Digest]) -> list[str]:
    """Return the shops of a Dag's runs, in alphabetical order."""
    return sorted({lane["shop"] for digest in history for lane in digest["lanes"]})


def replays_of(history: Iterable[Digest]) -> list[Digest]:
    """Return the runs that sent rejects again, without those that only planned it."""
    return [digest for digest in history if not digest["dry_run"] and digest["state"] != "failed"]


def shop_overview(history: Sequence[Digest], shop: str, replays: Sequence[Digest] = ()) -> dict[str, Any]:
    """Return how a shop stands: up to when it is read, its gaps, and its rejects that nobody has sent again.

    :param history: digests of one Dag
    :param replays: digests of the runs that sent rejects again
    """
    covered = [until for digest in history for lane in lanes_of(digest, shop) if (until := _covered(digest, lane))]
    latest = next((digest for digest in history if not digest["dry_run"] and lanes_of(digest, shop)), None)
    # Every run names all gaps that remain of its shops.
    gaps = [gap for gap in latest["gaps"] if gap["shop"] == shop] if latest else []
    rejects = open_rejects(history, shop, replays)
    return {
        "shop": shop,
        "covered_until": max(covered, default=None),
        "gaps": gaps,
        "open_rejects": sum(each["records"] for each in rejects),
    }


def open_rejects(history: Sequence[Digest], shop: str, replays: Sequence[Digest]) -> list[dict[str, Any]]:
    """Return the runs with rejects of a shop that were not sent again since.

    A replay closes the rejects that it took: those of its run, or those of its shop until then. What is rejected again
    stands in the replay's own report.
    """
    found = []
    for digest in (*history, *replays):
        if digest["dry_run"]:
            continue
        rejected = sum(lane["counts"].get("rejected", 0) for lane in lanes_of(digest, shop))
        if rejected and not any(_closes(replay, digest, shop) for replay in replays):
            found.append({"dag_id": digest["dag_id"], "run_id": digest["run_id"], "records": rejected})
    return found


def lanes_of(digest: Digest, shop: str) -> list[dict[str, Any]]:
    """Return the lanes of a shop in a run."""
    return [lane for lane in digest["lanes"] if lane["shop"] == shop]


def _closes(replay: Digest, digest: Digest, shop: str) -> bool:
    if replay is digest or not lanes_of(replay, shop) or (replay["at"] or "") <= (digest["at"] or ""):
        return False
    run = replay["params"].get("run")
    return run is None or run in {digest["run_id"], f"{digest['dag_id']}/{digest['run_id']}"}


def _covered(digest: Digest, lane: Mapping[str, Any]) -> str | None:
    """Return up to when a lane has read its shop: the end of its window, but no later than the run's start."""
    if digest["dry_run"] or lane["state"] != "success" or not lane["window"]:
        return None
    ends = [lane["window"].get("until"), digest["started_at"]]
    parsed = [time for end in ends if (time := timestamps.try_parse(end)) is not None]
    return timestamps.isoformat(min(parsed)) if parsed else None


def _digest(entry: ReportEntry) -> Digest | None:
    if entry.written_at is None:
        return _read(entry)
    return _cached(entry.uri, entry.written_at, _Hidden(entry))


class _Hidden:
    """A value that is no part of a cache's key."""

    def __init__(self, value: ReportEntry) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hidden)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=4096)
def _cached(uri: str, written_at: datetime, entry: _Hidden) -> Digest | None:
    return _read(entry.value)


def _read(entry: ReportEntry) -> Digest | None:
    report = entry.read()
    if report is None or report.run_id != entry.run_id or report.dag_id != entry.dag_id:
        # Damaged, or written by hand: a report speaks for its own run alone.
        return None
    return digest_report(report)


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
        "params": {name: value for name, value in report.params.items() if name in {"run", "shop"}},
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
