"""Declared fields: their columns, and the check of a dotted path."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.record_types import check_field_path, field_types, top_level_types
from airflow_provider_partners.exceptions import ConfigurationError


def test_an_object_and_a_list_at_the_top_are_json_columns() -> None:
    """Types: https://shopify.dev/docs/api/admin-graphql/latest/objects/Order."""
    types = top_level_types(field_types("shopify_admin", "orders"))
    assert {name: types[name] for name in ("id", "createdAt", "test", "lineItems", "tags", "customer")} == {
        "id": "string",
        "createdAt": "timestamp",
        "test": "boolean",
        "lineItems": "json",
        "tags": "json",
        "customer": "json",
    }


@pytest.mark.parametrize(("source", "resource"), [("mine", "orders"), ("../api", "x"), ("yofi", "built orders")])
def test_a_list_that_nobody_declared_has_no_fields(source: str, resource: str) -> None:
    assert field_types(source, resource) == {}
    check_field_path("drop", "anything.at.all", field_types(source, resource))


@pytest.mark.parametrize(
    "path", ["email", "customer.defaultEmailAddress.emailAddress", "lineItems.customAttributes.value", "lineItems"]
)
def test_a_path_leads_into_objects_and_lists(path: str) -> None:
    check_field_path("hash", path, field_types("shopify_admin", "orders"))


def test_an_object_without_declared_fields_may_have_any() -> None:
    """Voucherify: ``metadata`` is a project's own (https://docs.voucherify.io/api-reference/customers/customer-object)."""
    check_field_path("drop", "metadata.passport_number", field_types("voucherify", "customers"))


@pytest.mark.parametrize(
    ("path", "nearest"), [("e_mail", "email"), ("customer.firstname", "customer.firstName"), ("id.x", "id")]
)
def test_an_unknown_path_is_refused_with_the_nearest_one(path: str, nearest: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'drop' names '.*no field of this list") as caught:
        check_field_path("drop", path, field_types("shopify_admin", "orders"))
    if nearest != "id":
        assert f"did you mean '{nearest}'?" in caught.value.message


def test_what_a_user_requests_may_be_named() -> None:
    types = field_types("shopify_admin", "orders")
    requested = 'metafield(namespace: "custom", key: "vat") { value }'
    check_field_path("drop", "metafield.value", types, requested=requested)
    with pytest.raises(ConfigurationError):
        check_field_path("drop", "metafield.id", types, requested=requested)
