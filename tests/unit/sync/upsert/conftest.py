"""A small model of a Yotpo store by its documented rules alone, counting calls."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError

Record = dict[str, Any]


class UnknownProductsInStoreError(RejectedError):
    """The refusal of an order that names products the store doesn't have."""

    def __init__(self, products: Sequence[str], status: int = 404) -> None:
        super().__init__(f"products not found: {', '.join(products)}", partner="Yotpo", status=status)
        self.products = list(products)


class Store:
    """One Yotpo store in memory, counting calls.

    :ivar nested: ``merge`` or ``replace``: what an update does to nested objects (Yotpo doesn't say)
    :ivar takes_lists: whether ``external_ids`` takes a list
    :ivar lag: how many look-ups of an order come back empty after it was created
    """

    unknown = UnknownProductsInStoreError

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.slept: list[float] = []
        self.rows: dict[str, dict[int, Record]] = {"order": {}, "product": {}}
        self.fulfillment_ids: dict[tuple[int, str], int] = {}
        self.nested = "merge"
        self.takes_lists = True
        self.leaks = False
        self.lag = 0
        self.hidden: Counter[str] = Counter()
        self.answers: dict[str, list[Exception]] = {}
        self.sent: list[tuple[str, Record]] = []
        self._next = 4_300_000_000
        self._lock = threading.RLock()

    # look-ups

    def products(self, external_ids: Sequence[str]) -> dict[str, Record]:
        return self._find("product", external_ids)

    def orders(self, external_ids: Sequence[str]) -> dict[str, Record]:
        return self._find("order", external_ids)

    def fulfillments(self, order_yotpo_id: int) -> list[Record]:
        with self._lock:
            self._count("fulfillments.list")
            rows = self.rows["order"][order_yotpo_id]["fulfillments"]
            return [{**row, "id": self.fulfillment_ids[order_yotpo_id, row["external_id"]]} for row in rows]

    def _find(self, kind: str, external_ids: Sequence[str]) -> dict[str, Record]:
        with self._lock:
            self._count(f"{kind}s.list")
            assert len(external_ids) <= 100
            wanted = set(external_ids) if self.takes_lists or len(external_ids) == 1 else set()
            found = {}
            for row in self.rows[kind].values():
                key = row["external_id"]
                if key in wanted and self.hidden[key] > 0:
                    self.hidden[key] -= 1
                elif key in wanted or self.leaks:
                    found[key] = copy.deepcopy(row)
            return found

    # writes

    def create_order(self, payload: Record) -> int:
        with self._lock:
            self._write("orders.create", payload)
            return self._create("order", payload)

    def update_order(self, yotpo_id: int, payload: Record) -> None:
        with self._lock:
            self._write("orders.update", payload)
            if yotpo_id not in self.rows["order"]:
                raise NotFoundError("Order was not found", partner="Yotpo", status=404)
            self._check_products(payload)
            row = self.rows["order"][yotpo_id]
            for name, value in payload.items():
                row[name] = self._merged(name, row.get(name), value)
            self._shape(yotpo_id, row)

    def create_product(self, payload: Record) -> int:
        with self._lock:
            self._write("products.create", payload)
            return self._create("product", payload)

    def update_product(self, yotpo_id: int, payload: Record) -> None:
        with self._lock:
            self._write("products.update", payload)
            if yotpo_id not in self.rows["product"]:
                raise NotFoundError("Product was not found", partner="Yotpo", status=404)
            self.rows["product"][yotpo_id].update(copy.deepcopy(payload))

    def create_fulfillment(self, order_yotpo_id: int, payload: Record) -> int:
        with self._lock:
            self._write("fulfillments.create", payload)
            order = self.rows["order"][order_yotpo_id]
            if any(row["external_id"] == payload["external_id"] for row in order["fulfillments"]):
                raise ConflictError("Fulfillment already exists", partner="Yotpo", status=409)
            order["fulfillments"].append(copy.deepcopy(payload))
            self._shape(order_yotpo_id, order)
            return self.fulfillment_ids[order_yotpo_id, payload["external_id"]]

    def update_fulfillment(self, order_yotpo_id: int, fulfillment_id: int, payload: Record) -> None:
        with self._lock:
            self._write("fulfillments.update", payload)
            for row in self.rows["order"][order_yotpo_id]["fulfillments"]:
                if self.fulfillment_ids[order_yotpo_id, row["external_id"]] == fulfillment_id:
                    row.update(copy.deepcopy(payload))
            self._shape(order_yotpo_id, self.rows["order"][order_yotpo_id])

    # what tests ask

    def has(self, kind: str, external_id: str) -> Record:
        (row,) = [row for row in self.rows[kind].values() if row["external_id"] == external_id]
        return row

    def add_products(self, *external_ids: str) -> None:
        for key in external_ids:
            self._create("product", {"external_id": key})

    def drop(self, kind: str, external_id: str) -> None:
        self.rows[kind] = {key: row for key, row in self.rows[kind].items() if row["external_id"] != external_id}

    @property
    def writes(self) -> int:
        return sum(count for name, count in self.calls.items() if not name.endswith("list"))

    # rules

    def _count(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.answers.get(operation):
            raise self.answers[operation].pop(0)

    def _write(self, operation: str, payload: Record) -> None:
        self.sent.append((operation, copy.deepcopy(payload)))
        self._count(operation)

    def _create(self, kind: str, payload: Record) -> int:
        if any(row["external_id"] == payload["external_id"] for row in self.rows[kind].values()):
            raise ConflictError(f"{kind} already exists", partner="Yotpo", status=409)
        if kind == "order":
            self._check_products(payload)
            self.hidden[payload["external_id"]] = self.lag
        self._next += 1
        row = {**copy.deepcopy(payload), "yotpo_id": self._next, "created_at": "2026-01-01T00:00:00"}
        self.rows[kind][self._next] = row
        if kind == "order":
            row["source"] = "orders_api_v3"
            self._shape(self._next, row)
        return self._next

    def _check_products(self, payload: Record) -> None:
        known = {row["external_id"] for row in self.rows["product"].values()}
        if unknown := [
            line["external_product_id"]
            for line in payload.get("line_items", ())
            if line["external_product_id"] not in known
        ]:
            raise UnknownProductsInStoreError(unknown)

    def _merged(self, name: str, old: Any, new: Any) -> Any:
        key = {"line_items": "external_product_id", "fulfillments": "external_id"}.get(name)
        if key:
            rows = {row[key]: row for row in old or ()}
            for row in new:
                rows[row[key]] = {**rows.get(row[key], {}), **copy.deepcopy(row)}
            return list(rows.values())
        if isinstance(new, dict) and self.nested == "merge":
            return {**(old or {}), **copy.deepcopy(new)}
        return copy.deepcopy(new)

    def _shape(self, yotpo_id: int, row: Record) -> None:
        """As Yotpo gives it back: times without a zone, empty containers, whole amounts as integers, ids of its own."""
        row["order_date"] = row["order_date"].removesuffix("Z")
        row["updated_at"] = "2026-01-01T00:00:00"
        if "cancellation" in row:
            row["cancellation"]["cancellation_date"] = row["cancellation"]["cancellation_date"].removesuffix("Z")
        for name in ("total_price", "subtotal_price"):
            if isinstance(row.get(name), float) and row[name].is_integer():
                row[name] = int(row[name])
        for number, line in enumerate(row.get("line_items", ())):
            line |= {"yotpo_id": 9_000_000_000 + number, "product_id": 8_000_000_000 + number}
        for fulfillment in row.setdefault("fulfillments", []):
            fulfillment["fulfillment_date"] = fulfillment["fulfillment_date"].removesuffix("Z")
            fulfillment.setdefault("shipment_info", {})
            self.fulfillment_ids.setdefault(
                (yotpo_id, fulfillment["external_id"]), 7_000_000_000 + len(self.fulfillment_ids)
            )


@pytest.fixture
def store() -> Store:
    return Store()
