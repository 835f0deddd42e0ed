"""The ``[partners]`` options: every read of Airflow's configuration is here.

An option is read when it is asked for, never at import. Defaults are those that the provider declares in
``get_provider_info``, so that the two can't differ.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow_provider_partners._compat import conf
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.get_provider_info import get_provider_info

SECTION = "partners"


def staging_uri() -> str:
    """Where datasets rest: a folder below ``AIRFLOW_HOME`` when nothing is set."""
    return _get_text("staging_uri") or os.path.join(_home(), "partners", "staging")


def budget_uri() -> str | None:
    """Where tasks share request budgets; ``None`` means files in the machine's temporary folder."""
    return _get_text("budget_uri") or None


def request_deadline() -> float:
    """Seconds one request may take, waits included."""
    return _get_number("request_deadline", above=0)


def max_wait() -> float:
    """The longest wait a task sits out, in seconds."""
    return _get_number("max_wait", minimum=0)


def max_reschedules() -> int:
    """How often a throttled task gives its slot back before it fails."""
    return int(_get_number("max_reschedules", minimum=0, integer=True))


def parallel_calls() -> int:
    """Calls one task makes side by side."""
    return int(_get_number("parallel_calls", minimum=1, integer=True))


def max_rejects() -> float:
    """Records that may be rejected before a task fails: a count where it is an integer, else a share."""
    found = _get_number("max_rejects", minimum=0)
    return int(found) if _get_text("max_rejects").isdigit() else found


def log_every() -> float:
    """Seconds between two lines of progress."""
    return _get_number("log_every", minimum=0)


def lookback() -> timedelta:
    """How much earlier than its interval, or a watermark, a run begins to read."""
    return timedelta(minutes=_get_number("lookback_minutes", minimum=0))


def catchup() -> timedelta:
    """How far back a run reaches to cover earlier ones that failed."""
    return timedelta(hours=_get_number("catchup_hours", minimum=0))


def claims_lookback() -> timedelta:
    """How old claims may be that the main Dag regards."""
    return timedelta(days=_get_number("claims_lookback_days", minimum=0))


def coupons_lookback() -> timedelta:
    """How much earlier than the orders' window redemptions are read."""
    return timedelta(days=_get_number("coupons_lookback_days", minimum=0))


def watched_shops() -> dict[str, str]:
    """Shops that are watched for returns and claims, with the connection of each."""
    entries = [entry.strip() for entry in _get_text("watched_shops").split(",") if entry.strip()]
    found: dict[str, str] = {}
    for entry in entries:
        named, _, conn_id = (part.strip() for part in entry.partition("="))
        shop = shop_domain(named) if named else ""
        if not shop or shop in found or ("=" in entry and not conn_id):
            message = f"[{SECTION}] watched_shops has the entry {entry!r}, which is there twice or incomplete"
            raise ConfigurationError(message, remedy="Write a.myshopify.com, b.myshopify.com=yofi_b.")
        found[shop] = conn_id or "yofi_default"
    return found


def watch_seconds() -> float:
    """Seconds between two looks at a watched list."""
    return _get_number("watch_seconds", above=0)


def yofi_console() -> str:
    """Where a shop's users open Yofi; ``{shop}`` stands for the shop's name."""
    return _get_text("yofi_console")


def declared_default(option: str) -> str:
    """The declared default of an option, as text."""
    declared: Any = get_provider_info()["config"]
    return str(declared[SECTION]["options"][option]["default"])


def _home() -> str:
    return os.path.expanduser(os.environ.get("AIRFLOW_HOME", "~/airflow"))


def _get_text(option: str) -> str:
    return str(conf.get(SECTION, option, fallback=declared_default(option)) or "").strip()


def _get_number(
    option: str, *, minimum: float | None = None, above: float | None = None, integer: bool = False
) -> float:
    text = _get_text(option) or declared_default(option)
    remedy = f"Correct it in airflow.cfg, or in the variable AIRFLOW__PARTNERS__{option.upper()}."
    try:
        value = float(int(text) if integer else float(text))
    except ValueError:
        kind = "a whole number" if integer else "a number"
        message = f"[{SECTION}] {option} is {text!r}, which is not {kind}"
        raise ConfigurationError(message, remedy=remedy) from None
    if (minimum is not None and value < minimum) or (above is not None and value <= above):
        bound = f"{minimum:g} or more" if minimum is not None else f"more than {above:g}"
        message = f"[{SECTION}] {option} is {text!r}, but has to be {bound}"
        raise ConfigurationError(message, remedy=remedy)
    return value
