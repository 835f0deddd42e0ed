// Send rejects again: start the Dag that does it, through Airflow's API and as the user.

import { startRun } from "./api.js";
import { airflowLink, announce, h, runInAirflow } from "./dom.js";

const DAG_ID = "yotpo_replay_rejects";

const started = ({ runId, isPaused }) =>
  h(
    "p",
    { class: "notice inline success" },
    isPaused ? "The run waits, because its Dag is paused. " : "The rejects are being sent. ",
    airflowLink(runInAirflow(DAG_ID, runId), null, "Follow the run"),
  );

export const replayButton = ({ label, question, conf }) => {
  const button = h("button", { type: "button", class: "primary", "data-action": "replay" }, label);
  const result = h("div", { "aria-live": "polite" });
  const confirm = h("button", { type: "button", class: "primary", "data-action": "confirm-replay" }, "Replay");
  const cancel = h("button", { type: "button" }, "Cancel");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "replay-question" },
    h("h2", { id: "replay-question" }, question),
    h("p", null, "Airflow starts the Dag ", h("code", null, DAG_ID), " as you. What was fixed since goes through, what is still wrong is rejected again, and nothing is written twice."),
    h("div", { class: "actions" }, cancel, confirm),
  );
  button.addEventListener("click", () => dialog.showModal());
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  confirm.addEventListener("click", async () => {
    confirm.disabled = true;
    try {
      const run = await startRun(DAG_ID, conf);
      result.replaceChildren(started(run));
      announce("The replay is started");
      button.disabled = true;
    } catch (error) {
      result.replaceChildren(h("p", { class: "notice inline failed", role: "alert" }, `Airflow did not start it: ${error.message}`));
    }
    confirm.disabled = false;
    dialog.close();
    button.focus();
  });
  return h("div", { class: "replay" }, button, dialog, result);
};
