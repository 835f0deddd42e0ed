"""A model of a Yotpo store in memory, by its documented rules alone. It counts calls."""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_provider_partners.api.http.memory import KnownIds
from airflow_provider_partners.api.yotpo.errors import UnknownProductsError
from airflow_provider_partners.api.yotpo.lookup import IdFilter, RecordLookup
from airflow_provider_partners.api.yotpo.resources import RESOURCES
from airflow_provider_partners.exceptions import ConflictError, NotFoundError

Record = dict[str, Any]


def unknown_products(products: Sequence[str], status: int = 404) -> UnknownProductsError:
    """The error of an order that names products which the store doesn't have."""
    text = f"products not found: {', '.join(products)}"
    return UnknownProductsError(text, products=products, partner="Yotpo", status=status)


class FakeYotpoStore:
    """One Yotpo store in memory, with the methods of ``YotpoClient`` that an upsert calls.

    :ivar nested: ``merge`` or ``replace``: what an update does to nested objects (Yotpo doesn't document it)
    :ivar takes_lists: whether the filter ``external_ids`` takes a list
    :ivar returns_others: whether a list of ids returns all records
    :ivar lag: how many lookups of an order return nothing after it was created
    :ivar hidden: how many lookups of a record return nothing from now on, by external id
    :ivar errors: errors to raise, by operation, such as ``orders.create``
    :ivar after_lookup: called with the list's name after each lookup
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.slept: list[float] = []
        self.records: dict[str, dict[int, Record]] = {"order": {}, "product": {}}
        self.fulfillment_ids: dict[tuple[int, str], int] = {}
        self.nested = "merge"
        self.takes_lists = True
        self.returns_others = False
        self.lag = 0
        self.hidden: Counter[str] = Counter()
        self.errors: dict[str, list[Exception]] = {}
        self.after_lookup: Callable[[str], None] = lambda resource: None
        self.sent: list[tuple[str, Record]] = []
        self.known_products = KnownIds()
        self._next_id = 4_300_000_000
        self._lock = threading.RLock()
        self._id_filters = {name: IdFilter() for name in RESOURCES}

    # lookups

    def lookup(self, resource: str) -> RecordLookup:
        kind = resource.removesuffix("s")
        return RecordLookup(
            RESOURCES[resource],
            self._get,
            list_records=lambda: copy.deepcopy(list(self.records[kind].values())),
            get_record=lambda yotpo_id: copy.deepcopy(self.records[kind].get(yotpo_id)),
            id_filter=self._id_filters[resource],
        )

    def orders(self, external_ids: Sequence[str]) -> dict[str, Record]:
        return self.lookup("orders").find(external_ids)

    def products(self, external_ids: Sequence[str]) -> dict[str, Record]:
        return self.lookup("products").find(external_ids)

    def fulfillments(self, order_yotpo_id: int) -> list[Record]:
        with self._lock:
            self._count("fulfillments.list")
            records = self.records["order"][order_yotpo_id]["fulfillments"]
            return [{**record, "id": self.fulfillment_ids[order_yotpo_id, record["external_id"]]} for record in records]

    def _get(self, path: str, label: str, params: Mapping[str, str]) -> dict[str, list[Record]]:
        resource, ids = path.removeprefix("/"), params["external_ids"].split(",")
        assert label == f"{resource}.lookup"
        assert len(ids) <= 100
        with self._lock:
            self._count(f"{resource}.list")
            found = []
            for record in self.records[resource.removesuffix("s")].values():
                key = record["external_id"]
                matches = key in ids and (self.takes_lists or len(ids) == 1)
                if matches and self.hidden[key] > 0:
                    self.hidden[key] -= 1
                elif matches or (self.returns_others and len(ids) > 1):
                    found.append(copy.deepcopy(record))
            self.after_lookup(resource)
            return {resource: found}

    # writes

    def create_order(self, payload: Record) -> int:
        with self._lock:
            self._write("orders.create", payload)
            return self._create("order", payload)

    def update_order(self, yotpo_id: int, payload: Record) -> None:
        with self._lock:
            self._write("orders.update", payload)
            if yotpo_id not in self.records["order"]:
                raise NotFoundError("Order was not found", partner="Yotpo", status=404)
            self._check_products(payload)
            record = self.records["order"][yotpo_id]
            for name, value in payload.items():
                record[name] = self._merged(name, record.get(name), value)
            self._shape(yotpo_id, record)

    def create_product(self, payload: Record) -> int:
        with self._lock:
            self._write("products.create", payload)
            return self._create("product", payload)

    def update_product(self, yotpo_id: int, payload: Record) -> None:
        with self._lock:
            self._write("products.update", payload)
            if yotpo_id not in self.records["product"]:
                raise NotFoundError("Product was not found", partner="Yotpo", status=404)
            self.records["product"][yotpo_id].update(copy.deepcopy(payload))

    def create_fulfillment(self, order_yotpo_id: int, payload: Record) -> int:
        with self._lock:
            self._write("fulfillments.create", payload)
            order = self.records["order"][order_yotpo_id]
            if any(record["external_id"] == payload["external_id"] for record in order["fulfillments"]):
                raise ConflictError("Fulfillment already exists", partner="Yotpo", status=409)
            order["fulfillments"].append(copy.deepcopy(payload))
            self._shape(order_yotpo_id, order)
            return self.fulfillment_ids[order_yotpo_id, payload["external_id"]]

    def update_fulfillment(self, order_yotpo_id: int, fulfillment_id: int, payload: Record) -> None:
        with self._lock:
            self._write("fulfillments.update", payload)
            for record in self.records["order"][order_yotpo_id]["fulfillments"]:
                if self.fulfillment_ids[order_yotpo_id, record["external_id"]] == fulfillment_id:
                    record.update(copy.deepcopy(payload))
            self._shape(order_yotpo_id, self.records["order"][order_yotpo_id])

    # for assertions

    def get(self, kind: str, external_id: str) -> Record:
        (record,) = [record for record in self.records[kind].values() if record["external_id"] == external_id]
        return record

    def add_products(self, *external_ids: str) -> None:
        for key in external_ids:
            self._create("product", {"external_id": key})

    def drop(self, kind: str, external_id: str) -> None:
        self.records[kind] = {
            key: record for key, record in self.records[kind].items() if record["external_id"] != external_id
        }

    @property
    def writes(self) -> int:
        return sum(count for name, count in self.calls.items() if not name.endswith("list"))

    # rules

    def _count(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.errors.get(operation):
            raise self.errors[operation].pop(0)

    def _write(self, operation: str, payload: Record) -> None:
        self.sent.append((operation, copy.deepcopy(payload)))
        self._count(operation)

    def _create(self, kind: str, payload: Record) -> int:
        if any(record["external_id"] == payload["external_id"] for record in self.records[kind].values()):
            raise ConflictError(f"{kind} already exists", partner="Yotpo", status=409)
        if kind == "order":
            self._check_products(payload)
            self.hidden[payload["external_id"]] = self.lag
        self._next_id += 1
        record = {**copy.deepcopy(payload), "yotpo_id": self._next_id, "created_at": "2026-01-01T00:00:00"}
        self.records[kind][self._next_id] = record
        if kind == "order":
            record["source"] = "orders_api_v3"
            self._shape(self._next_id, record)
        return self._next_id

    def _check_products(self, payload: Record) -> None:
        known = {record["external_id"] for record in self.records["product"].values()}
        if unknown := [
            line["external_product_id"]
            for line in payload.get("line_items", ())
            if line["external_product_id"] not in known
        ]:
            raise unknown_products(unknown)

    def _merged(self, name: str, old: Any, new: Any) -> Any:
        key = {"line_items": "external_product_id", "fulfillments": "external_id"}.get(name)
        if key:
            records = {record[key]: record for record in old or ()}
            for record in new:
                records[record[key]] = {**records.get(record[key], {}), **copy.deepcopy(record)}
            return list(records.values())
        if isinstance(new, dict) and self.nested == "merge":
            return {**(old or {}), **copy.deepcopy(new)}
        return copy.deepcopy(new)

    def _shape(self, yotpo_id: int, record: Record) -> None:
        """Change an order as Yotpo does: no time zones, empty containers, integers for whole amounts, own ids."""
        record["order_date"] = record["order_date"].removesuffix("Z")
        record["updated_at"] = "2026-01-01T00:00:00"
        if "cancellation" in record:
            record["cancellation"]["cancellation_date"] = record["cancellation"]["cancellation_date"].removesuffix("Z")
        for name in ("total_price", "subtotal_price"):
            if isinstance(record.get(name), float) and record[name].is_integer():
                record[name] = int(record[name])
        for number, line in enumerate(record.get("line_items", ())):
            line |= {"yotpo_id": 9_000_000_000 + number, "product_id": 8_000_000_000 + number}
        for fulfillment in record.setdefault("fulfillments", []):
            fulfillment["fulfillment_date"] = fulfillment["fulfillment_date"].removesuffix("Z")
            fulfillment.setdefault("shipment_info", {})
            self.fulfillment_ids.setdefault(
                (yotpo_id, fulfillment["external_id"]), 7_000_000_000 + len(self.fulfillment_ids)
            )
