"""The page of a report: one HTML file without scripts, which loads nothing from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from airflow_provider_partners.failures import first_of
from airflow_provider_partners.observability.report import charts
from airflow_provider_partners.observability.report.lane_html import lane_section
from airflow_provider_partners.observability.report.markup import Html, element, join
from airflow_provider_partners.observability.report.model import LaneReport, RunReport, TaskError
from airflow_provider_partners.observability.report.style import STYLE
from airflow_provider_partners.observability.report.words import (
    badge,
    format_count,
    format_time,
    format_window,
    outcome_segments,
    table,
)

__all__ = ["render_page"]

MAX_LANES = 60
"""Lanes that the page shows in detail, the failed ones first. The others are in the table alone."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_page(report: RunReport) -> str:
    """Return the page of a report."""
    kind = "Plan" if report.dry_run else "Report"
    title = f"{kind}: {report.title or report.dag_id}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("title", title),
        element("style", Html(STYLE)),
    )
    body = element("body", element("main", *_sections(report, title)))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _sections(report: RunReport, title: str) -> Iterator[Html | None]:
    yield _header(report, title)
    if report.lanes:
        yield _cards(report)
    yield _failures(report)
    yield _warnings(report)
    yield _gaps(report)
    if report.dry_run and report.lanes:
        yield _plan_note()
    if not report.lanes and not report.error:
        yield element("section", element("p", "This run had no shop to sync."), class_="box")
    if report.lanes:
        yield _overview(report)
        yield element("h2", "Shop by shop")
        shown = _ordered(report.lanes)[:MAX_LANES]
        for index, lane in enumerate(shown):
            is_open = index == 0 or len(shown) <= 3 or lane.state == "failed"
            yield lane_section(lane, is_open=is_open, dry_run=report.dry_run)
        if len(shown) < len(report.lanes):
            rest = len(report.lanes) - len(shown)
            yield element("p", f"{rest} more lanes are in the table above, and in report.json.", class_="soft")
    if report.dry_run and report.lanes:
        yield _sign_off(report)
    yield _footer(report)


def _header(report: RunReport, title: str) -> Html:
    state = "plan" if report.dry_run and report.state == "success" else report.state
    run = element("a", report.run_id, href=report.run_url) if report.run_url else report.run_id
    windows = sorted({format_window(lane.window) for lane in report.lanes if lane.window})
    shown = windows[0] if len(windows) == 1 else f"{len(windows)} windows" if windows else None
    facts = {
        "Dag": element("code", report.dag_id),
        "Run": element("code", run),
        "Started": format_time(report.started_at),
        "Window": shown,
        "Params": _params(report.params),
        "Shops": format_count(len(report.shops)),
    }
    rows = [join(element("dt", name), element("dd", value)) for name, value in facts.items() if value]
    return element(
        "header",
        element("div", element("h1", title, " ", badge(state)), element("dl", *rows, class_="facts")),
    )


def _params(params: Mapping[str, object]) -> str | None:
    """Return the params besides the window, which has a line of its own."""
    shown = (f"{name} = {value}" for name, value in params.items() if value and name not in {"since", "until"})
    return ", ".join(shown) or None


def _cards(report: RunReport) -> Html:
    total = report.total
    names: Mapping[str, str] = {
        "read": "orders read",
        **({"would_create": "to create", "would_update": "to update"} if report.dry_run else {}),
        **({} if report.dry_run else {"created": "created", "updated": "updated"}),
        "unchanged": "unchanged",
        **({"stale": "stale"} if total["stale"] else {}),
        "left_out": "left out",
        "rejected": "rejected",
        "suppressed": "of these, no review request",
        "api_calls": "API calls",
    }
    cards = (
        element("li", element("b", format_count(total[name])), element("span", label)) for name, label in names.items()
    )
    return element("ul", *cards, class_="cards", aria_label="Totals")


def _failures(report: RunReport) -> Html | None:
    errors = [("", report.error)] if report.error else []
    errors += [(lane.name, lane.error) for lane in report.lanes if lane.error]
    if not errors:
        return None
    items = [element("li", *_failure(name, error)) for name, error in errors if error]
    return element("section", element("h2", "Failed"), element("ul", *items), class_="callout", aria_label="Failed")


def _failure(name: str, error: TaskError) -> Iterator[object]:
    place = element("code", error.task)
    yield join(element("b", name), " at ", place) if name else join("At ", place)
    yield f": {error.message} "
    if error.remedy:
        yield element("span", error.remedy, class_="remedy")
    if error.log_url:
        yield element("a", "Its log", href=error.log_url)


def _warnings(report: RunReport) -> Html | None:
    if not report.warnings:
        return None
    items = []
    for each in report.warnings:
        step = element("code", each["task"])
        items.append(element("li", element("b", first_of(each["lanes"])), " at ", step, f": {each['message']}"))
    return element("section", element("h2", "Warnings"), element("ul", *items), class_="callout warn")


def _gaps(report: RunReport) -> Html | None:
    if not report.gaps:
        return None
    items = [
        element("li", element("b", gap.shop), f": {format_time(gap.since)} to {format_time(gap.until)}")
        for gap in report.gaps
    ]
    text = "No run has read the orders that changed in these time ranges. A backfill reads them."
    return element("section", element("h2", "Gaps"), element("p", text), element("ul", *items), class_="callout warn")


def _plan_note() -> Html:
    text = (
        "This is a plan. Nothing was written to Yotpo. It shows what a run with the same window would create and "
        "update as things were when the plan was made, and which orders would get no review request, and why."
    )
    return element("section", element("p", text), class_="callout signoff")


def _overview(report: RunReport) -> Html:
    kinds = [*outcome_segments(dry_run=report.dry_run), ("unreached", "not reached")]
    lanes = [(lane, [(kind, _count(lane, kind, report)) for kind, _ in kinds]) for lane in report.lanes]
    longest = max((sum(count for _, count in segments) for _, segments in lanes), default=0)
    used = Counter[str]()
    rows = []
    for lane, segments in lanes:
        used.update(dict(segments))
        words = ", ".join(f"{count:,} {label}" for (_, count), (_, label) in zip(segments, kinds, strict=True) if count)
        rows.append((
            lane.name,
            element("td", charts.stacked(segments, total=longest), class_="draw"),
            element("td", words or "no order changed", " ", badge("failed") if lane.state == "failed" else None),
        ))
    shown = [(kind, label) for kind, label in kinds if used[kind]]
    return element(
        "section",
        element("h2", "Outcomes by shop"),
        charts.legend(shown, used),
        table(("shop", "", "orders"), rows, class_="chart stack"),
        class_="box",
    )


def _count(lane: LaneReport, kind: str, report: RunReport) -> int:
    if kind != "unreached":
        return lane.counts.get(kind, 0)
    # A lane that failed has read orders of which it wrote none.
    ended = sum(lane.counts.get(each, 0) for each, _ in outcome_segments(dry_run=report.dry_run))
    return max(lane.counts.get("read", 0) - ended, 0) if lane.state == "failed" else 0


def _sign_off(report: RunReport) -> Html:
    text = (
        f"To carry the plan out, run {report.dag_id} with the same params and with dry_run off. Orders that change "
        "until then are synced as they are by then."
    )
    lines = [element("div", label) for label in ("Approved by", "For shop", "Date", "Remarks")]
    return element(
        "section",
        element("h2", "Sign-off"),
        element("p", text),
        element("div", *lines, class_="sign"),
        class_="callout signoff",
    )


def _footer(report: RunReport) -> Html:
    masked = (
        "Personal values are shown, because the run was started with personal_values."
        if report.personal_values
        else "Personal values are masked."
    )
    return element("footer", f"Written {format_time(report.written_at)}. {masked} Times are in UTC.")


def _ordered(lanes: list[LaneReport]) -> list[LaneReport]:
    """Return failed lanes first, then by how much happened."""
    busy = ("created", "updated", "would_create", "would_update", "rejected", "left_out")
    return sorted(lanes, key=lambda lane: (lane.state != "failed", -sum(lane.counts.get(name, 0) for name in busy)))
