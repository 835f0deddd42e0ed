// Shops by runs, as a grid that the arrow keys walk through.

import { h, page, shopName } from "./dom.js";
import { day, describeCounts, duration, hour, lagSeconds, number, plural, STATES, sumCounts, time, worst } from "./format.js";

const WARN_LAG = 6 * 3600;

export const legend = () =>
  h(
    "ul",
    { class: "legend", "aria-label": "States" },
    Object.entries(STATES).map(([state, { symbol, label }]) => h("li", null, h("span", { class: `state ${state}`, "aria-hidden": "true" }, symbol), label)),
    h("li", null, h("span", { class: "state success dry", "aria-hidden": "true" }, "✓"), "dry run"),
  );

export const stateBadge = (state, { dry = false, text = true } = {}) =>
  h(
    "span",
    { class: "badge" },
    h("span", { class: `state ${state}${dry ? " dry" : ""}`, "aria-hidden": "true" }, STATES[state].symbol),
    text ? h("span", null, `${STATES[state].label}${dry ? ", dry run" : ""}`) : null,
  );

const shopAddress = (dag, shop) => page("shop", { dag_id: dag.dag_id, shop });
const runAddress = (dag, run) => page("run", { dag_id: dag.dag_id, run_id: run.run_id });

const describeRun = (run, shop, lanes) => {
  const state = worst(lanes);
  const failure = lanes.find((lane) => lane.error)?.error;
  const dry = run.dry_run ? ", dry run" : "";
  return { state, dry, lines: [`${shop}: ${STATES[state].label}${dry}`, time(run.at), failure ?? describeCounts(sumCounts(lanes))] };
};

const cell = (dag, run, shop) => {
  const lanes = run.lanes.filter((lane) => lane.shop === shop);
  if (!lanes.length) {
    return h("td", { class: "run none" }, h("span", { class: "visually-hidden" }, `${shop} is not in the run of ${time(run.at)}`), h("span", { "aria-hidden": "true" }, "·"));
  }
  const { state, lines } = describeRun(run, shop, lanes);
  const link = h(
    "a",
    {
      href: runAddress(dag, run),
      class: `state ${state}${run.dry_run ? " dry" : ""}`,
      tabindex: "-1",
      "aria-label": lines.join(". "),
      "data-key": `${dag.dag_id} ${run.run_id} ${shop}`,
      "data-state": state,
    },
    STATES[state].symbol,
  );
  link.tip = lines;
  return h("td", { class: "run" }, link);
};

const dayRow = (runs) => {
  const groups = [];
  for (const run of runs) {
    const label = run.at ? day(run.at) : "";
    if (groups.at(-1)?.label === label) groups.at(-1).runs.push(run);
    else groups.push({ label, runs: [run] });
  }
  return h(
    "tr",
    { class: "days", "aria-hidden": "true" },
    h("td", { class: "shop" }),
    groups.flatMap((group) => group.runs.map((_, index) => h("td", { class: "run day" }, index === 0 ? h("span", null, group.label) : null))),
    h("td", { class: "side" }),
    h("td", { class: "side" }),
    h("td", { class: "side" }),
  );
};

const head = (dag, runs) =>
  h(
    "tr",
    null,
    h("th", { scope: "col", class: "shop" }, "Shop"),
    runs.map((run) => {
      const link = h("a", { href: runAddress(dag, run), tabindex: "-1", "aria-label": `Run of ${time(run.at)}`, "data-key": `${dag.dag_id} ${run.run_id}` }, run.at ? hour(run.at) : "?");
      link.tip = [`Run of ${time(run.at)}`, run.error ?? `${STATES[run.state === "success" ? "success" : run.state].label}${run.dry_run ? ", dry run" : ""}`];
      return h("th", { scope: "col", class: `run ${run.state === "failed" ? "has-failed" : ""}` }, link);
    }),
    h("th", { scope: "col", class: "side" }, "Lag"),
    h("th", { scope: "col", class: "side" }, "Rejects"),
    h("th", { scope: "col", class: "side" }, "Gaps"),
  );

const lagOf = (shop, now) => {
  const seconds = lagSeconds(now, shop.covered_until);
  return seconds === null ? { text: "unknown", late: false } : { text: duration(seconds), late: seconds > WARN_LAG };
};

const count = (value, title) => (value ? h("span", { class: "count", title }, number(value)) : h("span", { class: "muted" }, "0"));

const row = (dag, runs, shop, now) => {
  const lag = lagOf(shop, now);
  const facts = [`${lag.text} lag`, shop.open_rejects ? plural(shop.open_rejects, "reject") : null, shop.gaps.length ? plural(shop.gaps.length, "gap") : null];
  return h(
    "tr",
    null,
    h(
      "th",
      { scope: "row", class: "shop" },
      h("a", { href: shopAddress(dag, shop.shop), tabindex: "-1", "data-key": `${dag.dag_id} ${shop.shop}`, "aria-label": shop.shop }, shopName(shop.shop)),
      h("small", { class: "facts", "aria-hidden": "true" }, facts.filter(Boolean).map((fact) => h("span", null, fact))),
    ),
    runs.map((run) => cell(dag, run, shop.shop)),
    h("td", { class: `side ${lag.late ? "late" : ""}`, title: shop.covered_until ? `Read up to ${time(shop.covered_until)}` : null }, lag.text),
    h("td", { class: "side" }, count(shop.open_rejects, "Rejects that were not sent again")),
    h("td", { class: "side" }, count(shop.gaps.length, "Time ranges that no run has read")),
  );
};

export const grid = (dag, now) => {
  const runs = [...dag.runs].reverse();
  const element = h(
    "table",
    { class: "grid", role: "grid", "aria-label": `Shops by runs of ${dag.dag_id}, oldest run first` },
    h("thead", null, dayRow(runs), head(dag, runs)),
    h("tbody", null, dag.shops.map((shop) => row(dag, runs, shop, now))),
  );
  const scroll = h("div", { class: "grid-scroll" }, element);
  walkable(element);
  withTips(element);
  requestAnimationFrame(() => {
    scroll.scrollLeft = scroll.scrollWidth;
  });
  return scroll;
};

// One tab stop for the grid. The arrow keys move through it, Home and End go to the ends of a line.
const walkable = (element) => {
  const lines = () => [...element.rows].map((line) => [...line.cells].map((each) => each.querySelector("a") ?? null));
  const first = element.querySelector("tbody a") ?? element.querySelector("a");
  if (first) first.tabIndex = 0;

  const focus = (link) => {
    for (const other of element.querySelectorAll('a[tabindex="0"]')) other.tabIndex = -1;
    link.tabIndex = 0;
    link.focus();
    link.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const next = (places, line, column, down, right) => {
    for (let y = line + down, x = column + right; places[y] !== undefined && x >= 0 && x < places[y].length; y += down, x += right) {
      if (places[y][x]) return places[y][x];
    }
    return null;
  };

  element.addEventListener("keydown", (event) => {
    const link = event.target.closest("a");
    if (!link || event.altKey || event.ctrlKey || event.metaKey) return;
    const places = lines();
    const line = places.findIndex((links) => links.includes(link));
    const column = places[line].indexOf(link);
    const present = places[line].filter(Boolean);
    const targets = {
      ArrowRight: () => next(places, line, column, 0, 1),
      ArrowLeft: () => next(places, line, column, 0, -1),
      ArrowDown: () => next(places, line, column, 1, 0),
      ArrowUp: () => next(places, line, column, -1, 0),
      Home: () => present[0],
      End: () => present.at(-1),
    };
    const target = targets[event.key]?.();
    if (targets[event.key]) event.preventDefault();
    if (target) focus(target);
  });
  element.addEventListener("focusin", (event) => {
    const link = event.target.closest("a");
    if (link && link.tabIndex !== 0) focus(link);
  });
};

// What a square stands for, beside the pointer or the focus. Its label says the same to a screen reader.
export const withTips = (element) => {
  const tip = h("div", { class: "tip", "aria-hidden": "true", hidden: true });
  const show = (event) => {
    const target = event.target.closest("a, rect, .bar");
    if (!target?.tip) return hide();
    if (!tip.isConnected) document.body.append(tip);
    tip.replaceChildren(...target.tip.map((line, index) => h(index ? "p" : "strong", null, line)));
    tip.hidden = false;
    const box = target.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - tip.offsetWidth / 2), window.innerWidth - tip.offsetWidth - 8);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
  };
  const hide = () => {
    tip.hidden = true;
  };
  element.addEventListener("pointerover", show);
  element.addEventListener("focusin", show);
  element.addEventListener("pointerleave", hide);
  element.addEventListener("focusout", hide);
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  document.addEventListener("scroll", hide, { capture: true, passive: true });
};
