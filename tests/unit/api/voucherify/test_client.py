"""Voucherify's client: its keys and tokens, what its lists take, its limits. Rows as in its examples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from clocks import TurningClock

from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    RejectedError,
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


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_the_main_lists_are_read_at_their_path_with_an_explicit_order(name: str) -> None:
    api = Api(name)

    assert list(client(api).extract(name).records()) == [EXAMPLES[name]]
    assert api.requests[0].url.path == f"/v1/{name}"
    assert api.queries[0] == [("order", "created_at"), ("page", "1"), ("limit", "100")]


def test_pages_are_read_to_the_end() -> None:
    api = Api(rows=redemptions(25))

    found = list(client(api).extract("redemptions", page_size=10).records())

    assert [row["id"] for row in found] == [f"r_{number}" for number in range(25)]
    assert len(api.requests) == 3


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
        return segment.predict_next({"page": 2, "total": 900})

    assert ahead(since=SINCE, until=UNTIL) == {"page": 3, "total": 900}
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
    list(client(api).extract("campaigns", parameters={"is_referral_code": False}, sort="-updated_at").records())
    assert api.queries[-1][:2] == [("is_referral_code", "false"), ("order", "-updated_at")]


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("loyalties", {}, "no resource 'loyalties'.*async_actions, campaign_"),
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
        ("redemptions", {"match": {"code": ["1"]}}, "can't be matched on code.*one of: id"),
        ("publications", {"match": {"id": ["1"]}}, "can't be matched on id.*one of: nothing"),
        ("redemptions", {"match": {}}, "'match' is empty.*one of: id"),
        ("redemptions", {"match": {"id": ["1"]}, "since": SINCE}, "by id can't be asked together with 'since'"),
        ("redemptions", {"order": "name"}, "can't be sorted by order='name'.*created_at, -created_at, id"),
        ("rewards", {"order": "created_at"}, "can't be sorted.*Leave 'order' out"),
        ("async_actions", {"order": "created_at"}, "can't be sorted.*Leave 'order' out"),
        ("locations", {"order": "created_at"}, "can't be sorted.*Use one of: -created_at"),
        ("redemptions", {"time_field": "updated_at"}, "time_field='updated_at'.*Use one of: created_at"),
        ("redemptions", {"since": UNTIL, "until": SINCE}, "window is empty"),
        ("redemptions", {"filters": {"amount": {"conditions": {"$is": 1}}}}, "can't be filtered by.*voucher_code"),
        ("redemptions", {"parents": {"code": "x"}}, "is read below no parents; given: code.*Leave 'parents' out"),
        ("voucher_transactions", {}, "is read below code; given: none.*match={'code': ids}, or one id"),
        ("voucher_transactions", {"parents": {"code": ["a"]}}, "no single id.*several go into 'match'"),
        (
            "loyalty_campaign_members",
            {"match": {"member_id": ["a"]}},
            "can't be matched on member_id.*campaign_id, id",
        ),
        (
            "loyalty_campaign_member_activity",
            {"match": {"member_id": ["a"]}},
            "below campaign_id, member_id; given: member_id.*parents={'campaign_id': id} and match={'member_id': ids}",
        ),
        (
            "segments",
            {
                "until": UNTIL,
                "filters": {"junction": "or", "a": {"conditions": {"$is": 1}}, "b": {"conditions": {"$is": 1}}},
            },
            "by time together with filters joined by 'or'",
        ),
        (
            "segments",
            {"filters": {"created_at": {"conditions": {"$before": "2026-05-01"}}}},
            "asked by time already.*Use since and until",
        ),
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


def test_a_ping_says_how_many_redemptions_there_are() -> None:
    assert client(Api()).ping() == "Voucherify answers for the application app-id-1…: 1 redemptions."
