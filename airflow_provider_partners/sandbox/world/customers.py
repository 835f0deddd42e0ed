"""The buyers of a shop: invented people with names in many scripts, addresses in the shop's country, and phone numbers
from ranges that are reserved for fiction.

Writes Shopify's ``Customer`` and ``MailingAddress``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.shops import Shop

_FIRST = (
    "Zoë", "Łukasz", "José", "Nguyễn", "Øyvind", "Ольга", "محمد", "さくら", "Renée", "Jürgen", "Siân", "Aoife", "Mei",
    "Grace", "Noah", "Amara", "Liam", "Priya", "Owen", "Chloë", "Mateo", "Ines", "Hannah", "Tariq", "Björk", "Anaïs",
)  # fmt: skip
_LAST = (
    "O'Connor", "Müller", "García Márquez", "Nakamura", "Östlund", "Кузнецова", "Šimić", "d'Arcy", "van der Berg",
    "Smith", "Okafor", "Dubois", "Ng", "Kowalski", "Fitz-Gerald", "山田", "İnan", "Brown", "Patel", "Lévy",
)  # fmt: skip
_STREETS = {
    "US": "{} Maple Avenue",
    "CA": "{} Rideau Street",
    "GB": "{} Orchard Lane",
    "FR": "{} rue de l'Église",
    "DE": "Königstraße {}",
    "JP": "桜木町{}-2",
}
# Country name, phone number format of a range for fiction, then city, province, province code, zip.
_PLACES: Mapping[str, tuple[str, str, Sequence[tuple[str, str | None, str | None, str]]]] = {
    "US": (
        "United States",
        "+1202555{:04d}",
        (
            ("Portland", "Oregon", "OR", "97205"),
            ("Austin", "Texas", "TX", "78701"),
            ("Cañon City", "Colorado", "CO", "81212"),
        ),
    ),
    "CA": (
        "Canada",
        "+1613555{:04d}",
        (("Ottawa", "Ontario", "ON", "K1P 5Z9"), ("Montréal", "Quebec", "QC", "H2Y 1C6")),
    ),
    "GB": (
        "United Kingdom",
        "+447700900{:03d}",
        (
            ("Bristol", "England", "ENG", "BS1 4DJ"),
            ("Leeds", "England", "ENG", "LS1 4AP"),
            ("Edinburgh", "Scotland", "SCT", "EH1 1YZ"),
        ),
    ),
    "FR": ("France", "+3363998{:04d}", (("Orléans", None, None, "45000"), ("Nîmes", None, None, "30000"))),
    "DE": ("Germany", "+4930230{:05d}", (("München", None, None, "80331"), ("Köln", None, None, "50667"))),
    "JP": (
        "Japan",
        "+81355500{:03d}",
        (("Shibuya", "Tokyo", "JP-13", "150-0002"), ("大阪市", "Osaka", "JP-27", "530-0001")),
    ),
}
#: Number of customers at the start of each shop's list who buy often and return what they bought.
ABUSERS = 3
#: Invalid phone numbers that shop forms accept.
INVALID_PHONES = ("12-ab", "0000000", "call me", "+1 555", "n/a", "+999999999999999999")

#: Valid phone numbers of ranges for fiction, in forms that aren't E.164: Arabic digits, a trunk prefix, ``00``.
LOCAL_PHONES = (
    "+44 (0)20 7946 0018",
    "+44\u0667\u0667\u0660\u0660\u0669\u0660\u0660\u0661\u0662\u0663",
    "0044 20 7946 0018",
    "+49 (0) 30 23012345",
)


def pick_customer(rng: Random, customers: Sequence[Document]) -> Document:
    """Return the next buyer; every eighth one returns what they buy."""
    return rng.choice(customers[:ABUSERS] if rng.random() < 0.125 else customers)


def phone(rng: Random, country: str) -> str:
    """Return a phone number of the country in E.164 form that belongs to nobody."""
    form = _PLACES[country][1]
    digits = int(form.partition("{:0")[2][0])
    return form.format(rng.randrange(10**digits))


def address(rng: Random, ids: Ids, country: str, person: Document) -> Document:
    """Return a postal address of one person."""
    country_name, _, cities = _PLACES[country]
    city, province, province_code, zip_code = rng.choice(cities)
    return {
        "id": f"{gid('MailingAddress', ids.take())}?model_name=Address",
        "firstName": person["firstName"],
        "lastName": person["lastName"],
        "name": f"{person['firstName']} {person['lastName']}",
        "company": "Förster & Söhne" if rng.random() < 0.1 else None,
        "address1": _STREETS[country].format(rng.randint(1, 240)),
        "address2": "Apt. 4b" if rng.random() < 0.2 else None,
        "city": city,
        "zip": zip_code,
        "province": province,
        "provinceCode": province_code,
        "country": country_name,
        "countryCodeV2": country,
        "phone": phone(rng, country) if rng.random() < 0.6 else None,
        "latitude": round(rng.uniform(30, 55), 6),
        "longitude": round(rng.uniform(-100, 20), 6),
        "coordinatesValidated": True,
        "timeZone": None,
    }


def customers(rng: Random, ids: Ids, shop: Shop, count: int, now: datetime) -> list[Document]:
    """Return customers of a shop, without orders."""
    return [_customer(rng, ids, shop, index, now) for index in range(count)]


def _customer(rng: Random, ids: Ids, shop: Shop, index: int, now: datetime) -> Document:
    number = ids.take()
    first, last = rng.choice(_FIRST), rng.choice(_LAST)
    email = f"{_plain(first)}.{_plain(last)}.{index}@example.com"
    mobile = phone(rng, shop.country) if rng.random() < 0.5 else None
    joined = now - timedelta(days=rng.uniform(170, 900))
    customer: Document = {
        "id": gid("Customer", number),
        "legacyResourceId": str(number),
        "firstName": first,
        "lastName": last,
        "displayName": f"{first} {last}",
        "email": email,
        "phone": mobile,
        "defaultEmailAddress": {
            "emailAddress": email,
            "marketingState": rng.choice(("SUBSCRIBED", "NOT_SUBSCRIBED")),
            "validFormat": True,
        },
        "defaultPhoneNumber": {"phoneNumber": mobile, "marketingState": "NOT_SUBSCRIBED"} if mobile else None,
        "locale": shop.locale,
        "numberOfOrders": "0",
        "state": rng.choice(("ENABLED", "DISABLED", "DISABLED", "INVITED")),
        "tags": ["vip"] if rng.random() < 0.1 else [],
        "note": None,
        "taxExempt": False,
        "verifiedEmail": True,
        "canDelete": False,
        "dataSaleOptOut": False,
        "lifetimeDuration": "over 1 year",
        "productSubscriberStatus": "NEVER_SUBSCRIBED",
        "createdAt": format_timestamp(joined),
        "updatedAt": format_timestamp(joined),
    }
    return customer


def redacted(customer: Mapping[str, Any]) -> Document:
    """Return a customer without personal data, as after an erasure or for an app without access to it."""
    return {
        **customer,
        "firstName": None,
        "lastName": None,
        "displayName": "",
        "email": None,
        "phone": None,
        "defaultEmailAddress": None,
        "defaultPhoneNumber": None,
    }


def redacted_address(address: Mapping[str, Any]) -> Document:
    """Return an address with only the region left."""
    kept = ("id", "country", "countryCodeV2", "province", "provinceCode", "coordinatesValidated")
    return {field: value if field in kept else None for field, value in address.items()}


def _plain(name: str) -> str:
    """Return a name as the local part of an email address; a placeholder for scripts without a Latin form."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]", "", folded) or "guest"
