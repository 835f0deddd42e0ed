// One shop in one Dag: how far it is read, what its runs did, and what is open.

import { get } from "./api.js";
import { ceiling, limitChart, outcomesChart } from "./charts.js";
import { airflowLink, airflowPage, breadcrumbs, h, page, section, table, tiles } from "./dom.js";
import { describeCounts, duration, lagSeconds, number, percent, plural, range, shortTime, STATES, sumCounts, time, worst } from "./format.js";
import { stateBadge } from "./grid.js";
import { replayButton } from "./replay.js";

const SERIES = [
  ["created", "created"],
  ["updated", "updated"],
  ["unchanged", "unchanged"],
  ["stale", "stale"],
  ["left_out", "left out"],
  ["rejected", "rejected"],
];

const PARTNERS = {
  yofi: "Yofi",
  shopify_admin: "Shopify Admin",
  shopify_partner: "Shopify Partner",
  voucherify: "Voucherify",
  yotpo: "Yotpo",
};

const forCharts = (runs) =>
  runs
    .filter((run) => !run.dry_run)
    .reverse()
    .map((run) => {
      const counts = sumCounts(run.lanes);
      return { ...run, counts, tip: [time(run.at), STATES[worst(run.lanes)].label, describeCounts(counts)] };
    });

const outcomes = (runs) => {
  const series = SERIES.map(([name, label]) => ({ name, label, of: (run) => run.counts[name] ?? 0 })).filter(
    ({ name, of }) => ["created", "updated", "rejected"].includes(name) || runs.some((run) => of(run) > 0),
  );
  if (!runs.length) return null;
  const suppressed = runs.reduce((sum, run) => sum + (run.counts.suppressed ?? 0), 0);
  return section(
    "Outcomes by run",
    outcomesChart(runs, series, { hidden: ["unchanged"] }),
    suppressed ? h("p", { class: "muted" }, `${plural(suppressed, "order")} of these without a review request.`) : null,
  );
};

const callsOf = (run, partner) => run.lanes.flatMap((lane) => lane.api).filter((calls) => calls.partner === partner);

const partnerCalls = (runs, partner) => {
  const total = runs.flatMap((run) => callsOf(run, partner));
  const requests = total.reduce((sum, calls) => sum + calls.requests, 0);
  const throttled = total.reduce((sum, calls) => sum + calls.throttled, 0);
  const waited = total.reduce((sum, calls) => sum + calls.waited, 0);
  const hasLimit = total.some((calls) => calls.limit_share !== null);
  const shareOf = (run) => Math.max(0, ...callsOf(run, partner).map((calls) => calls.limit_share ?? 0));
  const requestsOf = (run) => callsOf(run, partner).reduce((sum, calls) => sum + calls.requests, 0);
  const refusedIn = (run) => callsOf(run, partner).reduce((sum, calls) => sum + calls.throttled, 0);
  const withTip = runs.map((run) => ({
    ...run,
    tip: [time(run.at), plural(requestsOf(run), "call"), hasLimit ? `${percent(shareOf(run))} of the limit` : "no declared limit", ...(refusedIn(run) ? [`${number(refusedIn(run))} refused`] : [])],
  }));
  const chart = hasLimit
    ? { label: `Share of the limit of ${PARTNERS[partner] ?? partner}`, of: shareOf, refused: refusedIn, format: percent, most: Math.max(1, Math.ceil(4 * Math.max(...runs.map(shareOf))) / 4), limit: 1 }
    : { label: `Calls of ${PARTNERS[partner] ?? partner}`, of: requestsOf, refused: refusedIn, format: number, most: ceiling(Math.max(1, ...runs.map(requestsOf))), limit: null };
  const facts = [plural(requests, "call"), throttled ? `${number(throttled)} refused by the rate limit` : "none refused", waited >= 1 ? `${duration(waited)} waited` : null];
  return h("div", { class: "partner" }, h("h3", null, PARTNERS[partner] ?? partner, h("small", null, facts.filter(Boolean).join(" · "))), limitChart(withTip, chart));
};

const calls = (runs) => {
  const partners = [...new Set(runs.flatMap((run) => run.lanes.flatMap((lane) => lane.api.map((each) => each.partner))))].sort();
  if (!partners.length) return null;
  return section("Calls against the limit", h("div", { class: "partners" }, partners.map((partner) => partnerCalls(runs, partner))));
};

const gaps = (data) =>
  data.gaps.length
    ? section(
        "Gaps",
        h("p", { class: "muted" }, "No run has read the orders that changed in these time ranges. The backfill Dag reads them."),
        table({
          caption: "Gaps",
          columns: [{ name: "From" }, { name: "To" }, { name: "Length", number: true }],
          rows: data.gaps.map((gap) => [time(gap.since), time(gap.until), duration(lagSeconds(gap.until, gap.since))]),
        }),
      )
    : null;

const rejects = (data) => {
  const reasons = new Map();
  for (const open of data.rejects) {
    const run = data.runs.find((each) => each.run_id === open.run_id);
    for (const reason of run?.lanes.flatMap((lane) => lane.rejections) ?? []) {
      const known = reasons.get(reason.text) ?? { count: 0, examples: new Set(), run };
      known.count += reason.count;
      for (const example of reason.examples) known.examples.add(example);
      reasons.set(reason.text, known);
    }
  }
  if (!data.open_rejects) return section("Open rejects", h("p", null, "None: every order that could be sent was sent."));
  const rows = [...reasons].map(([text, { count, examples, run }]) => [
    text,
    number(count),
    [...examples].slice(0, 5).join(", ") || "–",
    h("a", { href: page("run", { dag_id: run.dag_id, run_id: run.run_id }) }, time(run.at)),
  ]);
  return section(
    "Open rejects",
    data.can_replay
      ? replayButton({
          label: `Replay ${plural(data.open_rejects, "reject")}`,
          question: `Send the ${plural(data.open_rejects, "reject")} of ${data.shop} again?`,
          conf: { shop: data.shop, dag_id: data.dag_id },
        })
      : null,
    table({ caption: "Open rejects by reason", className: "cards", columns: [{ name: "Reason" }, { name: "Rejected", number: true }, { name: "Such as" }, { name: "Last run" }], rows }),
  );
};

const FIRST_RUNS = 15;

const runs = (data) => {
  const older = h("button", { type: "button" }, `Show all ${number(data.runs.length)} runs`);
  const list = h("div", null, runTable(data.runs.slice(0, FIRST_RUNS)));
  older.addEventListener("click", () => {
    list.replaceChildren(runTable(data.runs));
    older.remove();
    list.querySelectorAll("tbody a")[FIRST_RUNS].focus();
  });
  return section("Runs", list, data.runs.length > FIRST_RUNS ? older : null);
};

const runTable = (runs) =>
    table({
      caption: "Runs of the shop",
      className: "cards",
      columns: [{ name: "Run" }, { name: "State" }, { name: "Window" }, { name: "What it did" }],
      rows: runs.map((run) => [
        h("a", { href: page("run", { dag_id: run.dag_id, run_id: run.run_id }) }, time(run.at)),
        stateBadge(worst(run.lanes), { dry: run.dry_run }),
        windowOf(run),
        run.lanes.find((lane) => lane.error)?.error ?? describeCounts(sumCounts(run.lanes)),
      ]),
    });

const windowOf = (run) => {
  const windows = run.lanes.map((lane) => lane.window).filter(Boolean);
  if (!windows.length) return "–";
  const since = windows.map((each) => each.since).sort()[0];
  const until = windows.map((each) => each.until).sort().at(-1);
  return range({ since, until });
};

export const showShop = async ({ dag_id: dagId, shop }) => {
  const data = await get("shop", { dag_id: dagId, shop });
  const lag = lagSeconds(data.now, data.covered_until);
  const charted = forCharts(data.runs);
  const state = worst(data.runs[0].lanes);
  const content = [
    breadcrumbs(["Partners", "./"], [shop]),
    h("header", { class: "page-head" }, h("div", null, h("h1", null, shop), h("p", { class: "muted" }, data.title ? `${data.title} · ` : "", airflowLink(airflowPage("dags", dagId), null, dagId)))),
    tiles(
      ["Last run", stateBadge(state, { dry: data.runs[0].dry_run }), state],
      ["Read up to", data.covered_until ? `${shortTime(data.covered_until)} UTC` : "never", null, lag === null ? "no successful run yet" : `${duration(lag)} behind`],
      ["Open rejects", number(data.open_rejects), data.open_rejects ? "rejects" : "success"],
      ["Gaps", number(data.gaps.length), data.gaps.length ? "rejects" : "success"],
    ),
    outcomes(charted),
    rejects(data),
    gaps(data),
    calls(charted),
    runs(data),
  ];
  return { title: `${shop} – Partners`, content: content.filter(Boolean) };
};
