"""What happens in a Voucherify project while the sandbox runs: a coupon is used on a new order, or taken back.

Reads what it needs of the project from the store, lets the till do it, and stores what came of it.
"""

from __future__ import annotations

from datetime import datetime

from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import STANDALONE
from airflow_provider_partners.sandbox.voucherify.seed.checkout import Checkout
from airflow_provider_partners.sandbox.voucherify.seed.orders import SOURCE_IDS, shop_order
from airflow_provider_partners.sandbox.voucherify.seed.products import Goods
from airflow_provider_partners.sandbox.voucherify.seed.records import PARTNER, SeedRecords
from airflow_provider_partners.sandbox.world.identifiers import gid

_CODE = next(iter(STANDALONE))


def redeem(store: Store, *, seed: int, shop: str, order: Document, now: datetime) -> Document:
    """Use a coupon on an order of the shop, as it was placed; the redemption.

    :param order: as Shopify has it
    """
    ledger, till = _checkout(store, seed, shop, now)
    voucher = next(row for row in store.select(PARTNER, "", "vouchers") if row["code"] == _CODE)
    ledger.add("vouchers", voucher)
    number = (order["customer"] or {}).get("legacyResourceId")
    customers = store.select(PARTNER, "", "customers")
    customer = next((row for row in customers if number and row["source_id"] == number), None)
    source_id = SOURCE_IDS[0](order)
    body = shop_order(till.rng, _goods(store), order, source_id=source_id, customer=customer, at=now)
    row = till.redeem(body, customer, [voucher], now)
    ledger.add("orders", body)
    ledger.store(store)
    return row


def roll_back(store: Store, *, seed: int, shop: str, now: datetime) -> Document | None:
    """Take back the last redemption that can be; the rollback, or ``None`` if there is nothing to take back."""
    ledger, till = _checkout(store, seed, shop, now)
    rows = {row["id"]: row for row in store.select(PARTNER, "", "redemptions")}
    chosen = next((row for row in reversed(list(rows.values())) if _can_roll_back(row)), None)
    if chosen is None:
        return None
    order = store.get(PARTNER, "", "orders", chosen["order"]["id"]) or chosen["order"]
    ledger.add("orders", order)
    for row in (chosen, *(rows[id_] for id_ in order["redemptions"][chosen["id"]].get("stacked", ()))):
        ledger.add("redemptions", row)
        if row["related_object_type"] == "voucher":
            ledger.add("voucher_redemptions", row, scope=row["voucher"]["code"])
            voucher = store.get(PARTNER, "", "vouchers", row["voucher"]["id"])
            ledger.add("vouchers", voucher or row["voucher"])
    rollback = till.roll_back(order, chosen, now, reason="The buyer changed their mind")
    ledger.store(store)
    return rollback


def _checkout(store: Store, seed: int, shop: str, now: datetime) -> tuple[SeedRecords, Checkout]:
    """A till with luck that none before had."""
    ledger = SeedRecords(seed=seed, shop=shop, now=now)
    chance = ledger.random_stream("news", store.count(PARTNER, "", "redemptions"))
    return ledger, Checkout(seed_records=ledger, rng=chance, tracking={})


def _can_roll_back(row: Document) -> bool:
    return (
        row["object"] == "redemption"
        and row["status"] == "SUCCEEDED"
        and not row.get("redemption")
        and row["id"] in row["order"]["redemptions"]
    )


def _goods(store: Store) -> Goods:
    products = store.select(PARTNER, "", "products")
    return Goods(
        products={gid("Product", row["source_id"]): row for row in products},
        skus={gid("ProductVariant", sku["source_id"]): sku for row in products for sku in row["skus"]["data"]},
    )
