"""Build Shopify's search strings, and split time ranges until one paged query can read each part.

A paged query returns 25,000 objects at most. A range with many objects is halved, and its halves again, until Shopify
counts fewer than 10,000 objects in each part. The parts are half open and without gaps. They begin and end on whole
seconds, the precision of Shopify's timestamps. The caller hands in the function that counts.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.arguments import check_text
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

COUNT_LIMIT = 10_000
"""Shopify counts no further, and then answers ``AT_LEAST``."""

EARLIEST_TIME = datetime(2006, 1, 1, tzinfo=UTC)
"""A time before Shopify existed: a range without a start is split from here."""

_SECOND = timedelta(seconds=1)
# A quote that is not closed matches up to the end: otherwise each quote inside of it would be tried as its start.
_QUOTED = re.compile(
    r"""'(?:[^'\\]|\\[\s\S]?)*+(?:'|(?P<open_single>\Z))|"(?:[^"\\]|\\[\s\S]?)*+(?:"|(?P<open_double>\Z))"""
)
_COMPARATOR = r"(?<!\\):\s*(?:[<>]=?|=)?\s*"
_TIME = re.compile(
    rf"(?P<quoted>{_QUOTED.pattern})|(?P<comparator>{_COMPARATOR})(?P<time>\d{{4}}-\d\d-\d\dT(?:\\:|[^\s()'\"\\])*)",
    re.IGNORECASE,
)
_SPLIT_TIME = re.compile(rf"{_COMPARATOR}\d{{4}}-\d\d-\d\d\s+\d\d?:\d\d")


def build_search(time_range: TimeRange, user_query: str | None, *, field: str = "updated_at") -> str:
    """Return the search string of a time range.

    :param time_range: in whole seconds
    :param user_query: the user's search, combined by ``AND``
    :param field: the search field of the time; empty to search without it
    """
    # Without quotes Shopify ignores the time of day and filters by whole days
    # (https://shopify.dev/docs/api/usage/search-syntax).
    bounds = ((">=", time_range.since), ("<", time_range.until))
    terms = [f"{field}:{operator}'{timestamps.isoformat(bound, 'seconds')}'" for operator, bound in bounds if bound]
    return " AND ".join([*(terms if field else ()), *([f"({user_query})"] if user_query else ())])


def validate_query(query: str | None) -> str | None:
    """Return a user's search, with its times in quotes, if it can be put into parentheses.

    Without quotes Shopify ignores the time of day, and gives no warning.

    :param query: in Shopify's search syntax
    :raises ConfigurationError: if a quote, a parenthesis or a backslash has no counterpart, or a time has a space
    """
    if query:
        check_text("query", query)
    text = (query or "").strip()
    sent = _TIME.sub(_quote_time, text)
    if not all(_is_closed(each, quotes_in_words=reading) for each in (text, sent) for reading in (True, False)):
        message = "'query' has a parenthesis, a quote or a backslash without its counterpart"
        raise ConfigurationError(message, remedy="Close it, or quote the value: name:'Bob\\'s'.")
    unquoted = _QUOTED.sub("", text)
    if _SPLIT_TIME.search(unquoted):
        message = "'query' has a time with a space, which Shopify reads as two terms"
        raise ConfigurationError(message, remedy="Write it in quotes: created_at:>='2026-05-01T10:00:00Z'.")
    return sent or None


def _is_closed(text: str, *, quotes_in_words: bool) -> bool:
    """Return True if each quote and parenthesis of a search has its counterpart, so that nothing gets out of a group.

    A backslash escapes a colon, a parenthesis or itself (https://shopify.dev/docs/api/usage/search-syntax). Whether it
    escapes a quote outside of a phrase is not documented, so that it has none there.

    :param quotes_in_words: whether a phrase also begins in the middle of a word. By the grammar it begins where a value
        does, but ``D'Addario) OR (x'y`` has to be closed in either case
    """
    depth, place, begins = 0, 0, True
    while place < len(text) and depth >= 0:
        character = text[place]
        if character == "\\":
            if text[place + 1 : place + 2] in {"", "'", '"'}:
                return False
            place, begins = place + 2, False
        elif character in "'\"" and (begins or quotes_in_words):
            match = _QUOTED.match(text, place)
            if match is None or match.lastgroup:
                return False
            place, begins = match.end(), False
        else:
            depth += {"(": 1, ")": -1}.get(character, 0)
            begins = character.isspace() or character in "():" or (begins and character in "<>=-")
            place += 1
    return depth == 0


def _quote_time(match: re.Match[str]) -> str:
    return match["quoted"] or f"{match['comparator']}'{match['time'].replace(chr(92), '')}'"


def in_whole_seconds(time_range: TimeRange) -> TimeRange:
    """Return a range with both ends rounded up to whole seconds.

    Records show whole seconds. So rounding changes no result, and adjacent ranges stay adjacent.
    """
    return TimeRange(_ceil_to_second(time_range.since), _ceil_to_second(time_range.until))


def _ceil_to_second(timestamp: datetime | None) -> datetime | None:
    if timestamp is None or not timestamp.microsecond:
        return timestamp
    return timestamp.replace(microsecond=0) + _SECOND


def split_range(time_range: TimeRange, *, count: Callable[[TimeRange], Mapping[str, Any]]) -> Iterator[TimeRange]:
    """Yield parts of a range that hold fewer objects than Shopify counts.

    :param time_range: in whole seconds
    :param count: returns ``{"count": …, "precision": "EXACT" | "AT_LEAST"}`` for a range
    """
    if not is_capped(count(time_range)):
        yield time_range
        return
    since = time_range.since or EARLIEST_TIME
    middle = TimeRange(since, time_range.until).midpoint(_SECOND)
    if middle is None:
        log.warning("More than %d objects changed in the second of %s", COUNT_LIMIT, timestamps.isoformat(since))
        yield time_range
        return
    yield from split_range(TimeRange(time_range.since, middle), count=count)
    yield from split_range(TimeRange(middle, time_range.until), count=count)


def is_capped(counted: Mapping[str, Any]) -> bool:
    """Return True if a count reaches Shopify's limit.

    :param counted: ``{"count": …, "precision": "EXACT" | "AT_LEAST"}``
    """
    return counted.get("precision") == "AT_LEAST" or int(counted.get("count") or 0) >= COUNT_LIMIT
