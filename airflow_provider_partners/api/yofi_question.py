"""What is asked of a Yofi list: arguments checked, then written as filters and parameters.

Everything that Yofi would refuse, or quietly ignore, is refused here with the allowed alternatives. Must not know HTTP,
pages or records.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners.api.identifiers import URL_LENGTH, digest, id_batches, matched
from airflow_provider_partners.api.rsql import Expression, expression, field
from airflow_provider_partners.api.yofi_resources import FIELDS, PREDICTION_FILTERS
from airflow_provider_partners.api.yofi_sweep import Sweep, sweep
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import Window, moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi_resources import YofiResource

IDS_PER_REQUEST = 50

Names = str | Iterable[str]
"""Names as a sequence, or as text with commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One query of an extraction.

    :param name: for errors; holds no ids
    :param filter: its RSQL, empty for none
    :param settled: whether no row can be added to it any more, or its rows are few, so that pages may be read ahead
    :param singly: where its ids are joined by *or*: each id with the filter that asks for it alone
    """

    name: str
    filter: str
    settled: bool
    singly: Mapping[str, str] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to a list.

    :param batches: its queries, in order
    :param params: the parameters that all of them share
    :param include: the relations asked for
    :param window: the stretch of time, where both ends are given
    :param sweep: how that is cut out of a list without a time filter
    :param sift: what is asked of the predictions, for lists of them
    :param request: all of it as JSON; of ids only how many, and their digest
    """

    batches: tuple[Batch, ...]
    params: Mapping[str, str]
    include: tuple[str, ...]
    window: Window | None
    sweep: Sweep | None
    sift: Expression | None
    request: Mapping[str, Any]


def ask(
    resource: YofiResource,
    *,
    since: Any,
    until: Any,
    filter: Expression | str | None,  # noqa: A002 - the API's own word
    prediction_filter: Expression | str | None,
    prediction_param: str,
    fields: Names | Mapping[str, Names] | None,
    include: Names | None,
    sort: Names | None,
    match: Mapping[str, Iterable[Any]] | None,
    walk_lookback: timedelta | None,
    now: float,
) -> Question:
    """Check the arguments of an extraction and write them down; see ``YofiClient.extract`` for most of them.

    :param resource: the list
    :param prediction_param: the parameter of the second filter
    :param now: seconds since 1970
    :raises ConfigurationError: naming what the list doesn't take, and what it takes
    """
    begin, end = (moment(value, name) if value else None for value, name in ((since, "since"), (until, "until")))
    parts = [*_bounds(resource, begin, end), *_own_filter(resource, filter)]
    relations = asked_include(resource, include)
    order = _sort(resource, sort)
    swept = sweep(resource, since=begin, until=end, sort=_names(sort or ()), lookback=walk_lookback)
    params = {**asked_fields(resource, fields, relations), **order}
    name, ids = _match(resource, match)
    _keep(resource, params, swept, name)
    if relations:
        params["include"] = ",".join(relations)
    sift = _prediction_filter(resource, prediction_filter) if prediction_filter else None
    if sift and resource.by_predictions:
        params[prediction_param] = str(sift)
    window = Window(begin, end) if begin and end else None
    closed = window is not None and window.until.timestamp() <= now
    if name:
        batches = _by_ids(resource, name, ids, parts)
    else:
        whole = swept is not None
        batches = (Batch(name=resource.name, filter=str(_all(parts) or ""), settled=closed and not whole),)
    request = {
        "filter": str(_all(parts) or ""),
        "params": params,
        "match": {name: digest(ids)} if name else None,
        **({"sweep": swept.request()} if swept else {}),
        **({"sift": str(sift)} if sift and resource.sifts else {}),
    }
    return Question(
        batches=batches,
        params=params,
        include=relations,
        window=window,
        sweep=swept,
        sift=sift if resource.sifts else None,
        request=request,
    )


def asked_include(resource: YofiResource, include: Names | None) -> tuple[str, ...]:
    """The relations to ask for.

    :param resource: the list
    :param include: as given; all known ones by default
    :raises ConfigurationError: for one that is unknown
    """
    if include is None:
        return tuple(resource.relations)
    names = _names(include)
    if resource.relation and resource.relation not in names:
        message = f"'{resource.name}' is made of '{resource.relation}', which has to be included"
        raise _refused(message, "Leave 'include' out.")
    for name in names:
        if name not in resource.relations:
            message = f"'{resource.name}' has no relation '{name}' to include"
            raise _refused(message, f"Known: {', '.join(resource.relations) or 'none'}.")
    return names


def asked_fields(
    resource: YofiResource, fields: Names | Mapping[str, Names] | None, relations: Iterable[str]
) -> dict[str, str]:
    """The ``fields[...]`` parameters: all known fields of every type that will come, unless others are given.

    :param resource: the list
    :param fields: of the list's own type, or by type
    :param relations: the relations asked for
    :raises ConfigurationError: for a type that the list doesn't give
    """
    related = [resource.relations[name].type for name in relations if resource.relations[name].type]
    types = [resource.type, *related]
    given = dict(fields) if isinstance(fields, Mapping) else {} if fields is None else {resource.type: fields}
    for name in given:
        if name not in types:
            message = f"'{resource.name}' gives no records of type '{name}'"
            raise _refused(message, f"Give fields by one of: {', '.join(types)}.")
    # A list made of a relation needs little of what holds it, and no names of people.
    usual = {**FIELDS, **({resource.type: ()} if resource.carries else {})}
    wanted = {name: _names(given[name]) if name in given else usual.get(name, ()) for name in types}
    return {f"fields[{name}]": ",".join(listed) for name, listed in wanted.items() if listed}


def _bounds(resource: YofiResource, since: datetime | None, until: datetime | None) -> list[Expression]:
    if since is None and until is None:
        return []
    if resource.walks:
        return []
    if resource.time_field is None:
        message = f"'{resource.name}' can't be asked for by time: Yofi's page lists no such filter for it"
        raise _refused(message, resource.instead)
    selector = field(resource.time_field)
    written = _epoch if resource.times == "epoch" else _whole_second
    lower = [selector >= written(since)] if since else []
    upper = [selector < written(until)] if until else []
    return [*lower, *upper]


def _epoch(bound: datetime) -> int:
    """Whole seconds, rounded up at both ends: windows that touch still share no row and leave none out."""
    return math.ceil(bound.timestamp())


def _whole_second(bound: datetime) -> datetime:
    return datetime.fromtimestamp(_epoch(bound), UTC)


def _own_filter(resource: YofiResource, given: Expression | str | None) -> list[Expression]:
    if not given:
        return []
    built = expression(given)
    built.check(resource.filters, hint=resource.hint)
    return [built]


def _prediction_filter(resource: YofiResource, given: Expression | str) -> Expression:
    if not (resource.by_predictions or resource.sifts):
        message = f"'{resource.name}' takes no prediction_filter"
        remedy = "Only 'returns' can be filtered by their predictions, and the lists of predictions themselves."
        raise _refused(message, remedy)
    built = expression(given)
    built.check(resource.sifts or PREDICTION_FILTERS)
    return built


def _keep(resource: YofiResource, params: dict[str, str], swept: Sweep | None, matched_by: str | None) -> None:
    """Ask for the fields that walks, batches of ids and rows made of a relation need, whatever others were chosen."""
    needed = [*(resource.walks if swept else ()), *([matched_by] if matched_by else ()), *resource.carries.values()]
    known = [name for name in needed if name in FIELDS[resource.type]]
    if known:
        parameter = f"fields[{resource.type}]"
        chosen = _names(params.get(parameter, ()))
        params[parameter] = ",".join(dict.fromkeys([*chosen, *known]))


def _sort(resource: YofiResource, sort: Names | None) -> dict[str, str]:
    if not sort:
        return {"sort": resource.sort} if resource.sort else {}
    if not resource.sort:
        message = f"'{resource.name}' can't be sorted"
        raise _refused(message, "Leave 'sort' out.")
    names = _names(sort)
    for name in names:
        if not re.fullmatch(r"-?\w+(\.\w+)*", name):
            message = f"{name!r} is nothing to sort by"
            raise _refused(message, f"Give fields' names, with - for descending, such as -{resource.sort}.")
    return {"sort": ",".join(names)}


def _match(resource: YofiResource, match: Mapping[str, Iterable[Any]] | None) -> tuple[str | None, list[str]]:
    if not match:
        return None, []
    possible = [name for name in resource.filters if name != resource.time_field]
    return matched(resource.name, match, possible, partner="Yofi", otherwise="nothing; give a window instead")


def _by_ids(resource: YofiResource, name: str, ids: list[str], parts: list[Expression]) -> tuple[Batch, ...]:
    several = "=in=" in resource.filters[name]
    base = _all(parts)
    room = max(URL_LENGTH // 4, URL_LENGTH - len(quote(str(base or ""), safe="")))
    listed = list(id_batches(ids, size=IDS_PER_REQUEST, length=room, written=lambda id_: f"{field(name) == id_},"))
    batches = []
    for number, some in enumerate(listed, 1):
        chosen = field(name).in_(some) if several else field(name).equals_any(some)
        batches.append(
            Batch(
                name=f"{resource.name} by {name}, batch {number} of {len(listed)}",
                filter=str(_all([*parts, chosen])),
                settled=True,
                singly={} if several else {id_: str(_all([*parts, field(name) == id_])) for id_ in some},
            )
        )
    return tuple(batches)


def _all(parts: list[Expression]) -> Expression | None:
    whole: Expression | None = None
    for part in parts:
        whole = part if whole is None else whole & part
    return whole


def _names(given: Names) -> tuple[str, ...]:
    listed = given.split(",") if isinstance(given, str) else given
    return tuple(dict.fromkeys(name.strip() for name in listed if name.strip()))


def _refused(message: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(message, remedy=remedy, partner="Yofi")
