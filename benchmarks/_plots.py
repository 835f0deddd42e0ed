"""Line plots as SVG, in the colours of the documentation's diagrams."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "docs"))

from diagrams import STYLE

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 36, 44, 56
_LINES = (("partner-edge", ""), ("step-edge", "7 4"), ("data-edge", "2 4"), ("soft", "10 3 2 3"), ("line", "4 2"))
"""The colour of each line, and its dashes for readers who see no difference between the colours."""


def svg(plot: Mapping[str, Any], description: str) -> str:
    """Return the file of a plot.

    :param plot: the fields of ``_results.Plot``
    :param description: what it shows, for readers who can't see it
    """
    points = [point for series in plot["series"].values() for point in series]
    across = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, logarithmic=plot["logarithmic"])
    up = _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, logarithmic=plot["logarithmic"])
    parts = [
        f'<svg class="diagram" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(description)}">',
        STYLE,
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="10" fill="var(--d-paper)"/>',
        *_grid(across, up),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, plot["x"], size=13),
        _text(LEFT, 18, plot["y"], size=13, anchor="start"),
    ]
    for index, (label, series) in enumerate(plot["series"].items()):
        parts += _line(label, series, across, up, index)
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """Where a value is on an axis, and where its lines are."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, logarithmic: bool) -> None:
        self._start, self._end = start, end
        self._scale = math.log10 if logarithmic else float
        if logarithmic:
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            high = max(high, low + 1)
            self.ticks = [10.0**power for power in range(low, high + 1)]
        else:
            step = _round_step(max(values) / 5)
            self.ticks = [step * number for number in range(math.ceil(max(values) / step) + 1)]
        self._low, self._high = self._scale(self.ticks[0]), self._scale(self.ticks[-1])

    def place(self, value: float) -> float:
        """Return the coordinate of a value."""
        share = (self._scale(value) - self._low) / (self._high - self._low)
        return round(self._start + share * (self._end - self._start), 1)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step or 1))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    line = '<path d="{}" stroke="var(--d-line)" stroke-width="0.5" opacity="0.5" fill="none"/>'
    parts = []
    for tick in across.ticks:
        x = across.place(tick)
        parts += [line.format(f"M{x:g} {TOP}V{HEIGHT - BOTTOM}"), _text(x, HEIGHT - BOTTOM + 18, _short(tick))]
    for tick in up.ticks:
        y = up.place(tick)
        parts += [line.format(f"M{LEFT} {y:g}H{WIDTH - RIGHT}"), _text(LEFT - 8, y + 4, _short(tick), anchor="end")]
    return parts


def _line(label: str, series: Sequence[Sequence[float]], across: _Axis, up: _Axis, index: int) -> list[str]:
    colour, dashes = _LINES[index % len(_LINES)]
    places = [(across.place(x), up.place(y)) for x, y in series]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    stroke = f'stroke="var(--d-{colour})" stroke-width="2.5" stroke-dasharray="{dashes}"'
    dots = [f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="var(--d-{colour})"/>' for x, y in places]
    y = TOP + 12 + 20 * index
    key = f'<path d="M{LEFT + 14} {y}h34" fill="none" {stroke}/>'
    return [
        f'<path d="{path}" fill="none" {stroke}/>',
        *dots,
        key,
        _text(LEFT + 56, y + 4, label, size=12.5, anchor="start", colour="text"),
    ]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _text(x: float, y: float, text: str, *, size: float = 11.5, anchor: str = "middle", colour: str = "soft") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-family="system-ui,sans-serif" font-size="{size:g}" '
        f'fill="var(--d-{colour})">{escape(text)}</text>'
    )
