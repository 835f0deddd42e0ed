"""How the tables of Voucherify's lists are written: one call per list, with what lists have in common left out.

Must not know any single list.

What a list of Voucherify is: a row of the tables in ``voucherify_lists*``; and how its answers and its parameters
are written.

Must not know how anything is sent, nor any single list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
import re

from airflow_provider_partners.api.pagination.strategies import (
    LastIdPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
    TimestampPaginator,
    TokenPaginator,
)

if TYPE_CHECKING:
    pass
if TYPE_CHECKING:
    from airflow_provider_partners.api.pagination.strategies import Paginator


MAX_VALUES_PER_CONDITION = 20
"""Values of one condition; the server reads indexes above as names (a default of its query parser)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFilter:
    """How a list is asked by one of its times.

    :param record_field: the field of a row that it goes by
    :param after: the query parameter of the lower bound; empty where there is none
    :param before: the query parameter of the upper bound
    :param sort: the value of ``sort`` that sorts by it, ascending; empty where there is none
    """

    record_field: str
    after: str = ""
    before: str = ""
    sort: str = ""

    @property
    def uses_filters(self) -> bool:
        """Whether the bounds are conditions of ``filters``, which a junction of the user's joins as well."""
        return self.before.startswith("filters[")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherifyResource(Resource):
    """A list of Voucherify.

    ``time_field`` is the time that a task's window is laid on without being told; ``times`` holds all that the list
    can be asked by.

    :param family: ``server``, ``client`` or ``management``: which kind of connection reads it
    :param paging_style: how it is walked: ``page``, ``starting_after_id``, ``cursor``, ``date_window``, ``limit_only``,
        ``single_shot``
    :param parameters: the query parameters it takes besides paging, order, time and ``filters``
    :param filters: filterable field to its operators; ``None`` where any is possible
    :param allows_any_filter: whether any field can be filtered on, such as ``metadata.x``
    :param times: name to how it is asked by that time
    :param sort_values: the values of ``order``; without any the list can't be sorted
    :param one: the path of a single record, with ``{id}``; empty where there is none
    :param scroll: walks the list behind a moment where its pages don't reach; ``None`` where that can't be
    :param exported_object: what the Exports API calls it; empty where it can't be exported
    :param deprecated: whether Voucherify advises against it
    :param counted: whether an answer may tell the total
    """

    family: str = "server"
    paging_style: str = "page"
    parameters: frozenset[str] = field(default_factory=frozenset)
    filters: Mapping[str, frozenset[str] | None] = field(default_factory=dict)  # type: ignore[assignment]
    allows_any_filter: bool = False
    times: Mapping[str, TimeFilter] = field(default_factory=dict)
    sort_values: tuple[str, ...] = ()
    one: str = ""
    scroll: str = ""
    exported_object: str = ""
    deprecated: bool = False
    counted: bool = True

    @property
    def accepts_filters(self) -> bool:
        """Whether it takes ``filters`` at all."""
        return self.allows_any_filter or bool(self.filters)

    @property
    def record_time_field(self) -> str:
        """The field of a row that a task's window goes by, where it has one."""
        return self.times[self.time_field].record_field if self.time_field else ""


def extract_records(resource: VoucherifyResource, body: Any) -> list[Record]:
    """The rows of an answer: where it says, or else under ``data``, or else its only list.

    The description itself names one key and shows another for some lists.

    :param resource: the list
    :param body: the answer's JSON
    :raises UnexpectedResponseError: when there is no list of records
    """
    if isinstance(body, Mapping):
        lists = [value for value in body.values() if isinstance(value, list)]
        named = [body.get(str(body.get("data_ref"))), body.get(resource.records_path), body.get("data")]
        records = next((value for value in named if isinstance(value, list)), lists[0] if len(lists) == 1 else None)
        if records is not None and all(isinstance(row, dict) for row in records):
            return records
    body_summary = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
    message = f"the answer for '{resource.name}' has no list of records, but {body_summary}"
    raise UnexpectedResponseError(message[:300], partner="Voucherify")


def encode_parameters(resource: VoucherifyResource, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A list's own parameters, as they are sent.

    ``{"filters": {"result": {"conditions": {"$in": ["A"]}}}}`` is ``filters[result][conditions][$in][0]=A``; a list at
    the top is repeated, ``result=SUCCESS&result=FAILURE``.

    :param resource: the list
    :param parameters: nested as above
    :raises ConfigurationError: for a parameter that the list doesn't take
    """
    known = {*resource.parameters, *(["filters"] if resource.accepts_filters else [])}
    for name in parameters:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            message = f"'{resource.name}' takes no parameter '{name}'"
            remedy = f"Known: {listed}; order, page_size, since and until are arguments of their own."
            raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        several = isinstance(value, list | tuple)
        pairs += [(name, _format_value(item)) for item in value] if several else list(_encode_nested(name, value))
    return pairs


def _encode_nested(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _encode_nested(f"{name}[{key}]", inner)
    elif isinstance(value, list | tuple):
        if len(value) > MAX_VALUES_PER_CONDITION:
            message = f"'{name}' has {len(value)} values, at most {MAX_VALUES_PER_CONDITION} are possible"
            raise ConfigurationError(
                message, remedy="Give them as 'filters', or in several tasks.", partner="Voucherify"
            )
        for index, inner in enumerate(value):
            yield from _encode_nested(f"{name}[{index}]", inner)
    elif value is not None:
        yield name, _format_value(value)


def _format_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


DOCS = "https://docs.voucherify.io/api-reference"

PAGE_SIZE = 100
"""Rows of a page, at most; ten where nothing is said."""

_CREATED_BEFORE = "filters[created_at][conditions][$before]"

_PAGINATORS: Mapping[str, Paginator] = {
    "page": PageNumberPaginator(size=PAGE_SIZE, number_param="page", size_param="limit", total_paths=("total",)),
    "starting_after_id": LastIdPaginator(size=PAGE_SIZE),
    # Loyalty v2: {"data": [...], "cursor": {"next": "lcrsctx_…", "expires_at": "…"}}
    "cursor": TokenPaginator(
        size=PAGE_SIZE, param="cursor", next_token_path="cursor.next", token_replaces_filters=False
    ),
    "date_window": TimestampPaginator(size=PAGE_SIZE, param=_CREATED_BEFORE, descending=True),
    "limit_only": SinglePagePaginator(size=PAGE_SIZE, size_param="limit", total_paths=("total",)),
    "single_shot": SinglePagePaginator(size=PAGE_SIZE, size_param="", total_paths=("total",)),
}

_CHOICE = frozenset({"$in", "$not_in", "$is", "$is_not", "$has_value", "$is_unknown", "$starts_with", "$ends_with"})
_OPERATORS: Mapping[str, frozenset[str] | None] = {
    "text": _CHOICE | {"$contains", "$not_contain"},
    "choice": _CHOICE,
    "date": frozenset({"$after", "$before", "$has_value", "$is_unknown", "$more_than", "$less_than"}),
    "flag": frozenset({"$is", "$is_not"}),
    "is": frozenset({"$is"}),
    "in": frozenset({"$in", "$not_in"}),
    "state": frozenset({"$active", "$expired", "$failed", "$in_progress", "$before_start"}),
    "any": None,
}
"""Which operators a field takes, by the kinds that the published description has."""


def resource(
    name: str,
    path: str,
    doc: str,
    *,
    style: str = "page",
    orders: str = "",
    sort: str | None = None,
    cap: int = 100,
    filters: str | None = None,
    parameters: str = "",
    paging: Paginator | None = None,
    results: str = "data",
    **fields: Any,
) -> VoucherifyResource:
    """One list.

    :param name: as users write it
    :param path: with ``{placeholders}`` in snake case
    :param doc: one line for the docs' table
    :param style: how it is walked
    :param orders: fields that ``order`` takes, each of them with ``-`` as well
    :param sort: the order asked for, where it isn't the first of ``orders``
    :param cap: the highest page served
    :param filters: ``field:kind`` with the kinds above; ``*`` for any field
    :param parameters: names
    :param paging: in place of the style's own
    :param results: where the rows are
    """
    values = tuple(value for order in orders.split() for value in (order, f"-{order}"))
    plain = [pair.partition(":")[::2] for pair in (filters or "").split() if pair != "*"]
    return VoucherifyResource(
        name=name,
        path=path,
        records_path=results,
        paginator=paging or _PAGINATORS[style],
        paging_style=style,
        max_page_size=PAGE_SIZE,
        max_page_number=cap if style == "page" else None,
        parents=tuple(re.findall(r"{(\w+)}", path)),
        sort_values=values,
        # The default direction isn't told for every list, or in two ways; ascending, what arrives during a walk comes
        # at its end.
        sort=(values[0] if values else "") if sort is None else sort,
        filters={field: _OPERATORS[kind] for field, kind in plain},
        allows_any_filter="*" in (filters or "").split(),
        parameters=frozenset(parameters.split()),
        doc=doc,
        url=DOCS,
        **fields,
    )


def range_params(record_field: str = "", time_field: str = "created_at") -> dict[str, TimeFilter]:
    """By ``created_at[after]`` and ``created_at[before]``.

    :param record_field: the row's field, where it has another name
    :param time_field: the time
    """
    return {
        time_field: TimeFilter(
            record_field=record_field or time_field,
            after=f"{time_field}[after]",
            before=f"{time_field}[before]",
            sort=time_field,
        )
    }


def date_params() -> dict[str, TimeFilter]:
    """By ``start_date`` and ``end_date``."""
    return {
        "created_at": TimeFilter(record_field="created_at", after="start_date", before="end_date", sort="created_at")
    }


def filter_params(time_field: str = "created_at", *, filter_field: str = "", sort: str = "") -> dict[str, TimeFilter]:
    """By conditions of ``filters``.

    :param time_field: the time, and the row's field
    :param filter_field: the filter's, where it has another name
    :param sort: the value of ``sort`` that sorts by it
    """
    conditions = f"filters[{filter_field or time_field}][conditions]"
    return {
        time_field: TimeFilter(
            record_field=time_field, after=f"{conditions}[$after]", before=f"{conditions}[$before]", sort=sort
        )
    }
