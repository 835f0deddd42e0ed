// The sandbox's page. It reads /_sandbox/state, and changes the sandbox by the control API.
// Every text of a record is set as text, never as HTML.
"use strict";

const EVERY = 2000;
const NAMES = {
  shopify_admin: "Shopify", shopify_partner: "Shopify Partner", yofi: "Yofi", yotpo: "Yotpo", voucherify: "Voucherify",
};
const PRESETS = [
  ["Yotpo: 500, three times", { path_prefix: "/yotpo", status: 500, times: 3 }],
  ["Yotpo: 429, five times", { path_prefix: "/yotpo", status: 429, times: 5, headers: { "Retry-After": "2" } }],
  ["Yotpo: lose the next write’s response", { path_prefix: "/yotpo", method: "POST", path_regex: "/orders$", drop: true, at: "after" }],
  ["Shopify: 2 seconds late, ten times", { path_prefix: "/shopify-admin", delay: 2, times: 10 }],
  ["Shopify: refuse the token", { path_prefix: "/shopify-admin", status: 401, times: null, body: { errors: "[API] Invalid API key or access token (unrecognized login or wrong password)" } }],
  ["Yofi: close the connection", { path_prefix: "/yofi", drop: true, times: 2 }],
  ["Voucherify: half of a response", { path_prefix: "/voucherify", cut: 0.5 }],
  ["All: reset one connection of ten", { kind: "reset", share: 0.1, times: null }],
];
const ACTIONS = [
  ["Change 3 orders", (shop) => `/shopify/${shop}/orders/change?count=3`],
  ["New order", (shop) => `/shopify/${shop}/orders/create?count=1`],
  ["New return", (shop) => `/yofi/${shop}/returns/create?count=1`],
  ["New claim", (shop) => `/yofi/${shop}/claims/create?count=1`],
];

let state = null;
let paused = false;
let timer = null;
let failures = 0;
let hiding = null;

const byId = (id) => document.getElementById(id);

/** Return a new element. Children are elements or texts. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Replace an element's children, and keep the keyboard's focus on the control with the same key. */
function fill(element, children) {
  const key = document.activeElement && element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const top = element.scrollTop;
  element.replaceChildren(...children);
  element.scrollTop = top;
  if (key) {
    const again = [...element.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
    if (again) again.focus({ preventScroll: true });
  }
}

function button(text, key, action) {
  return make("button", { type: "button", "data-key": key, onclick: action }, text);
}

async function call(method, path, body) {
  const response = await fetch(`/_sandbox${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || `HTTP ${response.status}`);
  return answer;
}

function say(text, failed = false) {
  const message = byId("message");
  message.textContent = text;
  message.classList.toggle("failed", failed);
  message.hidden = !text;
  clearTimeout(hiding);
  if (!failed) hiding = setTimeout(() => { message.hidden = true; }, 8000);
}

async function change(what, method, path, body, describe) {
  try {
    const answer = await call(method, path, body);
    say(`${what}${describe ? `: ${describe(answer)}` : ""}.`);
  } catch (error) {
    say(`${what}: ${error.message}`, true);
  }
  await refresh();
}

function when(at) {
  const time = new Date(typeof at === "number" ? at * 1000 : at);
  if (Number.isNaN(time.getTime())) return make("time", {}, String(at ?? ""));
  return make("time", { datetime: time.toISOString() }, time.toISOString().slice(0, 16).replace("T", " "));
}

function partnerColumn(shop, partner) {
  const counts = Object.entries(shop.counts[partner]);
  const latest = shop.latest[partner];
  const isEmpty = partner === "yotpo" && !shop.store_id;
  return make(
    "div", { class: `partner ${partner}` },
    make("h4", {}, NAMES[partner]),
    isEmpty
      ? make("p", { class: "quiet" }, "no store")
      : make("p", { class: "counts" }, ...counts.map(([name, count]) => make("span", {}, make("b", {}, count), ` ${name} `))),
    make("ul", { class: "latest", "aria-label": `latest of ${NAMES[partner]}` }, ...latest.map((record) =>
      make("li", {},
        make("span", { class: "name" }, record.name ?? ""),
        make("span", { class: `state${record.state === "no review request" ? " suppressed" : ""}` }, record.state ?? ""),
        when(record.at)))),
  );
}

function shopCard(shop) {
  const sent = shop.counts.yotpo.orders;
  const all = shop.counts.shopify_admin.orders;
  const badges = [
    make("span", { class: `badge ${shop.installed ? "good" : "warn"}` }, shop.installed ? "app installed" : "app not installed"),
    shop.routed ? null : make("span", { class: "badge warn" }, "no route"),
  ];
  const install = shop.installed ? "uninstall" : "install";
  return make(
    "article", { class: "card", "aria-label": shop.name },
    make("div", { class: "card-head" }, make("h3", {}, shop.name), ...badges, make("span", { class: "quiet" }, shop.shop)),
    shop.store_id
      ? make("div", { class: "progress" },
        make("div", { class: "progress-text" }, make("span", {}, "orders at Yotpo"), make("span", {}, make("b", {}, sent), ` of Shopify’s ${all}`)),
        make("progress", { max: Math.max(all, 1), value: Math.min(sent, all), "aria-label": `orders of ${shop.name} at Yotpo` }))
      : make("p", { class: "progress quiet" }, "This shop has no Yotpo store: runs name it as a shop without a route."),
    make("div", { class: "partners" }, ...["shopify_admin", "yofi", "yotpo"].map((partner) => partnerColumn(shop, partner))),
    make("div", { class: "buttons" },
      ...ACTIONS.map(([text, path]) => button(text, `${shop.shop} ${text}`, () =>
        change(`${shop.name}: ${text.toLowerCase()}`, "POST", path(shop.shop), undefined,
          (answer) => (answer.changed ?? answer.created).map((each) => [each.name ?? each.id, each.what].filter(Boolean).join(" ")).join(", ")))),
      button(install === "install" ? "Install the app" : "Uninstall the app", `${shop.shop} install`, () =>
        change(`${shop.name}: ${install}`, "POST", `/shops/${shop.shop}/${install}`))),
  );
}

function kinds(title, counts) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const open = byId("shared").querySelector(`details[data-name="${title}"]`)?.open ?? false;
  return make("details", { "data-name": title, open },
    make("summary", { "data-key": `kinds ${title}` }, make("b", {}, title), ` ${total} records in ${Object.keys(counts).length} lists`),
    make("ul", { class: "kinds" }, ...Object.entries(counts).map(([name, count]) => make("li", {}, make("b", {}, count), ` ${name.replaceAll("_", " ")}`))));
}

function grade(status) {
  if (status === null || status >= 500) return "bad";
  return status >= 400 ? "warn" : "good";
}

function callRow(entry) {
  const status = entry.status === null ? "closed" : entry.status;
  return make("tr", {},
    make("td", {}, make("time", { datetime: entry.at }, entry.at.slice(11, 19))),
    make("td", {}, make("span", { class: `dot ${entry.partner}`, "aria-hidden": "true" }), NAMES[entry.partner] ?? entry.partner),
    make("td", { class: "call" }, `${entry.method} ${entry.operation}`, make("span", {}, entry.path)),
    make("td", {}, make("span", { class: `status ${grade(entry.status)}` }, status)),
    make("td", { class: "number" }, entry.milliseconds.toFixed(0)));
}

/** Draw the shown calls as bars, the newest to the right: the height is the time, the colour the status. */
function rateChart(calls) {
  const shown = [...calls].reverse();
  const slowest = Math.max(20, ...shown.map((each) => each.milliseconds));
  const drawing = svg("svg", { viewBox: "0 0 600 48", preserveAspectRatio: "none", role: "img",
    "aria-label": `The last ${shown.length} calls; the slowest took ${slowest.toFixed(0)} ms` });
  shown.forEach((each, index) => {
    const height = Math.max(2, (each.milliseconds / slowest) * 42);
    const bar = svg("rect", { x: 600 - (shown.length - index) * 10 + 1, y: 48 - height, width: 8, height });
    const kind = { bad: "failed", warn: "refused" }[grade(each.status)];
    if (kind) bar.setAttribute("class", kind);
    drawing.append(bar);
  });
  return drawing;
}

function faultRow(rule) {
  const parts = rule.kind ? [rule.kind.replaceAll("_", " ")] : [];
  if (rule.delay) parts.push(`${rule.delay} s late`);
  if (rule.status !== null) parts.push(`status ${rule.status}`);
  if (rule.drop) parts.push(rule.at === "after" ? "response lost" : "connection closed");
  if (rule.reset) parts.push("connection reset");
  if (rule.cut !== null) parts.push(`${Math.round(rule.cut * 100)} % of the response`);
  const share = rule.share < 1 ? `${Math.round(rule.share * 100)} % of the requests` : "every request";
  const left = rule.times === null ? share : `${Math.max(0, rule.times - rule.used)} of ${rule.times} left`;
  const where = [rule.method, rule.path_prefix + (rule.path_regex ?? "")].filter(Boolean).join(" ");
  return make("li", {}, make("span", {}, make("code", {}, where), ` ${parts.join(", ")}`),
    make("span", { class: "quiet" }, `${left}; met ${rule.used}`));
}

function switchRow({ name, value, default: standard }) {
  const isChanged = JSON.stringify(value) !== JSON.stringify(standard);
  const set = (next) => change(`${name} = ${JSON.stringify(next)}`, "POST", "/switches", { [name]: next });
  let control;
  if (typeof standard === "boolean" && typeof value === "boolean") {
    control = make("button", { type: "button", "data-key": name, "aria-pressed": String(value), "aria-label": name, onclick: () => set(!value) }, value ? "on" : "off");
  } else {
    control = make("input", { "data-key": name, value: JSON.stringify(value), "aria-label": name, autocomplete: "off", spellcheck: "false" });
    control.addEventListener("change", () => {
      try {
        set(JSON.parse(control.value));
      } catch {
        say(`${name}: ${control.value} is not JSON; write texts as "text"`, true);
      }
    });
  }
  return make("li", {},
    make("label", {}, make("code", { class: isChanged ? "changed" : "" }, name), isChanged ? make("span", { class: "quiet" }, ` default ${JSON.stringify(standard)}`) : null),
    control);
}

function isEditing(element) {
  return element.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
}

function render() {
  if (!state) return;
  const { world } = state;
  byId("world").textContent = `seed ${world.seed} · ${world.shops} shops · ${world.orders} orders each · ${state.now.replace("T", " ").replace("Z", " UTC")}${state.fixed ? " (clock stopped)" : ""}`;
  fill(byId("shops"), state.shops.map(shopCard));
  fill(byId("shared"), [kinds("Voucherify", state.voucherify), kinds("Shopify Partner", state.shopify_partner)]);
  const partner = byId("partner").value;
  const calls = state.calls.filter((each) => !partner || each.partner === partner);
  fill(byId("rate"), calls.length ? [rateChart(calls)] : []);
  fill(byId("calls"), calls.length ? calls.map(callRow)
    : [make("tr", {}, make("td", { colspan: "5", class: "empty" }, "No calls yet. Run a Dag, or a command such as: airflow partners check"))]);
  fill(byId("faults"), state.faults.length
    ? [...state.faults.map(faultRow), make("li", {}, button("Remove all faults", "clear faults", () => change("Faults removed", "DELETE", "/faults")))]
    : [make("li", { class: "empty" }, "No faults: every request is answered as documented.")]);
  if (!isEditing(byId("switches"))) {
    const text = byId("find").value.trim().toLowerCase();
    const changed = (each) => JSON.stringify(each.value) !== JSON.stringify(each.default);
    const found = state.switches.filter((each) => each.name.toLowerCase().includes(text));
    found.sort((a, b) => changed(b) - changed(a));
    fill(byId("switches"), found.length ? found.map(switchRow) : [make("li", { class: "empty" }, "No switch has this name.")]);
  }
}

async function refresh() {
  clearTimeout(timer);
  try {
    state = await call("GET", "/state");
    failures = 0;
    render();
  } catch (error) {
    failures += 1;
  }
  const isLost = failures > 0;
  byId("light").className = `light ${isLost ? "off" : paused ? "" : "on"}`;
  byId("connection").textContent = isLost ? "no answer" : paused ? "paused" : "live";
  if (!paused) timer = setTimeout(refresh, Math.min(EVERY * 2 ** failures, 30000));
}

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  byId("pause").textContent = paused ? "Go on" : "Pause";
  refresh();
});
byId("partner").addEventListener("change", render);
byId("find").addEventListener("input", render);
byId("reset-calls").addEventListener("click", () => change("Calls reset", "DELETE", "/calls"));
byId("reset-switches").addEventListener("click", () => change("Switches reset", "DELETE", "/switches"));
byId("presets").append(...PRESETS.map(([text, rule]) => button(text, text, () => change(`Fault added (${text})`, "POST", "/faults", rule))));
document.addEventListener("visibilitychange", () => { if (!document.hidden && !paused) refresh(); });
refresh();
