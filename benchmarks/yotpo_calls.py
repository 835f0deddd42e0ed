"""Count the calls to Yotpo that an order costs, beside a look-up for each record.

Run it as ``python benchmarks/yotpo_calls.py``. The sandbox serves a store over HTTP. Each step is a client of its own.
As a task (``granularity="step"``) it shares nothing; as a step of one task (``granularity="shop"``) it shares what that
task remembers. Orders come in batches of 100, and share 50 products.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from _orders import yotpo_order
from _results import Table, Target, parser, save

from airflow_provider_partners.api.http.memory import ClientMemory
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


GRANULARITIES = ("step", "shop")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Orders that are written by a lane.

    :param series: prefix of the orders' ids; a second case of a series finds its orders in Yotpo
    :param number: of orders, or ``None`` for the size of the run
    :param batch_size: orders in a look-up
    :param with_products: run the step for products before
    :param changed: change a tenth of the orders
    :param products: prefix of the products' ids
    """

    series: str
    number: int | None = None
    batch_size: int = 100
    with_products: bool = True
    changed: bool = False
    products: str = ""


NEW, BATCH = "new, with the step for products", "one batch of 100 new, with the step for products"
UNCHANGED_ALONE, UNCHANGED_BATCH = "unchanged, without it", "one batch of 100 unchanged, without it"
CASES = {
    f"new, and their {PRODUCTS} products are new, too": Case(series="z", products="new-"),
    NEW: Case(series="a"),
    "unchanged, with the step for products": Case(series="a"),
    UNCHANGED_ALONE: Case(series="a", with_products=False),
    "a tenth changed": Case(series="a", changed=True),
    "new, products known, without it": Case(series="b", with_products=False),
    BATCH: Case(series="c", number=100),
    "one batch of 100 unchanged, with the step for products": Case(series="c", number=100),
    UNCHANGED_BATCH: Case(series="c", number=100, with_products=False),
    "one batch of 100 new, products known, without it": Case(series="d", number=100, with_products=False),
    "new, a look-up for each record": Case(series="e", number=100, batch_size=1, with_products=False),
    "unchanged, a look-up for each record": Case(series="e", number=100, batch_size=1, with_products=False),
}


def main() -> None:
    """Write new orders, the same again, and changed ones, and count."""
    arguments = parser(__doc__).parse_args()
    found: dict[str, dict[str, Calls]] = {}
    for granularity in GRANULARITIES:
        sandbox = build(shops=1, orders=10)
        sandbox.switches["yotpo.rate_limit"] = 0
        with serve(sandbox) as running:
            # The products that the other cases know.
            _write(running, Case(series="first", number=PRODUCTS), PRODUCTS, granularity)
            for name, case in CASES.items():
                number = case.number or ORDERS[arguments.size]
                found.setdefault(name, {})[granularity] = _write(running, case, number, granularity)
    save(
        "yotpo_calls",
        size=arguments.size,
        targets=[
            _target("new order, with the step for products", NEW_TO_REACH, found[NEW], found[BATCH], with_tokens=True),
            _target(
                "unchanged order, in the step for orders",
                UNCHANGED_TO_REACH,
                found[UNCHANGED_ALONE],
                found[UNCHANGED_BATCH],
                with_tokens=False,
            ),
        ],
        tables=[
            Table(
                "Calls to Yotpo: with steps as tasks / with all steps in one task",
                ["orders", "number", "calls", "of them look-ups", "of them tokens", "calls per order"],
                [[name, *_row(found[name])] for name in CASES],
            )
        ],
    )


@dataclass(frozen=True)
class Calls:
    """The calls of a lane.

    :param by_label: their number by what they do
    :param orders: of the lane
    """

    by_label: Mapping[str, int]
    orders: int

    @property
    def total(self) -> int:
        """All calls, tokens included."""
        return sum(self.by_label.values())

    @property
    def look_ups(self) -> int:
        """The calls that look up records."""
        return sum(number for label, number in self.by_label.items() if label.endswith(".lookup"))

    @property
    def tokens(self) -> int:
        """The calls for a token."""
        return self.by_label.get("token", 0)

    def per_order(self, *, tokens: bool = True) -> float:
        """The calls for each order.

        :param tokens: whether the calls for tokens count
        """
        return round((self.total if tokens else self.total - self.tokens) / self.orders, 4)


def _row(found: Mapping[str, Calls]) -> list[Any]:
    calls = [found[granularity] for granularity in GRANULARITIES]
    columns = ([each.total for each in calls], [each.look_ups for each in calls], [each.tokens for each in calls])
    figures = [*columns, [f"{each.per_order():g}" for each in calls]]
    return [calls[0].orders, *(" / ".join(dict.fromkeys(map(str, values))) for values in figures)]


def _target(
    what: str, most: float, found: Mapping[str, Calls], batch: Mapping[str, Calls], *, with_tokens: bool
) -> Target:
    """Return a target, which both granularities have to reach.

    :param batch: the calls of a lane of 100
    :param with_tokens: whether the bound holds with the tokens counted, or besides them
    """

    def shown(calls: Mapping[str, Calls], *, tokens: bool) -> str:
        return " / ".join(f"{calls[granularity].per_order(tokens=tokens):.4f}" for granularity in GRANULARITIES)

    orders = found["step"].orders
    measured = f"{shown(found, tokens=with_tokens)} in a lane of {orders:,} (steps as tasks / in one task), "
    if not with_tokens:
        measured += f"with tokens {shown(found, tokens=True)}, "
    measured += f"{shown(batch, tokens=with_tokens)} in one of 100"
    reached = all(each.per_order(tokens=with_tokens) <= most for each in found.values())
    counted = "tokens counted" if with_tokens else "besides tokens"
    return Target(f"Yotpo calls per {what}, {counted}", f"at most {most}", measured, reached=reached)


def _write(running: RunningSandbox, case: Case, number: int, granularity: str) -> Calls:
    """Write orders as the steps of a lane do, and count the calls."""
    orders = list(_orders(case.series, number, products=case.products))
    if case.changed:
        orders = [_changed(order, index) for index, order in enumerate(orders)]
    calls: dict[str, int] = {}
    memory = ClientMemory() if granularity == "shop" else None
    for step in [upsert_products, upsert_orders] if case.with_products else [upsert_orders]:
        with _client(running, memory) as client:
            outcomes = list(step(client, orders, workers=4, batch_size=case.batch_size))
            if rejected := [outcome for outcome in outcomes if outcome.action == "rejected"]:
                raise RuntimeError(rejected[0].reason)
            _add(calls, client.stats.snapshot()["by_label"])
    return Calls(calls, number)


def _add(calls: dict[str, int], further: Mapping[str, int]) -> None:
    for label, number in further.items():
        calls[label] = calls.get(label, 0) + number


def _client(running: RunningSandbox, memory: ClientMemory | None) -> YotpoClient:
    store_id, accepted = next(iter(running.sandbox.credentials["yotpo"].items()))
    return YotpoClient(
        store_id=store_id,
        secret=accepted["secret"],
        base_url=f"{running.url}/yotpo",
        requests_per_second=FAST,
        options=ClientOptions(rate_limit_store=InMemoryStore(), memory=memory),
    )


def _orders(series: str, count: int, *, products: str = "") -> Iterable[Record]:
    """Yield built orders, as the build makes them."""
    for number in range(count):
        product = f"{products}product-{number % PRODUCTS}"
        yield {
            "external_id": f"{series}{number}",
            "order": yotpo_order(f"{series}{number}", product),
            "products": [{"external_id": product, "name": f"Mug {product}", "url": f"https://example.com/{product}"}],
        }


def _changed(order: Record, index: int) -> Record:
    return order if index % 10 else {**order, "order": {**order["order"], "payment_status": "refunded"}}


if __name__ == "__main__":
    main()
