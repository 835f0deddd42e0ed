"""Yofi's client: what it asks, how it proves itself, and what it refuses to ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jwt
import pytest
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.rsql.expressions import field
from airflow_provider_partners.api.yofi.client import RESOURCES, YofiClient
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    NotFoundError,
    RejectedError,
    UnexpectedResponseError,
)

SECRET = "a-signing-secret-of-more-than-32-bytes"
SHOP = "a.myshopify.com"
NOW = 1_780_000_000.0
SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
FIRST, LAST = 1_777_593_600, 1_777_680_000


class Api:
    """Answers every request with one body, or by a function; remembers the requests."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = {"data": []} if answer is None else answer
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answer(request) if callable(self.answer) else self.answer
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    @property
    def query(self) -> dict[str, str]:
        """The last request's parameters."""
        return dict(parse_qsl(self.requests[-1].url.query.decode()))


def client(api: Callable[[httpx.Request], httpx.Response], **options: Any) -> YofiClient:
    given = {"secret": SECRET, "issuer": "partner-7", "subject": "svc-7", "shop": SHOP, "clock": TurningClock(NOW)}
    return YofiClient(
        **gather_options(handler=httpx.MockTransport(api), **{**given, "requests_per_second": 1000.0, **options})
    )


def claims_of(request: httpx.Request) -> dict[str, Any]:
    token = request.headers["authorization"].removeprefix("Bearer ")
    options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
    return jwt.decode(token, SECRET, algorithms=["HS256"], options=options)


# --- proving oneself


def test_the_service_account_signs_partner_wide_and_names_the_shop_in_headers() -> None:
    api = Api()

    list(client(api, organization_id="org-1").extract("claims").records())

    request = api.requests[0]
    claims = claims_of(request)
    assert {name: request.headers[name] for name in ("app_id", "partner_id", "organization_id")} == {
        "app_id": SHOP,
        "partner_id": "shopify",
        "organization_id": "org-1",
    }
    assert len(claims.pop("jti")) == 36
    assert claims == {
        "iss": "partner-7",
        "sub": "svc-7",
        "aud": ["yofi-public-api"],
        "client_id": "backend-service",
        "iat": NOW - 5,
        "exp": NOW + 300,
    }


def test_without_an_organization_no_such_header_is_sent() -> None:
    api = Api()

    list(client(api).extract("claims").records())

    assert "organization_id" not in api.requests[0].headers


def test_the_legacy_profile_signs_for_the_shop_and_sends_no_headers() -> None:
    api = Api()

    list(
        client(api, auth_profile="legacy", organization_id="org-1", shop=f"https://{SHOP}/").extract("claims").records()
    )

    request = api.requests[0]
    assert claims_of(request) == {
        "iss": "partner-7",
        "sub": SHOP,
        "aud": "Yofi",
        "org_id": "org-1",
        "iat": NOW - 5,
        "exp": NOW + 300,
    }
    assert not {"app_id", "partner_id", "organization_id"} & set(request.headers)


def test_a_token_is_signed_anew_before_it_expires_with_another_id() -> None:
    api, clock = Api(), TurningClock(NOW)
    yofi = client(api, clock=clock)

    for _ in range(3):
        list(yofi.extract("claims").records())
        clock.now += 200

    first, second, third = [claims_of(request)["jti"] for request in api.requests]
    assert first == second != third


def test_a_refused_token_is_replaced_once_and_then_told() -> None:
    api = Api(lambda request: httpx.Response(401, json={"message": "Unauthorized"}))

    with pytest.raises(AuthenticationError, match=r"Unauthorized.*Check secret, issuer, subject and auth_profile"):
        list(client(api).extract("claims").records())
    first, second = [claims_of(request)["jti"] for request in api.requests]
    assert first != second


def test_a_403_names_headers_that_proxies_drop() -> None:
    api = Api(lambda request: httpx.Response(403, json={"message": "Forbidden"}))

    with pytest.raises(AuthenticationError, match=r"Forbidden.*app_id and partner_id"):
        list(client(api).extract("claims").records())
    assert len(api.requests) == 1


@pytest.mark.parametrize("profile", ["service_account", "legacy"])
def test_no_token_of_one_shop_ever_serves_another(profile: str) -> None:
    api = Api()
    first = client(api, auth_profile=profile, organization_id="org-1")
    second = first.for_shop("https://B.myshopify.com")

    for yofi in (first, second, first):
        list(yofi.extract("claims").records())

    tokens = [request.headers["authorization"] for request in api.requests]
    assert tokens[0] == tokens[2] != tokens[1]
    assert (first.shop, second.shop) == (SHOP, "b.myshopify.com")
    shops = [request.headers.get("app_id") or claims_of(request)["sub"] for request in api.requests]
    assert shops == [SHOP, "b.myshopify.com", SHOP]
    assert second.stats is first.stats


def test_closing_a_shops_client_leaves_the_first_one_open() -> None:
    api = Api()
    first = client(api)
    with first.for_shop("b.myshopify.com") as second:
        list(second.extract("claims").records())

    list(first.extract("claims").records())

    assert len(api.requests) == 2


def test_the_apps_id_is_taken_for_a_shop_as_it_is() -> None:
    api = Api()

    list(client(api, shop="AppId-7").extract("claims").records())

    assert api.requests[0].headers["app_id"] == "AppId-7"


def test_every_token_is_told_before_it_is_used() -> None:
    told: list[str] = []
    api = Api()

    list(client(api, on_secret=told.append).extract("claims").records())

    assert told == [SECRET, api.requests[0].headers["authorization"].removeprefix("Bearer ")]


def test_neither_secret_nor_token_appears_in_a_repr_or_an_error() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"detail": f"{request.headers['authorization']} {SECRET}"})

    yofi = client(Api(echo))

    with pytest.raises(RejectedError) as caught:
        list(yofi.extract("claims", page_size=5).records())
    assert SECRET not in f"{caught.value}{yofi!r}{vars(yofi)!r}"
    assert "eyJ" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"subject": None}, "'service_account' needs subject"),
        ({"auth_profile": "legacy"}, "'legacy' needs organization_id"),
        ({"secret": "", "issuer": ""}, "needs secret and issuer"),
        ({"auth_profile": "oauth"}, "auth_profile='oauth' is unknown.*service_account, legacy"),
        ({"algorithm": "none"}, "algorithm='none' is unknown"),
        ({"token_ttl": 0}, "token_ttl=0"),
        ({"paths": {"return": "/x/"}}, "names 'return', which is no list.*claims, customers, returns"),
        ({"paths": {"returns": "x"}}, "path of 'returns' doesn't begin with a slash"),
        ({"paths": {"customer": "/ecommerce/customers/"}}, r"has no \{customer_id\} in it"),
    ],
)
def test_a_wrong_connection_is_refused_with_the_field(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        client(Api(), **options)


def test_without_a_shop_nothing_is_sent() -> None:
    api = Api()
    yofi = client(api, shop=None)

    with pytest.raises(ConfigurationError, match="no shop is named"):
        yofi.extract("claims")
    with pytest.raises(ConfigurationError, match="no shop is named"):
        yofi.ping()
    assert api.requests == []
    assert list(yofi.for_shop(SHOP).extract("claims").records()) == []


# --- what is asked


def test_all_known_fields_and_relations_are_asked_for() -> None:
    api = Api()

    list(client(api).extract("returns").records())

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
    api = Api()
    yofi = client(api)

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


def test_a_window_of_claims_is_asked_in_epoch_seconds() -> None:
    api = Api()

    extraction = client(api).extract("claims", since=SINCE, until="2026-05-02T00:00:00Z")
    list(extraction.records())

    assert api.query["filter"] == f"created_at_epoch>={FIRST};created_at_epoch<{LAST}"
    assert extraction.window is not None
    assert extraction.window.to_dict() == {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


def test_a_window_of_notification_events_is_asked_in_iso_time() -> None:
    api = Api()

    list(client(api).extract("notification_events", since=SINCE, until=UNTIL).records())

    assert api.query["filter"] == "created_at>=2026-05-01T00:00:00Z;created_at<2026-05-02T00:00:00Z"
    assert api.requests[0].url.path == "/ecommerce/notification-events/"


def test_windows_that_touch_within_a_second_share_nothing_and_leave_nothing_out() -> None:
    api = Api()
    yofi, border = client(api), datetime(2026, 5, 1, 12, 0, 0, 500_000, tzinfo=UTC)

    list(yofi.extract("claims", since=SINCE, until=border).records())
    upper = api.query["filter"].rpartition("<")[2]
    list(yofi.extract("claims", since=border, until=UNTIL).records())
    lower = api.query["filter"].partition(">=")[2].partition(";")[0]

    assert upper == lower == str(FIRST + 12 * 3600 + 1)


def test_a_filter_joins_the_window() -> None:
    api = Api()

    list(client(api).extract("claims", since=SINCE, filters="created_at_epoch!=5,created_at_epoch!=6").records())

    assert api.query["filter"] == f"created_at_epoch>={FIRST};(created_at_epoch!=5,created_at_epoch!=6)"


@pytest.mark.parametrize("resource", ["customers", "customer_predictions"])
def test_lists_without_a_time_filter_say_so_and_what_to_do(resource: str) -> None:
    with pytest.raises(ConfigurationError, match=r"can't be asked for by time.*match=.*leave the window out"):
        client(Api()).extract(resource, since=SINCE, until=UNTIL)
    assert RESOURCES[resource].time_field is None


def test_every_reserved_character_of_the_query_is_percent_encoded() -> None:
    api = Api()
    wanted = field("order_name") == "#1001; a+b 'c' & d=e"

    list(client(api).extract("returns", filters=wanted).records())

    raw = api.requests[0].url.query.decode()
    assert not set(raw) & set(";+'\" ()<>[]#")
    assert api.query["filter"] == "order_name=='#1001; a+b \\'c\\' & d=e'"
    assert "page%5Bsize%5D=100" in raw


def test_the_second_filter_goes_by_a_parameter_that_can_be_renamed() -> None:
    wanted = "(prediction_category==drop_off_fraud;predicted_value>0.9)"
    api = Api()

    list(client(api).extract("returns", prediction_filter=wanted).records())
    assert api.query["filter[EcommerceUnifiedReturnPrediction]"] == wanted[1:-1]

    yofi = client(api, prediction_filter_param="filter[return_predictions]")
    list(yofi.extract("returns", prediction_filter=wanted).records())
    assert api.query["filter[return_predictions]"] == wanted[1:-1]


@pytest.mark.parametrize(
    ("resource", "options", "named"),
    [
        ("claim", {}, "no resource 'claim'.*claims, customer_predictions, customers, notification_events"),
        ("customers", {"filter": "email=='x'"}, r"uses 'email'.*Allowed: customer_id.*shows a filter by email"),
        ("customers", {"filter": "customer_id=in=(1)"}, "uses 'customer_id=in='"),
        ("returns", {"filter": "return_created_at_epoch>1"}, "uses 'return_created_at_epoch'.*order_id"),
        ("returns", {"filter": "state="}, "not RSQL"),
        ("returns", {"prediction_filter": "severity==high"}, "uses 'severity'.*predicted_value"),
        ("claims", {"prediction_filter": "predicted_value>1"}, "takes no prediction_filter"),
        ("claims", {"include": ["customer"]}, "no relation 'customer'.*Known: none"),
        ("returns", {"include": ["orders"]}, "no relation 'orders'.*Known: customer, order, return_predictions"),
        ("returns", {"fields": {"Claim": ["id"]}}, "no records of type 'Claim'.*EcommerceUnifiedReturn"),
        ("customers", {"sort": "customer_id"}, "can't be sorted"),
        ("returns", {"sort": "a b"}, "nothing to sort by"),
        ("returns", {"match": {"email": ["x"]}}, "can't be matched on email.*order_id"),
        ("returns", {"match": {"order_id": "1"}}, "text instead of a list"),
        ("returns", {"match": {"order_id": ["1"], "state": ["x"]}}, "can't be matched on order_id and state"),
        ("claims", {"match": {"order_id": ["1"]}}, "nothing; give a window"),
        ("claims", {"page_size": 0}, "page_size=0"),
        ("claims", {"since": SINCE, "walk_lookback": timedelta(days=1)}, "'walk_lookback' has no meaning for 'claims'"),
        ("returns", {"walk_lookback": timedelta(days=1)}, "'walk_lookback' has no meaning for 'returns' here"),
        ("returns", {"since": SINCE, "walk_lookback": -timedelta(days=1)}, "'walk_lookback' is negative"),
        ("return_predictions", {"prediction_filter": "severity==high"}, "uses 'severity'.*predicted_value"),
        ("return_predictions", {"include": ["return_predictions", "app"]}, "no relation 'app' to include"),
        ("return_predictions", {"include": []}, "made of 'return_predictions', which has to be included"),
        ("customer_predictions", {"prediction_filter": "email==x"}, "uses 'email'.*severity"),
        ("claims", {"since": "yesterdayish"}, "'since' is not a timestamp"),
    ],
)
def test_what_yofi_would_refuse_is_refused_before_it_is_sent(
    resource: str, options: dict[str, Any], named: str
) -> None:
    api = Api()

    with pytest.raises(ConfigurationError, match=named):
        client(api).extract(resource, **options)
    assert api.requests == []


# --- known ids


def test_known_ids_are_asked_for_in_batches_each_id_once() -> None:
    api = Api()
    ids = [str(number) for number in range(120)]

    extraction = client(api).extract("returns", match={"order_id": [*ids, "7", 7, None, ""]}, filters="state!=x")
    list(extraction.records())

    filters = [dict(parse_qsl(request.url.query.decode()))["filter"] for request in api.requests]
    assert [text.count("'") // 2 for text in filters] == [50, 50, 20]
    assert filters[0].startswith("state!=x;order_id=in=('0','1',")
    assert [segment.name for segment in extraction.segments][-1] == "returns by order_id, batch 3 of 3"


def test_customers_are_matched_without_the_in_operator() -> None:
    api = Api()

    list(client(api).extract("customers", match={"customer_id": ["1", "2"]}).records())

    first = dict(parse_qsl(api.requests[0].url.query.decode()))
    assert first["filter"] == "customer_id=='1',customer_id=='2'"


def test_a_batch_of_long_ids_stays_within_what_a_url_can_carry() -> None:
    api = Api()
    names = [f"#order-{'ü' * 50}-{number}" for number in range(40)]

    list(client(api).extract("returns", match={"order_name": names}).records())

    assert len(api.requests) > 1
    assert max(len(str(request.url)) for request in api.requests) < 5000


def test_no_ids_give_no_rows_and_no_request() -> None:
    api = Api()

    extraction = client(api).extract("returns", match={"order_id": []})

    assert list(extraction.records()) == []
    assert api.requests == []


def test_the_fingerprint_knows_the_question_but_holds_no_ids() -> None:
    yofi = client(Api())
    ids = {"customer_id": ["9876543210"]}

    first, same = (yofi.extract("returns", match=ids) for _ in range(2))
    others = [
        yofi.extract("returns", match={"customer_id": ["1"]}),
        yofi.extract("returns"),
        yofi.extract("returns", match=ids, include=[]),
        yofi.extract("returns", match=ids, page_size=10),
        yofi.for_shop("b.myshopify.com").extract("returns", match=ids),
    ]

    assert first.fingerprint == same.fingerprint
    assert len({first.fingerprint, *(one.fingerprint for one in others)}) == 6
    assert "9876543210" not in str(first.request)


@pytest.mark.parametrize(
    ("resource", "options", "ahead"),
    [
        ("claims", {"since": SINCE, "until": UNTIL}, True),
        ("claims", {"since": SINCE}, False),
        ("claims", {"since": SINCE, "until": datetime.fromtimestamp(NOW + 60, UTC)}, False),
        ("returns", {}, False),
        ("returns", {"match": {"order_id": ["1"]}}, True),
    ],
)
def test_pages_are_read_ahead_only_where_no_row_can_shift_the_others(
    resource: str, options: dict[str, Any], ahead: bool
) -> None:
    [segment] = client(Api()).extract(resource, **options).segments

    assert segment.predict_next({}) == ({"page": 2} if ahead else None)
    assert segment.predict_next({"page": 3}) == ({"page": 4} if ahead else None)
    assert segment.predict_next({"page": 2, "full": 10}) is None


# --- one customer


def test_one_customer_is_read_with_its_predictions() -> None:
    linkage = {"customer_predictions": {"data": [{"type": "EcommerceCustomerPrediction", "id": "p"}]}}
    customer = {"type": "EcommerceCustomer", "id": "e-1", "attributes": {"customer_id": "77"}, "relationships": linkage}
    prediction = {"type": "EcommerceCustomerPrediction", "id": "p", "attributes": {"severity": "high"}}
    api = Api({"data": customer, "included": [prediction]})

    found = client(api).customer("77/8")

    assert found is not None
    assert found["customer_predictions"] == [{**prediction["attributes"], "id": "p", "type": prediction["type"]}]
    assert api.requests[0].url.raw_path.startswith(b"/ecommerce/customers/77%2F8?")
    assert set(api.query) == {"include", "fields[EcommerceCustomer]", "fields[EcommerceCustomerPrediction]"}


def test_one_customer_may_come_in_a_list() -> None:
    one = {"type": "EcommerceCustomer", "id": "e-1", "attributes": {"customer_id": "77"}}
    two = {"type": "EcommerceCustomer", "id": "e-2", "attributes": {"customer_id": "78"}}

    assert client(Api({"trace_id": "x", "data": [one]})).customer(77)["id"] == "e-1"  # type: ignore[index]
    assert client(Api({"data": [one, two]})).customer(78)["id"] == "e-2"  # type: ignore[index]
    assert client(Api({"data": []})).customer(77) is None
    with pytest.raises(UnexpectedResponseError, match="asked for one customer, got 2"):
        client(Api({"data": [one, two]})).customer(99)


def test_an_unknown_customer_is_none() -> None:
    assert client(Api(lambda request: httpx.Response(404, json={"detail": "Not Found"}))).customer("1") is None


def test_a_list_that_is_not_found_names_the_extra_to_set() -> None:
    api = Api(lambda request: httpx.Response(404, json={"detail": "Not Found"}))

    with pytest.raises(NotFoundError, match="extra 'paths'"):
        list(client(api).extract("returns").records())


def test_paths_can_be_overridden() -> None:
    api = Api()
    yofi = client(api, paths={"returns": "/v2/returns", "customer": "/v2/customer/{customer_id}/"})

    list(yofi.extract("returns").records())
    yofi.customer(5)

    assert [request.url.path for request in api.requests] == ["/v2/returns", "/v2/customer/5/"]


def test_a_ping_reads_one_claim_and_says_how_many_there_are() -> None:
    api = Api({"data": [], "meta": {"page": {"totalRecords": 3}}})

    assert client(api).ping() == f"Yofi answers for {SHOP} with the service_account profile. 3 claims."
    assert api.query["page[size]"] == "1"
