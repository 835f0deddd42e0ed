"""On events: sync the orders with new returns or claims to Yotpo, as soon as Yofi has them.

``yofi_shopify_to_yotpo`` reads orders by their own changes, but a return or claim does not change the order in Shopify.
This Dag syncs such orders. Two watch triggers for each watched shop poll Yofi's lists of returns and claims; without
watched shops the Dag has no schedule. Events that arrive during a run are handled together by the next one. The Dag
creates no duplicates in Yotpo, so a run may be repeated. A run by hand takes the returns
and claims of the window from ``since`` to ``until``, and fails without ``since``.

The Dag needs what ``yofi_shopify_to_yotpo`` needs. In Airflow 3.3 and later, the triggers continue where they stopped
when the triggerer restarts. Before, they start with the records that arrive from then on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from airflow.sdk import DAG, Asset, AssetAny, AssetWatcher, Param, get_current_context, task

from airflow_provider_partners import windows
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines import routing, shop_selection
from airflow_provider_partners.pipelines._dag import TIME_SCHEMA, create_dag, dag_factory, reject_unknown_params
from airflow_provider_partners.pipelines._dag_page import LANE_FAILED
from airflow_provider_partners.pipelines.order_arguments import OrderArguments
from airflow_provider_partners.pipelines.routing.sources import read_routes
from airflow_provider_partners.task_errors import translate_errors
from airflow_provider_partners.triggers.watch.events import windows_from_events
from airflow_provider_partners.triggers.yofi import YofiNewClaimsTrigger, YofiNewReturnsTrigger

__all__ = ["new_returns_dag"]

log = logging.getLogger(__name__)

TRIGGERS = {"new_returns": YofiNewReturnsTrigger, "new_claims": YofiNewClaimsTrigger}


@dag_factory
def new_returns_dag(
    *,
    dag_id: str = "yofi_new_returns",
    schedule: Any = None,
    watched_shops: Mapping[str, str] | None = None,
    poll_interval: float = 300.0,
    arguments: OrderArguments,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that syncs the orders with new returns and claims.

    :param schedule: replaces the watch triggers
    :param watched_shops: the shops to watch, each with its Yofi connection: ``{"a.myshopify.com": "yofi_default"}``
    :param poll_interval: seconds between two polls of a list
    :param arguments: the fields of :class:`~airflow_provider_partners.pipelines.order_arguments.OrderArguments`, each
        as an argument of its own. Give it the same as the hourly Dag
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """
    if schedule is None and watched_shops:
        schedule = AssetAny(*_watched_assets(watched_shops, poll_interval))

    @task
    def choose_lanes(selection: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the shops with new records, with the connections of their routes and the window of the records."""
        context: Any = get_current_context()
        with translate_errors(context):
            reject_unknown_params(context)
            selected, window_by_shop = _select_shops(context, selection)
        for lane in selected.lanes:
            log.info("%s: %s", lane["shop"], window_by_shop[str(lane["shop"])])
        return [
            {**lane, **steps.with_lookbacks(window_by_shop[str(lane["shop"])], **arguments.lookbacks)}
            for lane in selected.lanes
        ]

    @task(retries=0)
    def confirm(summary: Any, lanes: Any) -> None:
        """Fail the run if a lane failed, or if no lanes could be chosen. Clear a failed lane, and it continues."""
        steps.fail_on_failed_shops(summary)

    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "since": Param(
                None, description="Start of the returns and claims to take, instead of the events'", **TIME_SCHEMA
            ),
            "until": Param(None, description="End of the returns and claims to take; needs 'since'", **TIME_SCHEMA),
            **steps.shared_params(),
        },
        tags=["partners", "shopify", "yofi", "yotpo"],
        doc_md=__doc__,
        on_failure=LANE_FAILED,
        dag_args=dag_args,
    ) as dag:
        lanes = choose_lanes(arguments.selection())
        mapped = steps.map_lanes(NEW_RETURNS_LANE, lanes, **arguments.mapping)
        confirm(steps.summarize({"choose_lanes": lanes}, lanes, mapped), lanes)
    return dag


@task(map_index_template="{{ task.op_kwargs['shop'] }}")
def affected_orders(shop: str, yofi_conn_id: str, since: str, until: str) -> list[str]:
    """Return the ids of the orders that have a return or claim in the window."""
    context: Any = get_current_context()
    with translate_errors(context), YofiHook(yofi_conn_id, shop=shop) as yofi:
        returns = yofi.extract(
            "returns", since=since, until=until, fields=("order_id", "return_created_at_epoch"), include=()
        )
        claims = yofi.extract("claims", since=since, until=until, fields=("claim_items", "created_at_epoch"))
        ids = [record.get("order_id") for record in returns.records()]
        ids += [item.get("order_id") for record in claims.records() for item in record.get("claim_items") or []]
    order_ids = sorted({str(order_id) for order_id in ids if order_id})
    log.info("%s: %d orders, from %d returns and claimed items", shop, len(order_ids), len(ids))
    return order_ids


NEW_RETURNS_LANE = steps.LaneSteps(
    path=f"{__name__}:NEW_RETURNS_LANE",
    steps=(
        steps.Step(
            name="affected_orders",
            operator=affected_orders,
            arguments=lambda lane, _results: {
                "shop": lane.shop,
                "yofi_conn_id": lane.yofi_conn_id,
                "since": lane.since,
                "until": lane.until,
            },
            needs="yofi_conn_id",
        ),
        *steps.order_steps(order_ids="affected_orders"),
        *steps.upsert_steps(),
    ),
)
"""One shop: the orders with new returns or claims, from Shopify to Yotpo."""


def _watched_assets(watched_shops: Mapping[str, str], poll_interval: float) -> Iterator[Asset]:
    """Yield an asset for each watched list of each shop."""
    connections: dict[str, str] = {}
    for name, conn_id in watched_shops.items():
        shop = shop_domain(name)
        if shop in connections:
            message = f"'watched_shops' has the shop '{shop}' twice"
            raise ConfigurationError(message, remedy='Write it as {"a.myshopify.com": "yofi_default"}.')
        connections[shop] = conn_id
    for shop, conn_id in connections.items():
        for name, trigger_class in TRIGGERS.items():
            trigger = trigger_class(shop=shop, yofi_conn_id=conn_id, poll_interval=poll_interval)
            # A URI of its own: the URI of the list itself stands for its extractions.
            yield Asset(uri=f"yofi://{shop}/{name}", watchers=[AssetWatcher(name=f"{shop} {name}", trigger=trigger)])


def _select_shops(
    context: Mapping[str, Any], selection: Mapping[str, Any]
) -> tuple[routing.SelectedShops, dict[str, windows.Window]]:
    """Return the run's shops, and the window of each.

    :param selection: from :meth:`OrderArguments.selection`
    """
    params, events = context["params"], context.get("triggering_asset_events") or {}
    routes = read_routes(selection["routes"])
    payloads = (event.extra.get("payload") for asset_events in events.values() for event in asset_events)
    window_by_shop = windows_from_events(payloads)
    if params["since"] or not window_by_shop:
        window = windows.resolve(since=params["since"], until=params["until"])
        window_by_shop = dict.fromkeys(
            routing.requested_shops(params["shops"]) or [route.shop for route in routes], window
        )
    routed = {route.shop for route in routes}
    for shop in sorted(window_by_shop.keys() - routed):
        log.warning("%s is watched, but has no route", shop)
    selected = routing.select_lanes(
        [route for route in routes if route.shop in window_by_shop],
        shops=params["shops"],
        personal_data=parse_bool(selection["personal_data"], "personal_data"),
        build=selection["build"],
        needs_yofi=True,
    )
    shop_selection.log_without_yofi(selected)
    shop_selection.require_lanes(selected.lanes, shop_selection.NO_YOFI, on_no_shops=selection["on_no_shops"])
    shop_selection.check_placements(selected.lanes, selection["placements"])
    return selected, window_by_shop
