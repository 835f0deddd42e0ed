"""The declaration of one Voucherify list, and how its parameters and answers are encoded.

The tables of lists are in the modules beside this one. They call :func:`resource`, which fills in what most lists
share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.pagination.strategies import (
    LastIdPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
    TimestampPaginator,
    TokenPaginator,
)
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.voucherify.known_values import check_values
from airflow_provider_partners.arguments import check_mapping, suggest
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.pagination.page import Paginator
    from airflow_provider_partners.records import Record

DOCS = "https://docs.voucherify.io/api-reference"

LISTING_PAGE = f"{DOCS}/listing"
"""The page "Fetching Data": it says what every list takes, and is older than the OpenAPI description."""

PAGE_SIZE = 100
"""Records per page: the API's maximum. Its default is 10 (https://docs.voucherify.io/api-reference/listing)."""

MAX_VALUES_PER_CONDITION = 20
"""Values of one filter condition.

``qs``, Node's usual parser of such queries, reads array indexes above 20 as object keys by default
(``arrayLimit`` in https://github.com/ljharb/qs#parsing-arrays).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeFilter:
    """The query parameters that filter a list by one timestamp field.

    :param record_field: the timestamp field of a record
    :param after: the parameter of the lower bound; empty when the list has none
    :param before: the parameter of the upper bound; empty when the list has none
    :param sort: the value of ``order`` that sorts by this field, ascending; empty when the list has none
    :param undescribed: only the page "Fetching Data" has the parameters, so the server may not know them
    """

    record_field: str
    after: str = ""
    before: str = ""
    sort: str = ""
    undescribed: bool = False

    @property
    def uses_filters(self) -> bool:
        """Whether the bounds are conditions of ``filters``, and share the user's junction."""
        return self.before.startswith("filters[")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherifyResource(Resource):
    """A list of Voucherify.

    ``time_field`` names the time that a task's window applies to by default. ``times`` holds every time that can
    filter the list.

    :param family: the API that holds it: ``server``, ``client`` or ``management``
    :param paging_style: ``page``, ``starting_after_id``, ``cursor``, ``date_window``, ``limit_only`` or
        ``single_shot``
    :param parameters: the query parameters besides paging, ``order``, times and ``filters``
    :param filters: filterable field to its operators; ``None`` allows any operator
    :param allows_any_filter: accept any filter field, such as ``metadata.x``
    :param times: name of a time to its query parameters
    :param sort_values: the values of ``order``; empty for a list that cannot be sorted
    :param record_path: the path of a single record, with ``{id}``; empty when there is none
    :param scroll_param: the parameter that continues after a timestamp, beyond the last numbered page; may be empty
    :param exported_object: its name in the Exports API; empty for a list that cannot be exported
    :param deprecated: Voucherify advises against it
    :param has_total: an answer may hold the total
    :param undescribed: the parameters that the page "Fetching Data" documents and the OpenAPI description lacks
    :param undescribed_filters: the same for fields of ``filters``; ``*`` stands for every field
    :param undescribed_times: the same for times; every list has ``created_at`` here, or in ``times``
    """

    family: str = "server"
    paging_style: str = "page"
    parameters: frozenset[str] = field(default_factory=frozenset)
    filters: Mapping[str, frozenset[str] | None] = field(default_factory=dict)  # type: ignore[assignment]
    allows_any_filter: bool = False
    times: Mapping[str, TimeFilter] = field(default_factory=dict)
    sort_values: tuple[str, ...] = ()
    record_path: str = ""
    scroll_param: str = ""
    exported_object: str = ""
    deprecated: bool = False
    has_total: bool = True
    undescribed: frozenset[str] = field(default_factory=frozenset)
    undescribed_filters: frozenset[str] = field(default_factory=frozenset)
    undescribed_times: Mapping[str, TimeFilter] = field(default_factory=dict)

    @property
    def oauth_scope(self) -> str:
        """The scope of the list for an OAuth token, besides ``api``; empty where Voucherify documents none.

        It is the first word of the path in every list of version 1 (https://docs.voucherify.io/api-reference).
        """
        version, _, rest = self.path.strip("/").partition("/")
        return rest.partition("/")[0] if version == "v1" else ""

    @property
    def accepts_filters(self) -> bool:
        """Whether the list has the parameter ``filters``."""
        return self.allows_any_filter or bool(self.filters)

    @property
    def every_time(self) -> Mapping[str, TimeFilter]:
        """Every time that can filter the list, by its name."""
        return {**self.undescribed_times, **self.times}

    @property
    def time_params(self) -> Mapping[str, TimeFilter]:
        """The parameters that are a time range by themselves, such as ``created_at`` and ``end_date``, by name."""
        params = {"created_at": _RANGE_OF_EVERY_LIST}
        for time_filter in self.every_time.values():
            for name in filter(None, (time_filter.after, time_filter.before)):
                root = name.partition("[")[0]
                if root != "filters":
                    params[root] = time_filter
        return params

    @property
    def time_fields(self) -> frozenset[str]:
        """The names in ``filters`` that filter the list by time."""
        paths = [time_filter.after for time_filter in self.every_time.values() if time_filter.uses_filters]
        return frozenset([*self.every_time, *(path.split("[")[1].rstrip("]") for path in paths)])

    @property
    def record_time_field(self) -> str:
        """The field of a record that a task's window applies to; empty without ``time_field``."""
        return self.times[self.time_field].record_field if self.time_field else ""


# Declaring lists

_CREATED_BEFORE = "filters[created_at][conditions][$before]"

_PAGINATORS: Mapping[str, Paginator] = {
    "page": PageNumberPaginator(size=PAGE_SIZE, number_param="page", size_param="limit", total_paths=("total",)),
    "starting_after_id": LastIdPaginator(size=PAGE_SIZE),
    # Loyalty v2: {"data": [...], "cursor": {"next": "lcrsctx_…", "expires_at": "…"}}
    "cursor": TokenPaginator(
        size=PAGE_SIZE,
        param="cursor",
        next_page_path="cursor.next",
        token_replaces_filters=False,
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
"""The operators of a filter field, by its kind in the OpenAPI description."""


def resource(
    name: str,
    path: str,
    doc: str,
    *,
    paging_style: str = "page",
    sort_fields: str = "",
    sort: str | None = None,
    max_page_number: int = 100,
    filters: str | None = None,
    parameters: str = "",
    paginator: Paginator | None = None,
    records_path: str = "data",
    times: Mapping[str, TimeFilter] | None = None,
    page_parameters: str = "",
    page_filters: str = "",
    **fields: Any,
) -> VoucherifyResource:
    """Declare one list; words separated by spaces stand for several names.

    :param path: with ``{placeholders}`` in snake case; each is a parent of the list
    :param doc: one line for the resources page of the docs
    :param sort_fields: fields that ``order`` accepts, each also with ``-``
    :param sort: the order to request, when it is not the first of ``sort_fields``
    :param max_page_number: the highest page number that the API serves
    :param filters: ``field:kind``, with the kinds of ``_OPERATORS``; ``*`` allows any field
    :param paginator: replaces the default one of the paging style
    :param records_path: where an answer holds the records
    :param times: name of a time to its query parameters
    :param page_parameters: further parameters that only the page "Fetching Data" has
    :param page_filters: further filters that only that page has
    :param fields: further fields of :class:`VoucherifyResource`
    """
    sort_values = tuple(value for sort_field in sort_fields.split() for value in (sort_field, f"-{sort_field}"))
    described = [pair for pair in (filters or "").split() if pair != "*"]
    field_kinds = [pair.partition(":")[::2] for pair in [*described, *page_filters.split()] if pair != "*"]
    times, page_fields = times or {}, [pair.partition(":")[0] for pair in page_filters.split()]
    page_times = {name: page_time(name) for name in ("created_at", "updated_at") if name in page_fields}
    return VoucherifyResource(
        name=name,
        path=path,
        records_path=records_path,
        paginator=paginator or _PAGINATORS[paging_style],
        paging_style=paging_style,
        max_page_size=PAGE_SIZE,
        max_page_number=max_page_number if paging_style == "page" else None,
        parents=tuple(re.findall(r"{(\w+)}", path)),
        sort_values=sort_values,
        # Request the order explicitly: the docs omit or contradict the default direction for some lists. Ascending
        # order puts records that arrive during a read at the end.
        sort=(sort_values[0] if sort_values else "") if sort is None else sort,
        filters={name: _OPERATORS[kind] for name, kind in field_kinds},
        allows_any_filter="*" in f"{filters or ''} {page_filters}".split(),
        parameters=frozenset([*parameters.split(), *page_parameters.split()]),
        times=times,
        undescribed=frozenset(page_parameters.split()),
        undescribed_filters=frozenset(page_fields if filters else page_fields and ["*"]),
        undescribed_times={
            name: time_filter
            for name, time_filter in {"created_at": _RANGE_OF_EVERY_LIST, **page_times}.items()
            if name not in times
        },
        doc=doc,
        url=DOCS,
        **fields,
    )


_RANGE_OF_EVERY_LIST = TimeFilter(
    record_field="created_at",
    after="created_at[after]",
    before="created_at[before]",
    sort="created_at",
    undescribed=True,
)
"""``created_at``, which the page "Fetching Data" documents for every list."""


def page_time(time_field: str) -> TimeFilter:
    """Declare the time conditions of ``filters`` that only the page "Fetching Data" has."""
    return replace(filter_params(time_field, sort=time_field)[time_field], undescribed=True)


def range_params(record_field: str = "", time_field: str = "created_at") -> dict[str, TimeFilter]:
    """Declare the time parameters ``created_at[after]`` and ``created_at[before]``.

    :param record_field: the record's field, when its name differs from ``time_field``
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
    """Declare the time parameters ``start_date`` and ``end_date``."""
    return {
        "created_at": TimeFilter(record_field="created_at", after="start_date", before="end_date", sort="created_at")
    }


def filter_params(time_field: str = "created_at", *, filter_field: str = "", sort: str = "") -> dict[str, TimeFilter]:
    """Declare the time conditions ``filters[created_at][conditions][$after]`` and ``[$before]``.

    :param filter_field: the field in ``filters``, when its name differs from ``time_field``
    :param sort: the value of ``order`` that sorts by this time
    """
    conditions = f"filters[{filter_field or time_field}][conditions]"
    return {
        time_field: TimeFilter(
            record_field=time_field, after=f"{conditions}[$after]", before=f"{conditions}[$before]", sort=sort
        )
    }


# Encoding requests, decoding answers


def extract_records(resource: VoucherifyResource, body: Any) -> list[Record]:
    """Return the records of an answer: at the key that ``data_ref`` names, else under ``data``, else its only list.

    The fallbacks are necessary. ``GET /v1/products/{id}/skus`` is documented with ``data_ref: "data"`` while its
    records are at ``skus`` (https://github.com/voucherifyio/voucherify-openapi).

    :raises UnexpectedResponseError: when the answer holds no list of records
    """
    if isinstance(body, Mapping):
        # A gateway's {"errors": […]} is no list of records, whatever its status.
        lists = [value for name, value in body.items() if isinstance(value, list) and name not in {"error", "errors"}]
        candidates = [body.get(str(body.get("data_ref"))), body.get(resource.records_path), body.get("data")]
        records = next(
            (value for value in candidates if isinstance(value, list)), lists[0] if len(lists) == 1 else None
        )
        if records is not None and all(isinstance(record, dict) for record in records):
            return records
    content = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
    message = f"the answer for '{resource.name}' has no list of records, but {content}"
    raise UnexpectedResponseError(message[:300], partner="Voucherify")


def check_record(resource: VoucherifyResource, body: Any) -> None:
    """Refuse what is no record, such as a gateway's own JSON.

    :raises UnexpectedResponseError: when the answer has nothing of what identifies a record
    """
    names = [name.partition(".")[0] for name in resource.key]
    if isinstance(body, Mapping) and (not names or any(name in body for name in names)):
        return
    content = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
    message = f"expected one record of '{resource.name}', got {content}"
    raise UnexpectedResponseError(message[:300], partner="Voucherify")


def encode_parameters(resource: VoucherifyResource, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Encode a list's own parameters as query parameters.

    ``{"filters": {"result": {"conditions": {"$in": ["A"]}}}}`` becomes ``filters[result][conditions][$in][0]=A``. A
    list at the top level is repeated: ``result=SUCCESS&result=FAILURE``.

    :raises ConfigurationError: for a parameter that the list does not have, or a value outside its enumeration
    """
    check_mapping("parameters", parameters)
    known = {*resource.parameters, *resource.time_params, *(["filters"] if resource.accepts_filters else [])}
    for name in parameters:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            message = f"'{resource.name}' takes no parameter '{name}'{suggest(name, known)}"
            remedy = f"Known: {names}; sort, page_size, since and until are arguments of their own."
            raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if name in resource.time_params:
            pairs += _encode_time(name, value, resource.time_params[name])
            continue
        is_list = isinstance(value, list | tuple)
        check_values(resource.name, name, value if is_list else [value])
        pairs += [(name, _format_value(item)) for item in value] if is_list else list(_encode_nested(name, value))
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


def _encode_time(name: str, value: Any, time_filter: TimeFilter) -> Iterator[tuple[str, str]]:
    """Encode ``created_at={"after": "2017-09-08"}`` as ``created_at[after]=2017-09-08``; ``end_date`` is no range."""
    if name in {time_filter.after, time_filter.before}:
        yield name, _format_time(name, value)
        return
    if not isinstance(value, Mapping) or not value or not set(value) <= {"after", "before"}:
        message = f"the parameter '{name}' is no range of time"
        remedy = f"Write {name}={{'after': '2026-05-01', 'before': '2026-06-01'}}, or one of the two alone."
        raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
    for side, bound in value.items():
        yield f"{name}[{side}]", _format_time(f"{name}.{side}", bound)


_ISO_8601 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T\S+)?")


def _format_time(name: str, value: Any) -> str:
    """Return a time as it is written, if it is a date or a date-time in ISO 8601, as the API takes it."""
    timestamp = timestamps.parse(value, name)
    # A template renders a timestamp with a space: 2026-05-01 00:00:00+00:00.
    is_api_form = isinstance(value, str) and _ISO_8601.fullmatch(value)
    return str(value) if is_api_form else timestamps.isoformat(timestamp, "milliseconds")


def _format_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
