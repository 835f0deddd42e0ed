"""One page of a Yotpo list, with the records outside the time range left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.pagination.page import Cursor, Page
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
    :param time_range: the order dates to keep
    """

    resource: YotpoResource
    get: GetJson
    paginator: TokenPaginator
    path: str
    params: Mapping[str, str]
    time_range: TimeRange

    def fetch(self, cursor: Cursor) -> Page:
        """Return the page at a cursor."""
        # The token remembers the filters of the first page, and Yotpo refuses both together
        # (https://core-api.yotpo.com/reference/guidelines-and-conventions, "pagination").
        params = self.paginator.params_with_filters(cursor, self.params)
        body = self.get(self.path, f"{self.resource.name}.list", {name: str(value) for name, value in params.items()})
        records = [with_yotpo_id(record) for record in self.resource.extract_records(body)]
        next_cursor = self.paginator.next(cursor, body=body, records=records)
        return Page([record for record in records if self._keeps(record)], next_cursor)

    def _keeps(self, order: Record) -> bool:
        """Return True if the order's date lies in the time range, or is missing.

        The server's filter alone is not enough. ``order_date_min`` is known from singer-io/tap-yotpo alone, and
        ``order_date_max`` is inferred from it, so Yotpo may ignore either.
        """
        text = order.get("order_date")
        return not text or self.time_range.contains(_parse_order_date(text))


def _parse_order_date(text: str) -> datetime:
    # Yotpo returns times in UTC and without a zone: 2024-05-01T10:20:30.
    timestamp = timestamps.try_parse(text)
    if timestamp is None:
        message = "Yotpo returned an order whose order_date is no timestamp"
        raise UnexpectedResponseError(message, partner="Yotpo")
    return timestamp
