"""Where reports are: below the staging folder, in a folder of their own, one for each run.

::

    {staging}/.reports/{dag_id}/{run_id}/report.json    the report, see RunReport
    {staging}/.reports/{dag_id}/{run_id}/report.html    the page
    {staging}/.reports/.lanes/{dag_id}/{run_id}/…json   its lanes: those that are ready, while the run goes on

Names of folders are escaped as those of datasets are, and no Dag's folder begins with a dot. The same code works on a
local disk and in object storage. To list reports, the storage is listed once and no report is read. Lanes lie apart:
a run of 1,000 shops has as many files of them, and a list of reports would have all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.listing import child_folders, find_files, modified_at
from airflow_provider_partners.datasets.location import folder_name, read_folder_name
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.observability.report.model import LaneReport, RunReport

__all__ = [
    "PAGE_FILE",
    "REPORT_FILE",
    "ReportEntry",
    "is_report_at",
    "list_reports",
    "read_lanes",
    "read_page",
    "read_report",
    "remove_reports",
    "report_uri",
    "reported_dags",
    "write_lane",
    "write_report",
]

REPORT_FILE = "report.json"
PAGE_FILE = "report.html"
_LANES = ".lanes"
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEntry:
    """A report that exists, without its content.

    :param dag_id: of the Dag; ``None`` if its id is too long for a folder's name
    :param run_id: of the run; ``None`` likewise
    :param uri: the folder with ``report.json`` and ``report.html``
    :param written_at: when the report was written; ``None`` if the storage does not say
    """

    dag_id: str | None
    run_id: str | None
    uri: str
    written_at: datetime | None

    def read(self) -> RunReport | None:
        """Return the report; ``None`` if it was removed since, or is damaged."""
        return _read(self.uri)


def list_reports(*, dag_id: str | None = None, limit: int = 25) -> list[ReportEntry]:
    """Return the newest reports, the newest first. None of them is read.

    :param dag_id: of one Dag; by default of all
    :param limit: how many at most
    :raises StorageError: when the storage can't be listed
    """
    newest = sorted(_entries(dag_id), key=lambda entry: (entry.written_at or _EARLIEST, entry.uri), reverse=True)
    return newest[:limit]


def reported_dags() -> list[str]:
    """Return the ids of the Dags that have reports, sorted."""
    names = (read_folder_name(folder.rpartition("/")[2]) or _dag_of(folder) for folder in _dag_folders())
    return sorted(name for name in names if name is not None)


def _dag_of(folder: str) -> str | None:
    """Return the Dag whose id is too long for the folder's name, from one of its reports."""
    uris = (f"{folder}/{name.rpartition('/')[0]}" for name in find_files(folder) if name.endswith(f"/{REPORT_FILE}"))
    reports = ((uri, _read(uri)) for uri in uris)
    return next((report.dag_id for uri, report in reports if report and is_report_at(report, uri)), None)


def read_report(dag_id: str, run_id: str) -> RunReport | None:
    """Return the report of a run; ``None`` if there is none.

    :raises StorageError: when the storage fails
    """
    return _read(report_uri(dag_id, run_id))


def read_page(dag_id: str, run_id: str) -> bytes | None:
    """Return the page of a run, as HTML in UTF-8; ``None`` if there is none."""
    try:
        return DatasetFolder(report_uri(dag_id, run_id)).read(PAGE_FILE)
    except DatasetError:
        return None


def report_uri(dag_id: str, run_id: str) -> str:
    """Return the folder of a run's report."""
    return f"{_root()}/{folder_name(dag_id)}/{folder_name(run_id)}"


def is_report_at(report: RunReport, uri: str) -> bool:
    """Return True if a folder is that of the report's run. A report that somebody has copied speaks for no other."""
    return report_uri(report.dag_id, report.run_id) == uri


def write_report(report: RunReport, page: str) -> str:
    """Write a report and its page, and return the URI of the page.

    :param page: HTML
    """
    uri = report_uri(report.dag_id, report.run_id)
    folder = DatasetFolder(uri)
    folder.write(PAGE_FILE, page.encode(errors="replace"))
    # Last: who finds the report finds its page, too.
    folder.write_json(REPORT_FILE, report.to_dict())
    return f"{uri}/{PAGE_FILE}"


def write_lane(dag_id: str, run_id: str, lane: LaneReport) -> None:
    """Store the report of one lane until the run's report is written."""
    DatasetFolder(_lanes_uri(dag_id, run_id)).write_json(_lane_file(lane), lane.to_dict())


def read_lanes(dag_id: str, run_id: str) -> list[LaneReport]:
    """Return the lanes of a run that are ready."""
    folder = DatasetFolder(_lanes_uri(dag_id, run_id))
    values = (folder.read_json(name) for name in folder.file_names())
    return [LaneReport.from_dict(value) for value in values if isinstance(value, dict)]


def remove_reports(*, older_than: datetime, dry_run: bool = False) -> int:
    """Remove reports and lanes that were written before a time, and return how many reports.

    :param dry_run: count only
    """
    old = [entry for entry in _entries(None) if entry.written_at is not None and entry.written_at < older_than]
    if not dry_run:
        for entry in old:
            DatasetFolder(entry.uri).remove_all()
        _remove_lanes(older_than)
    return len(old)


def _remove_lanes(older_than: datetime) -> None:
    """Remove the lanes of runs, also of those that have written no report."""
    for folder in child_folders(f"{_root()}/{_LANES}"):
        times: dict[str, list[datetime | None]] = {}
        for name, details in find_files(folder).items():
            times.setdefault(name.partition("/")[0], []).append(modified_at(details))
        for run, written_at in times.items():
            if all(time is not None and time < older_than for time in written_at):
                DatasetFolder(f"{folder}/{run}").remove_all()


def _entries(dag_id: str | None) -> Iterator[ReportEntry]:
    folders = _dag_folders() if dag_id is None else [f"{_root()}/{folder_name(dag_id)}"]
    for folder in folders:
        dag = read_folder_name(folder.rpartition("/")[2]) if dag_id is None else dag_id
        for name, details in find_files(folder).items():
            run, _, file = name.partition("/")
            if file == REPORT_FILE:
                written_at = modified_at(details)
                yield ReportEntry(
                    dag_id=dag, run_id=read_folder_name(run), uri=f"{folder}/{run}", written_at=written_at
                )


def _dag_folders() -> list[str]:
    """Return the folders of the Dags' reports. No Dag's begins with a dot."""
    return [folder for folder in child_folders(_root()) if not folder.rpartition("/")[2].startswith(".")]


def _lanes_uri(dag_id: str, run_id: str) -> str:
    return f"{_root()}/{_LANES}/{folder_name(dag_id)}/{folder_name(run_id)}"


def _read(uri: str) -> RunReport | None:
    value = DatasetFolder(uri).read_json(REPORT_FILE)
    try:
        return RunReport.from_dict(value) if isinstance(value, dict) else None
    except (TypeError, AttributeError, ValueError):
        return None


def _lane_file(lane: LaneReport) -> str:
    since = (lane.window or {}).get("since", "")
    return f"{folder_name(f'{lane.shop} {since}')}.json"


def _root() -> str:
    return f"{settings.staging_uri().rstrip('/')}/.reports"
