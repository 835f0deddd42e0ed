"""The declaration of one list of an API.

Each client has a table of resources. Clients, operators, sensors and the documentation read this table, so a new list
is a new entry in it. This module knows no partner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator
from airflow_provider_partners.arguments import check_count, suggest
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.api.pagination.page import Paginator
    from airflow_provider_partners.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One list of an API.

    :param name: the name that users write, such as ``returns``
    :param path: path below the client's base URL; may contain ``{placeholders}``
    :param records_path: dotted path of the records in a response
    :param key: fields (dotted paths) that identify a record
    :param time_field: field that a time range filters on, if the API can filter by time
    :param filters: allowed operators by selector
    :param page_size: records per page, unless the user sets another number
    :param max_page_size: largest page that the API serves
    :param max_page_number: highest page number that the API serves
    :param parents: ids that the path needs, such as ``order_id``
    :param type: the API's own type name of a record
    :param fields: fields to request
    :param include: relations to request
    :param sort: sort order to request
    :param doc: one line for the table in the documentation
    :param url: page of the partner's documentation
    """

    name: str
    path: str = ""
    records_path: str = ""
    paginator: Paginator
    key: tuple[str, ...] = ("id",)
    time_field: str | None = None
    filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    page_size: int = 100
    max_page_size: int | None = None
    max_page_number: int | None = None
    parents: tuple[str, ...] = ()
    type: str = ""
    fields: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    sort: str = ""
    doc: str = ""
    url: str = ""

    def sized_paginator(self, size: int | None = None) -> Paginator:
        """Return the paginator with the given page size.

        :param size: records per page; defaults to :attr:`page_size`
        :raises ConfigurationError: the API does not serve pages of this size
        """
        size = self.page_size if size is None else size
        if not isinstance(size, int):
            check_count("page_size", size)
        if size < 1 or (self.max_page_size is not None and size > self.max_page_size):
            allowed = f"1 to {self.max_page_size}" if self.max_page_size else "1 or more"
            message = f"'{self.name}' does not take page_size={size}"
            raise ConfigurationError(message, remedy=f"Use {allowed}.")
        paginator: Any = self.paginator
        if isinstance(paginator, PageNumberPaginator) and self.max_page_number is not None:
            paginator = replace(paginator, max_page_number=self.max_page_number)
        sized: Paginator = replace(paginator, size=size)
        return sized

    def extract_records(self, body: Any) -> list[Record]:
        """Return the records of a response.

        :param body: the response's JSON
        :raises UnexpectedResponseError: there is no list of records at :attr:`records_path`
        """
        records = get_path(body, self.records_path)
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            content = sorted(body) if isinstance(body, Mapping) else type(body).__name__
            message = f"the response for '{self.name}' has no list of records at '{self.records_path}', but {content}"
            raise UnexpectedResponseError(message[:300])
        return records


ResourceT = TypeVar("ResourceT", bound=Resource)


def find_resource(resources: Mapping[str, ResourceT], name: str) -> ResourceT:
    """Return the resource with this name.

    :raises ConfigurationError: the name is unknown; the error lists the known names
    """
    if name not in resources:
        message = f"there is no resource '{name}'{suggest(name, resources)}"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(resources))}.")
    return resources[name]
