"""The records of the partner organization: the app, its events in each shop, and its earnings.

Every type of app event and of historical event occurs. Timestamps of events have microseconds, as in the published
example. :mod:`~airflow_provider_partners.sandbox.shopify_partner.seed_transactions` builds the transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.credentials import APP_ID
from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.shopify_partner.seed_transactions import transactions
from airflow_provider_partners.sandbox.store import Document, Store, format_timestamp
from airflow_provider_partners.sandbox.world.shop import UNINSTALLED_DAYS
from airflow_provider_partners.sandbox.world.shops import APP_NUMBER, Shop

PARTNER = "shopify_partner"
APP: Document = {"id": APP_ID, "name": "Verdict for Yotpo", "apiKey": "sandbox00000000000000000000api01"}

_Timeline = Sequence[tuple[str, float]]
# Type of event, and its age in days.
_COMMON_EVENTS: _Timeline = (
    ("RELATIONSHIP_INSTALLED", 320),
    ("SUBSCRIPTION_CHARGE_ACCEPTED", 319.9),
    ("SUBSCRIPTION_CHARGE_ACTIVATED", 319.8),
    ("USAGE_CHARGE_APPLIED", 200),
    ("USAGE_CHARGE_APPLIED", 110),
)
# Additional events of some shops; the shop's index in the world selects the entry.
_EXTRA_EVENTS: Sequence[_Timeline] = (
    (
        ("ONE_TIME_CHARGE_ACCEPTED", 150),
        ("ONE_TIME_CHARGE_ACTIVATED", 149.9),
        ("SUBSCRIPTION_APPROACHING_CAPPED_AMOUNT", 95),
        ("SUBSCRIPTION_CAPPED_AMOUNT_UPDATED", 94),
    ),
    (("ONE_TIME_CHARGE_DECLINED", 140), ("CREDIT_PENDING", 66), ("CREDIT_APPLIED", 65)),
    (("ONE_TIME_CHARGE_EXPIRED", 130), ("SUBSCRIPTION_CHARGE_DECLINED", 60), ("CREDIT_FAILED", 55)),
    # A change of plan: the old charge is cancelled and the new one activated at nearly the same time.
    (
        ("SUBSCRIPTION_CHARGE_EXPIRED", 90),
        ("SUBSCRIPTION_CHARGE_ACCEPTED", 45),
        ("SUBSCRIPTION_CHARGE_CANCELED", 44.9999),
        ("SUBSCRIPTION_CHARGE_ACTIVATED", 44.99985),
    ),
)
_REACTIVATED: _Timeline = (
    ("RELATIONSHIP_DEACTIVATED", 75),
    ("SUBSCRIPTION_CHARGE_FROZEN", 74.9),
    ("RELATIONSHIP_REACTIVATED", 40),
    ("SUBSCRIPTION_CHARGE_UNFROZEN", 39.9),
)
_REINSTALLED: _Timeline = (
    ("SUBSCRIPTION_CHARGE_CANCELED", 240.1),
    ("RELATIONSHIP_UNINSTALLED", 240),
    ("RELATIONSHIP_INSTALLED", 230),
    ("SUBSCRIPTION_CHARGE_ACTIVATED", 229.9),
)
_UNINSTALLED: _Timeline = (
    ("SUBSCRIPTION_CHARGE_CANCELED", UNINSTALLED_DAYS + 0.1),
    ("RELATIONSHIP_UNINSTALLED", UNINSTALLED_DAYS),
)
_REASONS = ("doesnt_meet_my_needs,too_expensive", "I found something else — merci quand même.")
# Charge events by prefix of their type: the kind of charge, its name, its price.
_CHARGES: Mapping[str, tuple[str, str, str]] = {
    "SUBSCRIPTION": ("AppSubscription", "Growth plan", "49.0"),
    "ONE_TIME": ("AppPurchaseOneTime", "Onboarding", "199.0"),
    "USAGE": ("AppUsageRecord", "500 extra orders", "10.0"),
    "CREDIT": ("AppCredit", "Outage in spring", "25.0"),
}
# The same events as historical events of version 2026-07.
_HISTORY: Mapping[str, tuple[str, str]] = {
    **{f"RELATIONSHIP_{state}": ("Relationship", f"RELATIONSHIP_{state}") for state in
       ("INSTALLED", "UNINSTALLED", "DEACTIVATED", "REACTIVATED")},
    "SUBSCRIPTION_CHARGE_ACTIVATED": ("SubscriptionStatus", "SUBSCRIPTION_CREATED"),
    "SUBSCRIPTION_CHARGE_CANCELED": ("SubscriptionStatus", "SUBSCRIPTION_CANCELED"),
    "SUBSCRIPTION_CHARGE_EXPIRED": ("SubscriptionStatus", "SUBSCRIPTION_CANCELLATION_SCHEDULED"),
    "SUBSCRIPTION_CHARGE_FROZEN": ("SubscriptionStatus", "SUBSCRIPTION_FROZEN"),
    "SUBSCRIPTION_CHARGE_UNFROZEN": ("SubscriptionStatus", "SUBSCRIPTION_UNFROZEN"),
    "SUBSCRIPTION_CAPPED_AMOUNT_UPDATED": ("SubscriptionStatus", "SUBSCRIPTION_UPDATED"),
    "SUBSCRIPTION_CHARGE_ACCEPTED": ("Charge", "CHARGE_RECURRING"),
    "ONE_TIME_CHARGE_ACTIVATED": ("Charge", "CHARGE_ONE_TIME"),
    "USAGE_CHARGE_APPLIED": ("Charge", "CHARGE_USAGE"),
    "CREDIT_APPLIED": ("Credit", "CREDIT_APPLIED"),
    "CREDIT_FAILED": ("Credit", "CREDIT_FAILED"),
    "CREDIT_PENDING": ("Credit", "CREDIT_PENDING"),
}  # fmt: skip
# Earnings as historical events: type of transaction, type of event, type of earning.
_EARNINGS: Mapping[str, tuple[str, str]] = {
    "AppSubscriptionSale": ("EARNING_CHARGE_RECURRING", "CHARGE"),
    "AppOneTimeSale": ("EARNING_CHARGE_ONE_TIME", "CHARGE"),
    "AppUsageSale": ("EARNING_CHARGE_USAGE", "CHARGE"),
    "AppSaleAdjustment": ("EARNING_ADJUSTMENT", "ADJUSTMENT"),
    "AppSaleCredit": ("EARNING_CREDIT", "CREDIT"),
}


def fill(store: Store, seed: int, members: Sequence[Shop], now: datetime) -> None:
    """Store everything that the organization can read about these shops."""
    store.put(PARTNER, "", "app", APP_ID, APP, at=format_timestamp(now))
    turns = min(len(_EXTRA_EVENTS), sum(shop.installed and shop.routed for shop in members))
    events = [
        event for index, shop in enumerate(members) for event in _shop_events(seed, index % turns, turns, shop, now)
    ]
    events.sort(key=lambda event: event["occurredAt"])
    sales = list(transactions(stream(seed, "transactions"), members, APP, now))
    store.put_many(PARTNER, "", "transaction", [(record["id"], record["createdAt"], record) for record in sales])
    earned = [_earning(sale) for sale in sales if sale["__typename"] in _EARNINGS]
    # One earning is a refund; no type of transaction shows that.
    adjusted = next(sale for sale in sales if sale["__typename"] == "AppSaleAdjustment")
    add_events(store, events, earnings=[*earned, _earning(adjusted, "EARNING_REFUND", "REFUND")])


def add_events(store: Store, events: Sequence[Document], *, earnings: Sequence[Document] = ()) -> None:
    """Store app events in both of their forms.

    :param events: in the form of the API's ``app.events``
    :param earnings: historical events that are not app events
    """
    # Ids are padded, so that those with the same timestamp sort as numbers.
    first = store.count(PARTNER, APP_ID, "app_event") + 1
    records = [(f"{number:09d}", event["occurredAt"], event) for number, event in enumerate(events, first)]
    store.put_many(PARTNER, APP_ID, "app_event", records)
    history = [*(_historical(event) for event in events if event["type"] in _HISTORY), *earnings]
    first = store.count(PARTNER, "", "event") + 1
    for number, event in enumerate(history, first):
        event["id"] = f"gid://shopify/PartnerEvent/{number}"
    store.put_many(PARTNER, "", "event", [(event["id"], event["occurredAt"], event) for event in history])


def app_event(shop: Shop, type_: str, at: datetime, *, charge: int = 0) -> Document:
    """Build one event of the app in a shop.

    :param charge: number of its charge, for charge events
    """
    event: Document = {
        "__typename": "".join(part.title() for part in type_.split("_")),
        "type": type_,
        "occurredAt": micros(at),
        "shop": reference(shop),
    }
    if type_ == "RELATIONSHIP_UNINSTALLED":
        event["reason"], event["description"] = _REASONS
    for prefix, (kind, name, price) in _CHARGES.items():
        if type_.startswith(prefix):
            event["appCredit" if prefix == "CREDIT" else "charge"] = {
                "__typename": kind,
                "id": f"gid://shopify/{kind}/{charge}",
                "name": name,
                "amount": {"amount": price, "currencyCode": "USD"},
                "test": False,
                **({"billingOn": micros(at + timedelta(days=30))} if kind == "AppSubscription" else {}),
            }
    return event


def reference(shop: Shop) -> Document:
    """Return a shop as events and transactions reference it."""
    return {
        "id": f"gid://partners/Shop/{shop.number}",
        "name": shop.name,
        "myshopifyDomain": shop.domain,
        "avatarUrl": None,
    }


def micros(timestamp: datetime) -> str:
    """Format a timestamp with microseconds, as in the API's schema."""
    return timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shop_events(seed: int, turn: int, turns: int, shop: Shop, now: datetime) -> list[Document]:
    """Return all events of the app in one shop.

    :param turn: selects among ``turns`` sets of events; in a world with few shops each shop has several sets
    """
    rng = stream(seed, "events", shop.domain)
    story = [*_COMMON_EVENTS]
    if shop.installed and shop.routed:
        story += [record for index, records in enumerate(_EXTRA_EVENTS) if index % turns == turn for record in records]
    story += _REACTIVATED if shop.reactivated else ()
    story += _REINSTALLED if shop.reinstalled else ()
    story += _UNINSTALLED if not shop.installed else ()
    return [_event_at(rng, shop, type_, now - timedelta(days=days)) for type_, days in story]


def _event_at(rng: Random, shop: Shop, type_: str, at: datetime) -> Document:
    # A subscription is one charge during its whole life; all others have their own charge.
    charge = shop.number * 1000 + (1 if type_.startswith("SUBSCRIPTION") else rng.randint(2, 900))
    return app_event(shop, type_, at + timedelta(microseconds=rng.randrange(10**6)), charge=charge)


def _base(kind: str, type_: str, at: str, shop: Document) -> Document:
    """Return the fields that every historical event has. Its ids use Shopify's namespace, not the partners'."""
    return {
        "__typename": kind,
        "eventType": type_,
        "occurredAt": at,
        "shop": {
            "id": shop["id"].replace("gid://partners/", "gid://shopify/"),
            "name": shop["name"],
            "myshopifyDomain": shop["myshopifyDomain"],
        },
        "subject": {**APP, "__typename": "AppReference", "id": f"gid://shopify/App/{APP_NUMBER}"},
    }


def _historical(event: Document) -> Document:
    kind, type_ = _HISTORY[event["type"]]
    body = _base(kind, type_, event["occurredAt"], event["shop"])
    state = type_.partition("_")[2]
    charge = event.get("charge") or event.get("appCredit") or {}
    if kind == "Relationship":
        body |= {"state": state, "reason": event.get("reason"), "reasonDescription": event.get("description")}
    elif kind == "SubscriptionStatus":
        body |= {"state": state, "plan": None, "cancelEffectiveOn": None}
    elif kind == "Charge":
        body |= {"chargeId": charge["id"], "chargeType": state, "amount": charge["amount"], **_NO_DETAILS}
    else:
        body |= {"money": charge["amount"], "status": state, "description": charge["name"]}
    return body


_NO_DETAILS: Document = {
    "balanceUsed": None,
    "cappedAmount": None,
    "usageQuantity": None,
    "description": None,
    "planHandle": None,
    "metadata": None,
}


def _earning(sale: Document, type_: str = "", earning: str = "") -> Document:
    usual, kind = _EARNINGS[sale["__typename"]]
    return _base("Earning", type_ or usual, sale["createdAt"], sale["shop"]) | {
        "chargeId": sale["chargeId"],
        "earningType": earning or kind,
        "grossAmount": sale["grossAmount"],
        "netAmount": sale["netAmount"],
        "shopifyFee": sale["shopifyFee"],
        "settlementDate": sale["createdAt"][:10],
        "description": None,
        "metadata": None,
    }
