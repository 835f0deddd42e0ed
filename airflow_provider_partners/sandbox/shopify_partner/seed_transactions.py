"""The partner organization's earnings and charges as transactions of the Partner API; every type occurs.

There are more than two pages of them, with different shops and amounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.money import format_amount
from airflow_provider_partners.sandbox.world.shops import Shop

# Type, price in dollars, count, days between.
_SALES: Sequence[tuple[str, str, int, float]] = (
    ("AppSubscriptionSale", "49", 12, 30),
    ("AppUsageSale", "10", 14, 25.5),
    ("AppOneTimeSale", "199", 1, 150),
    ("AppSaleAdjustment", "-12.5", 1, 88),
    ("AppSaleCredit", "-25", 1, 64),
    ("ServiceSale", "850", 1, 210),
    ("ServiceSaleAdjustment", "-100", 1, 180),
    ("ThemeSale", "320", 1, 260),
    ("ThemeSaleAdjustment", "-320", 1, 250),
)
# Transactions with only one amount.
_AMOUNTS: Sequence[tuple[str, str, int, float]] = (
    ("ReferralTransaction", "61.75", 2, 31),
    ("ReferralAdjustment", "-3.25", 1, 40),
    ("LegacyTransaction", "15", 1, 300),
)
_CHARGES = {"AppOneTimeSale": "AppPurchaseOneTime", "AppUsageSale": "AppUsageRecord"}
_FEE = Decimal("0.15")
# Before September 2020 a sale has no charge id.
_ANCIENT = datetime(2020, 6, 1, 9, 30, 1, 123456, tzinfo=UTC)
_PAYOUTS = 24
_PAYOUT_EVERY = timedelta(days=15)


def transactions(rng: Random, shops: Sequence[Shop], app: Document, now: datetime) -> Iterator[Document]:
    """Return all transactions, in no particular order."""
    for place, shop in enumerate(shops):
        for kind, price, times, days in (*_SALES, *_AMOUNTS):
            for turn in range(times):
                at = now - timedelta(days=days * (turn + 1) - 20 * rng.random(), seconds=place)
                number = shop.number * 1000 + turn + 1
                yield _transaction(rng, kind, number, Decimal(price), at, shop, app)
    for turn in range(_PAYOUTS):
        at = now - _PAYOUT_EVERY * (turn + 1) + timedelta(seconds=rng.random())
        # One summary per payout: negative for the tax on fees, positive on referral commission.
        referral = turn % 4 == 0
        yield {
            **_base("TaxTransaction", turn + 1, at),
            "amount": _money(Decimal("4.94") if referral else Decimal("-7.35")),
            "type": "REFERRAL_COMMISSION" if referral else "SALE_SHOPIFY_FEE",
        }
    oldest = _transaction(rng, "AppSubscriptionSale", 1, Decimal(29), _ANCIENT, shops[0], app)
    yield oldest | {"chargeId": None, "billingInterval": None}


def _transaction(
    rng: Random, kind: str, number: int, price: Decimal, at: datetime, shop: Shop, app: Document
) -> Document:
    body = _base(kind, number, at)
    body["shop"] = {
        "id": f"gid://partners/Shop/{shop.number}",
        "name": shop.name,
        "myshopifyDomain": shop.domain,
        "avatarUrl": None,
    }
    if kind in {record[0] for record in _AMOUNTS}:
        body["amount"] = _money(price)
        if kind.startswith("Referral"):
            body["category"] = rng.choice(("SHOPIFY_PLUS", "ONLINE_DTC_GMV", "AFFILIATE_STORES"))
        return body
    fee = (price * _FEE).quantize(Decimal("0.01"))
    body |= {"grossAmount": _money(price), "shopifyFee": _money(fee), "netAmount": _money(price - fee)}
    if kind.startswith("App"):
        body |= {
            "app": dict(app),
            "chargeId": f"gid://shopify/{_CHARGES.get(kind, 'AppSubscription')}/{shop.number * 1000 + 1}",
        }
    if kind.startswith("Theme"):
        body["theme"] = {"name": "Étoile"}
    if kind == "AppSubscriptionSale":
        body["billingInterval"] = "EVERY_30_DAYS"
    return body


def _base(kind: str, number: int, at: datetime) -> Document:
    return {
        "__typename": kind,
        "id": f"gid://partners/{kind}/{number}",
        "createdAt": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def _money(amount: Decimal) -> Document:
    return {"amount": format_amount(amount), "currencyCode": "USD"}
