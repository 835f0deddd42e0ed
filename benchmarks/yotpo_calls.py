"""Count the calls to Yotpo that an order costs, beside a look-up for each record.

Run it as ``python benchmarks/yotpo_calls.py``. The sandbox serves a store over HTTP. Each step is a client of its own,
as in a task. Orders come in batches of 100, and share 50 products.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from _orders import yotpo_order
from _results import Table, Target, parser, save

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.sync.upsert import upsert_orders, upsert_products

ORDERS = {"small": 500, "large": 5_000}
PRODUCTS = 50
NEW_TO_REACH, UNCHANGED_TO_REACH = 1.03, 0.01
FAST = 10_000.0
"""Requests a second: the sandbox has no limit here."""
Record = dict[str, Any]


def main() -> None:
    """Write new orders, the same again, and changed ones, and count."""
    arguments = parser(__doc__).parse_args()
    count = ORDERS[arguments.size]
    sandbox = build(shops=1, orders=10)
    sandbox.switches["yotpo.rate_limit"] = 0
    rows: list[list[Any]] = []
    with serve(sandbox) as running:

        def measure(name: str, orders: list[Record], batch_size: int = 100, *, products: bool = True) -> float:
            calls = _write(running, orders, batch_size, products=products)
            total, tokens = sum(calls.values()), calls.get("token", 0)
            look_ups = sum(number for label, number in calls.items() if label.endswith(".lookup"))
            per_order = (total - tokens) / len(orders)
            rows.append([
                name,
                len(orders),
                total,
                look_ups,
                tokens,
                round(per_order, 3),
                round(total / len(orders), 3),
            ])
            return per_order

        measure(f"new, and their {PRODUCTS} products are new, too", list(_orders("z", count)))
        new = measure("new, with the step for products", list(_orders("a", count)))
        unchanged = measure("unchanged", list(_orders("a", count)), products=False)
        measure("unchanged, with the step for products", list(_orders("a", count)))
        measure("a tenth changed", [_changed(order, index) for index, order in enumerate(_orders("a", count))])
        measure("new, products known", list(_orders("b", count)), products=False)
        measure("one batch of 100 new, with the step for products", list(_orders("c", 100)))
        measure("one batch of 100 new, products known", list(_orders("d", 100)), products=False)
        measure("new, a look-up for each record", list(_orders("e", 100)), 1, products=False)
        measure("unchanged, a look-up for each record", list(_orders("e", 100)), 1, products=False)
    save(
        "yotpo_calls",
        size=arguments.size,
        targets=[
            Target(
                "Yotpo calls per new order, in batches of 100",
                f"at most {NEW_TO_REACH}",
                f"{new:.3f} with the look-ups of products, and one token for each task",
                reached=new <= NEW_TO_REACH,
            ),
            Target(
                "Yotpo calls per unchanged order",
                f"at most {UNCHANGED_TO_REACH}",
                f"{unchanged:.3f}, and one token for each task",
                reached=unchanged <= UNCHANGED_TO_REACH,
            ),
        ],
        tables=[
            Table(
                "Calls to Yotpo",
                ["orders", "number", "calls", "of them look-ups", "tokens", "calls per order", "with tokens"],
                rows,
            )
        ],
    )


def _write(running: RunningSandbox, orders: list[Record], batch_size: int, *, products: bool) -> dict[str, int]:
    """Write orders as the tasks do, and return the number of calls by their labels."""
    calls: dict[str, int] = {}
    steps = [upsert_products, upsert_orders] if products else [upsert_orders]
    for step in steps:
        with _client(running) as client:
            outcomes = list(step(client, orders, workers=4, batch_size=batch_size))
            if rejected := [outcome for outcome in outcomes if outcome.action == "rejected"]:
                raise RuntimeError(rejected[0].reason)
            _add(calls, client.stats.snapshot()["by_label"])
    return calls


def _add(calls: dict[str, int], further: Mapping[str, int]) -> None:
    for label, number in further.items():
        calls[label] = calls.get(label, 0) + number


def _client(running: RunningSandbox) -> YotpoClient:
    store_id, accepted = next(iter(running.sandbox.credentials["yotpo"].items()))
    return YotpoClient(
        store_id=store_id,
        secret=accepted["secret"],
        base_url=f"{running.url}/yotpo",
        requests_per_second=FAST,
        options=ClientOptions(rate_limit_store=InMemoryStore()),
    )


def _orders(series: str, count: int) -> Iterable[Record]:
    """Yield built orders, as the build makes them."""
    for number in range(count):
        product = f"product-{number % PRODUCTS}"
        yield {
            "external_id": f"{series}{number}",
            "order": yotpo_order(f"{series}{number}", product),
            "products": [{"external_id": product, "name": f"Mug {product}", "url": f"https://example.com/{product}"}],
        }


def _changed(order: Record, index: int) -> Record:
    return order if index % 10 else {**order, "order": {**order["order"], "payment_status": "refunded"}}


if __name__ == "__main__":
    main()
