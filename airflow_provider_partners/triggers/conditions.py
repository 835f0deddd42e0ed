"""The conditions that sensors wait for: each is a spec in plain JSON that a partner's client evaluates.

A sensor on a worker and its trigger in the triggerer share one evaluation, so that both always agree. A result holds
ids, counts and times, never a record. This module knows no Airflow, and not how often a condition is evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobState
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.api.async_job import JobStatus
    from airflow_provider_partners.records import Record

__all__ = ["ConditionResult", "ConditionSpec", "ExportSpec", "FreshnessSpec", "OrdersSpec", "RecordsSpec", "evaluate"]


class RecordsSpec(TypedDict):
    """Spec of the condition ``records``: a list has at least so many records."""

    resource: str
    """Name of the list."""
    at_least: int
    """Number of records to wait for."""
    time_field: str | None
    """Dotted path of the record's time, for the result."""
    query: dict[str, Any]
    """Arguments of the client's ``extract``, as JSON."""


class ExportSpec(TypedDict):
    """Spec of the condition ``export``: an async job has ended."""

    job_id: str
    """The partner's id of the job."""


class OrdersSpec(TypedDict):
    """Spec of the condition ``orders``: every order is in a state."""

    external_ids: list[str]
    """The merchant's ids of the orders."""
    state: str
    """One of :data:`ORDER_STATES`."""


class FreshnessSpec(TypedDict):
    """Spec of the condition ``freshness``: a dataset or a watermark is young enough."""

    uri: str | None
    """Folder of the dataset; ``None`` for a watermark."""
    time_field: str | None
    """Dotted path of a record's time; by default the time field of the list."""
    max_age: float
    """Seconds."""


ConditionSpec = RecordsSpec | ExportSpec | OrdersSpec | FreshnessSpec
"""The spec of a condition, as JSON: Airflow stores it with the trigger."""

RECORDS, EXPORT, ORDERS, FRESHNESS = "records", "export", "orders", "freshness"

MAX_IDS = 20
"""Most ids in a result."""


@dataclass(frozen=True, slots=True)
class ConditionResult:
    """Result of one evaluation.

    :param met: True if the condition is met
    :param details: ids, counts and times, as JSON
    :param impossible_reason: why the condition can never be met; empty while it still can
    """

    met: bool
    details: dict[str, Any] = field(default_factory=dict)
    impossible_reason: str = ""


def evaluate(condition: str, client: Any, spec: Mapping[str, Any]) -> ConditionResult:
    """Evaluate a condition once.

    :param condition: one of :data:`CONDITIONS`
    :param client: the partner's client
    :param spec: the condition's :data:`ConditionSpec`
    :raises ConfigurationError: for an unknown condition
    """
    if condition not in CONDITIONS:
        message = f"There is no condition '{condition}'"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(CONDITIONS)}.")
    return CONDITIONS[condition](client, spec)


def _check_records(client: Any, spec: RecordsSpec) -> ConditionResult:
    """Return whether a list has enough records; reads no further than that."""
    query = {name: _PARSERS.get(name, _unchanged)(value, name) for name, value in spec["query"].items()}
    required, since, not_begun = int(spec["at_least"]), query.get("since"), False
    if since is not None and since >= datetime.now(UTC):
        # Some lists refuse a window in the future. Build the query for another one, so that its arguments are checked.
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
"""Parsers of the client's arguments that are no JSON types."""


def _record_time(record: Record, path: str | None) -> str | None:
    """Return a record's time as ISO 8601, or ``None`` when it has no readable one."""
    value = get_path(record, path) if path else None
    try:
        if isinstance(value, int | float):
            timestamp = timestamps.from_epoch(value)
        else:
            timestamp = timestamps.parse(value, str(path))
    except (ConfigurationError, ValueError, OverflowError, OSError):
        return None
    return timestamps.isoformat(timestamp)


def _record_id(record: Record, key: tuple[str, ...]) -> str:
    return "|".join("" if (value := get_path(record, name)) is None else str(value) for name in key)


def _check_export(client: Any, spec: ExportSpec) -> ConditionResult:
    """Return whether a partner's async job has ended."""
    status: JobStatus = client.job_status(spec["job_id"])
    details = {
        "export_id": status.job_id,
        "status": status.partner_status or str(status.state),
        "records": status.record_count,
    }
    if status.state is JobState.FAILED:
        reason = f": {status.reason}" if status.reason else ""
        impossible = f"the export {status.job_id} ended as {details['status']}{reason}"
        return ConditionResult(False, details, impossible_reason=impossible)
    return ConditionResult(status.state is JobState.DONE, details)


def _check_orders(client: Any, spec: OrdersSpec) -> ConditionResult:
    """Return whether every order is in the state."""
    ids, state = spec["external_ids"], spec["state"]
    if state not in ORDER_STATES:
        message = f"There is no state '{state}' of an order{suggest(state, ORDER_STATES)}"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(ORDER_STATES)}.")
    orders = client.orders(ids)
    ready = [id_ for id_ in ids if id_ in orders and ORDER_STATES[state](orders[id_])]
    waiting = [id_ for id_ in ids if id_ not in set(ready)]
    cancelled = [id_ for id_ in waiting if id_ in orders and orders[id_].get("cancellation")]
    details = {
        "state": state,
        "orders": len(ready),
        "of": len(ids),
        "ids": ready[:MAX_IDS],
        "waiting": waiting[:MAX_IDS],
    }
    impossible = ""
    if cancelled:
        ids_text = ", ".join(cancelled[:MAX_IDS])
        impossible = f"{len(cancelled)} orders were cancelled before they were {state}: {ids_text}"
    return ConditionResult(not waiting, details, impossible_reason=impossible)


def _check_freshness(times: Any, spec: FreshnessSpec) -> ConditionResult:
    """Return whether the newest record of a dataset, or a watermark, is young enough."""
    reference, newest = times.newest(spec["uri"], spec["time_field"])
    age = None if newest is None else (datetime.now(UTC) - newest).total_seconds()
    details = {
        "newest": None if newest is None else timestamps.isoformat(newest),
        "age_seconds": None if age is None else round(age),
        **({} if reference is None else {"records": reference.records}),
    }
    return ConditionResult(age is not None and age <= spec["max_age"], details)


def _exists(_: Record) -> bool:
    return True


def _fulfilled(order: Record) -> bool:
    """Return True if every unit was shipped or cancelled, and at least one was shipped.

    A Yotpo order has no such state. Its fulfillments have: each covers units of products, and a unit that will not be
    shipped has a cancelled fulfillment.
    """
    final_units: dict[str, int] = {}
    fulfillments = [item for item in order.get("fulfillments") or () if item.get("status") in _FINAL_STATUSES]
    for fulfillment in fulfillments:
        _add_units(final_units, fulfillment.get("fulfilled_items"))
    ordered_units: dict[str, int] = {}
    _add_units(ordered_units, order.get("line_items"))
    shipped = any(fulfillment["status"] == _SHIPPED_STATUS for fulfillment in fulfillments)
    return shipped and all(final_units.get(product, 0) >= units for product, units in ordered_units.items())


def _delivered(order: Record) -> bool:
    """Return True if the order is fulfilled, and the carrier has delivered every shipment."""
    shipped = [item for item in order.get("fulfillments") or () if item.get("status") == _SHIPPED_STATUS]
    return _fulfilled(order) and all(get_path(item, "shipment_info.shipment_status") == "delivered" for item in shipped)


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
"""The states of an order that a sensor can wait for."""

CONDITIONS: Mapping[str, Callable[[Any, Any], ConditionResult]] = {
    RECORDS: _check_records,
    EXPORT: _check_export,
    ORDERS: _check_orders,
    FRESHNESS: _check_freshness,
}
"""Every condition by its name, which is what a trigger's row in the database holds."""
