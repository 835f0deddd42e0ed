"""Numbered lists of Voucherify: read whole although only so many pages are served, while they change, by every time."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest
from clocks import TurningClock
from fake_voucherify import FakeList, at

from airflow_provider_partners.api.extraction import Extraction
from airflow_provider_partners.api.voucherify.client import RESOURCES, VoucherifyClient
from airflow_provider_partners.exceptions import ConfigurationError, PagingError

NOW = 1_780_000_000.0  # 2026-05-28
MAY = {"since": "2026-05-01", "until": "2026-05-02"}


def client(handler: Any, **options: Any) -> VoucherifyClient:
    given = {"application_id": "app-id-1234", "secret_key": "the-secret-key", "requests_per_minute": 6_000_000.0}
    clock = TurningClock(NOW)
    return VoucherifyClient(handler=httpx.MockTransport(handler), **{**given, "clock": clock, **options})


def redemptions(moments: list[int]) -> list[dict[str, Any]]:
    return [{"id": f"r_{number}", "date": at(moment)} for number, moment in enumerate(moments)]


def vouchers(moments: list[int]) -> list[dict[str, Any]]:
    return [{"id": f"v_{number}", "created_at": at(moment)} for number, moment in enumerate(moments)]


def ids(extraction: Extraction, **walk: Any) -> list[str]:
    return [row["id"] for row in extraction.records(**walk)]


def resumed(extraction: Extraction) -> list[str]:
    """The rows, when the walk is broken off and taken up behind every single page."""
    found: list[str] = []
    position = None
    while True:
        step = next(extraction.pages(position=position))
        found += [row["id"] for row in step.records]
        position = step.position
        if position is None:
            return found


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("window", [{}, MAY, {"since": "2026-05-01"}, {"until": "2026-05-02"}])
@pytest.mark.parametrize("seed", range(2))
def test_a_list_beyond_the_last_page_is_read_in_parts_and_nothing_is_lost_or_doubled(
    inclusive: bool, window: dict[str, str], seed: int
) -> None:
    dice = random.Random(seed)
    crowd = [dice.choice([5_000, 5_001, 70_000_000]) for _ in range(60)]
    rows = redemptions([*crowd, *(dice.randrange(86_400_000) for _ in range(150))])
    api = FakeList(rows, key="redemptions", time={"created_at": "date"}, inclusive=inclusive)

    extraction = client(api).extract("redemptions", page_size=1, **window)

    assert sorted(ids(extraction)) == sorted(row["id"] for row in rows)
    assert sorted(ids(extraction, workers=4)) == sorted(row["id"] for row in rows)
    assert max(int(query["page"]) for query in api.queries) <= 99


def test_a_walk_in_parts_goes_on_from_any_page() -> None:
    rows = vouchers([number * 1000 for number in range(450)])
    api = FakeList(rows, key="vouchers")

    assert resumed(client(api).extract("vouchers", page_size=2)) == [row["id"] for row in rows]


def test_a_part_in_which_too_many_share_a_moment_is_an_error_that_names_the_export() -> None:
    api = FakeList(vouchers([1000] * 100), key="vouchers")

    with pytest.raises(PagingError, match=r"100 rows here between 2026-05-01T00:00:01Z .*serves 99.*page_size=100"):
        ids(client(api).extract("vouchers", page_size=1))
    with pytest.raises(PagingError, match=r'9901 rows here between .* serves 9900 .*mode="export"'):
        ids(client(FakeList(vouchers([1000] * 9901), key="vouchers")).extract("vouchers"))


def test_as_many_as_are_served_may_share_a_moment() -> None:
    rows = vouchers([*([1000] * 98), *range(2000, 2200)])
    api = FakeList(rows, key="vouchers")

    assert sorted(ids(client(api).extract("vouchers", page_size=1))) == sorted(row["id"] for row in rows)


def test_without_a_total_the_last_page_is_looked_at_before_the_list_is_taken_for_short() -> None:
    short = FakeList(vouchers(list(range(98))), key="vouchers", total=False)
    long = FakeList(vouchers(list(range(0, 300_000, 1000))), key="vouchers", total=False)

    assert len(ids(client(short).extract("vouchers", page_size=1))) == 98
    assert short.queries[1]["page"] == "99"
    assert len(ids(client(long).extract("vouchers", page_size=1))) == 300


def test_a_short_list_without_a_total_costs_no_request_beyond_it() -> None:
    api = FakeList(vouchers([1, 2, 3]), key="vouchers", total=False)

    assert len(ids(client(api).extract("vouchers", page_size=10))) == 3
    assert len(api.queries) == 1


@pytest.mark.parametrize("total", [True, False])
def test_a_list_that_cannot_be_cut_by_time_is_an_error_at_its_first_page(total: bool) -> None:
    rows = [{"id": f"ord_{number}", "created_at": at(number)} for number in range(10_001)]
    api = FakeList(rows, key="orders", cap=100, total=total)

    told = "10001 rows" if total else "more than 10000 rows, or just as many,"
    with pytest.raises(PagingError, match=rf"'orders' has {told} here, and Voucherify serves 10000.*mode=\"export\""):
        ids(client(api).extract("orders"))
    assert len(api.queries) <= 2


def test_the_remedy_names_what_narrows_a_list_that_has_no_export() -> None:
    rows = [{"id": str(number), "created_at": at(number)} for number in range(10_001)]

    with pytest.raises(PagingError, match=r"\(related_object_id, rule\)"):
        ids(client(FakeList(rows, cap=100)).extract("validation_rules_assignments"))
    with pytest.raises(PagingError, match="this list takes none"):
        ids(client(FakeList(rows, key="exports", cap=100)).extract("exports"))


def test_a_list_that_grows_beyond_the_last_page_while_it_is_read_gives_what_was_there() -> None:
    rows = [{"id": f"ord_{number}", "created_at": at(number)} for number in range(100)]
    api = FakeList(rows, key="orders", cap=100)
    before = [row["id"] for row in rows]

    def grow(number: int) -> None:
        if number > 1:
            rows.append({"id": f"new_{number}", "created_at": at(1_000_000 + number)})

    api.meanwhile = grow

    found = ids(client(api).extract("orders", page_size=1))

    assert [id_ for id_ in found if id_.startswith("ord_")] == before


def test_a_list_that_grows_at_its_beginning_beyond_the_last_page_is_an_error() -> None:
    rows = [{"id": f"ord_{number}", "created_at": at(number)} for number in range(198)]
    api = FakeList(rows, key="orders", cap=100)

    def grow(number: int) -> None:
        if number % 10 == 0:
            rows.append({"id": f"new_{number}", "created_at": at(1_000_000 + number)})

    api.meanwhile = grow

    with pytest.raises(PagingError, match="208 rows here, and Voucherify serves 200 of a list"):
        ids(client(api).extract("orders", page_size=2, sort="-created_at"))


@pytest.mark.parametrize("size", [1, 3, 10])
def test_rows_that_leave_the_window_while_it_is_read_take_no_others_with_them(size: int) -> None:
    rows = [{"id": f"v_{number}", "updated_at": at(number * 1000)} for number in range(80)]
    api = FakeList(rows, key="vouchers")
    first = {row["id"] for row in rows}
    changed: set[str] = set()

    def change(number: int) -> None:
        if number % 2 == 0 and number < 40:
            rows[number]["updated_at"] = at(number, day="2026-05-27")
            changed.add(rows[number]["id"])

    api.meanwhile = change
    found = ids(client(api).extract("vouchers", time_field="updated_at", page_size=size, **MAY))

    assert set(found) | changed == first
    assert len(found) == len(set(found))


def test_an_open_window_by_time_of_change_ends_when_the_walk_begins() -> None:
    rows = [{"id": f"v_{number}", "updated_at": at(number * 1000)} for number in range(30)]
    api = FakeList(rows, key="vouchers")

    def change(number: int) -> None:
        if number < 10:
            rows[number]["updated_at"] = "2026-06-30T00:00:00.000Z"

    api.meanwhile = change
    found = ids(client(api).extract("vouchers", time_field="updated_at", since="2026-05-01", page_size=2))

    assert {f"v_{number}" for number in range(10, 30)} <= set(found)
    assert all(query["updated_at[before]"] == "2026-05-28T20:26:40.001Z" for query in api.queries)


def test_a_list_that_loses_more_at_once_than_the_walk_remembers_is_an_error() -> None:
    rows = vouchers(list(range(2000)))
    api = FakeList(rows, key="vouchers")
    api.meanwhile = lambda number: rows.__delitem__(slice(0, 900)) if number == 9 else None

    with pytest.raises(PagingError, match="lost 900 of 2000 rows"):
        ids(client(api).extract("vouchers"))


def test_a_list_is_asked_by_another_of_its_times() -> None:
    rows = [
        {"id": "old", "created_at": at(1, "2025-01-01"), "updated_at": at(1)},
        {"id": "new", "created_at": at(1), "updated_at": at(1, "2026-05-09")},
    ]
    for name in ("vouchers", "customers", "promotion_stacks", "campaigns"):
        results = RESOURCES[name].records_path
        filters = {"created_date": "created_at"}
        voucherify = client(FakeList(rows, key=results, time=filters))
        assert ids(voucherify.extract(name, **MAY)) == ["new"]
        assert ids(voucherify.extract(name, time_field="updated_at", **MAY)) == ["old"]


def test_a_list_that_is_filtered_by_time_says_that_both_bounds_must_hold() -> None:
    api = FakeList([], key="campaigns", time={"created_date": "created_at"})

    ids(client(api).extract("campaigns", filters={"voucher_type": {"conditions": {"$is": "GIFT_VOUCHER"}}}, **MAY))

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


def test_a_long_list_is_not_cut_by_filters_of_time_where_filters_are_joined_by_or() -> None:
    either = {
        "junction": "or",
        "voucher_type": {"conditions": {"$is": "GIFT_VOUCHER"}},
        "campaign_status": {"conditions": {"$is": "DONE"}},
    }
    rows = [{"id": str(number), "created_at": at(number)} for number in range(101)]
    voucherify = client(FakeList(rows, key="campaigns", cap=100, time={"created_date": "created_at"}))

    with pytest.raises(PagingError, match="101 rows here, and"):
        ids(voucherify.extract("campaigns", filters=either, page_size=1))
    with pytest.raises(ConfigurationError, match="by time together with filters joined by 'or'"):
        voucherify.extract("campaigns", filters=either, **MAY)


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_collection_beyond_the_last_page_is_scrolled_by_moments(inclusive: bool) -> None:
    rows = [{"id": f"prod_{number}", "created_at": at(number // 3 * 10)} for number in range(1100)]
    api = FakeList(rows, cap=100, inclusive=inclusive)

    found = ids(client(api).extract("product_collection_products", parents={"product_collection_id": "pc_1"}))
    scrolled = client(api).extract(
        "product_collection_products", parents={"product_collection_id": "pc_1"}, page_size=10
    )

    assert found == [row["id"] for row in rows]
    assert ids(scrolled) == found
    assert api.queries[-1].keys() == {"starting_after", "order", "limit"}


def test_a_collection_in_which_a_whole_page_shares_a_moment_is_an_error() -> None:
    rows = [{"id": f"prod_{number}", "created_at": at(1000)} for number in range(101)]
    extraction = client(FakeList(rows, cap=100)).extract(
        "product_collection_products", parents={"product_collection_id": "pc_1"}, page_size=1
    )

    with pytest.raises(PagingError, match=r"does not get past 'created_at'|only rows that were read"):
        ids(extraction)


def test_pages_are_read_ahead_as_far_as_the_total_reaches() -> None:
    [segment] = client(FakeList([])).extract("redemptions", **MAY).segments

    assert segment.predict_next({}) is None  # whether the list fits isn't known yet
    assert segment.predict_next({"page": 2, "total": 250}) == {"page": 3, "total": 250}
    assert segment.predict_next({"page": 3, "total": 250}) is None
    assert segment.predict_next({"page": 99}) is None


def test_the_progress_tells_the_rows_of_the_whole_list_in_every_part() -> None:
    rows = vouchers([number * 1000 for number in range(300)])

    steps = list(client(FakeList(rows, key="vouchers")).extract("vouchers", page_size=1).pages())

    assert {step.total for step in steps} == {300}
