"""Yotpo's orders and their fulfillments: create, update, list, read, and what may be in one another.

Orders and fulfillments omit keys never set when read; a fulfillment inside an order has no Yotpo id, and by itself it
is called ``id`` (recorded live responses).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yotpo.properties import FULFILLMENT, ORDER
from airflow_provider_partners.sandbox.yotpo.records import Records, ended, merge_fields, visible_fields
from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_partners.sandbox.store import Document
    from airflow_provider_partners.sandbox.yotpo.request import Call, OperationResult

_MAX_LINES = 500
_MAX_FULFILLMENTS = 100
_SIX_MONTHS = 183  # days
_EMBEDDED_KEYS = ("fulfillment_date", "status", "shipment_info", "fulfilled_items", "external_id")


def create_order(call: Call) -> OperationResult:
    """``POST orders``."""
    records, given = call.records, call.checked_body("order", ORDER)
    _refuse_far_dates(records, given)
    if records.number_of("order", given["external_id"]) is not None:
        raise ApiError(409, f"Order with external_id {given['external_id']} already exists")
    if not given["line_items"]:
        raise ApiError(400, "line_items can't be empty")
    number, now = records.new_id(), records.now()
    order = {
        "order_name": given["external_id"],  # documented: the external id is used when there is no name
        **given,
        "line_items": _merged_lines(records, [], given["line_items"]),
        "source": "orders_api_v3",
        "yotpo_id": number,
        "store_id": records.store_id,
        "created_at": now,
        "updated_at": now,
        "_id": number,
    }
    written = _merged_fulfillments(records, order, [], order.pop("fulfillments", []))
    order = _with_fulfillments(records, order, written)
    records.add("order", order, lag=records.switches["yotpo.visibility_lag"])
    return 201, {"order": {"yotpo_id": number}}


def update_order(call: Call) -> OperationResult:
    """``PATCH orders/{id}``: what is given is merged into what is there; nothing is ever removed."""
    records = call.records
    order = records.get_record("order", call.ids[0], hidden=True)
    given = call.checked_body("order", ORDER, partial=True)
    _refuse_far_dates(records, given)
    renamed = given.get("external_id", order["external_id"]) != order["external_id"]
    if renamed and records.number_of("order", given["external_id"]) is not None:
        raise ApiError(409, f"Order with external_id {given['external_id']} already exists")
    embedded = given.pop("fulfillments", [])
    lines = _merged_lines(records, order["line_items"], given.pop("line_items", []))
    changed = merge_fields(order, given) | {"line_items": lines, "updated_at": records.now()}
    written = _merged_fulfillments(records, changed, _fulfillments(records, order), embedded)
    if renamed:
        records.rename("order", order["_id"], order["external_id"], given["external_id"])
    records.save("order", _with_fulfillments(records, changed, written))
    return call.update_response()


def read_order(call: Call) -> OperationResult:
    """``GET orders/{id}``."""
    order = call.records.get_record("order", call.ids[0])
    return 200, {"order": _shown_order(call.records, order)}


def list_orders(call: Call) -> OperationResult:
    """``GET orders``."""
    window = call.page_request("orders", "external_ids", "order_date_min", "order_date_max")
    found = call.records.select("order", window.external_ids())
    if (first := window.time("order_date_min")) is not None:
        found = [each for each in found if each["order_date"] >= first]
    if (last := window.time("order_date_max")) is not None:
        found = [each for each in found if each["order_date"] <= last]
    page, cursor = window.take_page(found)
    return 200, {"orders": [_shown_order(call.records, each) for each in page], "pagination": ended(cursor)}


def create_fulfillment(call: Call) -> OperationResult:
    """``POST orders/{id}/fulfillments``."""
    records = call.records
    order = records.get_record("order", call.ids[0], hidden=True)
    given = call.checked_body("fulfillment", FULFILLMENT)
    present = _fulfillments(records, order)
    taken = any(each.get("external_id") == given["external_id"] for each in present)
    if taken and records.switches["yotpo.duplicate_fulfillment"] == 409:
        raise ApiError(409, f"Fulfillment with external_id {given['external_id']} already exists")
    made = _new_order(records, order, given)
    _refuse_foreign_items(order, [made])
    _refuse_too_many([*present, made])
    records.save("order", _with_fulfillments(records, order, [made]))
    return 201, {"fulfillment": {"yotpo_id": made["id"]}}


def update_fulfillment(call: Call) -> OperationResult:
    """``PATCH orders/{id}/fulfillments/{id}``."""
    order, fulfillment = _pair(call, hidden=True)
    given = call.checked_body("fulfillment", FULFILLMENT, partial=True)
    changed = merge_fields(fulfillment, given) | {"updated_at": call.records.now()}
    _refuse_foreign_items(order, [changed])
    call.records.save("fulfillment", changed)
    return call.update_response()


def read_fulfillment(call: Call) -> OperationResult:
    """``GET orders/{id}/fulfillments/{id}``."""
    _, fulfillment = _pair(call, hidden=False)
    return 200, {"fulfillment": visible_fields(fulfillment)}


def list_fulfillments(call: Call) -> OperationResult:
    """``GET orders/{id}/fulfillments``."""
    order = call.records.get_record("order", call.ids[0])
    window = call.page_request(f"orders/{order['_id']}/fulfillments")
    page, cursor = window.take_page(_fulfillments(call.records, order))
    return 200, {"fulfillments": [visible_fields(each) for each in page], "pagination": ended(cursor)}


def _refuse_far_dates(records: Records, given: Document) -> None:
    """One page says orders may lie six months back or ahead, another that older ones only get no mail."""
    if not records.switches["yotpo.refuse_beyond_six_months"] or "order_date" not in given:
        return
    if abs(records.days_since(given["order_date"])) > _SIX_MONTHS:
        raise ApiError(400, "order_date can be at most 6 months in the past or in the future")


def _merged_lines(records: Records, present: Sequence[Document], given: Sequence[Document]) -> list[Document]:
    """Line items by product: those given added or overwritten, the others kept."""
    named = [each["external_product_id"] for each in given]
    if twice := [product for product, times in Counter(named).items() if times > 1]:
        raise ApiError(400, f"line_items must each name another product: {', '.join(sorted(twice))}")
    products = _known_products(records, named)
    lines = {each["external_product_id"]: each for each in present}
    now = records.now()
    for number, item in enumerate(given, start=records.new_id(len(given))):
        product = item["external_product_id"]
        kept = lines.get(product, {"yotpo_id": number, "created_at": now})
        lines[product] = merge_fields(kept, item) | {"updated_at": now, "product_id": products[product]}
    if len(lines) > _MAX_LINES:
        raise ApiError(400, f"line_items has too many members (maximum is {_MAX_LINES})")
    return list(lines.values())


def _known_products(records: Records, named: Sequence[str]) -> dict[str, int]:
    """Yotpo's ids of the products named.

    :raises Refusal: if any isn't a product of this store, in the words that Yotpo's own connector looks for
    """
    known = {name: number for name in named if (number := _product(records, name)) is not None}
    if missing := [name for name in named if name not in known]:
        status = records.switches["yotpo.unknown_product_status"]
        raise ApiError(status, f"products not found: {', '.join(missing)}")
    return known


def _product(records: Records, external_id: str) -> int | None:
    number = records.number_of("product", external_id)
    if number is None and records.switches["yotpo.variants_in_line_items"]:
        variant = records.number_of("variant", external_id)
        found = records.find("variant", variant, hidden=True) if variant is not None else None
        return found["yotpo_product_id"] if found else None
    lag = records.switches["yotpo.product_lag"]
    if number is not None and lag:
        found = records.find("product", number, hidden=True)
        return number if found and records.settled(found, lag) else None
    return number


def _new_order(records: Records, order: Document, given: Document) -> Document:
    number, now = records.new_id(), records.now()
    return {
        "shipment_info": {},
        **given,
        "id": number,
        "created_at": now,
        "updated_at": now,
        "store_id": records.store_id,
        "order_id": order["_id"],
        "_id": number,
    }


def _merged_fulfillments(
    records: Records, order: Document, present: Sequence[Document], given: Sequence[Document]
) -> list[Document]:
    """The fulfillments that change or come, merged by external id: Yotpo's connector re-sends all of them."""
    known = {each["external_id"]: each for each in present if each.get("external_id")}
    merge = records.switches["yotpo.embedded_fulfillments"] == "merge"
    written: list[Document] = []
    for each in given:
        kept = known.get(each.get("external_id", "")) if merge else None
        if kept is None:
            written.append(_new_order(records, order, each))
        else:
            written.append(merge_fields(kept, each) | {"updated_at": records.now()})
        if each.get("external_id"):
            known[each["external_id"]] = written[-1]
    _refuse_foreign_items(order, written)
    _refuse_too_many({each["id"]: each for each in [*present, *written]})
    return list({each["id"]: each for each in written}.values())


def _refuse_foreign_items(order: Document, fulfillments: Sequence[Document]) -> None:
    ordered = {each["external_product_id"] for each in order["line_items"]}
    for each in fulfillments:
        foreign = {item["external_product_id"] for item in each.get("fulfilled_items", [])} - ordered
        if foreign:
            raise ApiError(400, f"fulfilled_items name products not in the order: {', '.join(sorted(foreign))}")


def _refuse_too_many(fulfillments: Any) -> None:
    if len(fulfillments) > _MAX_FULFILLMENTS:
        raise ApiError(400, f"fulfillments has too many members (maximum is {_MAX_FULFILLMENTS})")


def _with_fulfillments(records: Records, order: Document, written: Sequence[Document]) -> Document:
    """Store the fulfillments; the order that knows them."""
    records.save("fulfillment", *written)
    return order | {"_fulfillments": list(dict.fromkeys([*order.get("_fulfillments", []), *_ids(written)]))}


def _ids(fulfillments: Sequence[Document]) -> list[int]:
    return [each["id"] for each in fulfillments]


def _fulfillments(records: Records, order: Document) -> list[Document]:
    return records.list_records("fulfillment", order.get("_fulfillments", []))


def _pair(call: Call, *, hidden: bool) -> tuple[Document, Document]:
    order = call.records.get_record("order", call.ids[0], hidden=hidden)
    fulfillment = call.records.get_record("fulfillment", call.ids[1], hidden=True)
    if fulfillment["order_id"] != order["_id"]:
        raise ApiError(404, f"Fulfillment {call.ids[1]} was not found")
    return order, fulfillment


def _shown_order(records: Records, order: Document) -> Document:
    inside = [{key: each[key] for key in _EMBEDDED_KEYS if key in each} for each in _fulfillments(records, order)]
    return visible_fields(order) | {"fulfillments": inside}
