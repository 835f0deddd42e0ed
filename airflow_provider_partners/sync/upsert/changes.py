"""The values of a record before and after a write, for a report: short texts, without personal data.

Personal values are masked, see :mod:`airflow_provider_partners.masking`. With ``personal_values`` all are shown, except
tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from airflow_provider_partners.masking import MASK, mask_value
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.outcomes import RecordKind, ValueChange
from airflow_provider_partners.sync.payload.models import MERGE_KEYS
from airflow_provider_partners.sync.upsert.plan import WritePlan, is_satisfied_by

__all__ = ["describe_changes"]

MAX_CHANGES = 20
"""Values that are kept of an updated record."""

MAX_NEW_VALUES = 12
"""Values that are kept of a new record."""

MAX_LENGTH = 80
"""Characters of a value."""

_NEVER_SHOWN = frozenset({"checkout_token"})

_OF_A_NEW_ORDER = (
    *("order_name", "order_date", "total_price", "currency", "payment_status", "cancellation", "custom_properties"),
    *("customer", "line_items", "fulfillments"),
)
"""What describes a new order: the other properties would only fill the list."""


def describe_changes(
    plan: WritePlan, present: Record | None, *, kind: RecordKind, personal_values: bool = False
) -> list[ValueChange]:
    """Return the values that a plan changes, each before and after.

    :param present: the record as Yotpo returns it; ``None`` when Yotpo doesn't have it
    :param personal_values: show personal values too
    """
    if plan.action == "unchanged":
        return []
    changes = _changes(plan, present or {}, kind, personal_values=personal_values)
    return list(islice(changes, MAX_CHANGES if plan.action == "update" else MAX_NEW_VALUES))


def _changes(plan: WritePlan, present: Record, kind: RecordKind, *, personal_values: bool) -> Iterator[ValueChange]:
    is_new = plan.action == "create"
    masked: set[str] = set()
    names = _OF_A_NEW_ORDER if is_new and kind == "order" else tuple(plan.payload)
    for name in names:
        wanted = plan.payload.get(name)
        if name == "external_id":
            continue
        present_leaves = dict(_leaves(present.get(name), name, name))
        for leaf, value in _leaves(wanted, name, name):
            path, field = leaf
            before = present_leaves.get(leaf)
            if _is_empty(value) or is_satisfied_by(before, value, field.rpartition(".")[2]):
                continue
            texts = [
                None if _is_empty(each) else _text(field, each, kind=kind, personal_values=personal_values)
                for each in (before, value)
            ]
            if is_new and texts[1] == MASK:
                # One line for the customer is enough: each of its values would be the same.
                if name in masked:
                    continue
                masked.add(name)
                path = name
            yield {"name": path, "before": texts[0], "after": texts[1]}


def _leaves(value: Any, path: str, field: str) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield the single values inside of a value, each with its path, and with the path without the members' keys."""
    name = field.rpartition(".")[2]
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}", f"{field}.{key}")
    elif isinstance(value, list | tuple) and name in MERGE_KEYS:
        for each in value:
            if isinstance(each, Mapping):
                key = each.get(MERGE_KEYS[name])
                yield from _leaves(
                    {part: inner for part, inner in each.items() if part != MERGE_KEYS[name]}, f"{path}[{key}]", field
                )
    else:
        yield (path, field), value


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _text(field: str, value: Any, *, kind: RecordKind, personal_values: bool) -> str:
    if field in _NEVER_SHOWN or not (personal_values or mask_value(field, value, resource=kind) == value):
        return MASK
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"
