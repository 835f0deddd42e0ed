"""The Partner API: access, rate limit, transactions, app events and historical events."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.shopify_partner import server as shopify_partner
from airflow_provider_partners.sandbox.store import Sandbox, Store

ORGANIZATION, TOKEN, SECOND = "12345", "prtapi_primary", "prtapi_secondary"
APP = "gid://partners/App/1001"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
USD = {"amount": "49.00", "currencyCode": "USD"}


def a_shop(number: int) -> dict[str, Any]:
    return {
        "id": f"gid://partners/Shop/{number}",
        "name": f"Shop {number}",
        "myshopifyDomain": f"s{number}.myshopify.com",
        "avatarUrl": None,
    }


class PartnerSandbox:
    """One app in two shops; the clock of the rate limit is set by hand."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(
            store=Store(),
            credentials={"shopify_partner": {"organization_id": ORGANIZATION, "tokens": [TOKEN, SECOND]}},
            switches=dict(shopify_partner.SWITCHES) | {"shopify_partner.requests_per_second": 0},
            now=NOW,
        )
        self.seconds = 0.0
        put = self.sandbox.store.put
        put("shopify_partner", "", "app", APP, {"id": APP, "name": "Reviews", "apiKey": "key"}, at="")
        for number in range(1, 6):
            self.sale(number, f"2026-03-0{number}T00:00:00.000000Z", shop=501 + number % 2)
        self.event(1, "RELATIONSHIP_INSTALLED", "2026-03-01T10:00:00.000001Z", shop=501)
        self.event(
            2, "SUBSCRIPTION_CHARGE_ACTIVATED", "2026-03-01T10:00:00.000002Z", shop=501, charge="AppSubscription"
        )
        self.event(3, "RELATIONSHIP_INSTALLED", "2026-03-02T10:00:00.000000Z", shop=502)
        self.event(4, "CREDIT_APPLIED", "2026-03-02T10:00:00.000000Z", shop=502, charge="AppCredit")
        self.event(5, "RELATIONSHIP_UNINSTALLED", "2026-03-03T10:00:00.000000Z", shop=502, reason="too_expensive")
        for number, days in enumerate(("2025-01-15", "2026-01-01", "2026-02-20", "2026-03-09"), 1):
            self.history(number, f"{days}T00:00:00.000000Z")
        routes = shopify_partner.routes(self.sandbox, clock=lambda: self.seconds)
        self.app = Starlette(routes=[Mount("/shopify-partner", routes=routes)])

    def sale(self, number: int, at: str, *, shop: int, kind: str = "AppSubscriptionSale") -> None:
        row = {
            "__typename": kind,
            "id": f"gid://partners/{kind}/{number}",
            "createdAt": at,
            "app": {"id": APP},
            "shop": a_shop(shop),
            "netAmount": USD,
            "grossAmount": USD,
            "chargeId": None,
            "billingInterval": "EVERY_30_DAYS",
        }
        self.sandbox.store.put("shopify_partner", "", "transaction", row["id"], row, at=at)

    def event(self, number: int, type_: str, at: str, *, shop: int, charge: str = "", **fields: Any) -> None:
        name = "".join(part.title() for part in type_.split("_"))
        row = {"__typename": name, "type": type_, "occurredAt": at, "shop": a_shop(shop), **fields}
        if charge:
            about = {"id": f"gid://shopify/{charge}/{number}", "name": "Plan", "amount": USD, "test": False}
            row["appCredit" if charge == "AppCredit" else "charge"] = about
        self.sandbox.store.put("shopify_partner", APP, "app_event", f"{number:03}", row, at=at)

    def history(self, number: int, at: str, *, shop: int = 501) -> None:
        row = {
            "__typename": "Relationship",
            "id": f"gid://shopify/PartnerEvent/{number}",
            "eventType": "RELATIONSHIP_INSTALLED",
            "occurredAt": at,
            "state": "INSTALLED",
            "shop": {"id": f"gid://shopify/Shop/{shop}", "name": "S", "myshopifyDomain": f"s{shop}.myshopify.com"},
            "subject": {"__typename": "AppReference", "id": "gid://shopify/App/1001", "name": "Reviews", "apiKey": "k"},
        }
        self.sandbox.store.put("shopify_partner", "", "event", row["id"], row, at=at)

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"shopify_partner.{name}"] = value

    def post(
        self, *, organization: str = ORGANIZATION, version: str = "2026-07", token: str = TOKEN, **request: Any
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                path = f"/shopify-partner/{organization}/api/{version}/graphql.json"
                request["headers"] = {"X-Shopify-Access-Token": token} | request.get("headers", {})
                return await client.post(path, **request)

        return asyncio.run(send())

    def execute(self, query: str, version: str = "2026-07", **variables: Any) -> dict[str, Any]:
        response = self.post(version=version, json={"query": query, "variables": variables})
        assert response.status_code == 200
        body: dict[str, Any] = response.json()
        return body

    def nodes(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        body = self.execute(query, **variables)
        assert "errors" not in body, body["errors"]
        (value,) = body["data"].values()
        return [edge["node"] for edge in (value.get("events") or value)["edges"]]

    def transactions(self, arguments: str) -> list[int]:
        rows = self.nodes(f"{{ transactions({arguments}) {{ edges {{ node {{ id }} }} }} }}")
        return [int(row["id"].rpartition("/")[2]) for row in rows]

    def app_events(self, arguments: str) -> list[str]:
        rows = self.nodes(f'{{ app(id: "{APP}") {{ events({arguments}) {{ edges {{ node {{ type }} }} }} }} }}')
        return [row["type"] for row in rows]

    def events(self, arguments: str) -> list[int]:
        rows = self.nodes(f"{{ events({arguments}) {{ edges {{ node {{ id }} }} }} }}")
        return [int(row["id"].rpartition("/")[2]) for row in rows]


@pytest.fixture
def partner_sandbox() -> PartnerSandbox:
    return PartnerSandbox()


def error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def test_both_tokens_of_the_organization_are_accepted(partner_sandbox: PartnerSandbox) -> None:
    assert partner_sandbox.post(json={"query": "{ __typename }"}).status_code == 200
    assert partner_sandbox.post(json={"query": "{ __typename }"}, token=SECOND).status_code == 200


@pytest.mark.parametrize(("token", "organization"), [("", ORGANIZATION), ("prtapi_x", ORGANIZATION), (TOKEN, "999")])
def test_a_bad_token_or_another_organization_is_refused(
    partner_sandbox: PartnerSandbox, token: str, organization: str
) -> None:
    response = partner_sandbox.post(json={"query": "{ __typename }"}, token=token, organization=organization)
    assert (response.status_code, response.json()) == (401, error("401", "Invalid access token"))


@pytest.mark.parametrize("version", ["2026-02", "2099-01", "newest"])
def test_an_unknown_version_is_not_found(partner_sandbox: PartnerSandbox, version: str) -> None:
    response = partner_sandbox.post(json={"query": "{ __typename }"}, version=version)
    assert (response.status_code, response.json()) == (404, error("404", "Invalid API version"))


@pytest.mark.parametrize(
    ("requested", "answered"), [("2024-01", "2025-10"), ("2025-07", "2025-10"), ("2026-07", "2026-07")]
)
def test_an_expired_version_falls_forward_and_is_named_in_the_response(
    partner_sandbox: PartnerSandbox, requested: str, answered: str
) -> None:
    response = partner_sandbox.post(json={"query": "{ __typename }"}, version=requested)
    assert (response.status_code, response.headers["x-shopify-api-version"]) == (200, answered)


def test_each_version_has_its_own_fields(partner_sandbox: PartnerSandbox) -> None:
    query = "{ events(first: 1) { edges { cursor } } }"
    assert "data" in partner_sandbox.execute(query, version="2026-07")
    (refusal,) = partner_sandbox.execute(query, version="2026-04")["errors"]
    assert refusal["message"] == "Field 'events' doesn't exist on type 'QueryRoot'"


def test_a_query_may_be_50000_characters_long(partner_sandbox: PartnerSandbox) -> None:
    query = "{ __typename }".ljust(50_000)
    assert partner_sandbox.post(json={"query": query}).status_code == 200
    response = partner_sandbox.post(json={"query": f"{query} "})
    assert response.status_code == 400
    assert response.json() == error("400", "Maximum query length is 50000 characters")


def test_a_body_that_is_no_request_is_refused(partner_sandbox: PartnerSandbox) -> None:
    response = partner_sandbox.post(content=b"[]", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["errors"][0]["extensions"]) == (400, {"code": "400"})


def test_a_document_can_be_sent_without_json(partner_sandbox: PartnerSandbox) -> None:
    response = partner_sandbox.post(
        content=b'{ app(id: "gid://partners/App/9") { id } }', headers={"content-type": "application/graphql"}
    )
    assert response.json() == {"data": {"app": None}}


def test_responses_have_no_cost(partner_sandbox: PartnerSandbox) -> None:
    assert set(partner_sandbox.execute("{ transactions(first: 1) { edges { cursor } } }")) == {"data"}


def test_a_fifth_request_in_one_second_is_too_many(partner_sandbox: PartnerSandbox) -> None:
    partner_sandbox.switch("requests_per_second", 4)
    tokens = (TOKEN, TOKEN, SECOND, TOKEN, SECOND)
    answers = [partner_sandbox.post(json={"query": "{ __typename }"}, token=token) for token in tokens]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert answers[4].json() == error("429", "Too many requests")
    assert "retry-after" not in answers[4].headers
    assert partner_sandbox.sandbox.calls["shopify_partner//graphql.throttled"] == 1
    partner_sandbox.seconds += 1
    assert partner_sandbox.post(json={"query": "{ __typename }"}).status_code == 200


def test_too_many_requests_can_have_status_200_and_retry_after(partner_sandbox: PartnerSandbox) -> None:
    for name, value in (("requests_per_second", 1), ("throttle_status", 200), ("retry_after", 3)):
        partner_sandbox.switch(name, value)
    partner_sandbox.post(json={"query": "{ __typename }"})
    response = partner_sandbox.post(json={"query": "{ __typename }"})
    assert (response.status_code, response.headers["retry-after"]) == (200, "3")
    assert response.json() == error("429", "Too many requests")


def test_internal_errors_have_status_200_and_follow_the_switch(partner_sandbox: PartnerSandbox) -> None:
    partner_sandbox.switch("internal_errors", 1)
    (failure,) = partner_sandbox.execute("{ __typename }")["errors"]
    assert failure["extensions"] == {"code": "500"}
    assert failure["message"].startswith("Internal error. Looks like something went wrong on our end.\nRequest ID: ")
    assert partner_sandbox.execute("{ __typename }") == {"data": {"__typename": "QueryRoot"}}


def test_the_accept_language_header_changes_nothing(partner_sandbox: PartnerSandbox) -> None:
    response = partner_sandbox.post(json={"query": "{ __typename }"}, headers={"Accept-Language": "fr"})
    assert response.json() == {"data": {"__typename": "QueryRoot"}}


def test_transactions_come_newest_first_unless_switched(partner_sandbox: PartnerSandbox) -> None:
    assert partner_sandbox.transactions("first: 9") == [5, 4, 3, 2, 1]
    partner_sandbox.switch("newest_first", False)
    assert partner_sandbox.transactions("first: 9") == [1, 2, 3, 4, 5]


def test_transactions_are_paged_by_the_last_edges_cursor(partner_sandbox: PartnerSandbox) -> None:
    query = """query($after: String) { transactions(first: 2, after: $after) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage } } }"""
    walked, after, more = [], "", True
    while more:
        page = partner_sandbox.execute(query, after=after)["data"]["transactions"]
        walked += [edge["node"]["id"] for edge in page["edges"]]
        after, more = page["edges"][-1]["cursor"], page["pageInfo"]["hasNextPage"]
    assert [gid.rpartition("/")[2] for gid in walked] == ["5", "4", "3", "2", "1"]
    assert page["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}


def test_page_info_has_no_cursors(partner_sandbox: PartnerSandbox) -> None:
    (refusal,) = partner_sandbox.execute("{ transactions(first: 1) { pageInfo { endCursor } } }")["errors"]
    assert refusal["message"] == "Field 'endCursor' doesn't exist on type 'PageInfo'"


def test_both_ends_of_a_time_range_belong_to_it(partner_sandbox: PartnerSandbox) -> None:
    bounds = 'createdAtMin: "2026-03-02T00:00:00Z", createdAtMax: "2026-03-04T00:00:00.000000Z"'
    assert partner_sandbox.transactions(bounds) == [4, 3, 2]


def test_transactions_are_filtered_by_type_shop_and_app(partner_sandbox: PartnerSandbox) -> None:
    partner_sandbox.sale(9, "2026-03-06T00:00:00Z", shop=501, kind="ReferralTransaction")
    assert partner_sandbox.transactions("types: [REFERRAL]") == [9]
    assert partner_sandbox.transactions("types: [APP_SUBSCRIPTION_SALE, TAX]") == [5, 4, 3, 2, 1]
    assert partner_sandbox.transactions('shopId: "gid://partners/Shop/502"') == [5, 3, 1]
    assert partner_sandbox.transactions('myshopifyDomain: "s501.myshopify.com"') == [9, 4, 2]
    assert partner_sandbox.transactions('appId: "gid://partners/App/7"') == []


def test_a_page_without_a_size_has_the_default_size(partner_sandbox: PartnerSandbox) -> None:
    partner_sandbox.switch("default_page_size", 2)
    assert partner_sandbox.transactions('createdAtMin: "2026-01-01"') == [5, 4]


@pytest.mark.parametrize(
    "query",
    [
        "{ transactions(first: 101) { edges { cursor } } }",
        f'{{ app(id: "{APP}") {{ events(first: 251) {{ edges {{ cursor }} }} }} }}',
        "{ events(first: 251) { edges { cursor } } }",
        "{ transactions(first: 1, last: 1) { edges { cursor } } }",
    ],
)
def test_a_page_that_is_too_large_is_an_error_on_status_200(partner_sandbox: PartnerSandbox, query: str) -> None:
    body = partner_sandbox.execute(query)
    assert len(body["errors"]) == 1
    assert "extensions" not in body["errors"][0]


@pytest.mark.parametrize(
    ("list_", "most"), [("transactions(first: 100)", 100), ("events(first: 250)", 250), ("events(last: 250)", 250)]
)
def test_the_largest_page_is_answered(partner_sandbox: PartnerSandbox, list_: str, most: int) -> None:
    assert "errors" not in partner_sandbox.execute(f"{{ {list_} {{ edges {{ cursor }} }} }}"), most


def test_a_transaction_is_read_with_the_app_joined(partner_sandbox: PartnerSandbox) -> None:
    query = """{ transaction(id: "gid://partners/AppSubscriptionSale/1") { __typename createdAt
        ... on AppSubscriptionSale {
            app { name apiKey } netAmount { amount currencyCode } shopifyFee { amount } } } }"""
    assert partner_sandbox.execute(query)["data"]["transaction"] == {
        "__typename": "AppSubscriptionSale",
        "createdAt": "2026-03-01T00:00:00.000000Z",
        "app": {"name": "Reviews", "apiKey": "key"},
        "netAmount": {"amount": "49.0", "currencyCode": "USD"},
        "shopifyFee": None,
    }
    assert partner_sandbox.execute('{ transaction(id: "gid://partners/AppSubscriptionSale/77") { id } }')["data"] == {
        "transaction": None
    }


def test_transactions_can_arrive_late_and_be_restated(partner_sandbox: PartnerSandbox) -> None:
    partner_sandbox.switch("arrival_delay_seconds", 6 * 86_400)
    assert partner_sandbox.transactions("first: 9") == [4, 3, 2, 1]
    partner_sandbox.switch(
        "restatements", {"gid://partners/AppSubscriptionSale/1": {"netAmount": {**USD, "amount": "40.00"}}}
    )
    query = "{ transactions(last: 1) { edges { node { ... on AppSubscriptionSale { netAmount { amount } } } } } }"
    assert partner_sandbox.nodes(query) == [{"netAmount": {"amount": "40.0"}}]


def test_an_unknown_app_is_null_without_an_error(partner_sandbox: PartnerSandbox) -> None:
    assert partner_sandbox.execute('{ app(id: "gid://partners/App/9") { id } }') == {"data": {"app": None}}


def test_app_events_come_newest_first_with_their_own_fields(partner_sandbox: PartnerSandbox) -> None:
    nodes = partner_sandbox.nodes(f"""{{ app(id: "{APP}") {{ events(first: 9) {{ edges {{ node {{
        __typename occurredAt shop {{ myshopifyDomain }} app {{ name }}
        ... on RelationshipUninstalled {{ reason description }}
        ... on AppSubscriptionEvent {{ charge {{ id amount {{ amount }} billingOn }} }}
        ... on AppCreditEvent {{ appCredit {{ name }} }} }} }} }} }} }}""")
    assert [node["__typename"] for node in nodes] == [
        "RelationshipUninstalled",
        "RelationshipInstalled",
        "CreditApplied",
        "SubscriptionChargeActivated",
        "RelationshipInstalled",
    ]
    assert (nodes[0]["reason"], nodes[0]["description"]) == ("too_expensive", None)
    assert nodes[2]["appCredit"] == {"name": "Plan"}
    assert nodes[3] == {
        "__typename": "SubscriptionChargeActivated",
        "occurredAt": "2026-03-01T10:00:00.000002Z",
        "shop": {"myshopifyDomain": "s501.myshopify.com"},
        "app": {"name": "Reviews"},
        "charge": {"id": "gid://shopify/AppSubscription/2", "amount": {"amount": "49.0"}, "billingOn": None},
    }


def test_app_events_with_one_timestamp_are_not_lost_between_pages(partner_sandbox: PartnerSandbox) -> None:
    query = f"""query($after: String) {{ app(id: "{APP}") {{ events(first: 1, after: $after) {{
        edges {{ cursor node {{ type }} }} pageInfo {{ hasNextPage }} }} }} }}"""
    walked, after, more = [], None, True
    while more:
        page = partner_sandbox.execute(query, after=after)["data"]["app"]["events"]
        walked += [edge["node"]["type"] for edge in page["edges"]]
        after, more = page["edges"][-1]["cursor"], page["pageInfo"]["hasNextPage"]
    assert len(walked) == 5


def test_app_events_are_filtered_by_type_shop_charge_and_time(partner_sandbox: PartnerSandbox) -> None:
    assert partner_sandbox.app_events("types: [RELATIONSHIP_UNINSTALLED, CREDIT_APPLIED]") == [
        "RELATIONSHIP_UNINSTALLED",
        "CREDIT_APPLIED",
    ]
    assert len(partner_sandbox.app_events('shopId: "gid://partners/Shop/501"')) == 2
    assert partner_sandbox.app_events('chargeId: "gid://shopify/AppCredit/4"') == ["CREDIT_APPLIED"]
    bounds = 'occurredAtMin: "2026-03-01T10:00:00.000002Z", occurredAtMax: "2026-03-02T10:00:00Z"'
    assert partner_sandbox.app_events(bounds) == [
        "RELATIONSHIP_INSTALLED",
        "CREDIT_APPLIED",
        "SUBSCRIPTION_CHARGE_ACTIVATED",
    ]


def test_historical_events_are_those_of_the_last_30_days_newest_first(partner_sandbox: PartnerSandbox) -> None:
    assert partner_sandbox.events("first: 9") == [4, 3]
    assert partner_sandbox.events("first: 9, orderBy: OCCURRED_AT_ASC") == [3, 4]


@pytest.mark.parametrize(
    ("bounds", "numbers"),
    [
        ('occurredAtMin: "2026-01-01T00:00:00Z"', [2]),
        ('occurredAtMin: "2026-02-20T00:00:00Z"', [4, 3]),
        ('occurredAtMax: "2026-02-20T00:00:00Z"', [3]),
        ('occurredAtMin: "2026-01-01T00:00:00Z", occurredAtMax: "2026-03-09T00:00:00Z"', [4, 3, 2]),
    ],
)
def test_a_missing_end_of_the_range_of_historical_events_is_30_days_away(
    partner_sandbox: PartnerSandbox, bounds: str, numbers: list[int]
) -> None:
    assert partner_sandbox.events(f"first: 9, filter: {{ {bounds} }}") == numbers


def test_the_range_of_historical_events_is_a_year_at_most(partner_sandbox: PartnerSandbox) -> None:
    year = 'filter: {occurredAtMin: "2025-01-15T00:00:00Z", occurredAtMax: "2026-01-15T00:00:00Z"}'
    assert partner_sandbox.events(f"first: 9, {year}") == [2, 1]
    longer = year.replace("2026-01-15T00:00:00Z", "2026-01-15T00:00:01Z")
    body = partner_sandbox.execute(f"{{ events(first: 9, {longer}) {{ edges {{ cursor }} }} }}")
    assert body["data"] == {"events": None}
    assert "365 days" in body["errors"][0]["message"]


def test_historical_events_of_a_shop_need_the_subject(partner_sandbox: PartnerSandbox) -> None:
    partner_sandbox.history(9, "2026-03-08T00:00:00Z", shop=502)
    subject = 'subjectId: "gid://shopify/App/1001"'
    assert partner_sandbox.events(f'first: 9, filter: {{ shopId: "gid://shopify/Shop/502", {subject} }}') == [9]
    body = partner_sandbox.execute('{ events(filter: {shopId: "gid://shopify/Shop/502"}) { edges { cursor } } }')
    assert "subjectId" in body["errors"][0]["message"]


def test_only_events_of_apps_are_served(partner_sandbox: PartnerSandbox) -> None:
    assert partner_sandbox.execute("{ events(filter: {subjectType: THEME}) { edges { cursor } } }")["errors"]


def test_historical_events_have_cursors_in_their_page_info(partner_sandbox: PartnerSandbox) -> None:
    page = partner_sandbox.execute("{ events(first: 1) { edges { cursor } pageInfo { endCursor hasNextPage } } }")[
        "data"
    ]["events"]
    assert page["pageInfo"] == {"endCursor": page["edges"][0]["cursor"], "hasNextPage": True}


def test_an_unknown_app_of_a_subscription_is_an_error_without_a_code(partner_sandbox: PartnerSandbox) -> None:
    query = '{ activeSubscription(appId: "%s", shopId: "gid://shopify/Shop/1") { billingPeriod } }'
    assert partner_sandbox.execute(query % "gid://shopify/App/9") == {
        "data": {"activeSubscription": None},
        "errors": [
            {"message": "App not found", "locations": [{"line": 1, "column": 3}], "path": ["activeSubscription"]}
        ],
    }
    assert partner_sandbox.execute(query % "gid://shopify/App/1001") == {"data": {"activeSubscription": None}}


def test_the_versions_are_listed_as_recorded(partner_sandbox: PartnerSandbox) -> None:
    versions = partner_sandbox.execute("{ publicApiVersions { handle displayName supported } }")["data"][
        "publicApiVersions"
    ]
    assert versions[0] == {"handle": "2025-10", "displayName": "2025-10", "supported": True}
    assert versions[-1] == {"handle": "unstable", "displayName": "Unstable", "supported": False}


def test_a_mutation_is_denied(partner_sandbox: PartnerSandbox) -> None:
    body = partner_sandbox.execute("""mutation { appCreditCreate(
        amount: {amount: "1.0", currencyCode: USD}, description: "x",
        appId: "gid://partners/App/1001", shopId: "gid://partners/Shop/501") { appCredit { id } } }""")
    assert body["data"] == {"appCreditCreate": None}
    assert body["errors"][0]["extensions"] == {"code": "ACCESS_DENIED"}
