"""The people a Voucherify project knows: the shop's customers and those who only left an address, the segments they are
in, and the vouchers they were given.

``source_id`` of a buyer is the Shopify customer's id in digits; people of the newsletter have their address there, or
nothing. What they ordered and redeemed is added by other modules.
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
    parse_timestamp,
)

#: At least so many customers, which is more than one page holds.
_AT_LEAST = 130
# So many came with one import and share the time of it.
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


def add_customers(ledger: SeedRecords, buyers: Iterable[Document]) -> list[Document]:
    """The shop's customers, then people who did not buy as yet; oldest records of Shopify first."""
    chance = ledger.random_stream("customers")
    rows = [_buyer(chance, ledger, buyer) for buyer in buyers]
    rows += [_subscriber(chance, ledger, place) for place in range(max(_IMPORTED + 10, _AT_LEAST - len(rows)))]
    return [ledger.add("customers", row) for row in rows]


def short_customer(customer: Document | None) -> Document | None:
    """A customer as other records show it."""
    return customer and {name: customer[name] for name in ("id", "name", "email", "source_id", "metadata", "object")}


def person(chance: Random, *, source_id: str | None, name: str, email: str | None, created: datetime) -> Document:
    """A customer who did nothing as yet."""
    id_ = letter_id(chance, "cust")
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


def _buyer(chance: Random, ledger: SeedRecords, buyer: Document) -> Document:
    # All buyers came with the first synchronization of the shop; Voucherify's own time is the one of arrival.
    came = ledger.days_ago(165)
    row = person(
        chance, source_id=buyer["legacyResourceId"], name=buyer["displayName"], email=buyer["email"], created=came
    )
    born = f"{chance.randint(1950, 2005)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    known = {"phone": buyer["phone"], "birthday": born, "birthdate": born, "metadata": {"locale": buyer["locale"]}}
    place = {"city": "Portland", "state": "Oregon", "line_1": "1 Maple Avenue", "line_2": None}
    if chance.random() < 0.6:
        known["address"] = {**place, "country": "US", "postal_code": "97205"}
    return row | known | {"updated_at": format_timestamp_ms(ledger.days_ago(chance.uniform(0.1, 160)))}


def _subscriber(chance: Random, ledger: SeedRecords, place: int) -> Document:
    created = ledger.days_ago(45) if place < _IMPORTED else ledger.days_ago(chance.uniform(1, 140))
    name = chance.choice(_NAMES)
    email = f"newsletter.{place}@example.org"
    row = person(chance, source_id=email if place % 4 else None, name=name, email=email, created=created)
    return row | {"metadata": {"source": "newsletter"}}


def add_segments(ledger: SeedRecords, customers: Sequence[Document]) -> list[Document]:
    """The segments, and who is in which."""
    chance = ledger.random_stream("segments")
    rows: list[Document] = []
    for place, (name, kind) in enumerate(_SEGMENTS):
        filters = {"junction": "and", "summary.orders.total_amount": {"conditions": {"$more_than": [20_000]}}}
        body = {
            "id": letter_id(chance, "seg"),
            "name": name,
            "created_at": format_timestamp_ms(ledger.days_ago(190 - 3 * place)),
            "updated_at": None,
            "type": kind,
            "filter": None if kind == "static" else filters,
            "initial_sync_status": "DONE",
            "object": "segment",
        }
        rows.append(ledger.add("segments", body))
    for customer in customers:
        for segment in rows[: chance.randint(0, 3)]:
            short = {name: segment[name] for name in ("id", "name", "object")}
            ledger.add("customer_segments", short, scope=customer["id"], at=segment["created_at"])
    return rows


def give_vouchers(ledger: SeedRecords, offers: Offers, customers: Sequence[Document]) -> None:
    """Hand vouchers out: each becomes its holder's and is told of by a publication."""
    chance = ledger.random_stream("publications")
    for offer in (WELCOME, SEASON, GIFTS, CLUB, FRIENDS):
        for place, voucher in enumerate(offers.vouchers[offer]):
            customer = customers[(place + 5 * offer) % len(customers)]
            later = max(parse_timestamp(customer["created_at"]), parse_timestamp(voucher["created_at"])) + timedelta(
                minutes=3
            )
            # A campaign's mail goes out at once: all its publications of a quarter share their time.
            at = min(later, ledger.days_ago(0.1)) if offer != SEASON else ledger.days_ago(100 - place // 10)
            assign_voucher(ledger, chance, voucher, customer, at=at, campaign_type=OFFERS[offer].type)
            ledger.add("publications", publication(chance, customer, [voucher], at=at))
    for place in range(4):
        body = publication(chance, customers[place], [], at=ledger.days_ago(30 - place), failure=_REASONS[place % 2])
        ledger.add("publications", body)
    several = [offers.vouchers[WELCOME][-1], offers.vouchers[WELCOME][-2]]
    ledger.add("publications", publication(chance, customers[0], several, at=ledger.days_ago(29)))


def assign_voucher(
    ledger: SeedRecords, chance: Random, voucher: Document, customer: Document, *, at: datetime, campaign_type: str
) -> None:
    """Make a voucher someone's own."""
    voucher["holder_id"] = customer["id"]
    voucher["publish"]["count"] += 1
    holder: Document = {
        "id": digit_id(chance, "rh", at),
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
        own = holder | {"metadata": {}, "object": "redeemable_holder"}
        ledger.add("referral_member_holders", own, scope=voucher["id"])
        ledger.add("referral_campaign_member_holders", own, scope=f"{voucher['campaign_id']}/{voucher['id']}")
    redeemable = {"type": "voucher", "voucher": voucher, "status": "ACTIVE"}
    ledger.add("customer_redeemables", holder | {"redeemable": redeemable}, scope=customer["id"])


def publication(
    chance: Random,
    customer: Document,
    vouchers: Sequence[Document],
    *,
    at: datetime,
    failure: tuple[str, str] | None = None,
) -> Document:
    """That a customer was given one voucher, several, or none for a reason."""
    body: Document = {
        "id": letter_id(chance, "pub"),
        "object": "publication",
        "created_at": format_timestamp_ms(at),
        "customer_id": customer["id"],
        "tracking_id": customer["source_id"],
        "metadata": {},
        "channel": chance.choice(_CHANNELS),
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
