"""Orders that are too old for a review request.

Yotpo sends no automatic review request for an order that is older than six months
(https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments, property ``order_date``).
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import pendulum

from airflow_provider_partners import timestamps

__all__ = ["OLD_AFTER_MONTHS", "TOO_OLD", "age_note", "is_too_old"]

OLD_AFTER_MONTHS = 6
"""How old such an order is, in calendar months, as Yotpo documents it."""

TOO_OLD = "too old for a review request"
"""What such orders are counted by."""


def is_too_old(order_date: Any, *, now: datetime, months: int) -> bool:
    """Return True if an order is older than so many calendar months. An order without a date is not.

    :param order_date: as Yotpo takes it
    """
    placed, oldest = timestamps.try_parse(order_date), _months_before(now, months)
    return placed is not None and oldest is not None and placed < oldest


@lru_cache(maxsize=8)
def _months_before(now: datetime, months: int) -> datetime | None:
    """Return the time so many months ago; ``None`` if that is before the first year."""
    try:
        return pendulum.instance(now).subtract(months=months)
    except (ValueError, OverflowError):
        return None


def age_note(months: int) -> str:
    """Return the note of an outcome: what Yotpo does with an order that is too old."""
    return f"{TOO_OLD}: older than {months} months"
