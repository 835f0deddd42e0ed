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

from airflow_provider_partners.api.jobs import JobState
from airflow_provider_partners.api.pages import dig
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.jobs import JobStatus
    from airflow_provider_partners.api.messages import Record

Question = Mapping[str, Any]
"""What is asked, as JSON: Airflow stores it with the trigger."""

RECORDS, EXPORT, ORDERS = "records", "export", "orders"

MOST_IDS = 20
"""Ids that are told of what was found."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look at the partner gave.

    :param met: whether the condition is met
    :param found: what there is, as JSON
    :param never: why it never will be met, where that is certain
    """

    met: bool
    found: dict[str, Any] = field(default_factory=dict)
    never: str = ""


def evaluate(condition: str, client: Any, question: Question) -> Finding:
    """Look once whether a condition is met.

    :param condition: one of :data:`CONDITIONS`
    :param client: of the partner
    :param question: what the condition is about
    :raises ConfigurationError: for an unknown condition
    """
    if condition not in CONDITIONS:
        message = f"There is no condition '{condition}'"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(CONDITIONS)}.")
    return CONDITIONS[condition](client, question)


def _records(client: Any, question: Question) -> Finding:
    """Whether a list has so many records; reads no further than that.

    ``{"resource": "claims", "at_least": 1, "time_field": "created_at_epoch", "asked": {"since": "2026-05-01T…"}}``
    """
    asked = {name: _ARGUMENTS.get(name, _as_it_is)(value, name) for name, value in question["asked"].items()}
    wanted, since, early = int(question["at_least"]), asked.get("since"), False
    if since is not None and since >= datetime.now(UTC):
        # Not all lists can be asked for a window that hasn't begun; what else is asked is checked already.
        asked, early = {"until": since + timedelta(days=1), **asked}, True
    extraction = client.extract(question["resource"], **asked)
    with closing(extraction.pages()) as steps:
        read = [] if early else list(islice((record for step in steps for record in step.records), wanted))
    times = sorted(filter(None, (_time(record, question["time_field"]) for record in read)))
    found = {
        "resource": question["resource"],
        "records": len(read),
        "first": times[0] if times else None,
        "last": times[-1] if times else None,
        "ids": [_id(record, extraction.key) for record in read[:MOST_IDS]],
    }
    return Finding(len(read) >= wanted, found)


def _as_it_is(value: Any, _: str) -> Any:
    return value


_ARGUMENTS: Mapping[str, Callable[[Any, str], Any]] = {
    "since": moment,
    "until": moment,
    "walk_lookback": lambda seconds, _: timedelta(seconds=seconds),
}
"""Arguments of a client that JSON can't hold, and how to make them of what it holds."""


def _time(record: Record, name: str | None) -> str | None:
    """When a record came about, in one form for all partners; ``None`` where it can't be told."""
    value = dig(record, name) if name else None
    try:
        at = datetime.fromtimestamp(float(value), UTC) if isinstance(value, int | float) else moment(value, str(name))
    except (ConfigurationError, ValueError, OverflowError, OSError):
        return None
    return at.isoformat().replace("+00:00", "Z")


def _id(record: Record, key: tuple[str, ...]) -> str:
    return "|".join("" if (value := dig(record, name)) is None else str(value) for name in key)


def _export(client: Any, question: Question) -> Finding:
    """Whether a partner's job has ended: ``{"job_id": "exp_1"}``."""
    status: JobStatus = client.job_status(question["job_id"])
    found = {"export_id": status.job_id, "status": status.said or str(status.state), "records": status.rows}
    if status.state is JobState.FAILED:
        reason = f": {status.reason}" if status.reason else ""
        return Finding(False, found, never=f"the export {status.job_id} ended as {found['status']}{reason}")
    return Finding(status.state is JobState.DONE, found)


def _orders(client: Any, question: Question) -> Finding:
    """Whether all of some orders are as wanted: ``{"external_ids": ["1001"], "state": "fulfilled"}``."""
    ids, wanted = question["external_ids"], question["state"]
    if wanted not in ORDER_STATES:
        message = f"There is no condition '{wanted}' of an order"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(ORDER_STATES)}.")
    orders = client.orders(ids)
    ready = [id_ for id_ in ids if id_ in orders and ORDER_STATES[wanted](orders[id_])]
    waiting = [id_ for id_ in ids if id_ not in set(ready)]
    lost = [id_ for id_ in waiting if id_ in orders and orders[id_].get("cancellation")]
    found = {
        "condition": wanted,
        "orders": len(ready),
        "of": len(ids),
        "ids": ready[:MOST_IDS],
        "waiting": waiting[:MOST_IDS],
    }
    never = f"{len(lost)} orders were cancelled before they were {wanted}: {', '.join(lost[:MOST_IDS])}" if lost else ""
    return Finding(not waiting, found, never=never)


def _exists(_: Record) -> bool:
    return True


def _fulfilled(order: Record) -> bool:
    """Whether every unit was shipped or cancelled, and some were shipped.

    Yotpo's orders have no such state of their own: their fulfillments say it, each for units of products. A unit that
    won't be shipped has a cancelled fulfillment.
    """
    settled: dict[str, int] = {}
    fulfillments = [row for row in order.get("fulfillments") or () if row.get("status") in _SETTLED]
    for fulfillment in fulfillments:
        _count(settled, fulfillment.get("fulfilled_items"))
    bought: dict[str, int] = {}
    _count(bought, order.get("line_items"))
    shipped = any(row["status"] == _SHIPPED for row in fulfillments)
    return shipped and all(settled.get(product, 0) >= units for product, units in bought.items())


def _delivered(order: Record) -> bool:
    """Whether it is fulfilled, and the carrier has delivered all that was shipped."""
    shipped = [row for row in order.get("fulfillments") or () if row.get("status") == _SHIPPED]
    return _fulfilled(order) and all(dig(row, "shipment_info.shipment_status") == "delivered" for row in shipped)


_SHIPPED = "success"
_SETTLED = frozenset({_SHIPPED, "cancelled"})


def _count(units: dict[str, int], lines: Any) -> None:
    for line in lines or ():
        product = str(line.get("external_product_id"))
        units[product] = units.get(product, 0) + int(line.get("quantity") or 0)


ORDER_STATES: Mapping[str, Callable[[Record], bool]] = {
    "exists": _exists,
    "fulfilled": _fulfilled,
    "delivered": _delivered,
}
"""What an order can be waited for to be."""

CONDITIONS: Mapping[str, Callable[[Any, Question], Finding]] = {
    RECORDS: _records,
    EXPORT: _export,
    ORDERS: _orders,
}
"""Every condition by its name, which is what a trigger's row in the database holds."""
