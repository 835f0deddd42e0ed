"""A user's arguments for a Yofi list, checked and turned into RSQL filters and query parameters.

What Yofi would refuse, or ignore in silence, is refused here with the allowed alternatives.

Returns have no time filter, so a time range of them is read by a newest-first walk (:class:`WindowWalk`) and selected
by the date of the *return*. A later change of a return (its state, a prediction) changes no date, so no time range
shows it. To see such changes, read by ids, or read the whole list from time to time.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.ids import MAX_IDS_LENGTH, id_batches, ids_digest, match_field
from airflow_provider_partners.api.rsql.expressions import Expression, field, to_expression
from airflow_provider_partners.api.yofi.resources import FIELDS, PREDICTION_FILTERS
from airflow_provider_partners.arguments import check_duration, check_names, suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange, Window

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.resources import YofiResource
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

IDS_PER_BATCH = 50
"""Most ids of one query."""

Names = str | Iterable[str]
"""Names as a sequence, or as text with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowWalk:
    """How a time range is selected from a list without a time filter.

    :param field: the field that the time range limits, in epoch seconds
    :param time_range: the time range
    :param sort_stops: fields to walk by, newest first and in order of preference, each with the epoch seconds to stop
        at. Without any, the whole list is read
    """

    field: str
    time_range: TimeRange
    sort_stops: tuple[tuple[str, float], ...] = ()

    def contains(self, record: Record) -> bool:
        """Return True if the record lies in the time range, or has no readable date."""
        try:
            timestamp = timestamps.from_epoch(float(record[self.field]))
        except (KeyError, TypeError, ValueError, OverflowError):
            return True
        return self.time_range.contains(timestamp)

    def to_dict(self) -> dict[str, Any]:
        """Return what decides the result, as JSON."""
        since, until = self.time_range.since, self.time_range.until
        return {
            "field": self.field,
            "since": since.timestamp() if since else None,
            "until": until.timestamp() if until else None,
            "stops": [list(stop) for stop in self.sort_stops],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryBatch:
    """One query of an extraction.

    :param name: for errors; holds no ids
    :param filter: RSQL text, empty for none
    :param can_prefetch: True if pages may be read ahead: no record can be added any more, or there are few records
    :param filters_by_id: for ids that are joined by *or*, the filter for each id alone
    """

    name: str
    filter: str
    can_prefetch: bool
    filters_by_id: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One validated query of a list.

    :param batches: its queries, in order
    :param params: the parameters that all of them share
    :param include: the requested relations
    :param window: the time range, if both ends are given
    :param walk: how the time range is selected from a list without a time filter
    :param prediction_filter: the filter of predictions, for lists of them
    :param request: all of it as JSON; of ids only their number and digest
    """

    batches: tuple[QueryBatch, ...]
    params: Mapping[str, str]
    include: tuple[str, ...]
    window: Window | None
    walk: WindowWalk | None
    prediction_filter: Expression | None
    request: Mapping[str, Any]


def build_query(
    resource: YofiResource,
    *,
    since: datetime | str | None,
    until: datetime | str | None,
    filters: Expression | str | None,
    prediction_filter: Expression | str | None,
    prediction_param: str,
    fields: Names | Mapping[str, Names] | None,
    include: Names | None,
    sort: Names | None,
    match: Mapping[str, Iterable[Any]] | None,
    walk_lookback: timedelta | None,
    now: float,
) -> ListQuery:
    """Return the query that the arguments of ``YofiClient.extract`` describe.

    :param prediction_param: the query parameter of ``prediction_filter``
    :param now: seconds since 1970
    :raises ConfigurationError: naming what the list doesn't take, and what it takes
    """
    time_range = TimeRange.parse(since, until)
    expressions = [*_time_filters(resource, time_range), *_user_filters(resource, filters)]
    relations = resolve_include(resource, include)
    sort_params = _sort_param(resource, sort)
    walk = _plan_walk(resource, time_range, sort=check_names("sort", sort or ()), lookback=walk_lookback)
    params = {**field_params(resource, fields, relations), **sort_params}
    match_name, ids = _match_ids(resource, match)
    _add_needed_fields(resource, params, walk, match_name)
    if relations:
        params["include"] = ",".join(relations)
    predictions = _check_prediction_filter(resource, prediction_filter) if prediction_filter else None
    if predictions and resource.takes_prediction_filter:
        params[prediction_param] = str(predictions)
    filter_text = str(_all_of(expressions) or "")
    window = time_range.to_window()
    if match_name:
        batches = _id_batches(resource, match_name, ids, expressions)
    else:
        is_past = window is not None and window.until.timestamp() <= now
        batches = (QueryBatch(name=resource.name, filter=filter_text, can_prefetch=is_past and walk is None),)
    request = {
        "filter": filter_text,
        "params": params,
        "match": {match_name: ids_digest(ids)} if match_name else None,
        **({"walk": walk.to_dict()} if walk else {}),
        **({"prediction_filter": str(predictions)} if predictions and resource.prediction_filters else {}),
    }
    return ListQuery(
        batches=batches,
        params=params,
        include=relations,
        window=window,
        walk=walk,
        prediction_filter=predictions if resource.prediction_filters else None,
        request=request,
    )


def resolve_include(resource: YofiResource, include: Names | None) -> tuple[str, ...]:
    """Return the relations to request, all known ones by default.

    :raises ConfigurationError: for an unknown relation
    """
    if include is None:
        return tuple(resource.relations)
    names = check_names("include", include)
    if resource.relation and resource.relation not in names:
        message = f"'{resource.name}' consists of '{resource.relation}', which must be included"
        raise _configuration_error(message, "Leave 'include' out.")
    for name in names:
        if name not in resource.relations:
            message = f"'{resource.name}' has no relation '{name}' to include{suggest(name, resource.relations)}"
            raise _configuration_error(message, f"Known: {', '.join(resource.relations) or 'none'}.")
    return names


def field_params(
    resource: YofiResource, fields: Names | Mapping[str, Names] | None, include: Iterable[str]
) -> dict[str, str]:
    """Return the ``fields[...]`` parameters: by default all known fields of every type in the response.

    :param fields: of the list's own type, or by type
    :param include: the requested relations
    :raises ConfigurationError: for a type that the list doesn't return
    """
    related = [resource.relations[name].type for name in include if resource.relations[name].type]
    types = [resource.type, *related]
    by_type = dict(fields) if isinstance(fields, Mapping) else {} if fields is None else {resource.type: fields}
    for name in by_type:
        if name not in types:
            message = f"'{resource.name}' returns no records of type '{name}'"
            raise _configuration_error(message, f"Give fields by one of: {', '.join(types)}.")
    # A list of predictions needs few fields of the parents, and no names of people.
    defaults = {**FIELDS, **({resource.type: ()} if resource.parent_fields else {})}
    chosen = {name: check_names("fields", names) for name, names in by_type.items()}
    requested = {name: chosen.get(name, defaults.get(name, ())) for name in types}
    return {f"fields[{name}]": ",".join(names) for name, names in requested.items() if names}


def _plan_walk(
    resource: YofiResource, time_range: TimeRange, *, sort: tuple[str, ...], lookback: timedelta | None
) -> WindowWalk | None:
    """Return the walk that a time range of the list needs, if any.

    :param sort: the sort order that the user chose. Only the resource's own sort fields allow an early stop
    :param lookback: how far before ``since`` to walk on; by default as the sort field requires
    """
    since = time_range.since
    if lookback is not None and not isinstance(lookback, timedelta):
        check_duration("walk_lookback", lookback)
    if lookback is not None and (not resource.sort_fields or since is None):
        message = f"'walk_lookback' has no meaning for '{resource.name}' here"
        remedy = "It sets how far before 'since' a list without a time filter is read; leave it out."
        raise _configuration_error(message, remedy)
    if lookback is not None and lookback < timedelta():
        message = f"'walk_lookback' is negative: {lookback}"
        raise _configuration_error(message, "Give how far before 'since' to read on.")
    if not resource.sort_fields or time_range.is_unbounded:
        return None
    if since is None:
        return WindowWalk(field=resource.date_field, time_range=time_range)
    stops = tuple(
        (name, since.timestamp() - (default if lookback is None else lookback).total_seconds())
        for name, default in resource.sort_fields.items()
        if not sort or sort == (f"-{name}",)
    )
    return WindowWalk(field=resource.date_field, time_range=time_range, sort_stops=stops)


def _time_filters(resource: YofiResource, time_range: TimeRange) -> list[Expression]:
    if time_range.is_unbounded or resource.sort_fields:
        return []
    if resource.time_field is None:
        message = f"'{resource.name}' can't be filtered by time: Yofi's page lists no such filter"
        raise _configuration_error(message, resource.no_time_filter_hint)
    selector = field(resource.time_field)
    expressions: list[Expression] = []
    if time_range.since:
        expressions.append(selector >= _bound(resource, time_range.since))
    if time_range.until:
        expressions.append(selector < _bound(resource, time_range.until))
    return expressions


def _bound(resource: YofiResource, timestamp: datetime) -> int | datetime:
    """Return an end of a time range in whole seconds.

    Both ends are rounded up. So adjacent time ranges share no record and leave none out.
    """
    seconds = math.ceil(timestamp.timestamp())
    return seconds if resource.time_format == "epoch" else timestamps.from_epoch(seconds)


def _user_filters(resource: YofiResource, filters: Expression | str | None) -> list[Expression]:
    if not filters:
        return []
    expression = to_expression(filters)
    expression.check({**resource.filters, **resource.sample_filters}, hint=resource.filter_hint)
    used = sorted({each.selector for each in expression.comparisons()} & resource.sample_filters.keys())
    if used:
        log.warning(
            "Yofi's page shows a filter of '%s' by %s in a sample, but doesn't list it: the server may refuse it, or "
            "ignore it and return all records.",
            resource.name,
            " and ".join(used),
        )
    return [expression]


def _check_prediction_filter(resource: YofiResource, filters: Expression | str) -> Expression:
    if not (resource.takes_prediction_filter or resource.prediction_filters):
        message = f"'{resource.name}' takes no prediction_filter"
        remedy = "Only 'returns' can be filtered by their predictions, and the lists of predictions themselves."
        raise _configuration_error(message, remedy)
    expression = to_expression(filters, "prediction_filter")
    expression.check(resource.prediction_filters or PREDICTION_FILTERS)
    return expression


def _add_needed_fields(
    resource: YofiResource, params: dict[str, str], walk: WindowWalk | None, match_name: str | None
) -> None:
    """Request the fields that walks, batches of ids and lists of predictions need, in addition to the chosen ones."""
    needed = [
        *(resource.sort_fields if walk else ()),
        *([match_name] if match_name else ()),
        *resource.parent_fields.values(),
    ]
    known = [name for name in needed if name in FIELDS[resource.type]]
    if known:
        parameter = f"fields[{resource.type}]"
        chosen = check_names("fields", params.get(parameter, ()))
        params[parameter] = ",".join(dict.fromkeys([*chosen, *known]))


def _sort_param(resource: YofiResource, sort: Names | None) -> dict[str, str]:
    if not sort:
        return {"sort": resource.sort} if resource.sort else {}
    if not resource.sort:
        message = f"'{resource.name}' can't be sorted"
        raise _configuration_error(message, "Leave 'sort' out.")
    names = check_names("sort", sort)
    for name in names:
        if not re.fullmatch(r"-?\w+(\.\w+)*", name):
            message = f"{name!r} is no field to sort by"
            raise _configuration_error(message, f"Give field names, with - for descending, such as -{resource.sort}.")
    return {"sort": ",".join(names)}


def _match_ids(resource: YofiResource, match: Mapping[str, Iterable[Any]] | None) -> tuple[str | None, list[str]]:
    if not match:
        return None, []
    names = [name for name in resource.filters if name != resource.time_field]
    return match_field(resource.name, match, names, partner="Yofi", no_fields_hint="nothing; give a time range instead")


def _id_batches(
    resource: YofiResource, name: str, ids: list[str], expressions: list[Expression]
) -> tuple[QueryBatch, ...]:
    takes_in = "=in=" in resource.filters[name]
    filter_text = str(_all_of(expressions) or "")
    room = max(MAX_IDS_LENGTH // 4, MAX_IDS_LENGTH - len(quote(filter_text, safe="")))
    batches = list(id_batches(ids, size=IDS_PER_BATCH, max_length=room, encode=lambda id_: f"{field(name) == id_},"))
    return tuple(
        QueryBatch(
            name=f"{resource.name} by {name}, batch {number} of {len(batches)}",
            filter=str(_all_of([*expressions, field(name).in_(batch) if takes_in else field(name).equals_any(batch)])),
            can_prefetch=True,
            filters_by_id={} if takes_in else {id_: str(_all_of([*expressions, field(name) == id_])) for id_ in batch},
        )
        for number, batch in enumerate(batches, 1)
    )


def _all_of(expressions: list[Expression]) -> Expression | None:
    combined: Expression | None = None
    for expression in expressions:
        combined = expression if combined is None else combined & expression
    return combined


def _configuration_error(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Yofi")
