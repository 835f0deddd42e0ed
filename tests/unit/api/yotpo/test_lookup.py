"""Records are looked up by the merchant's ids, in batches as long as the store's filter takes a list."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from fake_yotpo_api import yotpo_client

from airflow_provider_partners.exceptions import UnexpectedResponseError


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
        ids = request.url.params["external_ids"]
        found = self.products
        if self.takes == "list":
            found = [row for row in self.products if str(row["external_id"]) in ids.split(",")]
        elif self.takes == "one" and "," not in ids:
            found = [row for row in self.products if str(row["external_id"]) == ids]
        limit = int(request.url.params["limit"])
        return httpx.Response(200, json={"products": found[:limit], "pagination": {"next_page_info": None}})


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


def test_an_ignored_filter_does_not_make_a_record_look_missing() -> None:
    yotpo = yotpo_client(ProductList("a", "b", takes="nothing"))

    assert list(yotpo.products(["b"])) == ["b"]
    with pytest.raises(UnexpectedResponseError, match="a lookup of products by one external id returned 2 others"):
        yotpo.products(["c"])


def test_an_id_with_a_comma_is_looked_up_alone() -> None:
    api = ProductList("a", "b", "a,b", takes="list")

    assert yotpo_client(api).products(["a,b", "a"]) == {"a": {"yotpo_id": 1, "external_id": "a"}}
    assert [query["external_ids"] for query in api.queries] == ["a,b", "a"]


def test_long_ids_are_split_over_more_calls() -> None:
    ids = [f"{'x' * 250}{number}" for number in range(20)]
    api = ProductList(*ids)

    assert list(yotpo_client(api).products(ids)) == ids
    assert len(api.queries) > 1
