"""Measure the time and memory of reading the file of a bulk operation.

Run it as ``python benchmarks/bulk.py``. The file has three line items per order, once grouped (the
line items follow their order) and once scattered (they follow after all orders, so nothing can be joined before the
end). The client's own join reads it. The memory should not grow with the file.

Memory is Python's own peak (tracemalloc), measured in a separate run because tracing is slow. SQLite's cache, at most
8 MB, comes on top.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _results import Table, Target, parser, save

from airflow_provider_partners.api.shopify_admin.bulk.placement import TypedPlaces
from airflow_provider_partners.api.shopify_admin.bulk.records import RECORDS_PER_PAGE
from airflow_provider_partners.api.shopify_admin.bulk.result_file import JoinedFile

LINES = 3


def order(number: int) -> dict[str, Any]:
    """Return an order as a bulk operation writes it."""
    money = {"shopMoney": {"amount": "19.90", "currencyCode": "EUR"}}
    address = {"address1": "Hauptstraße 1", "city": "Köln", "zip": "50667", "countryCodeV2": "DE"}
    return {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "updatedAt": "2026-03-01T10:20:30Z",
        "totalPriceSet": money,
        "customer": {"id": f"gid://shopify/Customer/{number % 40_000}", "firstName": "Zoë", "lastName": "Müller"},
        "billingAddress": address,
        "shippingAddress": address,
        "fulfillmentsCount": {"count": 1, "precision": "EXACT"},
        "fulfillments": [{"id": f"gid://shopify/Fulfillment/{number}", "status": "SUCCESS", "trackingInfo": []}],
    }


def line(number: int, place: int) -> dict[str, Any]:
    """Return a line item of an order."""
    return {
        "id": f"gid://shopify/LineItem/{number}{place}",
        "title": "Cup",
        "quantity": 1,
        "product": {"id": f"gid://shopify/Product/{number % 500}", "title": "Cup", "handle": "cup"},
        "__parentId": f"gid://shopify/Order/{number}",
    }


def grouped(count: int) -> Iterator[dict[str, Any]]:
    """Yield each order with its line items after it."""
    for number in range(count):
        yield order(number)
        yield from (line(number, place) for place in range(LINES))


def scattered(count: int) -> Iterator[dict[str, Any]]:
    """Yield all orders, then all line items; those of one order are far apart."""
    yield from map(order, range(count))
    for place in range(LINES):
        yield from (line(number, place) for number in range(count))


def read(path: Path) -> int:
    """Read a file as the client does, and return the number of line items."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index.sqlite"
        with JoinedFile(path, index, placement=TypedPlaces({"Order": {"LineItem": "lineItems"}})) as joined:
            pages = (joined.read(at, RECORDS_PER_PAGE) for at in range(0, len(joined), RECORDS_PER_PAGE))
            return sum(len(record["lineItems"]) for page in pages for record in page)


def peak(work: Callable[[], int]) -> float:
    """Return Python's peak memory in MB."""
    tracemalloc.start()
    work()
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / 1e6


ORDERS = {"small": 50_000, "large": 500_000}


def main() -> None:
    """Read files of one and of ten times the size, and compare rate and memory."""
    arguments = parser(__doc__).parse_args()
    count = ORDERS[arguments.size]
    rows: list[list[Any]] = []
    targets = []
    for name, records in {"grouped": grouped, "scattered": scattered}.items():
        results: list[tuple[float, float]] = []
        for size in (count // 10, count):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "records.jsonl"
                with path.open("w") as file:
                    file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records(size))
                start = time.perf_counter()
                if read(path) != size * LINES:
                    sys.exit(f"{name}: lines are missing")
                seconds = time.perf_counter() - start
                results.append((size / seconds, peak(lambda path=path: read(path))))  # type: ignore[misc]
                megabytes = path.stat().st_size / 1e6
            rate, highest = results[-1]
            rows.append([name, size, round(megabytes, 1), round(seconds, 1), round(rate), round(highest, 1)])
        (small_rate, small_peak), (large_rate, large_peak) = results
        rate, memory = large_rate / small_rate, large_peak / small_peak
        targets.append(
            Target(
                f"bulk file of ten times the orders, {name}",
                "the same rate (0.8 or more), flat memory (1.2 times or less)",
                f"{rate:.2f} of the rate, {memory:.2f} of the memory",
                reached=rate >= 0.8 and memory <= 1.2,
            )
        )
    columns = ["file", "orders", "MB", "seconds", "orders a second", "Python's peak, MB"]
    save("bulk", size=arguments.size, targets=targets, tables=[Table("Reading a bulk operation's file", columns, rows)])


if __name__ == "__main__":
    main()
