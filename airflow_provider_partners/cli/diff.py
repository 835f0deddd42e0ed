"""``diff``: one order in Shopify, Yofi and Yotpo, side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.cli.exits import FOUND, OK, UsageError
from airflow_provider_partners.cli.masking import mask_at
from airflow_provider_partners.cli.output import Output
from airflow_provider_partners.cli.partners import find_route, open_hook

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.routing import Route
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


@dataclass(slots=True)
class _Sources:
    """What the partners have of one order."""

    order: Record
    returns: list[Record] = field(default_factory=list)
    claims: list[Record] = field(default_factory=list)
    customers: list[Record] = field(default_factory=list)
    redemptions: list[Record] | None = None
    redemptions_from: datetime | None = None


def run(options: Any, output: Output) -> int:
    """Compare the order, and print what differs."""
    route = find_route(options.shop, options.routes)
    lane = _lane(route, options)
    with output.progress("Reading the order", 4) as advance:
        sources = _read_sources(route, lane, options.order, advance)
        built = _build(sources, lane)
        present = _at_yotpo(route, built.external_id)
        advance()
    result = _compare(sources, built, present)
    if not options.personal_data:
        for each in result["values"]:
            each |= {name: mask_at(each["field"], each[name]) for name in ("to_send", "at_yotpo")}
    result["values"] = [each for each in result["values"] if options.show_all or not each["equal"]]
    if output.as_json:
        output.document(result)
    else:
        _print(result, output, show_all=options.show_all)
    return OK if result["state"] == "same" else FOUND


def _lane(route: Route, options: Any) -> dict[str, Any]:
    """Return the route with all that its orders are built with."""
    from airflow_provider_partners.pipelines.routing import select_lanes

    build = {"options": options.options, "policy": options.policy}
    lane: dict[str, Any] = select_lanes([route], build={name: value for name, value in build.items() if value}).lanes[0]
    return lane


def _read_sources(route: Route, lane: Mapping[str, Any], wanted: str, advance: Any) -> _Sources:
    from airflow_provider_partners.pipelines.order_arguments import CLAIMS_LOOKBACK, COUPONS_LOOKBACK

    sources = _Sources(_find_order(route, lane, wanted))
    advance()
    now = datetime.now(UTC)
    order = sources.order
    if route.yofi_conn_id:
        with open_hook("yofi", route.yofi_conn_id, shop=route.shop) as yofi:
            order_ids = [str(order["legacyResourceId"])]
            sources.returns = list(yofi.extract("returns", match={"order_id": order_ids}).records())
            if customer_id := (order.get("customer") or {}).get("legacyResourceId"):
                customers = yofi.extract("customers", match={"customer_id": [str(customer_id)]})
                sources.customers = list(customers.records())
            sources.claims = list(yofi.extract("claims", since=now - CLAIMS_LOOKBACK, until=now).records())
    advance()
    if route.voucherify_conn_id:
        sources.redemptions_from = timestamps.parse(order["createdAt"]) - COUPONS_LOOKBACK
        with open_hook("voucherify", route.voucherify_conn_id) as voucherify:
            found = voucherify.extract("redemptions", since=sources.redemptions_from, until=now)
            sources.redemptions = list(found.records())
    advance()
    return sources


def _find_order(route: Route, lane: Mapping[str, Any], wanted: str) -> Record:
    """Return the order from Shopify.

    :raises UsageError: when there is none
    """
    by_id = _ID.fullmatch(wanted.strip())
    name = wanted.strip().removeprefix("#")
    if not by_id and not re.fullmatch(r"[\w.-]{1,60}", name):
        message = f"{wanted!r} is neither the id of an order nor its name, such as '#1042'"
        raise UsageError(message)
    selection: dict[str, Any] = {"match": {"id": [by_id[1]]}} if by_id else {"query": f'name:"{name}"'}
    with open_hook("shopify_admin", route.shopify_admin_conn_id, shop=route.shop) as shopify:
        found = shopify.extract("orders", personal_data=route.personal_data, fields=lane["fields"] or None, **selection)
        # Shopify's search finds words: '#1042' also finds '#1042-A'.
        orders = [order for order in found.records() if by_id or order.get("name") in {name, f"#{name}", wanted}]
    if not orders:
        message = f"{route.shop} has no order {wanted}, or the token may not see it"
        raise UsageError(message)
    return orders[0]


def _build(sources: _Sources, lane: Mapping[str, Any]) -> BuiltOrder | UnmappableOrder:
    from airflow_provider_partners import sync

    (built,) = sync.build_orders(
        [sources.order],
        sources.returns,
        sources.claims,
        customers=sources.customers,
        redemptions=sources.redemptions,
        redemptions_from=sources.redemptions_from,
        shop=lane["shop"],
        **{name: lane[name] for name in ("options", "policy", "coupon_policy", "transform")},
        predictions=_predictions(lane["predictions"]),
    )
    return built


def _predictions(uri: str | None) -> Iterable[Record]:
    """Return the predictions that the route names."""
    from airflow_provider_partners.datasets.reader import published_dataset
    from airflow_provider_partners.datasets.source import RecordSource

    return RecordSource(references=(published_dataset(uri),)).read() if uri else ()


def _at_yotpo(route: Route, external_id: str) -> Record | None:
    with open_hook("yotpo", route.yotpo_conn_id) as yotpo:
        found: Mapping[str, Record] = yotpo.orders([external_id])
        return found.get(external_id)


def _compare(sources: _Sources, built: BuiltOrder | UnmappableOrder, present: Record | None) -> dict[str, Any]:
    from airflow_provider_partners.sync import UnmappableOrder
    from airflow_provider_partners.sync.upsert.plan import plan_write

    result: dict[str, Any] = {
        "order": built.external_id,
        "shopify": {name: sources.order.get(name) for name in _ORDER_FACTS},
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


def _yofi_facts(sources: _Sources) -> dict[str, Any]:
    from airflow_provider_partners.sync import join_orders
    from airflow_provider_partners.sync.suppression import predictions

    ((_, context),) = join_orders(
        [sources.order], returns=sources.returns, claims=sources.claims, customers=sources.customers
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
