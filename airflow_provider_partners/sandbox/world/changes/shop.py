"""Things that happen in a shop while the sandbox runs: orders change, new ones come in, the app is uninstalled.

Only changes that a review platform can see are made, to orders that would be sent to one. Deterministic: a world's next
change depends on the world and on how many came before. Knows nothing of HTTP.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from random import Random
from typing import Any

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.shopify_partner import seed as seed_partner
from airflow_provider_partners.sandbox.store import Document, Sandbox, format_timestamp
from airflow_provider_partners.sandbox.voucherify.seed import live_changes
from airflow_provider_partners.sandbox.voucherify.seed.long_lists import grow
from airflow_provider_partners.sandbox.world.build import PARTNER, parameters_of
from airflow_provider_partners.sandbox.world.changes import returns
from airflow_provider_partners.sandbox.world.changes.orders import OrderChange, can_change, next_change
from airflow_provider_partners.sandbox.world.identifiers import Ids
from airflow_provider_partners.sandbox.world.orders.build import order_of
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.orders.scenarios import NEW_ORDER
from airflow_provider_partners.sandbox.world.orders.totals import recalculate
from airflow_provider_partners.sandbox.world.products import ShopProducts
from airflow_provider_partners.sandbox.world.shop import PARTNER as SHOPIFY
from airflow_provider_partners.sandbox.world.shops import Shop, world
from airflow_provider_partners.sandbox.yofi import seed as seed_yofi


class UnknownShopError(LookupError):
    """No shop of this world has that domain."""


class NothingToDoError(ValueError):
    """The world has no such thing to change."""


class Changes:
    """Makes things happen in the world of one sandbox.

    :param sandbox: whose world
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()

    def change_orders(self, shop: str, count: int) -> list[Document]:
        """Change so many orders of a shop, each once; their ids, and what happened to each.

        :raises NothingToDoError: the shop has fewer orders that can change visibly; none is changed then
        """
        with self._lock:
            merchant = self._merchant(shop)
            at = format_timestamp(self._sandbox.clock())
            open_orders = [
                order
                for order in self._sandbox.store.select(SHOPIFY, shop, "order")
                if can_change(OrderChange(order, merchant, at))
            ]
            merchant.rng.shuffle(open_orders)
            chosen = [next_change(open_orders, merchant, at, turn) for turn in range(count) if open_orders]
            done = [row for row in chosen if row]
            if len(done) < count:
                msg = f"{shop} has {len(done)} orders that can change, asked was for {count}"
                raise NothingToDoError(msg)
            self._save(merchant, [order for order, _ in done])
        return [_summary(order) | {"what": what} for order, what in done]

    def create_orders(self, shop: str, count: int) -> list[Document]:
        """Let so many orders come in at a shop; their ids."""
        with self._lock:
            merchant = self._merchant(shop)
            now = self._sandbox.clock()
            # Paid within the minute; the payment must not lie in the time to come.
            orders = [
                recalculate(order_of(merchant, NEW_ORDER, now - timedelta(minutes=1)), format_timestamp(now))
                for _ in range(count)
            ]
            for order in orders:
                seed_yofi.add_order(self._sandbox.store, shop, order, merchant.rng)
            self._save(merchant, orders)
        return [_summary(order) for order in orders]

    def redeem(self, count: int) -> list[Document]:
        """Let so many orders come in on which a coupon is used, at the shop with a Voucherify project."""
        shop = self._sandbox.credentials["voucherify"]["shop"]
        made = [row["id"] for row in self.create_orders(shop, count)]
        with self._lock:
            orders = self._sandbox.store.select(SHOPIFY, shop, "order", ids=made)
            rows = [live_changes.redeem(**self._project(), order=order) for order in orders]
        return [_redemption(row) for row in rows]

    def roll_back(self, count: int) -> list[Document]:
        """Take the last so many redemptions back, one rollback after the other.

        :raises NothingToDoError: nothing is left that could be taken back
        """
        with self._lock:
            rows = [row for _ in range(count) if (row := live_changes.roll_back(**self._project()))]
        if not rows:
            msg = "no redemption is left that could be rolled back"
            raise NothingToDoError(msg)
        return [_redemption(row) for row in rows]

    def grow(self, kind: str, count: int) -> str:
        """Make a list of the Voucherify project longer by so many rows; the parents' ids of it.

        :raises ValueError: there is no such list
        """
        with self._lock:
            seed = parameters_of(self._sandbox).seed
            return grow(self._sandbox.store, seed=seed, kind=kind, count=count, now=self._sandbox.clock())

    def _project(self) -> dict[str, Any]:
        return {
            "store": self._sandbox.store,
            "seed": parameters_of(self._sandbox).seed,
            "shop": self._sandbox.credentials["voucherify"]["shop"],
            "now": self._sandbox.clock(),
        }

    def create_yofi_records(self, shop: str, kind: str, count: int) -> list[Document]:
        """Let buyers of a shop ask for so many returns (``kind``) or make so many claims.

        :raises NothingToDoError: nothing that was sent could come back or be complained about
        """
        make = {"returns": returns.open_returns, "claims": returns.open_claims}[kind]
        with self._lock:
            merchant = self._merchant(shop)
            made = make(self._sandbox.store, merchant, count)
            self._save(merchant, [])
        if not made:
            msg = f"{shop} has no order left for {kind}"
            raise NothingToDoError(msg)
        return made

    def install(self, shop: str) -> Document:
        """Install the app at a shop that was without it; the event."""
        with self._lock:
            event = returns.install(self._sandbox.store, self._shop(shop), self._sandbox.clock())
            parameters = parameters_of(self._sandbox)
            known = credentials.make(parameters.seed, parameters.shops)["shopify_admin"][shop]
            self._sandbox.credentials["shopify_admin"][shop].update(known)
        if event is None:
            msg = f"{shop} has installed the app already"
            raise NothingToDoError(msg)
        return event

    def uninstall(self, shop: str) -> Document:
        """Uninstall the app at a shop: an event at the Partner API, and its token is revoked; the event."""
        with self._lock:
            member = self._shop(shop)
            store = self._sandbox.store
            facts = store.get(SHOPIFY, shop, "shop", shop)
            if facts is None or not facts["installed"]:
                msg = f"{shop} has not installed the app"
                raise NothingToDoError(msg)
            now = self._sandbox.clock()
            event = seed_partner.app_event(member, "RELATIONSHIP_UNINSTALLED", now)
            seed_partner.add_events(store, [event])
            store.put(SHOPIFY, shop, "shop", shop, facts | {"installed": False}, at=format_timestamp(now))
            # Tokens that the client credentials grant has given out die with the installation.
            issued = [id_ for _, owner, kind, id_, _ in store if owner == shop and kind == "token"]
            for token in issued:
                store.delete(SHOPIFY, shop, "token", token)
            credentials.revoke(self._sandbox.credentials, shop, parameters_of(self._sandbox).seed)
        return event

    def _shop(self, domain: str) -> Shop:
        members = {member.domain: member for member in world(parameters_of(self._sandbox).shops)}
        if domain not in members:
            msg = f"no shop {domain}; this world has {', '.join(members)}"
            raise UnknownShopError(msg)
        return members[domain]

    def _merchant(self, domain: str) -> Merchant:
        """The shop with its goods and people, and luck that no earlier change had."""
        store = self._sandbox.store
        shop = self._shop(domain)
        counters = store.get(PARTNER, domain, "counters", "counters") or {}
        return Merchant(
            shop=shop,
            rng=_random_stream(self._sandbox, domain, counters["next_id"]),
            ids=Ids(counters["next_id"]),
            products=_shop_products(store.select(SHOPIFY, domain, "product")),
            customers=store.select(SHOPIFY, domain, "customer"),
            now=self._sandbox.clock(),
            number=counters["number"],
        )

    def _save(self, merchant: Merchant, orders: list[Document]) -> None:
        store, domain = self._sandbox.store, merchant.shop.domain
        # A change that takes no id (a new address) must count too, or the next one would have the same luck.
        merchant.ids.take()
        store.put_many(SHOPIFY, domain, "order", [(order["id"], order["updatedAt"], order) for order in orders])
        counters = {"next_id": merchant.ids.next, "number": merchant.number}
        store.put(PARTNER, domain, "counters", "counters", counters, at=format_timestamp(merchant.now))


def _random_stream(sandbox: Sandbox, shop: str, next_id: int) -> Random:
    return stream(parameters_of(sandbox).seed, "change", shop, next_id)


def _shop_products(products: list[Document]) -> ShopProducts:
    """The goods as stored, those that anybody may buy apart from the odd ones."""
    ordinary = [
        row for row in products if row["status"] == "ACTIVE" and row["onlineStoreUrl"] and not row["isGiftCard"]
    ]
    return ShopProducts(
        products=ordinary,
        gift_card=next(row for row in products if row["isGiftCard"]),
        not_for_sale=[row for row in products if row not in ordinary and not row["isGiftCard"]],
        long_title=max(products, key=lambda row: len(row["title"])),
        deleted=[],
    )


def _redemption(row: Document) -> Document:
    order = row["order"]
    return {field: row[field] for field in ("id", "object", "date")} | {"order": order["id"], "of": order["source_id"]}


def _summary(order: Document) -> Document:
    return {field: order[field] for field in ("id", "legacyResourceId", "name", "updatedAt")}
