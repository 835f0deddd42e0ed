"""Numbered lists of Voucherify: complete beyond the last page, while they change, and by each time filter."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest
from fakes.voucherify import FakeList, at, voucherify_client

from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.voucherify.client import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError

MAY = {"since": "2026-05-01", "until": "2026-05-02"}


def redemptions(times: list[int]) -> list[dict[str, Any]]:
    return [{"id": f"r_{number}", "date": at(time)} for number, time in enumerate(times)]


def vouchers(times: list[int]) -> list[dict[str, Any]]:
    return [{"id": f"v_{number}", "created_at": at(time)} for number, time in enumerate(times)]


def ids(extraction: Extraction, **options: Any) -> list[str]:
    return [record["id"] for record in extraction.records(**options)]


def ids_with_a_restart_after_each_page(extraction: Extraction) -> list[str]:
    """Return the ids of an extraction that is interrupted after every page."""
    result: list[str] = []
    position = None
    while True:
        page = next(extraction.pages(position=position))
        result += [record["id"] for record in page.records]
        position = page.position
        if position is None:
            return result


@pytest.mark.covers("voucherify.page.over_limit")
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("window", [{}, MAY, {"since": "2026-05-01"}, {"until": "2026-05-02"}])
@pytest.mark.parametrize("seed", range(2))
def test_a_list_beyond_the_last_page_is_split_without_loss_or_repetition(
    inclusive: bool, window: dict[str, str], seed: int
) -> None:
    rng = random.Random(seed)
    shared_times = [rng.choice([5_000, 5_001, 70_000_000]) for _ in range(60)]
    records = redemptions([*shared_times, *(rng.randrange(86_400_000) for _ in range(150))])
    api = FakeList(records, key="redemptions", time={"created_at": "date"}, inclusive=inclusive)

    extraction = voucherify_client(api).extract("redemptions", page_size=1, **window)

    assert sorted(ids(extraction)) == sorted(record["id"] for record in records)
    assert sorted(ids(extraction, workers=4)) == sorted(record["id"] for record in records)
    assert max(int(query["page"]) for query in api.queries) <= 99


def test_a_split_list_resumes_from_any_page() -> None:
    records = vouchers([number * 1000 for number in range(450)])
    api = FakeList(records, key="vouchers")

    assert ids_with_a_restart_after_each_page(voucherify_client(api).extract("vouchers", page_size=2)) == [
        record["id"] for record in records
    ]


def test_too_many_records_with_one_timestamp_are_an_error_that_names_the_export() -> None:
    api = FakeList(vouchers([1000] * 100), key="vouchers")

    with pytest.raises(PagingError, match=r"100 records here between 2026-05-01T00:00:01Z .*serves 99.*page_size=100"):
        ids(voucherify_client(api).extract("vouchers", page_size=1))
    with pytest.raises(PagingError, match=r'9901 records here between .* serves 9900 .*mode="export"'):
        ids(voucherify_client(FakeList(vouchers([1000] * 9901), key="vouchers")).extract("vouchers"))


def test_as_many_records_as_the_pages_hold_may_share_a_timestamp() -> None:
    records = vouchers([*([1000] * 98), *range(2000, 2200)])
    api = FakeList(records, key="vouchers")

    assert sorted(ids(voucherify_client(api).extract("vouchers", page_size=1))) == sorted(
        record["id"] for record in records
    )


def test_without_a_total_the_last_page_shows_whether_the_list_fits() -> None:
    short = FakeList(vouchers(list(range(98))), key="vouchers", total=False)
    long = FakeList(vouchers(list(range(0, 300_000, 1000))), key="vouchers", total=False)

    assert len(ids(voucherify_client(short).extract("vouchers", page_size=1))) == 98
    assert short.queries[1]["page"] == "99"
    assert len(ids(voucherify_client(long).extract("vouchers", page_size=1))) == 300


def test_a_short_list_without_a_total_needs_a_single_request() -> None:
    api = FakeList(vouchers([1, 2, 3]), key="vouchers", total=False)

    assert len(ids(voucherify_client(api).extract("vouchers", page_size=10))) == 3
    assert len(api.queries) == 1


@pytest.mark.parametrize("total", [True, False])
def test_a_list_that_time_cannot_split_is_an_error_at_its_first_page(total: bool) -> None:
    records = [{"id": f"ord_{number}", "created_at": at(number)} for number in range(10_001)]
    api = FakeList(records, key="orders", max_page=100, total=total)

    count = "10001 records" if total else "at least 10000 records"
    with pytest.raises(PagingError, match=rf"'orders' has {count} here, and Voucherify serves 10000.*mode=\"export\""):
        ids(voucherify_client(api).extract("orders"))
    assert len(api.queries) <= 2


def test_the_remedy_names_the_parameters_of_a_list_without_an_export() -> None:
    records = [{"id": str(number), "created_at": at(number)} for number in range(10_001)]

    with pytest.raises(PagingError, match=r"\(related_object_id, rule\)"):
        ids(voucherify_client(FakeList(records, max_page=100)).extract("validation_rules_assignments"))
    with pytest.raises(PagingError, match="this list takes none"):
        ids(voucherify_client(FakeList(records, key="exports", max_page=100)).extract("exports"))


def test_a_list_that_grows_beyond_the_last_page_returns_its_initial_records() -> None:
    records = [{"id": f"ord_{number}", "created_at": at(number)} for number in range(100)]
    api = FakeList(records, key="orders", max_page=100)
    initial_ids = [record["id"] for record in records]

    def grow(number: int) -> None:
        if number > 1:
            records.append({"id": f"new_{number}", "created_at": at(1_000_000 + number)})

    api.before_answer = grow

    result = ids(voucherify_client(api).extract("orders", page_size=1))

    assert [id_ for id_ in result if id_.startswith("ord_")] == initial_ids


def test_a_list_that_grows_at_its_start_beyond_the_last_page_is_an_error() -> None:
    records = [{"id": f"ord_{number}", "created_at": at(number)} for number in range(198)]
    api = FakeList(records, key="orders", max_page=100)

    def grow(number: int) -> None:
        if number % 10 == 0:
            records.append({"id": f"new_{number}", "created_at": at(1_000_000 + number)})

    api.before_answer = grow

    with pytest.raises(PagingError, match="208 records here, and Voucherify serves 200 of a list"):
        ids(voucherify_client(api).extract("orders", page_size=2, sort="-created_at"))


@pytest.mark.parametrize("size", [1, 3, 10])
def test_records_that_leave_the_window_during_the_read_hide_no_others(size: int) -> None:
    records = [{"id": f"v_{number}", "updated_at": at(number * 1000)} for number in range(80)]
    api = FakeList(records, key="vouchers")
    initial_ids = {record["id"] for record in records}
    changed: set[str] = set()

    def change(number: int) -> None:
        if number % 2 == 0 and number < 40:
            records[number]["updated_at"] = at(number, day="2026-05-27")
            changed.add(records[number]["id"])

    api.before_answer = change
    result = ids(voucherify_client(api).extract("vouchers", time_field="updated_at", page_size=size, **MAY))

    assert set(result) | changed == initial_ids
    assert len(result) == len(set(result))


def test_an_open_window_by_time_of_change_ends_when_the_read_starts() -> None:
    records = [{"id": f"v_{number}", "updated_at": at(number * 1000)} for number in range(30)]
    api = FakeList(records, key="vouchers")

    def change(number: int) -> None:
        if number < 10:
            records[number]["updated_at"] = "2026-06-30T00:00:00.000Z"

    api.before_answer = change
    result = ids(voucherify_client(api).extract("vouchers", time_field="updated_at", since="2026-05-01", page_size=2))

    assert {f"v_{number}" for number in range(10, 30)} <= set(result)
    assert all(query["updated_at[before]"] == "2026-05-28T20:26:40.001Z" for query in api.queries)


def test_a_list_that_loses_more_records_than_the_extraction_remembers_is_an_error() -> None:
    records = vouchers(list(range(2000)))
    api = FakeList(records, key="vouchers")
    api.before_answer = lambda number: records.__delitem__(slice(0, 900)) if number == 9 else None

    with pytest.raises(PagingError, match="lost 900 of 2000 records"):
        ids(voucherify_client(api).extract("vouchers"))


def test_a_list_is_filtered_by_the_named_time() -> None:
    records = [
        {"id": "old", "created_at": at(1, "2025-01-01"), "updated_at": at(1)},
        {"id": "new", "created_at": at(1), "updated_at": at(1, "2026-05-09")},
    ]
    for name in ("vouchers", "customers", "promotion_stacks", "campaigns"):
        results = RESOURCES[name].records_path
        voucherify = voucherify_client(FakeList(records, key=results, time={"created_date": "created_at"}))
        assert ids(voucherify.extract(name, **MAY)) == ["new"]
        assert ids(voucherify.extract(name, time_field="updated_at", **MAY)) == ["old"]


def test_time_bounds_in_filters_are_joined_by_and() -> None:
    api = FakeList([], key="campaigns", time={"created_date": "created_at"})

    ids(
        voucherify_client(api).extract(
            "campaigns", filters={"voucher_type": {"conditions": {"$is": "GIFT_VOUCHER"}}}, **MAY
        )
    )

    assert api.queries == [
        {
            "filters[voucher_type][conditions][$is]": "GIFT_VOUCHER",
            "filters[junction]": "and",
            "filters[created_date][conditions][$after]": "2026-04-30T23:59:59.999Z",
            "filters[created_date][conditions][$before]": "2026-05-02T00:00:00.001Z",
            "order": "created_at",
            "page": "1",
            "limit": "100",
        }
    ]


def test_time_filters_do_not_split_a_list_with_filters_joined_by_or() -> None:
    either = {
        "junction": "or",
        "voucher_type": {"conditions": {"$is": "GIFT_VOUCHER"}},
        "campaign_status": {"conditions": {"$is": "DONE"}},
    }
    records = [{"id": str(number), "created_at": at(number)} for number in range(101)]
    voucherify = voucherify_client(
        FakeList(records, key="campaigns", max_page=100, time={"created_date": "created_at"})
    )

    with pytest.raises(PagingError, match="101 records here, and"):
        ids(voucherify.extract("campaigns", filters=either, page_size=1))
    with pytest.raises(ConfigurationError, match="by time together with filters joined by 'or'"):
        voucherify.extract("campaigns", filters=either, **MAY)


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_collection_beyond_the_last_page_is_scrolled_by_timestamp(inclusive: bool) -> None:
    records = [{"id": f"prod_{number}", "created_at": at(number // 3 * 10)} for number in range(1100)]
    api = FakeList(records, max_page=100, inclusive=inclusive)

    result = ids(
        voucherify_client(api).extract("product_collection_products", parents={"product_collection_id": "pc_1"})
    )
    scrolled = voucherify_client(api).extract(
        "product_collection_products", parents={"product_collection_id": "pc_1"}, page_size=10
    )

    assert result == [record["id"] for record in records]
    assert ids(scrolled) == result
    assert api.queries[-1].keys() == {"starting_after", "order", "limit"}


def test_a_collection_with_one_timestamp_on_a_whole_page_is_an_error() -> None:
    records = [{"id": f"prod_{number}", "created_at": at(1000)} for number in range(101)]
    extraction = voucherify_client(FakeList(records, max_page=100)).extract(
        "product_collection_products", parents={"product_collection_id": "pc_1"}, page_size=1
    )

    with pytest.raises(PagingError, match=r"does not get past 'created_at'|only records that were read"):
        ids(extraction)


def test_pages_are_predicted_up_to_the_total() -> None:
    [segment] = voucherify_client(FakeList([])).extract("redemptions", **MAY).segments

    assert segment.predict_next({}) is None  # the first page shows whether the list fits
    assert segment.predict_next({"page": 2, "total": 250}) == {"page": 3, "total": 250}
    assert segment.predict_next({"page": 3, "total": 250}) is None
    assert segment.predict_next({"page": 99}) is None


def test_every_page_of_a_split_list_has_the_total_of_the_whole_list() -> None:
    records = vouchers([number * 1000 for number in range(300)])

    pages = list(voucherify_client(FakeList(records, key="vouchers")).extract("vouchers", page_size=1).pages())

    assert {page.total for page in pages} == {300}


@pytest.mark.parametrize("name", ["vouchers", "customers"])
def test_a_first_page_behind_its_total_is_requested_again_before_it_is_an_error(name: str) -> None:
    """Voucherify counts and reads at different times, so one record that comes between the two is no fault."""
    records = vouchers([number * 1000 for number in range(8)])
    api = FakeList(records, key=name, has_more=True)

    def serve(request: httpx.Request) -> httpx.Response:
        response = api(request)
        if len(api.queries) > 1:
            return response
        return httpx.Response(200, json={**response.json(), name: [], "has_more": False})

    assert sorted(ids(voucherify_client(serve).extract(name))) == sorted(record["id"] for record in records)


@pytest.mark.parametrize("name", ["vouchers", "customers"])
def test_a_first_page_that_stays_empty_despite_its_total_is_an_error(name: str) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={name: [], "total": 8, "has_more": False})

    with pytest.raises(UnexpectedResponseError, match=r"0 of 8 records|a total of 8, but its first page is empty"):
        ids(voucherify_client(serve).extract(name))
