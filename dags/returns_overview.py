"""For each shop: the returns of the last days, with the numbers of their orders in Shopify and customers in Yofi.

## When it fails

1. Open the task `report`. It logs the counts of the other shops, then names each shop that failed.
2. Open the failed task of that shop. Its log ends with the error and what to do.
3. Correct the cause, then clear the task.

## Params

| param | value | default | meaning |
|---|---|---|---|
| `days` | whole number | `30` | Days of returns to read |
| `shops` | list | none | Shops to read; by default all |

## How it works

An example of hooks and clients in ``@task`` functions. One function is synchronous and writes a dataset, as operators
do. Another is asynchronous and reads from two partners at the same time (Airflow 3.2 and later). Only references and
counts go through XCom. A shop that fails doesn't stop the others.

The Dag needs the connections that the Variable ``partner_shop_routes`` names, and the Variable ``partner_app_id``: the
app that a shop must have installed, or ``none``. Run it by hand.

## More

The page "Hooks in `@task` functions" of the documentation: `docs/how-to/taskflow.md` in the repository.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task, task_group

from airflow_provider_partners import ShopifyAdminHook, ShopifyPartnerActiveShopsOperator, YofiHook
from airflow_provider_partners.pipelines.lanes import reject_unknown_params
from airflow_provider_partners.pipelines.shop_selection import select_shops
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors
from airflow_provider_partners.taskflow import dataset_uri, in_thread, read_column, write_dataset

log = logging.getLogger(__name__)


@task(retries=0)
def check_params() -> list[str]:
    """Return the params that the run sets. An unknown key is refused before anything is read."""
    context: Any = get_current_context()
    with translate_errors(context):
        return reject_unknown_params(context)


@task(map_index_template="{{ task.op_kwargs['route']['shop'] }}", multiple_outputs=False)
def extract_returns(route: dict[str, str]) -> dict[str, Any]:
    """Write a shop's returns to a dataset; a retry continues after the last complete page."""
    context: Any = get_current_context()
    # The same for every try of the run.
    until = context["dag_run"].run_after
    since = until - timedelta(days=context["params"]["days"])
    with translate_errors(context), YofiHook(route["yofi_conn_id"], shop=route["shop"]) as yofi:
        returns = write_dataset(yofi.extract("returns", since=since, until=until), uri=dataset_uri(context))
    return {"route": route, "returns": returns.to_dict()}


@task(multiple_outputs=False)
async def look_up(extracted: dict[str, Any]) -> dict[str, Any]:
    """Read the returned orders from Shopify and the customers from Yofi at the same time."""
    route, returns = extracted["route"], extracted["returns"]
    order_ids, customer_ids = list(read_column(returns, "order_id")), list(read_column(returns, "customer_id"))
    with translate_errors(get_current_context()):
        return await _counts(route, order_ids, customer_ids, returns["records"])


async def _counts(route: dict[str, str], order_ids: list[str], customer_ids: list[str], returns: int) -> dict[str, Any]:
    async with (
        ShopifyAdminHook(route["shopify_admin_conn_id"], shop=route["shop"]) as shopify,
        YofiHook(route["yofi_conn_id"], shop=route["shop"]) as yofi,
    ):
        orders, customers = await asyncio.gather(
            in_thread(lambda: list(shopify.extract("orders", match={"id": order_ids}, personal_data=False).records())),
            in_thread(lambda: list(yofi.extract("customers", match={"customer_id": customer_ids}).records())),
        )
    return {"shop": route["shop"], "returns": returns, "orders": len(orders), "customers": len(customers)}


@task(multiple_outputs=False, trigger_rule="all_done", retries=0)
def report(routes: Any, counts: Any) -> dict[str, Any]:
    """Log a line for each shop. Fail if a shop has no counts."""
    if routes is None:
        message = "The shops could not be selected. See the logs of check_params, active_shops and select_shops."
        raise PartnerTaskError(message)
    names = ("returns", "orders", "customers")
    # For a single shop, Airflow passes its result instead of a list.
    results = [counts] if isinstance(counts, dict) else [result for result in counts or [] if result]
    by_shop = {result["shop"]: {name: result[name] for name in names} for result in results}
    for shop, shop_counts in by_shop.items():
        log.info("%s: %s", shop, ", ".join(f"{count} {name}" for name, count in shop_counts.items()))
    if failed := [route["shop"] for route in routes if route["shop"] not in by_shop]:
        context: Any = get_current_context()
        context["ti"].xcom_push(key="return_value", value=by_shop)
        message = f"{len(failed)} of {len(routes)} shops failed: {', '.join(failed)}. See their logs."
        raise PartnerTaskError(message)
    return by_shop


with DAG(
    dag_id="returns_overview",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={
        "days": Param(30, description="Days of returns to read", type="integer", minimum=1),
        "shops": Param(
            None, description="Shops to read; by default all", type=["null", "array"], items={"type": "string"}
        ),
    },
    tags=["partners", "yofi", "shopify", "taskflow"],
    doc_md=__doc__,
) as dag:

    @task_group(group_id="overview")
    def overview(route: Any) -> Any:
        """One shop."""
        return look_up(extract_returns(route=route))

    # A shop that has uninstalled the app refuses its token, so it is left out.
    installed = ShopifyPartnerActiveShopsOperator(task_id="active_shops", app_id="{{ var.value.partner_app_id }}")
    check_params() >> installed
    routes = select_shops(installed.output, needs_yofi=True)
    report(routes, overview.expand(route=routes))
