"""By hand: send orders again that were rejected, after the cause is mended.

Set ``run`` to the id of a run, to take its rejects; or ``shop``, to take those of all runs whose datasets are still
there. ``dag_id`` names the Dag whose runs these are. With ``dry_run`` the Dag plans and writes nothing.

The Dag reads each rejected order from Shopify again and builds it with the connections of the shop's route. So it
sends the order's present state, and also takes orders that could not be built. What it has sent, or found to be in
Yotpo already, is closed: a second replay does not take it again. An order that is rejected again stays open, and fails
the run.

The Dag needs what ``yofi_shopify_to_yotpo`` needs. Give it the same arguments.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_provider_partners import timestamps, windows
from airflow_provider_partners.api.shopify.shops import shop_domain
from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.datasets.reader import read_column, read_dataset
from airflow_provider_partners.exceptions import ConfigurationError, FatalError
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines import routing, shop_selection
from airflow_provider_partners.pipelines._dag import create_dag, dag_factory, reject_unknown_params
from airflow_provider_partners.pipelines._dag_page import LANE_FAILED
from airflow_provider_partners.pipelines.open_rejects import (
    ORDERS,
    PRODUCTS,
    OpenRejects,
    close_rejects,
    find_open_rejects,
    read_open_rejects,
)
from airflow_provider_partners.pipelines.order_arguments import OrderArguments
from airflow_provider_partners.pipelines.routing.sources import read_routes
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["replay_rejects_dag"]

log = logging.getLogger(__name__)

ORDER_DAG_ID = "yofi_shopify_to_yotpo"

_ALL = 1.0
"""Share of rejects: what is rejected again must not keep the other orders from being sent."""


@dag_factory
def replay_rejects_dag(
    *,
    dag_id: str = REPLAY_DAG_ID,
    schedule: Any = None,
    order_dag_id: str = ORDER_DAG_ID,
    arguments: OrderArguments,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that sends rejected orders again.

    The arguments are those of :func:`~airflow_provider_partners.pipelines.order_sync.order_sync_dag`. Give both the
    same.

    :param schedule: needs a value for ``shop`` in ``params``; by default the Dag runs by hand
    :param order_dag_id: the Dag whose rejects are sent, unless the run's param ``dag_id`` names another one
    :param arguments: the fields of :class:`~airflow_provider_partners.pipelines.order_arguments.OrderArguments`, each
        as an argument of its own
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """

    @task(retries=0)
    def choose_shops(selection: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the shops with open rejects, with the connections of their routes."""
        context: Any = get_current_context()
        with translate_errors(context):
            reject_unknown_params(context)
            return _choose_lanes(context["params"], selection, arguments.lookbacks)

    @task(retries=0)
    def confirm(summary: Any, lanes: Any) -> None:
        """Fail the run if a lane failed, or if an order was rejected again."""
        context: Any = get_current_context()
        with translate_errors(context):
            if not lanes:
                log.info("There was nothing to replay.")
                return
            steps.fail_on_failed_shops(summary)
            _fail_on_rejects(summary)

    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "run": Param(None, description="Id of the run whose rejects are sent again", type=["null", "string"]),
            "shop": Param(None, description="Shop whose rejects are sent again", type=["null", "string"]),
            "dag_id": Param(order_dag_id, description="The Dag whose runs these are", type="string"),
            **{name: param for name, param in steps.shared_params().items() if name != "shops"},
        },
        tags=["partners", "shopify", "yofi", "yotpo", "voucherify"],
        doc_md=__doc__,
        on_failure=LANE_FAILED,
        page="Send rejected orders again|how-to/replay",
        dag_args=dag_args,
    ) as dag:
        lanes = choose_shops(arguments.selection())
        mapped = steps.map_lanes(REPLAY_LANE, lanes, **arguments.mapping)
        confirm(steps.summarize({"choose_shops": lanes}, lanes, mapped), lanes)
    return dag


@task(map_index_template="{{ task.op_kwargs['shop'] }}")
def rejected_orders(shop: str, rejects: Sequence[str]) -> list[str]:
    """Return the ids of the shop's orders that were rejected and are still open.

    :param rejects: the folders of the shop's rejects
    """
    context: Any = get_current_context()
    with translate_errors(context):
        ids = {each for found in _read_all(rejects) for each in found.ids}
        log.info("%s: %d orders to send again", shop, len(ids))
        return sorted(ids)


@task(trigger_rule="all_done", multiple_outputs=False, map_index_template="{{ task.op_kwargs['shop'] }}")
def close(shop: str, rejects: Sequence[str], extracted: Any, built: Any, upserted: Any) -> dict[str, int]:
    """Close the rejects that arrived in Yotpo, or that the mapping leaves out now. Return how many stay open.

    :param rejects: the folders of the shop's rejects
    :param extracted: dataset of the orders as Shopify has them
    :param built: dataset of the built orders
    :param upserted: dataset of the outcomes
    """
    context: Any = get_current_context()
    with translate_errors(context):
        if not (extracted and built and upserted):
            log.warning("%s: a step before did not succeed, so all rejects stay open", shop)
            return {"closed": 0}
        if parse_bool(context["params"]["dry_run"], "dry_run"):
            log.info("%s: a plan closes no rejects", shop)
            return {"closed": 0}
        found = _read_all(rejects)
        settled = _settled_ids(extracted, built, upserted)
        closed = sum(close_rejects(each, settled) for each in found)
        missing = {id_ for each in found for id_ in each.ids} - {*read_column(extracted, "legacyResourceId")}
        if missing:
            log.warning(
                "%s: Shopify returns %d of the orders no longer (such as %s). Without the scope read_all_orders it "
                "returns those of the last 60 days. YotpoReplayRejectsOperator sends them as they were.",
                shop, len(missing), min(missing),
            )  # fmt: skip
        log.info("%s: %d rejects are closed", shop, closed)
        return {"closed": closed}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayLane(steps.Lane):
    """A lane with the folders of its shop's rejects: to search for them would read those of all shops, for each."""

    rejects: Any


REPLAY_LANE = steps.LaneSteps(
    path=f"{__name__}:REPLAY_LANE",
    kind=ReplayLane,
    steps=(
        steps.Step(
            name="rejected_orders",
            operator=rejected_orders,
            arguments=lambda lane, _results: {"shop": lane.shop, "rejects": lane.rejects},
        ),
        *steps.order_steps(order_ids="rejected_orders", build_options={"max_rejects": _ALL}),
        *steps.upsert_steps(order_options={"max_rejects": _ALL}),
        steps.Step(
            name="close",
            operator=close,
            arguments=lambda lane, results: {
                "shop": lane.shop,
                "rejects": lane.rejects,
                "extracted": results["extract_orders"],
                "built": results["build"],
                "upserted": results["upsert_orders"],
            },
        ),
    ),
)
"""One shop: build its rejected orders again, send them, close those that arrived."""


def _settled_ids(extracted: Any, built: Any, upserted: Any) -> set[str]:
    """Return the ids of the orders that were read and neither failed to build nor were rejected."""
    unbuilt = built["extra"]["rejects"]
    failed = {record["external_id"] for record in read_dataset(unbuilt) if not record["left_out"]} if unbuilt else set()
    failed |= {record["external_id"] for record in read_dataset(upserted) if record["action"] == "rejected"}
    return {*read_column(extracted, "legacyResourceId")} - failed


def _read_all(uris: Sequence[str]) -> list[OpenRejects]:
    """Return the rejects of folders; those that were removed since are left out."""
    return [found for uri in uris if (found := read_open_rejects(uri)) is not None]


def _choose_lanes(
    params: Mapping[str, Any], selection: Mapping[str, Any], lookbacks: Mapping[str, timedelta]
) -> list[dict[str, Any]]:
    """Return a lane for each shop with open rejects.

    :raises ConfigurationError: when the run names neither a run nor a shop, or a shop has no route
    """
    if not (params["run"] or params["shop"]):
        message = "The run names neither a run nor a shop"
        raise ConfigurationError(message, remedy="Set the param 'run' to a run's id, or 'shop' to a shop's domain.")
    shop = shop_domain(params["shop"]) if params["shop"] else None
    found = find_open_rejects(params["dag_id"], run_id=params["run"] or None, shop=shop)
    folders: dict[str, list[str]] = {}
    for rejects in found:
        if rejects.kind == ORDERS:
            folders.setdefault(rejects.shop, []).append(rejects.reference.uri)
    _log_found(found, params)
    if not folders:
        return []
    selected = routing.select_lanes(
        read_routes(selection["routes"]),
        shops=sorted(folders),
        personal_data=parse_bool(selection["personal_data"], "personal_data"),
        build=selection["build"],
    )
    shop_selection.check_placements(selected.lanes, selection["placements"])
    now = datetime.now(UTC).replace(microsecond=0)
    starts = _starts(found, now)
    return [
        {
            **lane,
            **steps.with_lookbacks(windows.Window(starts[str(lane["shop"])], now), **lookbacks),
            "rejects": folders[str(lane["shop"])],
        }
        for lane in selected.lanes
    ]


def _starts(found: Sequence[OpenRejects], now: datetime) -> dict[str, datetime]:
    """Return by shop the start of the earliest window with rejects: claims and coupons are read from there."""
    starts: dict[str, datetime] = {}
    for rejects in found:
        window = rejects.reference.window
        if window:
            since = timestamps.parse(window["since"], "since")
            starts[rejects.shop] = min(since, starts.get(rejects.shop, since))
    return {rejects.shop: starts.get(rejects.shop, now - timedelta(days=1)) for rejects in found}


def _log_found(found: Sequence[OpenRejects], params: Mapping[str, Any]) -> None:
    what = f"the run {params['run']}" if params["run"] else str(params["shop"])
    if not found:
        log.info("%s of %s has no open rejects: all were replayed, or its datasets are removed", what, params["dag_id"])
    for rejects in found:
        if rejects.kind == PRODUCTS:
            log.warning(
                "%s: the run %s rejected %d products. The next order with such a product sends it again.",
                rejects.shop, rejects.run_id, len(rejects.ids),
            )  # fmt: skip
        else:
            log.info("%s: the run %s has %d open rejects", rejects.shop, rejects.run_id, len(rejects.ids))


def _fail_on_rejects(summary: Mapping[str, Any]) -> None:
    """Fail if an order was rejected again.

    :raises FatalError: with the reasons
    """
    total = summary["total"]
    if not total["rejected"]:
        return
    reasons = "; ".join(f"{count}x {reason}" for reason, count in [*total["rejections"].items()][:3])
    message = f"{total['rejected']} orders were rejected again: {reasons}"
    raise FatalError(message, remedy="Mend the cause, and run this Dag again with the same params.")
