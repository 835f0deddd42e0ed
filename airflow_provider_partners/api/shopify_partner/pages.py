"""Fetch one page of a Partner API connection, and keep the records of its half-open time range.

This module knows neither arguments nor the rules of resources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.shopify.errors import missing_connection_error
from airflow_provider_partners.api.shopify.page_size import AdaptivePageSize
from airflow_provider_partners.api.shopify.shops import normalize_domain
from airflow_provider_partners.api.shopify.timestamps import record_timestamp
from airflow_provider_partners.api.shopify_partner.documents import ALIASES
from airflow_provider_partners.api.shopify_partner.permissions import permission_remedy
from airflow_provider_partners.exceptions import ConfigurationError, PagingError
from airflow_provider_partners.records import get_path
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.records import Record


def _unchanged(record: Record) -> Record:
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionFetcher:
    """Fetches the pages of one connection. Thread-safe.

    :param label: name of the list in logs and errors
    :param document: the GraphQL document
    :param variables: the same for every page
    :param paginator: path of the connection, and the page size
    :param page_size: reduced if a page takes Shopify too long
    :param time_field: the record's field that ``since`` and ``until`` filter
    :param time_range: keep only records inside of it
    :param shop: keep only records of this domain, where the API cannot filter by it
    :param transform: makes a record of a node
    :param removal_notice: remedy of the error if the API no longer has the field
    """

    caller: GraphQLCaller
    label: str
    document: str
    variables: Mapping[str, Any]
    paginator: ConnectionPaginator
    page_size: AdaptivePageSize
    time_field: str | None = None
    time_range: TimeRange = field(default_factory=TimeRange)
    shop: str | None = None
    transform: Callable[[Record], Record] = _unchanged
    removal_notice: str = ""

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor.

        :param cursor: ``{}`` or ``{"after": …}``
        :raises ConfigurationError: if the connection does not exist
        :raises PagingError: if the page announces more records without a cursor
        """
        data = self.page_size.call(partial(self._fetch_data, cursor))
        nodes = self._nodes(data)
        if not nodes and get_path(data, f"{self.paginator.connection_path}.pageInfo.hasNextPage"):
            message = f"'{self.label}' returned an empty page, but announces more records"
            raise PagingError(message, remedy="Try again, or use a shorter window.")
        next_cursor = self.paginator.next(cursor, body=data, records=nodes)
        return Page([record for record in map(self.transform, nodes) if self._is_included(record)], next_cursor)

    def _fetch_data(self, cursor: Cursor, size: int, *, max_timeouts: int | None) -> Mapping[str, Any]:
        parameters = replace(self.paginator, size=size).params(cursor).items()
        paging = {name: value for name, value in parameters if value is not None}
        variables = {**self.variables, **paging}
        try:
            return self.caller.execute(self.document, variables, label=self.label, max_timeouts=max_timeouts).data
        except ConfigurationError as error:
            if self.removal_notice and "doesn't exist on type" in str(error):
                message = f"the API has no '{self.label}'"
                raise ConfigurationError(message, remedy=self.removal_notice) from error
            raise

    def _nodes(self, data: Mapping[str, Any]) -> list[Record]:
        steps = self.paginator.connection_path.split(".")
        connection: Any = data
        for depth, step in enumerate(steps, 1):
            connection = connection.get(step) if isinstance(connection, Mapping) else None
            if connection is None:
                raise missing_connection_error(".".join(steps[:depth]), self.label, remedy=permission_remedy(steps[0]))
        return [edge["node"] for edge in connection["edges"] if edge and edge.get("node")]

    def _is_included(self, record: Record) -> bool:
        if self.shop and normalize_domain(str(get_path(record, "shop.myshopifyDomain") or "")) != self.shop:
            return False
        if self.time_field is None or record.get(self.time_field) is None:
            return True
        # The API's upper bound is inclusive: a record at the exact end belongs to the next time range.
        return self.time_range.contains(record_timestamp(record, self.time_field))


def restore_aliases(record: Record) -> Record:
    """Return a node with the API's own field names, and with a ``chargeId`` if it has no id.

    :param record: a node of one of our documents
    """
    restored = {ALIASES.get(name, name): value for name, value in record.items()}
    if "id" not in restored:
        restored["chargeId"] = get_path(restored, "charge.id") or get_path(restored, "appCredit.id") or ""
    return restored
