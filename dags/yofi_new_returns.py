"""On events: as soon as Yofi knows of returns or claims, the orders concerned go to Yotpo.

``yofi_shopify_to_yotpo`` reads orders by their own changes, and a return or claim changes no order in Shopify: of an
old order, this Dag is what tells Yotpo. Two watchers for each shop of ``[partners] watched_shops`` look at Yofi's lists
every ``[partners] watch_seconds``; without that option nothing is watched. Events that come while a run is under way
are answered together by the next one. Nothing is doubled in Yotpo, so a run may be repeated; by hand, with ``since``
and ``until``, it takes the returns and claims of that window.

Needs what ``yofi_shopify_to_yotpo`` needs. In Airflow 3.3 and later watchers go on where they stopped when the
triggerer restarts; in earlier ones they begin with what comes from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetAny, AssetWatcher, Param, Variable, get_current_context, task, task_group

from airflow_provider_partners import settings, windows
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.pipelines import routing
from airflow_provider_partners.pipelines.order_sync import (
    TIME_SCHEMA,
    build_order_tasks,
    fail_on_failed_shops,
    shared_params,
    summarize,
    summarize_tasks,
    upsert_order_tasks,
    with_lookbacks,
)
from airflow_provider_partners.task_errors import translate_errors
from airflow_provider_partners.triggers.watch import events as news
from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger, YofiNewReturnsTrigger

log = logging.getLogger(__name__)

WATCHERS = {"new_returns": YofiNewReturnsTrigger, "new_claims": YofiNewClaimsTrigger}


def watched() -> Iterator[Asset]:
    """An asset for each list of each shop that is watched."""
    for shop, conn_id in settings.watched_shops().items():
        for name, trigger in WATCHERS.items():
            looking = trigger(shop=shop, conn_id=conn_id, poll_interval=settings.watch_seconds())
            # A URI of its own: that of the list itself stands for what was extracted of it.
            yield Asset(uri=f"yofi://{shop}/{name}", watchers=[AssetWatcher(name=f"{shop} {name}", trigger=looking)])


@task
def choose_lanes() -> list[dict[str, str | None]]:
    """The shops that there is news of, each with the connections of its route and the window of the news."""
    context: Any = get_current_context()
    asked, events = context["params"], context.get("triggering_asset_events") or {}
    with translate_errors(context):
        routes = routing.parse_routes(Variable.get(routing.ROUTES_VARIABLE, default=None))
        told = news.windows_from_events(
            event.extra.get("payload") for of_asset in events.values() for event in of_asset
        )
        if asked["since"] or not told:
            window = windows.resolve(since=asked["since"], until=asked["until"])
            told = dict.fromkeys(asked["shops"] or [route.shop for route in routes], window)
        routed = {route.shop for route in routes}
        for shop in sorted(told.keys() - routed):
            log.warning("%s is watched, but has no route in the Variable %s", shop, routing.ROUTES_VARIABLE)
        found = routing.select_lanes([route for route in routes if route.shop in told], shops=asked["shops"])
    for lane in found.lanes:
        log.info("%s: %s", lane["shop"], told[str(lane["shop"])])
    return [{**lane, **with_lookbacks(told[str(lane["shop"])])} for lane in found.lanes]


@task(map_index_template="{{ task.op_kwargs['shop'] }}")
def orders_concerned(shop: str, yofi_conn_id: str, since: str, until: str) -> list[str]:
    """The ids of the orders that the returns and claims of a window are about."""
    context: Any = get_current_context()
    with translate_errors(context), YofiHook(yofi_conn_id, shop=shop) as yofi:
        returns = yofi.extract(
            "returns", since=since, until=until, fields=("order_id", "return_created_at_epoch"), include=()
        )
        claims = yofi.extract("claims", since=since, until=until, fields=("claim_items", "created_at_epoch"))
        ids = [row.get("order_id") for row in returns.records()]
        ids += [item.get("order_id") for row in claims.records() for item in row.get("claim_items") or []]
    found = sorted({str(number) for number in ids if number})
    log.info("%s: %d orders, from %d returns and claimed items", shop, len(found), len(ids))
    return found


@task_group(group_id="lane")
def lane(
    shop: Any,
    shopify_conn_id: Any,
    yofi_conn_id: Any,
    yotpo_conn_id: Any,
    voucherify_conn_id: Any,
    since: Any,
    until: Any,
    claims_since: Any,
    redemptions_since: Any,
) -> Any:
    """The orders of one shop that there is news of, from Shopify to Yotpo."""
    steps = build_order_tasks(
        shop=shop,
        shopify_admin_conn_id=shopify_conn_id,
        yofi_conn_id=yofi_conn_id,
        voucherify_conn_id=voucherify_conn_id,
        since=since,
        until=until,
        claims_since=claims_since,
        redemptions_since=redemptions_since,
        order_ids=orders_concerned(shop=shop, yofi_conn_id=yofi_conn_id, since=since, until=until),
    )
    steps += upsert_order_tasks(steps[-1].output, yotpo_conn_id=yotpo_conn_id)
    return summarize_tasks(steps, shop=shop, since=since, voucherify_conn_id=voucherify_conn_id)


@task(retries=0)
def confirm(summary: dict[str, Any]) -> None:
    """Fail the run where a lane failed: clear that lane, and it goes on where it stopped."""
    fail_on_failed_shops(summary)


assets = [*watched()]

with DAG(
    dag_id="yofi_new_returns",
    schedule=AssetAny(*assets) if assets else None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={
        "since": Param(
            None, description="First moment of the returns and claims to take, instead of the news'", **TIME_SCHEMA
        ),
        "until": Param(None, description="First moment not to take any more; needs 'since'", **TIME_SCHEMA),
        **shared_params(),
    },
    tags=["partners", "shopify", "yofi", "yotpo"],
    doc_md=__doc__,
) as dag:
    lanes = choose_lanes()
    confirm(summarize(lanes, lane.expand_kwargs(lanes)))
