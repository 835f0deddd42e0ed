"""Voucherify's records of one project, which belongs to one shop of the world.

Puts together what the ``seed_voucherify_…`` modules make, in the order in which one needs the other. Every list
that the API has gets rows. Reads the shop's Shopify records and changes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import add_offers
from airflow_provider_partners.sandbox.voucherify.seed.customers import add_customers, add_segments, give_vouchers
from airflow_provider_partners.sandbox.voucherify.seed.loyalty.programs import add_programs
from airflow_provider_partners.sandbox.voucherify.seed.loyalty.v1 import add_earned_points, add_loyalty
from airflow_provider_partners.sandbox.voucherify.seed.products import add_goods
from airflow_provider_partners.sandbox.voucherify.seed.project import add_project
from airflow_provider_partners.sandbox.voucherify.seed.records import PARTNER, SeedRecords
from airflow_provider_partners.sandbox.voucherify.seed.redemptions import use_coupons
from airflow_provider_partners.sandbox.voucherify.seed.validation_rules import add_rules
from airflow_provider_partners.sandbox.world.shops import Shop

__all__ = ["PARTNER", "fill"]


def fill(
    store: Store,
    seed: int,
    shop: Shop,
    *,
    orders: Sequence[Document],
    products: Sequence[Document],
    customers: Sequence[Document],
    now: datetime,
) -> None:
    """Write down the project of a shop.

    :param orders: the shop's, as Shopify has them
    :param products: those it still has
    :param customers: its buyers
    """
    ledger = SeedRecords(seed=seed, shop=shop.domain, now=now)
    goods = add_goods(ledger, products, shop.currency)
    offers = add_offers(ledger)
    people = add_customers(ledger, customers)
    add_segments(ledger, people)
    add_project(ledger, shop)
    give_vouchers(ledger, offers, people)
    add_earned_points(ledger, offers)
    use_coupons(ledger, orders, goods, offers, people)
    add_loyalty(ledger, offers)
    add_rules(ledger, offers)
    add_programs(ledger, people)
    ledger.store(store)
