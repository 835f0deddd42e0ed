// Show the page that the address names: an overview, a shop, a run, or a dataset.

import { airflowLink, airflowPage, announce, h } from "./dom.js";
import { showDataset } from "./dataset.js";
import { showOverview } from "./overview.js";
import { showRun } from "./run.js";
import { showShop } from "./shop.js";

const PAGES = { "": showOverview, shop: showShop, run: showRun, dataset: showDataset };
const REFRESH_AFTER = 60_000;

const main = document.getElementById("main");

const explain = (error) => {
  const signIn = error.status === 401 ? h("p", null, airflowLink(`${airflowPage("api", "v2", "auth", "login")}?${new URLSearchParams({ next: window.parent.location.href })}`, null, "Sign in to Airflow")) : null;
  return h("div", { class: "card notice failed", role: "alert" }, h("h1", null, "This page can't be shown"), h("p", null, error.message), signIn, h("p", null, h("a", { href: "./" }, "All shops")));
};

const show = async ({ quiet = false } = {}) => {
  const name = location.pathname.split("/").pop();
  const focused = document.activeElement?.dataset?.key;
  const scrolled = window.scrollY;
  try {
    const { title, content } = await PAGES[name](Object.fromEntries(new URLSearchParams(location.search)));
    document.title = title;
    main.replaceChildren(...content);
    if (!quiet) announce(`${title} is loaded`);
  } catch (error) {
    if (quiet) return;
    document.title = "Partners";
    main.replaceChildren(explain(error));
  }
  main.setAttribute("aria-busy", "false");
  if (quiet) {
    window.scrollTo(0, scrolled);
    if (focused) main.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
  main.dispatchEvent(new CustomEvent("partners:shown", { bubbles: true }));
};

await show();

// Who leaves the overview open on a screen sees the next run without a click.
if (location.pathname.endsWith("/")) {
  setInterval(() => {
    if (!document.hidden && !document.querySelector("dialog[open]")) show({ quiet: true });
  }, REFRESH_AFTER);
}
