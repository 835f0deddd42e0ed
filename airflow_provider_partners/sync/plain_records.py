"""Yotpo records as its API documents them, beside those that were built from a shop's orders.

An order has its properties at the top, as in https://core-api.yotpo.com/reference/create-order, or below ``order``, as
in that call's body. A line may describe its product below ``product``, as in
https://core-api.yotpo.com/reference/send-aggregated-order-info; a product that the store lacks is created from it. What
Yotpo adds to records that it returns is left out, so that what was read can be written.

Yotpo refuses two lines of one product. Lines of one product add up: quantities and prices are summed, a flag is true if
any is, and of other values the first is sent, with a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.payload.models import MERGE_KEYS
from airflow_provider_partners.sync.payload.repairs import to_amount, to_id
from airflow_provider_partners.sync.values import exact_number, to_decimal

__all__ = ["PlainOrder", "is_built", "merge_records", "parse_fulfillments", "parse_order", "record_id", "unwrap"]

_SUMMED = frozenset({"quantity", "total_price", "subtotal_price"})

_NOT_SENT = frozenset({"rejected", "version"})
"""What this package adds to a record: why it was rejected, and what it was built from."""


def is_built(record: Any) -> bool:
    """Return True if a record was built from a shop's order, also if it was rejected since."""
    return isinstance(record, Mapping) and "order" in record and "external_id" in record


def unwrap(record: Mapping[str, Any], envelope: str) -> dict[str, Any]:
    """Return a plain record's properties.

    :param envelope: the key below which a request's body has them
    """
    inner = record.get(envelope)
    fields = inner if isinstance(inner, Mapping) and set(record) <= {envelope, *_NOT_SENT} else record
    return {name: value for name, value in fields.items() if name not in _NOT_SENT}


def record_id(record: Any, envelope: str = "") -> str:
    """Return the external id of a built or plain record as text; empty if it has none."""
    if not isinstance(record, Mapping):
        return ""
    external_id = to_id(unwrap(record, envelope).get("external_id"))
    return external_id if isinstance(external_id, str) else "" if external_id is None else str(external_id)[:255]


@dataclass(slots=True)
class PlainOrder:
    """A plain order, ready for its checks.

    :param payload: its properties, with one line for each product
    :param products: payloads of the products that its lines describe, by external id
    :param notes: what was left out of lines that were added up
    """

    payload: dict[str, Any]
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def parse_order(record: Mapping[str, Any]) -> PlainOrder:
    """Return a plain order with one line for each product."""
    order = PlainOrder(unwrap(record, "order"))
    lines = order.payload.get("line_items")
    if isinstance(lines, list | tuple):
        described = [_without_product(line, order.products) for line in lines]
        order.payload["line_items"] = add_up(described, "line_items", order.notes)
    fulfillments = order.payload.get("fulfillments")
    if isinstance(fulfillments, list | tuple):
        order.payload["fulfillments"] = [_with_added_items(each, order.notes) for each in fulfillments]
    return order


def _without_product(line: Any, products: dict[str, dict[str, Any]]) -> Any:
    """Return a line without the description of its product, which goes to the products."""
    if not isinstance(line, Mapping) or not isinstance(line.get("product"), Mapping):
        return line
    described = {name: value for name, value in line["product"].items() if value is not None}
    product = to_id(line.get("external_product_id") or described.get("external_id"))
    plain = {name: value for name, value in line.items() if name != "product"} | {"external_product_id": product}
    if isinstance(product, str) and product:
        products[product] = {**described, **products.get(product, {}), "external_id": product}
    return plain


def _with_added_items(fulfillment: Any, notes: list[str]) -> Any:
    items = fulfillment.get("fulfilled_items") if isinstance(fulfillment, Mapping) else None
    if not isinstance(items, list | tuple):
        return fulfillment
    return {**fulfillment, "fulfilled_items": add_up(items, "fulfilled_items", notes)}


def parse_fulfillments(record: Mapping[str, Any]) -> Record:
    """Return plain fulfillments in the shape of a built order, whose ``order`` has nothing else.

    :param record: an order with its ``fulfillments``, or one fulfillment with the order's id as ``order_external_id``
    """
    fields, notes = unwrap(unwrap(record, "order"), "fulfillment"), list[str]()
    if "fulfillments" in fields:
        external_id, fulfillments = fields.get("external_id"), fields["fulfillments"]
    else:
        external_id = fields.pop("order_external_id", None)
        fulfillments = [fields]
    members = fulfillments if isinstance(fulfillments, list | tuple) else None
    order = {"fulfillments": fulfillments if members is None else [_with_added_items(each, notes) for each in members]}
    return {"external_id": to_id(external_id), "order": order, "partial": True, "notes": notes}


def add_up(members: Sequence[Any], name: str, notes: list[str]) -> list[Any]:
    """Return lines, or fulfilled items, with one for each product.

    :param members: what is no object, or names no product, stays as it is
    :param name: the array, for notes
    :param notes: gets what was left out
    """
    groups: dict[str, list[Mapping[str, Any]]] = {}
    others = []
    for member in members:
        product = to_id(member.get("external_product_id")) if isinstance(member, Mapping) else None
        if isinstance(product, str) and product:
            groups.setdefault(product, []).append(member)
        else:
            others.append(member)
    return [*(_added_up(product, group, name, notes) for product, group in groups.items()), *others]


def _added_up(product: str, group: list[Mapping[str, Any]], name: str, notes: list[str]) -> Mapping[str, Any]:
    if len(group) == 1:
        return group[0]
    total: dict[str, Any] = {}
    for key in dict.fromkeys(key for member in group for key in member):
        values = [member.get(key) for member in group]
        if key in _SUMMED:
            total[key] = _sum(values)
            if total[key] is None and any(map(_is_given, values)):
                notes.append(f"{name} that are added up don't all have {key}, which is left out: {product}")
            continue
        total[key], differing = _first(values, key)
        notes += [f"{name} that are added up differ in {path}, and the first is sent: {product}" for path in differing]
    return total


def _first(values: list[Any], path: str) -> tuple[Any, list[str]]:
    """Return the first value that is given (of flags, true if any is), and the paths at which others differ."""
    given = [value for value in values if _is_given(value)]
    if given and all(isinstance(value, Mapping) for value in given):
        first: dict[str, Any] = {}
        differing: list[str] = []
        for name in dict.fromkeys(name for value in given for name in value):
            first[name], paths = _first([value.get(name) for value in given], f"{path}.{name}")
            differing += paths
        return first, differing
    if given and all(isinstance(value, bool) for value in given):
        return any(given), []
    return (given[0], [path] if any(value != given[0] for value in given) else []) if given else (None, [])


def _is_given(value: Any) -> bool:
    return value is not None and value != ""


def _sum(values: list[Any]) -> Any:
    """Return the exact sum; ``None`` if a number is missing; what is no number as it is, for the model's check."""
    if not all(map(_is_given, values)):
        return None
    total = Decimal(0)
    for value in values:
        amount = None if isinstance(value, bool) or isinstance(to_amount(value), str) else to_decimal(to_amount(value))
        if amount is None:
            return value
        total += amount
    return exact_number(total)


def merge_records(records: Iterable[Mapping[str, Any]]) -> Record:
    """Return several plain records of one id as one, as if they were written one after the other.

    Objects merge, lines merge by their product and fulfillments by their id, and of other values the last counts. What
    is ``None`` or empty changes nothing.
    """
    merged: Record = {}
    for record in records:
        merged = _merged(merged, record)
    return merged


def _merged(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> Record:
    merged = dict(earlier)
    for name, value in later.items():
        present = merged.get(name)
        if not _is_given(value):
            merged.setdefault(name, value)
        elif isinstance(value, Mapping) and isinstance(present, Mapping):
            merged[name] = _merged(present, value)
        elif name in {"line_items", "fulfillments"} and isinstance(present, list) and isinstance(value, list):
            merged[name] = _merged_members(present, value, MERGE_KEYS[name])
        else:
            merged[name] = value
    return merged


def _merged_members(earlier: list[Any], later: list[Any], key: str) -> list[Any]:
    """Return the members of both lists. Those of one list are not merged with each other: lines of a record add up."""
    ids = {_member_id(member, key) for member in later} - {None}
    kept = [member for member in earlier if _member_id(member, key) not in ids]
    earlier_by_id = {_member_id(member, key): member for member in earlier}
    seen: set[Any] = set()
    merged = []
    for member in later:
        id_ = _member_id(member, key)
        is_first = id_ is not None and id_ in earlier_by_id and id_ not in seen
        seen.add(id_)
        merged.append(_merged(earlier_by_id[id_], member) if is_first else member)
    return [*kept, *merged]


def _member_id(member: Any, key: str) -> Any:
    id_ = to_id(member.get(key)) if isinstance(member, Mapping) else None
    return id_ if isinstance(id_, str) else None
