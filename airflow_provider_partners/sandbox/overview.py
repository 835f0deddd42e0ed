"""What the sandbox's page shows, as one JSON document: shops, stores, calls, faults and switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow_provider_partners.sandbox.call_log import CallLog
from airflow_provider_partners.sandbox.faults import FaultRules
from airflow_provider_partners.sandbox.store import Document, Sandbox, format_timestamp
from airflow_provider_partners.sandbox.world.build import parameters_of
from airflow_provider_partners.sandbox.world.shops import Shop, world

__all__ = ["describe"]

LATEST_RECORDS = 4
LATEST_CALLS = 60

_COUNTED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "shopify_admin": (("orders", "order"), ("products", "product")),
    "yofi": (("returns", "return"), ("claims", "claim")),
    "yotpo": (("orders", "order"), ("products", "product")),
}
"""By partner, the lists that a shop's card counts, with the kind of their documents."""


def describe(
    sandbox: Sandbox, *, fault_rules: FaultRules, call_log: CallLog, defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document.

    :param defaults: every switch with its default
    """
    parameters = parameters_of(sandbox)
    counts = sandbox.store.counts()
    stores = {store["shop"]: store_id for store_id, store in sandbox.credentials["yotpo"].items()}
    shared: dict[str, dict[str, int]] = {"shopify_partner": {}, "voucherify": {}}
    for (partner, _shop, kind), count in counts.items():
        if partner in shared:
            shared[partner][kind] = shared[partner].get(kind, 0) + count
    return {
        "world": parameters.document(),
        "now": format_timestamp(sandbox.clock()),
        "fixed": sandbox.now is not None,
        "shops": [
            _describe_shop(sandbox, member, stores.get(member.domain), counts) for member in world(parameters.shops)
        ],
        "voucherify": dict(sorted(shared["voucherify"].items())),
        "shopify_partner": dict(sorted(shared["shopify_partner"].items())),
        "calls": [asdict(call) for call in call_log.latest(LATEST_CALLS)],
        "call_counts": dict(sorted(sandbox.calls.copy().items())),
        "faults": [rule.document() for rule in fault_rules.rules()],
        "switches": [
            {"name": name, "value": sandbox.switches.get(name, default), "default": default}
            for name, default in sorted(defaults.items())
        ],
    }


def _describe_shop(
    sandbox: Sandbox, member: Shop, store_id: str | None, counts: Mapping[tuple[str, str, str], int]
) -> dict[str, Any]:
    store, domain = sandbox.store, member.domain
    facts = store.get("shopify_admin", domain, "shop", domain) or {}
    owners = {"shopify_admin": domain, "yofi": domain, "yotpo": store_id or ""}
    return {
        "shop": domain,
        "name": member.name,
        "installed": bool(facts.get("installed")),
        "routed": member.routed,
        "store_id": store_id,
        "counts": {
            partner: {name: counts.get((partner, owners[partner], kind), 0) for name, kind in lists}
            for partner, lists in _COUNTED.items()
        },
        "latest": {
            partner: [
                {"at": at, **entry(body)} for at, body in store.latest(partner, owners[partner], kind, LATEST_RECORDS)
            ]
            for partner, kind, entry in (
                ("shopify_admin", "order", _order_entry),
                ("yofi", "return", _return_entry),
                ("yotpo", "order", _yotpo_entry),
            )
        },
    }


def _order_entry(order: Document) -> dict[str, Any]:
    return {"name": order["name"], "state": str(order.get("displayFinancialStatus") or "").lower().replace("_", " ")}


def _return_entry(record: Document) -> dict[str, Any]:
    attributes = record.get("attributes") or {}
    return {"name": attributes.get("order_name") or record["id"], "state": attributes.get("state") or ""}


def _yotpo_entry(order: Document) -> dict[str, Any]:
    lines = [line for line in order.get("line_items") or () if isinstance(line, dict)]
    properties = [each.get("custom_properties") or {} for each in (order, *lines)]
    is_suppressed = any(each.get("suppress_review_request") for each in properties)
    return {
        "name": order.get("order_name") or order.get("external_id"),
        "state": "no review request" if is_suppressed else "review request",
    }
