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

from airflow_provider_partners.api.splitting import middle
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)

COUNTED = 10_000
"""Shopify counts no further, and says so (``AT_LEAST``)."""

BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)
"""Before Shopify: where a window without a beginning is cut from."""

_SECOND = timedelta(seconds=1)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")

Span = tuple[datetime | None, datetime]
"""A half-open stretch of time; ``None`` for no beginning."""

OpenSpan = tuple[datetime | None, datetime | None]
"""Likewise, perhaps without an end."""


def search(span: Span, extra: str | None) -> str:
    """The search string of a span.

    Timestamps stand in quotes: unquoted, Shopify ignores the time of day and filters by whole days.

    :param span: of ``updated_at``
    :param extra: a search of the user's, which must hold as well
    """
    since, until = span
    terms = [f"updated_at:>='{_written(since)}'"] if since else []
    terms.append(f"updated_at:<'{_written(until)}'")
    text = " AND ".join(terms)
    return f"{text} AND ({extra})" if extra else text


def checked(extra: str | None) -> str | None:
    """A user's search, as it can stand in parentheses.

    :param extra: in Shopify's search syntax
    :raises ConfigurationError: when its quotes or parentheses would reach out of them
    """
    text = (extra or "").strip()
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


def whole_seconds(moment: datetime) -> datetime:
    """The first whole second that is not before a moment.

    Rows show seconds, so ``updatedAt >= moment`` and ``updatedAt >= whole_seconds(moment)`` are the same, and so
    are the upper bounds: windows that touch still do.

    :param moment: an aware time, or a naive one in UTC
    """
    aware = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return aware.replace(microsecond=0) + (_SECOND if aware.microsecond else timedelta())


def pieces(span: Span, *, count: Callable[[Span], Mapping[str, Any]]) -> Iterator[Span]:
    """A span in pieces that hold fewer objects than Shopify counts.

    :param span: on whole seconds
    :param count: asks for ``{"count": …, "precision": "EXACT" | "AT_LEAST"}`` of a span
    """
    since, until = span
    if not many(count(span)):
        yield span
        return
    half = middle(since or BEGINNING, until, step=_SECOND)
    if half is None:
        log.warning("More than %d objects changed in the second of %s", COUNTED, _written(since or BEGINNING))
        yield span
        return
    yield from pieces((since, half), count=count)
    yield from pieces((half, until), count=count)


def many(counted: Mapping[str, Any]) -> bool:
    """Whether there are as many as Shopify counts, or more.

    :param counted: ``{"count": …, "precision": "EXACT" | "AT_LEAST"}``
    """
    return counted.get("precision") == "AT_LEAST" or int(counted.get("count") or 0) >= COUNTED


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
