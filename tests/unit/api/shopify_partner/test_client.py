"""The Partner API client: windows, types, pages, tokens, throttling, and the shops that have an app."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from clocks import TurningClock

from airflow_provider_partners.api.shopify_partner.client import RESOURCES, ShopifyPartnerClient
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, PagingError, TransientError

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
APP = "gid://partners/App/7"


class Api:
    """Answers with what it is given, in turn; the last one stays."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    @property
    def variables(self) -> list[dict]:
        return [json.loads(request.content)["variables"] for request in self.requests]


def client(api: Api, **options: object) -> ShopifyPartnerClient:
    given = {"organization_id": "1234", "access_token": "prtapi_first", **options}
    return ShopifyPartnerClient(handler=httpx.MockTransport(api), clock=TurningClock(NOW.timestamp()), **given)  # type: ignore[arg-type]


def connection(*nodes: dict, more: bool = False) -> dict:
    edges = [{"cursor": f"c{number}", "node": node} for number, node in enumerate(nodes)]
    return {"pageInfo": {"hasNextPage": more}, "edges": edges}


def transactions(*nodes: dict, more: bool = False) -> dict:
    return {"data": {"transactions": connection(*nodes, more=more)}}


def app_events(*nodes: dict, more: bool = False) -> dict:
    return {"data": {"app": {"events": connection(*nodes, more=more)}}}


def sale(number: int, at: str = "2026-05-01T10:00:00.000000Z", **fields: object) -> dict:
    return {
        "__typename": "AppSubscriptionSale",
        "id": f"gid://partners/AppSubscriptionSale/{number}",
        "createdAt": at,
    } | (fields)


def event(kind: str, at: str, shop: str = "a.myshopify.com", **fields: object) -> dict:
    return {
        "__typename": "RelationshipInstalled",
        "type": f"RELATIONSHIP_{kind}",
        "occurredAt": at,
        "app": {"id": APP, "name": "App"},
        "shop": {"id": "gid://partners/Shop/1", "name": "A", "myshopifyDomain": shop},
        **fields,
    }


def test_a_document_goes_to_the_organization_and_version_with_the_token() -> None:
    api = Api(transactions())
    list(client(api, locale="de").extract("transactions", since=SINCE, until=UNTIL).records())
    (request,) = api.requests
    assert str(request.url) == "https://partners.shopify.com/1234/api/2026-07/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "prtapi_first"
    assert request.headers["Accept-Language"] == "de"
    assert request.headers["Content-Type"] == "application/json"


def test_the_base_url_may_have_a_prefix() -> None:
    api = Api(transactions())
    list(client(api, base_url="http://127.0.0.1:9/partner").extract("transactions").records())
    assert str(api.requests[0].url) == "http://127.0.0.1:9/partner/1234/api/2026-07/graphql.json"


def test_a_window_is_sent_as_inclusive_bounds_to_the_microsecond() -> None:
    api = Api(transactions())
    list(client(api).extract("transactions", since=SINCE, until=UNTIL).records())
    assert api.variables[0]["createdAtMin"] == "2026-05-01T00:00:00.000000Z"
    assert api.variables[0]["createdAtMax"] == "2026-05-02T00:00:00.000000Z"
    assert api.variables[0]["first"] == 100


def test_the_last_moment_belongs_to_the_next_window() -> None:
    api = Api(
        transactions(
            sale(1, "2026-05-01T00:00:00Z"),
            sale(2, "2026-05-01T23:59:59.999999Z"),
            sale(3, "2026-05-02T00:00:00.000000Z"),
            sale(4, "2026-05-02T00:00:00Z"),
        )
    )
    rows = client(api).extract("transactions", since=SINCE, until=UNTIL).records()
    assert [row["id"].rpartition("/")[2] for row in rows] == ["1", "2"]


def test_the_upper_bound_is_frozen_for_all_pages() -> None:
    api = Api(transactions(sale(1), more=True), transactions(sale(2)))
    asking = client(api)
    extraction = asking.extract("transactions", since=SINCE)
    asking._clock.sleep(3_600)
    list(extraction.records())
    assert [variables["createdAtMax"] for variables in api.variables] == ["2026-06-01T12:00:00.000000Z"] * 2


def test_pages_go_on_from_the_last_edge() -> None:
    api = Api(transactions(sale(1), sale(2), more=True), transactions(sale(3)))
    rows = list(client(api).extract("transactions", since=SINCE, until=UNTIL).records())
    assert len(rows) == 3
    assert [variables.get("after") for variables in api.variables] == [None, "c1"]


def test_an_empty_page_that_says_more_remain_is_an_error() -> None:
    with pytest.raises(PagingError, match="empty page"):
        list(client(Api(transactions(more=True))).extract("transactions", since=SINCE, until=UNTIL).records())


def test_an_unknown_type_of_transaction_passes_through() -> None:
    new = {"__typename": "FutureSale", "id": "gid://partners/FutureSale/1", "createdAt": "2026-05-01T01:00:00Z"}
    assert list(client(Api(transactions(new))).extract("transactions", since=SINCE, until=UNTIL).records()) == [new]


def test_an_aliased_field_gets_its_own_name_back() -> None:
    referral = {"__typename": "ReferralTransaction", "id": "r", "createdAt": "2026-05-01T01:00:00Z"}
    shop = {"id": "gid://partners/Shop/1", "myshopifyDomain": "a.myshopify.com"}
    (row,) = client(Api(transactions({**referral, "referralShop": shop}))).extract("transactions").records()
    assert row == {**referral, "shop": shop}


def test_filters_are_sent_as_the_api_names_them() -> None:
    api = Api(transactions())
    extraction = client(api).extract(
        "transactions", types=["app_sale_credit", "TAX"], app_id=7, shop="https://A.myshopify.com/", shop_id="5"
    )
    list(extraction.records())
    assert api.variables[0]["types"] == ["APP_SALE_CREDIT", "TAX"]
    assert api.variables[0]["appId"] == APP
    assert api.variables[0]["myshopifyDomain"] == "a.myshopify.com"
    assert api.variables[0]["shopId"] == "gid://partners/Shop/5"


@pytest.mark.parametrize("types", ["SUBSCRIPTION", ["TAX", "SUBSCRIPTION"], [], ""])
def test_unknown_types_are_refused_with_the_known_ones(types: object) -> None:
    with pytest.raises(ConfigurationError, match="APP_SUBSCRIPTION_SALE"):
        client(Api({})).extract("transactions", types=types)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, False), (0, False)])
def test_a_page_of_transactions_has_at_most_a_hundred_rows(size: int, fits: bool) -> None:
    if fits:
        client(Api({})).extract("transactions", page_size=size)
    else:
        with pytest.raises(ConfigurationError, match="page_size"):
            client(Api({})).extract("transactions", page_size=size)


def test_app_events_need_an_app() -> None:
    with pytest.raises(ConfigurationError, match="'app_id'"):
        client(Api({})).extract("app_events")


def test_an_unknown_app_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"'app' is null.*|Manage apps"):
        list(client(Api({"data": {"app": None}})).extract("app_events", app_id=7).records())


def test_app_events_are_told_apart_by_their_charge() -> None:
    charge = {"__typename": "SubscriptionChargeActivated", "type": "SUBSCRIPTION_CHARGE_ACTIVATED"}
    rows = [
        event("INSTALLED", "2026-05-01T01:00:00Z"),
        event("INSTALLED", "2026-05-01T01:00:00Z") | charge | {"charge": {"id": "gid://shopify/AppSubscription/1"}},
        event("INSTALLED", "2026-05-01T01:00:00Z") | charge | {"charge": {"id": "gid://shopify/AppSubscription/2"}},
        event("INSTALLED", "2026-05-01T01:00:00Z") | charge | {"charge": {"id": "gid://shopify/AppSubscription/2"}},
    ]
    found = list(client(Api(app_events(*rows))).extract("app_events", app_id=7).records())
    assert [row["chargeId"].rpartition("/")[2] for row in found] == ["", "1", "2"]


def test_app_events_are_sifted_by_shop_here_since_the_api_cannot() -> None:
    rows = [event("INSTALLED", f"2026-05-01T0{n}:00:00Z", shop=f"{s}.myshopify.com") for n, s in enumerate("aba")]
    api = Api(app_events(*rows))
    found = list(client(api).extract("app_events", app_id=7, shop="a").records())
    assert [row["occurredAt"][11:13] for row in found] == ["00", "02"]
    assert "myshopifyDomain" not in api.variables[0]


def test_events_are_filtered_in_their_own_namespace() -> None:
    api = Api({"data": {"events": connection()}})
    list(
        client(api)
        .extract("events", since=SINCE, until=UNTIL, app_id=7, shop_id=5, types="relationship_installed")
        .records()
    )
    assert api.variables[0]["filter"] == {
        "occurredAtMin": "2026-05-01T00:00:00.000000Z",
        "occurredAtMax": "2026-05-02T00:00:00.000000Z",
        "eventTypes": ["RELATIONSHIP_INSTALLED"],
        "subjectId": "gid://shopify/App/7",
        "shopId": "gid://shopify/Shop/5",
    }
    assert api.variables[0]["first"] == 250


def test_events_do_not_take_ids_of_the_other_namespace() -> None:
    with pytest.raises(ConfigurationError, match="gid://shopify/App/<number>"):
        client(Api({})).extract("events", since=SINCE, app_id=APP)


def test_events_need_a_beginning() -> None:
    with pytest.raises(ConfigurationError, match="last 30 days"):
        client(Api({})).extract("events")


def test_events_of_a_shop_need_the_app() -> None:
    with pytest.raises(ConfigurationError, match="only together with 'app_id'"):
        client(Api({})).extract("events", since=SINCE, shop_id=5)


def test_a_long_window_of_events_is_read_in_years_without_gap_or_overlap() -> None:
    api = Api({"data": {"events": connection()}})
    since = datetime(2023, 1, 1, tzinfo=UTC)
    list(client(api).extract("events", since=since, until=UNTIL).records())
    spans = [
        tuple(datetime.fromisoformat(variables["filter"][name]) for name in ("occurredAtMin", "occurredAtMax"))
        for variables in api.variables
    ]
    assert len(spans) == 4
    assert (spans[0][0], spans[-1][1]) == (since, UNTIL)
    assert all(end == begin for (_, end), (begin, _) in pairwise(spans))
    assert all(end - begin <= timedelta(days=365) for begin, end in spans)


def test_an_event_at_the_edge_of_two_queries_comes_once() -> None:
    edge = {
        "id": "e",
        "__typename": "Relationship",
        "occurredAt": "2026-01-01T00:00:00Z",
        "relationshipState": "INSTALLED",
    }
    api = Api({"data": {"events": connection(edge)}})
    rows = list(client(api).extract("events", since=datetime(2025, 1, 1, tzinfo=UTC), until=UNTIL).records())
    assert len(api.requests) == 2
    assert [row["state"] for row in rows] == ["INSTALLED"]


def test_the_second_token_is_tried_when_the_first_is_refused_and_stays() -> None:
    refused = httpx.Response(401, json={"errors": [{"message": "Invalid access token", "extensions": {"code": "401"}}]})
    api = Api(refused, transactions(sale(1), more=True), transactions(sale(2)))
    list(client(api, secondary_access_token="prtapi_second").extract("transactions").records())
    tokens = [request.headers["X-Shopify-Access-Token"] for request in api.requests]
    assert tokens == ["prtapi_first", "prtapi_second", "prtapi_second"]


@pytest.mark.parametrize("status", [200, 401])
def test_a_refused_token_says_what_to_check(status: int) -> None:
    body = {"errors": [{"message": "Invalid access token", "extensions": {"code": "401"}}]}
    with pytest.raises(AuthenticationError, match="belongs to this organization") as caught:
        list(client(Api(httpx.Response(status, json=body))).extract("transactions").records())
    assert "prtapi_first" not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Access denied for transactions field.", "extensions": {"code": "ACCESS_DENIED"}},
        {"message": "You do not have permission to access transactions"},
        {"message": "Forbidden", "extensions": {"code": "403"}},
    ],
)
def test_a_missing_permission_names_those_that_there_are(error: dict) -> None:
    with pytest.raises(AuthenticationError, match="View financials"):
        list(client(Api({"errors": [error], "data": None})).extract("transactions").records())


@pytest.mark.parametrize("status", [200, 404])
def test_an_unknown_version_or_organization_says_which_to_check(status: int) -> None:
    body = {"errors": [{"message": "Invalid API version", "extensions": {"code": "404"}}]}
    with pytest.raises(ConfigurationError, match="'api_version' and 'organization_id'"):
        list(client(Api(httpx.Response(status, json=body))).extract("transactions").records())


@pytest.mark.parametrize(
    "throttled",
    [
        httpx.Response(429, json={"errors": [{"message": "Too many requests", "extensions": {"code": "429"}}]}),
        httpx.Response(200, json={"errors": [{"message": "Too many requests", "extensions": {"code": "429"}}]}),
        httpx.Response(200, json={"errors": [{"message": "Too many requests"}]}),
        httpx.Response(200, json={"errors": "Too many requests"}),
    ],
)
def test_throttling_is_waited_out_in_each_of_its_forms(throttled: httpx.Response) -> None:
    api = Api(throttled, transactions(sale(1)))
    asking = client(api)
    assert len(list(asking.extract("transactions").records())) == 1
    assert asking.stats.snapshot()["throttled"] == 1
    assert asking.stats.snapshot()["waited"] > 0


def test_an_internal_error_on_a_successful_answer_is_retried() -> None:
    body = {"errors": [{"message": "Internal error. Looks like something went wrong on our end.\nRequest ID: x"}]}
    api = Api(body, transactions(sale(1)))
    assert len(list(client(api).extract("transactions").records())) == 1


def test_an_internal_error_that_stays_is_transient() -> None:
    body = {"errors": [{"message": "Internal error.", "extensions": {"code": "500"}}]}
    with pytest.raises(TransientError, match="Internal error"):
        list(client(Api(body)).extract("transactions").records())


def test_an_error_of_a_resolver_without_extensions_is_told() -> None:
    body = {
        "errors": [{"message": "App not found", "path": ["activeSubscription"]}],
        "data": {"activeSubscription": None},
    }
    with pytest.raises(ConfigurationError, match="App not found"):
        list(client(Api(body)).extract("transactions").records())


def test_requests_keep_below_four_a_second() -> None:
    pages = [transactions(sale(number), more=True) for number in range(20)]
    for number, page in enumerate(pages):
        page["data"]["transactions"]["edges"][0]["cursor"] = f"c{number}"
    api = Api(*pages, transactions(sale(99)))
    asking = client(api)
    begun = asking._clock.monotonic()
    list(asking.extract("transactions").records())
    assert (len(api.requests) - 1) / (asking._clock.monotonic() - begun) <= 4


def test_the_same_question_has_the_same_fingerprint_and_another_one_another() -> None:
    def fingerprint(**asked: object) -> str:
        given = {"since": SINCE, "until": UNTIL, **asked}
        return client(Api({})).extract("transactions", **given).fingerprint  # type: ignore[arg-type]

    assert fingerprint() == fingerprint()
    assert fingerprint(types=["TAX", "LEGACY"]) == fingerprint(types="legacy,tax")
    others = [{}, {"types": "TAX"}, {"shop": "a"}, {"app_id": 1}, {"until": NOW}]
    assert len({fingerprint(**asked) for asked in others}) == len(others)


def test_an_unknown_resource_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="app_events, conversations, events, jobs, messages, transactions"):
        client(Api({})).extract("orders")


@pytest.mark.parametrize("organization", ["", "abc", "12/34"])
def test_an_organization_is_a_number(organization: str) -> None:
    with pytest.raises(ConfigurationError, match="organization_id"):
        client(Api({}), organization_id=organization)


def test_ping_names_the_versions() -> None:
    versions = [{"handle": "2026-07", "supported": True}, {"handle": "unstable", "supported": False}]
    told = client(Api({"data": {"publicApiVersions": versions}})).ping()
    assert told == "Organization 1234 answers, asked for version 2026-07; supported: 2026-07."


QUERY = """query Plans($appId: ID!, $first: Int!, $after: String) {
  app(id: $appId) { events(first: $first, after: $after) {
    pageInfo { hasNextPage } edges { cursor node { id name } } } } }"""


def test_any_document_with_a_connection_is_walked() -> None:
    api = Api(app_events({"id": "1"}, more=True), app_events({"id": "2"}))
    extraction = client(api).query(QUERY, variables={"appId": APP}, connection="app.events", page_size=5)
    assert list(extraction.records()) == [{"id": "1"}, {"id": "2"}]
    assert api.variables == [{"appId": APP, "first": 5}, {"appId": APP, "first": 5, "after": "c0"}]


def test_a_document_without_a_size_variable_is_sent_none() -> None:
    api = Api(app_events({"id": "1"}))
    document = QUERY.replace("$first: Int!, ", "").replace("first: $first", "first: 7")
    list(client(api).query(document, variables={"appId": APP}, connection="app.events").records())
    assert api.variables == [{"appId": APP}]


def test_a_document_that_cannot_be_walked_is_refused_before_it_is_sent() -> None:
    api = Api({})
    with pytest.raises(ConfigurationError, match=r"\$after"):
        client(api).query(QUERY.replace(", $after: String", ""), connection="app.events")
    assert not api.requests


def test_a_wrong_path_to_the_connection_says_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"has no 'app.sales', it holds events"):
        list(client(Api(app_events())).query(QUERY, connection="app.sales").records())


def test_a_path_that_ends_before_the_connection_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is no connection"):
        list(client(Api(app_events())).query(QUERY, connection="app").records())


def test_rows_of_a_users_query_keep_their_fields() -> None:
    (row,) = client(Api(app_events({"referralShop": 1}))).query(QUERY, connection="app.events", key=()).records()
    assert row == {"referralShop": 1}


def test_installed_shops_are_replayed_up_to_a_moment() -> None:
    history = [
        event("UNINSTALLED", "2026-05-03T00:00:00Z"),
        event("UNINSTALLED", "2026-05-02T00:00:00Z"),
        event("INSTALLED", "2026-05-01T00:00:00Z"),
    ]
    api = Api(app_events(*history))
    (shop,) = client(api).installed_shops(APP, until=UNTIL)
    assert shop == {
        "shop": "a.myshopify.com",
        "shop_id": "gid://partners/Shop/1",
        "name": "A",
        "installed": True,
        "since": "2026-05-01T00:00:00Z",
        "state": "INSTALLED",
    }
    assert api.variables[0]["types"] == [
        "RELATIONSHIP_DEACTIVATED", "RELATIONSHIP_INSTALLED", "RELATIONSHIP_REACTIVATED", "RELATIONSHIP_UNINSTALLED",
    ]  # fmt: skip
    assert "occurredAtMin" not in api.variables[0]


def test_every_list_is_declared_with_its_key_and_its_time() -> None:
    assert {name: (resource.key, resource.time_field) for name, resource in RESOURCES.items()} == {
        "transactions": (("id",), "createdAt"),
        "app_events": (("app.id", "type", "occurredAt", "shop.id", "chargeId"), "occurredAt"),
        "events": (("id",), "occurredAt"),
        "jobs": (("id",), "lastEventAt"),
        "conversations": (("id",), "lastEventAt"),
        "messages": (("id",), "sentAt"),
    }
