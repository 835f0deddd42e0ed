"""The lanes of the order sync's Dags: one shop in one window each, from Shopify to Yotpo, and the summary.

What a lane does is a value, :class:`~airflow_provider_partners.pipelines.lanes.steps.LaneSteps`. A Dag runs it in one
of two granularities: each step is a task, or one task runs all steps of several shops.
:mod:`~airflow_provider_partners.pipelines.shop_selection` selects the shops. Your own Dag can use all of it::

    lanes = select_shops(active_shops.output, [window])
    summary = summarize({"select_shops": lanes}, lanes, map_lanes(ORDER_LANE, lanes))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.lanes.lane import Lane as Lane
    from airflow_provider_partners.pipelines.lanes.lane import shared_params as shared_params
    from airflow_provider_partners.pipelines.lanes.lane import with_lookbacks as with_lookbacks
    from airflow_provider_partners.pipelines.lanes.mapping import map_lanes as map_lanes
    from airflow_provider_partners.pipelines.lanes.one_task import LanesOperator as LanesOperator
    from airflow_provider_partners.pipelines.lanes.order_lane import ORDER_LANE as ORDER_LANE
    from airflow_provider_partners.pipelines.lanes.order_lane import order_steps as order_steps
    from airflow_provider_partners.pipelines.lanes.order_lane import upsert_steps as upsert_steps
    from airflow_provider_partners.pipelines.lanes.run_report import build_summary as build_summary
    from airflow_provider_partners.pipelines.lanes.run_report import fail_on_failed_shops as fail_on_failed_shops
    from airflow_provider_partners.pipelines.lanes.run_report import link_report as link_report
    from airflow_provider_partners.pipelines.lanes.run_report import reject_unknown_params as reject_unknown_params
    from airflow_provider_partners.pipelines.lanes.run_report import require_lanes_chosen as require_lanes_chosen
    from airflow_provider_partners.pipelines.lanes.run_report import require_results as require_results
    from airflow_provider_partners.pipelines.lanes.run_report import summarize as summarize
    from airflow_provider_partners.pipelines.lanes.steps import LaneSteps as LaneSteps
    from airflow_provider_partners.pipelines.lanes.steps import Step as Step

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "lane": ["Lane", "shared_params", "with_lookbacks"],
        "mapping": ["map_lanes"],
        "one_task": ["LanesOperator"],
        "order_lane": ["ORDER_LANE", "order_steps", "upsert_steps"],
        "run_report": [
            "build_summary",
            "fail_on_failed_shops",
            "link_report",
            "reject_unknown_params",
            "require_lanes_chosen",
            "require_results",
            "summarize",
        ],
        "steps": ["LaneSteps", "Step"],
    },
)
