"""Each way to walk a list, with the partners' own payloads and every way in which they end."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_partners.api.pagination.page import find_total
from airflow_provider_partners.api.pagination.strategies import (
    ConnectionPaginator,
    LastIdPaginator,
    PageNumberPaginator,
    Paginator,
    TimestampPaginator,
    TokenPaginator,
)
from airflow_provider_partners.api.resources import Resource, find_resource
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnexpectedResponseError
from airflow_provider_partners.records import get_path


def rows(count: int, first: int = 1) -> list[dict[str, Any]]:
    return [{"id": f"r-{number}"} for number in range(first, first + count)]


# --- numbered pages ---

NUMBER = PageNumberPaginator(size=10)


def test_page_numbers_start_at_one() -> None:
    assert NUMBER.params(NUMBER.start()) == {"page[number]": 1, "page[size]": 10}
    following = NUMBER.next({}, body={}, records=rows(10))
    assert following == {"page": 2}
    assert NUMBER.params({"page": 2}) == {"page[number]": 2, "page[size]": 10}


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_short_page_is_the_last(count: int) -> None:
    assert NUMBER.next({"page": 3}, body={"data": []}, records=rows(count)) is None


def test_without_short_page_is_last_reading_ends_at_an_empty_page() -> None:
    paging = PageNumberPaginator(size=100, short_page_is_last=False)
    assert paging.next({}, body={}, records=rows(50)) == {"page": 2}
    assert paging.next({"page": 5}, body={}, records=[]) is None


@pytest.mark.parametrize(
    ("links", "following"),
    [({"next": "https://x/?page=2"}, {"page": 2}), ({"next": None}, None), ({"next": ""}, None)],
)
def test_a_next_link_decides(links: dict[str, Any], following: dict[str, Any] | None) -> None:
    paging = PageNumberPaginator(size=10, next_link_path="links.next")
    assert paging.next({}, body={"links": links}, records=rows(10)) == following
    assert paging.next({}, body={"links": links}, records=rows(3)) == following


@pytest.mark.parametrize("body", [{}, {"links": {}}, {"links": None}, {"links": {"self": "x"}}, []])
def test_without_a_link_the_number_of_records_decides(body: object) -> None:
    paging = PageNumberPaginator(size=10, next_link_path="links.next")
    assert paging.next({}, body=body, records=rows(10)) == {"page": 2}
    assert paging.next({}, body=body, records=rows(9)) is None


def test_a_total_saves_the_request_after_a_full_last_page() -> None:
    paging = PageNumberPaginator(size=10, total_paths=("meta.page.totalRecords", "meta.total"))
    body = {"meta": {"total": 20}}
    assert paging.next({}, body=body, records=rows(10)) == {"page": 2}
    assert paging.next({"page": 2}, body=body, records=rows(10)) is None
    assert paging.total(body) == 20


def test_a_total_shows_that_a_short_page_is_not_the_last() -> None:
    paging = PageNumberPaginator(size=10, total_paths=("total",))
    assert paging.next({"page": 2}, body={"total": 30}, records=rows(9)) == {"page": 3}
    assert paging.next({"page": 3}, body={"total": 29}, records=rows(9)) is None


def test_a_smaller_server_page_size_is_noticed_by_the_total() -> None:
    paging = PageNumberPaginator(size=100, total_paths=("total",))
    with pytest.raises(PagingError, match=r"50 of 400 rows on a page of 100.*page_size to 50"):
        paging.next({}, body={"total": 400}, records=rows(50))


def test_smaller_server_pages_are_read_completely_without_short_page_is_last() -> None:
    paging = PageNumberPaginator(size=100, total_paths=("total",), short_page_is_last=False)
    cursor: dict[str, Any] | None = paging.start()
    read = 0
    while cursor is not None:
        number = paging.params(cursor)["page[number]"]
        given = rows(max(0, min(50, 400 - (number - 1) * 50)))
        read += len(given)
        cursor = paging.next(cursor, body={"total": 400}, records=given)
    assert read == 400


def test_a_list_longer_than_the_page_limit_is_an_error() -> None:
    paging = PageNumberPaginator(size=100, number_param="page", size_param="limit", max_page_number=99)
    assert paging.next({"page": 98}, body={}, records=rows(100)) == {"page": 99}
    assert paging.next({"page": 99}, body={}, records=rows(40)) is None
    with pytest.raises(PagingError, match=r"99 pages of 100.*shorter window"):
        paging.next({"page": 99}, body={}, records=rows(100))


def test_page_numbers_are_predicted_up_to_the_page_limit() -> None:
    paging = PageNumberPaginator(size=10, max_page_number=2)
    assert paging.predict_next({}) == {"page": 2}
    assert paging.predict_next({"page": 2}) is None


def test_page_numbers_can_start_at_zero() -> None:
    paging = PageNumberPaginator(size=2, first_page_number=0, total_paths=("total",))
    assert paging.params({})["page[number]"] == 0
    assert paging.next({}, body={"total": 3}, records=rows(2)) == {"page": 1}
    assert paging.next({"page": 1}, body={"total": 3}, records=rows(1)) is None


# --- behind an id ---

ID = LastIdPaginator(size=2)


def test_the_next_page_continues_after_the_named_id() -> None:
    assert ID.params(ID.start()) == {"limit": 2}
    body = {"has_more": True, "more_starting_after": "r-9"}
    assert ID.next({}, body=body, records=rows(2)) == {"after": "r-9"}
    assert ID.params({"after": "r-9"}) == {"starting_after_id": "r-9", "limit": 2}


@pytest.mark.parametrize("body", [{"has_more": True}, {"has_more": True, "more_starting_after": None}, {}])
def test_without_a_named_id_the_last_records_id_is_used(body: dict[str, Any]) -> None:
    assert ID.next({}, body=body, records=rows(2)) == {"after": "r-2"}


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
    assert ID.next({}, body=body, records=rows(count)) is None


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
    assert EDGES.next({}, body=connection(True, "c1", "c2"), records=rows(2)) == {"after": "c2"}
    assert EDGES.params({"after": "c2"}) == {"first": 2, "after": "c2"}


def test_the_end_cursor_is_preferred() -> None:
    body = connection(True, None, None, endCursor="end")
    assert EDGES.next({}, body=body, records=rows(2)) == {"after": "end"}


def test_a_connection_of_nodes_uses_the_end_cursor() -> None:
    body = {"orders": {"nodes": rows(2), "pageInfo": {"hasNextPage": True, "endCursor": "end"}}}
    assert ConnectionPaginator(size=2, connection_path="orders").next({}, body=body, records=rows(2)) == {
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
        EDGES.next({}, body=connection(None, "c1"), records=rows(1))


def test_a_document_without_cursors_is_an_error_with_a_remedy() -> None:
    with pytest.raises(PagingError, match="cursor"):
        EDGES.next({}, body=connection(True, None), records=rows(1))


# --- the partner's token ---

INFO = TokenPaginator(size=100)


def test_the_responses_token_is_the_next_cursor() -> None:
    assert INFO.params(INFO.start()) == {"limit": 100}
    body = {"orders": rows(1), "pagination": {"next_page_info": "eyJwYWdlIjoyfQ=="}}
    assert INFO.next({}, body=body, records=rows(1)) == {"token": "eyJwYWdlIjoyfQ=="}
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
    assert INFO.next({"token": "t"}, body=body, records=rows(100)) is None


def test_a_short_page_with_a_token_is_not_the_last() -> None:
    assert INFO.next({}, body={"pagination": {"next_page_info": "t"}}, records=[]) == {"token": "t"}


def test_an_encoded_token_is_decoded_once() -> None:
    body = {"pagination": {"next_page_info": "a%2Fb%3D%3D"}}
    assert INFO.next({}, body=body, records=rows(1)) == {"token": "a/b=="}


def test_only_the_limit_accompanies_a_token_that_replaces_filters() -> None:
    filters = {"external_ids": "1,2"}
    assert INFO.params_with_filters({}, filters) == {"external_ids": "1,2", "limit": 100}
    assert INFO.params_with_filters({"token": "t"}, filters) == {"page_info": "t", "limit": 100}
    loyalty = TokenPaginator(size=5, param="cursor", next_token_path="cursor.next", token_replaces_filters=False)
    assert loyalty.params_with_filters({"token": "t"}, filters) == {"external_ids": "1,2", "cursor": "t", "limit": 5}


# --- behind a moment ---

DATES = TimestampPaginator(size=3, first_timestamp="1970-01-01T00:00:00Z")


def dated(*seconds: float) -> list[dict[str, Any]]:
    return [{"id": f"{second}", "created_at": f"2026-05-01T00:00:{second:06.3f}Z"} for second in seconds]


def test_the_next_page_begins_shortly_before_the_last_timestamp() -> None:
    assert DATES.params(DATES.start()) == {"starting_after": "1970-01-01T00:00:00Z", "limit": 3}
    following = DATES.next({}, body={}, records=dated(1, 2, 3))
    assert following == {"after": "2026-05-01T00:00:02.999Z"}
    assert DATES.params(following)["starting_after"] == "2026-05-01T00:00:02.999Z"


def test_in_descending_order_the_overlap_is_after_the_last_timestamp() -> None:
    paging = TimestampPaginator(size=3, first_timestamp="2200-01-01T00:00:00Z", descending=True)
    assert paging.next({}, body={}, records=dated(3, 2, 1)) == {"after": "2026-05-01T00:00:01.001Z"}


def test_microseconds_are_kept() -> None:
    paging = TimestampPaginator(size=1, overlap=timedelta(microseconds=1))
    row = {"created_at": "2026-05-01T02:00:00.123456+02:00"}
    assert paging.next({}, body={}, records=[row]) == {"after": "2026-05-01T00:00:00.123455Z"}


@pytest.mark.parametrize(("body", "count"), [({}, 2), ({}, 0), ({"has_more": False}, 3), ({"has_more": True}, 0)])
def test_a_timestamp_list_ends_with_a_short_page_or_its_flag(body: dict[str, Any], count: int) -> None:
    assert DATES.next({}, body=body, records=dated(1, 2, 3)[:count]) is None


def test_a_short_page_with_more_records_continues() -> None:
    assert DATES.next({}, body={"has_more": True}, records=dated(1)) == {"after": "2026-05-01T00:00:00.999Z"}


@pytest.mark.parametrize("descending", [False, True])
def test_a_page_that_shares_one_timestamp_is_an_error(descending: bool) -> None:
    paging = TimestampPaginator(size=3, descending=descending)
    with pytest.raises(PagingError, match="larger pages"):
        paging.next({"after": "2026-05-01T00:00:01.000Z"}, body={}, records=dated(1, 1, 1))


@pytest.mark.parametrize("row", [{}, {"created_at": None}, {"created_at": "yesterday"}, {"created_at": 17}])
def test_a_record_without_a_timestamp_is_an_error(row: dict[str, Any]) -> None:
    with pytest.raises(PagingError, match="created_at"):
        TimestampPaginator(size=1).next({}, body={}, records=[row])


# --- what all have in common ---


@pytest.mark.parametrize("paging", [NUMBER, ID, EDGES, INFO, DATES])
def test_a_cursor_survives_json(paging: Paginator) -> None:
    body = {**connection(True, "c1", "c2"), "pagination": {"next_page_info": "t"}, "has_more": True}
    following = paging.next(paging.start(), body=body, records=dated(*range(1, 11)))
    assert following is not None
    assert json.loads(json.dumps(following)) == following
    assert paging.params(following) != paging.params(paging.start())


@pytest.mark.parametrize("paging", [ID, EDGES, INFO, DATES])
def test_response_based_cursors_are_not_predictable(paging: Paginator) -> None:
    assert paging.predict_next({}) is None


def test_the_first_valid_total_is_used() -> None:
    paths = ("meta.page.totalRecords", "meta.count", "total")
    assert find_total({"meta": {"count": 7}, "total": 8}, paths) == 7
    assert find_total({"meta": {"count": "7"}, "total": True}, paths) is None
    assert find_total([], paths) is None


# --- resources ---

RETURNS = Resource(
    name="returns",
    path="/returns/",
    records_path="data",
    paginator=NUMBER,
    page_size=100,
    max_page_size=250,
    max_page_number=99,
)


def test_a_resource_returns_its_paginator_with_the_requested_size() -> None:
    assert RETURNS.sized_paginator() == PageNumberPaginator(size=100, max_page_number=99)
    assert RETURNS.sized_paginator(250).size == 250


@pytest.mark.parametrize("size", [0, -1, 251])
def test_a_page_size_that_the_api_does_not_serve_is_refused(size: int) -> None:
    with pytest.raises(ConfigurationError, match=f"page_size={size}.*1 to 250"):
        RETURNS.sized_paginator(size)


def test_records_at_the_wrong_path_are_an_error() -> None:
    assert RETURNS.extract_records({"data": rows(1)}) == rows(1)
    for body in ({"data": None}, {"rows": []}, {"data": ["x"]}, [], None):
        with pytest.raises(UnexpectedResponseError, match="'data'"):
            RETURNS.extract_records(body)


def test_an_unknown_resource_lists_the_known_names() -> None:
    assert find_resource({"returns": RETURNS}, "returns") is RETURNS
    with pytest.raises(ConfigurationError, match=r"'claims'.*returns"):
        find_resource({"returns": RETURNS}, "claims")
