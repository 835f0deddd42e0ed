"""What to do so that Yotpo has what is wanted: create, update with what differs, or nothing. Pure.

An update carries whole top-level properties: a nested object or array of which anything differs is sent complete, as
Yotpo's own Magento module does. Yotpo doesn't say whether it merges or replaces nested values, and a complete one comes
out right either way. After an update, the plan for the same order is "unchanged".

Whether what Yotpo has already says what is wanted, through the differences between what it takes and what it gives.

It gives times without a zone, leaves out what was never set, adds keys of its own to nested objects, and its numbers
may come as integers, floats or texts. Extra keys, lines and fulfillments don't count: an update can't take them away.
Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.payload.models import MAX_CUSTOM_PROPERTIES
from airflow_provider_partners.sync.values import parse_timestamp, to_decimal

MERGE_KEYS: Mapping[str, str] = {
    "line_items": "external_product_id",
    "fulfillments": "external_id",
    "fulfilled_items": "external_product_id",
}
"""The arrays that Yotpo merges, and by what their members are told apart."""

AMOUNT_TOLERANCE = Decimal("0.005")
"""Amounts are equal up to half a cent: a server that rounds must not look like a difference for ever."""


def is_satisfied_by(present: Any, wanted: Any, name: str = "") -> bool:
    """Whether a value that Yotpo has says what is wanted.

    :param present: as read; None where it is missing
    :param wanted: as it would be sent; None, an empty text or object is "not given" and always said
    :param name: the property's name
    """
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


def index_by_merge_key(rows: Any, name: str) -> dict[str, Any]:
    """The members of an array by what tells them apart."""
    return {str(row.get(MERGE_KEYS[name])): row for row in rows or () if isinstance(row, Mapping)}


def _list_is_satisfied_by(present: Any, wanted: list[Any] | tuple[Any, ...], name: str) -> bool:
    if name in MERGE_KEYS:
        rows = index_by_merge_key(present, name)
        return all(is_satisfied_by(rows.get(str(row.get(MERGE_KEYS[name]))), row) for row in wanted)
    return len(present) == len(wanted) and all(map(is_satisfied_by, present, wanted))


def _comparison(name: str, wanted: Any) -> Callable[[Any, Any], bool]:
    """How values of this kind are compared."""
    if isinstance(wanted, bool):
        return _same_boolean
    if isinstance(wanted, int | float):
        return _same_number
    if name.endswith(("_date", "_at")):
        return _same_time
    return _same_email if name == "email" else _same_text


def _same_boolean(present: Any, wanted: bool) -> bool:
    return str(present).lower() == str(wanted).lower()


def _same_number(present: Any, wanted: float) -> bool:
    found, sought = to_decimal(present), to_decimal(wanted)
    return found is not None and sought is not None and abs(found - sought) <= AMOUNT_TOLERANCE


def _same_time(present: Any, wanted: str) -> bool:
    found, sought = parse_timestamp(present), parse_timestamp(wanted)
    return found is not None and sought is not None and found.replace(microsecond=0) == sought.replace(microsecond=0)


def _same_text(present: Any, wanted: str) -> bool:
    return str(present).strip() == wanted.strip()


def _same_email(present: Any, wanted: str) -> bool:
    """E-mails without regard to case: a server may keep them in small letters."""
    return str(present).strip().lower() == wanted.strip().lower()


PlannedAction = Literal["create", "update", "unchanged"]


@dataclass(frozen=True, slots=True)
class WritePlan:
    """The next step for one record.

    :param payload: what is sent; empty when nothing is
    :param changed: top-level properties that differ, for an update
    """

    action: PlannedAction
    payload: dict[str, Any]
    changed: tuple[str, ...] = ()


def plan_write(wanted: Mapping[str, Any], present: Record | None) -> WritePlan:
    """Plan one order, product or fulfillment.

    :param wanted: the whole payload as for creating it
    :param present: the record as Yotpo gives it; None when it has none
    """
    if present is None:
        return WritePlan("create", dict(wanted))
    return _update(wanted, present)


def _update(wanted: Mapping[str, Any], present: Record) -> WritePlan:
    """What differs; never the external id, by which the two were brought together."""
    changed = tuple(
        name
        for name, value in wanted.items()
        if name != "external_id" and not is_satisfied_by(present.get(name), value, name)
    )
    payload = {name: _value_to_send(name, wanted[name], present.get(name)) for name in changed}
    return WritePlan("update" if changed else "unchanged", payload, changed)


def _value_to_send(name: str, wanted: Any, present: Any) -> Any:
    """The wanted value together with custom properties that others have set, in case the server replaces the map."""
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
    others = present if isinstance(present, Mapping) else {}
    kept = {name: value for name, value in others.items() if name not in wanted and value is not None}
    room = MAX_CUSTOM_PROPERTIES - len(wanted)
    return {**dict(list(kept.items())[:room]), **wanted}
