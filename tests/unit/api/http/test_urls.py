"""Ids as parts of a path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fakes.voucherify import voucherify_client
from fakes.yofi_api import yofi_client
from fakes.yotpo_api import yotpo_client

from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.exceptions import ConfigurationError


def test_an_id_is_one_segment_whatever_it_contains() -> None:
    assert path_segment("a/b?c#d %é") == "a%2Fb%3Fc%23d%20%25%C3%A9"
    assert path_segment(12) == "12"
    assert path_segment("...") == "..."


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_an_id_that_leads_to_another_path_is_refused(value: str) -> None:
    """https://url.spec.whatwg.org/#double-dot-path-segment: dots stay special even when they are percent-encoded."""
    with pytest.raises(ConfigurationError, match="cannot be part of a path"):
        path_segment(value)


READS: dict[str, Callable[[Any], Any]] = {
    "voucherify record": lambda api: voucherify_client(api).extract("vouchers", match={"id": [".."]}).records(),
    "voucherify parent": lambda api: (
        voucherify_client(api).extract("loyalty_campaign_members", parents={"campaign_id": ".."}).records()
    ),
    "voucherify export": lambda api: voucherify_client(api).job_status(".."),
    "yofi customer": lambda api: yofi_client(api).customer(".."),
    "yotpo parent": lambda api: yotpo_client(api).extract("fulfillments", match={"order_id": [".."]}).records(),
    "yotpo store": lambda api: yotpo_client(api, store_id="..").orders(["1"]),
}


@pytest.mark.parametrize("read", READS)
def test_no_client_sends_such_an_id(read: str) -> None:
    def api(request: httpx.Request) -> httpx.Response:
        message = f"sent {request.url.path}"
        raise AssertionError(message)

    with pytest.raises(ConfigurationError, match="cannot be part of a path"):
        list(READS[read](api))
