"""The end of a lane: its summary from what its steps returned and left, and its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.observability.report import run as report
from airflow_provider_partners.observability.step_log import TryEntry
from airflow_provider_partners.pipelines import run_summary, step_errors

__all__ = [
    "BATCH_SHOPS",
    "FIND_CHANGES",
    "SUMMARIZE_LANE",
    "connections_of",
    "needed_connections",
    "sum_up",
    "sum_up_unchanged",
]

SUMMARIZE_LANE = "summarize_lane"
"""The last step of a lane. It is the same for all lanes."""

BATCH_SHOPS = "batch_shops"
"""The task that shares out the shops among those that find out whether there is something to do."""

FIND_CHANGES = "find_changes"
"""The request that finds out whether there is anything to do in a lane."""

_CONNECTIONS = ("shopify_admin", "yofi", "voucherify", "yotpo")


def connections_of(lane: Any) -> dict[str, Any]:
    """Return a lane's connection ids by partner."""
    return {partner: getattr(lane, f"{partner}_conn_id") for partner in _CONNECTIONS}


def needed_connections(lane: Any, needs: Mapping[str, str]) -> dict[str, Any]:
    """Return the connections without which steps are skipped, by step.

    :param needs: the lane's field of each, by step
    """
    return {step: getattr(lane, conn_id) for step, conn_id in needs.items()}


def sum_up(
    context: Mapping[str, Any],
    *,
    shop: str,
    since: str,
    until: str,
    needs: Mapping[str, str],
    needed: Mapping[str, Any],
    connections: Mapping[str, Any],
    results: Mapping[str, Any],
    found_by: TryEntry | None = None,
) -> run_summary.LaneSummary:
    """Return the summary of one lane, also when one of its steps failed, and store its report.

    :param context: of the lane's last step
    :param since: start of its window
    :param until: end of its window
    :param needs: by step that may be skipped, the field of the route with the connection that it needs
    :param needed: by such step, the id of that connection
    :param connections: connection ids by partner
    :param results: by step, what it returned
    :param found_by: the request that found out that there is something to do
    """
    run_results = {name: result for name, result in results.items() if needed.get(name, name)}
    calls = step_errors.count_calls(context, run_results)
    summary = run_summary.build_lane_summary(
        shop,
        run_results,
        since=since,
        until=until,
        dry_run=parse_bool(context["params"]["dry_run"], "dry_run"),
        begun=step_errors.read_begun(context, run_results),
        api_calls=None if calls is None else calls + _requests(found_by),
    )
    if found_by and found_by["state"] == "warning":
        summary["warning"] = found_by["message"]
    if summary["failed"]:
        summary["error"] = step_errors.read_error(context, summary["failed"])
    report.store_lane(
        context,
        summary,
        results,
        window={"since": since, "until": until},
        absent={name: needs[name] for name in results if name not in run_results},
        connections={name: conn_id for name, conn_id in connections.items() if conn_id},
        found_by={FIND_CHANGES: [found_by]} if found_by else {},
    )
    return summary


def sum_up_unchanged(lane: Mapping[str, Any], found_by: TryEntry | None) -> dict[str, Any]:
    """Return the summary of a lane in which there is nothing to do, without the counts, which are zero.

    The summary and the report of the run are made from it.

    :param lane: with its window
    :param found_by: the request that found this out
    """
    identity = {name: lane[name] for name in ("shop", "since", "until")}
    calls: Sequence[Any] = found_by["calls"] if found_by else ()
    return {
        **identity,
        "no_changes": True,
        "found_by": next((call["api"] for call in calls), None),
        "api_calls": _requests(found_by),
    }


def _requests(found_by: TryEntry | None) -> int:
    calls: Sequence[Any] = found_by["calls"] if found_by else ()
    return sum(call["counts"]["requests"] for call in calls)
