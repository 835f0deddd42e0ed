"""Voucherify's client: paths, pages, windows, parameters and errors. Records are the documented examples."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.voucherify import NOW, voucherify_client

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    RejectedError,
    UnexpectedResponseError,
)
from airflow_provider_partners.windows import Window

SINCE, UNTIL = datetime(2022, 11, 18, tzinfo=UTC), datetime(2022, 11, 19, tzinfo=UTC)
# From the example answers of https://github.com/voucherifyio/voucherify-openapi, shortened.
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


class NumberedList:
    """A list in numbered pages; stores the requests."""

    def __init__(self, name: str = "redemptions", records: list[dict[str, Any]] | None = None, **body: Any) -> None:
        self.name = name
        self.records = [EXAMPLES[name]] if records is None else records
        self.body = body
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        number, limit = int(request.url.params["page"]), int(request.url.params["limit"])
        page = self.records[(number - 1) * limit : number * limit]
        body = {"object": "list", "data_ref": self.name, self.name: page, "total": len(self.records), **self.body}
        return httpx.Response(200, json={name: value for name, value in body.items() if value is not None})

    @property
    def queries(self) -> list[list[tuple[str, str]]]:
        return [parse_qsl(request.url.query.decode(), keep_blank_values=True) for request in self.requests]


def redemptions(count: int, date: str = "2022-11-18T12:00:00.000Z") -> list[dict[str, Any]]:
    return [{"id": f"r_{number}", "date": date} for number in range(count)]


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_main_lists_are_requested_at_their_path_with_an_explicit_order(name: str) -> None:
    api = NumberedList(name)

    assert list(voucherify_client(api).extract(name).records()) == [EXAMPLES[name]]
    assert api.requests[0].url.path == f"/v1/{name}"
    assert api.queries[0] == [("order", "created_at"), ("page", "1"), ("limit", "100")]


@pytest.mark.covers("voucherify.page")
def test_all_pages_are_read() -> None:
    api = NumberedList(records=redemptions(25))

    result = list(voucherify_client(api).extract("redemptions", page_size=10).records())

    assert [record["id"] for record in result] == [f"r_{number}" for number in range(25)]
    assert len(api.requests) == 3


def test_a_list_with_exactly_the_last_page_is_complete() -> None:
    api = NumberedList(records=redemptions(99))

    assert len(list(voucherify_client(api).extract("redemptions", page_size=1).records())) == 99


@pytest.mark.covers("voucherify.response.data_ref")
def test_records_are_found_at_data_ref_or_else_under_data_or_in_the_only_list() -> None:
    record = {"id": "x"}
    for body in (
        {"data_ref": "other", "other": [record], "campaigns": []},
        {"data_ref": "data", "campaigns": [record]},
        {"data_ref": "missing", "data": [record]},
        {"data_ref": "missing", "something": [record]},
    ):
        result = (
            voucherify_client(lambda request, body=body: httpx.Response(200, json=body)).extract("campaigns").records()
        )
        assert list(result) == [record]


@pytest.mark.parametrize("body", [{}, {"a": [{}], "b": [{}]}, {"data": ["x"]}, {"data": {}}])
def test_an_answer_without_a_list_of_records_is_an_error(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="no list of records"):
        list(voucherify_client(lambda request: httpx.Response(200, json=body)).extract("campaigns").records())


def test_a_window_is_requested_a_millisecond_wider_and_applied_exactly() -> None:
    records = [
        {"id": "before", "date": "2022-11-17T23:59:59.999Z"},
        {"id": "first", "date": "2022-11-18T00:00:00.000Z"},
        {"id": "last", "date": "2022-11-18T23:59:59.999Z"},
        {"id": "after", "date": "2022-11-19T00:00:00.000Z"},
    ]
    api = NumberedList(records=records)

    extraction = voucherify_client(api).extract("redemptions", since=SINCE, until=UNTIL)

    assert [record["id"] for record in extraction.records()] == ["first", "last"]
    assert ("created_at[after]", "2022-11-17T23:59:59.999Z") in api.queries[0]
    assert ("created_at[before]", "2022-11-19T00:00:00.001Z") in api.queries[0]
    assert extraction.window is not None


def test_since_and_until_may_be_iso_text_or_datetimes() -> None:
    voucherify = voucherify_client(NumberedList())

    text = voucherify.extract("redemptions", since="2022-11-18", until="2022-11-19T00:00:00Z")

    assert text.fingerprint == voucherify.extract("redemptions", since=SINCE, until=UNTIL).fingerprint
    assert text.window == Window(SINCE, UNTIL)


def test_customers_and_vouchers_are_filtered_by_creation_by_default() -> None:
    records = [{"id": "1", "created_at": "2022-11-17T00:00:00Z"}, {"id": "2", "created_at": "2022-11-18T00:00:00Z"}]

    for name in ("customers", "vouchers"):
        result = voucherify_client(NumberedList(name, records)).extract(name, since=SINCE).records()
        assert [record["id"] for record in result] == ["2"]


def test_pages_are_predicted_for_closed_windows_only() -> None:
    voucherify = voucherify_client(NumberedList())

    def predicted(**window: Any) -> Any:
        [segment] = voucherify.extract("redemptions", **window).segments
        return segment.predict_next({"page": 2, "total": 900})

    assert predicted(since=SINCE, until=UNTIL) == {"page": 3, "total": 900}
    assert predicted(since=SINCE, until=datetime.fromtimestamp(NOW + 60, UTC)) is None
    assert predicted(since=SINCE) is None
    assert predicted() is None


def test_nested_parameters_get_brackets_and_top_level_lists_are_repeated() -> None:
    api = NumberedList()
    filters = {"junction": "and", "customer_id": {"conditions": {"$in": ["a", "b"]}}}

    list(
        voucherify_client(api)
        .extract("redemptions", parameters={"result": ["SUCCESS", "FAILURE"], "filters": filters})
        .records()
    )

    assert api.queries[0][:5] == [
        ("result", "SUCCESS"),
        ("result", "FAILURE"),
        ("filters[junction]", "and"),
        ("filters[customer_id][conditions][$in][0]", "a"),
        ("filters[customer_id][conditions][$in][1]", "b"),
    ]
    list(
        voucherify_client(api)
        .extract("campaigns", parameters={"is_referral_code": False}, sort="-updated_at")
        .records()
    )
    assert api.queries[-1][:2] == [("is_referral_code", "false"), ("order", "-updated_at")]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("loyalties", {}, "no resource 'loyalties'.*async_actions, campaign_"),
        ("orders", {"since": SINCE, "time_field": "updated_at"}, "can't be filtered by.*Use one of: created_at"),
        ("publications", {"parameters": {"created_at": "2026-05-01"}}, "'created_at' is no range of time.*'after'"),
        ("publications", {"parameters": {"created_at": {"since": "2026-05-01"}}}, "'created_at' is no range of time"),
        (
            "redemptions",
            {"parameters": {"created_at": {"after": "yesterday"}}},
            "'created_at.after' is not a timestamp",
        ),
        (
            "redemptions",
            {"parameters": {"created_at": {"after": "2026-05-02", "before": "2026-05-01"}}},
            "window is empty: 'after' is not before 'before'",
        ),
        (
            "redemptions",
            {"parameters": {"created_at": {"before": "2026-05-01"}}, "until": UNTIL},
            r"already filtered by time, and its filters or parameters have 'created_at\[before\]' too",
        ),
        ("orders", {"parameters": {"filters": {}}}, "takes no parameter 'filters'.*Known: created_at"),
        ("redemptions", {"parameters": {"page": 2}}, "takes no parameter 'page'.*campaign, campaign_name, created_at"),
        (
            "redemptions",
            {"parameters": {"filters": {"id": {"conditions": {"$in": [str(n) for n in range(21)]}}}}},
            "has 21 values, at most 20",
        ),
        ("redemptions", {"page_size": 101}, "page_size=101.*1 to 100"),
        ("redemptions", {"match": {"code": ["1"]}}, "can't be matched on code.*one of: id"),
        ("publications", {"match": {"id": ["1"]}}, "can't be matched on id.*one of: nothing"),
        ("redemptions", {"match": {}}, "'match' is empty.*one of: id"),
        ("redemptions", {"match": {"id": ["1"]}, "since": SINCE}, "by id can't be combined with 'since'"),
        ("redemptions", {"sort": "name"}, "can't be sorted by sort='name'.*created_at, -created_at, id"),
        ("rewards", {"sort": "created_at"}, "can't be sorted.*Leave 'sort' out"),
        ("async_actions", {"sort": "created_at"}, "can't be sorted.*Leave 'sort' out"),
        ("locations", {"sort": "created_at"}, "can't be sorted.*Use one of: -created_at"),
        ("redemptions", {"time_field": "updated_at"}, "time_field='updated_at'.*Use one of: created_at"),
        ("redemptions", {"since": UNTIL, "until": SINCE}, "window is empty"),
        ("redemptions", {"filters": {"amount": {"conditions": {"$is": 1}}}}, "can't be filtered by.*voucher_code"),
        ("redemptions", {"parents": {"code": "x"}}, "is below no parents; given: code.*Leave 'parents' out"),
        ("voucher_transactions", {}, "is below code; given: none.*match={'code': ids}, or one id"),
        ("voucher_transactions", {"parents": {"code": ["a"]}}, "not a single id.*several go into 'match'"),
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
            {"filters": {"created_at": {"conditions": {"$before": "2026-05-01"}}}, "until": UNTIL},
            "already filtered by time.*Give one of the two",
        ),
    ],
)
def test_an_argument_that_a_list_does_not_accept_is_an_error_before_any_request(
    name: str, options: dict[str, Any], message: str
) -> None:
    api = NumberedList()

    with pytest.raises(ConfigurationError, match=message):
        voucherify_client(api).extract(name, **options)
    assert api.requests == []


@pytest.mark.parametrize(
    ("status", "body", "error", "message"),
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
def test_error_responses_become_errors_with_a_remedy(
    status: int, body: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        voucherify_client(lambda request: httpx.Response(status, json=body)).ping()


def test_a_ping_reports_the_number_of_redemptions() -> None:
    assert (
        voucherify_client(NumberedList()).ping() == "Voucherify answers for the application app-id-1…: 1 redemptions."
    )


@pytest.mark.parametrize(
    ("resource", "arguments", "answer"),
    [
        ("redemptions", {}, {"object": "list", "data_ref": "redemptions", "redemptions": [REDEMPTION], "total": 1}),
        ("orders", {"match": {"id": [ORDER["id"]]}}, ORDER),
        ("vouchers", {"match": {"id": [VOUCHER["code"]]}}, VOUCHER),
    ],
)
def test_a_gateways_json_is_neither_a_list_nor_a_record(
    resource: str, arguments: dict[str, Any], answer: dict[str, Any]
) -> None:
    answers = [{"message": "OK"}, answer]
    client = voucherify_client(lambda _: httpx.Response(200, json=answers.pop(0)))
    assert list(client.extract(resource, **arguments).records()) == [EXAMPLES[resource]]


def test_a_gateways_json_is_no_qualification() -> None:
    redeemables = {"object": "list", "data_ref": "data", "data": [{"id": "promo_1", "object": "promotion_tier"}]}
    answers = [{"message": "OK"}, {"redeemables": {**redeemables, "total": 1, "has_more": False}}]
    client = voucherify_client(lambda _: httpx.Response(200, json=answers.pop(0)))
    assert [record["id"] for record in client.qualifications().records()] == ["promo_1"]
