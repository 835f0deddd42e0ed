"""One page of a Yotpo list, with the records outside the time range left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.pagination.page import Cursor, Page, Paginator
from airflow_provider_partners.api.pagination.strategies import TokenPaginator
from airflow_provider_partners.api.yotpo.lookup import GetJson
from airflow_provider_partners.api.yotpo.resources import YotpoResource, with_yotpo_id
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.records import Record
from airflow_provider_partners.windows import TimeRange


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetcher:
    """Fetches the pages of one list.

    :param resource: the list
    :param get: sends a GET request
    :param paginator: page size and position
    :param path: the list's path, with parent ids filled in
    :param params: the filters of the first page
    :param time_range: the time range to keep
    :param time_field: the field that it filters
    """

    resource: YotpoResource
    get: GetJson
    paginator: Paginator
    path: str
    params: Mapping[str, str]
    time_range: TimeRange
    time_field: str = ""

    def fetch(self, cursor: Cursor) -> Page:
        """Return the page at a cursor."""
        # The token remembers the filters of the first page, and Yotpo refuses both together
        # (https://core-api.yotpo.com/reference/guidelines-and-conventions, "pagination").
        if isinstance(self.paginator, TokenPaginator):
            params = self.paginator.params_with_filters(cursor, self.params)
        else:
            params = {**self.params, **self.paginator.params(cursor)}
        body = self.get(self.path, f"{self.resource.name}.list", {name: str(value) for name, value in params.items()})
        records = self.resource.extract_records(body)
        if self.resource.envelope:
            records = [with_yotpo_id(record) for record in records]
        next_cursor = self.paginator.next(cursor, body=body, records=records)
        return Page([record for record in records if self._keeps(record)], next_cursor)

    def _keeps(self, record: Record) -> bool:
        """Return True if the record's time lies in the time range, or is missing.

        The server's filter alone is not enough. ``order_date_min`` and ``since_updated_at`` are known from
        singer-io/tap-yotpo, and ``order_date_max`` is inferred, so Yotpo may ignore any of them. A review's filter has
        no end at all.
        """
        text = record.get(self.time_field)
        return not text or self.time_range.contains(_parse_time(text, self.resource.name, self.time_field))


def _parse_time(text: str, list_name: str, name: str) -> datetime:
    # Yotpo returns times in UTC, of orders without a zone: 2024-05-01T10:20:30.
    timestamp = timestamps.try_parse(text)
    if timestamp is None:
        message = f"Yotpo returned one of its {list_name} whose {name} is no timestamp"
        raise UnexpectedResponseError(message, partner="Yotpo")
    return timestamp
