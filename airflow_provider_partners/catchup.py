"""How far back a run reaches: behind its own interval, to where an earlier run has truly got.

A schedule that failed or stood still for hours leaves a gap that the next run's interval doesn't cover. Knows
no Airflow: the Dag hands in what it remembers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.windows import Window, moment

if TYPE_CHECKING:
    from datetime import datetime, timedelta


def reach_back(
    window: Window, *, covered_until: Any, lookback: timedelta, limit: timedelta
) -> tuple[Window, str | None]:
    """Begin where the last run that covered everything ended, if that is earlier.

    :param window: the run's own, its lookback included
    :param covered_until: the end of the last window that was covered for every shop; ``None`` when that is
        not known
    :param lookback: how much earlier than that to begin, as for the run's own interval
    :param limit: how far back to go at most, counted from the window's end
    :returns: the window, and a warning where a part of the gap is left out
    """
    if not covered_until:
        return window, None
    covered: datetime = moment(covered_until, "covered_until")
    wanted = min(covered - lookback, window.since)
    earliest = min(window.until - limit, window.since)
    since = max(wanted, earliest)
    if since == window.since:
        return window, None
    warning = None
    if earliest > wanted:
        warning = (
            f"Nothing was covered since {covered.isoformat()}, longer ago than [partners] catchup_hours "
            f"allows: this run begins at {since.isoformat()}. "
            "Run yofi_shopify_to_yotpo_backfill for what lies before."
        )
    return Window(since, window.until, f"{window.origin}, reaching back to the last covered run"), warning
