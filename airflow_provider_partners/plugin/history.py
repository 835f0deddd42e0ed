"""What a Dag's reports say together: its runs by shop, how far each shop is read, and which rejects are open.

Nothing is stored. A report does not change once it is written, so its digest stays in memory for the next request. The
memory and the time of a page grow with the lanes of the reports, so both have a limit in lanes.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.reader import published_dataset
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.observability.report import LaneReport, ReportEntry, RunReport, list_reports
from airflow_provider_partners.observability.report.store import is_report_at
from airflow_provider_partners.pipelines.open_rejects import open_ids
from airflow_provider_partners.plugin.records import owner_of

__all__ = ["HISTORY", "History", "RunRejects", "digest_report", "lanes_of", "read_history", "read_run_rejects"]

HISTORY = 200
"""How many of a Dag's newest reports the page looks at: a week of an hourly Dag, and a bit more."""

MOST_LANES = 20_000
"""After how many lanes of these reports the page looks at no older one: 200 runs of 100 shops, or 20 of 1,000."""

_MOST_REMEMBERED = 5 * MOST_LANES
"""Lanes in memory, of all Dags: about half a kilobyte each."""

_PARALLEL_READS = 8

Digest = dict[str, Any]
"""What the page needs of one report, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRejects:
    """Rejects of one shop in one run that no replay has closed.

    :param ids: external ids of their orders
    """

    run_id: str
    shop: str
    ids: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class History:
    """The newest runs of one Dag.

    :param runs: digests, the newest first
    :param open_rejects: of these runs, the newest first
    """

    dag_id: str
    runs: Sequence[Digest] = ()
    open_rejects: Sequence[RunRejects] = field(default=())

    @property
    def title(self) -> str:
        """What the Dag does."""
        return next((run["title"] for run in self.runs if run["title"]), "")

    @property
    def shops(self) -> list[str]:
        """The shops of the runs, in alphabetical order."""
        return sorted(self._lanes_by_shop)

    @cached_property
    def _lanes_by_shop(self) -> dict[str, list[tuple[Digest, Digest]]]:
        """The lanes of each shop, each with its run."""
        found: dict[str, list[tuple[Digest, Digest]]] = {}
        for run in self.runs:
            for lane in run["lanes"]:
                found.setdefault(lane["shop"], []).append((run, lane))
        return found

    @cached_property
    def _rejects_by_shop(self) -> dict[str, list[RunRejects]]:
        found: dict[str, list[RunRejects]] = {}
        for rejects in self.open_rejects:
            found.setdefault(rejects.shop, []).append(rejects)
        return found

    def overview(self, shop: str) -> dict[str, Any]:
        """Return up to when a shop is read, its gaps, and how many of its orders were rejected and are open."""
        lanes = self._lanes_by_shop.get(shop, [])
        covered = [until for run, lane in lanes if (until := _covered_until(run, lane))]
        latest = next((run for run, _ in lanes if not run["dry_run"]), None)
        return {
            "shop": shop,
            "covered_until": max(covered, default=None),
            # Each run names all gaps that remain of its shops.
            "gaps": [gap for gap in latest["gaps"] if gap["shop"] == shop] if latest else [],
            "open_rejects": len(frozenset().union(*(rejects.ids for rejects in self.open_rejects_of(shop)))),
        }

    def open_rejects_of(self, shop: str) -> list[RunRejects]:
        """Return the open rejects of a shop."""
        return self._rejects_by_shop.get(shop, [])


def read_history(dag_id: str, limit: int = HISTORY) -> History:
    """Return the newest runs of a Dag.

    :raises StorageError: when the storage can't be listed
    """
    entries = list_reports(dag_id=dag_id, limit=limit)
    with ThreadPoolExecutor(_PARALLEL_READS) as threads:
        found = list(_read_newest(entries, threads))
        found.sort(key=lambda known: (known.digest["at"] or "", known.digest["run_id"]), reverse=True)
        # A replay sends rejects of other runs, and what it rejects again is still open there.
        rejects = [] if dag_id == REPLAY_DAG_ID else [each for known in found for each in known.rejects]
        unread = threads.map(lambda each: read_run_rejects(dag_id, *each), rejects)
        return History(
            dag_id=dag_id,
            runs=[known.digest for known in found],
            open_rejects=[each for each in unread if each is not None],
        )


def _read_newest(entries: Sequence[ReportEntry], threads: ThreadPoolExecutor) -> Iterator[_Known]:
    """Yield the digests of reports, up to the one with which there are enough lanes.

    :param entries: the newest first
    """
    lanes = 0
    for start in range(0, len(entries), _PARALLEL_READS):
        for known in threads.map(_known, entries[start : start + _PARALLEL_READS]):
            if known is not None and lanes < MOST_LANES:
                lanes += len(known.digest["lanes"])
                yield known
        if lanes >= MOST_LANES:
            return


def read_run_rejects(dag_id: str, run_id: str, shop: str, uri: str) -> RunRejects | None:
    """Return the open rejects of one dataset; ``None`` if all are closed, or if the dataset is not there any more."""
    if owner_of(uri, dag_id) != dag_id:
        return None
    try:
        ids = frozenset(open_ids(published_dataset(uri)))
    except DatasetError:
        return None
    return RunRejects(run_id=run_id, shop=shop, ids=ids) if ids else None


def lanes_of(run: Mapping[str, Any], shop: str) -> list[dict[str, Any]]:
    """Return the lanes of a shop in a run."""
    return [lane for lane in run["lanes"] if lane["shop"] == shop]


def digest_report(report: RunReport) -> Digest:
    """Return what the page needs of a report for its lists and charts."""
    shared = _Shared()
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
        "lanes": [_digest_lane(lane, shared) for lane in report.lanes],
    }


class _Shared:
    """Equal parts of lanes, each in memory once: most lanes of many have the same window and the same counts."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def __call__(self, part: Any) -> Any:
        return self._parts.setdefault(repr(part), part)


def _digest_lane(lane: LaneReport, shared: _Shared) -> dict[str, Any]:
    return {
        "shop": sys.intern(lane.shop),
        "state": lane.state,
        "window": shared(lane.window),
        "failed_at": lane.failed_at,
        "error": None if lane.error is None else lane.error.message,
        "counts": shared(lane.counts),
        "rejections": shared([asdict(reason) for reason in lane.rejections]),
        "api": shared([
            {
                "partner": calls.partner,
                "requests": calls.requests,
                "throttled": calls.throttled,
                "waited": calls.waited,
                "limit_share": calls.limit_share,
            }
            for calls in lane.api
        ]),
    }


def _covered_until(run: Mapping[str, Any], lane: Mapping[str, Any]) -> str | None:
    """Return up to when a lane has read its shop: the end of its window, but no later than the run's start."""
    if run["dry_run"] or lane["state"] != "success" or not lane["window"]:
        return None
    ends = [lane["window"].get("until"), run["started_at"]]
    parsed = [time for end in ends if (time := timestamps.try_parse(end)) is not None]
    return timestamps.isoformat(min(parsed)) if parsed else None


class _Known(NamedTuple):
    """What is known of one report.

    :param rejects: runs, shops and folders of rejects. Folders are no part of a digest: a digest is shown
    """

    digest: Digest
    rejects: list[tuple[str, str, str]]


class _Memory:
    """The digests that were needed last. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: OrderedDict[tuple[str, datetime], _Known | None] = OrderedDict()
        self._lanes = 0

    def report(self, entry: ReportEntry, written_at: datetime) -> _Known | None:
        """Return the digest of a report; read the report if it is not in memory."""
        key = (entry.uri, written_at)
        with self._lock:
            if key in self._reports:
                self._reports.move_to_end(key)
                return self._reports[key]
        known = _read(entry)
        with self._lock:
            if key not in self._reports:
                self._reports[key] = known
                self._lanes += _weight(known)
                while self._lanes > _MOST_REMEMBERED:
                    self._lanes -= _weight(self._reports.popitem(last=False)[1])
        return known


def _weight(known: _Known | None) -> int:
    """Return what a digest counts of the memory's limit, in lanes."""
    return 1 + (len(known.digest["lanes"]) if known is not None else 0)


_memory = _Memory()


def _known(entry: ReportEntry) -> _Known | None:
    return _read(entry) if entry.written_at is None else _memory.report(entry, entry.written_at)


def _read(entry: ReportEntry) -> _Known | None:
    report = entry.read()
    if report is None or not is_report_at(report, entry.uri):
        # Damaged, or written by hand: a report speaks for its own run alone.
        return None
    return _Known(digest_report(report), [] if report.dry_run else list(_rejects(report)))


def _rejects(report: RunReport) -> Iterable[tuple[str, str, str]]:
    for lane in report.lanes:
        for dataset in lane.rejects:
            if dataset.records:
                yield report.run_id, lane.shop, dataset.uri
