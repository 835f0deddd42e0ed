// Elements from values. Text is always text: nothing here, or anywhere on the page, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
};

export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// The address of one of our own pages, or of a page of Airflow, relative to this one.
export const page = (name, parameters = {}) => {
  const query = new URLSearchParams(parameters).toString();
  return `./${name}${query ? `?${query}` : ""}`;
};

export const airflowPage = (...parts) => `../${parts.map(encodeURIComponent).join("/")}`;

export const runInAirflow = (dagId, runId) => airflowPage("dags", dagId, "runs", runId);

// A page of Airflow has to replace the whole window. Our frame may not navigate it, so a link of the outer page does.
const openAirflow = (event) => {
  const link = event.currentTarget;
  if (window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outer = window.parent.document.createElement("a");
  outer.href = link.href;
  window.parent.document.body.append(outer);
  outer.click();
  outer.remove();
};

export const airflowLink = (href, attributes, ...children) =>
  h("a", { href, class: "out", onclick: openAirflow, ...attributes }, ...children, h("span", { "aria-hidden": "true" }, " ↗"));

// Outside of Airflow's frame, the way back to Airflow comes first.
const outside = () => (window.parent === window ? [["Airflow", "../"]] : []);

export const breadcrumbs = (...steps) =>
  h(
    "nav",
    { class: "crumbs", "aria-label": "Breadcrumbs" },
    h(
      "ol",
      null,
      [...outside(), ...steps].map(([label, href]) => h("li", null, href ? h("a", { href }, label) : h("span", { "aria-current": "page" }, label))),
    ),
  );

// Shopify's domain is the same for all shops, so it steps back, and leaves on a phone.
export const shopName = (shop) => {
  const suffix = ".myshopify.com";
  return shop.endsWith(suffix) ? [shop.slice(0, -suffix.length), h("span", { class: "suffix" }, suffix)] : shop;
};

export const tiles = (...values) =>
  h(
    "dl",
    { class: "tiles" },
    values
      .filter(Boolean)
      .map(([label, value, tone, note]) =>
        h("div", { class: `tile ${tone ?? ""}` }, h("dt", null, label), h("dd", null, value, note ? h("small", null, note) : null)),
      ),
  );

// A table that becomes a list of cards on a phone: each cell carries the name of its column.
export const table = ({ caption, columns, rows, className = "" }) =>
  h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      { class: `list ${className}` },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", null, h("tr", null, columns.map((column) => h("th", { scope: "col", class: column.number ? "number" : null }, column.name)))),
      h(
        "tbody",
        null,
        rows.map((cells) =>
          h(
            "tr",
            null,
            cells.map((cell, index) =>
              h(index === 0 ? "th" : "td", { scope: index === 0 ? "row" : null, class: columns[index].number ? "number" : null, "data-label": columns[index].name }, cell),
            ),
          ),
        ),
      ),
    ),
  );

export const section = (title, ...children) => h("section", { class: "card" }, h("h2", null, title), ...children);

export const announce = (text) => {
  document.getElementById("status").textContent = text;
};
