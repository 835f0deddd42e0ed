"""Which time range a query of Voucherify's lists has, and how it is sent.

The range comes from ``since`` and ``until``, or else from the list's own parameters or filters. These are sent as the
user wrote them, such as ``created_at[after]=2017-09-08``. One bound is enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.voucherify.pages import QueryParams, TimeSelection
from airflow_provider_partners.api.voucherify.resources.model import TimeFilter, VoucherifyResource, encode_parameters
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from datetime import datetime

_OR_JUNCTION = ("filters[junction]", "or")


def time_selection(
    resource: VoucherifyResource,
    *,
    since: datetime | str | None,
    until: datetime | str | None,
    time_field: str | None,
    parameters: Mapping[str, Any],
) -> TimeSelection:
    """Return the time range of the arguments, or else of the parameters.

    :raises ConfigurationError: for a time that does not filter the list, or an empty range
    """
    since = timestamps.parse(since, "since") if since else None
    until = timestamps.parse(until, "until") if until else None
    if not (since or until or time_field):
        return _written_selection(resource, parameters)
    names = list(resource.every_time)
    chosen = time_field or resource.time_field or "created_at"
    if chosen not in names:
        message = f"'{resource.name}' can't be filtered by time_field={chosen!r}{suggest(chosen, names)}"
        raise configuration_error(message, f"Use one of: {', '.join(names)}.")
    if since and until and since >= until:
        message = "the window is empty: 'since' is not before 'until'"
        raise configuration_error(message, "Give an earlier 'since'.")
    return TimeSelection(resource.every_time[chosen], TimeRange(since, until))


def _written_selection(resource: VoucherifyResource, parameters: Mapping[str, Any]) -> TimeSelection:
    """Return the time range that the parameters hold, such as ``created_at={"after": "2026-05-01"}``.

    A list that is too long for its pages is split within it.
    """
    ranges = {name: resource.time_params[name] for name in parameters if name in resource.time_params}
    chosen = next(iter(ranges.values()), None)
    if chosen is None:
        return TimeSelection()
    own = {name: parameters[name] for name, each in ranges.items() if each == chosen}
    return _as_written(chosen, encode_parameters(resource, own))


def filtered_selection(resource: VoucherifyResource, filter_params: QueryParams) -> TimeSelection:
    """Return the time range that the filters hold, if the list's times are filters."""
    if _OR_JUNCTION in filter_params:
        return TimeSelection()
    for time_filter in resource.every_time.values():
        bounds = {time_filter.after, time_filter.before} if time_filter.uses_filters else set()
        if own := [(name, value) for name, value in filter_params if without_index(name) in bounds]:
            return _as_written(time_filter, own)
    return TimeSelection()


def without_index(name: str) -> str:
    return name.removesuffix("[0]")


def undescribed_ranges(resource: VoucherifyResource, parameters: Mapping[str, Any]) -> tuple[TimeSelection, ...]:
    """Return the time ranges among the parameters that the server may not know, so that the client applies them."""
    return tuple(
        _as_written(time_filter, encode_parameters(resource, {name: parameters[name]}))
        for name, time_filter in resource.time_params.items()
        if name in parameters and time_filter.undescribed
    )


def _as_written(time_filter: TimeFilter, pairs: QueryParams) -> TimeSelection:
    bounds = {without_index(name): value for name, value in pairs}
    time_range = TimeRange.parse(bounds.get(time_filter.after), bounds.get(time_filter.before))
    if time_range.since and time_range.until and time_range.since >= time_range.until:
        message = "the window is empty: 'after' is not before 'before'"
        raise configuration_error(message, "Give an earlier 'after'.")
    return TimeSelection(time_filter, time_range, tuple(pairs))


def configuration_error(message: str, remedy: str) -> ConfigurationError:
    """Return the error for an argument that a list does not accept."""
    return ConfigurationError(message, remedy=remedy, partner="Voucherify")
