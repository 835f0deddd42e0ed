"""Customers are read by several ids in one query, or one by one if the server fails that."""

from __future__ import annotations

import httpx
import pytest
from fakes.yofi_api import FakeYofiList, customers, numbers, yofi_client

from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError


def test_several_customers_are_read_by_one_query_if_the_response_proves_it_right() -> None:
    api = FakeYofiList(customers(*range(200)))

    records = list(yofi_client(api).extract("customers", match={"customer_id": range(120)}).records())

    assert sorted(numbers(records)) == list(range(120))
    assert len({query["filter"] for query in api.queries}) == 3


@pytest.mark.parametrize("alternatives", ["refused", "first", "ignored"])
def test_customers_are_read_one_by_one_if_the_server_fails_several_ids(
    alternatives: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = FakeYofiList(customers(*range(60)), alternatives=alternatives)
    yofi = yofi_client(api)

    records = yofi.extract("customers", match={"customer_id": range(0, 120, 2)}).records(workers=1)

    assert sorted(numbers(records)) == list(range(0, 60, 2))
    assert caplog.text.count("From now on this client reads customers one by one") == 1
    singly = [query["filter"] for query in api.queries if "," not in query["filter"]]
    assert set(singly) == {f"customer_id=='{n}'" for n in range(0, 120, 2)}


def test_one_by_one_skips_the_query_for_several_ids() -> None:
    api = FakeYofiList(customers(1, 2, 3))
    yofi = yofi_client(api)

    assert numbers(yofi.extract("customers", match={"customer_id": [1, 3]}, one_by_one=True).records()) == [1, 3]
    assert [query["filter"] for query in api.queries] == ["customer_id=='1'", "customer_id=='3'"]
    list(yofi.extract("customers", match={"customer_id": [1, 3]}).records())
    assert "," in api.queries[2]["filter"], "other extractions of the client are not affected"


def test_unknown_customers_do_not_disable_batches() -> None:
    api = FakeYofiList(customers(1))

    assert numbers(yofi_client(api).extract("customers", match={"customer_id": [1, 8, 9]}).records()) == [1]
    assert [query["filter"] for query in api.queries] == [
        "customer_id=='1',customer_id=='8',customer_id=='9'",
        "customer_id=='8'",
        "customer_id=='9'",
    ]


def test_a_refusal_for_another_reason_does_not_disable_batches() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"detail": "no such field"})

    yofi = yofi_client(refuse)
    with pytest.raises(RejectedError, match="no such field"):
        list(yofi.extract("customers", match={"customer_id": [1, 2]}).records())
    assert yofi._capabilities.accepts_or is None


def test_a_filter_that_is_ignored_for_a_single_id_is_an_error() -> None:
    def ignore_filter(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": customers(1, 2, 3)})

    with pytest.raises(UnexpectedResponseError, match="a query for one id returned others"):
        list(yofi_client(ignore_filter).extract("customers", match={"customer_id": [7, 8]}).records())
