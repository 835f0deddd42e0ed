"""The Admin API client under limits and refusals: points, scopes, closed shops, and the ways to a token."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest
from fake_admin_api import SINCE, TOKEN, UNTIL, Shop, client, nodes, shop_answer

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    TransientError,
    UnexpectedResponseError,
)


def order(number: int = 1, **fields: object) -> dict:
    return {
        "id": f"gid://shopify/Order/{number}",
        "updatedAt": "2026-05-01T00:30:00Z",
        "lineItems": nodes(),
        "fulfillmentsCount": {"count": 0, "precision": "EXACT"},
        "fulfillments": [],
        **fields,
    }


def orders(*rows: dict, more: bool = False, cursor: str = "c1", **extensions: object) -> dict:
    return {"data": {"orders": nodes(*rows, more=more, cursor=cursor)}, "extensions": extensions}


def failed(message: str, code: str | None = None, data: object = None, **extensions: object) -> dict:
    given = {**({"code": code} if code else {}), **extensions}
    return {"errors": [{"message": message, **({"extensions": given} if given else {})}], "data": data}


def extract(shop: Shop, resource: str = "orders", client_options: dict | None = None, **asked: object) -> list[dict]:
    given = {"since": SINCE, "until": UNTIL, **asked}
    return list(client(shop, **(client_options or {})).extract(resource, **given).records())  # type: ignore[arg-type]


def throttled(requested: float, available: float, rate: float = 50.0) -> dict:
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": rate}
    cost = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return {
        "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": cost},
    }


def charged(requested: float, actual: float, available: float) -> dict:
    status = {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": 100}
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}


def test_a_throttled_query_waits_until_the_bucket_holds_enough() -> None:
    shop = Shop(Orders=[throttled(752, 102), orders(order())])
    asking = client(shop)
    begun = asking._clock.monotonic()
    assert len(list(asking.extract("orders", since=SINCE, until=UNTIL).records())) == 1
    assert 13.0 <= asking._clock.monotonic() - begun < 33.0
    assert asking.stats.snapshot()["throttled"] == 1


def test_a_throttled_query_without_figures_is_asked_again() -> None:
    body = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
    assert len(extract(Shop(Orders=[body, orders(order())]))) == 1


def test_too_many_requests_at_the_edge_wait_as_long_as_asked() -> None:
    shop = Shop(Orders=[httpx.Response(429, headers={"Retry-After": "7"}), orders(order())])
    asking = client(shop)
    begun = asking._clock.monotonic()
    list(asking.extract("orders", since=SINCE, until=UNTIL).records())
    assert asking._clock.monotonic() - begun >= 7


def test_a_query_waits_beforehand_when_the_bucket_is_nearly_empty() -> None:
    first = orders(order(1), more=True, cost=charged(485, 400, 85))
    asking = client(Shop(Orders=[first, orders(order(2), cost=charged(485, 400, 1000))]))
    begun = asking._clock.monotonic()
    list(asking.extract("orders", since=SINCE, until=UNTIL).records())
    assert asking._clock.monotonic() - begun == pytest.approx(4.0, abs=0.1)
    assert asking.stats.snapshot()["throttled"] == 0


def test_what_was_not_needed_is_given_back() -> None:
    pages = [orders(order(n), more=True, cursor=f"c{n}", cost=charged(485, 20, 1980 - 20 * n)) for n in range(30)]
    asking = client(Shop(Orders=[*pages, orders(order(99))]))
    begun = asking._clock.monotonic()
    list(asking.extract("orders", since=SINCE, until=UNTIL).records())
    assert asking._clock.monotonic() == begun


def too_costly(most: int) -> Callable[[dict], dict]:
    def answer(variables: dict) -> dict:
        size = variables.get("first") or len(variables["ids"])
        if size > most:
            return failed(
                "Query cost is 2003, which exceeds the single query max cost limit (1000).", "MAX_COST_EXCEEDED"
            )
        if "ids" in variables:
            return {"data": {"nodes": [{"__typename": "Order", **order(int(gid[20:]))} for gid in variables["ids"]]}}
        return orders(order(1), more=True, cursor="x") if variables["after"] is None else orders(order(2))

    return answer


def test_a_page_that_costs_too_much_is_halved_at_the_same_cursor_and_stays_small() -> None:
    shop = Shop(Orders=too_costly(13))
    assert len(extract(shop)) == 2
    assert [(variables["first"], variables["after"]) for variables in shop.of("Orders")] == [
        (50, None),
        (25, None),
        (12, None),
        (12, "x"),
    ]


def test_ids_that_cost_too_much_are_asked_for_in_smaller_numbers() -> None:
    shop = Shop(OrdersById=too_costly(13))
    rows = list(client(shop).extract("orders", match={"id": range(1, 31)}).records())
    assert len(rows) == 30
    assert [len(variables["ids"]) for variables in shop.of("OrdersById")] == [30, 25, 12, 12, 6]


def test_a_single_object_that_costs_too_much_is_an_error() -> None:
    shop = Shop(Orders=too_costly(0))
    with pytest.raises(ConfigurationError, match="a single object costs more"):
        extract(shop)
    assert [variables["first"] for variables in shop.of("Orders")] == [50, 25, 12, 6, 3, 1]


# --- refusals ---


def test_a_missing_scope_is_named() -> None:
    body = failed(
        "Access denied for orders field. Required access: `read_orders` access scope.",
        "ACCESS_DENIED",
        requiredAccess="`read_orders` access scope.",
    )
    with pytest.raises(AuthenticationError, match="Give the app the 'read_orders' access scope"):
        extract(Shop(Orders=body))


@pytest.mark.parametrize("code", ["ACCESS_DENIED", None])
def test_protected_customer_data_have_a_remedy_of_their_own(code: str | None) -> None:
    message = (
        "This app is not approved to access the Order object. "
        "See https://shopify.dev/docs/apps/launch/protected-customer-data for more details."
    )
    with pytest.raises(AuthenticationError, match="personal_data=False"):
        extract(Shop(Orders=failed(message, code)))


def test_an_unknown_search_field_is_an_error_that_names_it() -> None:
    warned = {"warnings": [{"field": "emial", "message": "Invalid search field for this query."}]}
    with pytest.raises(ConfigurationError, match="'emial'"):
        extract(Shop(Orders=orders(order(), search=[warned])), query="emial:x")


def test_a_refused_token_is_told_though_the_errors_are_a_text() -> None:
    body = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
    with pytest.raises(AuthenticationError, match="access token") as caught:
        extract(Shop(OrdersCount=httpx.Response(401, json=body)))
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "remedy"),
    [
        (402, ConfigurationError, "frozen"),
        (403, AuthenticationError, "scope"),
        (404, ConfigurationError, "no shop at this address"),
        (423, ConfigurationError, "locked"),
        (301, UnexpectedResponseError, "myshopify.com domain"),
    ],
)
def test_what_a_shop_refuses_has_a_remedy(status: int, kind: type[Exception], remedy: str) -> None:
    with pytest.raises(kind, match=remedy):
        extract(Shop(OrdersCount=httpx.Response(status, json={"errors": "no"})))


def test_an_internal_error_is_retried() -> None:
    body = failed("Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR")
    assert len(extract(Shop(Orders=[body, orders(order())]))) == 1
    with pytest.raises(TransientError):
        extract(Shop(Orders=body))


def test_an_error_in_the_document_is_told_as_shopify_words_it() -> None:
    body = {
        "errors": [{"message": "Field 'x' doesn't exist on type 'Order'", "extensions": {"code": "undefinedField"}}]
    }
    with pytest.raises(ConfigurationError, match="Field 'x' doesn't exist on type 'Order'"):
        extract(Shop(Orders=body))


def test_an_answer_of_another_version_is_an_error_where_that_is_wished() -> None:
    counted = {"data": {"ordersCount": {"count": 0, "precision": "EXACT"}}}
    answer = httpx.Response(200, json=counted, headers={"X-Shopify-API-Version": "2025-10"})
    with pytest.raises(ConfigurationError, match="2025-10 answered"):
        extract(Shop(OrdersCount=answer), client_options={"strict_version": True, "api_version": "2024-01"})


# --- tokens ---


class Office:
    """Grants tokens for client credentials."""

    def __init__(self) -> None:
        self.forms: list[dict] = []

    def __call__(self, request: httpx.Request) -> dict:
        assert "X-Shopify-Access-Token" not in request.headers
        self.forms.append(parse_qs(request.content.decode()))
        return {"access_token": f"shpat_granted{len(self.forms)}", "scope": "read_orders", "expires_in": 86399}


GRANTED = {"auth": "client_credentials", "access_token": None, "client_id": "id", "client_secret": "shpss_secret"}


def test_client_credentials_are_exchanged_once_for_many_requests() -> None:
    office = Office()
    shop = Shop(token=office, Orders=orders())
    told: list[str] = []
    extract(shop, client_options={**GRANTED, "on_secret": told.append})
    assert office.forms == [
        {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["shpss_secret"]}
    ]
    assert {request.headers.get("X-Shopify-Access-Token") for request in shop.requests[1:]} == {"shpat_granted1"}
    assert {"shpss_secret", "shpat_granted1"} <= set(told)


def test_client_credentials_are_exchanged_anew_before_a_token_expires() -> None:
    office = Office()
    asking = client(Shop(token=office), **GRANTED)
    asking.ping()
    asking._clock.sleep(86_390)
    asking.ping()
    assert len(office.forms) == 2


def test_client_credentials_are_exchanged_anew_once_when_a_token_is_refused() -> None:
    office = Office()
    refused = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
    client(Shop(token=office, Shop=[refused, shop_answer()]), **GRANTED).ping()
    assert len(office.forms) == 2
    with pytest.raises(AuthenticationError):
        client(Shop(token=office, Shop=refused), **GRANTED).ping()


def test_refused_client_credentials_say_what_to_check_and_keep_the_secret() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"error": "invalid_client", "error_description": "bad shpss_secret"})

    with pytest.raises(AuthenticationError, match="Check client id and secret") as caught:
        client(Shop(token=refuse), **GRANTED).ping()
    assert "shpss_secret" not in str(caught.value)


def test_a_token_provider_is_asked_again_when_its_token_is_refused() -> None:
    tokens = iter(["shpat_old_token", "shpat_new_token"])
    refused = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
    shop = Shop(Shop=[refused, shop_answer()])
    client(shop, access_token=None, token_provider=lambda: next(tokens)).ping()
    assert [request.headers["X-Shopify-Access-Token"] for request in shop.requests] == [
        "shpat_old_token",
        "shpat_new_token",
    ]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"access_token": None}, "no access token"),
        ({"auth": "oauth"}, "'auth' is 'oauth'"),
        ({**GRANTED, "client_secret": None}, "client id and a client secret"),
        ({"api_version": "2026"}, "api_version"),
        ({"shop": "a.example.com"}, "permanent domain"),
    ],
)
def test_what_is_missing_is_named(options: dict, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        client(Shop(), **options)


def test_ping_names_the_shop_and_the_scopes() -> None:
    told = client(Shop(Shop=shop_answer("read_orders", "read_customers"))).ping()
    assert told == "a.myshopify.com answers; the token's scopes: read_customers, read_orders."
