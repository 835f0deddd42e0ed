"""Lists of Voucherify that aren't numbered, that are below others, and single records."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from clocks import TurningClock
from fake_voucherify import FakeList, at, refusal

from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.voucherify.client import RESOURCES, VoucherifyClient
from airflow_provider_partners.exceptions import NotFoundError, PagingError, RejectedError

NOW = 1_780_000_000.0
MAY = {"since": "2026-05-01", "until": "2026-05-02"}


def client(handler: Any, **options: Any) -> VoucherifyClient:
    given = {"application_id": "app-id-1234", "secret_key": "the-secret-key", "requests_per_minute": 6_000_000.0}
    clock = TurningClock(NOW)
    return VoucherifyClient(handler=httpx.MockTransport(handler), **{**given, "clock": clock, **options})


def created(moments: list[int]) -> list[dict[str, Any]]:
    return [{"id": f"row_{number:04}", "created_at": at(moment)} for number, moment in enumerate(moments)]


def ids(extraction: Extraction) -> list[str]:
    return [row["id"] for row in extraction.records()]


class Cursors:
    """A list of the second loyalty API: walked by cursors that can be made to expire."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.generation = 0
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode()))
        self.queries.append(query)
        generation, begin = self.generation, 0
        if "cursor" in query:
            generation, begin = (int(part, 16) for part in query["cursor"].removeprefix("lcrsprg_").split("f0f"))
        if generation != self.generation:
            return refusal("invalid_or_expired_cursor", "The provided cursor is invalid or has expired")
        end = begin + int(query.get("limit", 10))
        following = f"lcrsprg_{generation:x}f0f{end:x}" if end < len(self.rows) else None
        cursor = {"next": following, "expires_at": at(0)} if following else None
        return httpx.Response(200, json={"object": "list", "data": self.rows[begin:end], "cursor": cursor})


ASKED_WITH = {"client": {"auth": "client", "origin": "https://a.example"}, "management": {"auth": "management"}}


@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_list_is_read_whole_in_the_way_that_it_is_walked(name: str) -> None:
    row = RESOURCES[name]
    rows = [{**each, "date": each["created_at"]} for each in created(list(range(25)))]
    api: Any = FakeList(
        rows, key=row.records_path, time={"created_at": row.record_time_field or "created_at"}, has_more=True
    )
    if row.paging_style in {"limit_only", "single_shot"} and name != "segments":
        rows[:] = rows[:10]
    if row.paging_style == "cursor":
        api = Cursors(rows)
    parents = {parent: f"{parent}/1" for parent in row.parents}
    options = {} if row.paging_style == "single_shot" else {"page_size": 10}

    found = list(
        client(api, **ASKED_WITH.get(row.family, {})).extract(name, parents=parents or None, **options).records()
    )

    assert sorted(each["id"] for each in found) == [each["id"] for each in rows]
    assert all(parents.items() <= each.items() for each in found)
    for query in api.queries:
        assert query.get("limit") == (None if row.paging_style == "single_shot" else "10")
        assert query.get("order") == (row.sort or None)
    if isinstance(api, FakeList):
        path = row.path.format_map({parent: value.replace("/", "%2F") for parent, value in parents.items()})
        assert set(api.paths) == {path}


def test_a_list_behind_ids_ends_without_a_word_on_more_at_a_page_that_is_not_full() -> None:
    api = FakeList(created(list(range(25))), has_more=False)

    found = ids(client(api).extract("customer_activities", parents={"customer_id": "cust_1"}, page_size=10))

    assert len(found) == 25
    assert api.queries[1]["starting_after_id"] == "row_0009"


def test_activities_are_asked_by_their_dates() -> None:
    api = FakeList(created([0, 1000, 86_399_999]), has_more=True)

    extraction = client(api).extract(
        "customer_activity", parents={"customer_id": "cust_1"}, since="2026-05-01T00:00:01Z", until="2026-05-02"
    )

    assert ids(extraction) == ["row_0001", "row_0002"]
    assert api.queries[0]["start_date"] == "2026-05-01T00:00:00.999Z"
    assert api.queries[0]["end_date"] == "2026-05-02T00:00:00.001Z"


@pytest.mark.parametrize(("name", "has_more"), [("async_actions", True), ("locations", False), ("segments", False)])
@pytest.mark.parametrize("inclusive", [True, False])
def test_a_list_that_is_walked_back_in_time_is_read_whole(name: str, has_more: bool, inclusive: bool) -> None:
    rows = created([number // 3 * 10 for number in range(500)])
    api = FakeList(rows, key=RESOURCES[name].records_path, inclusive=inclusive, has_more=has_more, total=False)

    found = ids(client(api).extract(name))

    assert sorted(found) == [row["id"] for row in rows]


@pytest.mark.parametrize("name", ["async_actions", "locations", "segments"])
def test_a_list_that_is_walked_back_in_time_ends_where_its_window_begins(name: str) -> None:
    rows = created([number * 1000 for number in range(1000)])
    api = FakeList(rows, key=RESOURCES[name].records_path, total=False)

    found = ids(client(api).extract(name, since="2026-05-01T00:02:00Z", until="2026-05-01T00:05:00Z", page_size=50))

    assert sorted(found) == [f"row_{number:04}" for number in range(120, 300)]
    assert len(api.queries) <= 5


def test_a_page_that_shares_one_moment_is_an_error_where_a_list_is_walked_back_in_time() -> None:
    api = FakeList(created([1000] * 101), key="async_actions", total=False)

    with pytest.raises(PagingError, match="does not get past 'created_at'"):
        ids(client(api).extract("async_actions"))


def test_a_list_in_one_answer_that_holds_more_is_an_error() -> None:
    def answer(body: dict[str, Any]) -> Any:
        return lambda request: httpx.Response(200, json={"data_ref": "data", **body})

    rows = created(list(range(100)))
    with pytest.raises(PagingError, match="gave 100 rows of 101, and no way to ask for the rest"):
        ids(client(answer({"data": rows, "total": 101})).extract("categories"))
    with pytest.raises(PagingError, match="perhaps more"):
        ids(client(answer({"data": rows, "has_more": True})).extract("categories"))
    with pytest.raises(PagingError, match="100 rows of perhaps more"):
        ids(client(answer({"data": rows})).extract("loyalty_program_tier_summary", parents={"program_id": "p"}))
    assert len(ids(client(answer({"data": rows})).extract("categories"))) == 100
    tiers = client(answer({"data": rows, "total": 100})).extract("loyalty_campaign_tiers", parents={"campaign_id": "c"})
    assert len(ids(tiers)) == 100


def test_a_walk_whose_cursor_has_expired_begins_anew_and_passes_over_what_it_has_read() -> None:
    api = Cursors(created(list(range(35))))
    extraction = client(api).extract("loyalty_programs", page_size=10)
    walk = extraction.pages()
    first, second = next(walk), next(walk)

    api.generation += 1
    api.rows[3:5] = []  # what is gone meanwhile changes the pages
    api.rows.append({"id": "new", "created_at": at(99_999)})
    rest = [row for step in extraction.pages(position=second.position) for row in step.records]

    found = [row["id"] for row in [*first.records, *second.records, *rest]]
    assert found == [*(f"row_{number:04}" for number in range(35)), "new"]


def test_a_walk_whose_cursor_expires_says_what_to_do_when_its_place_is_gone() -> None:
    api = Cursors(created(list(range(35))))
    extraction = client(api).extract("loyalty_programs", page_size=10)
    position = next(extraction.pages()).position

    api.generation += 1
    del api.rows[9]

    with pytest.raises(PagingError, match=r"stood behind is gone.*Remove the dataset's folder"):
        list(extraction.pages(position=position))


def test_a_cursor_that_is_refused_at_the_first_page_is_an_error() -> None:
    with pytest.raises(RejectedError, match="invalid or has expired"):
        ids(
            client(lambda request: refusal("invalid_or_expired_cursor", "is invalid or has expired")).extract(
                "loyalty_programs"
            )
        )


def test_a_list_below_many_parents_is_read_below_each_of_them() -> None:
    api = FakeList(created([1, 2]), has_more=True)

    extraction = client(api).extract("voucher_transactions", match={"code": ["10% off/x", "B", "10% off/x"]})
    found = list(extraction.records())

    assert api.paths == ["/v1/vouchers/10%25%20off%2Fx/transactions", "/v1/vouchers/B/transactions"]
    assert [row["code"] for row in found] == ["10% off/x", "10% off/x", "B", "B"]
    assert [segment.name for segment in extraction.segments] == [
        "voucher_transactions of code 1 of 2",
        "voucher_transactions of code 2 of 2",
    ]
    assert "10% off" not in str(extraction.request)


def test_a_row_keeps_its_own_field_of_a_parents_name() -> None:
    api = FakeList([{"id": "1", "campaign_id": None}, {"id": "2", "campaign_id": "other"}], has_more=True)

    found = list(client(api).extract("campaign_transactions", parents={"campaign_id": "camp_1"}).records())

    assert [row["campaign_id"] for row in found] == [None, "other"]


def test_one_parent_is_fixed_and_the_other_has_many_ids() -> None:
    api = FakeList(created([1]), has_more=True)
    extraction = client(api).extract(
        "referral_campaign_member_holders", parents={"campaign_id": "camp_1"}, match={"member_id": ["a", "b"]}
    )

    assert [(row["campaign_id"], row["member_id"]) for row in extraction.records()] == [
        ("camp_1", "a"),
        ("camp_1", "b"),
    ]
    assert api.paths == ["/v1/referrals/camp_1/members/a/holders", "/v1/referrals/camp_1/members/b/holders"]


def missing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, json={"code": 404, "key": "not_found", "message": "Resource not found"})


def test_a_parent_among_many_that_is_gone_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeList(created([1]), has_more=True)

    def answer(request: httpx.Request) -> httpx.Response:
        return missing(request) if "/gone/" in request.url.path else api(request)

    found = ids(client(answer).extract("campaign_transactions", match={"campaign_id": ["a", "gone", "b"]}))

    assert found == ["row_0000", "row_0000"]
    assert "left out one parent" in caplog.text
    with pytest.raises(NotFoundError):
        ids(client(answer).extract("campaign_transactions", parents={"campaign_id": "gone"}))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("orders", "/v1/orders/{}"),
        ("customers", "/v1/customers/{}"),
        ("vouchers", "/v1/vouchers/{}"),
        ("redemptions", "/v1/redemptions/{}"),
        ("campaigns", "/v1/campaigns/{}"),
        ("product_skus", "/v1/skus/{}"),
    ],
)
def test_single_records_are_asked_for_by_id_and_unknown_ones_left_out(name: str, path: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return missing(request) if request.url.path.endswith("gone") else httpx.Response(200, json={"id": asked[-1]})

    wanted = ["gone", "gid://shopify/Order/1", *(str(number) for number in range(45))]
    extraction = client(answer).extract(name, match={"id": wanted})

    assert len(ids(extraction)) == 46
    assert asked[1] == path.format("gid%3A%2F%2Fshopify%2FOrder%2F1")
    assert len(extraction.segments) == 3


def test_a_single_record_below_a_parent_is_told_its_parent() -> None:
    api = client(lambda request: httpx.Response(200, json={"id": "asg_1"}))

    found = api.extract("reward_assignments", parents={"reward_id": "rew_1"}, match={"id": ["asg_1"]}).records()

    assert list(found) == [{"reward_id": "rew_1", "id": "asg_1"}]


def test_more_values_than_a_query_carries_are_asked_for_in_several() -> None:
    api = FakeList([], key="redemptions")
    wanted = {"customer_id": {"conditions": {"$in": [f"cust_{number}" for number in range(45)]}}}

    extraction = client(api).extract("redemptions", filters=wanted, **MAY)
    list(extraction.records())

    assert [sum(name.startswith("filters[customer_id]") for name in query) for query in api.queries] == [20, 20, 5]
    assert [segment.name for segment in extraction.segments] == [
        f"redemptions, filter {number} of 3" for number in (1, 2, 3)
    ]
    assert "cust_1" not in str(extraction.request)


def test_different_questions_have_different_fingerprints() -> None:
    voucherify = client(FakeList([]))
    questions: list[dict[str, Any]] = [
        {},
        {"since": "2026-05-01"},
        {"until": "2026-05-01"},
        {"since": "2026-05-01", "time_field": "updated_at"},
        {"filters": {"code": {"conditions": {"$is": "a"}}}},
        {"filters": {"code": {"conditions": {"$is": "b"}}}},
        {"parameters": {"campaign": "a"}},
        {"order": "-created_at"},
        {"match": {"id": ["a"]}},
        {"match": {"id": ["b"]}},
        {"page_size": 10},
    ]

    assert len({voucherify.extract("vouchers", **question).fingerprint for question in questions}) == len(questions)
    assert voucherify.extract("vouchers", **MAY).fingerprint == voucherify.extract("vouchers", **MAY).fingerprint
