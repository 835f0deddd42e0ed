"""What Yotpo's error responses mean, and how the rate limit follows its headers."""

from __future__ import annotations

import httpx
import pytest
from clocks import TurningClock
from fakes.yotpo_api import FakeYotpoApi, error_response, yotpo_client

from airflow_provider_partners.api.yotpo import UnknownProductsError
from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError, ThrottledError


def test_an_existing_external_id_is_a_conflict() -> None:
    api = FakeYotpoApi(error_response(409, "Order with external_id 1001 already exists"))

    with pytest.raises(ConflictError, match="already exists"):
        yotpo_client(api).create_order({})


@pytest.mark.covers("yotpo.line_item.external_product_id.bad_request")
@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("verb", ["create", "update"])
def test_unknown_products_are_named_with_either_status(status: int, verb: str) -> None:
    yotpo = yotpo_client(FakeYotpoApi(error_response(status, "bad order", "products not found: p-1, p-2,p-1")))

    with pytest.raises(UnknownProductsError, match="products not found") as caught:
        yotpo.create_order({}) if verb == "create" else yotpo.update_order(1, {})
    assert caught.value.products == ["p-1", "p-2"]
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (error_response(404, "Order not found"), NotFoundError),
        (error_response(400, "line_items is missing"), RejectedError),
        (httpx.Response(400, text="<html><title>Bad gateway</title></html>"), RejectedError),
        (httpx.Response(404), NotFoundError),
        (httpx.Response(400, json=["?"]), RejectedError),
        (httpx.Response(400, json={"errors": "products are late"}), RejectedError),
    ],
)
def test_the_status_decides_the_error_of_other_responses(response: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        yotpo_client(FakeYotpoApi(response)).update_order(1, {})
    assert not isinstance(caught.value, UnknownProductsError)


def test_the_error_quotes_the_correlation_id() -> None:
    with pytest.raises(RejectedError, match="request id 0f-11"):
        yotpo_client(FakeYotpoApi(error_response(400, "no", Correlation_Id="0f-11"))).create_order({})


def test_a_throttled_call_waits_as_long_as_the_headers_say() -> None:
    clock = TurningClock()
    responses = [
        httpx.Response(429, json={"message": "API rate limit exceeded"}),
        httpx.Response(429, json={"message": "API rate limit exceeded"}, headers={"RateLimit-Reset": "2"}),
        httpx.Response(429, json={"message": "API rate limit exceeded"}, headers={"Retry-After": "3"}),
        httpx.Response(200, json={"order": {"yotpo_id": 5}}),
    ]
    start = clock.now

    yotpo_client(FakeYotpoApi(lambda request: responses.pop(0)), clock=clock).order(5)

    assert 6 <= clock.now - start <= 7


def test_a_wait_above_the_limit_raises_a_throttled_error() -> None:
    api = FakeYotpoApi(httpx.Response(429, headers={"Retry-After": "3600"}))

    with pytest.raises(ThrottledError) as caught:
        yotpo_client(api).order(5)
    assert caught.value.retry_after == 3600


def test_calls_keep_the_rate_limit_of_the_store() -> None:
    clock = TurningClock()
    yotpo = yotpo_client(
        FakeYotpoApi(httpx.Response(200, json={"order": {"yotpo_id": 5}})), clock=clock, requests_per_second=4.5
    )
    start = clock.now

    for _ in range(9):
        yotpo.order(5)

    # Nine calls and the token request.
    assert clock.now - start == pytest.approx(9 / 4.5, abs=0.01)


def test_a_second_that_other_clients_used_up_delays_the_next_calls() -> None:
    clock = TurningClock()
    used_up = httpx.Response(200, json={"order": {"yotpo_id": 5}}, headers={"RateLimit-Remaining": "0"})
    yotpo = yotpo_client(FakeYotpoApi(used_up), clock=clock, requests_per_second=5)
    yotpo.order(5)
    start, clock.now = clock.now, clock.now + 10

    yotpo.order(5)
    yotpo.order(5)

    assert clock.now - start - 10 == pytest.approx(0.2, abs=0.01)
