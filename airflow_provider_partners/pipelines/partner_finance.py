"""The partner's money by day: which days a run reads, what they add up to, and the record of what was read.

A day is read whole and takes its own place, so that an amount that was restated replaces the old one and nothing counts
twice. Late rows are found by reading the latest days again, and once a month a longer stretch: Shopify documents
neither how late a transaction may appear nor whether one is restated, so both are expected. Knows no Airflow and no
API; amounts are decimals, never floats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.windows import Window

HISTORY_FILE = "days.json"
"""The file, beside the days' folders, that lists every day that was read."""

AMOUNT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "gross": ("grossAmount",),
    "fee": ("shopifyFee",),
    # What has no gross amount (referrals, taxes, the oldest rows) is net.
    "net": ("netAmount", "amount"),
}
"""What is added up, and the fields of a transaction that it may stand in."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPlan:
    """The days that a run reads.

    :param days: in order
    :param resync: whether they are the longer stretch of a month's first run
    :param unread_days: days before them that were never read, though earlier ones were, and are left out
    """

    days: tuple[date, ...]
    resync: bool = False
    unread_days: tuple[date, ...] = ()


def extract_arguments(day: date, destination: str, resource: str) -> dict[str, str]:
    """What an extract task is told of a day.

    :param day: in UTC
    :param destination: the folder of all lists
    :param resource: the list
    """
    window = Window(_day_start(day), _day_start(day + _DAY)).to_dict()
    return {**window, "uri": f"{destination.rstrip('/')}/{resource}/day={day.isoformat()}"}


def days_in(window: Window, *, now: datetime) -> tuple[date, ...]:
    """Every day that a window touches, up to the present.

    :param window: any
    :param now: the present
    """
    return tuple(_days_between(window.since.date(), min(window.until, now)))


def plan_days(
    window: Window, history: Mapping[str, Any], *, lookback_days: int, resync_days: int, now: datetime
) -> ReadPlan:
    """Which days a scheduled run reads: its own, the latest again, and what is missing of the longer stretch.

    :param window: the run's data interval
    :param history: of the list: what was read when, as :func:`note` leaves it
    :param lookback_days: days before the run's own that are read again each time
    :param resync_days: days before the run's own that are read again by each month's first run, and of which those are
        read that never were
    :param now: the present
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
    """Whether a day was read after it was over."""
    read_at = (read_days.get(day.isoformat()) or {}).get("read_at")
    return read_at is not None and datetime.fromisoformat(read_at) >= _day_start(day + _DAY)


@dataclass(slots=True)
class Totals:
    """Counts by type and, of transactions, sums by type and currency."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, dict[str, dict[str, Decimal]]] = field(default_factory=dict)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a row into account.

        :param record: a transaction or an event
        """
        # Of an event the type is its own word; of a tax transaction it says what is taxed.
        kind = str(record["type"] if "occurredAt" in record else record["__typename"])
        self.counts[kind] = self.counts.get(kind, 0) + 1
        for name, fields in AMOUNT_FIELDS.items():
            money = next((record[field] for field in fields if isinstance(record.get(field), Mapping)), None)
            if money is not None:
                sums = self.sums.setdefault(kind, {}).setdefault(str(money["currencyCode"]), {})
                sums[name] = sums.get(name, Decimal()) + Decimal(str(money["amount"]))

    def __iadd__(self, other: Totals) -> Self:
        """Both together."""
        for kind, count in other.counts.items():
            self.counts[kind] = self.counts.get(kind, 0) + count
        for kind, currency, name, amount in other.amounts():
            sums = self.sums.setdefault(kind, {}).setdefault(currency, {})
            sums[name] = sums.get(name, Decimal()) + amount
        return self

    def amounts(self) -> Iterator[tuple[str, str, str, Decimal]]:
        """Every sum with its type, currency and name."""
        for kind, currencies in self.sums.items():
            for currency, sums in currencies.items():
                for name, amount in sums.items():
                    yield kind, currency, name, amount

    def to_dict(self) -> dict[str, Any]:
        """As it travels through XCom: ``{"counts": {type: n}, "sums": {type: {currency: {"net": "12.50"}}}}``."""
        sums: dict[str, Any] = {}
        for kind, currency, name, amount in sorted(self.amounts()):
            sums.setdefault(kind, {}).setdefault(currency, {})[name] = format(amount, "f")
        return {"counts": dict(sorted(self.counts.items())), "sums": sums}


def total_dataset(reference: Mapping[str, Any]) -> Totals:
    """What the rows of a dataset add up to.

    :param reference: of transactions or events
    :raises DatasetError: when it is not readable here
    """
    totals = Totals()
    for record in read_dataset(reference):
        totals.add(record)
    return totals


def load_history(destination: str) -> dict[str, Any]:
    """The record of the days that were read, by list; empty where there is none yet.

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
    """Note what was read.

    :param destination: the folder of all lists
    :param resource: the list
    :param datasets_by_day: by day, the reference of its dataset and what that adds up to
    :param now: the present
    :param resynced: the run's own day, when it has read the longer stretch
    :returns: days that are ``new``, and those whose rows are not what they were (``restated``)
    """
    history = load_history(destination)
    resource_history = history.setdefault(resource, {})
    days: dict[str, Any] = resource_history.setdefault("days", {})
    changes: dict[str, list[str]] = {"new": [], "restated": []}
    for day, (reference, totals) in sorted(datasets_by_day.items()):
        previous = days.get(day)
        # A day that was not over yet has grown, which is no restatement.
        if previous is None or not _is_complete(date.fromisoformat(day), days):
            changes["new"].append(day)
        elif previous["sha256"] != reference["sha256"]:
            changes["restated"].append(day)
        facts = {name: reference[name] for name in ("uri", "records", "sha256")}
        read_at = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        days[day] = {**facts, "read_at": read_at, **totals.to_dict()}
    resource_history["days"] = dict(sorted(days.items()))
    if resynced is not None:
        resource_history["resynced"] = resynced.isoformat()
    DatasetFolder(destination).write_json(HISTORY_FILE, history)
    return changes
