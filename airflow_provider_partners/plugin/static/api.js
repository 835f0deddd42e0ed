// Requests to the plugin and to Airflow's public API, as the user who is signed in.

export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// The session is a cookie. Airflow 3.1.0 kept a token in the browser's storage instead.
const send = async (url, options = {}) => {
  const headers = { Accept: "application/json", ...options.headers };
  let response = await fetch(url, { ...options, headers, credentials: "same-origin" });
  const token = response.status === 401 ? storedToken() : null;
  if (token) {
    response = await fetch(url, { ...options, headers: { ...headers, Authorization: `Bearer ${token}` }, credentials: "same-origin" });
  }
  return response;
};

const storedToken = () => {
  try {
    return JSON.parse(localStorage.getItem("token") ?? "null");
  } catch {
    return localStorage.getItem("token");
  }
};

const WORDS = {
  401: "You are not signed in.",
  403: "You may not see this. Airflow lets you read it when you may read the Dag, its runs and, for records, its XComs.",
};

const check = async (response, words = WORDS) => {
  if (response.ok) return response;
  let detail = "";
  try {
    const body = await response.json();
    detail = typeof body.detail === "string" ? body.detail : JSON.stringify(body.detail);
  } catch {
    detail = `The server answered with ${response.status}.`;
  }
  throw new Refused(response.status, words[response.status] ?? detail);
};

const address = (path, parameters) => `api/${path}?${new URLSearchParams(parameters)}`;

export const get = async (path, parameters = {}) => (await check(await send(address(path, parameters)))).json();

export const getText = async (path, parameters = {}) => (await check(await send(address(path, parameters)))).text();

// Airflow's own API authorizes it: this page has no rights of its own.
export const startRun = async (dagId, conf) => {
  const dag = await (await check(await send(`../api/v2/dags/${encodeURIComponent(dagId)}`))).json();
  const response = await send(`../api/v2/dags/${encodeURIComponent(dagId)}/dagRuns`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ logical_date: null, conf }),
  });
  const run = await (await check(response, {})).json();
  return { runId: run.dag_run_id, isPaused: dag.is_paused };
};
