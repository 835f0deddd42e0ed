"""Any call of a REST API: the exact request, what comes back, and that a write is never sent twice unasked.

Which methods change nothing: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1. The paths are those of
https://github.com/voucherifyio/voucherify-openapi.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from fakes.voucherify import voucherify_client

from airflow_provider_partners.api.client import RestClient
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    NotFoundError,
    RejectedError,
    TransientError,
    UnknownOutcomeError,
)


class Api:
    """Answers with the given responses, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_call_has_method_path_query_body_and_credentials() -> None:
    api = Api(httpx.Response(200, json={"id": "v_1"}))

    with voucherify_client(api) as client:
        result = client.request(
            "post",
            "/v1/vouchers/SPRING 26",
            params={
                "a": ["x", "y"],
                "filters": {"result": {"conditions": {"$in": ["A", "B"]}}, "junction": "and"},
                "on": True,
                "none": None,
                "day": date(2026, 5, 1),
                "at": datetime(2026, 5, 1, tzinfo=UTC),
            },
            json={"active": False},
        )

    (request,) = api.requests
    assert result == {"id": "v_1"}
    assert request.method == "POST"
    assert request.url.raw_path.decode().startswith("/v1/vouchers/SPRING%2026?")
    assert request.url.params.multi_items() == [
        ("a", "x"),
        ("a", "y"),
        ("filters[result][conditions][$in][0]", "A"),
        ("filters[result][conditions][$in][1]", "B"),
        ("filters[junction]", "and"),
        ("on", "true"),
        ("day", "2026-05-01"),
        ("at", "2026-05-01T00:00:00.000Z"),
    ]
    assert request.read() == b'{"active":false}'
    assert request.headers["X-App-Id"] == "app-id-1234"


@pytest.mark.parametrize("response", [httpx.Response(204), httpx.Response(200, content=b"")])
def test_a_response_without_a_body_is_none(response: httpx.Response) -> None:
    with voucherify_client(Api(response)) as client:
        assert client.request("DELETE", "/v1/exports/exp_1") is None


def test_an_encoded_id_stays_encoded() -> None:
    api = Api(httpx.Response(200, json={}))

    with voucherify_client(api) as client:
        client.request("GET", "/v1/customers/a%2Fb")

    assert api.requests[0].url.raw_path == b"/v1/customers/a%2Fb"


@pytest.mark.parametrize(
    "lost", [httpx.ReadError("reset"), httpx.Response(502), httpx.Response(200, content=b'{"id":')]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_whose_response_is_lost_is_not_sent_again(method: str, lost: Any) -> None:
    api = Api(lost)

    with voucherify_client(api) as client, pytest.raises(UnknownOutcomeError):
        client.request(method, "/v1/vouchers/SPRING/disable")

    assert len(api.requests) == 1


LOST = [httpx.ReadError("reset"), httpx.Response(502), httpx.Response(200, content=b'{"id":')]
"""A broken connection, a gateway's error, and a body that ends early."""


@pytest.mark.parametrize(
    ("method", "idempotent", "lost"),
    [
        *(("GET", None, lost) for lost in LOST),
        *(("POST", True, lost) for lost in LOST),
        *(("HEAD", None, lost) for lost in LOST[:2]),  # no body that could end early
    ],
)
def test_a_read_and_an_idempotent_write_are_sent_again(method: str, idempotent: bool | None, lost: Any) -> None:
    api = Api(lost, httpx.Response(200, json={"id": "v_1"}))

    with voucherify_client(api) as client:
        client.request(method, "/v1/vouchers/SPRING/disable", idempotent=idempotent)

    assert len(api.requests) == 2


def test_a_read_that_must_not_be_repeated_is_not() -> None:
    api = Api(httpx.ReadError("reset"))

    with voucherify_client(api) as client, pytest.raises(UnknownOutcomeError):
        client.request("GET", "/v1/publications/create", idempotent=False)  # documented as a GET that creates

    assert len(api.requests) == 1


def test_a_write_that_the_partner_did_not_take_is_sent_again() -> None:
    throttled = httpx.Response(429, headers={"Retry-After": "1"}, json={"code": 429, "message": "Too many requests"})
    api = Api(throttled, httpx.ConnectError("refused"), httpx.Response(200, json={}))

    with voucherify_client(api) as client:
        client.request("POST", "/v1/vouchers/SPRING/disable")

    assert len(api.requests) == 3


def test_the_call_counts_against_the_rate_limit_and_its_label_holds_no_id() -> None:
    api = Api(httpx.Response(404, json={"code": 404, "key": "not_found", "message": "Resource not found"}))

    with voucherify_client(api) as client:
        with pytest.raises(NotFoundError, match=r"GET /v1/customers/…: .*Resource not found") as error:
            client.request("GET", "/v1/customers/anna.smith")
        assert "anna" not in str(error.value)
        assert "anna" not in str(client.stats.snapshot())
        assert client.stats.snapshot()["requests"] == 1


def test_the_values_of_a_refused_body_are_not_repeated() -> None:
    body = {
        "code": 400,
        "key": "invalid_payload",
        "message": "Invalid payload",
        "details": "name 'Anna Smith' is taken",
    }

    with voucherify_client(Api(httpx.Response(400, json=body))) as client, pytest.raises(RejectedError) as error:
        client.request("POST", "/v1/customers", json={"name": "Anna Smith"})

    assert "Anna" not in str(error.value)


@pytest.mark.parametrize(
    ("method", "path", "params", "message"),
    [
        ("FETCH", "/v1/vouchers", None, "no method 'FETCH'.*Use one of: GET, HEAD, POST"),
        ("PSOT", "/v1/vouchers", None, "did you mean 'POST'"),
        ("GET", "v1/vouchers", None, "'path' is no path below"),
        ("GET", "https://evil.example/v1", None, "'path' is no path below"),
        ("GET", "//evil.example/v1", None, "'path' is no path below"),
        ("GET", "/v1/vouchers?limit=1", None, "'path' is no path below.*query in 'params'"),
        ("GET", "/v1/vouchers/../customers", None, "a part of dots only"),
        ("GET", "/v1/vouchers/%2E%2e/customers", None, "a part of dots only"),
        ("GET", "/v1/vouchers", ["limit"], "'params' is a list of 1, and a dict is needed"),
        ("GET", "", None, "'path' is the text '', and a text is needed"),
    ],
)
def test_what_no_call_can_be_is_refused_before_it_is_sent(method: str, path: str, params: Any, message: str) -> None:
    api = Api(httpx.Response(200, json={}))

    with voucherify_client(api) as client, pytest.raises(ConfigurationError, match=message):
        client.request(method, path, params=params)

    assert api.requests == []


def test_every_rest_client_has_it_and_gives_up_on_reads_after_the_usual_retries() -> None:
    assert all(issubclass(client, RestClient) for client in (VoucherifyClient, YotpoClient, YofiClient))
    api = Api(httpx.Response(503))

    with voucherify_client(api) as client, pytest.raises(TransientError):
        client.request("GET", "/v1/vouchers")

    assert len(api.requests) > 2
