// One run: how each shop ended, what it left, and its report.

import { get, getText } from "./api.js";
import { airflowLink, airflowPage, breadcrumbs, h, page, runInAirflow, section, shopName, table, tiles } from "./dom.js";
import { bytes, describeCounts, laneState, number, plural, range, STATES, time } from "./format.js";
import { stateBadge } from "./grid.js";
import { replayButton } from "./replay.js";

const errorCard = (error, title) => {
  // Airflow writes the address of a log as a path of its own server.
  const log = error.log_url ? new URL(error.log_url, location.href) : null;
  const isHere = log !== null && ["http:", "https:"].includes(log.protocol);
  return h(
    "div",
    { class: "notice failed" },
    h("h3", null, title),
    h("p", { class: "message" }, error.message),
    error.remedy ? h("p", null, h("strong", null, "What to do: "), error.remedy) : null,
    isHere ? h("p", null, airflowLink(`..${log.pathname.replace(basePath(), "")}${log.search}`, null, "Log of the step")) : null,
  );
};

const basePath = () => new URL("..", location.href).pathname.replace(/\/$/u, "");

const errors = (report) => [
  report.error ? errorCard(report.error, "The run stopped before its shops") : null,
  ...report.lanes.filter((lane) => lane.error).map((lane) => errorCard(lane.error, `${lane.name || lane.shop}: failed at ${lane.failed_at ?? lane.error.task}`)),
];

const warningCard = (warning) =>
  h("div", { class: "notice" }, h("h3", null, `${plural(warning.lanes.length, "lane")}: warning at ${warning.task}`), h("p", { class: "message" }, warning.message), h("p", { class: "muted" }, firstOf(warning.lanes)));

const MOST_NAMES = 5;

const firstOf = (names) => names.slice(0, MOST_NAMES).join(", ") + (names.length > MOST_NAMES ? ` and ${number(names.length - MOST_NAMES)} more` : "");

const rejectsNote = (data) => {
  if (data.report.dry_run) return "in the plan";
  return data.open_rejects ? `${number(data.open_rejects)} open` : "none is open";
};

const lanes = (report) =>
  section(
    "Shops",
    table({
      caption: "Shops of the run",
      className: "cards",
      columns: [{ name: "Shop" }, { name: "State" }, { name: "Window" }, { name: "What it did" }],
      rows: report.lanes.map((lane) => [
        h("a", { href: page("shop", { dag_id: report.dag_id, shop: lane.shop }), "aria-label": lane.name || lane.shop }, shopName(lane.name || lane.shop)),
        stateBadge(laneState(lane), { dry: report.dry_run }),
        range(lane.window),
        lane.error ? `failed at ${lane.failed_at ?? lane.error.task}` : describeCounts(lane.counts),
      ]),
    }),
  );

const datasets = (data, runParameters) =>
  data.datasets.length
    ? section(
        "Datasets",
        table({
          caption: "Datasets of the run",
          className: "cards",
          columns: [{ name: "List" }, { name: "Shop" }, { name: "Step" }, { name: "Records", number: true }, { name: "Size", number: true }],
          rows: data.datasets.map((dataset) => [
            dataset.opens ? h("a", { href: page("dataset", { ...runParameters, number: dataset.number }) }, listName(dataset)) : listName(dataset),
            h("span", { title: dataset.shop }, shopName(dataset.shop)),
            dataset.task,
            number(dataset.records),
            bytes(dataset.bytes),
          ]),
        }),
        data.datasets.every((dataset) => dataset.opens) ? null : h("p", { class: "muted" }, "To open a dataset, you need the right to read the XComs of the Dag."),
      )
    : null;

export const listName = (dataset) => `${dataset.source} ${dataset.resource}`;

// The report runs no scripts. Its links are followed by this page, which knows its frame in Airflow.
const reportFrame = (title) => {
  const frame = h("iframe", { class: "report", sandbox: "allow-same-origin", title });
  const fit = () => {
    const inside = frame.contentDocument;
    if (!inside?.documentElement) return;
    frame.style.height = `${inside.documentElement.scrollHeight + 4}px`;
  };
  frame.addEventListener("load", () => {
    paint(frame.contentDocument);
    fit();
    new ResizeObserver(fit).observe(frame.contentDocument.body);
    frame.contentDocument.addEventListener("toggle", fit, { capture: true });
    frame.contentDocument.addEventListener("click", follow);
  });
  return frame;
};

// A report follows the system's theme. Inside of Airflow, it follows Airflow's.
const paint = (inside) => {
  const theme = document.documentElement.dataset.theme;
  if (!theme || !inside?.documentElement) return;
  inside.documentElement.style.colorScheme = theme;
  for (const rule of [...inside.styleSheets].flatMap((sheet) => [...sheet.cssRules])) {
    const scheme = rule.media?.mediaText.match(/prefers-color-scheme:\s*(dark|light)/u)?.[1];
    if (scheme) rule.media.mediaText = scheme === theme ? "all" : "not all";
  }
};

const follow = (event) => {
  const link = event.target.closest("a[href]");
  if (!link || link.getAttribute("href").startsWith("#")) return;
  // Only what leads to a page: the report is a file, and may be anything.
  if (!["http:", "https:"].includes(link.protocol)) return event.preventDefault();
  event.preventDefault();
  const outside = airflowLink(link.href, { hidden: true });
  document.body.append(outside);
  outside.click();
  outside.remove();
};

const report = (parameters) => {
  const frame = reportFrame("Report of the run");
  const card = section("Report", h("p", { class: "muted" }, h("a", { href: `api/report?${new URLSearchParams(parameters)}` }, "Open it alone"), ", for example to print it or to pass it on."), frame);
  getText("report", parameters).then(
    (text) => {
      frame.srcdoc = text;
    },
    (error) => frame.replaceWith(h("p", null, error.message)),
  );
  return card;
};

export const showRun = async (parameters) => {
  const { dag_id: dagId, run_id: runId } = parameters;
  const data = await get("run", { dag_id: dagId, run_id: runId });
  const own = { dag_id: dagId, run_id: runId };
  const total = data.total;
  const state = STATES[data.report.state] ? data.report.state : "skipped";
  const shown = state === "success" && total.rejected ? "rejects" : state;
  const shop = new Set(data.report.lanes.map((lane) => lane.shop)).size === 1 ? data.report.lanes[0].shop : null;
  const content = [
    breadcrumbs(["Partners", "./"], ...(shop ? [[shop, page("shop", { dag_id: dagId, shop })]] : []), ["Run"]),
    h(
      "header",
      { class: "page-head" },
      h("div", null, h("h1", null, `Run of ${time(data.report.started_at ?? data.report.written_at)}`), h("p", { class: "muted" }, airflowLink(airflowPage("dags", dagId), null, dagId), " · ", airflowLink(runInAirflow(dagId, runId), { "data-action": "open-run" }, runId))),
      data.can_replay && data.open_rejects
        ? replayButton({
            label: `Replay ${plural(data.open_rejects, "reject")}`,
            question: `Send the ${plural(data.open_rejects, "reject")} of this run again?`,
            conf: { run: runId, dag_id: dagId },
          })
        : null,
    ),
    tiles(
      ["State", stateBadge(shown, { dry: data.report.dry_run }), shown],
      ["Read", number(total.read)],
      data.report.dry_run ? ["To create", number(total.would_create)] : ["Created", number(total.created)],
      data.report.dry_run ? ["To update", number(total.would_update)] : ["Updated", number(total.updated)],
      ["Left out", number(total.left_out)],
      ["Rejected", number(total.rejected), data.open_rejects ? "rejects" : null, total.rejected ? rejectsNote(data) : null],
    ),
    ...errors(data.report),
    ...data.report.warnings.map(warningCard),
    data.report.lanes.length ? lanes(data.report) : null,
    datasets(data, own),
    report(own),
  ];
  return { title: `Run of ${time(data.report.started_at)} – Partners`, content: content.filter(Boolean) };
};
