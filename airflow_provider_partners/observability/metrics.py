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

METRIC_PREFIX = "partners"

_MAX_SHOP_LENGTH = 80
"""Of an account in a name; the whole name may have 250 characters."""

_INVALID_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]")


def emit_request_metrics(stats: Mapping[str, Any], *, api: str, shop: str | None) -> None:
    """What a client has sent and waited for.

    :param stats: a snapshot of its counters
    :param api: the API, by the connection's type
    :param shop: whose data it was
    """
    _emit({name: stats[name] for name in ("requests", "retries", "throttled")}, api=api, shop=shop)
    # Counters are whole numbers everywhere.
    _emit({"waited_ms": round(stats["waited"] * 1000)}, api=api, shop=shop)


def emit_record_metrics(records: int, rejects: int, *, api: str, shop: str | None) -> None:
    """What a task has dealt with.

    :param records: read or written
    :param rejects: set aside
    :param api: the API, by the connection's type
    :param shop: whose records they were
    """
    _emit({"records": records, "rejects": rejects}, api=api, shop=shop)


def _emit(counts: Mapping[str, int], *, api: str, shop: str | None) -> None:
    """Add to counters. Metrics are never worth a task: what goes wrong is noted, and that is all."""
    owner = _INVALID_CHARACTERS.sub("_", shop or "unknown")[:_MAX_SHOP_LENGTH]
    # Commas and equals signs would break InfluxDB's form of a tag.
    tags = {"api": api, "shop": re.sub(r"[\s,=]", "_", shop or "unknown")}
    try:
        counters = stats()
        for name, count in counts.items():
            if count:
                counters.incr(f"{METRIC_PREFIX}.{name}", count, tags=tags)
                counters.incr(f"{METRIC_PREFIX}.{name}.{api}.{owner}", count)
    except Exception:  # a StatsD client of the user's own may raise anything
        log.warning("Metrics could not be told", exc_info=True)
