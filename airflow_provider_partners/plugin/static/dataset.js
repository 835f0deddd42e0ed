// One dataset: what its manifest says, and its records page by page.

import { get } from "./api.js";
import { breadcrumbs, h, page, section, table } from "./dom.js";
import { bytes, number, plural, range, time } from "./format.js";
import { replayButton } from "./replay.js";
import { listName } from "./run.js";

const PAGE_SIZE = 25;
const MOST_COLUMNS = 6;

const isPlain = (value) => value !== null && typeof value !== "object";

const facts = (dataset) =>
  h(
    "dl",
    { class: "facts-list" },
    [
      ["Records", number(dataset.records)],
      ["Account", dataset.account ?? "unknown"],
      ["Window", dataset.window ? range(dataset.window) : "none"],
      ["Step", dataset.task],
      ["Read from", dataset.read_at ? time(dataset.read_at) : null],
      ["Size", `${bytes(dataset.bytes)} in ${plural(dataset.parts ?? 0, "part")}, ${dataset.file_format ?? ""}`],
      ["Folder below staging", h("code", null, dataset.path)],
      ["Hash of the parts", dataset.sha256 ? h("code", { title: dataset.sha256 }, `${dataset.sha256.slice(0, 16)}…`) : null],
    ]
      .filter(([, value]) => value !== null)
      .map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))),
  );

const fields = (dataset) =>
  dataset.columns?.length
    ? h(
        "details",
        { class: "as-table" },
        h("summary", null, plural(dataset.columns.length, "column")),
        table({ caption: "Columns", columns: [{ name: "Column" }, { name: "Type" }], rows: dataset.columns.map((column) => [column.name, column.type]) }),
      )
    : null;

// A reject holds why it was rejected beside the record: that comes first.
const rejectColumns = [
  { name: "Order", of: (record) => record.rejected?.external_id ?? record.external_id },
  { name: "Kind", of: (record) => record.rejected?.kind },
  { name: "Reason", of: (record) => record.rejected?.reason ?? record.reason },
  { name: "Status", of: (record) => record.rejected?.status ?? "–" },
];

const plainColumns = (records) => {
  const names = [...new Set(records.flatMap((record) => Object.keys(record).filter((name) => isPlain(record[name]))))];
  const first = ["external_id", "id", "order_id", "kind", "name", "action", "status", "reason"].filter((name) => names.includes(name));
  return [...new Set([...first, ...names])].slice(0, MOST_COLUMNS).map((name) => ({ name, of: (record) => record[name] }));
};

const cellText = (value) => (value === null || value === undefined ? "–" : Array.isArray(value) ? value.join(", ") : String(value));

const recordRows = (records, columns, offset) =>
  records.flatMap((record, index) => {
    const id = `record-${offset + index}`;
    const whole = h("tr", { class: "whole", id, hidden: true }, h("td", { colspan: columns.length + 1 }, h("pre", { tabindex: "0" }, JSON.stringify(record, null, 2))));
    const toggle = h("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": id, "aria-label": `Record ${offset + index + 1}` }, h("span", { "aria-hidden": "true" }, "▸"));
    toggle.addEventListener("click", () => {
      whole.hidden = !whole.hidden;
      toggle.setAttribute("aria-expanded", String(!whole.hidden));
    });
    return [h("tr", null, h("td", { class: "opener" }, toggle), columns.map((column, place) => h(place ? "td" : "th", { scope: place ? null : "row", "data-label": column.name }, cellText(column.of(record))))), whole];
  });

const recordTable = (data) => {
  const columns = data.dataset.is_rejects && data.records.some((record) => record.rejected) ? rejectColumns : plainColumns(data.records);
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Records" },
    h(
      "table",
      { class: "list records" },
      h("caption", { class: "visually-hidden" }, "Records"),
      h("thead", null, h("tr", null, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Whole record")), columns.map((column) => h("th", { scope: "col" }, column.name)))),
      h("tbody", null, recordRows(data.records, columns, data.offset)),
    ),
  );
};

const pager = (data, parameters) => {
  const last = Math.min(data.offset + PAGE_SIZE, data.dataset.records);
  const to = (offset, label, rel) => h("a", { href: page("dataset", { ...parameters, offset }), rel, class: "button" }, label);
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages of records" },
    data.offset > 0 ? to(Math.max(0, data.offset - PAGE_SIZE), "Previous", "prev") : h("span", { class: "button off", "aria-hidden": "true" }, "Previous"),
    h("span", null, `${number(data.offset + 1)}–${number(last)} of ${number(data.dataset.records)}`),
    last < data.dataset.records ? to(data.offset + PAGE_SIZE, "Next", "next") : h("span", { class: "button off", "aria-hidden": "true" }, "Next"),
  );
};

const records = (data, parameters) => {
  if (!data.dataset.exists) return section("Records", h("p", null, "The dataset is no longer there. The retention Dag removes old ones."));
  if (!data.dataset.records) return section("Records", h("p", null, "It holds no records."));
  return section(
    data.dataset.is_rejects ? "Rejects" : "Records",
    data.masked ? h("p", { class: "muted" }, "Personal values are masked. The option show_personal_values shows them.") : null,
    recordTable(data),
    pager(data, parameters),
  );
};

export const showDataset = async (parameters) => {
  const { dag_id: dagId, run_id: runId, number: place, offset = "0" } = parameters;
  const own = { dag_id: dagId, run_id: runId, number: place };
  const data = await get("dataset", { ...own, offset });
  const name = listName(data.dataset);
  const replay = data.dataset.is_rejects && data.can_replay && data.dataset.records;
  const content = [
    breadcrumbs(["Partners", "./"], ["Run", page("run", { dag_id: dagId, run_id: runId })], [name]),
    h(
      "header",
      { class: "page-head" },
      h("div", null, h("h1", null, name), h("p", { class: "muted" }, data.dataset.account ?? "")),
      replay ? replayButton({ label: "Replay rejects of the run", question: "Send the rejects of this run again?", conf: { run: runId, dag_id: dagId } }) : null,
    ),
    h("section", { class: "card" }, facts(data.dataset), fields(data.dataset)),
    records(data, own),
  ];
  return { title: `${name} – Partners`, content };
};
