"""The requests that Shopify's "Getting started with the Partner API" and its newer forms document, as they are sent.

Sources: https://shopify.dev/docs/partner-api/getting-started, https://shopify.dev/docs/api/partner, and for versions
until 2025-04 https://shopify.dev/docs/api/partner/2025-04. Ids are of the forms that the schema shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_options import gather_options
from clocks import TurningClock
from run_operator import OperatorRunner
from shopify_schemas import errors, schema

from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PartnersError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import (
    ShopifyPartnerExtractOperator,
    ShopifyPartnerQueryOperator,
)

covers = pytest.mark.covers

APP = "gid://partners/App/1234"


class Answers:
    """Answers with the given responses in turn, and then with the last one again; remembers what was sent."""

    def __init__(self, *responses: httpx.Response) -> None:
        self.responses = list(responses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]


def answer(body: object, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def data(**fields: Any) -> httpx.Response:
    return answer({"data": fields})


def partner_client(api: Answers, **options: Any) -> ShopifyPartnerClient:
    given = {"organization_id": "1234", "access_token": "prtapi_token", **options}
    return ShopifyPartnerClient(
        **gather_options(handler=httpx.MockTransport(api), clock=TurningClock(1_780_000_000.0), **given)
    )


def connection(*nodes: dict[str, Any], more: bool = False) -> dict[str, Any]:
    edges = [{"cursor": f"c{number}", "node": node} for number, node in enumerate(nodes)]
    return {"pageInfo": {"hasNextPage": more, "hasPreviousPage": False}, "edges": edges}


# --- the endpoint ---


@pytest.mark.parametrize(
    ("version", "organization", "url"),
    [
        pytest.param(
            "unstable",
            "1234",
            "https://partners.shopify.com/1234/api/unstable/graphql.json",
            marks=covers("shopify.auth.endpoint.unstable", "shopify.version.unstable"),
        ),
        pytest.param(
            "2021-04",
            1234,
            "https://partners.shopify.com/1234/api/2021-04/graphql.json",
            marks=covers("shopify.auth.endpoint.dated", "shopify.version.dated"),
        ),
    ],
)
@covers(
    "shopify.auth.endpoint",
    "shopify.auth.organization_id",
    "shopify.auth.token",
    "shopify.request.post",
    "shopify.request.json",
    "shopify.request.curl",
)
def test_the_printed_request_is_sent(version: str, organization: str | int, url: str) -> None:
    """The page's request of cURL, with its headers and a body of ``query``."""
    api = Answers(data(publicApiVersions=[]))

    partner_client(api, api_version=version, organization_id=organization).execute("{ publicApiVersions { handle } }")

    (request,) = api.requests
    assert (request.method, str(request.url)) == ("POST", url)
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-Shopify-Access-Token"] == "prtapi_token"
    assert api.bodies == [{"query": "{ publicApiVersions { handle } }", "variables": {}}]


@covers("shopify.request.locale")
def test_the_language_of_errors_is_a_header() -> None:
    api = Answers(data(app=None))

    partner_client(api, locale="fr").execute("{ app(id: 1) { id } }")

    assert api.requests[0].headers["Accept-Language"] == "fr"


@covers("shopify.auth.several_organizations", "shopify.auth.endpoint")
def test_each_organization_has_its_endpoint_and_its_token() -> None:
    api = Answers(data(publicApiVersions=[]))

    for organization in ("1234", "5678"):
        client = partner_client(api, organization_id=organization, access_token=f"prtapi_{organization}")
        client.execute("{ publicApiVersions { handle } }")

    assert [
        (request.url.path.split("/")[1], request.headers["X-Shopify-Access-Token"]) for request in api.requests
    ] == [
        ("1234", "prtapi_1234"),
        ("5678", "prtapi_5678"),
    ]


@covers("shopify.request.operation_name")
def test_one_of_several_operations_is_named() -> None:
    api = Answers(data(app=None))
    document = "query One { app(id: 1) { id } } query Two { app(id: 2) { id } }"

    partner_client(api).execute(document, operation_name="Two")

    assert api.bodies == [{"query": document, "variables": {}, "operationName": "Two"}]


# --- printed queries ---

TRANSACTIONS = """query {
  transactions(
    createdAtMin: "2020-07-01T00:00:00.000000Z"
    createdAtMax: "2020-07-31T23:59:59.999999Z"
  ) {
    edges { node { id createdAt } }
  }
}"""
SUBSCRIPTION_SALES = """query {
  transactions(types: [APP_SUBSCRIPTION_SALE], first: 20) {
    edges {
      node {
        id
        ... on AppSubscriptionSale { netAmount { amount currencyCode } app { name } shop { name } }
      }
    }
  }
}"""
APP_EVENTS = """query {
  app(id: "gid://partners/App/1234") {
    name
    events(types: [RELATIONSHIP_INSTALLED, RELATIONSHIP_UNINSTALLED]) {
      edges { node { ...event } }
    }
  }
}
fragment event on AppEvent { type occurredAt shop { name } }"""
LAST_JOBS = "{ jobs(last: 20) { edges { node { id shop { name } } } } }"
CONVERSATIONS = "{ conversations(first: 20) { edges { node { id lastEventAt } } } }"
ONE_APP = '{ app(id: "gid://partners/App/1234") { id name apiKey } }'
VERSIONS = "{ publicApiVersions { handle displayName supported } }"


NODE = {"id": "1"}


@pytest.mark.parametrize(
    ("document", "fields", "record"),
    [
        pytest.param(
            TRANSACTIONS,
            {"transactions": connection(NODE)},
            NODE,
            marks=covers("shopify.example.transactions", "shopify.request.anonymous"),
            id="transactions",
        ),
        pytest.param(
            SUBSCRIPTION_SALES,
            {"transactions": connection(NODE)},
            NODE,
            marks=covers("shopify.example.transactions.types", "shopify.request.fragments"),
            id="subscription sales",
        ),
        pytest.param(
            APP_EVENTS,
            {"app": {"name": "A", "events": connection(NODE)}},
            NODE,
            marks=covers("shopify.example.app_events", "shopify.request.fragments"),
            id="app events",
        ),
        pytest.param(LAST_JOBS, {"jobs": connection(NODE)}, NODE, marks=covers("shopify.example.jobs"), id="last jobs"),
        pytest.param(
            CONVERSATIONS,
            {"conversations": connection(NODE)},
            NODE,
            marks=covers("shopify.example.conversations"),
            id="conversations",
        ),
        pytest.param(ONE_APP, {"app": {"name": "A"}}, {"name": "A"}, marks=covers("shopify.example.app"), id="app"),
        pytest.param(
            VERSIONS,
            {"publicApiVersions": [{"handle": "2026-07"}]},
            {"handle": "2026-07"},
            marks=covers("shopify.example.versions"),
            id="versions",
        ),
    ],
)
def test_a_printed_query_is_sent_as_it_is_printed(
    document: str, fields: dict[str, Any], record: dict[str, Any]
) -> None:
    api = Answers(data(**fields))
    client = partner_client(api, api_version="2025-04")

    assert errors("shopify_partner_2025-04", document) == []
    assert client.execute(document) == fields
    assert list(client.query(document, paged=False, key=()).records()) == [record]

    assert api.bodies == [{"query": document, "variables": {}}] * 2


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(TRANSACTIONS, marks=covers("shopify.example.transactions"), id="transactions"),
        pytest.param(SUBSCRIPTION_SALES, marks=covers("shopify.example.transactions.types"), id="subscription sales"),
        pytest.param(APP_EVENTS, marks=covers("shopify.example.app_events"), id="app events"),
        pytest.param(LAST_JOBS, marks=covers("shopify.example.jobs"), id="last jobs"),
        pytest.param(CONVERSATIONS, marks=covers("shopify.example.conversations"), id="conversations"),
        pytest.param(ONE_APP, marks=covers("shopify.example.app"), id="app"),
        pytest.param(VERSIONS, marks=covers("shopify.example.versions"), id="versions"),
    ],
)
def test_an_operator_sends_a_printed_query_as_it_is_printed(
    document: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = document.partition("{")[2].split("(")[0].split("{")[0].strip()
    api = Answers(data(**{root: [] if root == "publicApiVersions" else {"events": connection(), **connection()}}))
    run = OperatorRunner(monkeypatch, tmp_path, ShopifyPartnerHook, lambda hook: partner_client(api))

    run(ShopifyPartnerQueryOperator(task_id="query", document=document, paged=False, key=[]))

    assert api.bodies == [{"query": document, "variables": {}}]


@covers("shopify.example.transactions", "shopify.page.first", "shopify.page.after", "shopify.page.hasNextPage")
def test_the_pages_that_follow_a_printed_query_are_read() -> None:
    """A printed query without a page size stops at its first page; what paging needs is added."""
    api = Answers(
        data(transactions=connection({"id": "1"}, more=True)), data(transactions=connection({"id": "2"}, more=False))
    )

    records = list(partner_client(api).query(TRANSACTIONS).records())

    assert records == [{"id": "1"}, {"id": "2"}]
    assert [body["variables"] for body in api.bodies] == [{"first": 100}, {"first": 100, "after": "c0"}]
    for body in api.bodies:
        assert 'createdAtMin: "2020-07-01T00:00:00.000000Z"' in body["query"]
        assert 'createdAtMax: "2020-07-31T23:59:59.999999Z"' in body["query"]


@covers("shopify.example.jobs", "shopify.page.last", "shopify.page.edges")
def test_the_last_20_jobs_are_one_request() -> None:
    nodes = [{"id": f"gid://partners/Job/{number}"} for number in range(20)]
    api = Answers(data(jobs=connection(*nodes)))

    assert list(partner_client(api, api_version="2025-04").query(LAST_JOBS).records()) == nodes

    assert api.bodies == [{"query": LAST_JOBS, "variables": {}}]


APP_AND_SHOP = {"app": "gid://shopify/App/1234", "shop": "gid://shopify/Shop/5"}
ROOTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "app": ("2026-07", "query One($id: ID!) { app(id: $id) { name } }", {"id": APP}),
    "transaction": (
        "2026-07",
        "query One($id: ID!) { transaction(id: $id) { id createdAt ... on ThemeSale { theme { name } } } }",
        {"id": "gid://partners/ThemeSale/1234"},
    ),
    "transactions": ("2026-07", "query All($n: Int) { transactions(first: $n) { edges { node { id } } } }", {"n": 5}),
    "publicApiVersions": ("2026-07", VERSIONS, {}),
    "job": ("2025-04", "query One($id: ID!) { job(id: $id) { id } }", {"id": "gid://partners/Job/1"}),
    "jobs": ("2025-04", "query All($n: Int) { jobs(first: $n) { edges { node { id } } } }", {"n": 5}),
    "conversation": (
        "2025-04",
        "query One($id: ID!) { conversation(id: $id) { id } }",
        {"id": "gid://partners/Conversation/1"},
    ),
    "conversations": ("2025-04", "query All($n: Int) { conversations(first: $n) { edges { node { id } } } }", {"n": 5}),
    "events": ("2026-07", "query All($n: Int) { events(first: $n) { edges { node { id } } } }", {"n": 5}),
    "activeSubscription": (
        "2026-07",
        "query One($app: ID!, $shop: ID!) { activeSubscription(appId: $app, shopId: $shop) { legacySubscriptionId } }",
        APP_AND_SHOP,
    ),
    "appCreditCreate": (
        "2026-07",
        """mutation Credit($app: ID!, $shop: ID!, $amount: MoneyInput!) {
  appCreditCreate(appId: $app, shopId: $shop, amount: $amount, description: "A credit") {
    appCredit { id }
    userErrors { field message }
  }
}""",
        {**APP_AND_SHOP, "amount": {"amount": "10.0", "currencyCode": "USD"}},
    ),
    "appSubscriptionCancel": (
        "2026-07",
        """mutation Cancel($app: ID!, $shop: ID!) {
  appSubscriptionCancel(
    appId: $app, shopId: $shop, prorate: true, skipFinalUsageCharge: false, deferCancellation: false
  ) { userErrors { field message } }
}""",
        APP_AND_SHOP,
    ),
}
"""For each root field of the published schemas: a version that has it, a document, and its variables."""


@pytest.mark.parametrize("root", [pytest.param(name, marks=covers(f"shopify.root.{name}")) for name in ROOTS])
@covers("shopify.request.json")
def test_every_root_field_is_requested_with_its_variables(root: str) -> None:
    version, document, variables = ROOTS[root]
    api = Answers(data(**{root: {"id": "1"}}))

    assert errors(f"shopify_partner_{version}", document) == []
    assert partner_client(api, api_version=version).execute(document, variables) == {root: {"id": "1"}}

    assert api.requests[0].url.path == f"/1234/api/{version}/graphql.json"
    assert api.bodies == [{"query": document, "variables": variables}]


def test_no_root_field_of_the_published_schemas_is_left_out() -> None:
    known = {
        name
        for version in ("2025-04", "2026-07")
        for kind in (
            schema(f"shopify_partner_{version}").query_type,
            schema(f"shopify_partner_{version}").mutation_type,
        )
        if kind is not None
        for name in kind.fields
    }

    assert known == set(ROOTS)


@pytest.mark.parametrize(
    ("version", "document", "variables", "expected"),
    [
        pytest.param(
            "2025-04",
            """query Jobs($since: DateTime, $until: DateTime) {
  jobs(createdAtMin: $since, createdAtMax: $until) { edges { node { id } } }
}""",
            {"since": "2020-07-01T00:00:00Z", "until": "2020-08-01T00:00:00Z"},
            ["createdAtMin: $since", "createdAtMax: $until"],
            marks=covers("shopify.jobs.createdAt"),
            id="jobs by creation",
        ),
        pytest.param(
            "2025-04",
            "query Unread($unread: Boolean) { conversations(unreadOnly: $unread) { edges { node { id } } } }",
            {"unread": True},
            ["unreadOnly: $unread"],
            marks=covers("shopify.conversations.unreadOnly"),
            id="unread conversations",
        ),
        pytest.param(
            "2026-07",
            """query Events($filter: EventFilterInput, $order: EventOrder) {
  events(filter: $filter, orderBy: $order) { edges { node { id } } }
}""",
            {"filter": {"subjectType": "APP", "occurredAtMin": "2026-05-01T00:00:00Z"}, "order": "OCCURRED_AT_ASC"},
            ["filter: $filter", "orderBy: $order"],
            marks=covers("shopify.events.subjectType", "shopify.events.orderBy"),
            id="events of apps, oldest first",
        ),
        pytest.param(
            "2026-07",
            """query Charge($app: ID!, $charge: ID!) {
  app(id: $app) { events(chargeId: $charge) { edges { node { type } } } }
}""",
            {"app": APP, "charge": "gid://shopify/AppSubscription/5"},
            ["chargeId: $charge"],
            marks=covers("shopify.app_events.chargeId"),
            id="events of a charge",
        ),
    ],
)
def test_any_argument_is_sent_by_a_document(
    version: str,
    document: str,
    variables: dict[str, Any],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The arguments that no argument of ours stands for. Paging adds its own."""
    root = document.partition("{")[2].split("(")[0].strip()
    page = connection({"id": "1"})
    api = Answers(data(**{root: {"events": page} if root == "app" else page}))
    run = OperatorRunner(
        monkeypatch, tmp_path, ShopifyPartnerHook, lambda hook: partner_client(api, api_version=version)
    )

    assert errors(f"shopify_partner_{version}", document) == []
    run(ShopifyPartnerQueryOperator(task_id="query", document=document, variables=variables, key=[]))

    (body,) = api.bodies
    assert errors(f"shopify_partner_{version}", body["query"]) == []
    assert [text for text in expected if text not in body["query"]] == []
    assert body["variables"] == {**variables, "first": 100}


@covers("shopify.request.mutation")
def test_a_mutation_is_sent_once() -> None:
    api = Answers(answer({"errors": "down"}, 503))

    with pytest.raises(PartnersError):
        partner_client(api).execute(*ROOTS["appCreditCreate"][1:])

    assert len(api.requests) == 1


# --- arguments ---


@covers(
    "shopify.transactions.createdAtMin",
    "shopify.transactions.createdAtMax",
    "shopify.transactions.bounds",
    "shopify.transactions.types",
    "shopify.transactions.appId",
    "shopify.transactions.shopId",
    "shopify.transactions.myshopifyDomain",
    "shopify.page.first",
)
@pytest.mark.parametrize("by", ["client", "operator"])
def test_every_argument_of_transactions_is_sent(by: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both bounds are inclusive (https://shopify.dev/docs/api/partner/latest/queries/transactions)."""
    inside, at_the_end = (
        {"id": "1", "createdAt": "2020-07-31T00:00:00Z"},
        {"id": "2", "createdAt": "2020-08-01T00:00:00Z"},
    )
    api = Answers(data(transactions=connection(inside, at_the_end)))

    arguments: dict[str, Any] = {
        "resource": "transactions",
        "since": "2020-07-01",
        "until": "2020-08-01",
        "types": ["APP_SUBSCRIPTION_SALE", "TAX"],
        "app_id": 1234,
        "shop_id": 5,
        "shop": "a.myshopify.com",
        "page_size": 50,
    }

    if by == "operator":
        run = OperatorRunner(monkeypatch, tmp_path, ShopifyPartnerHook, lambda hook: partner_client(api))
        records = list(read_dataset(run(ShopifyPartnerExtractOperator(task_id="extract", **arguments))))
    else:
        records = list(partner_client(api).extract(**arguments).records())

    assert [record["id"] for record in records] == ["1"]  # the end belongs to the next range
    assert [body["variables"] for body in api.bodies] == [
        {
            "createdAtMin": "2020-07-01T00:00:00.000000Z",
            "createdAtMax": "2020-08-01T00:00:00.000000Z",
            "types": ["APP_SUBSCRIPTION_SALE", "TAX"],
            "appId": APP,
            "shopId": "gid://partners/Shop/5",
            "myshopifyDomain": "a.myshopify.com",
            "first": 50,
        }
    ]


@covers(
    "shopify.app_events.app",
    "shopify.app_events.types",
    "shopify.app_events.shopId",
    "shopify.app_events.occurredAtMin",
    "shopify.app_events.occurredAtMax",
)
@pytest.mark.parametrize("by", ["client", "operator"])
def test_every_argument_of_app_events_is_sent(by: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    api = Answers(data(app={"events": connection()}))
    arguments: dict[str, Any] = {
        "resource": "app_events",
        "since": "2020-07-01",
        "until": "2020-08-01",
        "app_id": 1234,
        "types": "RELATIONSHIP_INSTALLED",
        "shop_id": 5,
        "page_size": 50,
    }

    if by == "operator":
        run = OperatorRunner(monkeypatch, tmp_path, ShopifyPartnerHook, lambda hook: partner_client(api))
        run(ShopifyPartnerExtractOperator(task_id="extract", **arguments))
    else:
        list(partner_client(api).extract(**arguments).records())

    assert [body["variables"] for body in api.bodies] == [
        {
            "appId": APP,
            "occurredAtMin": "2020-07-01T00:00:00.000000Z",
            "occurredAtMax": "2020-08-01T00:00:00.000000Z",
            "types": ["RELATIONSHIP_INSTALLED"],
            "shopId": "gid://partners/Shop/5",
            "first": 50,
        }
    ]


# --- errors ---


def failure(message: str, code: str, status: int) -> httpx.Response:
    return answer({"errors": [{"message": message, "extensions": {"code": code}}]}, status)


@pytest.mark.parametrize("with_status", [True, False], ids=["its status", "status 200"])
@pytest.mark.parametrize(
    ("message", "status", "error"),
    [
        pytest.param(
            "Maximum query length is 50000 characters", 400, ConfigurationError, marks=covers("shopify.error.400")
        ),
        pytest.param("Invalid access token", 401, AuthenticationError, marks=covers("shopify.error.401")),
        pytest.param("Invalid API version", 404, ConfigurationError, marks=covers("shopify.error.404")),
        pytest.param("Too many requests", 429, (ThrottledError, TransientError), marks=covers("shopify.error.429")),
        pytest.param("Internal error.", 500, TransientError, marks=covers("shopify.error.500")),
    ],
)
@covers("shopify.error.200")
@pytest.mark.usefixtures("quick_refusals")
def test_every_documented_error_has_its_outcome(message: str, status: int, error: Any, with_status: bool) -> None:
    """The bodies are those of https://shopify.dev/docs/api/partner#status-and-error-codes."""
    api = Answers(failure(message, str(status), status if with_status else 200))

    with pytest.raises(error, match=message.rstrip(".")):
        list(partner_client(api).extract("transactions").records())


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(429, marks=covers("shopify.limit.throttled.429")),
        pytest.param(200, marks=covers("shopify.limit.throttled.200")),
    ],
)
def test_a_throttled_request_is_sent_again(status: int) -> None:
    api = Answers(failure("Too many requests", "429", status), data(app={"name": "A"}))

    assert partner_client(api).execute(ONE_APP) == {"app": {"name": "A"}}
    assert api.bodies == [{"query": ONE_APP, "variables": {}}] * 2
