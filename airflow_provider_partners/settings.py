"""The ``[partners]`` options. All reads of Airflow's configuration are here.

An option is read when it is needed, never at import. The defaults are those that ``get_provider_info`` declares.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any

from airflow_provider_partners._compat import conf
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.get_provider_info import get_provider_info

__all__ = [
    "SECTION",
    "budget_uri",
    "declared_default",
    "download_hosts",
    "log_every",
    "lookback",
    "max_download_size",
    "max_map_length",
    "max_pages",
    "max_rejects",
    "max_reschedules",
    "max_response_size",
    "max_wait",
    "parallel_calls",
    "part_seconds",
    "part_size",
    "reject_floor",
    "report_days",
    "request_deadline",
    "retention_days",
    "show_personal_values",
    "staging_uri",
]

SECTION = "partners"

_HOST = re.compile(r"\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?")

_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False, "": False}
"""What Airflow's own ``conf.getboolean`` accepts."""


def staging_uri() -> str:
    """Folder of the datasets; ``partners/staging`` below ``AIRFLOW_HOME`` by default."""
    return _get_text("staging_uri") or os.path.join(_home(), "partners", "staging")


def budget_uri() -> str | None:
    """Where tasks share rate limits; ``None`` means files in the machine's temporary folder."""
    return _get_text("budget_uri") or None


def request_deadline() -> float:
    """Seconds that one request may take, retries and waits included."""
    return _get_number("request_deadline", above=0)


def max_wait() -> float:
    """Longest wait, in seconds, that a task sits out itself."""
    return _get_number("max_wait", minimum=0)


def max_response_size() -> int:
    """Bytes that a response may have after decompression."""
    return int(_get_number("max_response_mb", above=0) * 1_000_000)


def max_download_size() -> int:
    """Bytes that a downloaded file may have after decompression."""
    return int(_get_number("max_download_mb", above=0) * 1_000_000)


def download_hosts() -> tuple[str, ...]:
    """Hosts, besides the partners' own storages, from which files may be downloaded."""
    hosts = tuple(host.strip().lower() for host in _get_text("download_hosts").split(",") if host.strip())
    if wrong := next((host for host in hosts if not _HOST.fullmatch(host)), None):
        message = f"[{SECTION}] download_hosts has {wrong!r}, which is no host"
        remedy = "Write names such as files.example.com, files.example.com:8443, *.example.com, or * for any."
        raise ConfigurationError(message, remedy=remedy)
    return hosts


def max_pages() -> int:
    """Pages of one list after which it counts as endless."""
    return int(_get_number("max_pages", minimum=1, integer=True))


def max_reschedules() -> int:
    """How often a throttled task gives its slot back before it fails."""
    return int(_get_number("max_reschedules", minimum=0, integer=True))


def max_map_length() -> int:
    """Over how many values Airflow maps a task: its own ``[core] max_map_length``."""
    return int(conf.getint("core", "max_map_length", fallback=1024))


def parallel_calls() -> int:
    """Parallel calls of one task."""
    return int(_get_number("parallel_calls", minimum=1, integer=True))


def max_rejects() -> float:
    """Records that may be rejected before a task fails: an ``int`` is a count, a ``float`` a share."""
    value = _get_number("max_rejects", minimum=0)
    return int(value) if _get_text("max_rejects").isdigit() else value


def reject_floor() -> int:
    """Rejected records that a share allows in any case."""
    return int(_get_number("reject_floor", minimum=0, integer=True))


def log_every() -> float:
    """Seconds between two progress lines in a task's log."""
    return _get_number("log_every", minimum=0)


def part_size() -> int:
    """Compressed bytes after which a part file of a dataset is written."""
    return int(_get_number("part_mb", above=0) * 1_000_000)


def part_seconds() -> float:
    """Seconds after which a part file is written in any case, so that a slow list saves its progress."""
    return _get_number("part_seconds", minimum=0)


def retention_days() -> int:
    """Days after which the retention Dag removes a staged dataset."""
    return int(_get_number("retention_days", minimum=1, integer=True))


def report_days() -> int:
    """Days after which the retention Dag removes the report of a run."""
    return int(_get_number("report_days", minimum=1, integer=True))


def show_personal_values() -> bool:
    """Whether the page in Airflow shows names, addresses and other personal values of records."""
    text = _get_text("show_personal_values").lower()
    if text not in _BOOLEANS:
        message = f"[{SECTION}] show_personal_values is {text!r}, and has to be True or False"
        remedy = f"Correct it in airflow.cfg, or in the variable AIRFLOW__{SECTION.upper()}__SHOW_PERSONAL_VALUES."
        raise ConfigurationError(message, remedy=remedy)
    return _BOOLEANS[text]


def lookback() -> timedelta:
    """How much earlier than its interval, or than a watermark, a run starts to read."""
    return timedelta(minutes=_get_number("lookback_minutes", minimum=0))


def declared_default(option: str) -> str:
    """Return the declared default of an option, as text."""
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
