"""The requests and responses of Voucherify's page "Fetching Data", besides the tables of its filters.

https://docs.voucherify.io/api-reference/listing (source: https://github.com/voucherifyio/voucherify-openapi,
documentation/api-reference/listing.mdx). ``test_voucherify_listing_page`` has the tables of shortcuts and filters.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.voucherify import voucherify_client

from airflow_provider_partners.api.voucherify.resources import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError

covers = pytest.mark.covers

Query = list[tuple[str, str]]


class Answers:
    """Answers with the given bodies in turn, and then with the last one again; remembers what was sent."""

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self.bodies = list(bodies)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json=self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0])

    @property
    def queries(self) -> list[Query]:
        return [parse_qsl(request.url.query.decode(), keep_blank_values=True) for request in self.requests]


NONE: dict[str, Any] = {"object": "list", "data_ref": "data", "data": [], "total": 0}


def read(name: str, *bodies: dict[str, Any], **options: Any) -> tuple[list[dict[str, Any]], Answers]:
    api, resource = Answers(*(bodies or (NONE,))), RESOURCES[name]
    parents = dict.fromkeys(resource.parents, "x1")
    auth = {"client": "client", "management": "management"}.get(resource.family, "keys")
    with voucherify_client(api, auth=auth) as client:
        return list(client.extract(name, parents=parents or None, **options).records()), api


# --- lists and limit ---


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=covers(f"voucherify.lists.{name}"))
        for name in ("redemptions", "publications", "customers", "products")
    ],
)
@covers("voucherify.limit", "voucherify.limit.default", "voucherify.page", "voucherify.page.lowest")
def test_a_list_is_requested_by_its_path_with_a_limit_and_the_first_page(name: str) -> None:
    _, api = read(name)

    (request,) = api.requests
    assert (request.method, request.url.path, request.content) == ("GET", f"/v1/{name}", b"")
    assert [pair for pair in api.queries[0] if pair[0] != "order"] == [("page", "1"), ("limit", "100")]


@covers("voucherify.limit.range", "voucherify.response.limit")
@pytest.mark.parametrize("limit", [0, 1, 100, 101])
def test_a_limit_is_between_1_and_100(limit: int) -> None:
    if 1 <= limit <= 100:
        _, api = read("redemptions", page_size=limit)
        assert ("limit", str(limit)) in api.queries[0]
    else:
        with pytest.raises(ConfigurationError, match=f"page_size={limit}"):
            read("redemptions", page_size=limit)


# --- pages by number ---


@pytest.mark.parametrize(
    ("name", "highest"),
    [
        pytest.param(name, highest, marks=covers(f"voucherify.page.highest.{name}"))
        for name, highest in {
            "vouchers": 99, "customers": 99, "redemptions": 99, "campaigns": 100, "publications": 100,
        }.items()
    ],
)  # fmt: skip
def test_a_list_is_read_to_its_highest_page_and_no_further(name: str, highest: int) -> None:
    """As many records as the pages hold: the client needs no other way to read them, and sends no page beyond."""
    key = RESOURCES[name].records_path
    bodies = [
        {"object": "list", "data_ref": key, key: [{"id": f"{name}_{page}"}], "total": highest}
        for page in range(1, highest + 1)
    ]

    records, api = read(name, *bodies, page_size=1)

    assert [record["id"] for record in records] == [f"{name}_{page}" for page in range(1, highest + 1)]
    assert [dict(query)["page"] for query in api.queries] == [str(page) for page in range(1, highest + 1)]


@covers("voucherify.page.range")
def test_all_other_lists_end_at_page_100() -> None:
    """The ranges of the endpoints' own pages, as the OpenAPI changelog corrected them (2024-11-15)."""
    highest = {name: each.max_page_number for name, each in RESOURCES.items() if each.paging_style == "page"}

    assert {name for name, page in highest.items() if page == 99} == {"vouchers", "customers", "redemptions"}
    assert set(highest.values()) == {99, 100}


# --- pages by the last id ---

BY_LAST_ID = {
    "customer_activity": "/v1/customers/x1/activity",
    "loyalty_member_activity": "/v1/loyalties/members/x1/activity",
    "loyalty_campaign_member_activity": "/v1/loyalties/x1/members/x1/activity",
    "campaign_transactions": "/v1/campaigns/x1/transactions",
    "voucher_transactions": "/v1/vouchers/x1/transactions",
    "loyalty_campaign_transactions": "/v1/loyalties/x1/transactions",
    "loyalty_member_transactions": "/v1/loyalties/members/x1/transactions",
    "loyalty_campaign_member_transactions": "/v1/loyalties/x1/members/x1/transactions",
    "customer_redeemables": "/v1/customers/x1/redeemables",
    "referral_member_holders": "/v1/referrals/members/x1/holders",
    "referral_campaign_member_holders": "/v1/referrals/x1/members/x1/holders",
    "trash_bin": "/v1/trash-bin",
    "campaign_templates": "/v1/templates/campaigns",
    "management_campaign_templates": "/management/v1/projects/x1/templates/campaigns",
}
"""The fourteen lists of the page, with the paths of the endpoints that it links."""


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param(name, path, marks=covers(f"voucherify.starting_after_id.{name}"))
        for name, path in BY_LAST_ID.items()
    ],
)
@covers("voucherify.more_starting_after", "voucherify.response.more_starting_after", "voucherify.response.has_more")
def test_the_id_of_a_response_begins_the_next_page(name: str, path: str) -> None:
    first = {"object": "list", "data_ref": "data", "data": [{"id": "a"}], "has_more": True, "more_starting_after": "b"}
    last = {"object": "list", "data_ref": "data", "data": [{"id": "c"}], "has_more": False}

    records, api = read(name, first, last, page_size=1)

    assert [record["id"] for record in records] == ["a", "c"]
    assert {request.url.path for request in api.requests} == {path}
    assert [dict(query).get("starting_after_id") for query in api.queries] == [None, "b"]
    assert not any("page" in dict(query) for query in api.queries)


@covers("voucherify.more_starting_after.optional")
def test_without_the_id_the_last_record_begins_the_next_page() -> None:
    first = {"object": "list", "data_ref": "data", "data": [{"id": "a"}], "has_more": True}

    _, api = read("trash_bin", first, {"object": "list", "data_ref": "data", "data": []}, page_size=1)

    assert [dict(query).get("starting_after_id") for query in api.queries] == [None, "a"]


# --- pages by cursor ---

PRINTED_CURSOR = {"next": "lcrsctx_12989e71c62b6d5baf", "expires_at": "2026-06-18T16:32:07.896Z"}
TRANSACTIONS = "loyalty_program_card_transactions"
MEMBERS = "loyalty_program_members"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param({"cursor": None}, marks=covers("voucherify.cursor.end.null")),
        pytest.param({"cursor": {"expires_at": None}}, marks=covers("voucherify.cursor.end.missing")),
    ],
)
@pytest.mark.parametrize(("name", "prefix"), [(TRANSACTIONS, "lcrsctx_"), (MEMBERS, "lcrsmbr_")])
@covers("voucherify.cursor", "voucherify.cursor.first", "voucherify.cursor.next", "voucherify.cursor.exact")
def test_the_cursor_of_a_response_is_that_of_the_next_request(name: str, prefix: str, end: dict[str, Any]) -> None:
    value = f"{prefix}12989e71c62b6d5baf"
    first = {"data": [{"id": "a"}], "cursor": {**PRINTED_CURSOR, "next": value}, "object": "list"}
    last = {"data": [{"id": "b"}], "object": "list", **end}

    records, api = read(name, first, last)

    assert [record["id"] for record in records] == ["a", "b"]
    first_query, second_query = map(dict, api.queries)
    assert second_query == {**first_query, "cursor": value}
    assert not {"cursor", "page", "starting_after_id"} & set(first_query)


@covers("voucherify.cursor.example")
def test_the_printed_page_with_a_cursor_leads_to_the_next_one() -> None:
    printed = {"data": [], "cursor": PRINTED_CURSOR, "object": "list"}

    records, api = read(TRANSACTIONS, printed, {"data": [{"id": "a"}], "cursor": None, "object": "list"})

    assert [record["id"] for record in records] == ["a"]
    assert dict(api.queries[1])["cursor"] == "lcrsctx_12989e71c62b6d5baf"


# --- responses ---

PRINTED_VOUCHER = {
    "id": "v_yY3smFaWii1iy3EvtaiJJpZqQxoS9rJn",
    "code": "2018-Heq-mK-2w1",
    "campaign": "Benefit",
    "campaign_id": "camp_FzQCVyac6jAAEephT0i2L14F",
    "type": "DISCOUNT_VOUCHER",
    "discount": {"type": "AMOUNT", "amount_off": 1000},
    "start_date": "2018-09-03T22:00:00.000Z",
    "validity_timeframe": {"interval": "P1D", "duration": "PT1H"},
    "validity_day_of_week": [2, 3],
    "redemption": {
        "object": "list",
        "quantity": 5,
        "redeemed_quantity": 0,
        "url": "/v1/vouchers/2018-Heq-mK-2w1/redemptions?page=1&limit=10",
    },
    "active": False,
    "is_referral_code": False,
    "created_at": "2018-09-04T14:58:25.000Z",
    "updated_at": "2018-09-20T08:03:55Z",
    "object": "voucher",
}
PRINTED_HOLDERS = [
    {
        "id": f"rh_0f35d7ba9300a8e8e{number}",
        "created_at": "2024-08-14T10:29:19.542Z",
        "redeemable_id": "v_YdDGS5yBnLCp79vfPbHhkoRrqPwkgyiy",
        "redeemable_object": "voucher",
        "campaign_id": "camp_vVk4unz3k4gA023fk9XoSiTh",
        "customer_id": customer,
        "holder_role": "REFEREE",
        "object": "redeemable_holder",
        "metadata": {"influencer_code": number == 4},
    }
    for number, customer in ((4, "cust_K11DXLfeJIZz7LZpxgiLhZpX"), (3, "cust_6P4K6p7PxEuK37sDtiLOii0A"))
]


@covers("voucherify.response.example.old", "voucherify.response.older_name", "voucherify.response.object")
def test_the_printed_page_of_an_older_list_is_read() -> None:
    body = {"object": "list", "total": 1, "data_ref": "vouchers", "vouchers": [PRINTED_VOUCHER]}

    records, api = read("vouchers", body)

    assert records == [PRINTED_VOUCHER]
    assert len(api.requests) == 1


@covers("voucherify.response.example.new", "voucherify.response.data")
def test_the_printed_page_of_a_newer_list_is_read_and_its_id_begins_the_next_one() -> None:
    body = {
        "object": "list",
        "data_ref": "data",
        "data": PRINTED_HOLDERS,
        "total": 2,
        "has_more": True,
        "more_starting_after": "rh_0f35d7ba9300a8e8e3",
    }

    records, api = read("referral_member_holders", body, {**NONE, "has_more": False}, page_size=2)

    assert [without_parent(record) for record in records] == PRINTED_HOLDERS
    assert dict(api.queries[1])["starting_after_id"] == "rh_0f35d7ba9300a8e8e3"


def without_parent(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "member_id"}


@covers("voucherify.response.end", "voucherify.response.total.absent")
def test_a_list_without_a_total_ends_with_an_empty_page() -> None:
    """A page that is full may be the last one. Without a total the client may look at the highest page between."""
    full = [{"id": "a"}, {"id": "b"}]

    records, api = read(
        "campaigns",
        {"data_ref": "campaigns", "campaigns": full},
        {"data_ref": "campaigns", "campaigns": []},
        page_size=2,
    )

    assert [record["id"] for record in records] == ["a", "b"]
    first, *_, last = map(dict, api.queries)
    assert (first["page"], last["page"]) == ("1", "2")
    assert {dict(query)["limit"] for query in api.queries} == {"2"}


@covers("voucherify.response.total")
def test_the_total_of_a_list_is_that_of_its_pages() -> None:
    body = {"object": "list", "data_ref": "publications", "publications": [{"id": "pub_1"}], "total": 1}

    with voucherify_client(Answers(body)) as client:
        (page,) = client.extract("publications").pages()

    assert page.total == 1


# --- printed shortcuts ---


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        pytest.param("vouchers", "customer", "source_id", marks=covers("voucherify.shortcut.example.vouchers")),
        pytest.param(
            "redemptions", "customer", "customer_id", marks=covers("voucherify.shortcut.example.redemptions.id")
        ),
        pytest.param(
            "redemptions", "customer", "source_id", marks=covers("voucherify.shortcut.example.redemptions.source_id")
        ),
        pytest.param("customers", "email", "name@example.com", marks=covers("voucherify.shortcut.example.customers")),
        pytest.param("publications", "campaign_name", "TEST", marks=covers("voucherify.shortcut.example.publications")),
        pytest.param(
            "validation_rules_assignments",
            "related_object_id",
            "promo_id",
            marks=covers("voucherify.shortcut.example.validation_rules_assignments"),
        ),
    ],
)
def test_the_printed_request_of_a_shortcut_is_sent(name: str, parameter: str, value: str) -> None:
    _, api = read(name, parameters={parameter: value})

    (request,) = api.requests
    assert request.url.path == "/v1/" + name.replace("_", "-")
    assert [pair for pair in api.queries[0] if pair[0] not in {"page", "limit", "order"}] == [(parameter, value)]
