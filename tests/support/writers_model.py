"""What the model of concurrent writers consists of: a shop that changes, builds of it, and the tasks that write them.

What a store should hold follows from the builds by the rule of docs/explanation/datasets.md, "What is older never
replaces what is newer", and not from code of the product.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import order_builders as make
from interleaved_writers import InterleavedStore, VirtualTime, Writer, with_store

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.operators.yotpo import YotpoReplayRejectsOperator
from airflow_provider_partners.sync import build_orders

__all__ = [
    "ORDERS",
    "Build",
    "Lane",
    "Record",
    "Task",
    "World",
    "last_name",
    "newest_knowledge",
    "newest_order",
    "order_facts",
]

SHOP = "a.myshopify.com"
ORDERS = (1001, 1002)
Record = dict[str, Any]


class World:
    """Shopify and Yofi as they are now."""

    def __init__(self, clock: VirtualTime) -> None:
        self._clock = clock
        self.orders = {each: make.order(each, updatedAt="2026-04-30T00:00:00Z", fulfillments=[]) for each in ORDERS}
        self.scores = dict.fromkeys(ORDERS, 0.1)
        self.title = "Product 11"

    def change(self, order: int, what: str) -> None:
        record = dict(self.orders[order])
        version = self._clock.pass_(seconds=1).strftime("%Y-%m-%dT%H:%M:%SZ")
        if what == "status":
            record["displayFinancialStatus"] = {"PAID": "PENDING"}.get(record["displayFinancialStatus"], "PAID")
        elif what == "amount":
            record["totalPriceSet"] = make.money(f"{float(record['totalPriceSet']['shopMoney']['amount']) + 1}")
        elif what == "line":
            first, *others = record["lineItems"]
            record["lineItems"] = [{**first, "quantity": first["quantity"] + 1, "currentQuantity": 9}, *others]
        elif what == "shipment":
            count = len(record["fulfillments"]) + 1
            record["fulfillments"] = [make.fulfillment(order * 10 + each, {1: 1}) for each in range(count)]
        elif what == "delivered":
            record["fulfillments"] = [
                {**each, "deliveredAt": version, "displayStatus": "DELIVERED"} for each in record["fulfillments"]
            ]
        elif what == "cancelled":
            record["cancelledAt"] = record["cancelledAt"] or version
        self.orders[order] = {**record, "updatedAt": version}


class Build:
    """Orders as one run has read and built them.

    :ivar known: each order's version, payload and suppression
    """

    def __init__(self, world: World, clock: VirtualTime, name: str, orders: list[int]) -> None:
        self._world, self._clock, self._name = world, clock, name
        self._read_at = {"orders": clock.pass_(seconds=1)}
        self._orders = [
            {
                **world.orders[each],
                "lineItems": [_titled(line, world.title) for line in world.orders[each]["lineItems"]],
            }
            for each in orders
        ]
        self.known: dict[str, Record] = {}
        self.reference: Any = None

    @property
    def is_remembered(self) -> bool:
        """The log keeps 30 days. An order that was built longer ago is stale."""
        return self._clock.now - max(self._read_at.values()) < timedelta(days=30)

    def join(self, folder: Path) -> None:
        """Read the returns, and build."""
        self._read_at["returns"] = self._clock.pass_(seconds=1)
        returns = [_return(order, score) for order, score in self._world.scores.items()]
        built = build_orders(self._orders, returns, shop=SHOP, read_at=self._read_at, now=self._clock.now)
        records: list[Record] = [each.to_dict() for each in built]
        self.known = {record["external_id"]: record for record in records}
        writer = DatasetWriter(
            f"{folder}/dag/build/{self._name}/-1", source="yotpo", resource="built orders", account=SHOP, fingerprint=""
        )
        writer.resume()
        writer.append(records, position={})
        self.reference = writer.commit(extra={"shop": SHOP}).to_dict()


def _titled(line: Record, title: str) -> Record:
    product = line["product"]
    return {**line, "product": {**product, "title": title}} if product["legacyResourceId"] == "11" else line


def _return(order: int, score: float) -> Record:
    prediction = {"prediction_category": "empty_box", "predicted_value": score}
    return {"id": f"r{order}", "order_id": str(order), "state": "requested", "return_predictions": [prediction]}


class Task:
    """A task of a run, with its tries.

    :param operator: makes the operator
    """

    def __init__(self, store: InterleavedStore, dag_id: str, run_id: str, operator: Any, **arguments: Any) -> None:
        self._store, self._operator, self._arguments = store, operator, arguments
        self.name = f"{dag_id}.{operator.__name__}.{run_id}"
        self._instance = SimpleNamespace(dag_id=dag_id, task_id=operator.__name__, run_id=run_id, map_index=-1)
        self.tries = 0
        self.writer: Writer | None = None
        self.result: Any = None

    def start(self) -> Writer:
        self.tries += 1
        context = {"ti": SimpleNamespace(**vars(self._instance), try_number=self.tries)}
        task = with_store(self._operator, self._store)(
            task_id=self._operator.__name__, workers=1, max_rejects=1.0, **self._arguments
        )

        def run() -> Any:
            try:
                return task.run(context)
            except AirflowSkipException:
                return None

        self.writer = Writer(run)
        return self.writer

    @property
    def is_replay(self) -> bool:
        return self._operator is YotpoReplayRejectsOperator

    @property
    def is_running(self) -> bool:
        return self.writer is not None and not self.writer.has_ended

    @property
    def has_failed(self) -> bool:
        return self.writer is not None and self.writer.has_ended and self.writer.error is not None

    def outcomes(self) -> list[Record]:
        return list(read_dataset(self.writer.result)) if self.writer is not None and self.writer.result else []


class Lane:
    """The tasks of one run that write a build, one after the other."""

    def __init__(self, tasks: list[Task], build: Build | None, *, is_plan: bool = False) -> None:
        self.tasks, self.build, self.is_plan = tasks, build, is_plan
        self.index = 0
        self.is_replayed = False

    @property
    def task(self) -> Task | None:
        """The task that is running, has failed, or is next; ``None`` at the end."""
        while self.index < len(self.tasks):
            task = self.tasks[self.index]
            if task.writer is None or task.is_running or task.has_failed:
                return task
            self.index += 1
        return None


def order_facts(order: Record) -> Record:
    """Return of an order, as it is sent or stored, what must be that of the newest build."""
    return {
        "payment_status": order["payment_status"],
        "total_price": order["total_price"],
        "cancelled": bool(order.get("cancellation")),
        "quantities": {each["external_product_id"]: each["quantity"] for each in order["line_items"]},
        "fulfillments": {
            each["external_id"]: (each["status"], (each.get("shipment_info") or {}).get("shipment_status"))
            for each in order.get("fulfillments") or ()
        },
    }


def newest_order(known: list[Record]) -> Record:
    """Return the payload of the build that has read the order last."""
    order: Record = max(known, key=lambda record: record["version"]["order"])["order"]
    return order


def last_name(records: list[Record], product: str) -> str:
    """Return the name that the last reading of an order with a product has found."""
    _, name = max(
        (record["version"]["order"].rpartition(" ")[2], each["name"])
        for record in records
        for each in record["products"]
        if each["external_id"] == product
    )
    return str(name)


def newest_knowledge(known: list[Record]) -> list[Record]:
    """Return the records of which no other is newer in everything."""

    def is_older(one: Record, other: Record) -> bool:
        pairs = [(value, other["version"][name]) for name, value in one["version"].items()]
        return all(own <= value for own, value in pairs) and any(own < value for own, value in pairs)

    return [record for record in known if not any(is_older(record, other) for other in known)]
