"""An order for Yotpo with one line, as the build makes it."""

from __future__ import annotations

from typing import Any

__all__ = ["yotpo_order"]


def yotpo_order(external_id: str, product: str) -> dict[str, Any]:
    """Return an order of one product."""
    line = {"external_product_id": product, "quantity": 1, "total_price": 19.9, "subtotal_price": 19.9}
    return {
        "external_id": external_id,
        "order_date": "2026-05-01T10:20:30Z",
        "currency": "EUR",
        "total_price": 19.9,
        "subtotal_price": 19.9,
        "payment_status": "paid",
        "customer": {"external_id": external_id, "email": f"customer{external_id}@example.com"},
        "line_items": [line],
    }
