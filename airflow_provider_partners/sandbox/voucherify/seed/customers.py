"""The customers of a Voucherify project: the shop's customers and newsletter readers, their segments and vouchers.

A buyer's ``source_id`` is the numeric id of the Shopify customer. A newsletter reader's is the e-mail address or
nothing. Other modules add what customers order and redeem.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import (
    CLUB,
    FRIENDS,
    GIFTS,
    OFFERS,
    SEASON,
    WELCOME,
    Offers,
)
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
)

#: Minimum number of customers: more than one page.
_MIN_CUSTOMERS = 130
#: Number of customers that came with one import and have the same timestamp.
_IMPORTED = 40
_SEGMENTS: Sequence[tuple[str, str]] = (
    ("Newsletter", "static"),
    ("Spent more than 200", "auto-update"),
    ("Käufer der letzten 30 Tage", "auto-update"),
    ("With a birthday this month", "passive"),
)
_NAMES = ("Ana Lúcia Prado", "Bjørn Østby", "Ольга Смирнова", "Kim O'Hara", "佐藤 花", "Noor El-Amin", "Żaneta Wójcik")
_CHANNELS = ("voucherify-website", "API", "Automation", "klaviyo")
_REASONS = (
    ("quantity_exceeded", "quantity exceeded"),
    ("no_voucher_suitable_for_publication", "Could not find any voucher suitable for publication."),
)


def add_customers(seed_records: SeedRecords, buyers: Iterable[Document]) -> list[Document]:
    """Add the shop's customers, then newsletter readers, in the order of Shopify's customers."""
    rng = seed_records.random_stream("customers")
    records = [_buyer(rng, seed_records, buyer) for buyer in buyers]
    records += [
        _subscriber(rng, seed_records, index) for index in range(max(_IMPORTED + 10, _MIN_CUSTOMERS - len(records)))
    ]
    return [seed_records.add("customers", record) for record in records]


def short_customer(customer: Document | None) -> Document | None:
    """Return a customer as other records show it."""
    return customer and {name: customer[name] for name in ("id", "name", "email", "source_id", "metadata", "object")}


def person(rng: Random, *, source_id: str | None, name: str, email: str | None, created: datetime) -> Document:
    """Return a customer without orders or redemptions."""
    id_ = letter_id(rng, "cust")
    redemptions = ("redeemed", "failed", "succeeded", "rolled_back", "rollback_failed", "rollback_succeeded")
    orders = ("total_amount", "total_count", "average_amount", "last_order_amount")
    return {
        "id": id_,
        "source_id": source_id,
        "name": name,
        "description": None,
        "email": email,
        "phone": None,
        "birthday": None,
        "birthdate": None,
        "address": None,
        "summary": {
            "redemptions": {
                **{f"total_{what}": 0 for what in redemptions},
                "gift": {"redeemed_amount": 0, "amount_to_go": 0},
                "loyalty_card": {"redeemed_points": 0, "points_to_go": 0},
            },
            "orders": dict.fromkeys(orders, 0) | {"last_order_date": None},
        },
        "loyalty": {"points": 0, "referred_customers": 0, "campaigns": {}},
        "referrals": {"total": 0, "campaigns": []},
        "system_metadata": {},
        "metadata": {},
        "created_at": format_timestamp_ms(created),
        "updated_at": format_timestamp_ms(created),
        "assets": {"cockpit_url": f"https://loyalty.example.com/customer-cockpit/{id_}"},
        "object": "customer",
    }


def _buyer(rng: Random, seed_records: SeedRecords, buyer: Document) -> Document:
    # The shop's first synchronization created all buyers, so they have the same timestamp.
    created = seed_records.days_ago(165)
    record = person(
        rng, source_id=buyer["legacyResourceId"], name=buyer["displayName"], email=buyer["email"], created=created
    )
    birthdate = f"{rng.randint(1950, 2005)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    details = {"phone": buyer["phone"], "birthday": birthdate, "birthdate": birthdate}
    details["metadata"] = {"locale": buyer["locale"]}
    address = {"city": "Portland", "state": "Oregon", "line_1": "1 Maple Avenue", "line_2": None}
    if rng.random() < 0.6:
        details["address"] = {**address, "country": "US", "postal_code": "97205"}
    return record | details | {"updated_at": format_timestamp_ms(seed_records.days_ago(rng.uniform(0.1, 160)))}


def _subscriber(rng: Random, seed_records: SeedRecords, index: int) -> Document:
    created = seed_records.days_ago(45) if index < _IMPORTED else seed_records.days_ago(rng.uniform(1, 140))
    name = rng.choice(_NAMES)
    email = f"newsletter.{index}@example.org"
    record = person(rng, source_id=email if index % 4 else None, name=name, email=email, created=created)
    return record | {"metadata": {"source": "newsletter"}}


def add_segments(seed_records: SeedRecords, customers: Sequence[Document]) -> list[Document]:
    """Add the segments, and each customer's list of segments."""
    rng = seed_records.random_stream("segments")
    records: list[Document] = []
    for index, (name, kind) in enumerate(_SEGMENTS):
        filters = {"junction": "and", "summary.orders.total_amount": {"conditions": {"$more_than": [20_000]}}}
        body = {
            "id": letter_id(rng, "seg"),
            "name": name,
            "created_at": format_timestamp_ms(seed_records.days_ago(190 - 3 * index)),
            "updated_at": None,
            "type": kind,
            "filter": None if kind == "static" else filters,
            "initial_sync_status": "DONE",
            "object": "segment",
        }
        records.append(seed_records.add("segments", body))
    for customer in customers:
        for segment in records[: rng.randint(0, 3)]:
            short = {name: segment[name] for name in ("id", "name", "object")}
            seed_records.add("customer_segments", short, scope=customer["id"], at=segment["created_at"])
    return records


def publish_vouchers(seed_records: SeedRecords, offers: Offers, customers: Sequence[Document]) -> None:
    """Give vouchers to customers, with one publication each. Some publications fail, and one has two vouchers."""
    rng = seed_records.random_stream("publications")
    for offer in (WELCOME, SEASON, GIFTS, CLUB, FRIENDS):
        for index, voucher in enumerate(offers.vouchers[offer]):
            customer = customers[(index + 5 * offer) % len(customers)]
            later = max(
                datetime.fromisoformat(customer["created_at"]), datetime.fromisoformat(voucher["created_at"])
            ) + timedelta(minutes=3)
            # One mailing publishes ten vouchers of the season's campaign at the same time.
            at = min(later, seed_records.days_ago(0.1)) if offer != SEASON else seed_records.days_ago(100 - index // 10)
            assign_voucher(seed_records, rng, voucher, customer, at=at, campaign_type=OFFERS[offer].type)
            seed_records.add("publications", publication(rng, customer, [voucher], at=at))
    for index in range(4):
        body = publication(rng, customers[index], [], at=seed_records.days_ago(30 - index), failure=_REASONS[index % 2])
        seed_records.add("publications", body)
    several = [offers.vouchers[WELCOME][-1], offers.vouchers[WELCOME][-2]]
    seed_records.add("publications", publication(rng, customers[0], several, at=seed_records.days_ago(29)))


def assign_voucher(
    seed_records: SeedRecords, rng: Random, voucher: Document, customer: Document, *, at: datetime, campaign_type: str
) -> None:
    """Make a customer the holder of a voucher."""
    voucher["holder_id"] = customer["id"]
    voucher["publish"]["count"] += 1
    holder: Document = {
        "id": digit_id(rng, "rh", at),
        "created_at": format_timestamp_ms(at),
        "redeemable_id": voucher["id"],
        "redeemable_object": "voucher",
        "customer_id": customer["id"],
        "holder_role": "OWNER",
        "campaign_id": voucher["campaign_id"],
        "campaign_type": campaign_type,
        "voucher_type": voucher["type"],
    }
    if campaign_type == "REFERRAL_PROGRAM":
        holder["holder_role"] = "REFERRER"
        referrer = holder | {"metadata": {}, "object": "redeemable_holder"}
        seed_records.add("referral_member_holders", referrer, scope=voucher["id"])
        seed_records.add(
            "referral_campaign_member_holders", referrer, scope=f"{voucher['campaign_id']}/{voucher['id']}"
        )
    redeemable = {"type": "voucher", "voucher": voucher, "status": "ACTIVE"}
    seed_records.add("customer_redeemables", holder | {"redeemable": redeemable}, scope=customer["id"])


def publication(
    rng: Random,
    customer: Document,
    vouchers: Sequence[Document],
    *,
    at: datetime,
    failure: tuple[str, str] | None = None,
) -> Document:
    """Return a publication of one voucher, of several, or of none with a failure."""
    body: Document = {
        "id": letter_id(rng, "pub"),
        "object": "publication",
        "created_at": format_timestamp_ms(at),
        "customer_id": customer["id"],
        "tracking_id": customer["source_id"],
        "metadata": {},
        "channel": rng.choice(_CHANNELS),
        "source_id": None,
        "result": "FAILURE" if failure else "SUCCESS",
        "customer": short_customer(customer),
        "vouchers_id": [voucher["id"] for voucher in vouchers],
    }
    if failure:
        return body | {"vouchers": [], "failure_code": failure[0], "failure_message": failure[1]}
    if len(vouchers) != 1:
        return body | {"vouchers": [voucher["code"] for voucher in vouchers]}
    (voucher,) = vouchers
    worth = {name: voucher[name] for name in ("gift", "loyalty_card", "discount") if voucher.get(name)}
    short = {name: voucher[name] for name in ("code", "object", "campaign", "is_referral_code")}
    return body | {"voucher": short | worth}
