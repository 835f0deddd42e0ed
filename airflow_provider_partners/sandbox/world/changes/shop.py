"""Changes that happen in a shop while the sandbox runs: orders change, new orders arrive, the app is uninstalled.

Only orders that would be sent to a review platform change, and only in ways that the platform can see. Changes are
deterministic: the next one depends on the world and on the number of earlier changes.
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
from airflow_provider_partners.sandbox.world.admin_lists import follow_orders
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
    """The world has nothing left that could change in this way."""


class Changes:
    """Applies changes to the world of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._lock = threading.Lock()

    def change_orders(self, shop: str, count: int) -> list[Document]:
        """Change ``count`` orders of a shop, each once; return their ids and the kind of each change.

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
            done = [document for document in chosen if document]
            if len(done) < count:
                msg = f"{shop} has {len(done)} orders that can change, not {count}"
                raise NothingToDoError(msg)
            self._save(merchant, [order for order, _ in done])
        return [_summary(order) | {"what": what} for order, what in done]

    def create_orders(self, shop: str, count: int) -> list[Document]:
        """Create ``count`` orders at a shop; return their ids."""
        with self._lock:
            merchant = self._merchant(shop)
            now = self._sandbox.clock()
            # The payment follows within a minute and must not be in the future.
            orders = [
                recalculate(order_of(merchant, NEW_ORDER, now - timedelta(minutes=1)), format_timestamp(now))
                for _ in range(count)
            ]
            for order in orders:
                seed_yofi.add_order(self._sandbox.store, shop, order, merchant.rng)
            self._save(merchant, orders)
        return [_summary(order) for order in orders]

    def redeem(self, count: int) -> list[Document]:
        """Create ``count`` orders that use a coupon, at the shop with a Voucherify project."""
        shop = self._sandbox.credentials["voucherify"]["shop"]
        made = [document["id"] for document in self.create_orders(shop, count)]
        with self._lock:
            orders = self._sandbox.store.select(SHOPIFY, shop, "order", ids=made)
            documents = [live_changes.redeem(**self._project(), order=order) for order in orders]
        return [_redemption(document) for document in documents]

    def roll_back(self, count: int) -> list[Document]:
        """Roll back the latest ``count`` redemptions, one after the other.

        :raises NothingToDoError: there is no redemption left to roll back
        """
        with self._lock:
            documents = [document for _ in range(count) if (document := live_changes.roll_back(**self._project()))]
        if not documents:
            msg = "there is no redemption left to roll back"
            raise NothingToDoError(msg)
        return [_redemption(document) for document in documents]

    def grow(self, kind: str, count: int) -> str:
        """Add ``count`` records to a list of the Voucherify project; return the ids of the list's parents.

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
        """Create returns or claims (``kind``) at a shop.

        :raises NothingToDoError: the shop has no shipped order without one
        """
        make = {"returns": returns.open_returns, "claims": returns.open_claims}[kind]
        with self._lock:
            merchant = self._merchant(shop)
            made = make(self._sandbox.store, merchant, count)
            self._save(merchant, [])
        if not made:
            msg = f"{shop} has no shipped order left without {kind}"
            raise NothingToDoError(msg)
        return made

    def install(self, shop: str) -> Document:
        """Install the app at a shop that does not have it; return the event."""
        with self._lock:
            event = returns.install(self._sandbox.store, self._shop(shop), self._sandbox.clock())
            parameters = parameters_of(self._sandbox)
            known = credentials.make(parameters.seed, parameters.shops)["shopify_admin"][shop]
            self._sandbox.credentials["shopify_admin"][shop].update(known)
        if event is None:
            msg = f"{shop} already has the app installed"
            raise NothingToDoError(msg)
        return event

    def uninstall(self, shop: str) -> Document:
        """Uninstall the app at a shop and revoke its tokens; return the Partner API's event."""
        with self._lock:
            member = self._shop(shop)
            store = self._sandbox.store
            facts = store.get(SHOPIFY, shop, "shop", shop)
            if facts is None or not facts["installed"]:
                msg = f"{shop} does not have the app installed"
                raise NothingToDoError(msg)
            now = self._sandbox.clock()
            event = seed_partner.app_event(member, "RELATIONSHIP_UNINSTALLED", now)
            seed_partner.add_events(store, [event])
            store.put(SHOPIFY, shop, "shop", shop, facts | {"installed": False}, at=format_timestamp(now))
            # Tokens issued by the client credentials grant become invalid with the installation.
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
        """Return the shop with its products and customers, and random numbers that no earlier change used."""
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
        # A change that needs no id (a new address) must count, too: the next change would repeat its random numbers.
        merchant.ids.take()
        store.put_many(SHOPIFY, domain, "order", [(order["id"], order["updatedAt"], order) for order in orders])
        follow_orders(store, domain, orders)
        counters = {"next_id": merchant.ids.next, "number": merchant.number}
        store.put(PARTNER, domain, "counters", "counters", counters, at=format_timestamp(merchant.now))


def _random_stream(sandbox: Sandbox, shop: str, next_id: int) -> Random:
    return stream(parameters_of(sandbox).seed, "change", shop, next_id)


def _shop_products(products: list[Document]) -> ShopProducts:
    """Return the stored products; the ordinary ones are active, published and no gift card."""
    ordinary = [
        document
        for document in products
        if document["status"] == "ACTIVE" and document["onlineStoreUrl"] and not document["isGiftCard"]
    ]
    return ShopProducts(
        products=ordinary,
        gift_card=next(document for document in products if document["isGiftCard"]),
        not_for_sale=[document for document in products if document not in ordinary and not document["isGiftCard"]],
        long_title=max(products, key=lambda document: len(document["title"])),
        deleted=[],
    )


def _redemption(document: Document) -> Document:
    order = document["order"]
    return {field: document[field] for field in ("id", "object", "date")} | {
        "order": order["id"],
        "of": order["source_id"],
    }


def _summary(order: Document) -> Document:
    return {field: order[field] for field in ("id", "legacyResourceId", "name", "updatedAt")}
