"""Personal data in partners' records. The fields are those of Shopify's protected customer data (name, address, phone
and email, https://shopify.dev/docs/apps/launch/protected-customer-data), as the partners' schemas spell them.
"""

from __future__ import annotations

import pytest

from airflow_provider_partners.cli.masking import MASK, is_personal_list, mask_at, mask_personal_data


def test_names_addresses_and_contacts_are_masked_wherever_they_are():
    record = {
        "email": "ann@shop.example",
        "phone": "+4915112345678",
        "customer": {"firstName": "Ann", "last_name": "Lee", "legacyResourceId": "7", "displayName": "Ann Lee"},
        "shippingAddress": {"address1": "1 High Street", "city": "Bath", "zip": "BA1", "countryCodeV2": "GB"},
        "lineItems": [{"title": "Shirt", "customAttributes": [{"key": "engraving", "value": "For Ann"}]}],
        "fulfillments": [{"trackingInfo": [{"number": "1Z"}], "status": "SUCCESS"}],
        "note": "Ring twice",
        "totalPrice": "10.00",
    }
    assert mask_personal_data(record) == {
        "email": MASK,
        "phone": MASK,
        "customer": {"firstName": MASK, "last_name": MASK, "legacyResourceId": "7", "displayName": MASK},
        "shippingAddress": {"address1": MASK, "city": MASK, "zip": MASK, "countryCodeV2": "GB"},
        "lineItems": [{"title": "Shirt", "customAttributes": MASK}],
        "fulfillments": [{"trackingInfo": MASK, "status": "SUCCESS"}],
        "note": MASK,
        "totalPrice": "10.00",
    }


def test_what_looks_like_a_contact_is_masked_in_any_text():
    assert mask_personal_data({"message": "write to ann@shop.example or +49 151 1234567 please"}) == {
        "message": f"write to {MASK} or {MASK} please"
    }


def test_an_unknown_text_of_a_person_is_masked_but_not_ids_times_and_flags():
    customer = {"id": "cust_1", "nickname": "Annie", "created_at": "2026-05-01", "accepts_email_marketing": True}
    assert mask_personal_data(customer, is_personal=True) == {**customer, "nickname": MASK}


def test_missing_values_stay_missing():
    assert mask_personal_data({"email": None, "phone": "", "customer": None}) == {
        "email": None,
        "phone": "",
        "customer": None,
    }


@pytest.mark.parametrize("name", ["customers", "reviews", "unsubscribers", "loyalty_program_members"])
def test_lists_of_people_are_known(name):
    assert is_personal_list(name)


@pytest.mark.parametrize("name", ["orders", "campaigns", "returns", "products"])
def test_other_lists_are_not(name):
    assert not is_personal_list(name)


@pytest.mark.parametrize(
    ("path", "value", "masked"),
    [
        ("customer.first_name", "Ann", MASK),
        ("customer.external_id", "7", "7"),
        ("billing_address.address1", "1 High Street", MASK),
        ("line_items[81].quantity", 2, 2),
        ("fulfillments[5].shipment_info.tracking_number", "1Z", MASK),
        ("customer.email", None, None),
        ("checkout_token", "secret", MASK),
        ("order_name", "#1001", "#1001"),
    ],
)
def test_one_field_is_masked_by_its_path(path, value, masked):
    assert mask_at(path, value) == masked
