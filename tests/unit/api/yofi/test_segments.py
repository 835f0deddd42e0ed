"""Time ranges of returns, and lists of predictions, read from a server that may refuse a sort order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from clocks import TurningClock
from fakes.yofi_api import FakeYofiList, Resource, a_return, customers, numbers
from fakes.yofi_api import yofi_client as client_at

from airflow_provider_partners.api.yofi import YofiClient
from airflow_provider_partners.exceptions import RejectedError

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
DAY = 86_400
FIRST = int(SINCE.timestamp())


BOTH = ("return_created_at_epoch", "order_created_at_epoch")
HOURLY = [a_return(n, FIRST + n * 3600, FIRST + n * 3600 - 5 * DAY) for n in range(-100, 40)]


def yofi_client(api: FakeYofiList) -> YofiClient:
    """A client an hour after the time range."""
    return client_at(api, clock=TurningClock(UNTIL.timestamp() + 3600))


def test_a_time_range_of_returns_is_read_newest_first_by_their_own_dates() -> None:
    api = FakeYofiList(HOURLY, sortable=BOTH)

    records = numbers(yofi_client(api).extract("returns", since=SINCE, until=UNTIL, page_size=10).records())

    assert records == list(range(23, -1, -1))
    assert {query["sort"] for query in api.queries} == {"-return_created_at_epoch"}
    # 40 newer returns, the day itself, one day of lookback, and the first page once more.
    assert len(api.queries) == 9
    assert not any("filter" in query for query in api.queries)


def test_a_server_that_cannot_sort_by_return_dates_is_read_by_order_dates(caplog: pytest.LogCaptureFixture) -> None:
    late = a_return(777, FIRST + 60, FIRST - 120 * DAY)
    older = [a_return(n, FIRST - n * DAY, FIRST - n * DAY) for n in range(101, 400)]
    api = FakeYofiList([*HOURLY, *older, late], sortable=("order_created_at_epoch",))
    yofi = yofi_client(api)

    records = numbers(yofi.extract("returns", since=SINCE, until=UNTIL, page_size=20).records())

    assert sorted(records) == [*range(24), 777]
    assert api.queries[-1]["sort"] == "-order_created_at_epoch"
    assert "the order -return_created_at_epoch is refused" in caplog.text
    # 140 + 79 + the late one lie within half a year; older returns are not read.
    assert max(int(query["page[number]"]) for query in api.queries) <= 13

    api.queries.clear()
    list(yofi.extract("returns", since=SINCE, until=UNTIL).records())
    assert {query["sort"] for query in api.queries} == {"-order_created_at_epoch"}, "the client remembers it"


def test_walk_lookback_sets_how_far_back_returns_are_read() -> None:
    late = a_return(777, FIRST + 60, FIRST - 120 * DAY)
    api = FakeYofiList([*HOURLY, *(a_return(n, 0, FIRST - n * DAY) for n in range(30, 200)), late], sortable=BOTH[1:])

    def records(lookback: timedelta) -> list[int]:
        extraction = yofi_client(api).extract("returns", since=SINCE, until=UNTIL, page_size=10, walk_lookback=lookback)
        return numbers(extraction.records())

    assert 777 not in records(timedelta(days=60))
    assert 777 in records(timedelta(days=130))


def test_a_chosen_sort_order_is_the_only_one_that_is_tried() -> None:
    api = FakeYofiList(HOURLY, sortable=BOTH[1:])

    with pytest.raises(RejectedError):
        list(yofi_client(api).extract("returns", since=SINCE, until=UNTIL, sort="-return_created_at_epoch").records())
    assert {query["sort"] for query in api.queries} == {"-return_created_at_epoch"}


def test_in_any_other_sort_order_the_whole_list_is_read() -> None:
    api = FakeYofiList(HOURLY, sortable=BOTH)

    records = yofi_client(api).extract("returns", since=SINCE, until=UNTIL, sort="order_created_at_epoch", page_size=50)

    assert numbers(records.records()) == list(range(24))
    assert [query["page[number]"] for query in api.queries] == ["1", "2", "3"]


def test_without_since_the_whole_list_is_read() -> None:
    api = FakeYofiList(HOURLY, sortable=BOTH)

    assert numbers(yofi_client(api).extract("returns", until=SINCE).records()) == list(range(-100, 0))
    assert numbers(yofi_client(api).extract("returns").records()) == list(range(-100, 40))


def test_adjacent_time_ranges_share_no_return_and_leave_none_out() -> None:
    api = FakeYofiList(HOURLY, sortable=BOTH)
    yofi = yofi_client(api)
    edges = [SINCE + timedelta(hours=hours) for hours in (-100, -30, 0, 7.5, 8, 40)]

    records = [
        number
        for since, until in pairwise(edges)
        for number in numbers(yofi.extract("returns", since=since, until=until).records())
    ]

    assert sorted(records) == list(range(-100, 40))


def test_a_time_range_of_known_orders_is_selected_by_the_client() -> None:
    api = FakeYofiList(HOURLY, sortable=BOTH)

    records = (
        yofi_client(api).extract("returns", match={"order_id": ["1", "2", "30"]}, since=SINCE, until=UNTIL).records()
    )

    assert numbers(records) == [1, 2]


def test_a_walk_requests_its_dates_in_addition_to_the_chosen_fields() -> None:
    api = FakeYofiList([], sortable=BOTH)

    list(yofi_client(api).extract("returns", since=SINCE, fields=["state"]).records())

    chosen = api.queries[0]["fields[EcommerceUnifiedReturn]"]
    assert chosen == "state,return_created_at_epoch,order_created_at_epoch"


def test_a_match_requests_its_field_in_addition_to_the_chosen_fields() -> None:
    api = FakeYofiList(customers(1, 2))

    records = yofi_client(api).extract("customers", match={"customer_id": [1, 2]}, fields=["email"]).records()

    assert numbers(records) == [1, 2]
    assert [query["fields[EcommerceCustomer]"] for query in api.queries] == ["email,customer_id"]


def predicted(api: FakeYofiList, number: int, *values: float, kind: str = "drop_off_fraud") -> Resource:
    ids = [f"p{number}-{place}" for place in range(len(values))]
    api.included += [
        {
            "type": "EcommerceUnifiedReturnPrediction",
            "id": id_,
            "attributes": {"prediction_category": kind, "predicted_value": value, "customer_id": None},
        }
        for id_, value in zip(ids, values, strict=True)
    ]
    linkage = [{"type": "EcommerceUnifiedReturnPrediction", "id": id_} for id_ in ids]
    record = a_return(number, FIRST + number, FIRST)
    record["attributes"] |= {"customer_id": "77", "state": "requested", "customer_first_name": "Secret"}
    return {**record, "relationships": {"return_predictions": {"data": linkage}}}


def test_a_prediction_is_a_record_with_the_ids_of_return_order_and_customer() -> None:
    api = FakeYofiList([], sortable=BOTH)
    api.resources = [predicted(api, 1, 0.95, 0.2), predicted(api, 2, 0.5), a_return(3, FIRST + 3)]

    extraction = yofi_client(api).extract("return_predictions")
    records = list(extraction.records())

    assert extraction.key == ("return_id", "id")
    assert sorted((record["return_id"], record["id"], record["predicted_value"]) for record in records) == [
        ("r1", "p1-0", 0.95),
        ("r1", "p1-1", 0.2),
        ("r2", "p2-0", 0.5),
    ]
    assert {
        (record["order_id"], record["customer_id"], record["return_state"])
        for record in records
        if record["return_id"] == "r1"
    } == {("1", "77", "requested")}
    assert "Secret" not in str(records)
    assert api.queries[0]["include"] == "return_predictions"
    assert "first_name" not in str(api.queries)


def test_predictions_are_filtered_by_the_server_and_again_by_the_client() -> None:
    """This server ignores the filter; a server that only selects returns by it looks the same."""
    api = FakeYofiList([], sortable=BOTH)
    api.resources = [predicted(api, 1, 0.95, 0.2), predicted(api, 2, 0.99, kind="bot")]
    text = "prediction_category==drop_off_fraud;predicted_value>0.9"

    records = list(yofi_client(api).extract("return_predictions", prediction_filter=text).records())

    assert [record["id"] for record in records] == ["p1-0"]
    assert api.queries[0]["filter[EcommerceUnifiedReturnPrediction]"] == (
        "prediction_category==drop_off_fraud;predicted_value>0.9"
    )


def test_predictions_that_the_response_lacks_are_left_out() -> None:
    api = FakeYofiList([], sortable=BOTH)
    api.resources = [predicted(api, 1, 0.95, 0.2)]
    api.included = api.included[:1]

    records = yofi_client(api).extract("return_predictions", prediction_filter="predicted_value>0.1").records()

    assert [record["id"] for record in records] == ["p1-0"]


def test_predictions_of_a_time_range_and_of_known_orders() -> None:
    api = FakeYofiList([], sortable=BOTH)
    api.resources = [predicted(api, 1, 0.5), predicted(api, 2, 0.6), predicted(api, 3, 0.7)]
    yofi = yofi_client(api)

    window = yofi.extract("return_predictions", since=SINCE + timedelta(seconds=2), until=UNTIL)
    assert sorted(record["return_id"] for record in window.records()) == ["r2", "r3"]
    assert [
        record["return_id"] for record in yofi.extract("return_predictions", match={"order_id": ["2"]}).records()
    ] == ["r2"]


def test_predictions_of_customers_are_filtered_by_the_client_alone() -> None:
    records = customers(1)
    records[0]["relationships"] = {
        "customer_predictions": {"data": [{"type": "EcommerceCustomerPrediction", "id": f"p{n}"} for n in range(3)]}
    }
    api = FakeYofiList(records)
    api.included = [
        {"type": "EcommerceCustomerPrediction", "id": f"p{n}", "attributes": {"severity": severity}}
        for n, severity in enumerate(("high", "low", "high"))
    ]

    records = list(yofi_client(api).extract("customer_predictions", prediction_filter="severity==high").records())

    assert [(record["customer_entity_id"], record["customer_id"], record["id"]) for record in records] == [
        ("c1", 1, "p0"),
        ("c1", 1, "p2"),
    ]
    assert not any("Prediction]" in name for name in api.queries[0] if name.startswith("filter"))
