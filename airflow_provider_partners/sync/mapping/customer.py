"""Map a Shopify order's customer and addresses to Yotpo's. Every personal field may be missing.

An app without access to protected customer data gets none of them
(https://shopify.dev/docs/apps/launch/protected-customer-data).
"""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.mapping.tables import ADDRESS_FIELDS, MARKETING_CONSENT
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.payload.codes import country_codes
from airflow_provider_partners.sync.payload.models import Address, Customer
from airflow_provider_partners.sync.values import phone, shopify_id, text, text_within_limit

NAME_LIMIT = 255

_TWO_LETTERS = re.compile("[A-Z]{2}")


def map_address(record: Any) -> Record | None:
    """Return an address, ``None`` when no field of it is known."""
    if not isinstance(record, dict):
        return None
    fields: dict[str, Any] = {name: text(record.get(source), limit) for name, (source, limit) in ADDRESS_FIELDS.items()}
    country = _two_letter_code(record.get("countryCodeV2"))
    # Shopify also has codes that ISO has withdrawn or never given, such as AN and ZZ.
    fields["country_code"] = country if country in country_codes() else None
    # Yotpo documents two letters (https://core-api.yotpo.com/reference/address). Other codes (ENG, JP-13) would be
    # refused; the province's name is in `state`.
    fields["province_code"] = _two_letter_code(record.get("provinceCode"))
    fields["phone_number"] = phone(record.get("phone"))
    return Address.payload_of(fields) or None


def map_customer(order: Record, options: MappingOptions) -> Record | None:
    """Return the buyer. A guest has no customer in Shopify, but an e-mail and addresses on the order.

    The external id is Shopify's customer id: Yotpo wants a stable id (https://core-api.yotpo.com/reference/customers).
    """
    customer = order.get("customer")
    email_address = get_path(customer, "defaultEmailAddress")
    phone_number = get_path(customer, "defaultPhoneNumber")
    email = text_within_limit(get_path(email_address, "emailAddress"), 255) or text_within_limit(
        order.get("email"), 255
    )
    external_id = shopify_id(customer)
    if not external_id and options.guest_external_id == "email":
        external_id = email
    fields = {
        "external_id": external_id,
        "first_name": _first_known_name(order, "firstName"),
        "last_name": _first_known_name(order, "lastName"),
        "email": email,
        "phone_number": phone(get_path(phone_number, "phoneNumber")) or phone(order.get("phone")),
        "accepts_email_marketing": _consent(email_address),
        "accepts_sms_marketing": _consent(phone_number),
    }
    return Customer.payload_of(fields) or None


def _consent(holder: Any) -> bool | None:
    state = get_path(holder, "marketingState")
    return None if state is None else MARKETING_CONSENT.get(str(state).upper())


def _first_known_name(order: Record, part: str) -> str | None:
    """Return a name of the customer, else of the billing address, else of the shipping address."""
    for holder in ("customer", "billingAddress", "shippingAddress"):
        if name := text(get_path(order.get(holder), part), NAME_LIMIT):
            return name
    return None


def _two_letter_code(code: Any) -> str | None:
    letters = text(code)
    return letters.upper() if letters and _TWO_LETTERS.fullmatch(letters.upper()) else None
