"""Shopify's errors about a user's further fields name the user's item."""

from __future__ import annotations

from airflow_provider_partners.api.shopify.field_caller import explain_unknown_field
from airflow_provider_partners.api.shopify.selections import parse_fields
from airflow_provider_partners.exceptions import ConfigurationError


def explained(message: str, *items: str) -> ConfigurationError:
    known = {"ShippingLine": ["code", "title"], "ShippingLineConnection": ["nodes"], "Order": ["id", "note"]}
    return explain_unknown_field(ConfigurationError(message), parse_fields(list(items)), lambda name: known[name])


def test_an_unknown_field_is_named_with_its_path_and_the_nearest_field() -> None:
    """The message is recorded: a capture of Shopify's answer to an unknown field."""
    error = explained("Field 'titel' doesn't exist on type 'ShippingLine' (at query Orders)", "shippingLine.titel")
    assert "'shippingLine.titel'" in error.message
    assert "did you mean 'title'?" in error.message
    assert "ShippingLine has: code, title." in str(error)


def test_a_list_with_pages_is_explained() -> None:
    error = explained("Field 'title' doesn't exist on type 'ShippingLineConnection'", "shippingLines.title")
    assert "shippingLines(first: 10).nodes.title" in str(error)


def test_an_object_without_a_field_is_explained() -> None:
    """The message is graphql-ruby's: https://graphql-ruby.org/api-doc/ (FieldsHaveAppropriateSelections)."""
    message = (
        "Field must have selections (field 'shippingLine' returns ShippingLine but has no selections. "
        "Did you mean 'shippingLine { ... }'?)"
    )
    assert "a path has to end in one of its fields" in explained(message, "shippingLine").message


def test_an_error_about_another_field_stays() -> None:
    message = "Field 'other' doesn't exist on type 'Order'"
    assert explained(message, "shippingLine.title").message == message
