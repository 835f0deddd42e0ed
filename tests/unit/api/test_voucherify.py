"""Voucherify's client: its keys and tokens, its numbered lists with their cap, its limits. Rows as in its examples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from clocks import TurningClock

from airflow_provider_partners.api.voucherify import RESOURCES, VoucherifyClient
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PagingError,
    RejectedError,
    ThrottledError,
    UnexpectedResponseError,
)

NOW = 1_780_000_000.0
SINCE, UNTIL = datetime(2022, 11, 18, tzinfo=UTC), datetime(2022, 11, 19, tzinfo=UTC)
# From the published example of the list, shortened.
REDEMPTION = {
    "id": "r_0c0469eaf705889d99",
    "object": "redemption",
    "date": "2022-11-18T12:30:32.622Z",
    "customer_id": "cust_qBwHpagDOFu71Z3F22UzR80X",
    "result": "SUCCESS",
    "order": {"id": "ord_ndw5rQJt12zvZ4upF72a3ljh", "source_id": None, "status": "PAID", "amount": 9680000},
}
VOUCHER = {"id": "v_hrMBBeT4sOP9VSGPmj5KAgJwX202UjiY", "code": "LOYALTY-CARD-xLPbpbXR", "type": "LOYALTY_CARD"}
CUSTOMER = {"id": "cust_CSnYd37MXmrbS19XCrghjBsv", "source_id": "source_123"}
CAMPAIGN = {"id": "camp_SibPsDRKQvg3SUtptgPZCNZb", "name": "Voucher Metadata", "campaign_type": "DISCOUNT_COUPONS"}
PUBLICATION = {"id": "pub_QzQT50e5i2y3bRoEVvhFgrKbZ7t6BRwu", "created_at": "2022-09-28T13:31:23.522Z"}
ORDER = {"id": "ord_v5vupdacgud1CwUSyKqSlHuk", "source_id": None, "created_at": "2022-09-09T07:44:41.594Z"}
EXAMPLES = {
    "redemptions": REDEMPTION,
    "vouchers": VOUCHER,
    "customers": CUSTOMER,
    "campaigns": CAMPAIGN,
    "publications": PUBLICATION,
    "orders": ORDER,
}


class Api:
    """A list of rows in pages; remembers the requests."""

    def __init__(self, name: str = "redemptions", rows: list[dict[str, Any]] | None = None, **body: Any) -> None:
        self.name = name
        self.rows = [EXAMPLES[name]] if rows is None else rows
        self.body = body
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        number, limit = int(request.url.params["page"]), int(request.url.params["limit"])
        page = self.rows[(number - 1) * limit : number * limit]
        body = {"object": "list", "data_ref": self.name, self.name: page, "total": len(self.rows), **self.body}
        return httpx.Response(200, json={name: value for name, value in body.items() if value is not None})

    @property
    def queries(self) -> list[list[tuple[str, str]]]:
        return [parse_qsl(request.url.query.decode(), keep_blank_values=True) for request in self.requests]


def client(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> VoucherifyClient:
    given = {"application_id": "app-id-1234", "secret_key": "the-secret-key", "clock": TurningClock(NOW)}
    return VoucherifyClient(
        handler=httpx.MockTransport(handler), **{**given, "requests_per_minute": 60_000.0, **options}
    )


def redemptions(count: int, date: str = "2022-11-18T12:00:00.000Z") -> list[dict[str, Any]]:
    return [{"id": f"r_{number}", "date": date} for number in range(count)]


@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_list_is_read_at_its_path_with_an_explicit_order(name: str) -> None:
    api = Api(name)

    assert list(client(api).extract(name).records()) == [EXAMPLES[name]]
    assert api.requests[0].url.path == f"/v1/{name}"
    assert api.queries[0] == [("order", "created_at"), ("page", "1"), ("limit", "100")]


def test_the_key_pair_and_the_versions_header_go_with_every_request() -> None:
    api, told = Api(), []

    list(client(api, on_secret=told.append).extract("redemptions").records())

    headers = api.requests[0].headers
    assert (headers["x-app-id"], headers["x-app-token"]) == ("app-id-1234", "the-secret-key")
    assert headers["x-voucherify-api-version"] == "v2018-08-01"
    assert "the-secret-key" in told


def test_the_key_pair_is_exchanged_for_a_token_by_a_form_and_again_before_it_expires() -> None:
    api, exchanges, clock = Api(), [], TurningClock(NOW)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/oauth/token":
            return api(request)
        exchanges.append(request)
        body = {"access_token": f"token-{len(exchanges)}", "expires_at": int(clock.now) + 900, "expires_in": 900}
        return httpx.Response(200, json={**body, "token_type": "Bearer"})

    voucherify = client(answer, auth="oauth", oauth_scope="redemptions orders", clock=clock)
    for _ in range(3):
        list(voucherify.extract("redemptions").records())
        clock.now += 500

    assert [request.headers["authorization"] for request in api.requests] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert "x-app-token" not in api.requests[0].headers
    assert dict(parse_qsl(exchanges[0].content.decode())) == {
        "grant_type": "client_credentials",
        "scope": "redemptions orders",
    }
    assert exchanges[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert exchanges[0].headers["x-app-token"] == "the-secret-key"


def test_an_exchange_without_a_token_is_told() -> None:
    with pytest.raises(UnexpectedResponseError, match="an answer without one"):
        client(lambda request: httpx.Response(200, json={}), auth="oauth").ping()


def test_pages_are_read_to_the_end() -> None:
    api = Api(rows=redemptions(25))

    found = list(client(api).extract("redemptions", page_size=10).records())

    assert [row["id"] for row in found] == [f"r_{number}" for number in range(25)]
    assert len(api.requests) == 3


def test_without_a_total_a_page_that_is_not_full_is_the_last() -> None:
    api = Api(rows=redemptions(20), total=None)

    assert len(list(client(api).extract("redemptions", page_size=10).records())) == 20
    assert len(api.requests) == 3


@pytest.mark.parametrize(("name", "cap"), [("redemptions", 99), ("vouchers", 99), ("customers", 99), ("orders", 100)])
def test_a_list_that_is_longer_than_what_is_served_is_an_error_at_its_first_page(name: str, cap: int) -> None:
    api = Api(name, total=100 * cap + 1)

    with pytest.raises(PagingError, match=f"{100 * cap + 1} rows here, and Voucherify serves {100 * cap}.*Ask"):
        list(client(api).extract(name).records())
    assert len(api.requests) == 1


def test_without_a_total_the_cap_is_noticed_when_it_is_reached() -> None:
    api = Api(rows=redemptions(120), total=None)

    with pytest.raises(PagingError, match=r"longer than the 99 pages of 1 .*shorter window"):
        list(client(api).extract("redemptions", page_size=1).records())
    assert len(api.requests) == 99


def test_a_list_that_just_fits_is_read_whole() -> None:
    api = Api(rows=redemptions(99))

    assert len(list(client(api).extract("redemptions", page_size=1).records())) == 99


def test_rows_are_found_where_the_answer_says_or_else_where_they_are() -> None:
    row = {"id": "x"}
    for body in (
        {"data_ref": "other", "other": [row], "campaigns": []},
        {"data_ref": "data", "campaigns": [row]},
        {"data_ref": "gone", "data": [row]},
        {"data_ref": "gone", "something": [row]},
    ):
        found = client(lambda request, body=body: httpx.Response(200, json=body)).extract("campaigns").records()
        assert list(found) == [row]


@pytest.mark.parametrize("body", [[], {}, {"a": [{}], "b": [{}]}, {"data": ["x"]}, {"data": {}}])
def test_an_answer_without_rows_is_told(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="no list of records"):
        list(client(lambda request: httpx.Response(200, json=body)).extract("campaigns").records())


def test_a_window_is_asked_a_little_wider_and_met_exactly() -> None:
    rows = [
        {"id": "before", "date": "2022-11-17T23:59:59.999Z"},
        {"id": "first", "date": "2022-11-18T00:00:00.000Z"},
        {"id": "last", "date": "2022-11-18T23:59:59.999Z"},
        {"id": "after", "date": "2022-11-19T00:00:00.000Z"},
    ]
    api = Api(rows=rows)

    extraction = client(api).extract("redemptions", since=SINCE, until=UNTIL)

    assert [row["id"] for row in extraction.records()] == ["first", "last"]
    assert ("created_at[after]", "2022-11-17T23:59:59.999Z") in api.queries[0]
    assert ("created_at[before]", "2022-11-19T00:00:00.001Z") in api.queries[0]
    assert extraction.window is not None


def test_customers_and_vouchers_go_by_their_time_of_creation() -> None:
    rows = [{"id": "1", "created_at": "2022-11-17T00:00:00Z"}, {"id": "2", "created_at": "2022-11-18T00:00:00Z"}]

    for name in ("customers", "vouchers"):
        found = client(Api(name, rows)).extract(name, since=SINCE).records()
        assert [row["id"] for row in found] == ["2"]


def test_only_closed_windows_are_read_ahead() -> None:
    voucherify = client(Api())

    def ahead(**window: Any) -> Any:
        [segment] = voucherify.extract("redemptions", **window).segments
        return segment.ahead({})

    assert ahead(since=SINCE, until=UNTIL) == {"page": 2}
    assert ahead(since=SINCE, until=datetime.fromtimestamp(NOW + 60, UTC)) is None
    assert ahead(since=SINCE) is None
    assert ahead() is None


def test_parameters_are_written_with_brackets_and_lists_at_the_top_repeated() -> None:
    api = Api()
    filters = {"junction": "and", "customer_id": {"conditions": {"$in": ["a", "b"]}}}

    list(
        client(api).extract("redemptions", parameters={"result": ["SUCCESS", "FAILURE"], "filters": filters}).records()
    )

    assert api.queries[0][:5] == [
        ("result", "SUCCESS"),
        ("result", "FAILURE"),
        ("filters[junction]", "and"),
        ("filters[customer_id][conditions][$in][0]", "a"),
        ("filters[customer_id][conditions][$in][1]", "b"),
    ]
    list(client(api).extract("campaigns", parameters={"is_referral_code": False}, order="-updated_at").records())
    assert api.queries[-1][:2] == [("is_referral_code", "false"), ("order", "-updated_at")]


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("loyalties", {}, "no resource 'loyalties'.*campaigns, customers"),
        ("orders", {"since": SINCE}, "'orders' can't be asked for by time"),
        ("publications", {"until": UNTIL}, "'publications' can't be asked for by time"),
        ("orders", {"parameters": {"filters": {}}}, "takes no parameter 'filters'.*Known: none"),
        ("redemptions", {"parameters": {"page": 2}}, "takes no parameter 'page'.*campaign, customer, filters, result"),
        (
            "redemptions",
            {"parameters": {"filters": {"id": {"conditions": {"$in": [str(n) for n in range(21)]}}}}},
            "has 21 values, at most 20",
        ),
        ("redemptions", {"page_size": 101}, "page_size=101.*1 to 100"),
        ("redemptions", {"match": {"id": ["1"]}}, "can't be matched on ids"),
    ],
)
def test_what_a_list_does_not_take_is_refused_before_it_is_sent(name: str, options: dict[str, Any], named: str) -> None:
    api = Api()

    with pytest.raises(ConfigurationError, match=named):
        client(api).extract(name, **options)
    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "body", "error", "named"),
    [
        (401, {"code": 401, "message": "Unauthorized", "key": "unauthorized"}, AuthenticationError, "cluster"),
        (402, {"code": 402, "key": "missing_required_feature", "message": "x"}, AuthenticationError, "plan"),
        (403, {"code": 403, "message": "Missing permission"}, AuthenticationError, "Missing permission.*role"),
        (
            400,
            {"code": 400, "message": "Invalid query params", "details": "Property .page", "request_id": "v-0c8b64"},
            RejectedError,
            r"Invalid query params: Property .page \[v-0c8b64\]",
        ),
    ],
)
def test_refusals_are_told_with_what_to_do(status: int, body: Any, error: type[Exception], named: str) -> None:
    with pytest.raises(error, match=named):
        client(lambda request: httpx.Response(status, json=body)).ping()


def test_a_short_block_is_sat_out_until_the_moment_that_the_header_names() -> None:
    clock = TurningClock(NOW)
    answers = [
        httpx.Response(429, json={"code": 429, "message": "Too many"}, headers={"X-Rate-Limit-Retry": str(NOW + 7)}),
        httpx.Response(200, json={"data_ref": "redemptions", "redemptions": [], "total": 0}),
    ]

    client(lambda request: answers.pop(0), clock=clock).ping()

    assert 7 <= clock.now - NOW < 8


def test_a_plan_that_is_used_up_is_not_sat_out() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json={"message": "Too many"}, headers={"X-Rate-Limit-Type": "api_calls_cycle"})

    with pytest.raises(ThrottledError) as caught:
        client(answer).ping()
    assert caught.value.retry_after == 3600


def test_when_nothing_is_left_the_next_request_waits_for_the_moment_that_the_header_names() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now - NOW)
        headers = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Retry": str(int(NOW) + 30)}
        return httpx.Response(200, json={"redemptions": [], "total": 0}, headers=headers)

    voucherify = client(answer, clock=clock)
    voucherify.ping()
    voucherify.ping()

    assert sent_at[1] == pytest.approx(30, abs=0.1)


def test_no_minute_has_more_requests_than_the_plan_allows() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now)
        return httpx.Response(200, json={"redemptions": [], "total": 0})

    voucherify = client(answer, clock=clock, requests_per_minute=20)
    for _ in range(60):
        voucherify.ping()

    assert max(sum(at <= other < at + 60 for other in sent_at) for at in sent_at) <= 20
    assert clock.now - NOW < 240


@pytest.mark.parametrize(
    ("options", "named"),
    [({"auth": "basic"}, "auth='basic' is unknown"), ({"secret_key": ""}, "both needed")],
)
def test_a_wrong_connection_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        client(Api(), **options)


def test_a_ping_says_how_many_redemptions_there_are() -> None:
    assert client(Api()).ping() == "Voucherify answers for the application app-id-1…: 1 redemptions."
