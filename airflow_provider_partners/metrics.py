"""Counts in Airflow's own metrics: requests, retries, throttles and waits of an API, records and rejects of a task.

Each is told twice, as Airflow tells its own: with the tags ``api`` and ``shop`` (``partners.requests``), and for
StatsD, which drops tags unless told otherwise, with both in the name (``partners.requests.yotpo.a_myshopify_com``).
Where no shop is known, the account stands in its place. Knows no partner.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_partners._compat import stats

log = logging.getLogger(__name__)

PREFIX = "partners"

_LONGEST = 80
"""Of an account in a name; the whole name may have 250 characters."""

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")


def tell_usage(usage: Mapping[str, Any], *, api: str, shop: str | None) -> None:
    """What a client has sent and waited for.

    :param usage: a snapshot of its counters
    :param api: the API, by the connection's type
    :param shop: whose data it was
    """
    _tell({name: usage[name] for name in ("requests", "retries", "throttled")}, api=api, shop=shop)
    # Counters are whole numbers everywhere.
    _tell({"waited_ms": round(usage["waited"] * 1000)}, api=api, shop=shop)


def tell_records(records: int, rejects: int, *, api: str, shop: str | None) -> None:
    """What a task has dealt with.

    :param records: read or written
    :param rejects: set aside
    :param api: the API, by the connection's type
    :param shop: whose records they were
    """
    _tell({"records": records, "rejects": rejects}, api=api, shop=shop)


def _tell(counts: Mapping[str, int], *, api: str, shop: str | None) -> None:
    """Add to counters. Metrics are never worth a task: what goes wrong is noted, and that is all."""
    owner = _UNFIT.sub("_", shop or "unknown")[:_LONGEST]
    # Commas and equals signs would break InfluxDB's form of a tag.
    tags = {"api": api, "shop": re.sub(r"[\s,=]", "_", shop or "unknown")}
    try:
        counters = stats()
        for name, count in counts.items():
            if count:
                counters.incr(f"{PREFIX}.{name}", count, tags=tags)
                counters.incr(f"{PREFIX}.{name}.{api}.{owner}", count)
    except Exception:  # a StatsD client of the user's own may raise anything
        log.warning("Metrics could not be told", exc_info=True)
