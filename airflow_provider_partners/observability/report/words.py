"""How a report writes times, numbers and states, and its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.observability.report.markup import Html, element

__all__ = [
    "badge",
    "format_count",
    "format_seconds",
    "format_time",
    "format_window",
    "outcome_segments",
    "table",
]

_STATES: Mapping[str, str] = {
    "success": "✓ done",
    "warning": "! warning",
    "failed": "✕ failed",
    "skipped": "skipped",
    "waiting": "… waiting",
    "not_started": "not started",
    "plan": "plan, nothing written",
}


def badge(state: str) -> Html:
    """Return a state as a word with a colour."""
    return element("span", _STATES.get(state, state), class_=f"badge {state}")


def format_time(value: str | None) -> str | None:
    """Return a timestamp to the minute, such as ``2026-05-01 10:00``; a text that is none as it is."""
    time = timestamps.try_parse(value) if value else None
    return time.strftime("%Y-%m-%d %H:%M") if time else value


def format_window(window: Mapping[str, Any] | None) -> str:
    """Return a window as ``2026-05-01 10:00 to 2026-05-01 11:00``."""
    if not window or not window.get("since"):
        return ""
    until = format_time(window.get("until"))
    return f"{format_time(window['since'])}" + (f" to {until}" if until else "")


def format_seconds(seconds: float) -> str:
    """Return a duration in the unit that fits: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_count(value: float) -> str:
    """Return a number with separators, and without decimals that say nothing."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def outcome_segments(*, dry_run: bool) -> list[tuple[str, str]]:
    """Return the outcomes that add up to the orders read, each with its label."""
    written = [("would_create", "to create"), ("would_update", "to update")]
    return [
        *(written if dry_run else [("created", "created"), ("updated", "updated")]),
        ("unchanged", "unchanged"),
        ("stale", "stale"),
        ("left_out", "left out"),
        ("rejected", "rejected"),
    ]


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, caption: str | None = None, class_: str | None = None
) -> Html:
    """Return a table, which scrolls by itself where it is too wide.

    :param columns: headings; one that ends with ``#`` is of numbers
    :param rows: cells; the first of each is its heading. A cell that is ``<td>`` already stays as it is
    """
    heads = [
        element("th", name.rstrip("#"), class_="n" if name.endswith("#") else None, scope="col") for name in columns
    ]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(_cell(value, numeric=name.endswith("#")) for name, value in zip(columns[1:], row[1:], strict=True)),
        )
        for row in rows
    ]
    return element(
        "div",
        element(
            "table",
            element("caption", caption) if caption else None,
            element("thead", element("tr", *heads)),
            element("tbody", *body),
            class_=class_,
        ),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption or " ".join(columns).replace("#", ""),
    )


def _cell(value: Any, *, numeric: bool) -> Html:
    if isinstance(value, Html) and value.startswith("<td"):
        return value
    text = format_count(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return element("td", text, class_="n" if numeric else None)
