"""Builds a world from a seed: every partner's records in one store, the same for the same seed and day.

:func:`~airflow_provider_partners.sandbox.world.shops.world` and
:data:`~airflow_provider_partners.sandbox.world.orders.scenarios.SCENARIOS` declare what a world contains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.shopify_partner import seed as seed_partner
from airflow_provider_partners.sandbox.shopify_partner import seed_legacy
from airflow_provider_partners.sandbox.store import Document, Sandbox, Store, format_timestamp
from airflow_provider_partners.sandbox.voucherify import seed as seed_voucherify
from airflow_provider_partners.sandbox.world import admin_lists, scale
from airflow_provider_partners.sandbox.world import shop as seed_shopify
from airflow_provider_partners.sandbox.world.shops import Shop, world
from airflow_provider_partners.sandbox.yofi import seed as seed_yofi

#: Partner name of the sandbox's own documents: the world's parameters, and each shop's id counters.
PARTNER = "sandbox"
#: Maximum number of a shop's orders that are built one by one; :mod:`.scale` derives the others from them.
MAX_DETAILED_ORDERS = 5_000


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The parameters that determine a world.

    :param seed: seed of all random numbers
    :param shops: number of shops that are installed and have a route; the uninstalled and the unrouted one come on top
    :param orders: number of orders per such shop
    """

    seed: int = 7
    shops: int = 4
    orders: int = 100

    def document(self) -> Document:
        """Return the parameters as the store has them."""
        return {"seed": self.seed, "shops": self.shops, "orders": self.orders}


def build(
    *, path: Path | str = ":memory:", seed: int = 7, shops: int = 4, orders: int = 100, now: datetime | None = None
) -> Sandbox:
    """Build a sandbox with a world, or open an existing one.

    :param path: the SQLite file; an existing file with the same world is opened with all later writes
    :param seed: seed of the world
    :param shops: number of shops that are installed and have a route; one uninstalled and one unrouted shop come on top
    :param orders: number of orders of each of these shops
    :param now: the day of the world, aware, at which the sandbox's clock is fixed. Without it the world ends at the
        last full hour and the clock is the machine's
    :raises ValueError: the file contains another world
    """
    if orders < 1:
        msg = f"a shop needs at least one order, not {orders}"
        raise ValueError(msg)
    parameters = Parameters(seed=seed, shops=shops, orders=orders)
    members = world(shops)
    store = Store(path)
    kept = store.get(PARTNER, "", "world", "world")
    if kept is None:
        _fill(store, parameters, members, _anchor(now))
    elif {key: kept[key] for key in parameters.document()} != parameters.document():
        store.close()
        msg = (
            f"{path} contains the world seed={kept['seed']} shops={kept['shops']} orders={kept['orders']}, "
            f"requested was seed={seed} shops={shops} orders={orders}: use the same values or another file"
        )
        raise ValueError(msg)
    return Sandbox(store=store, credentials=_accepted(store, parameters), now=now and now.astimezone(UTC))


def parameters_of(sandbox: Sandbox) -> Parameters:
    """Return the parameters that a sandbox's world was built with."""
    kept = sandbox.store.get(PARTNER, "", "world", "world") or {}
    return Parameters(seed=kept["seed"], shops=kept["shops"], orders=kept["orders"])


def _anchor(now: datetime | None) -> datetime:
    if now is None:
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    if now.tzinfo is None:
        msg = f"now must carry a time zone, {now.isoformat()} has none"
        raise ValueError(msg)
    return now.astimezone(UTC)


def _fill(store: Store, parameters: Parameters, members: list[Shop], now: datetime) -> None:
    seed = parameters.seed
    for shop_index, shop in enumerate(members):
        detailed = min(parameters.orders, MAX_DETAILED_ORDERS)
        merchant = seed_shopify.build_merchant(seed, shop, detailed, now)
        orders = seed_shopify.build_orders(merchant, detailed, shop_index=shop_index)
        yofi_records = seed_yofi.build_records(seed, merchant, orders)
        seed_shopify.store_shop(store, merchant, orders)
        admin_lists.fill(store, merchant, orders, seed=seed)
        seed_yofi.store_records(store, yofi_records)
        counters = {"next_id": merchant.ids.next, "number": merchant.number}
        store.put(PARTNER, shop.domain, "counters", "counters", counters, at=format_timestamp(now))
        if shop.domain == credentials.voucherify_shop(members).domain:
            seed_voucherify.store_project(
                store,
                seed,
                shop,
                orders=orders,
                products=merchant.products.stored,
                customers=merchant.customers,
                now=now,
            )
        if parameters.orders > MAX_DETAILED_ORDERS and shop.installed and shop.routed:
            scale.grow(store, shop=shop.domain, orders=parameters.orders - MAX_DETAILED_ORDERS, seed=seed, now=now)
    seed_partner.fill(store, seed, members, now)
    seed_legacy.fill(store, seed, members, now)
    for store_id, account in credentials.make(seed, parameters.shops)["yotpo"].items():
        name = next(shop.name for shop in members if shop.domain == account["shop"])
        store.put(
            "yotpo", store_id, "store", store_id, {"name": name, "shop": account["shop"]}, at=format_timestamp(now)
        )
    # Write this last: a file whose build was interrupted must not count as a world.
    store.put(
        PARTNER, "", "world", "world", parameters.document() | {"now": format_timestamp(now)}, at=format_timestamp(now)
    )


def _accepted(store: Store, parameters: Parameters) -> credentials.Credentials:
    """Return the credentials that the server accepts: all except those of shops that uninstalled the app."""
    accepted = credentials.make(parameters.seed, parameters.shops)
    for shop in accepted["shopify_admin"]:
        facts = store.get(seed_shopify.PARTNER, shop, "shop", shop)
        if facts and not facts["installed"]:
            credentials.revoke(accepted, shop, parameters.seed)
    return accepted
