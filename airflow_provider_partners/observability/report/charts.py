"""Charts as inline SVG in the rows of tables.

A bar is drawn in its own cell, and its label and numbers are text of the table. So a chart needs no script, is read out
as a table, fits every width without distorted letters, and takes its colours from the page's style.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_provider_partners.observability.report.markup import Html, element, join

__all__ = ["bar", "columns", "legend", "span", "stacked"]

_HEIGHT = 16
_GAP = 0.35
"""Space between two segments, in percent of the width."""


def stacked(segments: Sequence[tuple[str, float]], *, total: float) -> Html:
    """Return one bar of several segments.

    :param segments: the class of each segment, which gives its colour, with its value
    :param total: the value of a bar of the full width
    """
    x, shapes = 0.0, []
    for kind, value in segments:
        width = _percent(value, total)
        if width > 0:
            shapes.append(
                element("rect", x=_round(x), y=0, width=_round(max(width - _GAP, 0.4)), height=_HEIGHT, class_=kind)
            )
            x += width
    return _svg(*shapes)


def bar(value: float, *, total: float, kind: str = "fill", mark: float | None = None) -> Html:
    """Return one bar on a track.

    :param mark: a value at which a line stands, such as a limit
    """
    return _svg(
        element("rect", x=0, y=0, width=100, height=_HEIGHT, class_="track"),
        element("rect", x=0, y=0, width=_round(_percent(value, total)), height=_HEIGHT, class_=kind),
        _line(_percent(mark, total)) if mark is not None else None,
    )


def span(start: float, end: float, *, total: float, kind: str = "fill") -> Html:
    """Return a bar from one point in time to another, at least wide enough to be seen."""
    x = min(_percent(start, total), 99.0)
    width = max(_percent(end - start, total), 0.8)
    return _svg(
        element("rect", x=0, y=0, width=100, height=_HEIGHT, class_="track"),
        element("rect", x=_round(x), y=0, width=_round(min(width, 100 - x)), height=_HEIGHT, class_=kind),
    )


def columns(values: Sequence[int], *, title: str, mark: float | None = None, lower: str = "", upper: str = "") -> Html:
    """Return a histogram.

    :param title: what it shows, for a reader who does not see it
    :param mark: the share of the width at which a line stands, from 0 to 1
    :param lower: label of the left end
    :param upper: label of the right end
    """
    highest, width = max(values, default=0) or 1, 100 / max(len(values), 1)
    shapes = [
        element(
            "rect",
            x=_round(index * width + _GAP),
            y=_round(40 - max(40 * value / highest, 1.5)),
            width=_round(width - 2 * _GAP),
            height=_round(max(40 * value / highest, 1.5)),
            class_="suppressed",
        )
        for index, value in enumerate(values)
        if value
    ]
    axis = element("line", x1=0, x2=100, y1=40, y2=40, class_="axis")
    picture = element(
        "svg",
        *shapes,
        axis,
        _line(mark * 100, height=40) if mark is not None else None,
        view_box="0 0 100 40",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=title,
        class_="columns",
    )
    ends = element("div", element("span", lower), element("span", upper), class_="ends", aria_hidden="true")
    return join(picture, ends)


def legend(entries: Iterable[tuple[str, str]], counts: Mapping[str, int] | None = None) -> Html:
    """Return what the colours mean.

    :param entries: class and label of each colour
    :param counts: numbers behind the labels, by class
    """
    return element(
        "ul",
        *(
            element(
                "li",
                element("i", class_=f"swatch {kind}"),
                label,
                element("b", f" {counts[kind]:,}") if counts and kind in counts else None,
            )
            for kind, label in entries
        ),
        class_="legend",
    )


def _svg(*shapes: object) -> Html:
    # The row's text has the numbers.
    return element(
        "svg", *shapes, view_box=f"0 0 100 {_HEIGHT}", preserve_aspect_ratio="none", aria_hidden="true", class_="bar"
    )


def _line(x: float, *, height: int = _HEIGHT) -> Html:
    return element("line", x1=_round(x), x2=_round(x), y1=0, y2=height, class_="mark")


def _percent(value: float, total: float) -> float:
    return max(0.0, min(100.0, 100 * value / total)) if total > 0 else 0.0


def _round(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
