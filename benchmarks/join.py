"""Measure the build of Yotpo's orders: stored orders are joined with three lists, mapped and written.

Run it as ``python benchmarks/join.py``. The step is the operator itself, over datasets on a disk, as in a Dag. One
process writes the datasets, and another one runs the step, so that the peak memory is that of the step. 15 % of the
orders have a return, 20 % a redemption and 5 % a claim. The memory should not grow with the number of orders.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from _results import Table, Target, parser, save

Record = dict[str, Any]

SHOP = "bench.myshopify.com"
CUSTOMERS = 40_000
PRODUCTS = 500
MEMORY, RATE = 300, 5_000
"""MB at most, and orders a second at least."""
LISTS = {"orders": "shopify_admin", "returns": "yofi", "claims": "yofi", "redemptions": "voucherify"}


def order(number: int) -> Record:
    """Return an order with two line items and a fulfillment."""
    money = {"shopMoney": {"amount": "19.90", "currencyCode": "EUR"}}
    return {
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "createdAt": "2026-03-01T10:20:30Z",
        "updatedAt": f"2026-03-0{number % 9 + 1}T10:20:{number % 60:02}Z",
        "displayFinancialStatus": "PAID",
        "totalPriceSet": money,
        "discountCodes": [],
        "customer": {
            "legacyResourceId": str(number % CUSTOMERS),
            "firstName": "Zoë",
            "lastName": f"Müller {number % CUSTOMERS}",
            "defaultEmailAddress": {"emailAddress": f"zoe{number % CUSTOMERS}@example.com"},
        },
        "shippingAddress": {
            "address1": f"Hauptstraße {number % 97}",
            "city": "Köln",
            "zip": "50667",
            "countryCodeV2": "DE",
            "phone": f"+49221{number % CUSTOMERS + 1_000_000}",
        },
        "lineItems": [
            {
                "id": f"gid://shopify/LineItem/{number}{place}",
                "quantity": 1,
                "currentQuantity": 1,
                "unfulfilledQuantity": 0,
                "originalTotalSet": money,
                "discountAllocations": [],
                "product": {
                    "legacyResourceId": str((number + place) % PRODUCTS),
                    "title": f"Cup {(number + place) % PRODUCTS}",
                    "handle": f"cup-{(number + place) % PRODUCTS}",
                },
            }
            for place in range(2)
        ],
        "fulfillments": [
            {
                "legacyResourceId": str(number),
                "status": "SUCCESS",
                "displayStatus": "DELIVERED",
                "createdAt": "2026-03-02T10:20:30Z",
                "trackingInfo": [{"company": "DHL", "number": f"JD{number}", "url": None}],
                "fulfillmentLineItems": [
                    {"quantity": 1, "lineItem": {"id": f"gid://shopify/LineItem/{number}{place}"}} for place in range(2)
                ],
            }
        ],
    }


def returns(count: int) -> Iterator[Record]:
    """Yield a return for 15 % of the orders, with predictions, order and customer."""
    for number in range(count * 15 // 100):
        order_id = number * 100 // 15
        yield {
            "id": f"ret-{number}",
            "order_id": str(order_id),
            "state": "received",
            "meta_data": {"items": [{"line_item_id": f"{order_id}0"}]},
            "return_predictions": [
                {"prediction_category": name, "predicted_value": 0.5, "justification": "Return behaviour is ordinary."}
                for name in ("return_abuse", "wardrobing")
            ],
            "order": {"id": str(order_id), "model_predictions": {"return_abuse": 0.1}},
            "customer": {"customer_id": str(order_id % CUSTOMERS), "model_predictions": {"return_abuse": 0.1}},
        }


def claims(count: int) -> Iterator[Record]:
    """Yield a claim for 5 % of the orders."""
    for number in range(count // 20):
        yield {"id": f"c-{number}", "customer_id": str(number), "claim_items": [{"order_id": str(number * 20)}]}


def redemptions(count: int) -> Iterator[Record]:
    """Yield a redemption for 20 % of the orders."""
    for number in range(count // 5):
        yield {
            "id": f"r_{number}",
            "object": "redemption",
            "date": "2026-03-01T10:20:00Z",
            "result": "SUCCESS",
            "status": "SUCCEEDED",
            "voucher": {"code": f"SPRING-{number % 1000}", "type": "DISCOUNT_VOUCHER"},
            "order": {"source_id": f"gid://shopify/Order/{number * 5}", "amount": 1990},
        }


def records(name: str, count: int) -> Iterator[Record]:
    """Yield the records of a list that belong to so many orders."""
    if name == "orders":
        return map(order, range(count))
    return {"returns": returns, "claims": claims, "redemptions": redemptions}[name](count)


def write(count: int, folder: str) -> dict[str, Any]:
    """Write the datasets, and return their references by list."""
    from airflow_provider_partners.datasets.writer import DatasetWriter

    references = {}
    for name, source in LISTS.items():
        writer = DatasetWriter(f"{folder}/{name}", source=source, resource=name, account=SHOP)
        writer.resume()
        writer.append(records(name, count))
        references[name] = writer.commit().to_dict()
    return references


def build(references: dict[str, Any]) -> dict[str, Any]:
    """Run the step, and return its figures."""
    from airflow_provider_partners.operators.yotpo.build import YotpoBuildOrdersOperator

    task = YotpoBuildOrdersOperator(task_id="build", shop=SHOP, **references)
    instance = SimpleNamespace(dag_id="benchmark", task_id="build", run_id="run", map_index=-1)
    began, cpu = time.monotonic(), time.process_time()
    reference = task.execute({"ti": instance})
    return {
        "reference": reference,
        "orders": reference["records"],
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def in_process(step: str, count: int, folder: str) -> dict[str, Any]:
    """Run a step in a process of its own, and return what it prints."""
    environment = {**os.environ, "AIRFLOW__PARTNERS__STAGING_URI": f"{folder}/staging", "AIRFLOW_HOME": folder}
    command = [sys.executable, __file__, "--one", step, str(count), folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(count: int, folder: str) -> dict[str, Any]:
    """Write the datasets of so many orders below a folder, and return the figures of their build."""
    in_process("write", count, folder)
    return in_process("build", count, folder)


def main() -> None:
    """Measure two sizes."""
    arguments = parser(__doc__)
    arguments.add_argument("--one", nargs=3, metavar=("STEP", "ORDERS", "FOLDER"), help="run only this")
    given = arguments.parse_args()
    if given.one:
        step, count, folder = given.one
        path = f"{folder}/references.json"
        if step == "write":
            found = write(int(count), folder)
            with open(path, "w", encoding="utf-8") as file:
                json.dump(found, file)
        else:
            with open(path, encoding="utf-8") as file:
                found = build(json.load(file))
        print(json.dumps(found))
        return
    sizes = {"small": (2_000, 20_000), "large": (10_000, 100_000, 1_000_000)}[given.size]
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(size, folder)
        rows.append([
            size,
            round(found["seconds"], 1),
            round(found["cpu"], 1),
            round(found["orders"] / found["cpu"]),
            round(found["peak"]),
        ])
        print(rows[-1], flush=True)
    orders, seconds, _, rate, peak = rows[-1]
    save(
        "join",
        size=given.size,
        targets=[
            Target(
                f"join and map {orders:,} orders with returns and redemptions",
                f"at most {MEMORY} MB resident, at least {RATE:,} orders a second",
                f"{peak} MB, {rate:,} orders a second of CPU time, {orders / seconds:,.0f} of wall time",
                peak <= MEMORY and rate >= RATE,
            )
        ],
        tables=[
            Table(
                "The step that builds orders, from stored datasets to stored datasets",
                ["orders", "seconds", "CPU seconds", "orders a CPU second", "peak MB"],
                rows,
            )
        ],
    )


if __name__ == "__main__":
    main()
