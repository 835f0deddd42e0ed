"""People, phones, addresses and texts of a Shopify order as Yotpo takes them."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.sync.mapping.order import MappedOrder, UnmappableOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions

SHOP = "a.myshopify.com"


def mapped(order: dict[str, Any], **options: Any) -> MappedOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, MappedOrder), result
    return result


def refused(order: dict[str, Any], **options: Any) -> UnmappableOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, UnmappableOrder)
    return result


@pytest.mark.covers("yotpo.customer.names")
def test_a_guest_has_an_email_and_a_name_but_no_external_id() -> None:
    order = make.order(customer=None)

    assert mapped(order).order["customer"] == {
        "first_name": "Zoë",
        "last_name": "Müller",
        "email": "zoe@example.com",
    }
    assert mapped(order, guest_external_id="email").order["customer"]["external_id"] == "zoe@example.com"


@pytest.mark.parametrize(
    "phone",
    [
        "12-ab",
        "0000000",
        "call me",
        "+1 555",
        "+1 555-0100",
        "n/a",
        "+999999999999999999",
        "+999 1234567",
        "030 1234567",
        "\u0660\u0665\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "+" + "1" * 100_000,
        "+44 20 7946 0018 ext. 5",
    ],
)
def test_an_invalid_phone_number_is_left_out(phone: str) -> None:
    """ITU-T E.164: a country code that is assigned, and the number of digits that its numbering plan has."""
    order = make.order(phone=phone, customer=None, shippingAddress=make.address(phone=phone))

    result = mapped(order).order

    assert "phone_number" not in result["customer"]
    assert "phone_number" not in result["shipping_address"]


@pytest.mark.covers("yotpo.customer.phone_number.e164")
@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("0049 (30) 230-1234", "+49302301234"),
        ("+1.613.555.0100", "+16135550100"),
        # Arabic, Devanagari and full-width digits.
        ("+966\u0665\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "+966501234567"),
        ("+९१ ९८७६५ ४३२१०", "+919876543210"),
        ("\uff0b\uff14\uff14 \uff12\uff10 \uff17\uff19\uff14\uff16 \uff10\uff10\uff11\uff18", "+442079460018"),
        # The trunk prefix, which nobody dials from abroad.
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("0044 020 7946 0018", "+442079460018"),
        ("+49 (0) 30 230 1234", "+49302301234"),
        ("+7 8 (812) 123-45-67", "+78121234567"),
        # Italy has no trunk prefix: the zero belongs to the number.
        ("+39 06 698 12345", "+390669812345"),
        # As address books copy it: marks of the direction, and spaces and hyphens that don't break.
        ("\u202a+44\u00a020\u20117946\u20110018\u202c", "+442079460018"),
    ],
)
def test_a_phone_number_is_normalized_to_e164(phone: str, expected: str) -> None:
    """Yotpo takes E.164 (https://core-api.yotpo.com/reference/address).

    That is a country code and the national number; prefixes are no part of it (ITU-T E.164, clauses 3 and 6).
    """
    order = make.order(shippingAddress=make.address(phone=phone))

    assert mapped(order).order["shipping_address"]["phone_number"] == expected


def test_a_province_code_of_another_form_is_left_out_and_the_name_stays() -> None:
    order = make.order(shippingAddress=make.address(province="England", provinceCode="ENG", countryCodeV2="GB"))

    result = mapped(order).order["shipping_address"]

    assert "province_code" not in result
    assert (result["state"], result["country_code"]) == ("England", "GB")


def test_long_texts_are_cut_and_long_ids_are_not() -> None:
    long_url = "https://x.example/" + "y" * 2048
    lines = [make.line(1, make.product(11, title="T" * 300, onlineStoreUrl=long_url))]
    order = make.order(
        lineItems=lines,
        fulfillments=[],
        paymentGatewayNames=["g" * 90],
        email="e" * 300,
        customer={"legacyResourceId": "77", "firstName": "F" * 300},
        shippingAddress=make.address(zip="9" * 70, company="C" * 300),
    )

    result = mapped(order)

    assert len(result.order["payment_method"]) == 64
    assert len(result.order["customer"]["first_name"]) == 255
    assert "email" not in result.order["customer"]
    assert len(result.order["shipping_address"]["zip"]) == 64
    assert len(result.products[0]["name"]) == 255
    assert result.products[0]["url"] == f"https://{SHOP}/products/product-11"


def test_a_product_id_that_is_too_long_is_rejected() -> None:
    result = refused(
        make.order(lineItems=[make.line(1, make.product(11, legacyResourceId="9" * 256))], fulfillments=[])
    )

    assert "external_id" in result.reason
    assert not result.is_excluded
