"""Fields that Yofi's page lists for another operation only are left out once the server refuses them."""

from __future__ import annotations

import logging
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.yofi_api import FakeYofiApi, yofi_client

from airflow_provider_partners.exceptions import RejectedError

LISTED = "entity_id,customer_id,app_id,organization_id"
"""The sample of ``fields[EcommerceCustomer]`` at the operation of customers, on Yofi's Partner Data page."""


def fields_of(request: httpx.Request) -> str:
    return dict(parse_qsl(request.url.query.decode()))["fields[EcommerceCustomer]"]


def refuse_others(request: httpx.Request) -> httpx.Response | dict:
    unknown = set(fields_of(request).split(",")) - set(LISTED.split(","))
    return httpx.Response(400, json={"detail": f"unknown: {sorted(unknown)}"}) if unknown else {"data": []}


def test_refused_fields_are_left_out_once_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeYofiApi(refuse_others)
    yofi = yofi_client(api)
    with caplog.at_level(logging.WARNING):
        list(yofi.extract("customers").records())
        list(yofi.extract("customers").records())

    assert [fields_of(request) for request in api.requests[1:]] == [LISTED, LISTED]
    assert len(api.requests) == 3
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "EcommerceCustomer.email, EcommerceCustomer.first_name" in warnings[0]


def test_fields_of_the_operation_itself_are_never_left_out() -> None:
    api = FakeYofiApi(lambda request: httpx.Response(400, json={"detail": "no"}))
    with pytest.raises(RejectedError, match="no"):
        list(yofi_client(api, page_size=10).extract("customers", fields=["entity_id"]).records())
    assert [fields_of(request) for request in api.requests] == ["entity_id"]


def test_another_reason_for_a_refusal_is_the_error() -> None:
    api = FakeYofiApi(lambda request: httpx.Response(400, json={"detail": "page too far"}))
    with pytest.raises(RejectedError, match="page too far"):
        list(yofi_client(api, page_size=10).extract("customers").records())
    assert len(api.requests) == 2


def test_fields_that_were_accepted_are_not_the_reason_later() -> None:
    answers = iter([{"data": []}, httpx.Response(400, json={"detail": "other"})])
    api = FakeYofiApi(lambda request: next(answers))
    yofi = yofi_client(api, page_size=10)
    list(yofi.extract("customers").records())
    with pytest.raises(RejectedError, match="other"):
        list(yofi.extract("customers").records())
    assert len(api.requests) == 2


def test_one_customer_is_read_without_refused_fields() -> None:
    record = {"type": "EcommerceCustomer", "id": "7", "attributes": {"customer_id": "7"}}
    api = FakeYofiApi(lambda request: refuse_others(request) if "email" in fields_of(request) else {"data": record})
    assert yofi_client(api).customer("7") == {
        "type": "EcommerceCustomer",
        "id": "7",
        "customer_id": "7",
        "customer_predictions": [],
    }
