"""For each shop: the returns of the last days, with the numbers of their orders in Shopify and customers in Yofi.

An example of hooks and clients in ``@task`` functions, without an operator. One function is synchronous and writes a
dataset, as operators do. Another is asynchronous and reads from two partners at the same time (Airflow 3.2 and later).
Only references and counts go through XCom.

The Dag needs the connections that the Variable ``partner_shop_routes`` names. Run it by hand; the param ``days`` is the
number of days that it reads.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, Variable, get_current_context, task

from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.reader import read_column
from airflow_provider_partners.datasets.writer import write_dataset
from airflow_provider_partners.hooks.base import in_thread
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.pipelines import routing
from airflow_provider_partners.task_errors import translate_errors

log = logging.getLogger(__name__)


@task
def choose_shops() -> list[dict[str, str | None]]:
    """Return the routed shops, or those of the param ``shops``, with their connections."""
    context: Any = get_current_context()
    with translate_errors(context):
        routes = routing.parse_routes(Variable.get(routing.ROUTES_VARIABLE, default=None))
        return routing.select_lanes(routes, shops=context["params"]["shops"]).lanes


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


@task(multiple_outputs=False)
def report(counts: list[dict[str, Any]]) -> dict[str, Any]:
    """Log a line for each shop."""
    names = ("returns", "orders", "customers")
    by_shop = {shop_counts["shop"]: {name: shop_counts[name] for name in names} for shop_counts in counts}
    for shop, shop_counts in by_shop.items():
        log.info("%s: %s", shop, ", ".join(f"{count} {name}" for name, count in shop_counts.items()))
    return by_shop


with DAG(
    dag_id="returns_overview",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={
        "days": Param(30, description="Days of returns to read", type="integer", minimum=1),
        "shops": Param(None, description="Shops to read; by default all", type=["null", "array"]),
    },
    tags=["partners", "yofi", "shopify", "taskflow"],
    doc_md=__doc__,
) as dag:
    extracted = extract_returns.expand(route=choose_shops())
    report(look_up.expand(extracted=extracted))
