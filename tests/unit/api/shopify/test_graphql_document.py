"""A user's own GraphQL document: what is looked for before it is sent."""

from __future__ import annotations

import re

import pytest

from airflow_provider_partners.api.shopify.graphql import has_balanced_braces, validate_paged_document
from airflow_provider_partners.exceptions import ConfigurationError

PAGED = """query Events($first: Int!, $after: String) {
  app(id: "gid://partners/App/1") { events(first: $first, after: $after) {
    pageInfo { hasNextPage } edges { cursor node { type } } } } }"""


def test_a_paged_document_is_accepted() -> None:
    assert validate_paged_document(PAGED, max_length=50_000).declares_first


def test_a_document_with_a_page_size_of_its_own_is_accepted() -> None:
    document = PAGED.replace("$first: Int!, ", "").replace("first: $first", "first: 20")
    assert not validate_paged_document(document, max_length=50_000).declares_first


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        (", $after: String", "", "declare the variable"),
        (", after: $after", "", "pass 'after: "),
        ("first: $first, ", "", "page size"),
        ("hasNextPage", "hasPreviousPage", "hasNextPage"),
        ("cursor ", "", "cursor"),
        (", after: $after", " # , after: $after\n", "pass 'after: "),
    ],
)
def test_a_document_that_cannot_be_walked_is_refused(old: str, new: str, missing: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(missing)):
        validate_paged_document(PAGED.replace(old, new), max_length=50_000)


@pytest.mark.parametrize(
    "document",
    ["", "{ a }", PAGED.replace("query Events", "mutation Events"), PAGED + PAGED.replace("Events(", "Others(")],
)
def test_a_document_holds_exactly_one_query(document: str) -> None:
    with pytest.raises(ConfigurationError, match="exactly one query"):
        validate_paged_document(document, max_length=50_000)


def test_a_field_called_query_is_no_second_operation() -> None:
    assert validate_paged_document(
        PAGED.replace("node { type }", "node { type query(a: 1) }"), max_length=50_000
    ).declares_first


def test_a_document_that_is_too_long_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="characters"):
        validate_paged_document(PAGED, max_length=10)


def test_further_fields_must_not_reach_out_of_their_place() -> None:
    assert has_balanced_braces('note metafield(key: "}") { value }')
    assert not has_balanced_braces("note } customer { email")
    assert not has_balanced_braces("note { value")
