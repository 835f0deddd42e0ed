"""The report of a run: what it read and wrote, why, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.observability.report.model import LaneReport as LaneReport
    from airflow_provider_partners.observability.report.model import RunReport as RunReport
    from airflow_provider_partners.observability.report.store import ReportEntry as ReportEntry
    from airflow_provider_partners.observability.report.store import list_reports as list_reports
    from airflow_provider_partners.observability.report.store import read_page as read_page
    from airflow_provider_partners.observability.report.store import read_report as read_report
    from airflow_provider_partners.observability.report.store import report_uri as report_uri
    from airflow_provider_partners.observability.report.store import reported_dags as reported_dags

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "model": ["LaneReport", "RunReport"],
        "store": ["ReportEntry", "list_reports", "read_page", "read_report", "report_uri", "reported_dags"],
    },
)
