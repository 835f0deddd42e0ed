"""Tests of masked records. What is personal comes from Shopify's levels of protected customer data.

The sandbox has the table of https://shopify.dev/docs/apps/launch/protected-customer-data in a copy of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_partners.observability.report.model import MASK
from airflow_provider_partners.plugin.masking import mask_record
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
        shown = [*texts(mask_record(order))]
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
    shown = mask_record(order)

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
    ],
)
def test_a_value_is_shown_only_where_it_says_nothing_about_a_person(record: Any, shown: Any) -> None:
    assert mask_record(record) == (record if shown is ... else shown)
