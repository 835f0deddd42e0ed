"""Every paginator, with payloads of the partners and every way in which a list ends."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_partners.api.pagination.page import Paginator, find_total
from airflow_provider_partners.api.pagination.strategies import (
    ConnectionPaginator,
    LastIdPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
    TimestampPaginator,
    TokenPaginator,
)
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path


def make_records(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"r-{number}"} for number in range(first, first + count)]


# --- numbered pages ---

NUMBER = PageNumberPaginator(size=10)


def test_page_numbers_start_at_one() -> None:
    assert NUMBER.params(NUMBER.start()) == {"page[number]": 1, "page[size]": 10}
    next_cursor = NUMBER.next({}, body={}, records=make_records(10))
    assert next_cursor == {"page": 2}
    assert NUMBER.params({"page": 2}) == {"page[number]": 2, "page[size]": 10}


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_short_page_is_the_last(count: int) -> None:
    assert NUMBER.next({"page": 3}, body={"data": []}, records=make_records(count)) is None


def test_without_short_page_is_last_reading_ends_at_an_empty_page() -> None:
    paginator = PageNumberPaginator(size=100, short_page_is_last=False)
    assert paginator.next({}, body={}, records=make_records(50)) == {"page": 2}
    assert paginator.next({"page": 5}, body={}, records=[]) is None


@pytest.mark.parametrize(
    ("links", "next_cursor"),
    [({"next": "https://x/?page=2"}, {"page": 2}), ({"next": None}, None), ({"next": ""}, None)],
)
def test_a_next_link_decides(links: dict[str, Any], next_cursor: dict[str, Any] | None) -> None:
    paginator = PageNumberPaginator(size=10, next_link_path="links.next")
    assert paginator.next({}, body={"links": links}, records=make_records(10)) == next_cursor
    assert paginator.next({}, body={"links": links}, records=make_records(3)) == next_cursor


@pytest.mark.parametrize("body", [{}, {"links": {}}, {"links": None}, {"links": {"self": "x"}}, []])
def test_without_a_link_the_number_of_records_decides(body: object) -> None:
    paginator = PageNumberPaginator(size=10, next_link_path="links.next")
    assert paginator.next({}, body=body, records=make_records(10)) == {"page": 2}
    assert paginator.next({}, body=body, records=make_records(9)) is None


def test_a_total_saves_the_request_after_a_full_last_page() -> None:
    paginator = PageNumberPaginator(size=10, total_paths=("meta.page.totalRecords", "meta.total"))
    body = {"meta": {"total": 20}}
    assert paginator.next({}, body=body, records=make_records(10)) == {"page": 2}
    assert paginator.next({"page": 2}, body=body, records=make_records(10)) is None
    assert paginator.total(body) == 20


def test_a_total_shows_that_a_short_page_is_not_the_last() -> None:
    paginator = PageNumberPaginator(size=10, total_paths=("total",))
    assert paginator.next({"page": 2}, body={"total": 30}, records=make_records(9)) == {"page": 3}
    assert paginator.next({"page": 3}, body={"total": 29}, records=make_records(9)) is None


def test_smaller_server_pages_are_read_completely_without_short_page_is_last() -> None:
    paginator = PageNumberPaginator(size=100, total_paths=("total",), short_page_is_last=False)
    cursor: dict[str, Any] | None = paginator.start()
    read = 0
    while cursor is not None:
        number = paginator.params(cursor)["page[number]"]
        records = make_records(max(0, min(50, 400 - (number - 1) * 50)))
        read += len(records)
        cursor = paginator.next(cursor, body={"total": 400}, records=records)
    assert read == 400


def test_a_list_longer_than_the_page_limit_is_an_error() -> None:
    paginator = PageNumberPaginator(size=100, number_param="page", size_param="limit", max_page_number=99)
    assert paginator.next({"page": 98}, body={}, records=make_records(100)) == {"page": 99}
    assert paginator.next({"page": 99}, body={}, records=make_records(40)) is None
    with pytest.raises(PagingError, match=r"99 pages of 100.*shorter window"):
        paginator.next({"page": 99}, body={}, records=make_records(100))


def test_page_numbers_are_predicted_up_to_the_page_limit() -> None:
    paginator = PageNumberPaginator(size=10, max_page_number=2)
    assert paginator.predict_next({}) == {"page": 2}
    assert paginator.predict_next({"page": 2}) is None


def test_page_numbers_can_start_at_zero() -> None:
    paginator = PageNumberPaginator(size=2, first_page_number=0, total_paths=("total",))
    assert paginator.params({})["page[number]"] == 0
    assert paginator.next({}, body={"total": 3}, records=make_records(2)) == {"page": 1}
    assert paginator.next({"page": 1}, body={"total": 3}, records=make_records(1)) is None


# --- last ids ---

ID = LastIdPaginator(size=2)


def test_the_next_page_continues_after_the_named_id() -> None:
    assert ID.params(ID.start()) == {"limit": 2}
    body = {"has_more": True, "more_starting_after": "r-9"}
    assert ID.next({}, body=body, records=make_records(2)) == {"after": "r-9"}
    assert ID.params({"after": "r-9"}) == {"starting_after_id": "r-9", "limit": 2}


@pytest.mark.parametrize("body", [{"has_more": True}, {"has_more": True, "more_starting_after": None}, {}])
def test_without_a_named_id_the_last_records_id_is_used(body: dict[str, Any]) -> None:
    assert ID.next({}, body=body, records=make_records(2)) == {"after": "r-2"}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"has_more": False, "more_starting_after": "r-2"}, 2),
        ({"has_more": False}, 0),
        ({}, 1),
        ({}, 0),
        ({"has_more": None}, 1),
    ],
)
def test_an_id_list_ends_without_more_records(body: dict[str, Any], count: int) -> None:
    assert ID.next({}, body=body, records=make_records(count)) is None


def test_more_records_without_an_id_are_an_error() -> None:
    with pytest.raises(PagingError, match="more_starting_after"):
        ID.next({}, body={"has_more": True}, records=[])


# --- GraphQL connections ---

EDGES = ConnectionPaginator(size=2, connection_path="app.events")


def connection(more: bool | None, *cursors: str | None, **info: Any) -> dict[str, Any]:
    page_info = {**({} if more is None else {"hasNextPage": more}), **info}
    edges = [{"node": {"type": "X"}, **({"cursor": cursor} if cursor else {})} for cursor in cursors]
    return {"app": {"events": {"edges": edges, "pageInfo": page_info}}}


def test_without_an_end_cursor_the_last_edges_cursor_is_used() -> None:
    assert EDGES.params(EDGES.start()) == {"first": 2, "after": None}
    assert EDGES.next({}, body=connection(True, "c1", "c2"), records=make_records(2)) == {"after": "c2"}
    assert EDGES.params({"after": "c2"}) == {"first": 2, "after": "c2"}


def test_the_end_cursor_is_preferred() -> None:
    body = connection(True, None, None, endCursor="end")
    assert EDGES.next({}, body=body, records=make_records(2)) == {"after": "end"}


def test_a_connection_of_nodes_uses_the_end_cursor() -> None:
    body = {"orders": {"nodes": make_records(2), "pageInfo": {"hasNextPage": True, "endCursor": "end"}}}
    assert ConnectionPaginator(size=2, connection_path="orders").next({}, body=body, records=make_records(2)) == {
        "after": "end"
    }


@pytest.mark.parametrize(
    "body",
    [
        connection(False, "c1", "c2"),
        connection(False, "c1", "c2", endCursor="c2"),
        connection(False, startCursor=None, endCursor=None),
        connection(None),
        {"app": None},
        {"app": {"events": None}},
        {},
        None,
    ],
)
def test_a_connection_ends_without_a_next_page(body: Any) -> None:
    edges = (get_path(body, "app.events.edges") if body else None) or []
    assert EDGES.next({}, body=body, records=[edge["node"] for edge in edges]) is None


def test_a_document_without_page_info_is_an_error_with_a_remedy() -> None:
    with pytest.raises(PagingError, match="hasNextPage"):
        EDGES.next({}, body=connection(None, "c1"), records=make_records(1))


def test_a_document_without_cursors_is_an_error_with_a_remedy() -> None:
    with pytest.raises(PagingError, match="cursor"):
        EDGES.next({}, body=connection(True, None), records=make_records(1))


# --- the partner's token ---

INFO = TokenPaginator(size=100)


def test_the_responses_token_is_the_next_cursor() -> None:
    assert INFO.params(INFO.start()) == {"limit": 100}
    body = {"orders": make_records(1), "pagination": {"next_page_info": "eyJwYWdlIjoyfQ=="}}
    assert INFO.next({}, body=body, records=make_records(1)) == {"token": "eyJwYWdlIjoyfQ=="}
    assert INFO.params({"token": "eyJwYWdlIjoyfQ=="}) == {"page_info": "eyJwYWdlIjoyfQ==", "limit": 100}


@pytest.mark.parametrize(
    "body",
    [
        {"pagination": {}},
        {"pagination": {"next_page_info": None}},
        {"pagination": {"next_page_info": ""}},
        {"pagination": None},
        {},
    ],
)
def test_without_a_token_the_list_ends(body: dict[str, Any]) -> None:
    assert INFO.next({"token": "t"}, body=body, records=make_records(100)) is None


def test_a_short_page_with_a_token_is_not_the_last() -> None:
    assert INFO.next({}, body={"pagination": {"next_page_info": "t"}}, records=[]) == {"token": "t"}


def test_an_encoded_token_is_decoded_once() -> None:
    body = {"pagination": {"next_page_info": "a%2Fb%3D%3D"}}
    assert INFO.next({}, body=body, records=make_records(1)) == {"token": "a/b=="}


def test_only_the_limit_accompanies_a_token_that_replaces_filters() -> None:
    filters = {"external_ids": "1,2"}
    assert INFO.params_with_filters({}, filters) == {"external_ids": "1,2", "limit": 100}
    assert INFO.params_with_filters({"token": "t"}, filters) == {"page_info": "t", "limit": 100}
    loyalty = TokenPaginator(size=5, param="cursor", next_page_path="cursor.next", token_replaces_filters=False)
    assert loyalty.params_with_filters({"token": "t"}, filters) == {"external_ids": "1,2", "cursor": "t", "limit": 5}


# --- timestamps ---

DATES = TimestampPaginator(size=3, first_timestamp="1970-01-01T00:00:00Z")


def dated(*seconds: float) -> list[dict[str, Any]]:
    return [{"id": f"{second}", "created_at": f"2026-05-01T00:00:{second:06.3f}Z"} for second in seconds]


def test_the_next_page_begins_shortly_before_the_last_timestamp() -> None:
    assert DATES.params(DATES.start()) == {"starting_after": "1970-01-01T00:00:00Z", "limit": 3}
    next_cursor = DATES.next({}, body={}, records=dated(1, 2, 3))
    assert next_cursor == {"after": "2026-05-01T00:00:02.999Z"}
    assert DATES.params(next_cursor)["starting_after"] == "2026-05-01T00:00:02.999Z"


def test_in_descending_order_the_overlap_is_after_the_last_timestamp() -> None:
    paginator = TimestampPaginator(size=3, first_timestamp="2200-01-01T00:00:00Z", descending=True)
    assert paginator.next({}, body={}, records=dated(3, 2, 1)) == {"after": "2026-05-01T00:00:01.001Z"}


def test_microseconds_are_kept() -> None:
    paginator = TimestampPaginator(size=1, overlap=timedelta(microseconds=1))
    record = {"created_at": "2026-05-01T02:00:00.123456+02:00"}
    assert paginator.next({}, body={}, records=[record]) == {"after": "2026-05-01T00:00:00.123455Z"}


@pytest.mark.parametrize(("body", "count"), [({}, 2), ({}, 0), ({"has_more": False}, 3), ({"has_more": True}, 0)])
def test_a_timestamp_list_ends_with_a_short_page_or_its_flag(body: dict[str, Any], count: int) -> None:
    assert DATES.next({}, body=body, records=dated(1, 2, 3)[:count]) is None


def test_a_short_page_with_more_records_continues() -> None:
    assert DATES.next({}, body={"has_more": True}, records=dated(1)) == {"after": "2026-05-01T00:00:00.999Z"}


@pytest.mark.parametrize("descending", [False, True])
def test_a_page_that_shares_one_timestamp_is_an_error(descending: bool) -> None:
    paginator = TimestampPaginator(size=3, descending=descending)
    with pytest.raises(PagingError, match="larger pages"):
        paginator.next({"after": "2026-05-01T00:00:01.000Z"}, body={}, records=dated(1, 1, 1))


@pytest.mark.parametrize("record", [{}, {"created_at": None}, {"created_at": "yesterday"}, {"created_at": 17}])
def test_a_record_without_a_timestamp_is_an_error(record: dict[str, Any]) -> None:
    with pytest.raises(PagingError, match="created_at"):
        TimestampPaginator(size=1).next({}, body={}, records=[record])


# --- all paginators ---


@pytest.mark.parametrize("paginator", [NUMBER, ID, EDGES, INFO, DATES])
def test_a_cursor_survives_json(paginator: Paginator) -> None:
    body = {**connection(True, "c1", "c2"), "pagination": {"next_page_info": "t"}, "has_more": True}
    next_cursor = paginator.next(paginator.start(), body=body, records=dated(*range(1, 11)))
    assert next_cursor is not None
    assert json.loads(json.dumps(next_cursor)) == next_cursor
    assert paginator.params(next_cursor) != paginator.params(paginator.start())


@pytest.mark.parametrize("paginator", [ID, EDGES, INFO, DATES])
def test_response_based_cursors_are_not_predictable(paginator: Paginator) -> None:
    assert paginator.predict_next({}) is None


def test_the_first_valid_total_is_used() -> None:
    paths = ("meta.page.totalRecords", "meta.count", "total")
    assert find_total({"meta": {"count": 7}, "total": 8}, paths) == 7
    assert find_total({"meta": {"count": "7"}, "total": True}, paths) is None
    assert find_total([], paths) is None


# --- single pages ---


def test_a_single_page_list_is_requested_once() -> None:
    unlimited, limited = (
        SinglePagePaginator(size=100, size_param="", total_paths=("total",)),
        SinglePagePaginator(size=2, total_paths=("total",)),
    )

    assert (unlimited.params({}), limited.params({})) == ({}, {"limit": 2})
    assert unlimited.next({}, body={"total": 3}, records=[{}] * 3) is None
    assert limited.next({}, body={}, records=[{}]) is None
    assert limited.next({}, body={"total": 2}, records=[{}] * 2) is None
    assert (unlimited.start(), unlimited.predict_next({})) == ({}, None)


@pytest.mark.parametrize(
    ("body", "count"), [({"total": 3}, 2), ({}, 2), ({"has_more": True, "total": 1}, 1), ({"has_more": True}, 0)]
)
def test_a_single_page_list_with_more_records_is_an_error(body: dict[str, Any], count: int) -> None:
    with pytest.raises(PagingError, match="no second page"):
        SinglePagePaginator(size=2, total_paths=("total",)).next({}, body=body, records=[{}] * count)
