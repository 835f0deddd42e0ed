"""Runs of the hourly Dag with canaries, and everybody who shows what they leave: reports, messages, commands, pages.

The page in Airflow is served in this process, to a user who may read every Dag. Airflow's own answer to that question
is what ``tests/system/test_page_in_airflow.py`` asks a real API server for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpx
from airflow.api_fastapi.core_api.security import get_user
from airflow.sdk import DAG
from canary_search import SHOP, Attack
from hostile_answers import ANSWERS, Answer, a_write_of_orders, answering, any_request, later_request, no_token
from lanes_in_process import InProcessRun, routed_lanes
from main_job import records
from starlette.testclient import TestClient

from airflow_provider_partners import (
    PartnerWebhookNotifier,
    YotpoReplayRejectsOperator,
    YotpoUpsertCustomersOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners.cli.main import main as run_command
from airflow_provider_partners.pipelines import order_sync_dag
from airflow_provider_partners.pipelines.lanes import with_lookbacks
from airflow_provider_partners.plugin import access
from airflow_provider_partners.plugin.app import create_app
from airflow_provider_partners.windows import Window

__all__ = ["commands", "replays", "runs", "sandbox_pages"]

DAG_ID = "yofi_shopify_to_yotpo"
STORE = "yotpo_aurora_apparel"


def runs(attack: Attack, *, everything: bool) -> None:
    """Run the lane of a shop to success and into failures; show each run in a message and in Airflow's page."""
    parts = (("orders", a_write_of_orders), ("a later request", later_request), ("any request", any_request))
    failing = [(f"{kind}, {name}", kind, part) for kind, (name, part) in zip(ANSWERS, cycle(parts), strict=False)]
    if not everything:
        failing = [each for each in failing if each[1] in {"400 with the whole request", "403 as a page"}]
    with _receiver() as receiver, _page() as page:
        password = "T000/B000/a-s3cret-hook+of&the='chat'"
        attack.canaries.add_secrets(password, "the password of a webhook")
        for number, (name, kind, part) in enumerate([("", "", any_request), *failing]):
            run_id = f"run-{number}"
            hostile = answering(ANSWERS[kind], part) if kind else ExitStack()
            what = f": {name}" if name else " succeeds"
            attack.forget_writes()
            with hostile:
                summary = attack.case(f"a run{what}", _run_lanes(attack, run_id, "step" if number % 3 == 2 else "shop"))
            summary = summary or attack.job.results[run_id]["summary"]
            attack.case(f"the page of a run{what}".replace(": ", " of "), _show_pages(attack, page, run_id))
            form = ({"password": password}, {"password": password, "login": "me"}, {"path": "/x/{password}"})[
                number % 3
            ]
            receiver.answer = ANSWERS[kind] if kind else None
            attack.case(f"a message about a run{what}", _post(attack, receiver, run_id, summary, password, form))


def _run_lanes(attack: Attack, run_id: str, granularity: str) -> Callable[[], Any]:
    """Return a function that runs the lanes of a Dag, keeps the XComs, and raises the error of a failed step."""
    now = attack.running.sandbox.clock()
    window = with_lookbacks(Window(now - timedelta(days=200), now))

    def run() -> Any:
        dag = order_sync_dag(granularity=granularity)
        lanes = [lane for lane in routed_lanes(attack.running, window) if lane["shop"] == SHOP]
        lanes_run = _Run(attack.running, dag, "choose_windows", lanes, str(attack.folder), run_id=run_id)
        # A lane that waits for a limit gives its slot back, and a scheduler would start it again.
        with mock.patch.dict("os.environ", AIRFLOW__PARTNERS__MAX_RESCHEDULES="1"):
            summary = lanes_run.run_step_by_step() if granularity == "step" else lanes_run.run_shop_by_shop()
        xcoms = {str(key): value for key, value in lanes_run.xcoms.items()}
        attack.job.results[run_id] = {**xcoms, "summary": summary}
        attack.pages.append(json.dumps(lanes_run.report()))
        for error in lanes_run.errors.values():
            raise error
        if summary["total"].get("rejected"):
            raise RejectedOrdersError(summary["table"])
        return summary

    return run


class _Run(InProcessRun):
    """A run whose text, in the local variables of a traceback, is not the whole sandbox."""

    def __repr__(self) -> str:
        return self.run_id


class RejectedOrdersError(Exception):
    """A run has rejected orders."""


# --- messages ---


class _Receiver(SimpleNamespace):
    """A webhook. ``answer`` gives its answers; without one, it is content."""

    url: str
    answer: Answer | None
    bodies: list[str]


@contextmanager
def _receiver() -> Iterator[_Receiver]:
    receiver = _Receiver(url="", answer=None, bodies=[])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.bodies.append(body.decode())
            request = httpx.Request("POST", f"{receiver.url}{self.path}", headers=dict(self.headers), content=body)
            try:
                response = receiver.answer(request) if receiver.answer else httpx.Response(200, text="ok")
            except (httpx.HTTPError, httpx.InvalidURL):
                self.close_connection = True
                return
            content = response.read()
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value.replace("\n", " ").replace("\r", " "))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def _post(
    attack: Attack, receiver: _Receiver, run_id: str, summary: Any, password: str, form: dict[str, str]
) -> Callable[[], None]:
    """Return a function that posts a message about a run."""
    fields = {name: value for name, value in form.items() if name != "path"}
    connection = {"conn_type": "generic", "host": f"{receiver.url}{form.get('path', '/hook')}", "password": password}

    def post() -> None:
        ti = SimpleNamespace(dag_id=DAG_ID, run_id=run_id, task_id="watch", map_index=-1, xcom_pull=lambda **_: summary)
        receiver.bodies.clear()
        with mock.patch.dict("os.environ", AIRFLOW_CONN_PARTNER_WEBHOOK=json.dumps({**connection, **fields})):
            try:
                PartnerWebhookNotifier(timeout=5)({"ti": ti, "run_id": run_id, "dag": None})
            finally:
                attack.pages += receiver.bodies

    return post


# --- pages ---


class _Everything:
    """Airflow's auth manager, for a user who may read everything."""

    def get_authorized_dag_ids(self, *, user: Any) -> set[str]:
        return {DAG_ID}

    def is_authorized_dag(self, **_: Any) -> bool:
        return True


@contextmanager
def _page() -> Iterator[TestClient]:
    app = create_app()
    app.dependency_overrides[get_user] = lambda: "a user"
    with (
        mock.patch.object(access, "get_auth_manager", _Everything),
        mock.patch.object(access, "team_of_dag", return_value=None),
    ):
        yield TestClient(app)


def _show_pages(attack: Attack, page: TestClient, run_id: str) -> Callable[[], None]:
    """Return a function that reads all that the page in Airflow says of a run."""
    of_run = {"dag_id": DAG_ID, "run_id": run_id}

    def show() -> None:
        requests: list[tuple[str, dict[str, Any]]] = [
            *((f"/{name}", of_run) for name in ("", "shop", "run", "dataset")),
            ("/api/overview", {}),
            ("/api/shop", {"dag_id": DAG_ID, "shop": SHOP}),
            ("/api/run", of_run),
            ("/api/report", of_run),
        ]
        shown = page.get("/api/run", params=of_run).json()
        requests += [("/api/dataset", {**of_run, "number": each["number"]}) for each in shown["datasets"]]
        for path, params in requests:
            answer = page.get(path, params=params)
            assert answer.status_code == 200, (path, answer.text[:200])
            attack.pages.append(f"{dict(answer.headers)} {answer.text}")
        # What is not there, and what a reader may type.
        for params in ({"dag_id": "x", "run_id": "x"}, {**of_run, "number": 10_000}, {**of_run, "run_id": "x"}):
            attack.pages.append(page.get("/api/dataset", params=params).text)

    return show


def sandbox_pages(attack: Attack) -> None:
    """Read the sandbox's own page, and what its control API shows. It names its credentials in one place alone."""

    def show() -> None:
        for path in ("/", "/_sandbox/state", "/_sandbox/calls", "/_sandbox/calls/latest", "/_sandbox/switches",
                     "/_sandbox/faults", "/_sandbox/health", "/_sandbox/clock", "/_sandbox/absent"):  # fmt: skip
            attack.pages.append(httpx.get(f"{attack.running.url}{path}").text)

    attack.case("the sandbox's page succeeds", show)


# --- commands ---

LISTS = (
    *("yofi.returns", "yofi.claims", "shopify_admin.orders", "shopify_admin.customers"),
    *("shopify_admin.abandoned_checkouts", "shopify_admin.draft_orders", "shopify_partner.app_events"),
    *("voucherify.customers", "voucherify.redemptions", "voucherify.orders", "yotpo.orders", "yotpo.reviews"),
)
_CONNECTIONS = {"shopify_admin": ["--conn-id", "shopify_admin_aurora_apparel"], "yotpo": ["--conn-id", STORE],
                "voucherify": ["--conn-id", "voucherify_sandbox"], "yofi": ["--shop", SHOP]}  # fmt: skip


def commands(attack: Attack, *, everything: bool) -> None:
    """Run the commands, with text and with JSON, to success and into failures."""
    order = next(iter(records(attack.job.results["run"]["extract_orders"])))
    app = ["--set", "app_id=gid://partners/App/1001"]
    lines: dict[str, list[str]] = {
        "check": ["check"],
        "check, all but the Partner API": ["check", "--partner-conn-id", "none", "--shop", SHOP, "--json"],
        "diff": ["diff", order["legacyResourceId"], "--shop", SHOP, "--all"],
        "diff by name, as JSON": ["diff", order["name"], "--shop", SHOP, "--json"],
        "replay, planned": ["replay", "--shop", SHOP, "--dry-run"],
        "replay": ["replay", "--shop", SHOP, "--json"],
        "resources": ["resources"],
        **{
            f"sample {name}": ["sample", name, *_CONNECTIONS.get(name.split(".")[0], app), *(["--json"] * (number % 2))]
            for number, name in enumerate(LISTS)
        },
    }
    replay = lines.pop("replay")
    attack.forget_writes()
    for name, arguments in lines.items():
        attack.case(f"the command {name} succeeds", _command(attack, arguments, {0, 1}))
    kinds = list(ANSWERS.items())
    every, parts = (4, cycle((no_token, later_request))) if everything else (len(kinds), cycle((any_request,)))
    failing = [*lines.items(), ("replay", replay)]
    for number, (name, arguments) in enumerate(failing[:: 1 if everything else 4]):
        for kind, answer in kinds[number % every :: every] if name != "resources" else ():
            part = next(parts)
            attack.forget_writes()
            with answering(answer, part):
                attack.case(f"the command {name}: {kind}, {part.__name__}", _command(attack, arguments, {0}))
    # In the end, since it closes the rejects.
    attack.case("the command replay succeeds", _command(attack, replay, {0, 1}))


def _command(attack: Attack, arguments: list[str], codes: set[int]) -> Callable[[], None]:
    def run() -> None:
        with mock.patch.dict("os.environ", attack.job.environment):
            code = run_command(arguments)
        if code not in codes:
            raise SystemExit(code)

    return run


# --- rejects that are sent again, and fulfillments ---


def replays(attack: Attack, *, everything: bool) -> None:
    """Upsert fulfillments and customers, and send rejects again, to success and into each answer."""
    built = attack.job.results["run"]["build"]
    customers = _customers(attack)
    own = json.dumps(customers)
    makers: dict[str, tuple[Any, dict[str, Any]]] = {
        "orders": (YotpoUpsertOrdersOperator, {"orders": built}),
        "fulfillments": (YotpoUpsertFulfillmentsOperator, {"fulfillments": built}),
        "customers": (YotpoUpsertCustomersOperator, {"customers": customers}),
    }
    replays = {}
    for kind, (make, arguments) in makers.items():
        _find_nothing(attack, kind)
        with answering(ANSWERS["422 with errors by field"], _is_write):
            rejected = attack.case(f"{kind} are rejected", _upsert(attack, make, **arguments), arguments=own)
        assert rejected["extra"]["rejects"]["records"] > 2
        replays[f"rejected {kind} again"] = (YotpoReplayRejectsOperator, {"rejects": rejected})
    # Orders have many cases of their own already.
    tasks = {f"{kind} to Yotpo": each for kind, each in makers.items() if kind != "orders"} | replays
    for name, (make, arguments) in tasks.items():
        _find_nothing(attack, name)
        attack.case(f"{name} succeeds", _upsert(attack, make, max_rejects=0, **arguments), arguments=own)
    kinds = list(ANSWERS.items())
    for number, (name, (make, arguments)) in enumerate(tasks.items()):
        every = 1 if everything else 24
        for place, (answered, answer) in enumerate(kinds[number % every :: every]):
            _find_nothing(attack, name)
            with answering(answer, no_token if place % 3 == 2 else _is_write):
                run = _upsert(attack, make, max_rejects=0, **arguments)
                attack.case(f"{name}: {answered}", run, arguments=own)


def _customers(attack: Attack) -> list[dict[str, Any]]:
    """Return customers with an id, with an e-mail address alone, and with a telephone number alone."""
    named = [
        {form: attack.canaries.value(kind, f"a customer's {form}") for form, kind in
         (("first_name", "name"), ("last_name", "name"), ("email", "email"), ("phone_number", "phone"))}
        for _ in range(4)
    ]  # fmt: skip
    mail, phone, *whole = named
    without_id = [
        {name: value for name, value in each.items() if name != other}
        for each, other in ((mail, "phone_number"), (phone, "email"))
    ]
    return [*without_id, *({"external_id": f"c-{number}", **each} for number, each in enumerate(whole))]


def _find_nothing(attack: Attack, name: str) -> None:
    """Let an upsert find a store without what it writes. Fulfillments need their orders."""
    attack.forget_writes()
    if "fulfillments" in name:
        built = attack.job.results["run"]["build"]
        outcomes = _upsert(attack, YotpoUpsertOrdersOperator, orders=built, with_fulfillments=False)()
        assert outcomes["extra"]["summary"]["created"] > 5


def _is_write(request: httpx.Request) -> bool:
    return request.method in {"POST", "PATCH", "PUT"} and no_token(request)


def _upsert(attack: Attack, make: Any, max_rejects: int = 1000, **arguments: Any) -> Callable[[], Any]:
    def run() -> Any:
        attack.runs += 1
        with DAG("canaries", schedule=None):
            task = make(task_id="upsert", yotpo_conn_id=STORE, max_rejects=max_rejects, **arguments)
        return attack.job.execute(task, run_id=f"replays-{attack.runs}")

    return run
