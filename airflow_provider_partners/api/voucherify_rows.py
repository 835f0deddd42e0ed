"""How the tables of Voucherify's lists are written: one call per list, with what lists have in common left out.

Must not know any single list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.cursors import DateCursor, IdCursor, PageInfo
from airflow_provider_partners.api.paging import OnePage, PageNumber
from airflow_provider_partners.api.voucherify_resources import Asked, VoucherifyResource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.paging import Paging

DOCS = "https://docs.voucherify.io/api-reference"

SIZE = 100
"""Rows of a page, at most; ten where nothing is said."""

_BEFORE = "filters[created_at][conditions][$before]"

_PAGING: Mapping[str, Paging] = {
    "page": PageNumber(size=SIZE, number_param="page", size_param="limit", totals=("total",)),
    "starting_after_id": IdCursor(size=SIZE),
    # Loyalty v2: {"data": [...], "cursor": {"next": "lcrsctx_…", "expires_at": "…"}}
    "cursor": PageInfo(size=SIZE, param="cursor", at="cursor.next", exclusive=False),
    "date_window": DateCursor(size=SIZE, param=_BEFORE, descending=True),
    "limit_only": OnePage(size=SIZE, size_param="limit", totals=("total",)),
    "single_shot": OnePage(size=SIZE, size_param="", totals=("total",)),
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


def listed(
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
    paging: Paging | None = None,
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
        results=results,
        paging=paging or _PAGING[style],
        style=style,
        max_page_size=SIZE,
        page_cap=cap if style == "page" else None,
        parents=tuple(re.findall(r"{(\w+)}", path)),
        orders=values,
        # The default direction isn't told for every list, or in two ways; ascending, what arrives during a walk comes
        # at its end.
        sort=(values[0] if values else "") if sort is None else sort,
        filters={field: _OPERATORS[kind] for field, kind in plain},
        free_filters="*" in (filters or "").split(),
        parameters=frozenset(parameters.split()),
        doc=doc,
        url=DOCS,
        **fields,
    )


def between(row: str = "", name: str = "created_at") -> dict[str, Asked]:
    """By ``created_at[after]`` and ``created_at[before]``.

    :param row: the row's field, where it has another name
    :param name: the time
    """
    return {name: Asked(row=row or name, after=f"{name}[after]", before=f"{name}[before]", order=name)}


def dated() -> dict[str, Asked]:
    """By ``start_date`` and ``end_date``."""
    return {"created_at": Asked(row="created_at", after="start_date", before="end_date", order="created_at")}


def filtered(name: str = "created_at", *, field: str = "", order: str = "") -> dict[str, Asked]:
    """By conditions of ``filters``.

    :param name: the time, and the row's field
    :param field: the filter's, where it has another name
    :param order: the value of ``order`` that sorts by it
    """
    conditions = f"filters[{field or name}][conditions]"
    return {name: Asked(row=name, after=f"{conditions}[$after]", before=f"{conditions}[$before]", order=order)}
