"""Yotpo's orders and their fulfillments: create, update, list and read.

An order or fulfillment omits keys that were never set. A fulfillment inside an order has no id; on its own, its id is
called ``id``. Recorded: https://github.com/ldgnoack/yotpo-ruby, ``spec/cassettes``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yotpo.errors import ApiError
from airflow_provider_partners.sandbox.yotpo.properties import FULFILLMENT, ORDER
from airflow_provider_partners.sandbox.yotpo.records import Records, merge_fields, omit_null_cursor, visible_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_partners.sandbox.store import Document
    from airflow_provider_partners.sandbox.yotpo.request import Call, OperationResult

# https://core-api.yotpo.com/reference/orders
_MAX_LINES = 500
_MAX_FULFILLMENTS = 100
_SIX_MONTHS_IN_DAYS = 183
_EMBEDDED_KEYS = ("fulfillment_date", "status", "shipment_info", "fulfilled_items", "external_id")


def create_order(call: Call) -> OperationResult:
    """``POST orders``."""
    records, payload = call.records, call.checked_body("order", ORDER)
    _refuse_far_dates(records, payload)
    if records.id_of("order", payload["external_id"]) is not None:
        raise ApiError(409, f"Order with external_id {payload['external_id']} already exists")
    if not payload["line_items"]:
        raise ApiError(400, "line_items can't be empty")
    yotpo_id, now = records.new_id(), records.now()
    order = {
        # The external id replaces a missing name: https://core-api.yotpo.com/reference/orders
        "order_name": payload["external_id"],
        **payload,
        "line_items": _merged_lines(records, [], payload["line_items"]),
        "source": "orders_api_v3",
        "yotpo_id": yotpo_id,
        "store_id": records.store_id,
        "created_at": now,
        "updated_at": now,
        "_id": yotpo_id,
    }
    fulfillments = _merged_fulfillments(records, order, [], order.pop("fulfillments", []))
    order = _save_fulfillments(records, order, fulfillments)
    records.add("order", order, lag=records.switches["yotpo.visibility_lag"])
    return 201, {"order": {"yotpo_id": yotpo_id}}


def update_order(call: Call) -> OperationResult:
    """``PATCH orders/{id}``: merge the payload into the order. Nothing is ever removed."""
    records = call.records
    order = records.get_record("order", call.ids[0], hidden=True)
    payload = call.checked_body("order", ORDER, partial=True)
    _refuse_far_dates(records, payload)
    renamed = payload.get("external_id", order["external_id"]) != order["external_id"]
    if renamed and records.id_of("order", payload["external_id"]) is not None:
        raise ApiError(409, f"Order with external_id {payload['external_id']} already exists")
    embedded = payload.pop("fulfillments", [])
    lines = _merged_lines(records, order["line_items"], payload.pop("line_items", []))
    changed = records.updated(order, payload) | {"line_items": lines, "updated_at": records.now()}
    fulfillments = _merged_fulfillments(records, changed, _fulfillments(records, order), embedded)
    if renamed:
        records.rename("order", order["_id"], order["external_id"], payload["external_id"])
    records.save("order", _save_fulfillments(records, changed, fulfillments))
    return call.update_response()


def read_order(call: Call) -> OperationResult:
    """``GET orders/{id}``."""
    order = call.records.get_record("order", call.ids[0])
    return 200, {"order": _visible_order(call.records, order)}


def list_orders(call: Call) -> OperationResult:
    """``GET orders``."""
    query = call.list_query("orders", "external_ids", "order_date_min", "order_date_max")
    orders = call.records.select("order", query.external_ids())
    if (first := query.timestamp("order_date_min")) is not None:
        orders = [each for each in orders if each["order_date"] >= first]
    if (last := query.timestamp("order_date_max")) is not None:
        orders = [each for each in orders if each["order_date"] <= last]
    page, cursor = query.take_page(orders)
    return 200, {
        "orders": [_visible_order(call.records, each) for each in page],
        "pagination": omit_null_cursor(cursor),
    }


def create_fulfillment(call: Call) -> OperationResult:
    """``POST orders/{id}/fulfillments``."""
    records = call.records
    order = records.get_record("order", call.ids[0], hidden=True)
    payload = call.checked_body("fulfillment", FULFILLMENT)
    present = _fulfillments(records, order)
    is_duplicate = any(each.get("external_id") == payload["external_id"] for each in present)
    if is_duplicate and records.switches["yotpo.duplicate_fulfillment"] == 409:
        raise ApiError(409, f"Fulfillment with external_id {payload['external_id']} already exists")
    fulfillment = _new_fulfillment(records, order, payload)
    _refuse_foreign_items(order, [fulfillment])
    _refuse_too_many([*present, fulfillment])
    records.save("order", _save_fulfillments(records, order, [fulfillment]))
    return 201, {"fulfillment": {"yotpo_id": fulfillment["id"]}}


def update_fulfillment(call: Call) -> OperationResult:
    """``PATCH orders/{id}/fulfillments/{id}``."""
    order, fulfillment = _order_and_fulfillment(call, hidden=True)
    payload = call.checked_body("fulfillment", FULFILLMENT, partial=True)
    changed = merge_fields(fulfillment, payload) | {"updated_at": call.records.now()}
    _refuse_foreign_items(order, [changed])
    call.records.save("fulfillment", changed)
    return call.update_response()


def read_fulfillment(call: Call) -> OperationResult:
    """``GET orders/{id}/fulfillments/{id}``."""
    _, fulfillment = _order_and_fulfillment(call, hidden=False)
    return 200, {"fulfillment": visible_fields(fulfillment)}


def list_fulfillments(call: Call) -> OperationResult:
    """``GET orders/{id}/fulfillments``."""
    order = call.records.get_record("order", call.ids[0])
    query = call.list_query(f"orders/{order['_id']}/fulfillments")
    page, cursor = query.take_page(_fulfillments(call.records, order))
    return 200, {"fulfillments": [visible_fields(each) for each in page], "pagination": omit_null_cursor(cursor)}


def _refuse_far_dates(records: Records, payload: Document) -> None:
    """Refuse dates that are more than six months away, where that is switched on.

    Yotpo's pages disagree: one refuses such orders, another accepts them and sends no mail.
    """
    if not records.switches["yotpo.refuse_beyond_six_months"] or "order_date" not in payload:
        return
    if abs(records.days_since(payload["order_date"])) > _SIX_MONTHS_IN_DAYS:
        raise ApiError(400, "order_date can be at most 6 months in the past or in the future")


def _merged_lines(records: Records, present: Sequence[Document], payload: Sequence[Document]) -> list[Document]:
    """Return the line items by product: those of the payload added or merged, the others kept."""
    product_ids = [each["external_product_id"] for each in payload]
    if repeated := [product for product, times in Counter(product_ids).items() if times > 1]:
        raise ApiError(400, f"line_items must each name another product: {', '.join(sorted(repeated))}")
    products = _known_products(records, product_ids)
    lines = {each["external_product_id"]: each for each in present}
    now = records.now()
    for yotpo_id, item in enumerate(payload, start=records.new_id(len(payload))):
        product = item["external_product_id"]
        line = lines.get(product, {"yotpo_id": yotpo_id, "created_at": now})
        if records.switches["yotpo.nested_objects"] == "replace":
            line = {name: line[name] for name in ("yotpo_id", "created_at")}
        lines[product] = merge_fields(line, item) | {"updated_at": now, "product_id": products[product]}
    if len(lines) > _MAX_LINES:
        raise ApiError(400, f"line_items has too many members (maximum is {_MAX_LINES})")
    return list(lines.values())


def _known_products(records: Records, external_ids: Sequence[str]) -> dict[str, int]:
    """Return Yotpo's ids of products by external id.

    :raises ApiError: the store has no such product; the message's words are those that Yotpo's connector looks for
        (https://github.com/YotpoLtd/magento2-module-core)
    """
    known = {name: yotpo_id for name in external_ids if (yotpo_id := _product_id(records, name)) is not None}
    if missing := [name for name in external_ids if name not in known]:
        status = records.switches["yotpo.unknown_product_status"]
        raise ApiError(status, f"products not found: {', '.join(missing)}")
    return known


def _product_id(records: Records, external_id: str) -> int | None:
    product_id = records.id_of("product", external_id)
    if product_id is None and records.switches["yotpo.variants_in_line_items"]:
        variant_id = records.id_of("variant", external_id)
        variant = records.find("variant", variant_id, hidden=True) if variant_id is not None else None
        return variant["yotpo_product_id"] if variant else None
    lag = records.switches["yotpo.product_lag"]
    if product_id is not None and lag:
        product = records.find("product", product_id, hidden=True)
        return product_id if product and records.is_older_than(product, lag) else None
    return product_id


def _new_fulfillment(records: Records, order: Document, payload: Document) -> Document:
    yotpo_id, now = records.new_id(), records.now()
    return {
        "shipment_info": {},
        **payload,
        "id": yotpo_id,
        "created_at": now,
        "updated_at": now,
        "store_id": records.store_id,
        "order_id": order["_id"],
        "_id": yotpo_id,
    }


def _merged_fulfillments(
    records: Records, order: Document, present: Sequence[Document], payload: Sequence[Document]
) -> list[Document]:
    """Return the new and changed fulfillments by external id: Yotpo's connector sends all fulfillments again."""
    known = {each["external_id"]: each for each in present if each.get("external_id")}
    merge = records.switches["yotpo.embedded_fulfillments"] == "merge"
    changed: list[Document] = []
    for each in payload:
        fulfillment = known.get(each.get("external_id", "")) if merge else None
        if fulfillment is None:
            changed.append(_new_fulfillment(records, order, each))
        else:
            if records.switches["yotpo.nested_objects"] == "replace":
                fulfillment = {name: value for name, value in fulfillment.items() if name not in _EMBEDDED_KEYS}
            changed.append(merge_fields(fulfillment, each) | {"updated_at": records.now()})
        if each.get("external_id"):
            known[each["external_id"]] = changed[-1]
    _refuse_foreign_items(order, changed)
    _refuse_too_many({each["id"]: each for each in [*present, *changed]})
    return list({each["id"]: each for each in changed}.values())


def _refuse_foreign_items(order: Document, fulfillments: Sequence[Document]) -> None:
    ordered = {each["external_product_id"] for each in order["line_items"]}
    for each in fulfillments:
        foreign = {item["external_product_id"] for item in each.get("fulfilled_items", [])} - ordered
        if foreign:
            raise ApiError(400, f"fulfilled_items name products not in the order: {', '.join(sorted(foreign))}")


def _refuse_too_many(fulfillments: Any) -> None:
    if len(fulfillments) > _MAX_FULFILLMENTS:
        raise ApiError(400, f"fulfillments has too many members (maximum is {_MAX_FULFILLMENTS})")


def _save_fulfillments(records: Records, order: Document, fulfillments: Sequence[Document]) -> Document:
    """Save fulfillments and return the order that lists them."""
    records.save("fulfillment", *fulfillments)
    return order | {
        "_fulfillments": list(dict.fromkeys([*order.get("_fulfillments", []), *(each["id"] for each in fulfillments)]))
    }


def _fulfillments(records: Records, order: Document) -> list[Document]:
    return records.list_records("fulfillment", order.get("_fulfillments", []))


def _order_and_fulfillment(call: Call, *, hidden: bool) -> tuple[Document, Document]:
    order = call.records.get_record("order", call.ids[0], hidden=hidden)
    fulfillment = call.records.get_record("fulfillment", call.ids[1], hidden=True)
    if fulfillment["order_id"] != order["_id"]:
        raise ApiError(404, f"Fulfillment {call.ids[1]} was not found")
    return order, fulfillment


def _visible_order(records: Records, order: Document) -> Document:
    embedded = [{key: each[key] for key in _EMBEDDED_KEYS if key in each} for each in _fulfillments(records, order)]
    return visible_fields(order) | {"fulfillments": embedded}
