"""``replay``: send orders again that were rejected.

It finds and closes rejects by the code of the Dag ``yotpo_replay_rejects``, and reads, builds and writes the orders by
the code of the order sync.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import settings
from airflow_provider_partners.cli import orders as order_sources
from airflow_provider_partners.cli.exits import FOUND, OK, UsageError
from airflow_provider_partners.cli.output import Cell, Output
from airflow_provider_partners.cli.partners import find_route, open_hook

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.open_rejects import OpenRejects
    from airflow_provider_partners.sync import Outcome

__all__ = ["run"]

_STYLES = {"rejected": "bold red", "stale": "yellow", "unchanged": "dim"}


def run(options: Any, output: Output) -> int:
    """Send the open rejects of a run or of a shop again, shop by shop."""
    from airflow_provider_partners.api.shopify.shops import shop_domain
    from airflow_provider_partners.pipelines.open_rejects import ORDERS, find_open_rejects

    if not (options.run_id or options.shop):
        message = "The command names neither a run nor a shop"
        raise UsageError(message, "Give --run RUN_ID, --shop SHOP, or both.")
    found = find_open_rejects(
        options.dag_id, run_id=options.run_id, shop=shop_domain(options.shop) if options.shop else None
    )
    of_orders = [rejects for rejects in found if rejects.kind == ORDERS]
    by_shop: dict[str, list[OpenRejects]] = {}
    for rejects in of_orders:
        by_shop.setdefault(rejects.shop, []).append(rejects)
    # All routes first: a shop without one must not stop the command in the middle.
    dag_arguments = {"options": options.options, "policy": options.policy}
    lanes = {shop: order_sources.find_lane(find_route(shop, options.routes), **dag_arguments) for shop in by_shop}
    results = [
        result
        for shop, rejects in sorted(by_shop.items())
        for result in _replay_shop(lanes[shop], rejects, output, dry_run=options.dry_run)
    ]
    products = sum(len(rejects.ids) for rejects in found if rejects.kind != ORDERS)
    _print(results, products, options, output)
    return FOUND if any(not result["settled"] for result in results) else OK


def _replay_shop(
    lane: Mapping[str, Any], rejects: Sequence[OpenRejects], output: Output, *, dry_run: bool
) -> list[dict[str, Any]]:
    """Return what became of each rejected order of a shop."""
    from airflow_provider_partners.pipelines.open_rejects import close_rejects
    from airflow_provider_partners.sync import UnmappableOrder

    shop = str(lane["shop"])
    ids = sorted({each for each_rejects in rejects for each in each_rejects.ids})
    results: dict[str, dict[str, Any]] = {}
    with output.progress(f"Sending {shop}", 3 + len(ids)) as advance:
        sources = order_sources.read_orders(lane, is_patient=True, match={"id": ids})
        advance()
        order_sources.read_sources(lane, sources, advance, is_patient=True)
        built = list(order_sources.build(lane, sources))
        for order in built:
            if isinstance(order, UnmappableOrder):
                action = "left out" if order.is_excluded else "rejected"
                results[order.external_id] = _result(shop, order.external_id, action, order.reason)
        ready = [order.to_dict() for order in built if not isinstance(order, UnmappableOrder)]
        for outcome in _write(lane, ready, dry_run=dry_run):
            results[outcome.external_id] = _result(shop, outcome.external_id, outcome.action, outcome.reason or "")
            advance()
    for missing in set(ids) - results.keys():
        reason = "Shopify returns no such order; without the scope read_all_orders it hides orders older than 60 days"
        results[missing] = _result(shop, missing, "not found", reason)
    if not dry_run:
        settled = [external_id for external_id, result in results.items() if result["settled"]]
        for each in rejects:
            close_rejects(each, settled)
    return [results[external_id] for external_id in sorted(results)]


def _result(shop: str, external_id: str, action: str, reason: str) -> dict[str, Any]:
    settled = action not in {"rejected", "not found"}
    return {"shop": shop, "order": external_id, "action": action, "reason": reason, "settled": settled}


def _write(lane: Mapping[str, Any], ready: list[dict[str, Any]], *, dry_run: bool) -> list[Outcome]:
    """Write the products of orders, then the orders; return the outcomes of the orders."""
    from airflow_provider_partners.datasets.location import version_log_uri
    from airflow_provider_partners.datasets.version_log import VersionLog
    from airflow_provider_partners.sync.upsert.orders import upsert_orders
    from airflow_provider_partners.sync.upsert.products import upsert_products

    hook = open_hook("yotpo", lane["yotpo_conn_id"], is_patient=True)
    with hook as client, VersionLog(version_log_uri(hook.account or "")) as versions:
        shared: dict[str, Any] = {"dry_run": dry_run, "workers": settings.parallel_calls(), "versions": versions}
        for _ in upsert_products(client, ready, **shared):
            pass  # A product that is rejected rejects its orders, too.
        return list(upsert_orders(client, ready, **shared))


def _print(results: Sequence[Mapping[str, Any]], products: int, options: Any, output: Output) -> None:
    open_count = sum(not result["settled"] for result in results)
    if output.as_json:
        output.document({"dry_run": options.dry_run, "orders": results, "open": open_count, "products": products})
        return
    if not results:
        output.text(f"{options.dag_id} has no open rejects here: all were replayed, or the datasets are removed.")
    else:
        rows: list[list[Cell]] = [
            [each["shop"], each["order"], (each["action"], _STYLES.get(each["action"], "green")), each["reason"]]
            for each in results
        ]
        output.table(["shop", "order", "what happened", "why"], rows)
        planned = "A dry run: nothing was written, and all rejects stay open." if options.dry_run else ""
        output.text(planned or f"{len(results) - open_count} closed, {open_count} stay open")
    if products:
        output.text(f"{products} rejected products are sent again with the next order that has them.", "dim")
