"""Windows of Yofi's returns, lists of predictions, and customers by ids: what is asked of a server that may refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.rsql.evaluate import matches
from airflow_provider_partners.api.rsql.expressions import parse
from airflow_provider_partners.api.yofi.client import YofiClient
from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
DAY = 86_400
FIRST = int(SINCE.timestamp())
Row = dict[str, Any]


class Yofi:
    """A server that sorts, filters by ids and pages; what it doesn't take is a 400."""

    def __init__(self, rows: list[Row], *, sortable: tuple[str, ...] = (), alternatives: str = "taken") -> None:
        self.rows = rows
        self.sortable = sortable
        self.alternatives = alternatives
        self.included: list[Row] = []
        self.asked: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(parse_qsl(request.url.query.decode()))
        self.asked.append(query)
        rows = list(self.rows)
        if sort := query.get("sort"):
            if sort.lstrip("-") not in self.sortable:
                return httpx.Response(400, json={"detail": f"can't sort by {sort}"})
            rows.sort(key=lambda row: row["attributes"].get(sort.lstrip("-")) or 0, reverse=sort.startswith("-"))
        if text := query.get("filter"):
            first, *others = text.split(",")
            if others and self.alternatives == "refused":
                return httpx.Response(400, json={"detail": "no alternatives"})
            kept = {"taken": text, "first": first, "ignored": ""}.get(self.alternatives if others else "taken", text)
            rows = [row for row in rows if not kept or matches(parse(kept), row["attributes"])]
        size, number = int(query["page[size]"]), int(query["page[number]"])
        page = rows[(number - 1) * size : number * size]
        return httpx.Response(200, json={"data": page, "included": self.included})


def client(api: Callable[[httpx.Request], httpx.Response], **options: Any) -> YofiClient:
    given = {"secret": "a-signing-secret-of-more-than-32-bytes", "issuer": "p", "subject": "s", "shop": "a"}
    clock = TurningClock(UNTIL.timestamp() + 3600)
    return YofiClient(
        **gather_options(handler=httpx.MockTransport(api), clock=clock, requests_per_second=1e6, **{**given, **options})
    )


def a_return(number: int, returned: int | None, ordered: int | None = None, **more: Any) -> Row:
    attributes = {"order_id": str(number), "order_created_at_epoch": ordered, "return_created_at_epoch": returned}
    return {"type": "EcommerceUnifiedReturn", "id": f"r{number}", "attributes": attributes, **more}


def customers(*numbers: int) -> list[Row]:
    return [{"type": "EcommerceCustomer", "id": f"c{n}", "attributes": {"customer_id": n}} for n in numbers]


BOTH = ("return_created_at_epoch", "order_created_at_epoch")
HOURLY = [a_return(n, FIRST + n * 3600, FIRST + n * 3600 - 5 * DAY) for n in range(-100, 40)]


def numbers(rows: Any) -> list[int]:
    return [int(row["id"][1:]) for row in rows]


def test_a_window_of_returns_is_walked_by_their_own_dates() -> None:
    api = Yofi(HOURLY, sortable=BOTH)

    found = numbers(client(api).extract("returns", since=SINCE, until=UNTIL, page_size=10).records())

    assert found == list(range(23, -1, -1))
    assert {query["sort"] for query in api.asked} == {"-return_created_at_epoch"}
    # 40 newer than a day's beginning, a day more to be sure, and the front once more.
    assert len(api.asked) == 9
    assert not any("filter" in query for query in api.asked)


def test_where_their_own_dates_are_no_order_the_walk_is_by_those_of_orders(caplog: pytest.LogCaptureFixture) -> None:
    late = a_return(777, FIRST + 60, FIRST - 120 * DAY)
    older = [a_return(n, FIRST - n * DAY, FIRST - n * DAY) for n in range(101, 400)]
    api = Yofi([*HOURLY, *older, late], sortable=("order_created_at_epoch",))
    yofi = client(api)

    found = numbers(yofi.extract("returns", since=SINCE, until=UNTIL, page_size=20).records())

    assert sorted(found) == [*range(24), 777]
    assert api.asked[-1]["sort"] == "-order_created_at_epoch"
    assert "the order -return_created_at_epoch is refused" in caplog.text
    # 140 + 79 + the late one lie within half a year; what is older is left alone.
    assert max(int(query["page[number]"]) for query in api.asked) <= 13

    api.asked.clear()
    list(yofi.extract("returns", since=SINCE, until=UNTIL).records())
    assert {query["sort"] for query in api.asked} == {"-order_created_at_epoch"}, "it is remembered"


def test_how_far_back_goods_are_taken_can_be_told() -> None:
    late = a_return(777, FIRST + 60, FIRST - 120 * DAY)
    api = Yofi([*HOURLY, *(a_return(n, 0, FIRST - n * DAY) for n in range(30, 200)), late], sortable=BOTH[1:])

    def found(lookback: timedelta) -> list[int]:
        asked = client(api).extract("returns", since=SINCE, until=UNTIL, page_size=10, walk_lookback=lookback)
        return numbers(asked.records())

    assert 777 not in found(timedelta(days=60))
    assert 777 in found(timedelta(days=130))


def test_an_order_that_is_asked_for_is_the_only_one_that_is_tried() -> None:
    api = Yofi(HOURLY, sortable=BOTH[1:])

    with pytest.raises(RejectedError):
        list(client(api).extract("returns", since=SINCE, until=UNTIL, sort="-return_created_at_epoch").records())
    assert {query["sort"] for query in api.asked} == {"-return_created_at_epoch"}


def test_in_any_other_order_the_list_is_read_whole_and_cut() -> None:
    api = Yofi(HOURLY, sortable=BOTH)

    found = client(api).extract("returns", since=SINCE, until=UNTIL, sort="order_created_at_epoch", page_size=50)

    assert numbers(found.records()) == list(range(24))
    assert [query["page[number]"] for query in api.asked] == ["1", "2", "3"]


def test_without_a_beginning_the_list_is_read_whole() -> None:
    api = Yofi(HOURLY, sortable=BOTH)

    assert numbers(client(api).extract("returns", until=SINCE).records()) == list(range(-100, 0))
    assert numbers(client(api).extract("returns").records()) == list(range(-100, 40))


def test_windows_that_touch_share_no_return_and_leave_none_out() -> None:
    api = Yofi(HOURLY, sortable=BOTH)
    yofi = client(api)
    edges = [SINCE + timedelta(hours=hours) for hours in (-100, -30, 0, 7.5, 8, 40)]

    found = [
        number
        for since, until in pairwise(edges)
        for number in numbers(yofi.extract("returns", since=since, until=until).records())
    ]

    assert sorted(found) == list(range(-100, 40))


def test_a_window_of_known_orders_is_cut_here() -> None:
    api = Yofi(HOURLY, sortable=BOTH)

    rows = client(api).extract("returns", match={"order_id": ["1", "2", "30"]}, since=SINCE, until=UNTIL).records()

    assert numbers(rows) == [1, 2]


def test_the_dates_of_a_walk_are_asked_for_whatever_fields_were_chosen() -> None:
    api = Yofi([], sortable=BOTH)

    list(client(api).extract("returns", since=SINCE, fields=["state"]).records())

    chosen = api.asked[0]["fields[EcommerceUnifiedReturn]"]
    assert chosen == "state,return_created_at_epoch,order_created_at_epoch"


def test_the_field_of_known_ids_is_asked_for_whatever_fields_were_chosen() -> None:
    api = Yofi(customers(1, 2))

    rows = client(api).extract("customers", match={"customer_id": [1, 2]}, fields=["email"]).records()

    assert numbers(rows) == [1, 2]
    assert [query["fields[EcommerceCustomer]"] for query in api.asked] == ["email,customer_id"]


def test_another_window_or_lookback_is_another_question() -> None:
    yofi = client(Yofi([]))
    asked = [
        yofi.extract("returns"),
        yofi.extract("returns", since=SINCE),
        yofi.extract("returns", since=SINCE, until=UNTIL),
        yofi.extract("returns", since=SINCE, until=UNTIL, walk_lookback=timedelta(days=9)),
        yofi.extract("return_predictions", since=SINCE, until=UNTIL),
        yofi.extract("return_predictions", since=SINCE, until=UNTIL, prediction_filter="predicted_value>0.5"),
        yofi.extract("customer_predictions"),
        yofi.extract("customer_predictions", prediction_filter="predicted_value>0.5"),
    ]

    assert len({extraction.fingerprint for extraction in asked}) == len(asked)


# --- predictions


def predicted(api: Yofi, number: int, *values: float, kind: str = "drop_off_fraud") -> Row:
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
    row = a_return(number, FIRST + number, FIRST)
    row["attributes"] |= {"customer_id": "77", "state": "requested", "customer_first_name": "Secret"}
    return {**row, "relationships": {"return_predictions": {"data": linkage}}}


def test_a_prediction_is_a_row_with_the_ids_of_return_order_and_customer() -> None:
    api = Yofi([], sortable=BOTH)
    api.rows = [predicted(api, 1, 0.95, 0.2), predicted(api, 2, 0.5), a_return(3, FIRST + 3)]

    extraction = client(api).extract("return_predictions")
    rows = list(extraction.records())

    assert extraction.key == ("return_id", "id")
    assert sorted((row["return_id"], row["id"], row["predicted_value"]) for row in rows) == [
        ("r1", "p1-0", 0.95),
        ("r1", "p1-1", 0.2),
        ("r2", "p2-0", 0.5),
    ]
    assert {(row["order_id"], row["customer_id"], row["return_state"]) for row in rows if row["return_id"] == "r1"} == {
        ("1", "77", "requested")
    }
    assert "Secret" not in str(rows)
    assert api.asked[0]["include"] == "return_predictions"
    assert "first_name" not in str(api.asked)


def test_predictions_are_filtered_by_the_server_and_again_here() -> None:
    """This server takes no notice of the filter, as one may that only picks the returns by it."""
    api = Yofi([], sortable=BOTH)
    api.rows = [predicted(api, 1, 0.95, 0.2), predicted(api, 2, 0.99, kind="bot")]
    text = "prediction_category==drop_off_fraud;predicted_value>0.9"

    rows = list(client(api).extract("return_predictions", prediction_filter=text).records())

    assert [row["id"] for row in rows] == ["p1-0"]
    assert api.asked[0]["filter[EcommerceUnifiedReturnPrediction]"] == (
        "prediction_category==drop_off_fraud;predicted_value>0.9"
    )


def test_predictions_that_the_server_has_left_out_are_no_rows() -> None:
    api = Yofi([], sortable=BOTH)
    api.rows = [predicted(api, 1, 0.95, 0.2)]
    api.included = api.included[:1]

    rows = client(api).extract("return_predictions", prediction_filter="predicted_value>0.1").records()

    assert [row["id"] for row in rows] == ["p1-0"]


def test_predictions_of_a_window_and_of_known_orders() -> None:
    api = Yofi([], sortable=BOTH)
    api.rows = [predicted(api, 1, 0.5), predicted(api, 2, 0.6), predicted(api, 3, 0.7)]
    yofi = client(api)

    window = yofi.extract("return_predictions", since=SINCE + timedelta(seconds=2), until=UNTIL)
    assert sorted(row["return_id"] for row in window.records()) == ["r2", "r3"]
    assert [row["return_id"] for row in yofi.extract("return_predictions", match={"order_id": ["2"]}).records()] == [
        "r2"
    ]


def test_predictions_of_customers_are_filtered_here_since_yofi_has_no_such_filter() -> None:
    rows = customers(1)
    rows[0]["relationships"] = {
        "customer_predictions": {"data": [{"type": "EcommerceCustomerPrediction", "id": f"p{n}"} for n in range(3)]}
    }
    api = Yofi(rows)
    api.included = [
        {"type": "EcommerceCustomerPrediction", "id": f"p{n}", "attributes": {"severity": severity}}
        for n, severity in enumerate(("high", "low", "high"))
    ]

    found = list(client(api).extract("customer_predictions", prediction_filter="severity==high").records())

    assert [(row["customer_entity_id"], row["customer_id"], row["id"]) for row in found] == [
        ("c1", 1, "p0"),
        ("c1", 1, "p2"),
    ]
    assert not any("Prediction]" in name for name in api.asked[0] if name.startswith("filter"))


# --- customers by ids


def test_several_customers_are_one_question_where_the_answer_proves_it_right() -> None:
    api = Yofi(customers(*range(200)))

    rows = list(client(api).extract("customers", match={"customer_id": range(120)}).records())

    assert sorted(numbers(rows)) == list(range(120))
    assert len({query["filter"] for query in api.asked}) == 3


@pytest.mark.parametrize("alternatives", ["refused", "first", "ignored"])
def test_customers_are_asked_for_one_by_one_where_several_are_not_taken(
    alternatives: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = Yofi(customers(*range(60)), alternatives=alternatives)
    yofi = client(api)

    found = yofi.extract("customers", match={"customer_id": range(0, 120, 2)}).records(workers=1)

    assert sorted(numbers(found)) == list(range(0, 60, 2))
    assert caplog.text.count("From now on this client asks for customers one by one") == 1
    singly = [query["filter"] for query in api.asked if "," not in query["filter"]]
    assert set(singly) == {f"customer_id=='{n}'" for n in range(0, 120, 2)}


def test_one_by_one_can_be_had_from_the_beginning() -> None:
    api = Yofi(customers(1, 2, 3))
    yofi = client(api)

    assert numbers(yofi.extract("customers", match={"customer_id": [1, 3]}, one_by_one=True).records()) == [1, 3]
    assert [query["filter"] for query in api.asked] == ["customer_id=='1'", "customer_id=='3'"]
    list(yofi.extract("customers", match={"customer_id": [1, 3]}).records())
    assert "," in api.asked[2]["filter"], "other questions are not concerned"


def test_unknown_customers_are_no_reason_for_distrust() -> None:
    api = Yofi(customers(1))

    assert numbers(client(api).extract("customers", match={"customer_id": [1, 8, 9]}).records()) == [1]
    assert [query["filter"] for query in api.asked] == [
        "customer_id=='1',customer_id=='8',customer_id=='9'",
        "customer_id=='8'",
        "customer_id=='9'",
    ]


def test_what_is_refused_for_another_reason_is_not_laid_to_the_alternatives() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"detail": "no such field"})

    yofi = client(refuse)
    with pytest.raises(RejectedError, match="no such field"):
        list(yofi.extract("customers", match={"customer_id": [1, 2]}).records())
    assert yofi._capabilities.or_support.is_supported is None


def test_a_filter_that_is_ignored_for_a_single_id_is_an_error() -> None:
    def whole(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": customers(1, 2, 3)})

    with pytest.raises(UnexpectedResponseError, match="asked for one id, and others came back"):
        list(client(whole).extract("customers", match={"customer_id": [7, 8]}).records())
