"""Plan the write of one record: create it, update what differs, or nothing.

An update sends whole top-level properties. If anything inside a nested object or array differs, all of it is sent, as
Yotpo's Magento module does (https://github.com/YotpoLtd/magento2-module-core). Yotpo doesn't document whether it merges
or replaces nested values, and a complete value comes out right either way. After an update, the plan for the same
record is "unchanged".

What Yotpo returns differs from what it was sent, so values are compared by their meaning. It returns times without a
zone, leaves out what was never set, and adds keys of its own to nested objects. Its numbers may be integers, floats or
texts. Additional keys, lines and fulfillments are no difference, because an update can't remove them. The plan notes
those that the wanted record had before and has no longer.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from airflow_provider_partners import timestamps
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.payload.base import Payload
from airflow_provider_partners.sync.payload.models import MERGE_KEYS
from airflow_provider_partners.sync.values import to_decimal

_AMOUNTS = frozenset({"total_price", "subtotal_price", "price", "compare_at_price"})

PlannedAction = Literal["create", "update", "unchanged"]

MAX_NOTED_IDS = 20
"""External ids that one note names."""

AMOUNT_TOLERANCE = Decimal("0.005")
"""Amounts within half a cent are equal. Otherwise a server that rounds would show a difference after every update.

Other numbers, such as custom properties, are compared exactly."""


@dataclass(frozen=True, slots=True)
class WritePlan:
    """The next write of one record.

    :param payload: what to send; empty for "unchanged"
    :param changed: top-level properties that differ, for an update
    :param notes: what Yotpo keeps although the wanted record lacks it
    """

    action: PlannedAction
    payload: dict[str, Any]
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan_write(
    wanted: Mapping[str, Any],
    present: Record | None,
    *,
    unmanaged: Container[str] = (),
    partial_of: type[Payload] | None = None,
) -> WritePlan:
    """Return the write that makes Yotpo's order, product or fulfillment match the wanted one.

    :param wanted: the whole payload, as for a create; or a part of one
    :param present: the record as Yotpo returns it; ``None`` when Yotpo doesn't have it
    :param unmanaged: properties that another write takes care of
    :param partial_of: the model of a payload that holds no more than what changes. What Yotpo has besides in a changed
        object or list is sent with it, so that nothing is lost if Yotpo replaces nested values
    """
    if present is None:
        return WritePlan("create", dict(wanted))
    # The external id brought the two together, so it can't differ.
    changed = tuple(
        name
        for name, value in wanted.items()
        if name != "external_id" and not is_satisfied_by(present.get(name), value, name)
    )
    payload = {
        name: _completed_value(partial_of, name, wanted[name], present.get(name))
        if partial_of
        else _value_to_send(name, wanted[name], present.get(name))
        for name in changed
    }
    # A part says nothing of what it doesn't name.
    is_whole = partial_of is None or wanted.keys() >= set(partial_of.required)
    notes = tuple(_kept_values(wanted, present, unmanaged)) if is_whole else ()
    return WritePlan("update" if changed else "unchanged", payload, changed, notes)


def _kept_values(wanted: Mapping[str, Any], present: Record, unmanaged: Container[str]) -> Iterator[str]:
    """Yield a note for each value of an order that Yotpo keeps and no call takes back.

    Yotpo documents that an update adds line items and never removes one, and no call that deletes a fulfillment or
    clears a value (https://core-api.yotpo.com/reference/orders). Null means "not given".
    """
    if "line_items" not in wanted:
        return
    for name, label in (("line_items", "line items"), ("fulfillments", "fulfillments")):
        members = index_by_merge_key(wanted.get(name), name)
        kept = [key for key in index_by_merge_key(present.get(name), name) if key not in members]
        if kept and name not in unmanaged:
            yield f"Yotpo keeps {label} that the order no longer has: {', '.join(kept[:MAX_NOTED_IDS])}"
    if present.get("cancellation") and not wanted.get("cancellation"):
        yield "Yotpo keeps the cancellation of an order that is no longer cancelled"
    lines = index_by_merge_key(present.get("line_items"), "line_items")
    pairs = [(line, lines.get(str(line.get("external_product_id")), {})) for line in wanted["line_items"] or ()]
    coupons = [line for line, kept in pairs if kept.get("coupon_code") and _lost_coupon(line)]
    if coupons:
        products = ", ".join(str(line["external_product_id"]) for line in coupons[:MAX_NOTED_IDS])
        yield f"Yotpo keeps the coupon code of line items that have none: {products}"
    suppressed = [line for line, kept in pairs if _lost_suppression(line, kept)]
    if suppressed and not (wanted.get("custom_properties") or {}).get("suppress_review_request", True):
        products = ", ".join(str(line["external_product_id"]) for line in suppressed[:MAX_NOTED_IDS])
        yield f"Yotpo keeps line items suppressed that the policy decides for the whole order: {products}"


def _lost_coupon(line: Mapping[str, Any]) -> bool:
    """Return True if a line is known to have no coupon. Without the property it is unknown."""
    return not line.get("coupon_code") and (line.get("custom_properties") or {}).get("coupon_used") is False


def _lost_suppression(line: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Return True if Yotpo's line is suppressed and the wanted one says nothing."""
    name = "suppress_review_request"
    return name not in (line.get("custom_properties") or {}) and bool((kept.get("custom_properties") or {}).get(name))


def is_satisfied_by(present: Any, wanted: Any, name: str = "") -> bool:
    """Return True if Yotpo's value already matches the wanted one.

    :param present: the value as Yotpo returns it; ``None`` when it is missing
    :param wanted: the value as it would be sent. ``None``, ``""`` and ``{}`` mean "not given" and always match
    :param name: the property's name
    """
    if name == "group_name" and wanted == "":
        return not present  # An empty name takes a product out of its group.
    if wanted is None or wanted == "":
        return True
    if isinstance(wanted, Mapping):
        return not wanted or (
            isinstance(present, Mapping)
            and all(is_satisfied_by(present.get(key), value, key) for key, value in wanted.items())
        )
    if isinstance(wanted, list | tuple):
        return _list_is_satisfied_by(present or [], wanted, name)
    return present is not None and _comparison(name, wanted)(present, wanted)


def index_by_merge_key(members: Any, name: str) -> dict[str, Any]:
    """Return the members of an array by the key that identifies them.

    :param name: the array, one of :data:`MERGE_KEYS`
    """
    return {str(member.get(MERGE_KEYS[name])): member for member in members or () if isinstance(member, Mapping)}


def _list_is_satisfied_by(present: Any, wanted: list[Any] | tuple[Any, ...], name: str) -> bool:
    if name in MERGE_KEYS:
        members = index_by_merge_key(present, name)
        return all(is_satisfied_by(members.get(str(member.get(MERGE_KEYS[name]))), member) for member in wanted)
    return len(present) == len(wanted) and all(map(is_satisfied_by, present, wanted))


def _comparison(name: str, wanted: Any) -> Callable[[Any, Any], bool]:
    """Return how to compare values of this property."""
    if isinstance(wanted, bool):
        return _same_boolean
    if isinstance(wanted, int | float):
        return _same_amount if name in _AMOUNTS else _same_number
    if name.endswith(("_date", "_at")):
        return _same_time
    return _same_email if name == "email" else _same_text


def _same_boolean(present: Any, wanted: bool) -> bool:
    return str(present).lower() == str(wanted).lower()


def _same_number(present: Any, wanted: float) -> bool:
    left, right = to_decimal(present), to_decimal(wanted)
    return (left is not None and left == right) or _same_double(present, wanted)


def _same_amount(present: Any, wanted: float) -> bool:
    left, right = to_decimal(present), to_decimal(wanted)
    is_close = left is not None and right is not None and abs(left - right) <= AMOUNT_TOLERANCE
    return is_close or _same_double(present, wanted)


def _same_double(present: Any, wanted: float) -> bool:
    """Return True if both are the same double, which is what Yotpo stores: it may write 1e30 with all its digits."""
    if isinstance(present, bool) or not isinstance(wanted, float):
        return False
    try:
        return float(present) == wanted
    except (TypeError, ValueError, OverflowError):
        return False


def _same_time(present: Any, wanted: str) -> bool:
    left, right = timestamps.try_parse(present), timestamps.try_parse(wanted)
    if right is None:
        # A custom property may have any name, such as "gift_date", and any text.
        return _same_text(present, wanted)
    return left is not None and left.replace(microsecond=0) == right.replace(microsecond=0)


def _same_text(present: Any, wanted: str) -> bool:
    return str(present).strip() == wanted.strip()


def _same_email(present: Any, wanted: str) -> bool:
    """Return True without regard to case: a server may store addresses in lower case."""
    return str(present).strip().lower() == wanted.strip().lower()


def _completed_value(model: type[Payload], name: str, wanted: Any, present: Any) -> Any:
    """Return a changed value with all that Yotpo has besides in its object or list."""
    if name == "custom_properties":
        return _merge_custom_properties(wanted, present)
    member = model.member_model(name)
    if member is None or present is None:
        return wanted
    if isinstance(wanted, Mapping):
        return _completed_object(member, wanted, present)
    if name not in {"line_items", "fulfillments"}:
        return wanted
    completed = index_by_merge_key([each for each in present if each.get(MERGE_KEYS[name])], name)
    completed = {key: member.writable(each) for key, each in completed.items()}
    for key, each in index_by_merge_key(wanted, name).items():
        completed[key] = _completed_object(member, each, completed.get(key, {}))
    return list(completed.values())


def _completed_object(model: type[Payload], wanted: Mapping[str, Any], present: Any) -> dict[str, Any]:
    known = model.writable(present) if isinstance(present, Mapping) else {}
    return known | {name: _completed_value(model, name, value, known.get(name)) for name, value in wanted.items()}


def _value_to_send(name: str, wanted: Any, present: Any) -> Any:
    """Return the wanted value, with the custom properties that others have set."""
    if name == "custom_properties":
        return _merge_custom_properties(wanted, present)
    if name == "line_items":
        lines = index_by_merge_key(present, name)
        return [_line_to_send(line, lines.get(line["external_product_id"])) for line in wanted]
    return wanted


def _line_to_send(wanted: dict[str, Any], present: Any) -> dict[str, Any]:
    if "custom_properties" not in wanted or not isinstance(present, Mapping):
        return wanted
    merged = _merge_custom_properties(wanted["custom_properties"], present.get("custom_properties"))
    return {**wanted, "custom_properties": merged}


def _merge_custom_properties(wanted: Mapping[str, Any], present: Any) -> dict[str, Any]:
    # The server may replace the whole map, so an update repeats what is not ours.
    existing = present if isinstance(present, Mapping) else {}
    others = {name: value for name, value in existing.items() if name not in wanted and value is not None}
    return {**others, **wanted}
