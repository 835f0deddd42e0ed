// Charts as SVG: columns by run. Each one has a table with the same numbers.

import { h, svg, table } from "./dom.js";
import { day, number, time } from "./format.js";
import { withTips } from "./grid.js";

const isNarrow = () => window.innerWidth < 700;
const LEFT = 46;
const BOTTOM = 22;
const TOP = 8;

const ceiling = (value) => {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 4, 5, 8, 10].map((step) => step * power).find((step) => step >= value);
};

const axis = (width, height, most, format) =>
  [0, 0.5, 1].map((share) => {
    const y = TOP + (height - TOP - BOTTOM) * (1 - share);
    return [
      svg("line", { x1: LEFT, x2: width, y1: y, y2: y, class: share ? "rule" : "base" }),
      svg("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, format(most * share)),
    ];
  });

const labels = (runs, width, height, step) => {
  const seen = new Set();
  let last = -Infinity;
  return runs.map((run, index) => {
    const label = run.at ? day(run.at) : "";
    const x = LEFT + step * (index + 0.5);
    if (!label || seen.has(label) || x - last < 56 || x > width - 20) return null;
    seen.add(label);
    last = x;
    return svg("text", { x, y: height - 5, "text-anchor": "middle" }, label);
  });
};

const columns = (runs, series, most, full, height) => {
  const step = (full - LEFT) / Math.max(runs.length, 12);
  const width = Math.max(2, Math.min(28, step - Math.min(3, step / 4)));
  return [
    runs.map((run, index) => {
      let y = height - BOTTOM;
      const parts = series.map(({ name, of }) => {
        const value = of(run);
        const size = most ? (value / most) * (height - TOP - BOTTOM) : 0;
        y -= size;
        return size > 0 ? svg("rect", { x: LEFT + step * (index + 0.5) - width / 2, y, width, height: size, class: `fill ${name}` }) : null;
      });
      // The whole column reacts to the pointer, also where a value is too small to be hit.
      const hit = svg("rect", { x: LEFT + step * index, y: TOP, width: step, height: height - TOP - BOTTOM, class: "hit" });
      hit.tip = run.tip;
      return svg("g", { class: "column" }, parts, hit);
    }),
    labels(runs, full, height, step),
  ];
};

const draw = (label, width, height, ...content) => {
  const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "chart" }, ...content);
  withTips(image);
  return image;
};

// Stacked columns whose parts can be switched off and on.
export const outcomesChart = (runs, series, { hidden = [] } = {}) => {
  const off = new Set(hidden);
  const width = isNarrow() ? 420 : 1140;
  const height = 240;
  const figure = h("figure", { class: "outcomes" });
  const holder = h("div");
  const paint = () => {
    const shown = series.filter(({ name }) => !off.has(name));
    const most = ceiling(Math.max(1, ...runs.map((run) => shown.reduce((sum, { of }) => sum + of(run), 0))));
    const described = shown.map(({ label, of }) => `${label}: ${number(runs.reduce((sum, run) => sum + of(run), 0))}`).join(", ");
    holder.replaceChildren(draw(`Outcomes of ${runs.length} runs. ${described}`, width, height, axis(width, height, most, number), columns(runs, shown, most, width, height)));
  };
  const keys = series.map(({ name, label }) => {
    const key = h("button", { type: "button", class: "key", "aria-pressed": String(!off.has(name)), "data-series": name }, h("span", { class: `swatch ${name}`, "aria-hidden": "true" }), label);
    key.addEventListener("click", () => {
      if (off.has(name)) off.delete(name);
      else off.add(name);
      key.setAttribute("aria-pressed", String(!off.has(name)));
      paint();
    });
    return key;
  });
  paint();
  figure.append(h("div", { class: "keys", role: "group", "aria-label": "Shown outcomes" }, keys), holder, asTable("Outcomes by run", runs, series, number));
  return figure;
};

// Columns against a limit, which is a line. A run whose calls the partner refused has another colour.
export const limitChart = (runs, { label, of, refused, format, most, limit }) => {
  const width = isNarrow() ? 420 : 560;
  const height = 120;
  const y = limit === null ? null : TOP + (height - TOP - BOTTOM) * (1 - limit / most);
  const series = [
    { name: "calls", label, of: (run) => (refused(run) ? 0 : of(run)) },
    { name: "over", label, of: (run) => (refused(run) ? of(run) : 0) },
  ];
  return h(
    "div",
    null,
    draw(
      `${label}, ${runs.length} runs, at most ${format(Math.max(0, ...runs.map(of)))}`,
      width,
      height,
      axis(width, height, most, format),
      columns(runs, series, most, width, height),
      y === null ? null : svg("line", { x1: LEFT, x2: width, y1: y, y2: y, class: "limit" }),
    ),
    asTable(label, runs, [{ label, of }], format),
  );
};

const asTable = (caption, runs, series, format) =>
  h(
    "details",
    { class: "as-table" },
    h("summary", null, "Show as a table"),
    table({
      caption,
      columns: [{ name: "Run" }, ...series.map(({ label }) => ({ name: label, number: true }))],
      rows: [...runs].reverse().map((run) => [time(run.at), ...series.map(({ of }) => format(of(run)))]),
    }),
  );

export { ceiling };
