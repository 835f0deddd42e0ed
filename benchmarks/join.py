"""Measure the time and memory of joining orders with returns and claims, and of building Yotpo's orders from them.

Run it as ``python benchmarks/join.py --orders 100000``. The memory should not grow with the number of orders. The
input is generated while it is read; its own cost is in the first line of each size.

Memory is Python's own peak (tracemalloc), measured in a separate run because tracing is slow. SQLite's cache, at most
8 MB, comes on top.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from airflow_provider_partners.sync.build import build_orders
from airflow_provider_partners.sync.join import join_orders

Record = dict[str, Any]
SHOP = "bench.myshopify.com"


def orders(count: int) -> Iterator[Record]:
    """Yield orders with two line items and a fulfillment."""
    for number in range(count):
        money = {"shopMoney": {"amount": "19.90", "currencyCode": "EUR"}}
        yield {
            "legacyResourceId": str(number),
            "name": f"#{number}",
            "createdAt": "2026-03-01T10:20:30Z",
            "displayFinancialStatus": "PAID",
            "totalPriceSet": money,
            "customer": {"legacyResourceId": str(number % 40_000), "firstName": "Zoë", "lastName": "Müller"},
            "shippingAddress": {"address1": "Hauptstraße 1", "city": "Köln", "zip": "50667", "countryCodeV2": "DE"},
            "lineItems": [
                {
                    "id": f"gid://shopify/LineItem/{number}{place}",
                    "quantity": 1,
                    "currentQuantity": 1,
                    "unfulfilledQuantity": 0,
                    "originalTotalSet": money,
                    "discountAllocations": [],
                    "product": {"legacyResourceId": str((number + place) % 500), "title": "Cup", "handle": "cup"},
                }
                for place in range(2)
            ],
            "fulfillments": [
                {
                    "legacyResourceId": str(number),
                    "status": "SUCCESS",
                    "displayStatus": "DELIVERED",
                    "createdAt": "2026-03-02T10:20:30Z",
                    "trackingInfo": [{"company": "DHL", "number": "JD1", "url": None}],
                    "fulfillmentLineItems": [
                        {"quantity": 1, "lineItem": {"id": f"gid://shopify/LineItem/{number}{place}"}}
                        for place in range(2)
                    ],
                }
            ],
        }


def returns(count: int) -> Iterator[Record]:
    """Yield a return for 15 % of the orders, with predictions, order and customer."""
    for number in range(count * 15 // 100):
        order = number * 100 // 15
        yield {
            "id": f"ret-{number}",
            "order_id": str(order),
            "state": "received",
            "meta_data": {"items": [{"line_item_id": f"{order}0"}]},
            "return_predictions": [
                {"prediction_category": name, "predicted_value": 0.5, "justification": "Return behaviour is ordinary."}
                for name in ("return_abuse", "wardrobing")
            ],
            "order": {"id": str(order), "model_predictions": {"return_abuse": 0.1}},
            "customer": {"customer_id": str(order % 40_000), "model_predictions": {"return_abuse": 0.1}},
        }


def claims(count: int) -> Iterator[Record]:
    """Yield a claim for 5 % of the orders."""
    for number in range(count // 20):
        yield {"id": f"c-{number}", "customer_id": str(number), "claim_items": [{"order_id": str(number * 20)}]}


def sides(count: int) -> dict[str, Iterator[Record]]:
    """Return the lists that orders are joined with."""
    return {"returns": returns(count), "claims": claims(count)}


def count_records(records: Iterator[Any]) -> int:
    """Read all records, and return their number."""
    return sum(1 for _ in records)


def peak(work: Callable[[], int]) -> float:
    """Return Python's peak memory in MB."""
    tracemalloc.start()
    work()
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / 1e6


def seconds(work: Callable[[], int]) -> float:
    """Return how long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    count = parser.parse_args().orders
    print(f"{'':<32}{'orders':>8}{'seconds':>10}{'orders/s':>10}{'peak MB':>10}")
    for size in (count // 10, count):
        jobs: dict[str, Callable[[], int]] = {
            "generate the input only": lambda size=size: (
                count_records(orders(size)) + sum(map(count_records, sides(size).values()))
            ),
            "join": lambda size=size: count_records(join_orders(orders(size), **sides(size))),
            "join, map and suppress": lambda size=size: count_records(
                build_orders(orders(size), **sides(size), shop=SHOP)
            ),
        }
        for name, work in jobs.items():
            elapsed = seconds(work)
            print(f"{name:<32}{size:>8}{elapsed:>10.1f}{size / elapsed:>10.0f}{peak(work):>10.1f}", flush=True)


if __name__ == "__main__":
    main()
