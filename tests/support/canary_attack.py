"""Runs the real operators with canaries in every secret and personal field, through success and every failure.

A process of its own: its logs are JSON at DEBUG, all of them, and Airflow's masks are off, so that nothing but this
provider's own care keeps a canary out. It writes what it found as JSON lines, one for each case.

Run as ``python canary_attack.py FOLDER [--long]``.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"

import httpx
from airflow.sdk import DAG
from canaries import Canaries
from canary_runs import commands, replays, runs, sandbox_pages
from canary_search import SHOP, Attack
from canary_tables import databases, files
from hostile_answers import ANSWERS, a_write_of_orders, answering, any_request, later_request, no_token
from main_job import records, short_waits

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
from airflow_provider_partners.sandbox.server import serve
from airflow_provider_partners.sandbox.world import build as seed

STORE, ADMIN = "yotpo_aurora_apparel", "shopify_admin_aurora_apparel"
WINDOW = {"since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}


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
    attack.forget_writes()
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
            replays(attack, everything=everything)
            runs(attack, everything=everything)
            commands(attack, everything=everything)
            sandbox_pages(attack)
            databases(attack, everything=everything)
            files(attack)
            failures(attack, everything=everything)
            sabotage(attack)
        output.write(json.dumps({"canaries": len(canaries.labels), "secrets": len(canaries.secrets)}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), everything="--long" in sys.argv)
