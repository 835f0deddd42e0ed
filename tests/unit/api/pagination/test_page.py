"""A page that contradicts the list's total is requested once more, and then is an error.

A total and a page are counted at different times; no partner documents that both are of one snapshot.
"""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.api.pagination.page import request_page
from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError


def first_page(*responses: tuple[int | None, int], size: int = 1, **place: int) -> tuple[Any, int]:
    """Return the accepted response and the number of requests; a response is a total and a number of records."""
    sent: list[tuple[int | None, int]] = []

    def request() -> tuple[int | None, int]:
        sent.append(responses[len(sent)])
        return sent[-1]

    response = request_page(
        request,
        count=lambda each: each[1],
        total=lambda each: each[0],
        name="orders",
        partner="Yofi",
        size=size,
        **place,
    )
    return response, len(sent)


@pytest.mark.parametrize("response", [(0, 0), (None, 0), (5, 5), (400, 100), (None, 50), (3, 5)])
def test_a_page_that_agrees_with_its_total_is_requested_once(response: tuple[int | None, int]) -> None:
    assert first_page(response, size=100) == (response, 1)


def test_a_short_page_is_enough_where_the_server_may_send_smaller_ones() -> None:
    assert first_page((400, 50)) == ((400, 50), 1)


@pytest.mark.parametrize(("first", "second"), [((5, 0), (5, 5)), ((5, 4), (5, 5)), ((5, 0), (0, 0))])
def test_a_contradiction_may_pass(first: tuple[int, int], second: tuple[int, int]) -> None:
    assert first_page(first, second, size=100) == (second, 2)


def test_a_page_that_stays_empty_is_an_error() -> None:
    with pytest.raises(
        UnexpectedResponseError, match="'orders' has a total of 5, but its first page is empty"
    ) as caught:
        first_page((5, 0), (5, 0))
    assert "page_size" not in str(caught.value)


def test_a_page_that_stays_short_names_the_servers_own_page_size() -> None:
    with pytest.raises(PagingError, match=r"first page of 100 has 50 records.*set page_size to 50"):
        first_page((400, 50), (400, 50), size=100)


@pytest.mark.parametrize("response", [(205, 5), (200, 0), (None, 0), (204, 5), (400, 100)])
def test_a_later_page_that_agrees_with_its_total_is_requested_once(response: tuple[int | None, int]) -> None:
    assert first_page(response, size=100, number=3) == (response, 1)


def test_an_empty_page_does_not_end_a_list_whose_total_promises_more() -> None:
    assert first_page((141, 0), (141, 20), size=20, number=2) == ((141, 20), 2)
    with pytest.raises(UnexpectedResponseError, match="'orders' has a total of 141, but its page 2 is empty"):
        first_page((141, 0), (141, 0), size=20, number=2)


def test_a_later_page_may_be_smaller_where_the_server_says_so_but_not_empty() -> None:
    assert first_page((400, 50), number=2, page_size=100) == ((400, 50), 1)
    with pytest.raises(UnexpectedResponseError, match="its page 2 is empty"):
        first_page((400, 0), (400, 0), number=2, page_size=100)
