"""Seeds the Voucherify project of one shop, so that every list of the API has records.

The modules build on each other, so their order matters. They read the shop's Shopify records and do not change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import add_offers
from airflow_provider_partners.sandbox.voucherify.seed.customers import add_customers, add_segments, publish_vouchers
from airflow_provider_partners.sandbox.voucherify.seed.loyalty.programs import add_programs
from airflow_provider_partners.sandbox.voucherify.seed.loyalty.v1 import add_earned_points, add_loyalty
from airflow_provider_partners.sandbox.voucherify.seed.products import add_goods
from airflow_provider_partners.sandbox.voucherify.seed.project import add_project
from airflow_provider_partners.sandbox.voucherify.seed.records import PARTNER, SeedRecords
from airflow_provider_partners.sandbox.voucherify.seed.redemptions import use_coupons
from airflow_provider_partners.sandbox.voucherify.seed.validation_rules import add_rules
from airflow_provider_partners.sandbox.world.shops import Shop

__all__ = ["PARTNER", "store_project"]


def store_project(
    store: Store,
    seed: int,
    shop: Shop,
    *,
    orders: Sequence[Document],
    products: Sequence[Document],
    customers: Sequence[Document],
    now: datetime,
) -> None:
    """Make the project of a shop and store it.

    :param seed: the world's seed
    :param orders: the shop's orders, as Shopify has them
    :param products: the products that the shop still has
    :param customers: the shop's customers
    :param now: the world's current time
    """
    seed_records = SeedRecords(seed=seed, shop=shop.domain, now=now)
    goods = add_goods(seed_records, products, shop.currency)
    offers = add_offers(seed_records)
    people = add_customers(seed_records, customers)
    add_segments(seed_records, people)
    add_project(seed_records, shop)
    publish_vouchers(seed_records, offers, people)
    add_earned_points(seed_records, offers)
    use_coupons(seed_records, orders, goods, offers, people)
    add_loyalty(seed_records, offers)
    add_rules(seed_records, offers)
    add_programs(seed_records, people)
    seed_records.store(store)
