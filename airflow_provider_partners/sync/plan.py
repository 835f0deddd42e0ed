"""What to do so that Yotpo has what is wanted: create, update with what differs, or nothing. Pure.

An update carries whole top-level properties: a nested object or array of which anything differs is sent complete, as
Yotpo's own Magento module does. Yotpo doesn't say whether it merges or replaces nested values, and a complete one comes
out right either way. After an update, the plan for the same order is "unchanged".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from airflow_provider_partners.api.messages import Record
from airflow_provider_partners.sync.compare import index_by_merge_key, is_satisfied_by
from airflow_provider_partners.sync.models import MAX_CUSTOM_PROPERTIES

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
