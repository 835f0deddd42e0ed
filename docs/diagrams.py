"""Draw the diagrams of these pages as SVG, in ``images/``. Run it after a change; a test checks that they are current.

A diagram is boxes on a grid, and arrows between them. Colours are variables, so that a page shows them in its own light
or dark colours; a file by itself follows the reader's system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
COLUMN, ROW, GAP_X, GAP_Y, MARGIN = 136, 52, 38, 24, 14

_LIGHT = "--d-text:#1f2937;--d-soft:#4b5563;--d-line:#6b7280;--d-paper:#ffffff"
_DARK = "--d-text:#e5e7eb;--d-soft:#b6bdc8;--d-line:#9ca3af;--d-paper:#16181d"
_KINDS_LIGHT = {"partner": ("#e6f4f1", "#0f766e"), "step": ("#eef2ff", "#4f5fc0"), "data": ("#fff4df", "#b7791f")}
_KINDS_DARK = {"partner": ("#10302c", "#5eead4"), "step": ("#20264a", "#9aa8ff"), "data": ("#38280b", "#f2b84b")}


def _colours(kinds: Mapping[str, tuple[str, str]], base: str) -> str:
    return base + "".join(f";--d-{kind}:{fill};--d-{kind}-edge:{edge}" for kind, (fill, edge) in kinds.items())


STYLE = (
    f"<style>svg.diagram{{{_colours(_KINDS_LIGHT, _LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{svg.diagram{{{_colours(_KINDS_DARK, _DARK)}}}}}</style>"
)


@dataclass(frozen=True)
class Box:
    """One box of a diagram.

    :param column: where it is, in columns from the left
    :param row: where it is, in rows from the top
    :param title: its first line
    :param note: its second line, in small letters
    :param kind: ``partner`` for what others run, ``step`` for what this package does, ``data`` for what is stored
    :param width: in columns
    :param height: in rows
    """

    column: float
    row: float
    title: str
    note: str = ""
    kind: str = "step"
    width: float = 1
    height: float = 1

    @property
    def left(self) -> float:
        """The left edge, in pixels."""
        return MARGIN + self.column * (COLUMN + GAP_X)

    @property
    def top(self) -> float:
        """The upper edge, in pixels."""
        return MARGIN + self.row * (ROW + GAP_Y)

    @property
    def right(self) -> float:
        """The right edge, in pixels."""
        return self.left + self.width * COLUMN + (self.width - 1) * GAP_X

    @property
    def bottom(self) -> float:
        """The lower edge, in pixels."""
        return self.top + self.height * ROW + (self.height - 1) * GAP_Y

    def svg(self) -> str:
        """Return the box with its text."""
        middle, centre = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        room = self.right - self.left - 12
        size = min(14, room / (0.62 * len(self.title)))
        lines = [_text(middle, centre + (-3 if self.note else 5), self.title, size=size, weight=600)]
        if self.note:
            lines.append(
                _text(middle, centre + 14, self.note, size=min(11.5, room / (0.56 * len(self.note))), colour="soft")
            )
        radius = 22 if self.kind == "data" else 8
        return (
            f'<rect x="{self.left:g}" y="{self.top:g}" width="{self.right - self.left:g}" '
            f'height="{self.bottom - self.top:g}" rx="{radius}" fill="var(--d-{self.kind})" '
            f'stroke="var(--d-{self.kind}-edge)" stroke-width="1.5"/>' + "".join(lines)
        )


@dataclass(frozen=True)
class Diagram:
    """Boxes, and arrows between them.

    :param description: what the picture shows, in words
    :param boxes: by a name of their own
    :param arrows: from box to box, with a text or ``""``; ``"…"`` in front of it draws a dashed line
    :param texts: further texts, with column and row
    """

    description: str
    boxes: Mapping[str, Box]
    arrows: Sequence[tuple[str, str, str]] = ()
    texts: Sequence[tuple[float, float, str]] = ()

    def svg(self) -> str:
        """Return the file."""
        width = max(box.right for box in self.boxes.values()) + MARGIN
        height = max(box.bottom for box in self.boxes.values()) + MARGIN
        parts = [box.svg() for box in self.boxes.values()]
        parts += [_arrow(self.boxes[start], self.boxes[end], text) for start, end, text in self.arrows]
        parts += [
            _text(MARGIN + column * (COLUMN + GAP_X), MARGIN + row * (ROW + GAP_Y), text, size=12, colour="soft")
            for column, row, text in self.texts
        ]
        head = (
            f'<svg class="diagram" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(self.description)}">'
        )
        paper = f'<rect class="paper" width="{width:g}" height="{height:g}" rx="10" fill="var(--d-paper)"/>'
        return "\n".join([head, STYLE, paper, *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, *, size: float, weight: int = 400, colour: str = "text") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="middle" font-family="system-ui,sans-serif" font-size="{size:g}" '
        f'font-weight="{weight}" fill="var(--d-{colour})">{escape(text)}</text>'
    )


def _arrow(start: Box, end: Box, text: str) -> str:
    """Return an arrow: to the right where the end is to the right of the start, else down or up."""
    dashed = ' stroke-dasharray="5 4"' if text.startswith("…") else ""
    text = text.removeprefix("…")
    if end.left >= start.right:
        x1, y1, x2, y2 = start.right, (start.top + start.bottom) / 2, end.left, (end.top + end.bottom) / 2
        y1, y2 = _common(y1, y2, start.top, start.bottom, end.top, end.bottom)
        bend = (x2 - x1) / 2
        path = f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2 - 7:g} {y2:g}"
        head = f"M{x2 - 8:g} {y2 - 4.5:g}L{x2:g} {y2:g}L{x2 - 8:g} {y2 + 4.5:g}z"
    else:
        down = end.top >= start.bottom
        y1, y2 = (start.bottom, end.top) if down else (start.top, end.bottom)
        x1, x2 = (start.left + start.right) / 2, (end.left + end.right) / 2
        x1, x2 = _common(x1, x2, start.left, start.right, end.left, end.right)
        bend, tip = (y2 - y1) / 2, 8 if down else -8
        path = f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2 - tip:g}"
        head = f"M{x2 - 4.5:g} {y2 - tip:g}L{x2:g} {y2:g}L{x2 + 4.5:g} {y2 - tip:g}z"
    line = f'<path d="{path}" fill="none" stroke="var(--d-line)" stroke-width="1.5"{dashed}/>'
    beside = 26 if x1 == x2 else 0
    label = _text((x1 + x2) / 2 + beside, (y1 + y2) / 2 - (-4 if beside else 6), text, size=11.5, colour="soft")
    label = label if text else ""
    return f'{line}<path d="{head}" fill="var(--d-line)"/>{label}'


def _common(one: float, other: float, low1: float, high1: float, low2: float, high2: float) -> tuple[float, float]:
    """Return the same coordinate for both ends, if the two boxes face each other: the arrow is straight then."""
    low, high = max(low1, low2), min(high1, high2)
    return ((low + high) / 2,) * 2 if low < high else (one, other)


HOURLY = Diagram(
    "Each hour: every shop that has the app and a route is a lane of its own. A lane reads the shop's changed orders "
    "from Shopify, then what Yofi knows about them, and used coupons from Voucherify. The build joins and maps. "
    "Products and orders go to Yotpo. The summary reports every lane.",
    {
        "installs": Box(0, 0, "Shopify Partner", "who has the app", "partner"),
        "routes": Box(0, 1, "routes", "who goes where", "data"),
        "shops": Box(1, 0.5, "select shops", "a lane for each"),
        "orders": Box(2, 0, "Shopify Admin", "changed orders", "partner"),
        "yofi": Box(2, 1, "Yofi", "returns, claims", "partner"),
        "voucherify": Box(2, 2, "Voucherify", "used coupons", "partner"),
        "build": Box(3, 1, "build", "join, map, suppress"),
        "yotpo": Box(4, 1, "Yotpo", "products, orders", "partner"),
        "summary": Box(5, 1, "summary", "outcomes, rejects", "data"),
    },
    [
        ("installs", "shops", ""),
        ("routes", "shops", ""),
        ("shops", "orders", ""),
        ("orders", "yofi", ""),
        ("shops", "voucherify", "…"),
        ("orders", "build", ""),
        ("yofi", "build", ""),
        ("voucherify", "build", "…"),
        ("build", "yotpo", ""),
        ("yotpo", "summary", ""),
    ],
)

MAIN_DAG = Diagram(
    "The tasks of the main Dag. check_params, active_shops, select_shops, choose_windows, batch_shops and select_lane "
    "run once, find_changes for each batch of shops. Each shop with changes has a lane: extract_orders, then "
    "extract_returns and extract_customers; extract_claims and extract_redemptions beside them; then build, "
    "upsert_products, upsert_orders and summarize_lane. At the end summarize and confirm run once.",
    {
        "check": Box(0, 0, "check_params"),
        "active": Box(1, 0, "active_shops"),
        "select": Box(2, 0, "select_shops"),
        "choose": Box(3, 0, "choose_windows"),
        "batch": Box(4.1, 0, "batch_shops"),
        "find": Box(4.1, 0.95, "find_changes", "Shopify", "partner"),
        "lanes": Box(4.1, 1.9, "select_lane", "shops with changes"),
        "orders": Box(0, 3.1, "extract_orders", "Shopify", "partner"),
        "returns": Box(1, 3.1, "extract_returns", "Yofi", "partner"),
        "customers": Box(1, 4.1, "extract_customers", "Yofi", "partner"),
        "claims": Box(0, 5.1, "extract_claims", "Yofi", "partner"),
        "redemptions": Box(0, 6.1, "extract_redemptions", "Voucherify", "partner"),
        "build": Box(2, 3.1, "build", "join, map, suppress", height=4),
        "products": Box(3, 3.1, "upsert_products", "Yotpo", "partner"),
        "upsert": Box(3, 4.1, "upsert_orders", "Yotpo", "partner"),
        "lane": Box(3, 5.1, "summarize_lane", "one shop", "data"),
        "summarize": Box(4.1, 5.1, "summarize", "all shops", "data"),
        "confirm": Box(4.1, 6.1, "confirm", "watermarks", "data"),
    },
    [
        ("check", "active", ""),
        ("active", "select", ""),
        ("select", "choose", ""),
        ("choose", "batch", ""),
        ("batch", "find", ""),
        ("find", "lanes", ""),
        ("lanes", "orders", "one lane for each shop with changes"),
        ("orders", "returns", ""),
        ("orders", "customers", ""),
        ("returns", "build", ""),
        ("customers", "build", ""),
        ("claims", "build", ""),
        ("redemptions", "build", ""),
        ("build", "products", ""),
        ("products", "upsert", ""),
        ("upsert", "lane", ""),
        ("lane", "summarize", ""),
        ("summarize", "confirm", ""),
    ],
)

YOTPO = Diagram(
    "Datasets of Shopify, Yofi and Voucherify go into YotpoBuildOrdersOperator. Its result goes to "
    "YotpoUpsertProductsOperator first, then to YotpoUpsertOrdersOperator. YotpoReplayRejectsOperator sends rejects "
    "again. YotpoReconcileOrdersOperator compares built orders with those that YotpoExtractOperator has read.",
    {
        "lists": Box(0, 0.5, "datasets", "orders, returns, coupons", "data", width=1.2),
        "build": Box(1.5, 0.5, "build orders", "calls no API", width=1.1),
        "products": Box(3, 0, "upsert products", "first", "partner", width=1.1),
        "orders": Box(3, 1, "upsert orders", "with fulfillments", "partner", width=1.1),
        "replay": Box(4.5, 1, "replay rejects", "after the fix", "partner", width=1.1),
        "stored": Box(0, 2, "extract orders", "of the store", "partner", width=1.2),
        "reconcile": Box(1.5, 2, "reconcile orders", "what differs", width=1.1),
    },
    [
        ("lists", "build", ""),
        ("build", "products", ""),
        ("build", "orders", ""),
        ("products", "orders", ""),
        ("orders", "replay", "…"),
        ("stored", "reconcile", ""),
        ("build", "reconcile", ""),
        ("reconcile", "orders", ""),
    ],
)

TABLES = Diagram(
    "SqlToDatasetOperator reads a database, FilesToDatasetOperator reads files. Both make a dataset. Any operator that "
    "takes a dataset can use it, and DatasetToSqlOperator loads it into a table.",
    {
        "database": Box(0, 0, "a database", "", "data", width=0.9),
        "files": Box(0, 1, "files", "", "data", width=0.9),
        "query": Box(1.1, 0, "SqlToDataset", "Operator", width=1.05),
        "read": Box(1.1, 1, "FilesToDataset", "Operator", width=1.05),
        "dataset": Box(2.4, 0.5, "a dataset", "", "data", width=0.9),
        "load": Box(3.5, 0, "DatasetToSql", "Operator", width=1.05),
        "any": Box(3.5, 1, "any operator", "of a partner", "partner", width=1.05),
        "table": Box(4.8, 0, "a table", "", "data", width=0.9),
        "yotpo": Box(4.8, 1, "Yotpo, …", "", "data", width=0.9),
    },
    [
        ("database", "query", ""),
        ("files", "read", ""),
        ("query", "dataset", ""),
        ("read", "dataset", ""),
        ("dataset", "load", ""),
        ("dataset", "any", ""),
        ("load", "table", ""),
        ("any", "yotpo", ""),
    ],
)

WINDOWS = Diagram(
    "A time line. Earlier runs have read up to the watermark. A gap is a time range below it that no run has read. The "
    "window of a run is its interval, and the lookback before it, which is read again. The backfill reads a gap.",
    {
        "before": Box(0, 0.6, "read", "by earlier runs", "data", width=1.3),
        "gap": Box(1.09, 0.6, "gap", "no run has read it", "partner", width=1.2),
        "read": Box(2.08, 0.6, "read", "by earlier runs", "data", width=2),
        "interval": Box(3.87, 0.6, "interval", "of this run", width=1.4),
        "backfill": Box(1.09, 1.9, "backfill", "", width=1.2),
        "window": Box(3.2, 1.9, "window: lookback and interval", "", width=2.07),
    },
    [("backfill", "gap", "…"), ("window", "interval", "…")],
    texts=[(3.86, 0.45, "watermark"), (4.98, 0.45, "now")],
)

OUTCOMES = Diagram(
    "How a record of Yotpo ends. If newer data was written, it is stale. If Yotpo does not have it, it is created. If "
    "it differs, it is updated, else unchanged. If it can't be sent, it is a reject, and a replay sends it again.",
    {
        "built": Box(0, 1, "a record", "checked by rules", "data"),
        "stale": Box(1.2, 0, "newer written?", "yes: stale"),
        "exists": Box(1.2, 1, "in Yotpo?", "no: created"),
        "differs": Box(2.4, 1, "does it differ?", "no: unchanged"),
        "send": Box(3.6, 1, "send differences", "updated", "partner"),
        "reject": Box(2.4, 2.2, "reject", "field and rule", "data"),
        "replay": Box(3.6, 2.2, "replay", "after the fix"),
    },
    [
        ("built", "stale", ""),
        ("stale", "exists", ""),
        ("exists", "differs", ""),
        ("differs", "send", ""),
        ("built", "reject", "…"),
        ("send", "replay", "…"),
        ("reject", "replay", ""),
    ],
)

_PARTNERS = ("yofi", "shopify_partner", "shopify_admin", "voucherify", "yotpo")

ARCHITECTURE = Diagram(
    "The rooms of the package in layers. From top to bottom: plugin and command line; pipelines; operators, sensors, "
    "triggers; hooks; observability; tables; datasets and sync; api, with a room for each of the five partners above "
    "pagination, rsql and http. Each layer imports only from those below. The sandbox stands apart and shares no code.",
    {
        "dags": Box(0, 0, "dags/", "files of three lines", "data", width=1.6),
        "ends": Box(1.7, 0, "plugin/, cli/", "a page in Airflow, a command line", width=1.6),
        "taskflow": Box(3.4, 0, "taskflow", "what @task functions import", width=1.6),
        "pipelines": Box(0, 1, "pipelines/", "the product's Dags as functions", width=5),
        "operators": Box(0, 2, "operators/", "one step in a task", width=2.45),
        "sensors": Box(2.55, 2, "sensors/, triggers/", "wait; watch lists for events", width=2.45),
        "hooks": Box(0, 3, "hooks/", "a connection becomes a client", width=2.45),
        "observability": Box(2.55, 3, "observability/", "events, lineage, metrics, reports", width=2.45),
        "tables": Box(0, 4, "tables/", "databases and files", width=1.6),
        "datasets": Box(1.7, 4, "datasets/", "parts, manifest, resume", width=1.6),
        "sync": Box(3.4, 4, "sync/", "map, suppress, write; no Airflow", width=1.6),
        **{name: Box(at, 5.2, name, "", "partner", width=0.94) for at, name in enumerate(_PARTNERS)},
        "http": Box(0, 6.1, "api/: pagination, rsql, http", "no Airflow in here", "partner", width=4.94),
        "sandbox": Box(
            0, 7.4, "sandbox/", "the partners, served on this machine; shares no code with api/ and sync/", width=4.94
        ),
    },
    [
        ("dags", "pipelines", ""),
        ("ends", "pipelines", ""),
        ("taskflow", "pipelines", ""),
        ("pipelines", "operators", ""),
        ("pipelines", "sensors", ""),
        ("operators", "hooks", ""),
        ("sensors", "observability", ""),
        ("hooks", "tables", ""),
        ("hooks", "datasets", ""),
        ("observability", "sync", ""),
        ("datasets", "shopify_admin", ""),
        ("http", "sandbox", "…HTTP"),
    ],
)

DIAGRAMS: Mapping[str, Diagram] = {
    "architecture": ARCHITECTURE,
    "hourly": HOURLY,
    "main-dag": MAIN_DAG,
    "outcomes": OUTCOMES,
    "tables": TABLES,
    "windows": WINDOWS,
    "yotpo": YOTPO,
}


def main() -> None:
    """Draw every diagram."""
    for name, diagram in DIAGRAMS.items():
        (IMAGES / f"{name}.svg").write_text(diagram.svg())


if __name__ == "__main__":
    main()
