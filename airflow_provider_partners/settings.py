"""The ``[partners]`` options: every read of Airflow's configuration is here.

An option is read when it is asked for, never at import. Defaults are those that the provider declares in
``get_provider_info``, so that the two can't differ.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow_provider_partners._compat import conf
from airflow_provider_partners.api.shopify_shops import shop_domain
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.get_provider_info import get_provider_info

SECTION = "partners"


def staging_uri() -> str:
    """Where datasets rest: a folder below ``AIRFLOW_HOME`` when nothing is set."""
    return _text("staging_uri") or os.path.join(_home(), "partners", "staging")


def budget_uri() -> str | None:
    """Where tasks share request budgets; ``None`` means files in the machine's temporary folder."""
    return _text("budget_uri") or None


def request_deadline() -> float:
    """Seconds one request may take, waits included."""
    return _number("request_deadline", above=0)


def max_wait() -> float:
    """The longest wait a task sits out, in seconds."""
    return _number("max_wait", least=0)


def max_reschedules() -> int:
    """How often a throttled task gives its slot back before it fails."""
    return int(_number("max_reschedules", least=0, whole=True))


def parallel_calls() -> int:
    """Calls one task makes side by side."""
    return int(_number("parallel_calls", least=1, whole=True))


def max_rejects() -> float:
    """Records that may be rejected before a task fails: a count where it is an integer, else a share."""
    found = _number("max_rejects", least=0)
    return int(found) if _text("max_rejects").isdigit() else found


def log_every() -> float:
    """Seconds between two lines of progress."""
    return _number("log_every", least=0)


def lookback() -> timedelta:
    """How much earlier than its interval, or a watermark, a run begins to read."""
    return timedelta(minutes=_number("lookback_minutes", least=0))


def catchup() -> timedelta:
    """How far back a run reaches to cover earlier ones that failed."""
    return timedelta(hours=_number("catchup_hours", least=0))


def claims_lookback() -> timedelta:
    """How old claims may be that the main Dag regards."""
    return timedelta(days=_number("claims_lookback_days", least=0))


def coupons_lookback() -> timedelta:
    """How much earlier than the orders' window redemptions are read."""
    return timedelta(days=_number("coupons_lookback_days", least=0))


def watched_shops() -> dict[str, str]:
    """Shops that are watched for returns and claims, with the connection of each."""
    entries = [entry.strip() for entry in _text("watched_shops").split(",") if entry.strip()]
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
    return _number("watch_seconds", above=0)


def yofi_console() -> str:
    """Where a shop's users open Yofi; ``{shop}`` stands for the shop's name."""
    return _text("yofi_console")


def default(option: str) -> str:
    """The declared default of an option, as text."""
    declared: Any = get_provider_info()["config"]
    return str(declared[SECTION]["options"][option]["default"])


def _home() -> str:
    return os.path.expanduser(os.environ.get("AIRFLOW_HOME", "~/airflow"))


def _text(option: str) -> str:
    return str(conf.get(SECTION, option, fallback=default(option)) or "").strip()


def _number(option: str, *, least: float | None = None, above: float | None = None, whole: bool = False) -> float:
    text = _text(option) or default(option)
    remedy = f"Correct it in airflow.cfg, or in the variable AIRFLOW__PARTNERS__{option.upper()}."
    try:
        value = float(int(text) if whole else float(text))
    except ValueError:
        kind = "a whole number" if whole else "a number"
        message = f"[{SECTION}] {option} is {text!r}, which is not {kind}"
        raise ConfigurationError(message, remedy=remedy) from None
    if (least is not None and value < least) or (above is not None and value <= above):
        bound = f"{least:g} or more" if least is not None else f"more than {above:g}"
        message = f"[{SECTION}] {option} is {text!r}, but has to be {bound}"
        raise ConfigurationError(message, remedy=remedy)
    return value
