"""Filter conditions that compare a time with today: so many days ago, this week, of that month, and their like.

Their names are those that the server's validator lists; what each means is told by its name, days and weeks are those
of UTC, weeks begin on Monday. It must not know where the times come from.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

#: Whether a time meets a condition: the time, the present, the condition's value.
DateTest = Callable[[datetime, datetime, str], bool]
_DAY = timedelta(days=1)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _shifted(days: int) -> DateTest:
    return lambda moment, now, _: _day(moment) == _day(now) + days * _DAY


def _week(shift: int) -> DateTest:
    def meets(moment: datetime, now: datetime, _: str) -> bool:
        start = _day(now) - _day(now).weekday() * _DAY + shift * 7 * _DAY
        return start <= _day(moment) < start + 7 * _DAY

    return meets


def _month(shift: int) -> DateTest:
    def months(day: date) -> int:
        return day.year * 12 + day.month

    return lambda moment, now, _: months(_day(moment)) == months(_day(now)) + shift


def _year(shift: int) -> DateTest:
    return lambda moment, now, _: _day(moment).year == _day(now).year + shift


def _in_days(sign: int, compare: Callable[[int, int], bool]) -> DateTest:
    """Compare how many whole days lie between now and the time, in the past (-1) or to come (1)."""

    def meets(moment: datetime, now: datetime, value: str) -> bool:
        away = sign * (_day(moment) - _day(now)).days
        return away >= 0 and compare(away, int(value))

    return meets


def _same_day_of_year(moment: datetime, now: datetime) -> datetime:
    """The time's day in the present year, so that a birthday is compared without its year."""
    day = _day(moment)
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    day = day.replace(year=_day(now).year)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


CONDITIONS: dict[str, DateTest] = {
    "$is_days_ago": _in_days(-1, lambda away, days: away == days),
    "$is_days_in_future": _in_days(1, lambda away, days: away == days),
    "$more_than_ago": _in_days(-1, lambda away, days: away > days),
    "$less_than_ago": _in_days(-1, lambda away, days: away < days),
    "$more_than_future": _in_days(1, lambda away, days: away > days),
    "$less_than_future": _in_days(1, lambda away, days: away < days),
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
    "$is_day_of_month": lambda moment, _, value: _day(moment).day == int(value),
    "$is_day": lambda moment, _, value: _day(moment).isoweekday() % 7 == int(value) % 7,
    "$is_month": lambda moment, _, value: _day(moment).month == int(value),
    "$is_year": lambda moment, _, value: _day(moment).year == int(value),
    "$is_years_ago": lambda moment, now, value: _day(now).year - _day(moment).year == int(value),
}
#: Those that need a whole number as their value.
COUNTED = frozenset(name for name in CONDITIONS if name.startswith(("$is_", "$more_than_", "$less_than_")))


def _without_year(meets: DateTest) -> DateTest:
    return lambda moment, now, value: meets(_same_day_of_year(moment, now), now, value)


for _name in list(CONDITIONS):
    if "year" not in _name:
        CONDITIONS[f"{_name}_md"] = _without_year(CONDITIONS[_name])
COUNTED |= {f"{name}_md" for name in COUNTED}
