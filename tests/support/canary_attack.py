"""Runs the real operators with canaries in every secret and personal field, through success and every failure.

A process of its own: its logs are JSON at DEBUG, all of them, and Airflow's masks are off, so that nothing but this
provider's own care keeps a canary out. It writes what it found as JSON lines, one for each case.

Run as ``python canary_attack.py FOLDER [--long]``.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import os
import pickle
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"

import httpx
from airflow.sdk import DAG
from airflow.sdk.log import configure_logging
from canaries import MARK, Canaries, texts_of
from main_job import MainJob, records, short_waits

from airflow_provider_partners import (
    ShopifyAdminExtractOperator,
    ShopifyAdminQueryOperator,
    ShopifyPartnerExtractOperator,
    VoucherifyExtractOperator,
    VoucherifyQualificationsOperator,
    VoucherifyRequestOperator,
    YofiExtractOperator,
    YofiGetCustomerOperator,
    YotpoBuildOrdersOperator,
    YotpoExtractOperator,
    YotpoReconcileOrdersOperator,
    YotpoUpsertCustomersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.api.http.redaction import Redactor
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world import build as seed

SHOP = "aurora-apparel.myshopify.com"
STORE, ADMIN = "yotpo_aurora_apparel", "shopify_admin_aurora_apparel"
WINDOW = {"since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}

# --- what a server, a gateway or a proxy answers, with all that it has received ---


def _everything(request: httpx.Request) -> str:
    """The request with its URL, headers and body: what a page for developers shows."""
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    # Long texts are cut: what must not be shown comes first, each time in another order.
    values = [value for value in _values(request) if MARK in value.lower()]
    secrets = [value for name, value in request.headers.items() if "auth" in name or "token" in name]
    first = [*values, *secrets] if len(request.url.path) % 2 else [*secrets, *values]
    body = request.read().decode(errors="replace")
    return f"{' '.join(first)} {request.method} {request.url}\n{headers}\n\n{body}"


def _values(request: httpx.Request) -> list[str]:
    """Every text of the request's body, as errors by field quote it."""
    found: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, Mapping):
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)
        elif isinstance(value, str):
            found.append(value)

    with contextlib.suppress(ValueError):
        collect(json.loads(request.read() or b"null"))
    found += [value for _, value in request.url.params.multi_items()]
    return sorted(found, key=lambda value: MARK not in value.lower())


def _by_field(request: httpx.Request) -> dict[str, Any]:
    return {"errors": {f"field_{number}": [f"{value} is not valid"] for number, value in enumerate(_values(request))}}


def _messages(request: httpx.Request) -> dict[str, Any]:
    return {"errors": [{"message": f"'{value}' is not valid", "detail": value} for value in _values(request)]}


def _graphql(request: httpx.Request) -> dict[str, Any]:
    texts = [f"Variable $input was provided invalid value for {value}" for value in (_values(request) or ["x"])]
    return {"errors": [{"message": text, "extensions": {"code": "argumentLiteralsIncompatible"}} for text in texts]}


def _page(request: httpx.Request) -> str:
    return f"<html><head><title>Error {request.url}</title></head><body><pre>{_everything(request)}</pre></body></html>"


def _secret_location(request: httpx.Request) -> str:
    token = next((value for name, value in request.headers.items() if "auth" in name or "token" in name), "none")
    return f"https://evil.example/{token.rpartition(' ')[2]}/x?token={token}#{token}"


def _raise(error: Exception) -> httpx.Response:
    raise error


Answer = Callable[[httpx.Request], httpx.Response]
ANSWERS: dict[str, Answer] = {
    **{
        f"{status} with messages": lambda request, status=status: httpx.Response(status, json=_messages(request))
        for status in (400, 401, 403, 404, 409, 422, 500)
    },
    "400 with errors by field": lambda request: httpx.Response(400, json=_by_field(request)),
    "422 with errors by field": lambda request: httpx.Response(422, json=_by_field(request)),
    "400 with the whole request": lambda request: httpx.Response(400, text=_everything(request)),
    "401 with the whole request": lambda request: httpx.Response(401, text=_everything(request)),
    "403 as a page": lambda request: httpx.Response(403, html=_page(request)),
    "404 as a page": lambda request: httpx.Response(404, html=_page(request)),
    "429 with the whole request": lambda request: httpx.Response(
        429, text=_everything(request), headers={"Retry-After": "2"}
    ),
    "502 as a page": lambda request: httpx.Response(502, html=_page(request)),
    "503 with JSON": lambda request: httpx.Response(503, json={"message": _everything(request)}),
    "200 with errors of GraphQL": lambda request: httpx.Response(200, json=_graphql(request)),
    "200 as a page": lambda request: httpx.Response(200, html=_page(request)),
    "200 as text": lambda request: httpx.Response(200, text=_everything(request)),
    "200 cut": lambda request: httpx.Response(200, text=json.dumps({"data": _everything(request)})[:-2]),
    "200 of another shape": lambda request: httpx.Response(200, json={"data": {"orders": _everything(request)}}),
    "200 as a list of texts": lambda request: httpx.Response(200, json=[_everything(request), *_values(request)]),
    "200 with a deep value": lambda request: httpx.Response(200, text='{"a":' * 200 + json.dumps(_everything(request))),
    "200 with a number": lambda request: httpx.Response(200, text='{"data": ' + "9" * 5_000 + "}"),
    "a redirect with tokens": lambda request: httpx.Response(302, headers={"Location": _secret_location(request)}),
    "a redirect to no URL": lambda request: httpx.Response(302, headers={"Location": f"http://[{request.url}"}),
    "a header with tokens": lambda request: httpx.Response(
        400, json={}, headers={"X-Request-Id": "abc", "Set-Cookie": _secret_location(request)}
    ),
    "a refused connection": lambda request: _raise(httpx.ConnectError(f"no route: {_everything(request)}")),
    "a broken connection": lambda request: _raise(httpx.ReadError(f"reset: {_everything(request)}")),
    "a timeout": lambda request: _raise(httpx.ReadTimeout(f"timeout: {_everything(request)}")),
    "a wrong URL": lambda request: _raise(httpx.InvalidURL(f"wrong: {_everything(request)}")),
    "a wrong header": lambda request: _raise(httpx.LocalProtocolError(f"Illegal value: {_everything(request)}")),
    "a broken protocol": lambda request: _raise(httpx.RemoteProtocolError(f"bad: {_everything(request)}")),
    "a broken proxy": lambda request: _raise(httpx.ProxyError(f"407: {_everything(request)}")),
}


class Answering(httpx.BaseTransport):
    """Sends requests to the sandbox, but answers some itself."""

    def __init__(self, answer: Answer, chosen: Callable[[httpx.Request], bool]) -> None:
        self._inner = httpx.HTTPTransport(verify=False)
        self._answer = answer
        self._chosen = chosen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._chosen(request):
            request.read()
            return self._answer(request)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextlib.contextmanager
def answering(answer: Answer, chosen: Callable[[httpx.Request], bool]) -> Iterator[None]:
    options = PartnerHook.client_options

    def with_handler(self: Any, *credential: str) -> Any:
        return replace(options(self, *credential), handler=Answering(answer, chosen))

    with mock.patch.object(PartnerHook, "client_options", with_handler):
        yield


def any_request(request: httpx.Request) -> bool:
    return True


def no_token(request: httpx.Request) -> bool:
    return "token" not in request.url.path


def later_request(request: httpx.Request) -> bool:
    body = request.read()
    return "token" not in request.url.path and b"currentAppInstallation" not in body and b"Count" not in body


def a_write_of_orders(request: httpx.Request) -> bool:
    return request.method in {"POST", "PATCH", "PUT"} and "/orders" in request.url.path


# --- the job, and all that it leaves ---


class WatchedJob(MainJob):
    """The main job, which keeps what its tasks have rendered."""

    rendered: list[Any]

    def execute(self, task: Any, **arguments: Any) -> Any:
        try:
            return super().execute(task, **arguments)
        finally:
            self.rendered.append({name: getattr(task, name, None) for name in task.template_fields})


class Attack:
    """Runs cases, and searches everything that each leaves.

    :param output: gets a line for each case
    """

    def __init__(self, running: RunningSandbox, canaries: Canaries, seen: list[str], folder: Path, output: Any) -> None:
        self.running, self.canaries, self.seen, self.folder, self.output = running, canaries, seen, folder, output
        self.job = WatchedJob(running, SHOP, folder, request_deadline=60, max_wait=10)
        self.job.rendered = []
        self.row = {"first_name": canaries.value("name", "a row"), "phone_number": canaries.value("phone", "a row")}
        canaries.add_connections(self.job.environment)
        self.runs = 0
        self.searched: dict[Path, tuple[int, int]] = {}
        self.logs = io.BytesIO()
        configure_logging(json_output=True, log_level="DEBUG", output=self.logs, cache_logger_on_first_use=False)
        self.handler = _EveryAttribute()
        logging.getLogger().addHandler(self.handler)
        for name in ("", "httpx", "httpcore", "airflow_provider_partners", "airflow.task"):
            logging.getLogger(name).setLevel(logging.DEBUG)

    def case(self, name: str, run: Callable[[], Any], *, arguments: str = "") -> Any:
        """Run one case, and write what was found and where.

        :param arguments: what the Dag's author has written into the task; Airflow shows it as it is
        """
        began = time.monotonic()
        self.logs.seek(0)
        self.logs.truncate()
        self.handler.lines.clear()
        self.job.rendered.clear()
        self.seen.clear()
        printed = io.StringIO()
        result, failure = None, None
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                result = run()
            except BaseException as error:
                failure = error
        places = {
            "log": self.logs.getvalue().decode(errors="replace") + "\n".join(self.handler.lines),
            "printed": printed.getvalue(),
            "xcom": texts_of(self.job.results.values()),
            "state store": texts_of(f"{key} {value}" for key, value in self.job.states.items()),
            "templates": texts_of(self.job.rendered),
            "urls": "\n".join(each for each in self.seen if not _is_secret_by_design(each)),
            **self._files(),
        }
        found = {place: each for place, text in places.items() if (each := self.canaries.found_in(text))}
        own = self.canaries.found_in(arguments)
        found["templates"] = {core: label for core, label in found.get("templates", {}).items() if core not in own}
        if failure is not None:
            found |= {place: each for place, text in _error_texts(failure) if (each := self.canaries.found_in(text))}
            locals_text = "".join(traceback.TracebackException.from_exception(failure, capture_locals=True).format())
            if secrets := self.canaries.found_in(locals_text, personal=False):
                found["locals of the traceback"] = secrets
        sizes = {place: len(text) for place, text in places.items()}
        found = {place: each for place, each in found.items() if each}
        seconds = round(time.monotonic() - began, 2)
        line = {"case": name, "failed": _describe(failure), "found": found, "sizes": sizes, "seconds": seconds}
        self.output.write(json.dumps(line) + "\n")
        return result

    def _files(self) -> dict[str, str]:
        """All files of the staging folder that have changed, but the records themselves; and all names."""
        texts = {"file names": "", "files": ""}
        for path in sorted(self.folder.rglob("*")):
            texts["file names"] += f"{path}\n"
            if not path.is_file() or (path.name.startswith("part-") and "jsonl" in path.name):
                continue
            status = path.stat()
            if self.searched.get(path) != (status.st_mtime_ns, status.st_size):
                self.searched[path] = (status.st_mtime_ns, status.st_size)
                texts["files"] += f"{path}: {_text(path)}\n"
        return texts

    def records_of(self, reference: Mapping[str, Any]) -> dict[str, str]:
        """Return the canaries in a dataset's records."""
        return self.canaries.found_in(texts_of(records(reference)))


class _EveryAttribute(logging.Handler):
    """Keeps each record of the standard library's loggers with its arguments, extras and traceback."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self.lines.append(f"{record.getMessage()} {vars(record)!r}")
            if record.exc_info:
                self.lines.append("".join(traceback.format_exception(*record.exc_info)))


def _is_secret_by_design(url: str) -> bool:
    """Return True where the partner wants its own token in the URL: Yotpo's reviews, and files of jobs."""
    return "utoken=" in url or "/exports/" in url or "/_files" in url or "X-Goog" in url or "Signature=" in url


def _error_texts(error: BaseException) -> Iterator[tuple[str, str]]:
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    for each in chain:
        yield "error's text", f"{each} {each!r} {each.args!r} {vars(each)!r} {getattr(each, '__notes__', '')}"
    inner = getattr(error, "error", None)
    if inner is not None:
        yield "error of this provider", f"{inner} {inner!r} {vars(inner)!r}"
    yield "traceback", "".join(traceback.format_exception(error))
    with contextlib.suppress(Exception):
        yield "pickled error", pickle.dumps(error).decode("latin-1")


def _describe(error: BaseException | None) -> str:
    return "" if error is None else f"{type(error).__name__}: {str(error)[:300]}"


def _text(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode("utf-8", "replace")


# --- the cases ---


def _task(make: Callable[..., Any], task_id: str, **arguments: Any) -> Any:
    with DAG("canaries", schedule=None):
        return make(task_id=task_id, **arguments)


def success(attack: Attack) -> None:
    job = attack.job
    for step in (
        *("extract_orders", "extract_returns", "extract_customers", "extract_claims", "extract_redemptions"),
        *("build", "upsert_products", "upsert_orders"),
    ):
        attack.case(f"{step} succeeds", lambda step=step: job.step(step))
    planted = attack.records_of(job.results["run"]["extract_orders"])
    assert len(planted) > 100, "the records have no canaries, so that nothing could be found"


def more_operators(attack: Attack) -> dict[str, Callable[[], Any]]:
    """Return the further operators by name."""
    run = attack.job.execute
    orders = attack.job.results["run"]["extract_orders"]
    built = attack.job.results["run"]["build"]
    a_mail = next(order["email"] for order in records(orders) if order.get("email"))
    common = {"voucherify_conn_id": "voucherify_sandbox"}
    by_order = {"order_id": {"dataset": orders, "field": "legacyResourceId"}}
    document = "{ draftOrders { nodes { id name note2 email customer { firstName lastName } } } }"
    makers: dict[str, tuple[Any, dict[str, Any]]] = {
        "customers of Shopify": (
            ShopifyAdminExtractOperator,
            {"resource": "customers", "shopify_admin_conn_id": ADMIN, **WINDOW},
        ),
        "orders by a bulk operation": (
            ShopifyAdminExtractOperator,
            {"resource": "orders", "mode": "bulk", "shopify_admin_conn_id": ADMIN, "deferrable": False, **WINDOW},
        ),
        "abandoned checkouts": (
            ShopifyAdminExtractOperator,
            {"resource": "abandoned_checkouts", "shopify_admin_conn_id": ADMIN, **WINDOW},
        ),
        "a document": (
            ShopifyAdminQueryOperator,
            {"document": document, "shopify_admin_conn_id": ADMIN, "mode": "paged"},
        ),
        "app events": (
            ShopifyPartnerExtractOperator,
            {"resource": "app_events", "app_id": "gid://partners/App/1001", **WINDOW},
        ),
        "returns of Yofi by order": (
            YofiExtractOperator,
            {"resource": "returns", "shop": SHOP, "match": by_order},
        ),
        "a customer of Yofi": (YofiGetCustomerOperator, {"customer_id": "5000005046273", "shop": SHOP}),
        "customers of Voucherify": (VoucherifyExtractOperator, {"resource": "customers", **common, **WINDOW}),
        "an export of Voucherify": (
            VoucherifyExtractOperator,
            {"resource": "redemptions", "mode": "export", "deferrable": False, **common, **WINDOW},
        ),
        "qualifications": (
            VoucherifyQualificationsOperator,
            {"scenario": "ALL", "customer": {"source_id": a_mail, "email": a_mail}, **common},
        ),
        "a request": (
            VoucherifyRequestOperator,
            {"method": "POST", "path": "/v1/qualifications", "json": {"customer": {"email": a_mail}}, **common},
        ),
        "orders of Yotpo": (YotpoExtractOperator, {"resource": "orders", "yotpo_conn_id": STORE, **WINDOW}),
        "reviews of Yotpo": (YotpoExtractOperator, {"resource": "reviews", "yotpo_conn_id": STORE, **WINDOW}),
        "customers to Yotpo": (
            YotpoUpsertCustomersOperator,
            {
                "customers": [
                    {"external_id": "c-1", "email": a_mail, **attack.row},
                ],
                "yotpo_conn_id": STORE,
            },
        ),
    }  # fmt: skip
    if stored := attack.job.results["run"].get("orders_of_Yotpo"):
        makers["a comparison"] = (YotpoReconcileOrdersOperator, {"built": built, "yotpo_orders": stored})
    return {
        name: lambda name=name, make=make, arguments=arguments: run(
            _task(make, name.replace(" ", "_"), **arguments), run_id="run"
        )
        for name, (make, arguments) in makers.items()
    }


def more_success(attack: Attack) -> None:
    done: set[str] = set()
    while new := [(name, run) for name, run in more_operators(attack).items() if name not in done]:
        name, run = new[0]
        done.add(name)
        attack.case(f"{name} succeeds", run, arguments=_arguments(attack))


def _arguments(attack: Attack) -> str:
    """Return what the operators below get as arguments: one e-mail address, and the customer of one list."""
    orders = records(attack.job.results["run"]["extract_orders"])
    return " ".join([next(order["email"] for order in orders if order.get("email")), *attack.row.values()])


def failures(attack: Attack, *, everything: bool) -> None:
    """Fail each step by each answer; a few of them in the short form, where the steps differ from run to run."""
    job = attack.job
    steps: dict[str, tuple[Callable[[], Any], Callable[[httpx.Request], bool]]] = {
        "extract_orders": (lambda: job.step("extract_orders", run_id="failing"), any_request),
        "extract_customers": (lambda: job.step("extract_customers", run_id="failing"), any_request),
        "extract_redemptions": (lambda: job.step("extract_redemptions", run_id="failing"), any_request),
        "the token of Yotpo": (lambda: _upsert(attack, "upsert_products"), any_request),
        "products to Yotpo": (lambda: _upsert(attack, "upsert_products"), no_token),
        "look-ups of orders": (lambda: _upsert(attack, "upsert_orders"), no_token),
        "orders to Yotpo": (lambda: _upsert(attack, "upsert_orders"), a_write_of_orders),
    }
    if everything:
        # A shop's first requests are for its token, or for what the token may do: some answers come after them.
        steps |= {f"{name}, at once": (run, any_request) for name, run in more_operators(attack).items()}
        steps |= {f"{name}, later": (run, later_request) for name, run in more_operators(attack).items()}
    job.results["failing"] = {**job.results["run"]}
    answers = list(ANSWERS.items())
    for number, (name, (run, chosen)) in enumerate(steps.items()):
        every = 4 if "," in name else 1 if everything else 2 if name == "orders to Yotpo" else 7
        for kind, answer in answers[number % every :: every]:
            with answering(answer, chosen):
                attack.case(f"{name}: {kind}", run, arguments=_arguments(attack))


def _upsert(attack: Attack, step: str) -> Any:
    """Write the built orders to a store that has nothing, in a run that knows of no write before it."""
    attack.runs += 1
    run_id = f"failing-{attack.runs}"
    attack.job.results[run_id] = {**attack.job.results["run"]}
    shutil.rmtree(attack.folder / ".versions", ignore_errors=True)
    store = attack.running.sandbox.store
    for store_id in attack.running.sandbox.credentials["yotpo"]:
        for kind in ("order", "fulfillment", "product", "variant"):
            for record in store.select("yotpo", store_id, kind):
                store.delete("yotpo", store_id, kind, str(record["_id"]))
            assert not store.count("yotpo", store_id, kind)
    for earlier in [name for name in attack.job.results if name.startswith("failing-") and name != run_id]:
        del attack.job.results[earlier]
    return attack.job.step(step, run_id=run_id)


def bad_values(attack: Attack, *, everything: bool) -> None:
    """Put a canary into each field of an order, where a number, a code, a time or a list belongs."""
    order = max(records(attack.job.results["run"]["extract_orders"]), key=lambda each: len(json.dumps(each)))
    spoiled = []
    # Ids are no personal values: they are in errors, and in the log of the versions that were written.
    leaves = [path for path in _leaves(order) if path[-1] not in {"id", "legacyResourceId"}]
    for path in leaves[:: 1 if everything else 5]:
        copy = deepcopy(order)
        value = attack.canaries.value("text", f"bad value of {path}")
        _set(copy, path, value)
        copy["id"] = f"gid://shopify/Order/{9_000_000 + len(spoiled)}"
        copy["legacyResourceId"] = str(9_000_000 + len(spoiled))
        spoiled.append(copy)
    with DatasetWriter(
        str(attack.folder / "spoiled"), source="shopify_admin", resource="orders", account=SHOP
    ) as writer:
        writer.append(spoiled)
        reference = writer.commit().to_dict()

    def build() -> Any:
        task = _task(YotpoBuildOrdersOperator, "spoiled", orders=reference, shop=SHOP, max_rejects=len(spoiled))
        return attack.job.execute(task, run_id="spoiled")

    built = attack.case("orders with bad values are built", build)
    if built:
        for make in (YotpoUpsertProductsOperator, YotpoUpsertOrdersOperator):
            kind = {"products" if make is YotpoUpsertProductsOperator else "orders": built}
            task = {"yotpo_conn_id": STORE, "max_rejects": len(spoiled), **kind}
            attack.case(
                f"{make.__name__} writes orders with bad values",
                lambda make=make, task=task: attack.job.execute(_task(make, "spoiled_write", **task), run_id="spoiled"),
            )


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, each in items:
        yield (*path, key)
        yield from _leaves(each, (*path, key))


def _set(value: Any, path: tuple[Any, ...], new: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


def sabotage(attack: Attack) -> None:
    """Without the redaction, and with a line that logs an order, the search finds what it should."""
    without_redaction = mock.patch.object(Redactor, "__call__", lambda _self, text, _values=(): text)
    with answering(ANSWERS["401 with messages"], a_write_of_orders), without_redaction:
        attack.case("without redaction", lambda: _upsert(attack, "upsert_orders"))
    order = next(iter(records(attack.job.results["run"]["extract_orders"])))

    def log_an_order() -> None:
        logging.getLogger("airflow_provider_partners").debug("order %s", order)
        print(attack.job.environment["AIRFLOW_CONN_YOFI_DEFAULT"])

    attack.case("with a line that logs an order", log_an_order)


def without_personal_data(attack: Attack) -> None:
    """With ``personal_data=False`` not even the records have any."""

    def extract() -> Any:
        task = _task(
            ShopifyAdminExtractOperator, "impersonal", resource="orders", shopify_admin_conn_id=ADMIN,
            personal_data=False, **WINDOW,
        )  # fmt: skip
        reference = attack.job.execute(task, run_id="run")
        names = _NAMES
        left = {core: label for core, label in attack.records_of(reference).items() if label.split(".")[-1] in names}
        assert not left, f"records without personal data have {sorted(set(left.values()))}"
        return reference

    attack.case("orders without personal data", extract)


_NAMES = frozenset({"firstName", "lastName", "email", "emailAddress", "phone", "phoneNumber", "address1", "address2"})


def main(folder: Path, *, everything: bool) -> None:
    """Run all cases and write ``found.jsonl``."""
    sandbox = seed.build(path=":memory:", seed=5, shops=1, orders=12)
    canaries = Canaries()
    canaries.plant(sandbox)
    masks = mock.patch("airflow.sdk._shared.secrets_masker.SecretsMasker.redact", lambda _self, item, *_a, **_k: item)
    with (folder / "found.jsonl").open("w") as output, canaries.recorded() as seen, masks:
        with serve(sandbox) as running, short_waits(2_000):
            sandbox.switches["yotpo.rate_limit"] = 0
            staging = folder / "staging"
            staging.mkdir()
            attack = Attack(running, canaries, seen, staging, output)
            success(attack)
            more_success(attack)
            without_personal_data(attack)
            bad_values(attack, everything=everything)
            failures(attack, everything=everything)
            sabotage(attack)
        output.write(json.dumps({"canaries": len(canaries.labels), "secrets": len(canaries.secrets)}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), everything="--long" in sys.argv)
