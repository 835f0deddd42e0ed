"""Builds a world from a number: every partner's records in one store, the same for the same number and day.

What a world contains is told by :func:`~airflow_provider_partners.sandbox.world.shops.world` and
:data:`~airflow_provider_partners.sandbox.world.orders.scenarios.SCENARIOS`. This module fills; it serves nothing.
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
from airflow_provider_partners.sandbox.world import scale
from airflow_provider_partners.sandbox.world import shop as seed_shopify
from airflow_provider_partners.sandbox.world.shops import Shop, world
from airflow_provider_partners.sandbox.yofi import seed as seed_yofi

#: Where the sandbox keeps what belongs to no partner: the world's parameters, the ids each shop has left.
PARTNER = "sandbox"
#: So many orders of a shop are made one by one; those beyond follow them, see :mod:`.seed_scale`.
MAX_DETAILED_ORDERS = 5_000


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What makes a world the one it is.

    :param seed: its number
    :param shops: installed and routed shops, besides the odd ones
    :param orders: per such shop
    """

    seed: int = 7
    shops: int = 4
    orders: int = 100

    def document(self) -> Document:
        """As stored."""
        return {"seed": self.seed, "shops": self.shops, "orders": self.orders}


def build(
    *, path: Path | str = ":memory:", seed: int = 7, shops: int = 4, orders: int = 100, now: datetime | None = None
) -> Sandbox:
    """A sandbox with a world in it.

    :param path: the SQLite file; one that holds this world already is taken up as it was left, with all that was
        written to it
    :param seed: the world's number
    :param shops: how many shops have the app installed and a route; an uninstalled and an unrouted one come besides
    :param orders: orders of each of these shops
    :param now: the day of the world, aware. With it the sandbox's clock stands still; without it the world ends at the
        last full hour and the clock is the machine's
    :raises ValueError: the file holds another world
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
            f"{path} holds the world seed={kept['seed']} shops={kept['shops']} orders={kept['orders']}, asked was "
            f"seed={seed} shops={shops} orders={orders}: ask for the same or name another file"
        )
        raise ValueError(msg)
    return Sandbox(store=store, credentials=_accepted(store, parameters), now=now and now.astimezone(UTC))


def parameters_of(sandbox: Sandbox) -> Parameters:
    """What the world of a sandbox was built with."""
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
    for place, shop in enumerate(members):
        careful = min(parameters.orders, MAX_DETAILED_ORDERS)
        merchant = seed_shopify.build_merchant(seed, shop, careful, now)
        orders = seed_shopify.build_orders(merchant, careful, place=place)
        dossier = seed_yofi.build_records(seed, merchant, orders)
        seed_shopify.store_shop(store, merchant, orders)
        seed_yofi.store_records(store, dossier)
        counters = {"next_id": merchant.ids.next, "number": merchant.number}
        store.put(PARTNER, shop.domain, "counters", "counters", counters, at=format_timestamp(now))
        if shop.domain == credentials.voucherify_shop(members).domain:
            seed_voucherify.fill(
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
    # Last: a file whose making was interrupted is no world.
    store.put(
        PARTNER, "", "world", "world", parameters.document() | {"now": format_timestamp(now)}, at=format_timestamp(now)
    )


def _accepted(store: Store, parameters: Parameters) -> credentials.Credentials:
    """What the server accepts: all but the tokens of shops that uninstalled the app."""
    accepted = credentials.make(parameters.seed, parameters.shops)
    for shop in accepted["shopify_admin"]:
        facts = store.get(seed_shopify.PARTNER, shop, "shop", shop)
        if facts and not facts["installed"]:
            credentials.revoke(accepted, shop, parameters.seed)
    return accepted
