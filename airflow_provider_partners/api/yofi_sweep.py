"""A stretch of time of Yofi's returns, which have no filter by time: in which orders to walk, how far, what to keep.

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
    from airflow_provider_partners.api.messages import Record
    from airflow_provider_partners.api.yofi_resources import YofiResource


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
