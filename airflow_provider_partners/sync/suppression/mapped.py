"""Suppression by a mapped property: ``suppress_review_request`` of ``order_properties`` or ``line_properties``.

The policy and the mapping both suppress, and neither lifts what the other one suppresses: a request that is not sent
can still be sent later, and one that was sent can't be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_partners.sync.suppression.policy import Suppression

_NAME = "suppress_review_request"


def add_mapped_suppression(decision: Suppression, order: Mapping[str, Any]) -> Suppression:
    """Return the policy's decision with what the mapping suppresses.

    :param order: the mapped payload
    """
    if _is_suppressed(order):
        reasons = (*decision.reasons, f"{_NAME} of the order's properties is true")
        return Suppression(reasons, whole_order=True)
    products = {line["external_product_id"] for line in order.get("line_items") or () if _is_suppressed(line)}
    if not products:
        return decision
    reasons = (*decision.reasons, f"{_NAME} of the line's properties is true")
    suppressed = frozenset() if decision.whole_order else decision.products | products
    return replace(decision, reasons=reasons, products=suppressed)


def _is_suppressed(record: Mapping[str, Any]) -> bool:
    return (record.get("custom_properties") or {}).get(_NAME) is True
