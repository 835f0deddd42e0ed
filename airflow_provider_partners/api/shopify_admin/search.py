"""Shopify's search strings, and windows cut so small that a paged query reads each of them whole.

A paged query gives 25,000 objects at most. So a window that holds many is halved, and its halves again, until each
holds fewer than can be counted; the pieces are half open, follow on each other, and begin and end on whole seconds,
which is what Shopify's timestamps show. Sends nothing itself: the count is handed in.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import windows
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

COUNT_LIMIT = 10_000
"""Shopify counts no further, and says so (``AT_LEAST``)."""

EARLIEST_TIME = datetime(2006, 1, 1, tzinfo=UTC)
"""Before Shopify: where a window without a beginning is cut from."""

_SECOND = timedelta(seconds=1)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")

TimeRange = tuple[datetime | None, datetime]
"""A half-open stretch of time; ``None`` for no beginning."""

OpenTimeRange = tuple[datetime | None, datetime | None]
"""Likewise, perhaps without an end."""


def build_search(time_range: TimeRange, user_query: str | None) -> str:
    """The search string of a span.

    Timestamps stand in quotes: unquoted, Shopify ignores the time of day and filters by whole days.

    :param time_range: of ``updated_at``
    :param user_query: a search of the user's, which must hold as well
    """
    since, until = time_range
    terms = [f"updated_at:>='{_format_timestamp(since)}'"] if since else []
    terms.append(f"updated_at:<'{_format_timestamp(until)}'")
    text = " AND ".join(terms)
    return f"{text} AND ({user_query})" if user_query else text


def validate_query(query: str | None) -> str | None:
    """A user's search, as it can stand in parentheses.

    :param query: in Shopify's search syntax
    :raises ConfigurationError: when its quotes or parentheses would reach out of them
    """
    text = (query or "").strip()
    bare = _QUOTED.sub("", text)
    depth = 0
    for mark in bare:
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if depth < 0:
            break
    if depth or re.search(r"[\"']", bare):
        message = "'query' has a parenthesis or a quote without its counterpart"
        raise ConfigurationError(message, remedy="Close it, or quote the value: name:'Bob\\'s'.")
    return text or None


def ceil_to_second(timestamp: datetime) -> datetime:
    """The first whole second that is not before a moment.

    Rows show seconds, so ``updatedAt >= moment`` and ``updatedAt >= ceil_to_second(moment)`` are the same, and so
    are the upper bounds: windows that touch still do.

    :param timestamp: an aware time, or a naive one in UTC
    """
    aware = (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).astimezone(UTC)
    return aware.replace(microsecond=0) + (_SECOND if aware.microsecond else timedelta())


def split_range(time_range: TimeRange, *, count: Callable[[TimeRange], Mapping[str, Any]]) -> Iterator[TimeRange]:
    """A span in pieces that hold fewer objects than Shopify counts.

    :param time_range: on whole seconds
    :param count: asks for ``{"count": …, "precision": "EXACT" | "AT_LEAST"}`` of a span
    """
    since, until = time_range
    if not is_capped(count(time_range)):
        yield time_range
        return
    half = windows.TimeRange(since or EARLIEST_TIME, until).midpoint(_SECOND)
    if half is None:
        log.warning(
            "More than %d objects changed in the second of %s", COUNT_LIMIT, _format_timestamp(since or EARLIEST_TIME)
        )
        yield time_range
        return
    yield from split_range((since, half), count=count)
    yield from split_range((half, until), count=count)


def is_capped(counted: Mapping[str, Any]) -> bool:
    """Whether there are as many as Shopify counts, or more.

    :param counted: ``{"count": …, "precision": "EXACT" | "AT_LEAST"}``
    """
    return counted.get("precision") == "AT_LEAST" or int(counted.get("count") or 0) >= COUNT_LIMIT


def _format_timestamp(timestamp: datetime) -> str:
    return timestamp.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
