"""After an order is written as planned, the next plan is "unchanged": over many random orders and changes of them."""

from __future__ import annotations

import random

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.upsert.plan import plan_write


@pytest.mark.parametrize("nested", ["merge", "replace"])
@pytest.mark.parametrize("level", ["order", "line"])
def test_after_an_update_the_plan_is_unchanged_whether_yotpo_merges_or_replaces(
    store: FakeYotpoStore, nested: str, level: str
) -> None:
    rng = random.Random(11)
    store.nested = nested
    store.add_products(*(str(number) for number in range(1, 7)))
    updates = 0
    for _ in range(300):
        order = make.random_order(rng, rng.randint(1, 30))
        returns = [{"id": "r", "order_id": order["legacyResourceId"], "state": rng.choice(("refunded", "requested"))}]
        for built in build_orders([order], returns, shop="a.myshopify.com", policy={"level": level}):
            if not isinstance(built, BuiltOrder):
                continue
            key = built.external_id
            present = store.orders([key]).get(key)
            plan = plan_write(built.order, present)
            if plan.action == "create":
                store.create_order(plan.payload)
            elif plan.action == "update" and present:
                updates += 1
                store.update_order(present["yotpo_id"], plan.payload)
            again = plan_write(built.order, store.orders([key])[key])
            assert (again.action, again.changed) == ("unchanged", ())
    assert updates > 100
