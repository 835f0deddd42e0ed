"""One lane on the page of a report: counts, reasons, predictions, samples, steps, calls and datasets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.observability.report import charts
from airflow_provider_partners.observability.report.markup import Html, element, join
from airflow_provider_partners.observability.report.model import (
    ApiCalls,
    FieldChange,
    LaneReport,
    Reason,
    RecordSample,
    ScoreBand,
    StepReport,
)
from airflow_provider_partners.observability.report.words import (
    badge,
    format_count,
    format_seconds,
    format_window,
    outcome_segments,
    table,
)

__all__ = ["lane_section"]

_ACTIONS = {
    "would_create": "to create",
    "would_update": "to update",
    "left_out": "left out",
}
_SAMPLE_ORDER = ("rejected", "updated", "would_update", "created", "would_create", "stale", "left_out", "unchanged")


def lane_section(lane: LaneReport, *, is_open: bool, dry_run: bool) -> Html:
    """Return the section of a lane.

    :param is_open: whether its details are shown at first
    """
    read = "no order has changed" if lane.no_changes else f"{lane.counts.get('read', 0):,} orders read"
    heading = element(
        "summary",
        lane.name,
        badge(lane.state),
        element("span", f"{read} · {format_window(lane.window)}", class_="soft"),
    )
    return element("details", heading, *_parts(lane, dry_run=dry_run), class_="lane", open=is_open)


def _parts(lane: LaneReport, *, dry_run: bool) -> Iterator[Html | None]:
    yield _outcomes(lane, dry_run=dry_run)
    yield from _reasons(lane)
    yield _scores(lane.scores)
    yield _changed(lane)
    yield _samples(lane.samples)
    yield _steps(lane.steps)
    yield _calls(lane.api)
    yield _datasets(lane)


def _outcomes(lane: LaneReport, *, dry_run: bool) -> Html:
    rows = [
        (label, count, lane.suppressed_by_action.get(kind, 0) or "")
        for kind, label in outcome_segments(dry_run=dry_run)
        if (count := lane.counts.get(kind, 0)) or kind in {"created", "updated", "would_create", "would_update"}
    ]
    columns = ("outcome", "orders#", "of which no review request#")
    return join(element("h3", "Orders"), table(columns, rows, class_="compact"))


def _reasons(lane: LaneReport) -> Iterator[Html | None]:
    yield _reason_table("Why no review request", lane.suppressions, "An order may have several reasons.")
    yield _reason_table("Why left out", lane.left_outs)
    yield _reason_table("Why rejected", lane.rejections)
    yield _reason_table("Notes", lane.notes)
    yield _reason_table("Yotpo differed from Shopify", lane.found)


def _reason_table(title: str, reasons: list[Reason], note: str | None = None) -> Html | None:
    if not reasons:
        return None
    rows = [(reason.text, reason.count, ", ".join(reason.examples)) for reason in reasons]
    return join(element("h3", title), table(("reason", "orders#", "such as"), rows, caption=note))


def _scores(bands: list[ScoreBand]) -> Html | None:
    if not bands:
        return None
    figures = []
    for band in bands:
        title = (
            f"{band.category}: {band.orders} orders with {band.lowest:.2f} to {band.highest:.2f}, "
            f"from {band.threshold:g} on"
        )
        figures.append(
            element(
                "figure",
                element(
                    "figcaption",
                    element("b", band.category),
                    f" · {band.orders:,} orders · {band.lowest:.2f} to {band.highest:.2f}",
                    element("br"),
                    element("span", f"{band.source}, suppresses from {band.threshold:g} on", class_="soft"),
                ),
                charts.columns(band.histogram, title=title, mark=band.threshold, lower="0", upper="1"),
            )
        )
    return join(
        element("h3", "Predictions that suppressed"),
        element("p", "Orders by score. The line is the policy's threshold.", class_="soft"),
        element("div", *figures, class_="small"),
    )


def _changed(lane: LaneReport) -> Html | None:
    if not lane.changed:
        return None
    highest = max(lane.changed.values())
    rows = [
        (name, element("td", charts.bar(count, total=highest, kind="updated"), class_="draw"), count)
        for name, count in lane.changed.items()
    ]
    return join(element("h3", "What changed"), table(("property", "", "orders#"), rows, class_="chart stack"))


def _samples(samples: list[RecordSample]) -> Html | None:
    if not samples:
        return None
    rank = {name: index for index, name in enumerate(_SAMPLE_ORDER)}
    ordered = sorted(samples, key=lambda sample: rank.get(sample.action, len(rank)))
    rows = [
        (
            element("span", sample.external_id, class_="id"),
            _ACTIONS.get(sample.action, sample.action),
            _explanation(sample),
        )
        for sample in ordered
    ]
    return join(
        element("h3", "Some of these orders"),
        table(
            ("order", "outcome", "values and reasons"),
            rows,
            caption="The datasets below have all of them.",
            class_="stack",
        ),
    )


def _explanation(sample: RecordSample) -> Html:
    parts: list[object] = []
    if sample.reason:
        parts.append(element("div", sample.reason))
    if sample.suppressed:
        parts.append(element("div", "No review request: ", "; ".join(sample.suppressed)))
    parts += [element("div", note, class_="soft") for note in sample.notes]
    if sample.changes and all(change.before is None for change in sample.changes):
        items = [element("li", element("span", change.name), " ", change.after) for change in sample.changes]
        parts.append(element("ul", *items, class_="values"))
    elif sample.changes:
        rows = [element("tr", element("td", change.name, class_="mono"), *_values(change)) for change in sample.changes]
        parts.append(element("table", *rows, class_="changes"))
    return join(*parts)


def _values(change: FieldChange) -> Iterator[Html]:
    if change.before is None:
        yield element("td", change.after)
    else:
        yield element("td", element("span", change.before, class_="before"), " → ", change.after)


def _steps(steps: list[StepReport]) -> Html | None:
    timed = [(step, timestamps.try_parse(step.started_at), timestamps.try_parse(step.ended_at)) for step in steps]
    starts = [start for _, start, end in timed if start and end]
    if not starts:
        return None
    first, last = min(starts), max(end for _, start, end in timed if start and end)
    whole = max((last - first).total_seconds(), 0.001)
    worked = sum(step.seconds for step in steps)
    # A step that was cleared the next day would leave nothing to see of the others.
    on_one_axis = whole <= max(10 * worked, 600.0)
    longest = max(step.seconds for step in steps) or 0.001
    rows: list[tuple[Any, ...]] = []
    for step, start, end in timed:
        if start is None or end is None:
            drawing: object = None
        elif on_one_axis:
            offset = (start - first).total_seconds()
            drawing = charts.span(offset, (end - first).total_seconds(), total=whole, kind=step.state)
        else:
            drawing = charts.bar(step.seconds, total=longest, kind=step.state)
        words = join(
            format_seconds(step.seconds) if start else None,
            f", {step.tries} tries" if step.tries > 1 else None,
            join(" ", badge(step.state)) if step.state != "success" else None,
            element("div", step.note, class_="soft") if step.note else None,
        )
        rows.append((step.task, element("td", drawing, class_="draw"), words))
    caption = f"{format_seconds(whole)} from the first start to the last end." if on_one_axis else None
    return join(
        element("h3", "Time per step"), table(("step", "", "time"), rows, caption=caption, class_="chart stack")
    )


def _calls(calls: list[ApiCalls]) -> Html | None:
    if not calls:
        return None
    rows = []
    for call in calls:
        share = call.limit_share
        kind = "full" if call.throttled else "fill"
        drawing = charts.bar(share, total=1.0, kind=kind) if share is not None else None
        rows.append((
            join(call.partner, element("div", call.account, class_="soft mono") if call.account else None),
            element("td", drawing, class_="draw"),
            _call_words(call, share),
        ))
    return join(
        element("h3", "API calls and limits"),
        table(("API", "share of its limit", "calls"), rows, class_="chart stack"),
    )


def _call_words(call: ApiCalls, share: float | None) -> Html:
    limit = None
    if share is not None and call.limit_per_second:
        burst = call.limit_burst or 0
        at_once = f", {format_count(burst)} at once" if burst > 1 else ""
        limit = f"{share:.0%} of the limit ({format_count(call.limit_per_second)} per second{at_once})"
    more = [
        f"{call.retries} sent again" if call.retries else None,
        f"{call.throttled} refused by the limit" if call.throttled else None,
        f"{format_seconds(call.waited)} waited" if call.waited >= 0.05 else None,
    ]
    operations = ", ".join(
        f"{name} {count:,}" for name, count in sorted(call.by_operation.items(), key=lambda x: -x[1])
    )
    return join(
        element("div", f"{call.requests:,} calls", f", {limit}" if limit else None),
        *(element("div", text) for text in more if text),
        element("div", operations, class_="soft"),
    )


def _datasets(lane: LaneReport) -> Html | None:
    if not lane.datasets:
        return None
    rows = [
        (
            dataset.resource,
            dataset.source,
            dataset.records,
            format_window(dataset.window),
            element("code", dataset.uri),
        )
        for dataset in lane.datasets
    ]
    note = None
    if lane.rejects:
        note = f"Correct the cause, then send the rejects again: trigger the Dag {REPLAY_DAG_ID} with this run."
    return join(
        element("h3", "What was read and stored"),
        table(("list", "from", "records#", "window", "dataset"), rows, caption=note, class_="wide"),
    )
