"""People, phones, addresses and texts of a Shopify order as Yotpo takes them."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.sync.mapping.order import MappedOrder, UnmappableOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions

SHOP = "a.myshopify.com"


def mapped(order: dict[str, Any], **options: Any) -> MappedOrder:
    found = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(found, MappedOrder), found
    return found


def refused(order: dict[str, Any], **options: Any) -> UnmappableOrder:
    found = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(found, UnmappableOrder)
    return found


def test_a_guest_has_an_email_and_a_name_but_no_external_id() -> None:
    order = make.order(customer=None)

    assert mapped(order).order["customer"] == {
        "first_name": "Zoë",
        "last_name": "Müller",
        "email": "zoe@example.com",
    }
    assert mapped(order, guest_external_id="email").order["customer"]["external_id"] == "zoe@example.com"


@pytest.mark.parametrize(
    "phone", ["12-ab", "0000000", "call me", "+1 555", "n/a", "+999999999999999999", "030 1234567"]
)
def test_a_phone_number_that_is_none_is_left_out(phone: str) -> None:
    order = make.order(phone=phone, customer=None, shippingAddress=make.address(phone=phone))

    found = mapped(order).order

    assert "phone_number" not in found["customer"]
    assert "phone_number" not in found["shipping_address"]


@pytest.mark.parametrize(
    ("phone", "expected"), [("0049 (30) 230-1234", "+49302301234"), ("+1.613.555.0100", "+16135550100")]
)
def test_a_phone_number_is_brought_into_form(phone: str, expected: str) -> None:
    order = make.order(shippingAddress=make.address(phone=phone))

    assert mapped(order).order["shipping_address"]["phone_number"] == expected


def test_a_province_code_of_another_form_is_left_out_and_the_name_stays() -> None:
    order = make.order(shippingAddress=make.address(province="England", provinceCode="ENG", countryCodeV2="GB"))

    found = mapped(order).order["shipping_address"]

    assert "province_code" not in found
    assert (found["state"], found["country_code"]) == ("England", "GB")


def test_what_is_shown_is_cut_and_what_identifies_is_not() -> None:
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

    found = mapped(order)

    assert len(found.order["payment_method"]) == 64
    assert len(found.order["customer"]["first_name"]) == 255
    assert "email" not in found.order["customer"]
    assert len(found.order["shipping_address"]["zip"]) == 64
    assert len(found.products[0]["name"]) == 255
    assert found.products[0]["url"] == f"https://{SHOP}/products/product-11"


def test_a_product_id_too_long_to_be_one_is_rejected_rather_than_cut() -> None:
    found = refused(make.order(lineItems=[make.line(1, make.product(11, legacyResourceId="9" * 256))], fulfillments=[]))

    assert "external_id" in found.reason
    assert not found.is_excluded
