"""Yotpo's client writes and reads single records. Bodies are those of recorded exchanges."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fakes.yotpo_api import ROOT, FakeYotpoApi, error_response, yotpo_client

from airflow_provider_partners.exceptions import UnexpectedResponseError, UnknownOutcomeError

BIG = 4_294_967_296_123


@pytest.mark.covers("yotpo.endpoint.create_order", "yotpo.endpoint.create_fulfillment", "yotpo.order.yotpo_id")
def test_a_create_wraps_the_payload_and_returns_the_id_which_may_be_long() -> None:
    order, line = {"external_id": "1001"}, {"external_id": "f-1"}
    api = FakeYotpoApi(httpx.Response(201, json={"order": {"yotpo_id": BIG}}))
    assert yotpo_client(api).create_order(order) == BIG
    assert api.sent == ("POST", f"{ROOT}/orders", {"order": order})

    api = FakeYotpoApi(httpx.Response(201, json={"product": {"yotpo_id": BIG}}))
    assert yotpo_client(api).create_product(order) == BIG
    assert api.sent == ("POST", f"{ROOT}/products", {"product": order})

    api = FakeYotpoApi(httpx.Response(201, json={"fulfillment": {"yotpo_id": BIG}}))
    assert yotpo_client(api).create_fulfillment(7, line) == BIG
    assert api.sent == ("POST", f"{ROOT}/orders/7/fulfillments", {"fulfillment": line})


@pytest.mark.covers("yotpo.endpoint.update_order", "yotpo.endpoint.update_fulfillment")
@pytest.mark.parametrize("status", [200, 204])
def test_an_update_needs_no_response_body(status: int) -> None:
    api = FakeYotpoApi(httpx.Response(status))
    yotpo = yotpo_client(api)

    yotpo.update_order(BIG, {"order_name": "x"})
    assert api.sent == ("PATCH", f"{ROOT}/orders/{BIG}", {"order": {"order_name": "x"}})
    yotpo.update_product(7, {"name": "x"})
    assert api.sent == ("PATCH", f"{ROOT}/products/7", {"product": {"name": "x"}})
    yotpo.update_fulfillment(7, 8, {"status": "success"})
    assert api.sent == ("PATCH", f"{ROOT}/orders/7/fulfillments/8", {"fulfillment": {"status": "success"}})


@pytest.mark.parametrize("body", [{}, {"order": {}}, {"order": {"yotpo_id": "x"}}, {"product": {"yotpo_id": 1}}])
def test_a_create_without_an_id_in_the_response_is_an_error(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        yotpo_client(FakeYotpoApi(httpx.Response(201, json=body))).create_order({})


@pytest.mark.parametrize("strange", [{"message": "OK"}, {"data": []}, [], None, "ok"])
def test_an_update_is_sent_again_after_an_answer_in_yotpos_place(strange: Any) -> None:
    """Recorded updates are answered with an empty body: https://github.com/ldgnoack/yotpo-ruby, ``spec/cassettes``."""
    answers = [httpx.Response(200, text=json.dumps(strange)), httpx.Response(200)]
    sent: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "t"})
        sent.append(request.method)
        return answers.pop(0)

    yotpo_client(respond).update_order(7, {"order_name": "x"})

    assert sent == ["PATCH", "PATCH"]


def test_a_record_is_read_by_yotpos_id_and_is_none_when_unknown() -> None:
    api = FakeYotpoApi(httpx.Response(200, json={"product": {"yotpo_id": 5, "name": None}}))
    assert yotpo_client(api).product(5) == {"yotpo_id": 5, "name": None}
    assert yotpo_client(FakeYotpoApi(error_response(404, "not found"))).order(5) is None
    with pytest.raises(UnexpectedResponseError, match="no 'order'"):
        yotpo_client(api).order(5)


@pytest.mark.covers("yotpo.endpoint.retrieve_fulfillments")
def test_all_fulfillments_of_an_order_are_read_with_their_ids() -> None:
    rows = [{"id": 1, "external_id": "a"}, {"id": 2, "external_id": "b"}, {"yotpo_id": 3, "external_id": "c"}]

    def respond(request: httpx.Request) -> httpx.Response:
        if "page_info" in request.url.params:
            return httpx.Response(200, json={"fulfillments": rows[2:], "pagination": {}})
        return httpx.Response(200, json={"fulfillments": rows[:2], "pagination": {"next_page_info": "abc"}})

    api = FakeYotpoApi(respond)

    found = yotpo_client(api).fulfillments(BIG)

    assert [row["yotpo_id"] for row in found] == [1, 2, 3]
    assert api.sent[1] == f"{ROOT}/orders/{BIG}/fulfillments"


def test_a_ping_reads_one_product() -> None:
    api = FakeYotpoApi(httpx.Response(200, json={"products": [], "pagination": {"next_page_info": None}}))

    assert yotpo_client(api).ping() == "Yotpo answers for the store STORE…."
    assert api.requests[0].url.params["limit"] == "1"


@pytest.mark.parametrize(
    "failure", [httpx.Response(201, content=b'{"fulfillment": {"yot'), httpx.ReadError("lost"), httpx.Response(502)]
)
@pytest.mark.parametrize("is_created", [True, False])
def test_a_fulfillment_whose_response_is_lost_is_looked_up_before_it_is_sent_again(
    failure: httpx.Response | Exception, is_created: bool
) -> None:
    """Yotpo documents no conflict for a second fulfillment with the same external id, so a repetition could double it.

    https://core-api.yotpo.com/reference/order-fulfillments
    """
    creates = []

    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            known = [{"id": 8, "external_id": "f-0"}, {"id": 9, "external_id": "f-1"}][: 1 + is_created]
            return httpx.Response(200, json={"fulfillments": known, "pagination": {}})
        creates.append(request)
        if len(creates) > 1:
            return httpx.Response(201, json={"fulfillment": {"yotpo_id": 10}})
        if isinstance(failure, Exception):
            raise failure
        return failure

    assert yotpo_client(FakeYotpoApi(respond)).create_fulfillment(7, {"external_id": "f-1"}) == (
        9 if is_created else 10
    )
    assert len(creates) == (1 if is_created else 2)


def test_a_fulfillment_whose_responses_are_all_lost_fails_the_try() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"fulfillments": [], "pagination": {}})
        return httpx.Response(500)

    with pytest.raises(UnknownOutcomeError, match=r"fulfillments\.create: the response is lost"):
        yotpo_client(FakeYotpoApi(respond)).create_fulfillment(7, {"external_id": "f-1"})
