// Follow Airflow's theme: inside of Airflow its page has a class "dark" or "light", else the system decides.
// Not a module, so that it runs before the first paint.
(() => {
  const root = document.documentElement;
  let airflow = null;
  try {
    airflow = window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    airflow = null; // a page of another origin
  }
  const embedded = airflow !== null;
  root.classList.toggle("embedded", embedded);
  const apply = () => {
    let theme = null;
    if (airflow?.classList.contains("dark")) theme = "dark";
    else if (airflow?.classList.contains("light")) theme = "light";
    if (theme === null) delete root.dataset.theme;
    else root.dataset.theme = theme;
    root.dispatchEvent(new CustomEvent("partners:theme"));
  };
  apply();
  if (embedded) new MutationObserver(apply).observe(airflow, { attributes: true, attributeFilter: ["class"] });
})();
