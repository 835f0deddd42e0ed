"""Voucherify lists without page numbers, lists below parents, and single records."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fakes.voucherify import FakeList, at, refusal, voucherify_client

from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.voucherify.client import RESOURCES
from airflow_provider_partners.exceptions import NotFoundError, PagingError, RejectedError

MAY = {"since": "2026-05-01", "until": "2026-05-02"}


def created(times: list[int]) -> list[dict[str, Any]]:
    """Return records that were created at these milliseconds after midnight."""
    return [{"id": f"row_{number:04}", "created_at": at(time)} for number, time in enumerate(times)]


def ids(extraction: Extraction) -> list[str]:
    return [record["id"] for record in extraction.records()]


class CursorList:
    """A list of the second loyalty API; a new ``generation`` expires its cursors."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self.records = records
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
        following = f"lcrsprg_{generation:x}f0f{end:x}" if end < len(self.records) else None
        cursor = {"next": following, "expires_at": at(0)} if following else None
        return httpx.Response(200, json={"object": "list", "data": self.records[begin:end], "cursor": cursor})


CLIENT_OPTIONS = {"client": {"auth": "client", "origin": "https://a.example"}, "management": {"auth": "management"}}


@pytest.mark.covers("voucherify.lists.all")
@pytest.mark.parametrize("name", list(RESOURCES))
def test_every_list_is_read_completely_in_its_paging_style(name: str) -> None:
    resource = RESOURCES[name]
    records = [{**record, "date": record["created_at"]} for record in created(list(range(25)))]
    time = {"created_at": resource.record_time_field or "created_at"}
    api: Any = FakeList(records, key=resource.records_path, time=time, has_more=True)
    if resource.paging_style in {"limit_only", "single_shot"} and name != "segments":
        records[:] = records[:10]
    if resource.paging_style == "cursor":
        api = CursorList(records)
    parents = {parent: f"{parent}/1" for parent in resource.parents}
    options = {} if resource.paging_style == "single_shot" else {"page_size": 10}

    voucherify = voucherify_client(api, **CLIENT_OPTIONS.get(resource.family, {}))
    result = list(voucherify.extract(name, parents=parents or None, **options).records())

    assert sorted(record["id"] for record in result) == [record["id"] for record in records]
    assert all(parents.items() <= record.items() for record in result)
    for query in api.queries:
        assert query.get("limit") == (None if resource.paging_style == "single_shot" else "10")
        assert query.get("order") == (resource.sort or None)
    if isinstance(api, FakeList):
        path = resource.path.format_map({parent: value.replace("/", "%2F") for parent, value in parents.items()})
        assert set(api.paths) == {path}


@pytest.mark.covers("voucherify.more_starting_after.optional")
def test_without_has_more_a_page_that_is_not_full_ends_a_list_by_last_id() -> None:
    api = FakeList(created(list(range(25))), has_more=False)

    result = ids(voucherify_client(api).extract("customer_activities", parents={"customer_id": "cust_1"}, page_size=10))

    assert len(result) == 25
    assert api.queries[1]["starting_after_id"] == "row_0009"


def test_activities_are_filtered_by_their_dates() -> None:
    api = FakeList(created([0, 1000, 86_399_999]), has_more=True)

    extraction = voucherify_client(api).extract(
        "customer_activity", parents={"customer_id": "cust_1"}, since="2026-05-01T00:00:01Z", until="2026-05-02"
    )

    assert ids(extraction) == ["row_0001", "row_0002"]
    assert api.queries[0]["start_date"] == "2026-05-01T00:00:00.999Z"
    assert api.queries[0]["end_date"] == "2026-05-02T00:00:00.001Z"


@pytest.mark.parametrize(("name", "has_more"), [("async_actions", True), ("locations", False), ("segments", False)])
@pytest.mark.parametrize("inclusive", [True, False])
def test_a_list_read_backwards_in_time_is_complete(name: str, has_more: bool, inclusive: bool) -> None:
    records = created([number // 3 * 10 for number in range(500)])
    api = FakeList(records, key=RESOURCES[name].records_path, inclusive=inclusive, has_more=has_more, total=False)

    result = ids(voucherify_client(api).extract(name))

    assert sorted(result) == [record["id"] for record in records]


@pytest.mark.parametrize("name", ["async_actions", "locations", "segments"])
def test_a_list_read_backwards_in_time_ends_at_the_start_of_its_window(name: str) -> None:
    records = created([number * 1000 for number in range(1000)])
    api = FakeList(records, key=RESOURCES[name].records_path, total=False)

    result = ids(
        voucherify_client(api).extract(name, since="2026-05-01T00:02:00Z", until="2026-05-01T00:05:00Z", page_size=50)
    )

    assert sorted(result) == [f"row_{number:04}" for number in range(120, 300)]
    assert len(api.queries) <= 5


def test_a_page_with_a_single_timestamp_is_an_error_in_a_list_read_backwards_in_time() -> None:
    api = FakeList(created([1000] * 101), key="async_actions", total=False)

    with pytest.raises(PagingError, match="does not get past 'created_at'"):
        ids(voucherify_client(api).extract("async_actions"))


def test_a_single_answer_without_all_records_is_an_error() -> None:
    def answer(body: dict[str, Any]) -> Any:
        return lambda request: httpx.Response(200, json={"data_ref": "data", **body})

    records = created(list(range(100)))
    with pytest.raises(PagingError, match="100 records of 101, and the list has no second page"):
        ids(voucherify_client(answer({"data": records, "total": 101})).extract("categories"))
    with pytest.raises(PagingError, match="perhaps more"):
        ids(voucherify_client(answer({"data": records, "has_more": True})).extract("categories"))
    with pytest.raises(PagingError, match="100 records of perhaps more"):
        ids(
            voucherify_client(answer({"data": records})).extract(
                "loyalty_program_tier_summary", parents={"program_id": "p"}
            )
        )
    assert len(ids(voucherify_client(answer({"data": records})).extract("categories"))) == 100
    tiers = voucherify_client(answer({"data": records, "total": 100})).extract(
        "loyalty_campaign_tiers", parents={"campaign_id": "c"}
    )
    assert len(ids(tiers)) == 100


@pytest.mark.covers("voucherify.cursor.expired")
def test_after_an_expired_cursor_the_list_restarts_and_skips_read_records() -> None:
    api = CursorList(created(list(range(35))))
    extraction = voucherify_client(api).extract("loyalty_programs", page_size=10)
    pages = extraction.pages()
    first, second = next(pages), next(pages)

    api.generation += 1
    api.records[3:5] = []  # deleted records shift the pages
    api.records.append({"id": "new", "created_at": at(99_999)})
    remaining = [record for page in extraction.pages(position=second.position) for record in page.records]

    result = [record["id"] for record in [*first.records, *second.records, *remaining]]
    assert result == [*(f"row_{number:04}" for number in range(35)), "new"]


def test_an_expired_cursor_is_an_error_when_its_last_record_was_deleted() -> None:
    api = CursorList(created(list(range(35))))
    extraction = voucherify_client(api).extract("loyalty_programs", page_size=10)
    position = next(extraction.pages()).position

    api.generation += 1
    del api.records[9]

    with pytest.raises(PagingError, match=r"its last record no longer exists.*retry reads the list from its start"):
        list(extraction.pages(position=position))


def test_an_expired_cursor_at_the_first_page_is_an_error() -> None:
    with pytest.raises(RejectedError, match="invalid or has expired"):
        ids(
            voucherify_client(
                lambda request: refusal("invalid_or_expired_cursor", "is invalid or has expired")
            ).extract("loyalty_programs")
        )


def test_a_list_is_read_below_each_of_many_parents() -> None:
    api = FakeList(created([1, 2]), has_more=True)

    extraction = voucherify_client(api).extract("voucher_transactions", match={"code": ["10% off/x", "B", "10% off/x"]})
    result = list(extraction.records())

    assert api.paths == ["/v1/vouchers/10%25%20off%2Fx/transactions", "/v1/vouchers/B/transactions"]
    assert [record["code"] for record in result] == ["10% off/x", "10% off/x", "B", "B"]
    assert [segment.name for segment in extraction.segments] == [
        "voucher_transactions of code 1 of 2",
        "voucher_transactions of code 2 of 2",
    ]
    assert "10% off" not in str(extraction.request)


def test_a_record_keeps_its_own_field_with_a_parents_name() -> None:
    api = FakeList([{"id": "1", "campaign_id": None}, {"id": "2", "campaign_id": "other"}], has_more=True)

    result = list(voucherify_client(api).extract("campaign_transactions", parents={"campaign_id": "camp_1"}).records())

    assert [record["campaign_id"] for record in result] == [None, "other"]


def test_one_parent_may_be_fixed_while_the_other_has_many_ids() -> None:
    api = FakeList(created([1]), has_more=True)
    extraction = voucherify_client(api).extract(
        "referral_campaign_member_holders", parents={"campaign_id": "camp_1"}, match={"member_id": ["a", "b"]}
    )

    assert [(record["campaign_id"], record["member_id"]) for record in extraction.records()] == [
        ("camp_1", "a"),
        ("camp_1", "b"),
    ]
    assert api.paths == ["/v1/referrals/camp_1/members/a/holders", "/v1/referrals/camp_1/members/b/holders"]


def missing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, json={"code": 404, "key": "not_found", "message": "Resource not found"})


def test_a_missing_parent_among_many_is_skipped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    api = FakeList(created([1]), has_more=True)

    def answer(request: httpx.Request) -> httpx.Response:
        return missing(request) if "/deleted/" in request.url.path else api(request)

    result = ids(
        voucherify_client(answer).extract("campaign_transactions", match={"campaign_id": ["a", "deleted", "b"]})
    )

    assert result == ["row_0000", "row_0000"]
    assert "skipped one parent" in caplog.text
    with pytest.raises(NotFoundError):
        ids(voucherify_client(answer).extract("campaign_transactions", parents={"campaign_id": "deleted"}))


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
def test_single_records_are_read_by_id_and_unknown_ids_are_skipped(name: str, path: str) -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return missing(request) if request.url.path.endswith("unknown") else httpx.Response(200, json={"id": paths[-1]})

    order_ids = ["unknown", "gid://shopify/Order/1", *(str(number) for number in range(45))]
    extraction = voucherify_client(answer).extract(name, match={"id": order_ids})

    assert len(ids(extraction)) == 46
    assert paths[1] == path.format("gid%3A%2F%2Fshopify%2FOrder%2F1")
    assert len(extraction.segments) == 3


def test_a_single_record_gets_its_parents_id() -> None:
    voucherify = voucherify_client(lambda request: httpx.Response(200, json={"id": "asg_1"}))

    result = voucherify.extract("reward_assignments", parents={"reward_id": "rew_1"}, match={"id": ["asg_1"]}).records()

    assert list(result) == [{"reward_id": "rew_1", "id": "asg_1"}]


def test_more_values_than_one_query_carries_are_split_over_several() -> None:
    api = FakeList([], key="redemptions")
    filters = {"customer_id": {"conditions": {"$in": [f"cust_{number}" for number in range(45)]}}}

    extraction = voucherify_client(api).extract("redemptions", filters=filters, **MAY)
    list(extraction.records())

    assert [sum(name.startswith("filters[customer_id]") for name in query) for query in api.queries] == [20, 20, 5]
    assert [segment.name for segment in extraction.segments] == [
        f"redemptions, filter {number} of 3" for number in (1, 2, 3)
    ]
    assert "cust_1" not in str(extraction.request)


def test_different_arguments_have_different_fingerprints() -> None:
    voucherify = voucherify_client(FakeList([]))
    arguments: list[dict[str, Any]] = [
        {},
        {"since": "2026-05-01"},
        {"until": "2026-05-01"},
        {"since": "2026-05-01", "time_field": "updated_at"},
        {"filters": {"code": {"conditions": {"$is": "a"}}}},
        {"filters": {"code": {"conditions": {"$is": "b"}}}},
        {"parameters": {"campaign": "a"}},
        {"sort": "-created_at"},
        {"match": {"id": ["a"]}},
        {"match": {"id": ["b"]}},
        {"page_size": 10},
    ]

    assert len({voucherify.extract("vouchers", **each).fingerprint for each in arguments}) == len(arguments)
    assert voucherify.extract("vouchers", **MAY).fingerprint == voucherify.extract("vouchers", **MAY).fingerprint
