"""Resources: their paginators, their records in a response, and look-ups by name."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator
from airflow_provider_partners.api.resources import Resource, find_resource
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

RETURNS = Resource(
    name="returns",
    path="/returns/",
    records_path="data",
    paginator=PageNumberPaginator(size=10),
    page_size=100,
    max_page_size=250,
    max_page_number=99,
)


def test_a_resource_returns_its_paginator_with_the_requested_size() -> None:
    assert RETURNS.sized_paginator() == PageNumberPaginator(size=100, max_page_number=99)
    assert RETURNS.sized_paginator(250).size == 250


@pytest.mark.parametrize("size", [0, -1, 251])
def test_a_page_size_that_the_api_does_not_serve_is_refused(size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"page_size={size}.*1 to 250"):
        RETURNS.sized_paginator(size)


def test_records_at_the_wrong_path_are_an_error() -> None:
    assert RETURNS.extract_records({"data": [{"id": "r-1"}]}) == [{"id": "r-1"}]
    for body in ({"data": None}, {"rows": []}, {"data": ["x"]}, [], None):
        with pytest.raises(UnexpectedResponseError, match="'data'"):
            RETURNS.extract_records(body)


def test_an_unknown_resource_lists_the_known_names() -> None:
    assert find_resource({"returns": RETURNS}, "returns") is RETURNS
    with pytest.raises(ConfigurationError, match=r"'claims'.*returns"):
        find_resource({"returns": RETURNS}, "claims")
