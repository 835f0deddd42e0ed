"""What the file of a bulk operation costs to read: memory that must not grow with it, and orders a second.

Run it as ``python benchmarks/bulk.py --orders 100000``. A file is made with three lines an order, in which the lines of
each order stand behind all orders (nothing can be joined before the end) and then grouped; it is read through the join
that the client uses. Memory is Python's own peak (tracemalloc), measured in a run apart, since measuring slows down;
SQLite's cache, held to 8 MB, comes on top.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from airflow_provider_partners.api.shopify_admin.bulk.records import RECORDS_PER_PAGE
from airflow_provider_partners.api.shopify_admin.bulk.result_file import JoinedFile

LINES = 3


def order(number: int) -> dict[str, Any]:
    """An order as a bulk operation writes it."""
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
    """A line item of an order."""
    return {
        "id": f"gid://shopify/LineItem/{number}{place}",
        "title": "Cup",
        "quantity": 1,
        "product": {"id": f"gid://shopify/Product/{number % 500}", "title": "Cup", "handle": "cup"},
        "__parentId": f"gid://shopify/Order/{number}",
    }


def grouped(count: int) -> Iterator[dict[str, Any]]:
    """Each order's lines right behind it."""
    for number in range(count):
        yield order(number)
        yield from (line(number, place) for place in range(LINES))


def scattered(count: int) -> Iterator[dict[str, Any]]:
    """All lines behind all orders, those of one order far apart."""
    yield from map(order, range(count))
    for place in range(LINES):
        yield from (line(number, place) for number in range(count))


def read(path: Path) -> int:
    """Read a file as the client does; how many line items there were."""
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index.sqlite"
        with JoinedFile(path, index, connections={"Order": {"LineItem": "lineItems"}}) as joined:
            pages = (joined.read(at, RECORDS_PER_PAGE) for at in range(0, len(joined), RECORDS_PER_PAGE))
            return sum(len(found["lineItems"]) for page in pages for found in page)


def peak(work: Callable[[], int]) -> float:
    """Python's peak of memory in MB."""
    tracemalloc.start()
    work()
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest / 1e6


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    count = parser.parse_args().orders
    print(f"{'':<12}{'orders':>8}{'file MB':>10}{'seconds':>10}{'orders/s':>10}{'peak MB':>10}")
    for name, rows in {"grouped": grouped, "scattered": scattered}.items():
        found: list[tuple[float, float]] = []
        for size in (count // 10, count):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "rows.jsonl"
                with path.open("w") as file:
                    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(size))
                begun = time.perf_counter()
                if read(path) != size * LINES:
                    sys.exit(f"{name}: lines are missing")
                taken = time.perf_counter() - begun
                found.append((size / taken, peak(lambda path=path: read(path))))  # type: ignore[misc]
                megabytes = path.stat().st_size / 1e6
            rate, highest = found[-1]
            print(f"{name:<12}{size:>8}{megabytes:>10.1f}{taken:>10.1f}{rate:>10.0f}{highest:>10.1f}", flush=True)
        (slower, less), (faster, more) = found[1], found[0]
        print(f"{name:<12}ten times the orders: {slower / faster:.2f} of the rate, {less / more:.2f} of the memory")


if __name__ == "__main__":
    main()
