"""Tests of masked records. What is personal comes from Shopify's levels of protected customer data.

The sandbox has the table of https://shopify.dev/docs/apps/launch/protected-customer-data in a copy of its own. The
partners' schemas spell the same fields in their own ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_partners.masking import ALLOWED, MASK, TEXT, mask_record, mask_value
from airflow_provider_partners.sandbox.shopify_admin.access import PERSONAL
from airflow_provider_partners.sandbox.world.build import build

PLACES = {"customer": "Customer", "billingAddress": "MailingAddress", "shippingAddress": "MailingAddress"}


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Orders as Shopify returns them, with invented customers."""
    sandbox = build(path=tmp_path_factory.mktemp("world") / "world.sqlite", seed=7, shops=1, orders=40)
    shops = sandbox.store.shops("shopify_admin")
    found = [order for shop in shops for order in sandbox.store.select("shopify_admin", shop, "order")]
    sandbox.store.close()
    return found


def personal_values(order: dict[str, Any]) -> Iterator[str]:
    """Return the texts that Shopify counts as personal."""
    for key, kind in {None: "Order", **PLACES}.items():
        value = order if key is None else order.get(key)
        for name in PERSONAL[kind] if isinstance(value, dict) else ():
            yield from texts(value.get(name))


def texts(value: Any) -> Iterator[str]:
    """Return each text of four letters or more within a value."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)
    elif isinstance(value, str) and len(value) >= 4:
        yield value


def test_nothing_that_shopify_counts_as_personal_is_shown(orders: list[dict[str, Any]]) -> None:
    checked = 0
    for order in orders:
        shown = [*texts(mask_record(order, resource="orders"))]
        for value in personal_values(order):
            # Words of the schema, such as a state of consent, stand in other fields as well.
            if not value.isupper():
                checked += 1
                assert value not in shown
                # The digits of a postal code may be within an id.
                assert value.isdigit() or not any(value in text for text in shown)

    assert checked > 100


def test_ids_states_times_and_amounts_stay(orders: list[dict[str, Any]]) -> None:
    order = orders[0]
    shown = mask_record(order, resource="orders")

    for name in ("id", "legacyResourceId", "name", "createdAt", "updatedAt", "displayFinancialStatus", "currencyCode"):
        if name in order:
            assert shown[name] == order[name], name
    assert set(shown) == set(order)


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        # A reject of Yotpo's payload, https://core-api.yotpo.com/reference/create-order
        (
            {"order": {"external_id": "5", "customer": {"external_id": "7", "email": "a@b.example", "accepts": True}}},
            {"order": {"external_id": "5", "customer": {"external_id": "7", "email": MASK, "accepts": True}}},
        ),
        ({"rejected": {"reason": "a@b.example is no address"}}, {"rejected": {"reason": f"{MASK} is no address"}}),
        ({"rejected": {"reason": "+1 (555) 010-9999 is too long"}}, {"rejected": {"reason": f"{MASK} is too long"}}),
        # Yofi's events and Voucherify's customers.
        ({"ip_address": "203.0.113.7"}, {"ip_address": MASK}),
        ({"geo": {"latitude": 52.5, "longitude": 13.4}}, {"geo": {"latitude": MASK, "longitude": MASK}}),
        ({"metadata": {"favourite": "cake"}}, {"metadata": {"favourite": MASK}}),
        ({"customer": {"id": "Grace Hopper"}}, {"customer": {"id": MASK}}),
        # A changed value in a dataset of outcomes, and a path into a list.
        (
            {"values": [{"name": "customer.email", "before": None, "after": "a@b.example"}]},
            {"values": [{"name": "customer.email", "before": None, "after": MASK}]},
        ),
        ({"values": [{"name": "payment_status", "before": "paid", "after": "refunded"}]}, ...),
        # Ids of Yofi's API.
        ({"entity_id": "f274ba23-df51-414d-a9d4-0f361b5b074f", "id": "ret_f274ba23-df51-414d-a9d4-0f361b5b074f"}, ...),
        # A field that nobody thought of.
        ({"nickname": "Amazing Grace", "tags": ["vip", ""]}, {"nickname": MASK, "tags": [MASK, ""]}),
        ({"total_price": "42.50", "quantity": 2, "paid": True, "note": None}, ...),
        ({"phone": 15550109999, "birthday": "1906-12-09"}, {"phone": MASK, "birthday": MASK}),
        # An unknown field of each form that is shown elsewhere.
        ({"born": "1906-12-09", "house": "#12", "plate": 4711, "passport": "gid://id/7"}, dict.fromkeys(
            ("born", "house", "plate", "passport"), MASK)),
        # A merchant may give custom fields any name: https://docs.voucherify.io/api-reference, ``metadata``.
        ({"metadata": {"id": "7", "status": "vip", "pregnant": True, "deep": {"date": "1906-12-09"}}},
         {"metadata": {"id": MASK, "status": MASK, "pregnant": MASK, "deep": {"date": MASK}}}),
        # What looks like a change of an outcome, where merchants name the fields.
        ({"metadata": {"values": [{"name": "Grace", "before": "paid", "after": "paid"}]}},
         {"metadata": {"values": [{"name": MASK, "before": MASK, "after": MASK}]}}),
        ({"values": [{"name": "Grace Hopper", "before": None, "after": None}]},
         {"values": [{"name": MASK, "before": None, "after": None}]}),
    ],
)  # fmt: skip
def test_a_value_is_shown_only_where_it_says_nothing_about_a_person(record: Any, shown: Any) -> None:
    assert mask_record(record) == (record if shown is ... else shown)


def test_names_addresses_and_contacts_are_masked_wherever_they_are() -> None:
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
    assert mask_record(record) == {
        "email": MASK,
        "phone": MASK,
        "customer": {"firstName": MASK, "last_name": MASK, "legacyResourceId": "7", "displayName": MASK},
        "shippingAddress": {"address1": MASK, "city": MASK, "zip": MASK, "countryCodeV2": "GB"},
        "lineItems": [{"title": "Shirt", "customAttributes": [{"key": MASK, "value": MASK}]}],
        "fulfillments": [{"trackingInfo": [{"number": MASK}], "status": "SUCCESS"}],
        "note": MASK,
        "totalPrice": "10.00",
    }


def test_what_looks_like_a_contact_is_masked_in_any_text() -> None:
    record = {"product": {"title": "write to ann@shop.example or +49 151 1234567 please"}}
    assert mask_record(record) == {"product": {"title": f"write to {MASK} or {MASK} please"}}


def test_an_unknown_text_of_a_person_is_masked_but_not_ids_times_and_flags() -> None:
    customer = {"id": "cust_1", "nickname": "Annie", "created_at": "2026-05-01", "accepts_email_marketing": True}
    assert mask_record(customer, resource="customers") == {**customer, "nickname": MASK}


def test_what_this_provider_writes_is_shown() -> None:
    """Outcomes, findings and added columns hold no free text of a customer. A contact in them is masked anyway."""
    outcome = {
        "kind": "order",
        "external_id": "5",
        "action": "updated",
        "yotpo_id": 7,
        "order_id": None,
        "reason": "Yotpo has a newer order",
        "changed": ["payment_status"],
        "notes": ["keeps: 81"],
        "rule": None,
        "suppressed": ["return_abuse 0.91 >= 0.8"],
    }
    finding = {"external_id": "5", "state": "different", "fields": ["payment_status"], "reason": ""}
    times = {"_extracted_at": "2026-05-01T00:00:00Z", "_since": None, "_until": "2026-05-01T00:00:00Z"}
    assert mask_record(outcome, resource="orders outcomes") == outcome
    assert mask_record(finding, resource="findings") == finding
    assert mask_record(times, resource="customers") == times
    assert mask_record({"notes": ["a@b.example"]}, resource="orders outcomes") == {"notes": [MASK]}
    # Fields of the same names in a partner's list may be free text.
    assert mask_record({"notes": ["Ann"], "reason": "Ann"}, resource="customers") == {"notes": [MASK], "reason": MASK}


def test_missing_values_stay_missing() -> None:
    record = {"email": None, "phone": "", "customer": None, "addresses": [], "billingAddress": {}}
    assert mask_record(record) == record


@pytest.mark.parametrize("record", ["Grace", ["Grace"], 15550109999])
def test_what_is_no_object_is_masked(record: Any) -> None:
    assert mask_record(record, resource="orders") == ([MASK] if isinstance(record, list) else MASK)


@pytest.mark.parametrize("name", ["customers", "reviews", "unsubscribers", "loyalty_program_members"])
def test_names_and_titles_in_lists_of_people_are_masked(name: str) -> None:
    """A review's title is free text: https://develop.yotpo.com/reference/retrieve-all-reviews."""
    record = {"name": "Ann", "title": "Ann loves it", "content": "I am Ann", "description": "Ann"}
    assert set(mask_record(record, resource=name).values()) == {MASK}


@pytest.mark.parametrize(("name", "field"), [("orders", "name"), ("campaigns", "name"), ("products", "title")])
def test_names_and_titles_in_other_lists_are_shown(name: str, field: str) -> None:
    assert mask_record({field: "Sale"}, resource=name) == {field: "Sale"}


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
        ("custom_properties.suppress_review_request", True, True),
        ("custom_properties.status", "vip", MASK),
        ("line_items[81].custom_properties.deep.id", "7", MASK),
    ],
)
def test_one_field_is_masked_by_its_path(path: str, value: Any, masked: Any) -> None:
    assert mask_value(path, value) == masked


def test_each_field_that_is_shown_names_its_source() -> None:
    for each in ALLOWED:
        assert re.fullmatch(r"https://\S+|airflow_provider_partners(\.\w+)+", each.source)
        assert each.fields.split()


def test_no_field_that_shopify_counts_as_personal_is_shown_in_a_customer_or_an_address() -> None:
    for kind, fields in PERSONAL.items():
        place = {"Customer": "customer", "MailingAddress": "billingAddress"}.get(kind)
        for name in fields if place else ():
            for value in ("Grace", "1906-12-09", "42", "#1001", 42):
                assert mask_record({place: {name: value}}) == {place: {name: MASK}}


def test_free_text_is_shown_in_no_field_without_a_place() -> None:
    """A name without a place is shown in a customer too, so it takes a form or is a product's own field."""
    of_products = {"varianttitle", "producttitle", "vendor", "producttype", "brand", "group_name"}
    others = {"myshopifydomain", "campaign_name", "prediction_title", "payment_method"}
    free = {name for each in ALLOWED if each.form is TEXT for name in each.fields.split() if "." not in name}
    assert {name.lower() for name in free} == of_products | others
