"""Which vouchers, promotions and campaigns a customer and an order qualify for, page by page.

Source: ``POST /v1/qualifications`` in https://github.com/voucherifyio/voucherify-openapi. The API pages by
``options.starting_after``: the value of ``more_starting_after``, or else the time of the last redeemable. Its results
are cached for five minutes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.ids import match_field
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.strategies import SinglePagePaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.voucherify.filters import QUALIFICATION_FILTERS, Filter, to_json, validate_filter
from airflow_provider_partners.arguments import check_mapping, check_names, check_text, suggest
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError
from airflow_provider_partners.records import Record, encode_text, get_path

__all__ = ["EXPANSIONS", "QUALIFICATIONS", "SCENARIOS", "SORTING_RULES", "QualificationQuery", "build_qualifications"]

SCENARIOS = (
    *("ALL", "CUSTOMER_WALLET", "AUDIENCE_ONLY", "PRODUCTS", "PRODUCTS_DISCOUNT", "PROMOTION_STACKS"),
    *("PRODUCTS_BY_CUSTOMER", "PRODUCTS_DISCOUNT_BY_CUSTOMER"),
)
"""What Voucherify considers; ``ALL`` by default."""

EXPANSIONS = ("redeemable", "category", "validation_rules")
"""What ``expand`` adds to each redeemable."""

SORTING_RULES = ("DEFAULT", "BEST_DEAL", "LEAST_DEAL")
"""``DEFAULT`` sorts by creation, the newest first; the others by discount, within what the API pages by."""

PAGE_SIZE = 50
"""Redeemables per page: the API's maximum. Its default is 5."""

PATHS = {"server": "/v1/qualifications", "client": "/client/v1/qualifications"}
"""The path, by the API that the key belongs to."""

QUALIFICATIONS = Resource(
    name="qualifications",
    path=PATHS["server"],
    records_path="redeemables.data",
    paginator=SinglePagePaginator(size=PAGE_SIZE),
    key=("object", "id"),
    page_size=PAGE_SIZE,
    max_page_size=PAGE_SIZE,
    doc="What a customer and an order qualify for.",
    url="https://docs.voucherify.io/api-reference/qualifications/check-eligibility",
)
"""The records of a qualification: redeemables. A voucher's id is its code."""

CUSTOMER_FIELDS = {"customer_id": "id", "customer_source_id": "source_id"}
"""The fields of ``match``: what a record is given, and the customer's field that is sent."""

_OVERLAP = timedelta(milliseconds=1)
"""How much later than a redeemable's own time a page begins.

Several may share that time, and the API doesn't document whether it includes it. The extraction drops repeated ones. A
cursor that is no redeemable's time is the server's own position, and is sent as it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualificationQuery:
    """The arguments of ``VoucherifyClient.qualifications``, unchecked."""

    customer: Mapping[str, Any] | str | None = None
    order: Mapping[str, Any] | None = None
    scenario: str | None = None
    filters: Filter | Mapping[str, Any] | None = None
    expand: Sequence[str] | str | None = None
    sorting_rule: str | None = None
    tracking_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    session: Mapping[str, Any] | None = None
    match: Mapping[str, Iterable[Any]] | None = None
    page_size: int | None = None


def build_qualifications(
    query: QualificationQuery, *, post: Callable[[str, Any], Any], family: str, account: str
) -> Extraction:
    """Check a query and return its extraction; sends nothing.

    :param post: sends a body to a path and returns the response's JSON
    :param family: the API of the key: ``server`` or ``client``
    :param account: the application id
    :raises ConfigurationError: for what the API does not accept, with what it accepts
    """
    if family not in PATHS:
        message = f"the {family} API has no qualifications"
        raise ConfigurationError(message, remedy="Use a connection with a project's key.", partner="Voucherify")
    size = QUALIFICATIONS.sized_paginator(query.page_size).size
    body, options = _body(query), _options(query, size)
    digest = _digest([body, options])
    send = partial(post, PATHS[family])
    request: dict[str, Any] = {"account": account, "path": PATHS[family], "body": digest}
    if query.match is None:
        bodies: list[tuple[str, dict[str, Any], dict[str, str]]] = [(QUALIFICATIONS.name, body, {})]
    else:
        field, ids = match_field(QUALIFICATIONS.name, query.match, list(CUSTOMER_FIELDS), partner="Voucherify")
        if "customer" in body:
            message = "'customer' and 'match' both name customers"
            raise ConfigurationError(message, remedy="Leave one of them out.", partner="Voucherify")
        request["match"], own_field = {field: _digest(ids)}, CUSTOMER_FIELDS[field]
        bodies = [
            (f"qualifications of customer {n} of {len(ids)}", {**body, "customer": {own_field: id_}}, {field: id_})
            for n, id_ in enumerate(ids, 1)
        ]
    return Extraction(
        source="voucherify",
        resource=QUALIFICATIONS.name,
        key=(*(query.match or ()), *QUALIFICATIONS.key),
        request=request,
        segments=[
            Segment(name=name, fetch=partial(_fetch, send, own_body, options, added))
            for name, own_body, added in bodies
        ],
        account=account,
    )


def _fetch(
    send: Callable[[Any], Any],
    body: Mapping[str, Any],
    options: Mapping[str, Any],
    added: Mapping[str, str],
    cursor: Cursor,
) -> Page:
    after = {"starting_after": cursor["after"]} if "after" in cursor else {}
    response = send({**body, "options": {**options, **after}})
    records = extract_redeemables(response)
    following = _next(response["redeemables"], records, options, cursor)
    return Page([{**added, **record} for record in records], following)


def extract_redeemables(body: Any) -> list[Record]:
    """Return the redeemables of an answer.

    :raises UnexpectedResponseError: when it has no list of them
    """
    redeemables = body.get("redeemables") if isinstance(body, Mapping) else None
    records = redeemables.get("data") if isinstance(redeemables, Mapping) else None
    if isinstance(records, list) and all(isinstance(record, dict) for record in records):
        return records
    content = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
    message = f"the answer for '{QUALIFICATIONS.name}' has no list of redeemables, but {content}"
    raise UnexpectedResponseError(message[:300], partner="Voucherify")


def _next(redeemables: Any, records: list[Record], options: Mapping[str, Any], cursor: Cursor) -> Cursor | None:
    more = get_path(redeemables, "has_more")
    if not records or more is False or (more is None and len(records) < options["limit"]):
        return None
    times = [timestamps.try_parse(record.get("created_at")) for record in records]
    own_cursor = get_path(redeemables, "more_starting_after")
    if own_cursor and timestamps.try_parse(own_cursor) not in times:
        return {"after": own_cursor}
    last = timestamps.try_parse(own_cursor) if own_cursor else times[-1]
    if last is None or (not own_cursor and options.get("sorting_rule", "DEFAULT") != "DEFAULT"):
        message = f"'{QUALIFICATIONS.name}' has more redeemables, and the answer does not say where they begin"
        raise PagingError(message, remedy="Leave 'sorting_rule' out, or use filters.", partner="Voucherify")
    after = timestamps.isoformat(last + _OVERLAP, "milliseconds")
    if after == cursor.get("after"):
        message = f"a page of {len(records)} redeemables does not get past the time that they share"
        raise PagingError(message, remedy="Use larger pages, or filters.", partner="Voucherify")
    return {"after": after}


# Checks


def _body(query: QualificationQuery) -> dict[str, Any]:
    for name in ("order", "metadata", "session"):
        if (value := getattr(query, name)) is not None:
            check_mapping(name, value)
    if query.tracking_id is not None:
        check_text("tracking_id", query.tracking_id)
    body = {
        "customer": _customer(query.customer),
        "order": query.order,
        "tracking_id": query.tracking_id,
        "scenario": _one_of("scenario", query.scenario, SCENARIOS),
        "session": query.session,
        "metadata": query.metadata,
    }
    body = {name: value for name, value in body.items() if value is not None}
    try:
        json.dumps(body, allow_nan=False)
    except (TypeError, ValueError):
        message = "'customer', 'order', 'session' or 'metadata' holds what JSON has no form for"
        remedy = "Use text, numbers, booleans, lists and dicts; times as ISO 8601 text."
        raise ConfigurationError(message, remedy=remedy, partner="Voucherify") from None
    return body


def _customer(customer: Any) -> Any:
    """Return the customer as the API takes it: an id alone is Voucherify's own, or the store's."""
    if customer is None:
        return None
    if isinstance(customer, str):
        check_text("customer", customer)
        return {"id" if customer.startswith("cust_") else "source_id": customer}
    check_mapping("customer", customer)
    return customer


def _options(query: QualificationQuery, size: int) -> dict[str, Any]:
    parsed = validate_filter(
        query.filters,
        target=QUALIFICATIONS.name,
        allowed=QUALIFICATION_FILTERS,
        list_name=QUALIFICATIONS.name,
    )
    expand = [_one_of("expand", name, EXPANSIONS) for name in check_names("expand", query.expand or ())]
    options = {
        "limit": size,
        "filters": _filters(to_json(parsed)) or None,
        "expand": expand or None,
        "sorting_rule": _one_of("sorting_rule", query.sorting_rule, SORTING_RULES),
    }
    return {name: value for name, value in options.items() if value is not None}


def _filters(filters: dict[str, Any]) -> dict[str, Any]:
    """Return filters whose operands are all lists, as this API's schema has them, even without an operand."""
    for inner in filters.values():
        for operator, operand in inner["conditions"].items() if isinstance(inner, dict) else ():
            inner["conditions"][operator] = operand if isinstance(operand, list) else [""]
    return filters


def _one_of(name: str, value: Any, known: Collection[str]) -> Any:
    if value is not None and value not in known:
        message = f"qualifications have no {name} {str(value)[:50]!r}{suggest(value, known)}"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(known)}.", partner="Voucherify")
    return value


def _digest(value: Any) -> str:
    """Return a hash in place of what may be customers' data."""
    return hashlib.sha256(encode_text(json.dumps(value, sort_keys=True, default=str))).hexdigest()
