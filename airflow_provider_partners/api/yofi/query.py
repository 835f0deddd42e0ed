"""What is asked of a Yofi list: arguments checked, then written as filters and parameters.

Everything that Yofi would refuse, or quietly ignore, is refused here with the allowed alternatives. Must not know HTTP,
pages or records.

A stretch of time of Yofi's returns, which have no filter by time: in which orders to walk, how far, what to keep.

Rows are kept by the date of the *return*. One without such a date can't be judged and is kept. What changes later (a
state, a prediction) doesn't move a row in any order, so windows don't see it: ask by ids, or for the whole list, from
time to time. Must not know HTTP or pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.resources import YofiResource
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import field as dataclass_field
from datetime import UTC
from urllib.parse import quote

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.ids import MAX_IDS_LENGTH, id_batches, ids_digest, match_field
from airflow_provider_partners.api.rsql.expressions import Expression, field, to_expression
from airflow_provider_partners.api.yofi.resources import FIELDS, PREDICTION_FILTERS
from airflow_provider_partners.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowWalk:
    """How a stretch of time is cut out of a list.

    :param field: the field that bounds it, in epoch seconds
    :param since: its first second; ``None`` from the very beginning
    :param until: the first second behind it; ``None`` for no end
    :param sort_stops: fields to walk by, newest first and in order of preference, each with the moment to stop at; without
        any, the list is read whole
    """

    field: str
    since: float | None
    until: float | None
    sort_stops: tuple[tuple[str, float], ...] = ()

    def contains(self, record: Record) -> bool:
        """Whether a row belongs to the stretch, as far as that can be told.

        :param record: of the list
        """
        try:
            at = float(record[self.field])
        except (KeyError, TypeError, ValueError):
            return True
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def request(self) -> dict[str, Any]:
        """What decides the result, as JSON."""
        return {"field": self.field, "since": self.since, "until": self.until, "stops": [*map(list, self.sort_stops)]}


def plan_walk(
    resource: YofiResource,
    *,
    since: datetime | None,
    until: datetime | None,
    sort: tuple[str, ...],
    lookback: timedelta | None,
) -> WindowWalk | None:
    """The sweep that a window of a list needs, if any.

    :param resource: the list
    :param since: the window's beginning
    :param until: its end
    :param sort: the order that was asked for, if any: a walk can rely on those it knows alone
    :param lookback: how far behind ``since`` to walk on; by the field's own measure by default
    :raises ConfigurationError: when a lookback has no meaning, or is negative
    """
    if lookback is not None and (not resource.sort_fields or since is None):
        message = f"'walk_lookback' has no meaning for '{resource.name}' here"
        remedy = "It says how far behind 'since' a list is walked that has no filter by time; leave it out."
        raise ConfigurationError(message, remedy=remedy, partner="Yofi")
    if lookback is not None and lookback < timedelta():
        message = f"'walk_lookback' is negative: {lookback}"
        raise ConfigurationError(message, remedy="Give how far behind 'since' to walk on.", partner="Yofi")
    if not resource.sort_fields or (since is None and until is None):
        return None
    begin, end = (None if bound is None else bound.timestamp() for bound in (since, until))
    if begin is None:
        return WindowWalk(field=resource.date_field, since=begin, until=end)
    stops = tuple(
        (name, begin - (usual if lookback is None else lookback).total_seconds())
        for name, usual in resource.sort_fields.items()
        if not sort or sort == (f"-{name}",)
    )
    return WindowWalk(field=resource.date_field, since=begin, until=end, sort_stops=stops)


IDS_PER_BATCH = 50

Names = str | Iterable[str]
"""Names as a sequence, or as text with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryBatch:
    """One query of an extraction.

    :param name: for errors; holds no ids
    :param filter: its RSQL, empty for none
    :param can_prefetch: whether no row can be added to it any more, or its rows are few, so that pages may be read ahead
    :param filters_by_id: where its ids are joined by *or*: each id with the filter that asks for it alone
    """

    name: str
    filter: str
    can_prefetch: bool
    filters_by_id: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """A question to a list.

    :param batches: its queries, in order
    :param params: the parameters that all of them share
    :param include: the relations asked for
    :param window: the stretch of time, where both ends are given
    :param walk: how that is cut out of a list without a time filter
    :param prediction_filter: what is asked of the predictions, for lists of them
    :param request: all of it as JSON; of ids only how many, and their digest
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
    since: Any,
    until: Any,
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
    """Check the arguments of an extraction and write them down; see ``YofiClient.extract`` for most of them.

    :param resource: the list
    :param prediction_param: the parameter of the second filter
    :param now: seconds since 1970
    :raises ConfigurationError: naming what the list doesn't take, and what it takes
    """
    begin, end = (
        timestamps.parse(value, name) if value else None for value, name in ((since, "since"), (until, "until"))
    )
    parts = [*_time_filters(resource, begin, end), *_user_filters(resource, filters)]
    relations = resolve_include(resource, include)
    order = _sort_param(resource, sort)
    swept = plan_walk(resource, since=begin, until=end, sort=_split_names(sort or ()), lookback=walk_lookback)
    params = {**field_params(resource, fields, relations), **order}
    name, ids = _match_ids(resource, match)
    _add_needed_fields(resource, params, swept, name)
    if relations:
        params["include"] = ",".join(relations)
    sift = _check_prediction_filter(resource, prediction_filter) if prediction_filter else None
    if sift and resource.takes_prediction_filter:
        params[prediction_param] = str(sift)
    window = Window(begin, end) if begin and end else None
    closed = window is not None and window.until.timestamp() <= now
    if name:
        batches = _id_batches(resource, name, ids, parts)
    else:
        whole = swept is not None
        batches = (QueryBatch(name=resource.name, filter=str(_all_of(parts) or ""), can_prefetch=closed and not whole),)
    request = {
        "filter": str(_all_of(parts) or ""),
        "params": params,
        "match": {name: ids_digest(ids)} if name else None,
        **({"sweep": swept.request()} if swept else {}),
        **({"sift": str(sift)} if sift and resource.prediction_filters else {}),
    }
    return ListQuery(
        batches=batches,
        params=params,
        include=relations,
        window=window,
        walk=swept,
        prediction_filter=sift if resource.prediction_filters else None,
        request=request,
    )


def resolve_include(resource: YofiResource, include: Names | None) -> tuple[str, ...]:
    """The relations to ask for.

    :param resource: the list
    :param include: as given; all known ones by default
    :raises ConfigurationError: for one that is unknown
    """
    if include is None:
        return tuple(resource.relations)
    names = _split_names(include)
    if resource.relation and resource.relation not in names:
        message = f"'{resource.name}' is made of '{resource.relation}', which has to be included"
        raise _configuration_error(message, "Leave 'include' out.")
    for name in names:
        if name not in resource.relations:
            message = f"'{resource.name}' has no relation '{name}' to include"
            raise _configuration_error(message, f"Known: {', '.join(resource.relations) or 'none'}.")
    return names


def field_params(
    resource: YofiResource, fields: Names | Mapping[str, Names] | None, include: Iterable[str]
) -> dict[str, str]:
    """The ``fields[...]`` parameters: all known fields of every type that will come, unless others are given.

    :param resource: the list
    :param fields: of the list's own type, or by type
    :param include: the relations asked for
    :raises ConfigurationError: for a type that the list doesn't give
    """
    related = [resource.relations[name].type for name in include if resource.relations[name].type]
    types = [resource.type, *related]
    given = dict(fields) if isinstance(fields, Mapping) else {} if fields is None else {resource.type: fields}
    for name in given:
        if name not in types:
            message = f"'{resource.name}' gives no records of type '{name}'"
            raise _configuration_error(message, f"Give fields by one of: {', '.join(types)}.")
    # A list made of a relation needs little of what holds it, and no names of people.
    usual = {**FIELDS, **({resource.type: ()} if resource.parent_fields else {})}
    wanted = {name: _split_names(given[name]) if name in given else usual.get(name, ()) for name in types}
    return {f"fields[{name}]": ",".join(listed) for name, listed in wanted.items() if listed}


def _time_filters(resource: YofiResource, since: datetime | None, until: datetime | None) -> list[Expression]:
    if since is None and until is None:
        return []
    if resource.sort_fields:
        return []
    if resource.time_field is None:
        message = f"'{resource.name}' can't be asked for by time: Yofi's page lists no such filter for it"
        raise _configuration_error(message, resource.no_time_filter_hint)
    selector = field(resource.time_field)
    written = _round_up_to_second if resource.time_format == "epoch" else _round_up_to_datetime
    lower = [selector >= written(since)] if since else []
    upper = [selector < written(until)] if until else []
    return [*lower, *upper]


def _round_up_to_second(bound: datetime) -> int:
    """Whole seconds, rounded up at both ends: windows that touch still share no row and leave none out."""
    return math.ceil(bound.timestamp())


def _round_up_to_datetime(bound: datetime) -> datetime:
    return datetime.fromtimestamp(_round_up_to_second(bound), UTC)


def _user_filters(resource: YofiResource, filters: Expression | str | None) -> list[Expression]:
    if not filters:
        return []
    built = to_expression(filters)
    built.check(resource.filters, hint=resource.filter_hint)
    return [built]


def _check_prediction_filter(resource: YofiResource, filters: Expression | str) -> Expression:
    if not (resource.takes_prediction_filter or resource.prediction_filters):
        message = f"'{resource.name}' takes no prediction_filter"
        remedy = "Only 'returns' can be filtered by their predictions, and the lists of predictions themselves."
        raise _configuration_error(message, remedy)
    built = to_expression(filters)
    built.check(resource.prediction_filters or PREDICTION_FILTERS)
    return built


def _add_needed_fields(
    resource: YofiResource, params: dict[str, str], walk: WindowWalk | None, match_field_name: str | None
) -> None:
    """Ask for the fields that walks, batches of ids and rows made of a relation need, whatever others were chosen."""
    needed = [
        *(resource.sort_fields if walk else ()),
        *([match_field_name] if match_field_name else ()),
        *resource.parent_fields.values(),
    ]
    known = [name for name in needed if name in FIELDS[resource.type]]
    if known:
        parameter = f"fields[{resource.type}]"
        chosen = _split_names(params.get(parameter, ()))
        params[parameter] = ",".join(dict.fromkeys([*chosen, *known]))


def _sort_param(resource: YofiResource, sort: Names | None) -> dict[str, str]:
    if not sort:
        return {"sort": resource.sort} if resource.sort else {}
    if not resource.sort:
        message = f"'{resource.name}' can't be sorted"
        raise _configuration_error(message, "Leave 'sort' out.")
    names = _split_names(sort)
    for name in names:
        if not re.fullmatch(r"-?\w+(\.\w+)*", name):
            message = f"{name!r} is nothing to sort by"
            raise _configuration_error(message, f"Give fields' names, with - for descending, such as -{resource.sort}.")
    return {"sort": ",".join(names)}


def _match_ids(resource: YofiResource, match: Mapping[str, Iterable[Any]] | None) -> tuple[str | None, list[str]]:
    if not match:
        return None, []
    possible = [name for name in resource.filters if name != resource.time_field]
    return match_field(resource.name, match, possible, partner="Yofi", no_fields_hint="nothing; give a window instead")


def _id_batches(resource: YofiResource, name: str, ids: list[str], parts: list[Expression]) -> tuple[QueryBatch, ...]:
    several = "=in=" in resource.filters[name]
    base = _all_of(parts)
    room = max(MAX_IDS_LENGTH // 4, MAX_IDS_LENGTH - len(quote(str(base or ""), safe="")))
    listed = list(id_batches(ids, size=IDS_PER_BATCH, max_length=room, encode=lambda id_: f"{field(name) == id_},"))
    batches = []
    for number, some in enumerate(listed, 1):
        chosen = field(name).in_(some) if several else field(name).equals_any(some)
        batches.append(
            QueryBatch(
                name=f"{resource.name} by {name}, batch {number} of {len(listed)}",
                filter=str(_all_of([*parts, chosen])),
                can_prefetch=True,
                filters_by_id={} if several else {id_: str(_all_of([*parts, field(name) == id_])) for id_ in some},
            )
        )
    return tuple(batches)


def _all_of(parts: list[Expression]) -> Expression | None:
    whole: Expression | None = None
    for part in parts:
        whole = part if whole is None else whole & part
    return whole


def _split_names(given: Names) -> tuple[str, ...]:
    listed = given.split(",") if isinstance(given, str) else given
    return tuple(dict.fromkeys(name.strip() for name in listed if name.strip()))


def _configuration_error(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Yofi")
