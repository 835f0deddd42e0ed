"""How the tables of Voucherify's lists are written: one call per list, with what lists have in common left out.

Must not know any single list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.cursors import LastIdPaginator, TimestampPaginator, TokenPaginator
from airflow_provider_partners.api.paging import PageNumberPaginator, SinglePagePaginator
from airflow_provider_partners.api.voucherify_resources import TimeFilter, VoucherifyResource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.paging import Paginator

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
