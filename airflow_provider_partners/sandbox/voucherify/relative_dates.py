"""Filter conditions that compare a timestamp with today: days ago, this week, a month of the year.

The server's validator names the conditions; their meaning follows from the names. Days and weeks are those of UTC, and
a week begins on Monday.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

#: Test of a timestamp; arguments: the timestamp, the current time, the condition's value.
DateTest = Callable[[datetime, datetime, str], bool]
_DAY = timedelta(days=1)


def _day(timestamp: datetime) -> date:
    return timestamp.astimezone(UTC).date()


def _shifted(days: int) -> DateTest:
    return lambda timestamp, now, _: _day(timestamp) == _day(now) + days * _DAY


def _week(shift: int) -> DateTest:
    def test(timestamp: datetime, now: datetime, _: str) -> bool:
        start = _day(now) - _day(now).weekday() * _DAY + shift * 7 * _DAY
        return start <= _day(timestamp) < start + 7 * _DAY

    return test


def _month(shift: int) -> DateTest:
    def months(day: date) -> int:
        return day.year * 12 + day.month

    return lambda timestamp, now, _: months(_day(timestamp)) == months(_day(now)) + shift


def _year(shift: int) -> DateTest:
    return lambda timestamp, now, _: _day(timestamp).year == _day(now).year + shift


def _in_days(sign: int, compare: Callable[[int, int], bool]) -> DateTest:
    """Compare the whole days between now and the timestamp, in the past (-1) or the future (1)."""

    def test(timestamp: datetime, now: datetime, value: str) -> bool:
        distance = sign * (_day(timestamp) - _day(now)).days
        return distance >= 0 and compare(distance, int(value))

    return test


def _same_day_of_year(timestamp: datetime, now: datetime) -> datetime:
    """Return the timestamp's day in the current year, to compare a birthday without its year."""
    day = _day(timestamp)
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    day = day.replace(year=_day(now).year)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


CONDITIONS: dict[str, DateTest] = {
    "$is_days_ago": _in_days(-1, operator.eq),
    "$is_days_in_future": _in_days(1, operator.eq),
    "$more_than_ago": _in_days(-1, operator.gt),
    "$less_than_ago": _in_days(-1, operator.lt),
    "$more_than_future": _in_days(1, operator.gt),
    "$less_than_future": _in_days(1, operator.lt),
    "$today": _shifted(0),
    "$tomorrow": _shifted(1),
    "$yesterday": _shifted(-1),
    "$this_week": _week(0),
    "$last_week": _week(-1),
    "$next_week": _week(1),
    "$this_month": _month(0),
    "$last_month": _month(-1),
    "$next_month": _month(1),
    "$this_year": _year(0),
    "$last_year": _year(-1),
    "$next_year": _year(1),
    "$is_day_of_month": lambda timestamp, _, value: _day(timestamp).day == int(value),
    "$is_day": lambda timestamp, _, value: _day(timestamp).isoweekday() % 7 == int(value) % 7,
    "$is_month": lambda timestamp, _, value: _day(timestamp).month == int(value),
    "$is_year": lambda timestamp, _, value: _day(timestamp).year == int(value),
    "$is_years_ago": lambda timestamp, now, value: _day(now).year - _day(timestamp).year == int(value),
}
#: Conditions with a whole number as their value.
NEED_INTEGER = frozenset(name for name in CONDITIONS if name.startswith(("$is_", "$more_than_", "$less_than_")))


def _without_year(test: DateTest) -> DateTest:
    return lambda timestamp, now, value: test(_same_day_of_year(timestamp, now), now, value)


for _name in list(CONDITIONS):
    if "year" not in _name:
        CONDITIONS[f"{_name}_md"] = _without_year(CONDITIONS[_name])
NEED_INTEGER |= {f"{name}_md" for name in NEED_INTEGER}
