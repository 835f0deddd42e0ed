"""Yofi's client reads one customer, follows overridden paths, and pings."""

from __future__ import annotations

import httpx
import pytest
from fakes.yofi_api import SHOP, FakeYofiApi, yofi_client

from airflow_provider_partners.exceptions import NotFoundError, UnexpectedResponseError


@pytest.mark.covers("yofi.customer.included")
def test_one_customer_is_read_with_its_predictions() -> None:
    linkage = {"customer_predictions": {"data": [{"type": "EcommerceCustomerPrediction", "id": "p"}]}}
    customer = {"type": "EcommerceCustomer", "id": "e-1", "attributes": {"customer_id": "77"}, "relationships": linkage}
    prediction = {"type": "EcommerceCustomerPrediction", "id": "p", "attributes": {"severity": "high"}}
    api = FakeYofiApi({"data": customer, "included": [prediction]})

    record = yofi_client(api).customer("77/8")

    assert record is not None
    assert record["customer_predictions"] == [{**prediction["attributes"], "id": "p", "type": prediction["type"]}]
    assert api.requests[0].url.raw_path.startswith(b"/ecommerce/customers/77%2F8?")
    assert set(api.query) == {"include", "fields[EcommerceCustomer]", "fields[EcommerceCustomerPrediction]"}


def test_one_customer_may_be_returned_in_a_list() -> None:
    one = {"type": "EcommerceCustomer", "id": "e-1", "attributes": {"customer_id": "77"}}
    two = {"type": "EcommerceCustomer", "id": "e-2", "attributes": {"customer_id": "78"}}

    assert yofi_client(FakeYofiApi({"trace_id": "x", "data": [one]})).customer(77)["id"] == "e-1"  # type: ignore[index]
    assert yofi_client(FakeYofiApi({"data": [one, two]})).customer(78)["id"] == "e-2"  # type: ignore[index]
    assert yofi_client(FakeYofiApi({"data": []})).customer(77) is None
    with pytest.raises(UnexpectedResponseError, match="a request for one customer returned 2"):
        yofi_client(FakeYofiApi({"data": [one, two]})).customer(99)


def test_an_unknown_customer_is_none() -> None:
    assert (
        yofi_client(FakeYofiApi(lambda request: httpx.Response(404, json={"detail": "Not Found"}))).customer("1")
        is None
    )


def test_the_error_of_an_unknown_path_names_the_extra_to_set() -> None:
    api = FakeYofiApi(lambda request: httpx.Response(404, json={"detail": "Not Found"}))

    with pytest.raises(NotFoundError, match="extra 'paths'"):
        list(yofi_client(api).extract("returns").records())


def test_paths_can_be_overridden() -> None:
    api = FakeYofiApi()
    yofi = yofi_client(api, paths={"returns": "/v2/returns", "customer": "/v2/customer/{customer_id}/"})

    list(yofi.extract("returns").records())
    yofi.customer(5)

    assert [request.url.path for request in api.requests] == ["/v2/returns", "/v2/customer/5/"]


def test_a_ping_reads_one_claim_and_reports_the_total() -> None:
    api = FakeYofiApi({"data": [], "meta": {"page": {"totalRecords": 3}}})

    assert yofi_client(api).ping() == f"Yofi answers for {SHOP} with the service_account profile. 3 claims."
    assert api.query["page[size]"] == "1"


def test_one_customer_is_an_extraction_of_one_record() -> None:
    record = {"type": "EcommerceCustomer", "id": "7", "attributes": {"customer_id": "7"}}
    extraction = yofi_client(FakeYofiApi({"data": record})).extract_customer("7", include=[])
    assert (extraction.resource, [each["id"] for each in extraction.records()]) == ("customers", ["7"])
    api = FakeYofiApi(lambda request: httpx.Response(404, json={"detail": "no"}))
    assert list(yofi_client(api).extract_customer("8").records()) == []
