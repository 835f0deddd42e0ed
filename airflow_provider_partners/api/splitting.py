"""Cutting a window where a list gives only so many rows of it. Must not know any list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def midpoint(since: datetime, until: datetime, *, step: timedelta) -> datetime | None:
    """The moment that halves a half-open window, on a whole step; ``None`` where there is none inside.

    :param since: the first moment
    :param until: the first moment not meant
    :param step: how finely the partner's times can be told apart
    """
    found = since + (until - since) // 2
    found -= (found - _EPOCH) % step
    return found if since < found < until else None
