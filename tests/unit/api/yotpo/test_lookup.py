"""Records are looked up by the merchant's ids, in batches as long as the store's filter takes a list."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from fakes.yotpo_api import yotpo_client


class ProductList:
    """Products of a store, and a lookup filter that may work or not.

    :param takes: what the filter takes: a ``list``, ``one`` id, or ``nothing``
    """

    def __init__(self, *external_ids: Any, takes: str = "list") -> None:
        self.products = [{"yotpo_id": number, "external_id": id_} for number, id_ in enumerate(external_ids, 1)]
        self.takes = takes
        self.queries: list[httpx.QueryParams] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "token"})
        self.queries.append(request.url.params)
        product_id = request.url.path.rpartition("/products")[2].removeprefix("/")
        if product_id:
            return httpx.Response(200, json={"product": self.products[int(product_id) - 1]})
        if "external_ids" not in request.url.params:
            return self.page(int(request.url.params.get("page_info", 0)))
        ids = request.url.params["external_ids"]
        found = self.products
        if self.takes == "list":
            found = [row for row in self.products if str(row["external_id"]) in ids.split(",")]
        elif self.takes == "one" and "," not in ids:
            found = [row for row in self.products if str(row["external_id"]) == ids]
        limit = int(request.url.params["limit"])
        return httpx.Response(200, json={"products": found[:limit], "pagination": {"next_page_info": None}})

    def page(self, first: int) -> httpx.Response:
        following = str(first + 100) if first + 100 < len(self.products) else None
        page = {"products": self.products[first : first + 100], "pagination": {"next_page_info": following}}
        return httpx.Response(200, json=page)


def test_a_hundred_ids_are_looked_up_in_one_call() -> None:
    ids = [str(number) for number in range(150)]
    api = ProductList(*ids[:120])

    found = yotpo_client(api).products([*ids, "3"])

    assert list(found) == ids[:120]
    assert found["7"] == {"yotpo_id": 8, "external_id": "7"}
    assert [len(query["external_ids"].split(",")) for query in api.queries] == [100, 50]
    assert {query["limit"] for query in api.queries} == {"100"}


def test_no_ids_need_no_call() -> None:
    api = ProductList("a")

    assert yotpo_client(api).products([]) == {}
    assert api.queries == []


def test_ids_are_compared_as_text() -> None:
    assert list(yotpo_client(ProductList(7)).products(["7"])) == ["7"]


def test_a_filter_that_returns_other_records_is_replaced_by_single_lookups_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = ProductList("a", "b", "x", takes="one")
    yotpo = yotpo_client(api)

    with caplog.at_level(logging.WARNING):
        assert list(yotpo.products(["a", "b", "c"])) == ["a", "b"]
        assert list(yotpo.products(["a", "b"])) == ["a", "b"]

    assert [query["external_ids"] for query in api.queries] == ["a,b,c", "a", "b", "c", "a", "b"]
    assert len([record for record in caplog.records if "takes no list" in record.getMessage()]) == 1


def test_a_filter_that_does_nothing_is_replaced_by_one_walk_over_the_list(caplog: pytest.LogCaptureFixture) -> None:
    api = ProductList(*(f"p{number}" for number in range(250)), takes="nothing")
    yotpo = yotpo_client(api)

    with caplog.at_level(logging.WARNING):
        assert list(yotpo.products(["p249", "p3", "missing"])) == ["p249", "p3"]
        assert list(yotpo.products(["p120"])) == ["p120"]
        assert yotpo.products(["missing"]) == {}

    pages = [query for query in api.queries if "external_ids" not in query and "limit" in query]
    assert len(pages) == 3
    assert len([record for record in caplog.records if "does nothing here" in record.getMessage()]) == 1


def test_a_lone_record_that_was_not_requested_shows_that_the_filter_does_nothing() -> None:
    # Taken for an absence, it would create a record that exists.
    api = ProductList("a", takes="nothing")

    assert yotpo_client(api).products(["b"]) == {}
    assert len(api.queries) == 2


def test_a_record_that_is_newer_than_the_walk_is_found_after_a_conflict_by_another_walk() -> None:
    api = ProductList("a", "b", takes="nothing")
    lookup = yotpo_client(api).lookup("products")
    assert lookup.find(["c", "d"]) == {}
    api.products += [{"yotpo_id": 3, "external_id": "c"}, {"yotpo_id": 4, "external_id": "d"}]

    found = [lookup.find_after_conflict(external_id, sleep=lambda seconds: None) for external_id in ("c", "d")]

    assert found == api.products[2:]
    pages = [query for query in api.queries if "external_ids" not in query and "limit" in query]
    assert len(pages) == 2


def test_an_id_with_a_comma_is_looked_up_alone() -> None:
    api = ProductList("a", "b", "a,b", takes="list")

    assert yotpo_client(api).products(["a,b", "a"]) == {"a": {"yotpo_id": 1, "external_id": "a"}}
    assert [query["external_ids"] for query in api.queries] == ["a,b", "a"]


def test_long_ids_are_split_over_more_calls() -> None:
    ids = [f"{'x' * 250}{number}" for number in range(20)]
    api = ProductList(*ids)

    assert list(yotpo_client(api).products(ids)) == ids
    assert len(api.queries) > 1
