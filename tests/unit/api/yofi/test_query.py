"""A user's arguments become RSQL filters and query parameters, or an error that names what is allowed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fakes.yofi_api import NOW, FakeYofiApi, yofi_client

from airflow_provider_partners.api.rsql.expressions import field
from airflow_provider_partners.api.yofi import RESOURCES
from airflow_provider_partners.exceptions import ConfigurationError

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
FIRST, LAST = 1_777_593_600, 1_777_680_000


def test_all_known_fields_and_relations_are_requested_by_default() -> None:
    api = FakeYofiApi()

    list(yofi_client(api).extract("returns").records())

    assert api.requests[0].url.path == "/ecommerce/unified-returns/"
    query = api.query
    assert query["include"] == "customer,order,return_predictions,return_analytics,app"
    assert query["fields[EcommerceOrder]"] == "id,name,model_predictions"
    assert "email" in query["fields[EcommerceCustomer]"]
    assert "return_total" in query["fields[EcommerceUnifiedReturn]"]
    assert query["sort"] == "order_created_at_epoch"
    assert (query["page[number]"], query["page[size]"]) == ("1", "100")
    assert not [name for name in query if "Prediction" in name or "filter" in name]


def test_fields_include_and_sort_can_be_chosen() -> None:
    api = FakeYofiApi()
    yofi = yofi_client(api)

    list(
        yofi.extract(
            "returns", fields=["state", "brand_new"], include=["customer"], sort="-return_created_at_epoch"
        ).records()
    )
    assert api.query["fields[EcommerceUnifiedReturn]"] == "state,brand_new"
    assert "email" in api.query["fields[EcommerceCustomer]"]
    assert (api.query["include"], api.query["sort"]) == ("customer", "-return_created_at_epoch")

    list(yofi.extract("returns", fields={"EcommerceOrder": "id, name"}, include="order").records())
    assert api.query["fields[EcommerceOrder]"] == "id,name"
    assert "state" in api.query["fields[EcommerceUnifiedReturn]"]

    list(yofi.extract("returns", include=[]).records())
    assert "include" not in api.query
    assert "fields[EcommerceCustomer]" not in api.query


@pytest.mark.covers("yofi.claims.filter.created_at_epoch")
def test_a_time_range_of_claims_is_sent_in_epoch_seconds() -> None:
    api = FakeYofiApi()

    extraction = yofi_client(api).extract("claims", since=SINCE, until="2026-05-02T00:00:00Z")
    list(extraction.records())

    assert api.query["filter"] == f"created_at_epoch>={FIRST};created_at_epoch<{LAST}"
    assert extraction.window is not None
    assert extraction.window.to_dict() == {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


@pytest.mark.covers("yofi.events.filter.created_at")
def test_a_time_range_of_notification_events_is_sent_in_iso_format() -> None:
    api = FakeYofiApi()

    list(yofi_client(api).extract("notification_events", since=SINCE, until=UNTIL).records())

    assert api.query["filter"] == "created_at>=2026-05-01T00:00:00Z;created_at<2026-05-02T00:00:00Z"
    assert api.requests[0].url.path == "/ecommerce/notification-events/"


def test_adjacent_time_ranges_within_a_second_share_no_record_and_leave_none_out() -> None:
    api = FakeYofiApi()
    yofi, border = yofi_client(api), datetime(2026, 5, 1, 12, 0, 0, 500_000, tzinfo=UTC)

    list(yofi.extract("claims", since=SINCE, until=border).records())
    upper = api.query["filter"].rpartition("<")[2]
    list(yofi.extract("claims", since=border, until=UNTIL).records())
    lower = api.query["filter"].partition(">=")[2].partition(";")[0]

    assert upper == lower == str(FIRST + 12 * 3600 + 1)


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-05-01", "2026-05-02"), ("2026-05-01T00:00:00Z", UNTIL), (SINCE, "2026-05-02T02:00:00+02:00")],
)
def test_a_time_range_may_be_text_or_datetimes(since: Any, until: Any) -> None:
    yofi = yofi_client(FakeYofiApi())

    extraction = yofi.extract("claims", since=since, until=until)

    assert extraction.fingerprint == yofi.extract("claims", since=SINCE, until=UNTIL).fingerprint


def test_a_filter_is_combined_with_the_time_range() -> None:
    api = FakeYofiApi()

    list(yofi_client(api).extract("claims", since=SINCE, filters="created_at_epoch!=5,created_at_epoch!=6").records())

    assert api.query["filter"] == f"created_at_epoch>={FIRST};(created_at_epoch!=5,created_at_epoch!=6)"


@pytest.mark.parametrize("resource", ["customers", "customer_predictions"])
def test_the_error_of_a_list_without_a_time_filter_names_the_alternatives(resource: str) -> None:
    with pytest.raises(ConfigurationError, match=r"can't be filtered by time.*match=.*leave 'since' and 'until' out"):
        yofi_client(FakeYofiApi()).extract(resource, since=SINCE, until=UNTIL)
    assert RESOURCES[resource].time_field is None


def test_every_reserved_character_of_the_query_is_percent_encoded() -> None:
    api = FakeYofiApi()
    expression = field("order_name") == "#1001; a+b 'c' & d=e"

    list(yofi_client(api).extract("returns", filters=expression).records())

    raw = api.requests[0].url.query.decode()
    assert not set(raw) & set(";+'\" ()<>[]#")
    assert api.query["filter"] == "order_name=='#1001; a+b \\'c\\' & d=e'"
    assert "page%5Bsize%5D=100" in raw


@pytest.mark.covers("yofi.returns.prediction_filter")
def test_the_parameter_of_the_prediction_filter_can_be_renamed() -> None:
    text = "(prediction_category==drop_off_fraud;predicted_value>0.9)"
    api = FakeYofiApi()

    list(yofi_client(api).extract("returns", prediction_filter=text).records())
    assert api.query["filter[EcommerceUnifiedReturnPrediction]"] == text[1:-1]

    yofi = yofi_client(api, prediction_filter_param="filter[return_predictions]")
    list(yofi.extract("returns", prediction_filter=text).records())
    assert api.query["filter[return_predictions]"] == text[1:-1]


@pytest.mark.parametrize(
    ("resource", "options", "problem"),
    [
        ("claim", {}, "no resource 'claim'.*claims, customer_predictions, customers, notification_events"),
        ("customers", {"filters": "email!='x'"}, r"uses 'email!=', an operator.*Allowed: customer_id"),
        ("customers", {"filters": "state=='x'"}, r"uses 'state'.*Allowed: customer_id.*shows email=='…' in a sample"),
        ("customers", {"filters": "customer_id=in=(1)"}, "uses 'customer_id=in='"),
        ("returns", {"filters": "return_created_at_epoch>1"}, "uses 'return_created_at_epoch'.*order_id"),
        ("returns", {"filters": "state="}, "not RSQL"),
        ("returns", {"prediction_filter": "severity==high"}, "uses 'severity'.*predicted_value"),
        ("claims", {"prediction_filter": "predicted_value>1"}, "takes no prediction_filter"),
        ("claims", {"include": ["customer"]}, "no relation 'customer'.*Known: none"),
        ("returns", {"include": ["orders"]}, "no relation 'orders'.*Known: customer, order, return_predictions"),
        ("returns", {"fields": {"Claim": ["id"]}}, "no records of type 'Claim'.*EcommerceUnifiedReturn"),
        ("customers", {"sort": "customer_id"}, "can't be sorted"),
        ("returns", {"sort": "a b"}, "no field to sort by"),
        ("returns", {"match": {"email": ["x"]}}, "can't be matched on email.*order_id"),
        ("returns", {"match": {"order_id": "1"}}, "text instead of a list"),
        ("returns", {"match": {"order_id": ["1"], "state": ["x"]}}, "can't be matched on order_id and state"),
        ("claims", {"match": {"order_id": ["1"]}}, "nothing; give a time range"),
        ("claims", {"page_size": 0}, "page_size=0"),
        ("claims", {"since": SINCE, "walk_lookback": timedelta(days=1)}, "'walk_lookback' has no meaning for 'claims'"),
        ("returns", {"walk_lookback": timedelta(days=1)}, "'walk_lookback' has no meaning for 'returns' here"),
        ("returns", {"since": SINCE, "walk_lookback": -timedelta(days=1)}, "'walk_lookback' is negative"),
        ("return_predictions", {"prediction_filter": "severity==high"}, "uses 'severity'.*predicted_value"),
        ("return_predictions", {"include": ["return_predictions", "app"]}, "no relation 'app' to include"),
        ("return_predictions", {"include": []}, "consists of 'return_predictions', which must be included"),
        ("customer_predictions", {"prediction_filter": "email==x"}, "uses 'email'.*severity"),
        ("claims", {"since": "yesterdayish"}, "'since' is not a timestamp"),
    ],
)
def test_arguments_that_yofi_would_refuse_are_refused_before_a_request(
    resource: str, options: dict[str, Any], problem: str
) -> None:
    api = FakeYofiApi()

    with pytest.raises(ConfigurationError, match=problem):
        yofi_client(api).extract(resource, **options)
    assert api.requests == []


def test_ids_are_requested_in_batches_each_id_once() -> None:
    api = FakeYofiApi()
    ids = [str(number) for number in range(120)]

    extraction = yofi_client(api).extract("returns", match={"order_id": [*ids, "7", 7, None, ""]}, filters="state!=x")
    list(extraction.records())

    filters = [dict(parse_qsl(request.url.query.decode()))["filter"] for request in api.requests]
    assert [text.count("'") // 2 for text in filters] == [50, 50, 20]
    assert filters[0].startswith("state!=x;order_id=in=('0','1',")
    assert [segment.name for segment in extraction.segments][-1] == "returns by order_id, batch 3 of 3"


@pytest.mark.covers("yofi.customers.filter.customer_id", "yofi.customers.operator.eq")
def test_customers_are_matched_without_the_in_operator() -> None:
    api = FakeYofiApi()

    list(yofi_client(api).extract("customers", match={"customer_id": ["1", "2"]}).records())

    first = dict(parse_qsl(api.requests[0].url.query.decode()))
    assert first["filter"] == "customer_id=='1',customer_id=='2'"


def test_a_batch_of_long_ids_fits_into_a_url() -> None:
    api = FakeYofiApi()
    names = [f"#order-{'ü' * 50}-{number}" for number in range(40)]

    list(yofi_client(api).extract("returns", match={"order_name": names}).records())

    assert len(api.requests) > 1
    assert max(len(str(request.url)) for request in api.requests) < 5000


def test_no_ids_give_no_records_and_no_request() -> None:
    api = FakeYofiApi()

    extraction = yofi_client(api).extract("returns", match={"order_id": []})

    assert list(extraction.records()) == []
    assert api.requests == []


def test_the_fingerprint_depends_on_the_query_and_the_request_has_no_ids() -> None:
    yofi = yofi_client(FakeYofiApi())
    ids = {"customer_id": ["9876543210"]}

    first, same = (yofi.extract("returns", match=ids) for _ in range(2))
    others = [
        yofi.extract("returns", match={"customer_id": ["1"]}),
        yofi.extract("returns"),
        yofi.extract("returns", match=ids, include=[]),
        yofi.extract("returns", match=ids, page_size=10),
        yofi_client(FakeYofiApi(), shop="b.myshopify.com").extract("returns", match=ids),
    ]

    assert first.fingerprint == same.fingerprint
    assert len({first.fingerprint, *(extraction.fingerprint for extraction in others)}) == 6
    assert "9876543210" not in str(first.request)


@pytest.mark.parametrize(
    ("resource", "options", "reads_ahead"),
    [
        ("claims", {"since": SINCE, "until": UNTIL}, True),
        ("claims", {"since": SINCE}, False),
        ("claims", {"since": SINCE, "until": datetime.fromtimestamp(NOW + 60, UTC)}, False),
        ("returns", {}, False),
        ("returns", {"match": {"order_id": ["1"]}}, True),
    ],
)
def test_pages_are_read_ahead_only_if_no_new_record_can_shift_the_others(
    resource: str, options: dict[str, Any], reads_ahead: bool
) -> None:
    [segment] = yofi_client(FakeYofiApi()).extract(resource, **options).segments

    assert segment.predict_next({}) == ({"page": 2} if reads_ahead else None)
    assert segment.predict_next({"page": 3}) == ({"page": 4} if reads_ahead else None)
    assert segment.predict_next({"page": 2, "full": 10}) is None


def test_another_time_range_or_lookback_has_another_fingerprint() -> None:
    yofi = yofi_client(FakeYofiApi())
    extractions = [
        yofi.extract("returns"),
        yofi.extract("returns", since=SINCE),
        yofi.extract("returns", since=SINCE, until=UNTIL),
        yofi.extract("returns", since=SINCE, until=UNTIL, walk_lookback=timedelta(days=9)),
        yofi.extract("return_predictions", since=SINCE, until=UNTIL),
        yofi.extract("return_predictions", since=SINCE, until=UNTIL, prediction_filter="predicted_value>0.5"),
        yofi.extract("customer_predictions"),
        yofi.extract("customer_predictions", prediction_filter="predicted_value>0.5"),
    ]

    assert len({extraction.fingerprint for extraction in extractions}) == len(extractions)


@pytest.mark.covers("yofi.customers.filter.sample")
def test_the_filter_of_the_pages_own_sample_is_sent_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """``email=='…'`` is the page's sample for customers, but its list of selectors has no ``email``."""
    api = FakeYofiApi()
    with caplog.at_level(logging.WARNING):
        list(yofi_client(api).extract("customers", filters="email=='a@example.com'").records())
    assert api.query["filter"] == "email=='a@example.com'"
    (warning,) = caplog.records
    assert "shows a filter of 'customers' by email in a sample, but doesn't list it" in warning.getMessage()
    assert "example.com" not in warning.getMessage()


@pytest.mark.parametrize(
    ("resource", "filters"),
    [
        ("claims", "created_at_epoch>=1746757960"),
        ("returns", "order_id=='test'"),
        ("notification_events", "created_at>=2025-06-06T11:54:41Z"),
    ],
)
def test_the_other_samples_are_sent_as_they_are_printed(
    resource: str, filters: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = FakeYofiApi()
    list(yofi_client(api).extract(resource, filters=filters).records())
    assert api.query["filter"] == filters
    assert not caplog.records
