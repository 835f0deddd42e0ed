"""What a partner's list is: one row of a table per list, from which clients, operators, sensors and docs are
made.

Adding a list to an API is adding a row to its client's ``RESOURCES``. Must not know any particular API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator, Paginator
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One list of an API.

    :param name: as users write it, such as ``returns``
    :param path: below the client's base URL, exactly as documented; may hold ``{placeholders}``
    :param records_path: dotted path of the rows in an answer
    :param paginator: how it is walked
    :param key: the fields (dotted) that identify a row
    :param time_field: the field that a window filters on, where the API can
    :param filters: selector to its operators
    :param page_size: rows per page, unless the user says otherwise
    :param max_page_size: the most that the API gives
    :param max_page_number: the highest page number served
    :param parents: what must be given to reach it, such as ``order_id``
    :param type: the API's own name of a row's type
    :param fields: the fields asked for
    :param include: the relations asked for
    :param sort: the order asked for
    :param doc: one line for the docs' table
    :param url: the partner's own page
    :param notes: what else the API's client needs to know of it
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
    notes: Mapping[str, Any] = field(default_factory=dict)

    def sized_paginator(self, size: int | None = None) -> Paginator:
        """How it is walked with pages of a size.

        :param size: rows per page; this list's own by default
        :raises ConfigurationError: when the API doesn't give pages of that size
        """
        size = self.page_size if size is None else size
        if size < 1 or (self.max_page_size is not None and size > self.max_page_size):
            bound = f"1 to {self.max_page_size}" if self.max_page_size else "1 or more"
            message = f"page_size={size} is not possible for '{self.name}'"
            raise ConfigurationError(message, remedy=f"Use {bound}.")
        paging: Any = self.paginator
        if isinstance(paging, PageNumberPaginator):
            return replace(
                paging,
                size=size,
                max_page_number=self.max_page_number if self.max_page_number is not None else paging.max_page_number,
            )
        sized: Paginator = replace(paging, size=size)
        return sized

    def extract_records(self, body: Any) -> list[Record]:
        """The rows of an answer.

        :param body: the answer's JSON
        :raises UnexpectedResponseError: when they are not where they belong
        """
        rows = get_path(body, self.records_path)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            held = sorted(body) if isinstance(body, Mapping) else type(body).__name__
            message = f"the answer for '{self.name}' has no list of records at '{self.records_path}', but {held}"
            raise UnexpectedResponseError(message[:300])
        return rows


R = TypeVar("R", bound=Resource)


def find_resource(table: Mapping[str, R], name: str) -> R:
    """A list by its name.

    :param table: an API's lists
    :param name: as the user wrote it
    :raises ConfigurationError: naming those that exist
    """
    if name not in table:
        message = f"there is no resource '{name}'"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(table))}.")
    return table[name]
