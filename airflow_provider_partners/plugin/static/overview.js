// All shops: each Dag as a grid of shops by runs.

import { get } from "./api.js";
import { airflowLink, airflowPage, breadcrumbs, h, tiles } from "./dom.js";
import { duration, lagSeconds, laneState, number, plural } from "./format.js";
import { grid, legend } from "./grid.js";

const empty = () =>
  h(
    "div",
    { class: "card notice" },
    h("h2", null, "No run has left a report yet"),
    h("p", null, "Each run of an order Dag leaves one when it ends. You see those of the Dags that you may read."),
    h("p", null, airflowLink(airflowPage("dags"), null, "Dags in Airflow")),
  );

const latestLanes = (dag) => dag.runs.find((run) => !run.dry_run)?.lanes ?? [];

const summary = (data) => {
  const shops = new Set(data.dags.flatMap((dag) => dag.shops.map((shop) => shop.shop)));
  const failed = data.dags.flatMap(latestLanes).filter((lane) => laneState(lane) === "failed").length;
  const states = data.dags.flatMap((dag) => dag.shops);
  const rejects = states.reduce((sum, shop) => sum + shop.open_rejects, 0);
  const gaps = states.reduce((sum, shop) => sum + shop.gaps.length, 0);
  const lags = states.map((shop) => lagSeconds(data.now, shop.covered_until)).filter((lag) => lag !== null);
  return tiles(
    ["Shops", number(shops.size)],
    ["Failed in the last run", number(failed), failed ? "failed" : "success"],
    ["Open rejects", number(rejects), rejects ? "rejects" : "success"],
    ["Gaps", number(gaps), gaps ? "rejects" : "success"],
    ["Longest lag", lags.length ? duration(Math.max(...lags)) : "unknown"],
  );
};

const dagCard = (dag, now) =>
  h(
    "section",
    { class: "card dag", "aria-labelledby": `dag-${dag.dag_id}` },
    h(
      "header",
      { class: "card-head" },
      h("div", null, h("h2", { id: `dag-${dag.dag_id}` }, dag.title || dag.dag_id), h("p", { class: "muted" }, airflowLink(airflowPage("dags", dag.dag_id), null, dag.dag_id))),
      h("p", { class: "muted runs-shown" }, `Last ${plural(dag.runs.length, "run")}, newest on the right`),
    ),
    dag.runs.length ? grid(dag, now) : h("p", null, "Its reports can't be read."),
  );

export const showOverview = async () => {
  const data = await get("overview");
  const crumbs = window.parent === window ? breadcrumbs(["Partners"]) : null;
  const head = h("header", { class: "page-head" }, h("h1", null, "Partners"), data.dags.length ? legend() : null);
  const cards = data.dags.length ? [summary(data), ...data.dags.map((dag) => dagCard(dag, data.now))] : [empty()];
  return { title: "Partners", content: [crumbs, head, ...cards].filter(Boolean) };
};
