"""Changes in a Voucherify project while the sandbox runs: a coupon is redeemed on a new order, or rolled back."""

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
    """Redeem a coupon on a new order of the shop and return the redemption.

    :param order: the order as Shopify has it
    """
    seed_records, checkout = _checkout(store, seed, shop, now)
    voucher = next(record for record in store.select(PARTNER, "", "vouchers") if record["code"] == _CODE)
    seed_records.add("vouchers", voucher)
    number = (order["customer"] or {}).get("legacyResourceId")
    customers = store.select(PARTNER, "", "customers")
    customer = next((record for record in customers if number and record["source_id"] == number), None)
    source_id = SOURCE_IDS[0](order)
    body = shop_order(checkout.rng, _goods(store), order, source_id=source_id, customer=customer, at=now)
    record = checkout.redeem(body, customer, [voucher], now)
    seed_records.add("orders", body)
    seed_records.store(store)
    return record


def roll_back(store: Store, *, seed: int, shop: str, now: datetime) -> Document | None:
    """Roll back the newest redemption that can be, and return the rollback; ``None`` if there is none."""
    seed_records, checkout = _checkout(store, seed, shop, now)
    records = {record["id"]: record for record in store.select(PARTNER, "", "redemptions")}
    redemption = next((record for record in reversed(list(records.values())) if _can_roll_back(record)), None)
    if redemption is None:
        return None
    order = store.get(PARTNER, "", "orders", redemption["order"]["id"]) or redemption["order"]
    seed_records.add("orders", order)
    for record in (redemption, *(records[id_] for id_ in order["redemptions"][redemption["id"]].get("stacked", ()))):
        seed_records.add("redemptions", record)
        if record["related_object_type"] == "voucher":
            seed_records.add("voucher_redemptions", record, scope=record["voucher"]["code"])
            voucher = store.get(PARTNER, "", "vouchers", record["voucher"]["id"])
            seed_records.add("vouchers", voucher or record["voucher"])
    rollback = checkout.roll_back(order, redemption, now, reason="The buyer changed their mind")
    seed_records.store(store)
    return rollback


def _checkout(store: Store, seed: int, shop: str, now: datetime) -> tuple[SeedRecords, Checkout]:
    """Return a checkout whose random numbers differ after each redemption."""
    seed_records = SeedRecords(seed=seed, shop=shop, now=now)
    rng = seed_records.random_stream("live changes", store.count(PARTNER, "", "redemptions"))
    return seed_records, Checkout(seed_records=seed_records, rng=rng, tracking={})


def _can_roll_back(record: Document) -> bool:
    return (
        record["object"] == "redemption"
        and record["status"] == "SUCCEEDED"
        and not record.get("redemption")
        and record["id"] in record["order"]["redemptions"]
    )


def _goods(store: Store) -> Goods:
    products = store.select(PARTNER, "", "products")
    return Goods(
        products={gid("Product", record["source_id"]): record for record in products},
        skus={gid("ProductVariant", sku["source_id"]): sku for record in products for sku in record["skus"]["data"]},
    )
