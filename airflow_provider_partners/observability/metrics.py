"""Counters in Airflow's metrics: requests, retries, throttles and waits per API, records and rejects per task.

Each counter is emitted twice, as Airflow does with its own: with the tags ``api`` and ``shop`` (``partners.requests``),
and with both in the name (``partners.requests.yotpo.a_myshopify_com``) for StatsD, which drops tags by default.
If the shop is unknown, the account takes its place. Knows no partner.
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
"""Longest shop or account in a metric's name; Airflow allows 250 characters for the whole name."""

_INVALID_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]")


def emit_request_metrics(stats: Mapping[str, Any], *, api: str, shop: str | None) -> None:
    """Emit what a client has sent and how long it waited.

    :param stats: a snapshot of the client's counters
    :param api: the API, as a connection type
    :param shop: the shop, or the account
    """
    _emit({name: stats[name] for name in ("requests", "retries", "throttled")}, api=api, shop=shop)
    # Counters are integers in every metrics backend.
    _emit({"waited_ms": round(stats["waited"] * 1000)}, api=api, shop=shop)


def emit_record_metrics(records: int, rejects: int, *, api: str, shop: str | None) -> None:
    """Emit how many records a task has processed and rejected.

    :param api: the API, as a connection type
    :param shop: the shop, or the account
    """
    _emit({"records": records, "rejects": rejects}, api=api, shop=shop)


def _emit(counts: Mapping[str, int], *, api: str, shop: str | None) -> None:
    """Add to the counters. A failure is logged and never fails the task."""
    owner = _INVALID_CHARACTERS.sub("_", shop or "unknown")[:_MAX_SHOP_LENGTH]
    # Spaces, commas and equals signs would break InfluxDB's tag syntax.
    tags = {"api": api, "shop": re.sub(r"[\s,=]", "_", shop or "unknown")}
    try:
        counters = stats()
        for name, count in counts.items():
            if count:
                counters.incr(f"{METRIC_PREFIX}.{name}", count, tags=tags)
                counters.incr(f"{METRIC_PREFIX}.{name}.{api}.{owner}", count)
    except Exception:  # a custom StatsD client may raise anything
        log.warning("Could not emit metrics", exc_info=True)
