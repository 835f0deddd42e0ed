"""The partner's transactions by day: which days a run reads, their sums, and the history of the days that were read.

A day is read completely and replaces its earlier copy, so that a restated amount replaces the old one and nothing
counts twice. Shopify documents neither how late a transaction may appear nor whether one is restated. So both are
expected: the latest days are read again, and once a month a longer range. This module knows no Airflow and no API.
Amounts are decimals, never floats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.sync.values import to_decimal
from airflow_provider_partners.windows import Window

__all__ = [
    "ReadPlan",
    "Totals",
    "days_in",
    "extract_arguments",
    "load_history",
    "plan_days",
    "total_dataset",
    "update_history",
]

HISTORY_FILE = "days.json"
"""The file beside the days' folders that lists every day that was read."""

AMOUNT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "gross": ("grossAmount",),
    "fee": ("shopifyFee",),
    # Transactions without a gross amount (referrals, taxes, the oldest ones) are net.
    "net": ("netAmount", "amount"),
}
"""The amounts that are summed, each with the fields of a transaction that may hold it."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """The days that a run reads.

    :param days: the days in order
    :param resync: True if they are the longer range of a month's first run
    :param unread_days: days before them that no run has read, although earlier ones were read
    """

    days: tuple[date, ...]
    resync: bool = False
    unread_days: tuple[date, ...] = ()


def extract_arguments(day: date, destination: str, resource: str) -> dict[str, str]:
    """Return the arguments of a day's extract task: its window and the URI of its dataset.

    :param day: in UTC
    :param destination: the folder of all lists
    :param resource: the list
    """
    window = Window(_day_start(day), _day_start(day + _DAY)).to_dict()
    return {**window, "uri": f"{destination.rstrip('/')}/{resource}/day={day.isoformat()}"}


def days_in(window: Window, *, now: datetime) -> tuple[date, ...]:
    """Return every day that a window touches, up to now."""
    return tuple(_days_between(window.since.date(), min(window.until, now)))


def plan_days(
    window: Window, history: Mapping[str, Any], *, lookback_days: int, resync_days: int, now: datetime
) -> ReadPlan:
    """Return the days of a scheduled run: its own, the latest days again, and unread days of the longer range.

    :param window: the run's data interval
    :param history: the list's entry in :data:`HISTORY_FILE`
    :param lookback_days: days before the run's own that every run reads again
    :param resync_days: days before the run's own that a month's first run reads again; every run reads those of them
        that were never read
    """
    read_days: Mapping[str, Any] = history.get("days", {})
    run_day = window.since.date()
    resync = str(history.get("resynced", ""))[:7] < run_day.isoformat()[:7]
    reread_from = run_day - timedelta(days=resync_days if resync else lookback_days)
    first = run_day - timedelta(days=max(resync_days, lookback_days))
    days = [
        day
        for day in _days_between(first, min(window.until, now))
        if day >= reread_from or not _is_complete(day, read_days)
    ]
    oldest = min((date.fromisoformat(name) for name in read_days), default=first)
    unread_days = tuple(day for day in _days_between(oldest, _day_start(first)) if not _is_complete(day, read_days))
    return ReadPlan(days=tuple(days), resync=resync, unread_days=unread_days)


def _days_between(first: date, until: datetime) -> Iterator[date]:
    day = first
    while _day_start(day) < until:
        yield day
        day += _DAY


def _day_start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _is_complete(day: date, read_days: Mapping[str, Any]) -> bool:
    """Return True if a day was read after it had ended."""
    read_at = (read_days.get(day.isoformat()) or {}).get("read_at")
    return read_at is not None and datetime.fromisoformat(read_at) >= _day_start(day + _DAY)


@dataclass(slots=True)
class Totals:
    """Counts by type and, for transactions, sums by type and currency."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, dict[str, dict[str, Decimal]]] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> None:
        """Add a transaction or an event."""
        # An event has its type in "type"; a tax transaction has there what is taxed.
        kind = str(record["type"] if "occurredAt" in record else record["__typename"])
        self.counts[kind] = self.counts.get(kind, 0) + 1
        for name, fields in AMOUNT_FIELDS.items():
            money = next((record[field] for field in fields if isinstance(record.get(field), Mapping)), None)
            if money is not None:
                sums = self.sums.setdefault(kind, {}).setdefault(str(money["currencyCode"]), {})
                sums[name] = sums.get(name, Decimal()) + _amount(money, kind)

    def __iadd__(self, other: Totals) -> Self:
        """Add other totals."""
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
        for kind, currency, name, amount in other.amounts():
            sums = self.sums.setdefault(kind, {}).setdefault(currency, {})
            sums[name] = sums.get(name, Decimal()) + amount
        return self

    def amounts(self) -> Iterator[tuple[str, str, str, Decimal]]:
        """Yield every sum with its type, currency and name."""
        for kind, currencies in self.sums.items():
            for currency, sums in currencies.items():
                for name, amount in sums.items():
                    yield kind, currency, name, amount

    def to_dict(self) -> dict[str, Any]:
        """Return the totals for XCom: ``{"counts": {type: n}, "sums": {type: {currency: {"net": "12.50"}}}}``."""
        sums: dict[str, Any] = {}
        for kind, currency, name, amount in sorted(self.amounts()):
            sums.setdefault(kind, {}).setdefault(currency, {})[name] = format(amount, "f")
        return {"counts": dict(sorted(self.counts.items())), "sums": sums}


def _amount(money: Mapping[str, Any], kind: str) -> Decimal:
    amount = to_decimal(money.get("amount"))
    if amount is None:
        message = f"A record of type {kind} has an amount that is not a number, so the day has no total"
        raise UnexpectedResponseError(message, remedy="Read the day again later.", partner="Shopify Partner")
    return amount


def total_dataset(reference: Mapping[str, Any]) -> Totals:
    """Return the totals of a dataset of transactions or events.

    :raises DatasetError: when the dataset is not readable here
    :raises UnexpectedResponseError: when an amount is not a number
    """
    totals = Totals()
    for record in read_dataset(reference):
        totals.add(record)
    return totals


def load_history(destination: str) -> dict[str, Any]:
    """Return the days that were read, by list; empty when there are none yet.

    :param destination: the folder of all lists
    """
    history = DatasetFolder(destination).read_json(HISTORY_FILE)
    return history if isinstance(history, dict) else {}


def update_history(
    destination: str,
    resource: str,
    datasets_by_day: Mapping[str, tuple[Mapping[str, Any], Totals]],
    *,
    now: datetime,
    resynced: date | None = None,
) -> dict[str, list[str]]:
    """Record the days of a run in the history.

    :param destination: the folder of all lists
    :param resource: the list
    :param datasets_by_day: by day, the reference of its dataset and the dataset's totals
    :param resynced: the run's own day, if the run has read the longer range
    :returns: the days that are ``new``, and those whose records changed (``restated``)
    """
    history = load_history(destination)
    resource_history = history.setdefault(resource, {})
    days: dict[str, Any] = resource_history.setdefault("days", {})
    changes: dict[str, list[str]] = {"new": [], "restated": []}
    for day, (reference, totals) in sorted(datasets_by_day.items()):
        previous = days.get(day)
        # A day that had not ended at the last read has grown, which is no restatement.
        if previous is None or not _is_complete(date.fromisoformat(day), days):
            changes["new"].append(day)
        elif previous["sha256"] != reference["sha256"]:
            changes["restated"].append(day)
        dataset = {name: reference[name] for name in ("uri", "records", "sha256")}
        days[day] = {**dataset, "read_at": timestamps.isoformat(now, "seconds"), **totals.to_dict()}
    resource_history["days"] = dict(sorted(days.items()))
    if resynced is not None:
        resource_history["resynced"] = resynced.isoformat()
    DatasetFolder(destination).write_json(HISTORY_FILE, history)
    return changes
