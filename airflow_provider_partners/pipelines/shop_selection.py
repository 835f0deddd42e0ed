"""Which shops a run takes: those with a route and the app, with what their lanes need to know.

This is the step before the lanes. Everything that can be wrong with a route is wrong here, before anything is read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import get_current_context, task

from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.exceptions import FatalError
from airflow_provider_partners.operators.shopify_partner import EVERY_SHOP
from airflow_provider_partners.pipelines import routing
from airflow_provider_partners.pipelines._dag import require_results
from airflow_provider_partners.pipelines.order_arguments import OnNoShops
from airflow_provider_partners.pipelines.routing.placements import Placement
from airflow_provider_partners.pipelines.routing.sources import describe_source, read_routes
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["check_placements", "log_without_yofi", "require_lanes", "select_shops"]

log = logging.getLogger(__name__)

NO_LANES = "No routed shop has the app installed, so there is nothing to sync"
NO_YOFI = "No shop of this run has a route with a connection of Yofi"


@task
def select_shops(
    installed: Any,
    windows: Any = None,
    *,
    personal_data: Any = True,
    routes: Any = None,
    build: Mapping[str, Any] | None = None,
    placements: Sequence[Mapping[str, Any]] = (),
    on_no_shops: OnNoShops = "fail",
    needs_yofi: bool = False,
) -> list[dict[str, Any]]:
    """Return the run's shops with the connections of their routes, once per window.

    :param installed: domains of the shops that have the app; the text ``all`` takes every routed shop
    :param windows: windows from :func:`with_lookbacks`; ``None`` if each shop gets its own in a later task
    :param personal_data: False reads no customers' data of any shop; otherwise the shop's route decides. A template
        may render to it
    :param routes: where the routes come from; the Variable by default
    :param build: the arguments of the build operator for all shops
    :param placements: the pools and queues that there are groups for
    :param on_no_shops: whether it is an error that there is no shop
    :param needs_yofi: True leaves out shops without a connection of Yofi
    """
    context: Any = get_current_context()
    with translate_errors(context):
        require_results({"active_shops": installed})
        selected = routing.select_lanes(
            read_routes(routes),
            installed=None if installed == EVERY_SHOP else installed,
            shops=context["params"]["shops"],
            personal_data=personal_data is None or parse_bool(personal_data, "personal_data"),
            build=build,
            needs_yofi=needs_yofi,
        )
        log_without_yofi(selected)
        for shop in selected.without_route:
            log.warning("%s has the app installed, but no route. %s has none for it", shop, describe_source(routes))
        for shop in selected.not_installed:
            log.info("%s has a route, but the app is not installed: the run skips it", shop)
        log.info("The run takes %d shops", len(selected.lanes))
        problem = NO_YOFI if selected.without_yofi else NO_LANES
        require_lanes(selected.lanes, problem, on_no_shops=on_no_shops)
        check_placements(selected.lanes, placements)
    return [{**lane, **window} for lane in selected.lanes for window in windows or [{}]]


def log_without_yofi(selected: routing.SelectedShops) -> None:
    """Log which shops a run leaves out, because it needs Yofi."""
    for shop in selected.without_yofi:
        log.warning("%s is left out: its route names no connection of Yofi, so it has no returns to read", shop)


def require_lanes(lanes: Sequence[Any], problem: str, *, on_no_shops: OnNoShops) -> None:
    """Raise an error if a run has no lane, or log a warning where the Dag allows it.

    :param problem: why there is none
    :raises FatalError: when there is none, and that is not allowed
    """
    if lanes:
        return
    if on_no_shops == "fail":
        remedy = "Check the routes, the app's id and the param 'shops'; or set on_no_shops='skip' at the Dag."
        raise FatalError(problem, remedy=remedy)
    log.warning("%s. The run ends as skipped.", problem)


def check_placements(lanes: Sequence[Mapping[str, Any]], placements: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a lane in a pool or queue that the Dag has no task group for.

    :raises FatalError: when there is one
    """
    known = [Placement(), *map(Placement.of, placements)]
    for lane in lanes:
        placement = Placement.of(lane)
        if placement not in known:
            declared = {name: value for name, value in placement.to_dict().items() if value}
            message = f"The route of {lane['shop']} names {placement}, and the Dag has no tasks there"
            remedy = f"Airflow needs to know it when it loads the Dag file: add placements=[{declared}] at the Dag."
            raise FatalError(message, remedy=remedy)
