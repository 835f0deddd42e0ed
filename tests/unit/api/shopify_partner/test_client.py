"""The Partner API client: time ranges, types, pages, tokens, throttling, and the shops that have an app."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.shopify_partner.client import RESOURCES, ShopifyPartnerClient
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PagingError,
    TransientError,
    UnknownOutcomeError,
)

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
APP = "gid://partners/App/7"


class FakePartnerApi:
    """Returns the given answers in turn, and then the last one again."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    @property
    def variables(self) -> list[dict]:
        return [json.loads(request.content)["variables"] for request in self.requests]


def make_client(api: FakePartnerApi, **options: object) -> ShopifyPartnerClient:
    given = {"organization_id": "1234", "access_token": "prtapi_first", **options}
    return ShopifyPartnerClient(
        **gather_options(handler=httpx.MockTransport(api), clock=TurningClock(NOW.timestamp()), **given)
    )


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


def test_a_page_that_takes_too_long_is_halved_and_stays_small() -> None:
    # Code 500 with HTTP 200: https://shopify.dev/docs/api/partner#status-and-error-codes.
    slow = {"errors": [{"message": "Internal error. Looks like something went wrong.", "extensions": {"code": "500"}}]}
    api = FakePartnerApi(slow, slow, transactions(sale(1), more=True), transactions(sale(2)))
    assert len(list(make_client(api).extract("transactions", since=SINCE, until=UNTIL).records())) == 2
    assert [variables["first"] for variables in api.variables] == [100, 100, 50, 50]


@pytest.mark.parametrize("code", ["408", "429", "430", "500", "502", "503", "504"])
def test_a_passing_status_in_a_code_is_retried(code: str) -> None:
    # Codes are HTTP numbers as text, often with HTTP 200: https://shopify.dev/docs/api/partner#status-and-error-codes.
    refused = {"errors": [{"message": "…", "extensions": {"code": code}}]}
    assert list(
        make_client(FakePartnerApi(refused, transactions(sale(1)))).extract("transactions", since=SINCE).records()
    )


@pytest.mark.covers("shopify.auth.endpoint", "shopify.auth.token", "shopify.request.locale", "shopify.request.json")
def test_a_document_goes_to_the_organization_and_version_with_the_token() -> None:
    api = FakePartnerApi(transactions())
    list(make_client(api, locale="de").extract("transactions", since=SINCE, until=UNTIL).records())
    (request,) = api.requests
    assert str(request.url) == "https://partners.shopify.com/1234/api/2026-07/graphql.json"
    assert request.headers["X-Shopify-Access-Token"] == "prtapi_first"
    assert request.headers["Accept-Language"] == "de"
    assert request.headers["Content-Type"] == "application/json"


def test_the_base_url_may_have_a_prefix() -> None:
    api = FakePartnerApi(transactions())
    list(make_client(api, base_url="http://127.0.0.1:9/partner").extract("transactions").records())
    assert str(api.requests[0].url) == "http://127.0.0.1:9/partner/1234/api/2026-07/graphql.json"


@pytest.mark.covers("shopify.transactions.bounds")
def test_a_window_is_sent_as_inclusive_bounds_to_the_microsecond() -> None:
    api = FakePartnerApi(transactions())
    list(make_client(api).extract("transactions", since=SINCE, until=UNTIL).records())
    assert api.variables[0]["createdAtMin"] == "2026-05-01T00:00:00.000000Z"
    assert api.variables[0]["createdAtMax"] == "2026-05-02T00:00:00.000000Z"
    assert api.variables[0]["first"] == 100


def test_bounds_may_be_iso_text() -> None:
    api = FakePartnerApi(transactions())
    list(make_client(api).extract("transactions", since="2026-05-01", until="2026-05-02T00:00:00+00:00").records())
    assert api.variables[0]["createdAtMin"] == "2026-05-01T00:00:00.000000Z"
    assert api.variables[0]["createdAtMax"] == "2026-05-02T00:00:00.000000Z"


def test_a_record_at_the_exact_end_belongs_to_the_next_window() -> None:
    api = FakePartnerApi(
        transactions(
            sale(1, "2026-05-01T00:00:00Z"),
            sale(2, "2026-05-01T23:59:59.999999Z"),
            sale(3, "2026-05-02T00:00:00.000000Z"),
            sale(4, "2026-05-02T00:00:00Z"),
        )
    )
    records = make_client(api).extract("transactions", since=SINCE, until=UNTIL).records()
    assert [record["id"].rpartition("/")[2] for record in records] == ["1", "2"]


def test_all_pages_use_the_same_upper_bound() -> None:
    api = FakePartnerApi(transactions(sale(1), more=True), transactions(sale(2)))
    client = make_client(api)
    extraction = client.extract("transactions", since=SINCE)
    client._clock.sleep(3_600)
    list(extraction.records())
    assert [variables["createdAtMax"] for variables in api.variables] == ["2026-06-01T12:00:00.000000Z"] * 2


@pytest.mark.covers("shopify.page.after", "shopify.page.hasNextPage", "shopify.page.edges")
def test_the_next_page_begins_after_the_last_edge() -> None:
    api = FakePartnerApi(transactions(sale(1), sale(2), more=True), transactions(sale(3)))
    records = list(make_client(api).extract("transactions", since=SINCE, until=UNTIL).records())
    assert len(records) == 3
    assert [variables.get("after") for variables in api.variables] == [None, "c1"]


def test_an_empty_page_that_announces_more_records_is_an_error() -> None:
    with pytest.raises(PagingError, match="empty page"):
        list(
            make_client(FakePartnerApi(transactions(more=True)))
            .extract("transactions", since=SINCE, until=UNTIL)
            .records()
        )


def test_an_unknown_type_of_transaction_passes_through() -> None:
    new = {"__typename": "FutureSale", "id": "gid://partners/FutureSale/1", "createdAt": "2026-05-01T01:00:00Z"}
    assert list(
        make_client(FakePartnerApi(transactions(new))).extract("transactions", since=SINCE, until=UNTIL).records()
    ) == [new]


def test_an_aliased_field_gets_its_own_name_back() -> None:
    referral = {"__typename": "ReferralTransaction", "id": "r", "createdAt": "2026-05-01T01:00:00Z"}
    shop = {"id": "gid://partners/Shop/1", "myshopifyDomain": "a.myshopify.com"}
    (record,) = (
        make_client(FakePartnerApi(transactions({**referral, "referralShop": shop}))).extract("transactions").records()
    )
    assert record == {**referral, "shop": shop}


def test_filters_are_sent_as_the_api_names_them() -> None:
    api = FakePartnerApi(transactions())
    extraction = make_client(api).extract(
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
        make_client(FakePartnerApi({})).extract("transactions", types=types)  # type: ignore[arg-type]


@pytest.mark.covers("shopify.page.maximum")
@pytest.mark.parametrize(("size", "is_allowed"), [(100, True), (101, False), (0, False)])
def test_a_page_of_transactions_has_at_most_a_hundred_rows(size: int, is_allowed: bool) -> None:
    if is_allowed:
        make_client(FakePartnerApi({})).extract("transactions", page_size=size)
    else:
        with pytest.raises(ConfigurationError, match="page_size"):
            make_client(FakePartnerApi({})).extract("transactions", page_size=size)


def test_app_events_need_an_app() -> None:
    with pytest.raises(ConfigurationError, match="'app_id'"):
        make_client(FakePartnerApi({})).extract("app_events")


@pytest.mark.covers("shopify.app.unknown")
def test_an_unknown_app_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"'app' is null.*|Manage apps"):
        list(make_client(FakePartnerApi({"data": {"app": None}})).extract("app_events", app_id=7).records())


def test_app_events_are_distinguished_by_their_charge() -> None:
    charge = {"__typename": "SubscriptionChargeActivated", "type": "SUBSCRIPTION_CHARGE_ACTIVATED"}
    records = [
        event("INSTALLED", "2026-05-01T01:00:00Z"),
        event("INSTALLED", "2026-05-01T01:00:00Z") | charge | {"charge": {"id": "gid://shopify/AppSubscription/1"}},
        event("INSTALLED", "2026-05-01T01:00:00Z") | charge | {"charge": {"id": "gid://shopify/AppSubscription/2"}},
        event("INSTALLED", "2026-05-01T01:00:00Z") | charge | {"charge": {"id": "gid://shopify/AppSubscription/2"}},
    ]
    records = list(make_client(FakePartnerApi(app_events(*records))).extract("app_events", app_id=7).records())
    assert [record["chargeId"].rpartition("/")[2] for record in records] == ["", "1", "2"]


def test_app_events_are_filtered_by_shop_here_because_the_api_cannot() -> None:
    records = [event("INSTALLED", f"2026-05-01T0{n}:00:00Z", shop=f"{s}.myshopify.com") for n, s in enumerate("aba")]
    api = FakePartnerApi(app_events(*records))
    records = list(make_client(api).extract("app_events", app_id=7, shop="a").records())
    assert [record["occurredAt"][11:13] for record in records] == ["00", "02"]
    assert "myshopifyDomain" not in api.variables[0]


@pytest.mark.covers(
    "shopify.events.shopId",
    "shopify.events.subjectId",
    "shopify.events.eventTypes",
    "shopify.events.occurredAtMin",
    "shopify.events.occurredAtMax",
    "shopify.events.first",
)
def test_events_are_filtered_in_their_own_namespace() -> None:
    api = FakePartnerApi({"data": {"events": connection()}})
    list(
        make_client(api)
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


def test_events_refuse_ids_of_the_other_namespace() -> None:
    with pytest.raises(ConfigurationError, match="gid://shopify/App/<number>"):
        make_client(FakePartnerApi({})).extract("events", since=SINCE, app_id=APP)


@pytest.mark.covers("shopify.events.without_times")
def test_events_need_a_start() -> None:
    with pytest.raises(ConfigurationError, match="last 30 days"):
        make_client(FakePartnerApi({})).extract("events")


@pytest.mark.covers("shopify.events.shopId.with_app")
def test_events_of_a_shop_need_the_app() -> None:
    with pytest.raises(ConfigurationError, match="only together with 'app_id'"):
        make_client(FakePartnerApi({})).extract("events", since=SINCE, shop_id=5)


@pytest.mark.covers("shopify.events.year")
def test_a_long_window_of_events_is_split_into_years_without_gap_or_overlap() -> None:
    api = FakePartnerApi({"data": {"events": connection()}})
    since = datetime(2023, 1, 1, tzinfo=UTC)
    list(make_client(api).extract("events", since=since, until=UNTIL).records())
    ranges = [
        tuple(datetime.fromisoformat(variables["filter"][name]) for name in ("occurredAtMin", "occurredAtMax"))
        for variables in api.variables
    ]
    assert len(ranges) == 4
    assert (ranges[0][0], ranges[-1][1]) == (since, UNTIL)
    assert all(end == begin for (_, end), (begin, _) in pairwise(ranges))
    assert all(end - begin <= timedelta(days=365) for begin, end in ranges)


def test_an_event_at_the_edge_of_two_queries_is_returned_once() -> None:
    edge = {
        "id": "e",
        "__typename": "Relationship",
        "occurredAt": "2026-01-01T00:00:00Z",
        "relationshipState": "INSTALLED",
    }
    api = FakePartnerApi({"data": {"events": connection(edge)}})
    records = list(make_client(api).extract("events", since=datetime(2025, 1, 1, tzinfo=UTC), until=UNTIL).records())
    assert len(api.requests) == 2
    assert [record["state"] for record in records] == ["INSTALLED"]


@pytest.mark.covers("shopify.auth.token.rotation")
def test_the_second_token_replaces_a_refused_first_one() -> None:
    refused = httpx.Response(401, json={"errors": [{"message": "Invalid access token", "extensions": {"code": "401"}}]})
    api = FakePartnerApi(refused, transactions(sale(1), more=True), transactions(sale(2)))
    list(make_client(api, secondary_access_token="prtapi_second").extract("transactions").records())
    tokens = [request.headers["X-Shopify-Access-Token"] for request in api.requests]
    assert tokens == ["prtapi_first", "prtapi_second", "prtapi_second"]


@pytest.mark.covers("shopify.auth.token.organization", "shopify.error.401")
@pytest.mark.parametrize("status", [200, 401])
def test_a_refused_token_has_a_remedy(status: int) -> None:
    body = {"errors": [{"message": "Invalid access token", "extensions": {"code": "401"}}]}
    with pytest.raises(AuthenticationError, match="belongs to this organization") as caught:
        list(make_client(FakePartnerApi(httpx.Response(status, json=body))).extract("transactions").records())
    assert "prtapi_first" not in str(caught.value)


@pytest.mark.covers("shopify.permission.error")
@pytest.mark.parametrize(
    "error",
    [
        {"message": "Access denied for transactions field.", "extensions": {"code": "ACCESS_DENIED"}},
        {"message": "You do not have permission to access transactions"},
        {"message": "Forbidden", "extensions": {"code": "403"}},
    ],
)
def test_a_missing_permission_names_the_existing_ones(error: dict) -> None:
    with pytest.raises(AuthenticationError, match="View financials"):
        list(make_client(FakePartnerApi({"errors": [error], "data": None})).extract("transactions").records())


@pytest.mark.covers("shopify.error.404")
@pytest.mark.parametrize("status", [200, 404])
def test_an_unknown_version_or_organization_names_both_settings(status: int) -> None:
    body = {"errors": [{"message": "Invalid API version", "extensions": {"code": "404"}}]}
    with pytest.raises(ConfigurationError, match="'api_version' and 'organization_id'"):
        list(make_client(FakePartnerApi(httpx.Response(status, json=body))).extract("transactions").records())


@pytest.mark.covers("shopify.limit.throttled.429", "shopify.limit.throttled.200", "shopify.error.text")
@pytest.mark.parametrize(
    "throttled",
    [
        httpx.Response(429, json={"errors": [{"message": "Too many requests", "extensions": {"code": "429"}}]}),
        httpx.Response(200, json={"errors": [{"message": "Too many requests", "extensions": {"code": "429"}}]}),
        httpx.Response(200, json={"errors": [{"message": "Too many requests"}]}),
        httpx.Response(200, json={"errors": "Too many requests"}),
    ],
)
def test_every_form_of_throttling_is_waited_out(throttled: httpx.Response) -> None:
    api = FakePartnerApi(throttled, transactions(sale(1)))
    client = make_client(api)
    assert len(list(client.extract("transactions").records())) == 1
    assert client.stats.snapshot()["throttled"] == 1
    assert client.stats.snapshot()["waited"] > 0


@pytest.mark.covers("shopify.error.500")
def test_an_internal_error_on_a_successful_answer_is_retried() -> None:
    body = {"errors": [{"message": "Internal error. Looks like something went wrong on our end.\nRequest ID: x"}]}
    api = FakePartnerApi(body, transactions(sale(1)))
    assert len(list(make_client(api).extract("transactions").records())) == 1


def test_a_repeated_internal_error_is_transient() -> None:
    body = {"errors": [{"message": "Internal error.", "extensions": {"code": "500"}}]}
    with pytest.raises(TransientError, match="Internal error"):
        list(make_client(FakePartnerApi(body)).extract("transactions").records())


def test_an_error_of_a_resolver_without_extensions_is_shown() -> None:
    body = {
        "errors": [{"message": "App not found", "path": ["activeSubscription"]}],
        "data": {"activeSubscription": None},
    }
    with pytest.raises(ConfigurationError, match="App not found"):
        list(make_client(FakePartnerApi(body)).extract("transactions").records())


@pytest.mark.covers("shopify.limit.rate")
def test_there_are_fewer_than_four_requests_a_second() -> None:
    pages = [transactions(sale(number), more=True) for number in range(20)]
    for number, page in enumerate(pages):
        page["data"]["transactions"]["edges"][0]["cursor"] = f"c{number}"
    api = FakePartnerApi(*pages, transactions(sale(99)))
    client = make_client(api)
    started_at = client._clock.monotonic()
    list(client.extract("transactions").records())
    assert (len(api.requests) - 1) / (client._clock.monotonic() - started_at) <= 4


def test_equal_queries_have_equal_fingerprints_and_others_do_not() -> None:
    def fingerprint(**arguments: object) -> str:
        given = {"since": SINCE, "until": UNTIL, **arguments}
        return make_client(FakePartnerApi({})).extract("transactions", **given).fingerprint  # type: ignore[arg-type]

    assert fingerprint() == fingerprint()
    assert fingerprint(types=["TAX", "LEGACY"]) == fingerprint(types="legacy,tax")
    others = [{}, {"types": "TAX"}, {"shop": "a"}, {"app_id": 1}, {"until": NOW}]
    assert len({fingerprint(**arguments) for arguments in others}) == len(others)


def test_an_unknown_resource_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="app_events, conversations, events, jobs, messages, transactions"):
        make_client(FakePartnerApi({})).extract("orders")


@pytest.mark.covers("shopify.auth.organization_id")
@pytest.mark.parametrize("organization", ["", "abc", "12/34"])
def test_an_organization_is_a_number(organization: str) -> None:
    with pytest.raises(ConfigurationError, match="organization_id"):
        make_client(FakePartnerApi({}), organization_id=organization)


def test_ping_names_the_versions() -> None:
    versions = [{"handle": "2026-07", "supported": True}, {"handle": "unstable", "supported": False}]
    message = make_client(FakePartnerApi({"data": {"publicApiVersions": versions}})).ping()
    assert message == "Organization 1234 answers; API version 2026-07 requested; supported: 2026-07."


QUERY = """query Plans($appId: ID!, $first: Int!, $after: String) {
  app(id: $appId) { events(first: $first, after: $after) {
    pageInfo { hasNextPage } edges { cursor node { id name } } } } }"""


def test_any_document_with_a_connection_is_read_page_by_page() -> None:
    api = FakePartnerApi(app_events({"id": "1"}, more=True), app_events({"id": "2"}))
    extraction = make_client(api).query(QUERY, variables={"appId": APP}, connection="app.events", page_size=5)
    assert list(extraction.records()) == [{"id": "1"}, {"id": "2"}]
    assert api.variables == [{"appId": APP, "first": 5}, {"appId": APP, "first": 5, "after": "c0"}]


def test_a_page_size_in_the_document_is_the_size_of_the_first_page() -> None:
    api = FakePartnerApi(app_events({"id": "1"}))
    document = QUERY.replace("$first: Int!, ", "").replace("first: $first", "first: 7")
    list(make_client(api).query(document, variables={"appId": APP}, connection="app.events").records())
    assert api.variables == [{"appId": APP, "first": 7}]


def test_what_paging_needs_is_added_to_the_document() -> None:
    """The arguments and fields are those of Shopify's schema: shopify.dev/docs/api/partner/latest/objects/App."""
    api = FakePartnerApi(app_events({"type": "A"}, more=True), app_events({"type": "B"}))
    document = """{ app(id: "gid://partners/App/7") { events { edges { node { ...Kind } } } } }
      fragment Kind on AppEvent { type }"""
    assert list(make_client(api).query(document).records()) == [{"type": "A"}, {"type": "B"}]
    assert api.variables == [{"first": 100}, {"first": 100, "after": "c0"}]
    assert " ".join(json.loads(api.requests[0].content)["query"].split()) == (
        'query ($first: Int!, $after: String) { app(id: "gid://partners/App/7") { events(first: $first, after: $after) '
        "{ pageInfo { hasNextPage } edges { cursor node { ... on AppEvent { type } } } } } }"
    )


LAST_JOBS = "{ jobs(last: 20) { edges { node { id } } } }"


def test_the_last_nodes_are_read_by_the_document_as_it_is_printed() -> None:
    """``last: 20`` is in the examples of shopify.dev/docs/api/partner ("Manage jobs")."""
    api = FakePartnerApi({"data": {"jobs": {"edges": [{"node": {"id": "1"}}, {"node": {"id": "2"}}]}}})
    assert list(make_client(api).query(LAST_JOBS).records()) == [{"id": "1"}, {"id": "2"}]
    assert [json.loads(request.content) for request in api.requests] == [{"query": LAST_JOBS, "variables": {}}]


@pytest.mark.covers("shopify.page.before", "shopify.page.last")
def test_a_list_is_read_from_its_end_where_the_user_pages_it() -> None:
    # https://relay.dev/graphql/connections.htm#sec-Backward-pagination-arguments
    def page(*ids: str, more: bool) -> dict:
        edges = [{"cursor": f"c{each}", "node": {"id": each}} for each in ids]
        return {"data": {"jobs": {"pageInfo": {"hasPreviousPage": more}, "edges": edges}}}

    api = FakePartnerApi(page("3", "4", more=True), page("1", "2", more=False))
    records = list(make_client(api).query(LAST_JOBS, paged=True, page_size=2).records())
    assert [record["id"] for record in records] == ["3", "4", "1", "2"]
    assert api.variables == [{"last": 2}, {"last": 2, "before": "c3"}]


def test_a_cursor_in_the_document_is_where_reading_begins() -> None:
    api = FakePartnerApi(transactions(sale(1)))
    document = "query ($c: String) { transactions(first: 5, after: $c) { edges { node { id } } } }"
    list(make_client(api).query(document, variables={"c": "start"}).records())
    assert api.variables == [{"first": 5, "c": "start"}]


@pytest.mark.parametrize(
    ("document", "data", "records"),
    [
        # A query without a connection: shopify.dev/docs/api/partner/latest/queries/app and publicApiVersions.
        ('{ app(id: "gid://partners/App/7") { name } }', {"app": {"name": "A"}}, [{"name": "A"}]),
        ("{ publicApiVersions { handle } }", {"publicApiVersions": [{"handle": "2026-07"}]}, [{"handle": "2026-07"}]),
        ('{ app(id: "gid://partners/App/0") { name } }', {"app": None}, []),
        (
            '{ a: app(id: "1") { name } b: app(id: "2") { name } }',
            {"a": {"name": "A"}, "b": None},
            [{"a": {"name": "A"}, "b": None}],
        ),
    ],
)
def test_a_document_without_a_connection_is_sent_as_it_is_printed(document: str, data: dict, records: list) -> None:
    api = FakePartnerApi({"data": data})
    assert list(make_client(api).query(document, key=()).records()) == records
    assert json.loads(api.requests[0].content) == {"query": document, "variables": {}}


def test_an_unpaged_document_has_the_records_at_a_path() -> None:
    api = FakePartnerApi({"data": {"app": {"all": {"es": [{"n": {"id": "1"}}, None]}}}})
    document = '{ app(id: "7") { all: events(first: 5) { es: edges { n: node { id } } } } }'
    assert list(make_client(api).query(document, connection="app.all", paged=False).records()) == [{"id": "1"}]
    with pytest.raises(ConfigurationError, match=r"has no 'app.sales', only all"):
        list(make_client(api).query(document, connection="app.sales", paged=False).records())


def test_a_wrong_path_to_the_connection_names_the_existing_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"no connection 'app.event': did you mean 'app.events'"):
        make_client(FakePartnerApi({})).query(QUERY, connection="app.event")


def test_several_connections_need_the_name_of_one() -> None:
    document = "{ a: transactions { edges { node { id } } } b: jobs { edges { node { id } } } }"
    with pytest.raises(ConfigurationError, match="has 2 connections: a, b"):
        make_client(FakePartnerApi({})).query(document)


def test_a_field_beside_the_nodes_has_no_place_in_the_records() -> None:
    document = "{ transactions { total edges { node { id } } } }"
    with pytest.raises(ConfigurationError, match="selects 'total' besides its nodes"):
        make_client(FakePartnerApi({})).query(document)


def test_any_document_can_be_executed() -> None:
    api = FakePartnerApi({"data": {"app": {"name": "A"}}})
    document = "query App($id: ID!) { app(id: $id) { name } }"
    assert make_client(api).execute(document, {"id": APP}) == {"app": {"name": "A"}}
    assert json.loads(api.requests[0].content) == {"query": document, "variables": {"id": APP}}


CREDIT = "mutation Credit { appCreditCreate(appId: 1) { userErrors { message } } }"


@pytest.mark.covers("shopify.request.mutation")
@pytest.mark.parametrize(("idempotent", "requests"), [(None, 1), (True, 2)])
def test_a_mutation_is_repeated_after_a_lost_response_only_if_it_may_be(idempotent: bool | None, requests: int) -> None:
    sent = []

    def lose_the_first_response(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(200, json={"data": {"appCreditCreate": {"userErrors": []}}})

    client = make_client(lose_the_first_response)
    if idempotent:
        assert client.execute(CREDIT, idempotent=True) == {"appCreditCreate": {"userErrors": []}}
    else:
        with pytest.raises(UnknownOutcomeError):
            client.execute(CREDIT)
    assert len(sent) == requests


def test_records_of_a_users_document_keep_their_fields() -> None:
    (record,) = (
        make_client(FakePartnerApi(app_events({"referralShop": 1})))
        .query(QUERY, connection="app.events", key=())
        .records()
    )
    assert record == {"referralShop": 1}


def test_installed_shops_have_their_state_at_a_given_time() -> None:
    history = [
        event("UNINSTALLED", "2026-05-03T00:00:00Z"),
        event("UNINSTALLED", "2026-05-02T00:00:00Z"),
        event("INSTALLED", "2026-05-01T00:00:00Z"),
    ]
    api = FakePartnerApi(app_events(*history))
    (shop,) = make_client(api).installed_shops(APP, until=UNTIL)
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
