"""``diff``: one order in Shopify, Yofi and Yotpo, side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.cli.exits import FOUND, OK, UsageError
from airflow_provider_partners.cli.orders import OrderSources, build, find_lane, read_orders, read_sources
from airflow_provider_partners.cli.output import Output
from airflow_provider_partners.cli.partners import find_route, open_hook
from airflow_provider_partners.masking import mask_value

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.sync import BuiltOrder, UnmappableOrder

__all__ = ["run"]

_ID = re.compile(r"(?:gid://shopify/Order/)?(\d{8,})")
"""Shopify's ids of orders have thirteen digits; a shorter number is the number in an order's name."""

_ORDER_FACTS = (
    *("id", "legacyResourceId", "name", "createdAt", "updatedAt", "cancelledAt", "test"),
    *("displayFinancialStatus", "displayFulfillmentStatus"),
)
_STYLES = {"same": "green", "missing": "yellow", "different": "yellow", "not sent": "red"}


def run(options: Any, output: Output) -> int:
    """Compare the order, and print what differs."""
    route = find_route(options.shop, options.routes)
    lane = find_lane(route, options=options.options, policy=options.policy)
    with output.progress("Reading the order", 4) as advance:
        sources = _find_order(lane, options.order)
        advance()
        read_sources(lane, sources, advance)
        (built,) = build(lane, sources)
        present = _at_yotpo(lane, built.external_id)
        advance()
    result = _compare(sources, built, present)
    if not options.personal_data:
        for each in result["values"]:
            field = each["field"]
            each |= {name: mask_value(field, each[name], resource="orders") for name in ("to_send", "at_yotpo")}
    result["values"] = [each for each in result["values"] if options.show_all or not each["equal"]]
    if output.as_json:
        output.document(result)
    else:
        _print(result, output, show_all=options.show_all)
    return OK if result["state"] == "same" else FOUND


def _find_order(lane: Mapping[str, Any], wanted: str) -> OrderSources:
    """Return the order from Shopify.

    :raises UsageError: when there is none
    """
    by_id = _ID.fullmatch(wanted.strip())
    name = wanted.strip().removeprefix("#")
    if not by_id and not re.fullmatch(r"[\w.-]{1,60}", name):
        message = f"{wanted!r} is neither the id of an order nor its name, such as '#1042'"
        raise UsageError(message)
    sources = read_orders(lane, **({"match": {"id": [by_id[1]]}} if by_id else {"query": f'name:"{name}"'}))
    # Shopify's search finds words: '#1042' also finds '#1042-A'.
    sources.orders = [each for each in sources.orders if by_id or each.get("name") in {name, f"#{name}", wanted}][:1]
    if not sources.orders:
        message = f"{lane['shop']} has no order {wanted}, or the token may not see it"
        raise UsageError(message, "Without the scope read_all_orders, Shopify hides orders older than 60 days.")
    return sources


def _at_yotpo(lane: Mapping[str, Any], external_id: str) -> Record | None:
    with open_hook("yotpo", lane["yotpo_conn_id"]) as yotpo:
        found: Mapping[str, Record] = yotpo.orders([external_id])
        return found.get(external_id)


def _compare(sources: OrderSources, built: BuiltOrder | UnmappableOrder, present: Record | None) -> dict[str, Any]:
    from airflow_provider_partners.sync import UnmappableOrder
    from airflow_provider_partners.sync.upsert.plan import plan_write

    result: dict[str, Any] = {
        "order": built.external_id,
        "shopify": {name: sources.orders[0].get(name) for name in _ORDER_FACTS},
        "yofi": _yofi_facts(sources),
        "yotpo": None if present is None else {name: present.get(name) for name in ("yotpo_id", "updated_at")},
        "suppressed": [],
        "notes": [],
        "reason": "",
        "values": [],
    }
    if isinstance(built, UnmappableOrder):
        return result | {"state": "not sent", "action": None, "reason": built.reason}
    plan = plan_write(built.order, present)
    state = {"create": "missing", "update": "different", "unchanged": "same"}[plan.action]
    return result | {
        "state": state,
        "action": plan.action,
        "suppressed": list(built.suppressed),
        "notes": [*built.notes, *built.outcome_notes, *plan.notes],
        "values": list(_values(built.order, present or {})),
    }


def _yofi_facts(sources: OrderSources) -> dict[str, Any]:
    from airflow_provider_partners.sync import join_orders
    from airflow_provider_partners.sync.suppression import predictions

    ((_, context),) = join_orders(
        sources.orders, returns=sources.returns, claims=sources.claims, customers=sources.customers
    )
    scores = [
        *(score for record in context.returns for score in predictions.scores_of_return(record)),
        *(score for record in context.returns for score in predictions.scores_of_order(record.get("order"))),
        *predictions.scores_of_customer(context.customer),
        *(score for record in context.returns for score in predictions.scores_of_customer(record.get("customer"))),
    ]
    unique = dict.fromkeys((score.source, score.category, score.value) for score in scores)
    return {
        "returns": [
            {name: record.get(name) for name in ("id", "state", "return_created_at_epoch")}
            for record in context.returns
        ],
        "claims": [{name: claim.get(name) for name in ("id", "of_order")} for claim in context.claims],
        "predictions": [dict(zip(("source", "category", "score"), each, strict=True)) for each in unique],
    }


def _values(wanted: Mapping[str, Any], present: Record) -> Iterator[dict[str, Any]]:
    """Yield each single value that would be sent, beside Yotpo's."""
    from airflow_provider_partners.sync.upsert.plan import is_satisfied_by

    for name, value in wanted.items():
        for path, field_name, sent, kept in _pairs(name, name, value, present.get(name)):
            equal = name == "external_id" or is_satisfied_by(kept, sent, field_name)
            yield {"field": path, "to_send": sent, "at_yotpo": kept, "equal": equal}


def _pairs(path: str, name: str, sent: Any, kept: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield the single values inside of a value, each with its path, its name, and Yotpo's value."""
    from airflow_provider_partners.sync.payload.models import MERGE_KEYS
    from airflow_provider_partners.sync.upsert.plan import index_by_merge_key

    if isinstance(sent, Mapping) and sent:
        others = kept if isinstance(kept, Mapping) else {}
        for key, part in sent.items():
            yield from _pairs(f"{path}.{key}", key, part, others.get(key))
    elif isinstance(sent, list) and name in MERGE_KEYS:
        members = index_by_merge_key(kept, name)
        for key, part in index_by_merge_key(sent, name).items():
            yield from _pairs(f"{path}[{key}]", name, part, members.get(key))
    else:
        yield path, name, sent, kept


def _print(result: Mapping[str, Any], output: Output, *, show_all: bool) -> None:
    shopify, yofi = result["shopify"], result["yofi"]
    output.text(f"Order {shopify['name']} ({result['order']}): {_describe(result)}", _STYLES[result["state"]])
    rows = [["Shopify", name, _shown(value)] for name, value in shopify.items() if value not in (None, "", False)]
    rows += [["Yofi", f"return {each['id']}", _shown(each["state"])] for each in yofi["returns"]]
    rows += [
        ["Yofi", f"claim {each['id']}", "of this order" if each.get("of_order") else "of the customer"]
        for each in yofi["claims"]
    ]
    rows += [["Yofi", f"{each['source']}: {each['category']}", _shown(each["score"])] for each in yofi["predictions"]]
    if not (yofi["returns"] or yofi["claims"] or yofi["predictions"]):
        rows.append(["Yofi", "", "knows nothing of this order"])
    rows += [["Yotpo", name, _shown(value)] for name, value in (result["yotpo"] or {"": "has no such order"}).items()]
    output.table(["where", "what", "value"], rows)
    for reason in result["suppressed"]:
        output.text(f"No review request: {reason}", "yellow")
    for note in result["notes"]:
        output.text(f"Note: {note}", "dim")
    if result["values"]:
        output.table(
            ["", "property", "to send", "at Yotpo"],
            [
                [
                    ("=", "green") if each["equal"] else ("≠", "bold yellow"),
                    each["field"],
                    _shown(each["to_send"]),
                    _shown(each["at_yotpo"]),
                ]
                for each in result["values"]
            ],
        )
    elif result["state"] == "same" and not show_all:
        output.text("All properties are equal; --all lists them.", "dim")


def _describe(result: Mapping[str, Any]) -> str:
    return {
        "same": "Yotpo has it as it would be sent",
        "missing": "the next sync would create it",
        "different": "the next sync would update it",
        "not sent": f"it is not sent: {result['reason']}",
    }[str(result["state"])]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
