"""What can be waited for: conditions, each a question in plain JSON that a partner's client answers.

One evaluation serves a sensor on a worker and its trigger in the triggerer, so that both can't disagree. What is found
holds ids, counts and times, never a record. Must not know Airflow, nor how often anything is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import JobStatus
    from airflow_provider_partners.records import Record

ConditionSpec = Mapping[str, Any]
"""What is asked, as JSON: Airflow stores it with the trigger."""

RECORDS, EXPORT, ORDERS = "records", "export", "orders"

MAX_IDS = 20
"""Ids that are told of what was found."""


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """What a look at the partner gave.

    :param met: whether the condition is met
    :param details: what there is, as JSON
    :param impossible_reason: why it never will be met, where that is certain
    """

    met: bool
    details: dict[str, Any] = field(default_factory=dict)
    impossible_reason: str = ""


def evaluate(condition: str, client: Any, spec: ConditionSpec) -> ConditionResult:
    """Look once whether a condition is met.

    :param condition: one of :data:`CONDITIONS`
    :param client: of the partner
    :param spec: what the condition is about
    :raises ConfigurationError: for an unknown condition
    """
    if condition not in CONDITIONS:
        message = f"There is no condition '{condition}'"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(CONDITIONS)}.")
    return CONDITIONS[condition](client, spec)


def _check_records(client: Any, spec: ConditionSpec) -> ConditionResult:
    """Whether a list has so many records; reads no further than that.

    ``{"resource": "claims", "at_least": 1, "time_field": "created_at_epoch", "query": {"since": "2026-05-01T…"}}``
    """
    query = {name: _PARSERS.get(name, _unchanged)(value, name) for name, value in spec["query"].items()}
    required, since, not_begun = int(spec["at_least"]), query.get("since"), False
    if since is not None and since >= datetime.now(UTC):
        # Not all lists can be asked for a window that hasn't begun; what else is asked is checked already.
        query, not_begun = {"until": since + timedelta(days=1), **query}, True
    extraction = client.extract(spec["resource"], **query)
    with closing(extraction.pages()) as steps:
        records = [] if not_begun else list(islice((record for step in steps for record in step.records), required))
    times = sorted(filter(None, (_record_time(record, spec["time_field"]) for record in records)))
    details = {
        "resource": spec["resource"],
        "records": len(records),
        "first": times[0] if times else None,
        "last": times[-1] if times else None,
        "ids": [_record_id(record, extraction.key) for record in records[:MAX_IDS]],
    }
    return ConditionResult(len(records) >= required, details)


def _unchanged(value: Any, _: str) -> Any:
    return value


_PARSERS: Mapping[str, Callable[[Any, str], Any]] = {
    "since": timestamps.parse,
    "until": timestamps.parse,
    "walk_lookback": lambda seconds, _: timedelta(seconds=seconds),
}
"""Arguments of a client that JSON can't hold, and how to make them of what it holds."""


def _record_time(record: Record, name: str | None) -> str | None:
    """When a record came about, in one form for all partners; ``None`` where it can't be told."""
    value = get_path(record, name) if name else None
    try:
        timestamp = (
            datetime.fromtimestamp(float(value), UTC)
            if isinstance(value, int | float)
            else timestamps.parse(value, str(name))
        )
    except (ConfigurationError, ValueError, OverflowError, OSError):
        return None
    return timestamp.isoformat().replace("+00:00", "Z")


def _record_id(record: Record, key: tuple[str, ...]) -> str:
    return "|".join("" if (value := get_path(record, name)) is None else str(value) for name in key)


def _check_export(client: Any, spec: ConditionSpec) -> ConditionResult:
    """Whether a partner's job has ended: ``{"job_id": "exp_1"}``."""
    status: JobStatus = client.job_status(spec["job_id"])
    details = {
        "export_id": status.job_id,
        "status": status.partner_status or str(status.state),
        "records": status.record_count,
    }
    if status.state is JobState.FAILED:
        reason = f": {status.reason}" if status.reason else ""
        return ConditionResult(
            False, details, impossible_reason=f"the export {status.job_id} ended as {details['status']}{reason}"
        )
    return ConditionResult(status.state is JobState.DONE, details)


def _check_orders(client: Any, spec: ConditionSpec) -> ConditionResult:
    """Whether all of some orders are as wanted: ``{"external_ids": ["1001"], "state": "fulfilled"}``."""
    ids, state = spec["external_ids"], spec["state"]
    if state not in ORDER_STATES:
        message = f"There is no condition '{state}' of an order"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(ORDER_STATES)}.")
    orders = client.orders(ids)
    ready = [id_ for id_ in ids if id_ in orders and ORDER_STATES[state](orders[id_])]
    waiting = [id_ for id_ in ids if id_ not in set(ready)]
    cancelled = [id_ for id_ in waiting if id_ in orders and orders[id_].get("cancellation")]
    details = {
        "condition": state,
        "orders": len(ready),
        "of": len(ids),
        "ids": ready[:MAX_IDS],
        "waiting": waiting[:MAX_IDS],
    }
    impossible_reason = (
        f"{len(cancelled)} orders were cancelled before they were {state}: {', '.join(cancelled[:MAX_IDS])}"
        if cancelled
        else ""
    )
    return ConditionResult(not waiting, details, impossible_reason=impossible_reason)


def _exists(_: Record) -> bool:
    return True


def _fulfilled(order: Record) -> bool:
    """Whether every unit was shipped or cancelled, and some were shipped.

    Yotpo's orders have no such state of their own: their fulfillments say it, each for units of products. A unit that
    won't be shipped has a cancelled fulfillment.
    """
    final_units: dict[str, int] = {}
    fulfillments = [row for row in order.get("fulfillments") or () if row.get("status") in _FINAL_STATUSES]
    for fulfillment in fulfillments:
        _add_units(final_units, fulfillment.get("fulfilled_items"))
    ordered_units: dict[str, int] = {}
    _add_units(ordered_units, order.get("line_items"))
    shipped = any(row["status"] == _SHIPPED_STATUS for row in fulfillments)
    return shipped and all(final_units.get(product, 0) >= units for product, units in ordered_units.items())


def _delivered(order: Record) -> bool:
    """Whether it is fulfilled, and the carrier has delivered all that was shipped."""
    shipped = [row for row in order.get("fulfillments") or () if row.get("status") == _SHIPPED_STATUS]
    return _fulfilled(order) and all(get_path(row, "shipment_info.shipment_status") == "delivered" for row in shipped)


_SHIPPED_STATUS = "success"
_FINAL_STATUSES = frozenset({_SHIPPED_STATUS, "cancelled"})


def _add_units(units: dict[str, int], lines: Any) -> None:
    for line in lines or ():
        product = str(line.get("external_product_id"))
        units[product] = units.get(product, 0) + int(line.get("quantity") or 0)


ORDER_STATES: Mapping[str, Callable[[Record], bool]] = {
    "exists": _exists,
    "fulfilled": _fulfilled,
    "delivered": _delivered,
}
"""What an order can be waited for to be."""

CONDITIONS: Mapping[str, Callable[[Any, ConditionSpec], ConditionResult]] = {
    RECORDS: _check_records,
    EXPORT: _check_export,
    ORDERS: _check_orders,
}
"""Every condition by its name, which is what a trigger's row in the database holds."""
