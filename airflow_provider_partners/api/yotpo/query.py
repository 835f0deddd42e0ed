"""A user's arguments for a Yotpo list, checked and turned into an extraction.

Orders are read by order date, reviews by their last change or creation, orders and products by the merchant's ids,
fulfillments and variants by Yotpo's id of their order or product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.api.ids import id_batches, ids_digest, match_field
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.yotpo.lookup import GetJson
from airflow_provider_partners.api.yotpo.pages import PageFetcher
from airflow_provider_partners.api.yotpo.resources import MAX_LOOKUP_IDS, YotpoResource
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import Record
from airflow_provider_partners.windows import TimeRange

SOURCE = "yotpo"

FindRecords = Callable[[Iterable[str]], Mapping[str, Record]]
"""Finds records by external ids."""


def build_extraction(
    resource: YotpoResource,
    *,
    get: GetJson,
    find_records: FindRecords,
    store_id: str,
    since: datetime | str | None,
    until: datetime | str | None,
    match: Mapping[str, Iterable[Any]] | None,
    page_size: int | None,
    time_field: str | None = None,
) -> Extraction:
    """Return the extraction that the arguments of ``YotpoClient.extract`` describe.

    :raises ConfigurationError: for an argument that the list doesn't take
    """
    time_range = TimeRange.parse(since, until)
    paginator = resource.sized_paginator(page_size)
    time_field = _check_time_field(resource, time_field)
    field, ids = _match_ids(resource, match)
    if not time_range.is_unbounded and (not resource.time_field or field):
        problem = f"can't be filtered by time{' and ids at once' if resource.time_field else ''}"
        message = f"'{resource.name}' {problem}"
        raise _configuration_error(message, "Leave 'since' and 'until' out.")
    params = _time_params(resource, time_field, time_range)
    pages = PageFetcher(
        resource=resource,
        get=get,
        paginator=paginator,
        path=resource.path.replace("{app_key}", path_segment(store_id)),
        params=params,
        time_range=time_range,
        time_field=time_field,
    )
    if field in resource.parents:
        segments = _nested_segments(pages, ids)
    elif field:
        segments = _lookup_segments(resource, find_records, ids)
    else:
        segments = [Segment(name=resource.name, fetch=pages.fetch)]
    return Extraction(
        source=SOURCE,
        resource=resource.name,
        key=resource.key,
        request={
            "store": store_id,
            "query": params,
            "match": {field: ids_digest(ids)} if field else None,
            "page_size": resource.page_size if page_size is None else page_size,
        },
        segments=segments,
        account=store_id,
        window=time_range.to_window(),
    )


def _check_time_field(resource: YotpoResource, name: str | None) -> str:
    """Return the field that a time range filters; empty for a list without one."""
    if name is None or name in resource.time_params:
        return name or resource.time_field or ""
    message = f"'{resource.name}' can't be filtered by '{name}'{suggest(name, resource.time_params)}"
    known = ", ".join(resource.time_params)
    raise _configuration_error(message, f"Use one of: {known}." if known else "Leave 'time_field' out.")


def _time_params(resource: YotpoResource, time_field: str, time_range: TimeRange) -> dict[str, str]:
    """Return the filters of whole seconds, or of days. They may admit more than the time range, never less."""
    since_param, until_param = resource.time_params.get(time_field, ("", ""))
    params = {}
    if time_range.since and since_param:
        since = _format_second(math.floor(time_range.since.timestamp()))
        params[since_param] = since.partition("T")[0] if since_param.endswith("_date") else since
    if time_range.until and until_param:
        params[until_param] = _format_second(math.ceil(time_range.until.timestamp()))
    return params


def _format_second(epoch: int) -> str:
    return timestamps.isoformat(timestamps.from_epoch(epoch))


def _nested_segments(pages: PageFetcher, parent_ids: list[str]) -> list[Segment]:
    """Return one segment per order (or product), whose id is part of the path."""
    resource, (parent, *_) = pages.resource, pages.resource.parents
    segments = []
    for number, parent_id in enumerate(parent_ids, 1):
        path = resource.path.replace(f"{{{parent}}}", path_segment(parent_id))
        name = f"{resource.name} of {parent} {number} of {len(parent_ids)}"
        segments.append(Segment(name=name, fetch=replace(pages, path=path).fetch))
    return segments


def _lookup_segments(resource: YotpoResource, find_records: FindRecords, ids: list[str]) -> list[Segment]:
    batches = list(id_batches(ids, size=MAX_LOOKUP_IDS))
    return [
        Segment(
            name=f"{resource.name} by external_id, batch {number} of {len(batches)}",
            fetch=partial(_fetch_batch, find_records, batch),
        )
        for number, batch in enumerate(batches, 1)
    ]


def _fetch_batch(find_records: FindRecords, batch: list[str], _: Cursor) -> Page:
    return Page(list(find_records(batch).values()), None)


def _match_ids(resource: YotpoResource, match: Mapping[str, Iterable[Any]] | None) -> tuple[str | None, list[str]]:
    if match is None and resource.parents:
        parent = resource.parents[0]
        message = f"'{resource.name}' can only be read by '{parent}'"
        raise _configuration_error(message, f"Give match={{'{parent}': ids}}, Yotpo's ids.")
    if not match:
        return None, []
    return match_field(resource.name, match, [*resource.parents, *resource.filters], partner="Yotpo")


def _configuration_error(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Yotpo")
