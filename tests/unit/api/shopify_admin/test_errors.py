"""The Admin API client under limits and errors: points, scopes, and shops that refuse."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fakes.admin_api import (
    SINCE,
    TOKEN,
    UNTIL,
    FakeAdminApi,
    connection,
    error_body,
    extract,
    make_client,
    order_node,
    orders_body,
)

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ThrottledError,
    TransientError,
    UnexpectedResponseError,
)


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
    api = FakeAdminApi(Orders=[throttled(752, 102), orders_body(order_node())])
    client = make_client(api)
    started_at = client._clock.monotonic()
    assert len(list(client.extract("orders", since=SINCE, until=UNTIL).records())) == 1
    assert 13.0 <= client._clock.monotonic() - started_at < 33.0
    assert client.stats.snapshot()["throttled"] == 1


def test_a_throttled_query_without_figures_is_retried() -> None:
    body = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
    assert len(extract(FakeAdminApi(Orders=[body, orders_body(order_node())]))) == 1


def test_a_429_waits_as_long_as_retry_after_says() -> None:
    api = FakeAdminApi(Orders=[httpx.Response(429, headers={"Retry-After": "7"}), orders_body(order_node())])
    client = make_client(api)
    started_at = client._clock.monotonic()
    list(client.extract("orders", since=SINCE, until=UNTIL).records())
    assert client._clock.monotonic() - started_at >= 7


def test_a_query_waits_before_it_is_sent_if_the_bucket_is_nearly_empty() -> None:
    first = orders_body(order_node(1), more=True, cost=charged(485, 400, 85))
    client = make_client(FakeAdminApi(Orders=[first, orders_body(order_node(2), cost=charged(485, 400, 1000))]))
    started_at = client._clock.monotonic()
    list(client.extract("orders", since=SINCE, until=UNTIL).records())
    assert client._clock.monotonic() - started_at == pytest.approx(4.0, abs=0.1)
    assert client.stats.snapshot()["throttled"] == 0


def test_unused_points_are_refunded() -> None:
    pages = [
        orders_body(order_node(n), more=True, cursor=f"c{n}", cost=charged(485, 20, 1980 - 20 * n)) for n in range(30)
    ]
    client = make_client(FakeAdminApi(Orders=[*pages, orders_body(order_node(99))]))
    started_at = client._clock.monotonic()
    list(client.extract("orders", since=SINCE, until=UNTIL).records())
    assert client._clock.monotonic() == started_at


def too_costly(max_size: int) -> Callable[[dict], dict]:
    def answer(variables: dict) -> dict:
        size = variables.get("first") or len(variables["ids"])
        if size > max_size:
            return error_body(
                "Query cost is 2003, which exceeds the single query max cost limit (1000).", "MAX_COST_EXCEEDED"
            )
        if "ids" in variables:
            return {
                "data": {"nodes": [{"__typename": "Order", **order_node(int(gid[20:]))} for gid in variables["ids"]]}
            }
        return (
            orders_body(order_node(1), more=True, cursor="x")
            if variables["after"] is None
            else orders_body(order_node(2))
        )

    return answer


def test_a_page_that_costs_too_much_is_halved_at_the_same_cursor_and_stays_small() -> None:
    api = FakeAdminApi(Orders=too_costly(13))
    assert len(extract(api)) == 2
    assert [(variables["first"], variables["after"]) for variables in api.variables_of("Orders")] == [
        (50, None),
        (25, None),
        (12, None),
        (12, "x"),
    ]


def test_ids_that_cost_too_much_are_requested_in_smaller_batches() -> None:
    api = FakeAdminApi(OrdersById=too_costly(13))
    records = list(make_client(api).extract("orders", match={"id": range(1, 31)}).records())
    assert len(records) == 30
    assert [len(variables["ids"]) for variables in api.variables_of("OrdersById")] == [30, 25, 12, 12, 6]


def test_a_single_object_that_costs_too_much_is_an_error() -> None:
    api = FakeAdminApi(Orders=too_costly(0))
    with pytest.raises(ConfigurationError, match="a single object costs more"):
        extract(api)
    assert [variables["first"] for variables in api.variables_of("Orders")] == [50, 25, 12, 6, 3, 1]


# --- pages that take Shopify too long ---


def no_answer(request: object) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


TOO_SLOW = [
    # HTTP 504, INTERNAL_SERVER_ERROR and Timeout for pages that go through when they are smaller, as reported in
    # https://github.com/singer-io/tap-shopify/issues/227, https://github.com/Shopify/mobile-buy-sdk-ios/issues/940 and
    # https://github.com/travis-r6s/gridsome-source-shopify/issues/49.
    httpx.Response(504, html="<title>504 Gateway Time-out</title>"),
    error_body("Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR"),
    {"errors": [{"message": "Timeout"}]},
    no_answer,
]


def too_slow(max_size: int, failure: object) -> Callable[[dict], object]:
    answer_in_time = too_costly(10_000)

    def answer(variables: dict) -> object:
        if (variables.get("first") or len(variables["ids"])) <= max_size:
            return answer_in_time(variables)
        return failure(variables) if callable(failure) else failure

    return answer


@pytest.mark.parametrize("failure", TOO_SLOW)
def test_a_page_that_takes_too_long_is_halved_at_the_same_cursor_and_stays_small(failure: object) -> None:
    api = FakeAdminApi(Orders=too_slow(13, failure))
    assert len(extract(api)) == 2
    assert [(variables["first"], variables["after"]) for variables in api.variables_of("Orders")] == [
        (50, None),
        (50, None),
        (25, None),
        (25, None),
        (12, None),
        (12, "x"),
    ]


def test_ids_that_take_too_long_are_requested_in_smaller_batches() -> None:
    api = FakeAdminApi(OrdersById=too_slow(13, TOO_SLOW[0]))
    records = list(make_client(api).extract("orders", match={"id": range(1, 31)}).records())
    assert len(records) == 30
    assert [len(variables["ids"]) for variables in api.variables_of("OrdersById")] == [30, 30, 25, 25, 12, 12, 6]


def test_a_nested_list_that_takes_too_long_is_halved() -> None:
    def lines(variables: dict) -> object:
        if variables["first"] > 125:
            return TOO_SLOW[1]
        return {"data": {"node": {"id": variables["id"], "lineItems": connection({"id": "gid://shopify/LineItem/2"})}}}

    node = order_node(lineItems=connection({"id": "gid://shopify/LineItem/1"}, more=True))
    api = FakeAdminApi(Orders=orders_body(node), OrderLineItems=lines)
    (record,) = extract(api)
    assert len(record["lineItems"]) == 2
    assert [variables["first"] for variables in api.variables_of("OrderLineItems")] == [250, 250, 125]


def test_a_single_object_that_takes_too_long_is_asked_for_as_often_as_after_other_failures() -> None:
    api = FakeAdminApi(Orders=too_slow(0, TOO_SLOW[0]))
    with pytest.raises(TransientError, match="HTTP 504"):
        extract(api)
    assert [variables["first"] for variables in api.variables_of("Orders")].count(1) == 8


def test_a_failure_that_does_not_depend_on_the_size_keeps_the_page() -> None:
    failed = httpx.Response(503, html="<title>Service Unavailable</title>")
    api = FakeAdminApi(Orders=[failed, failed, failed, orders_body(order_node())])
    assert len(extract(api)) == 1
    assert {variables["first"] for variables in api.variables_of("Orders")} == {50}


# --- error answers ---


def test_a_missing_scope_is_named() -> None:
    body = error_body(
        "Access denied for orders field. Required access: `read_orders` access scope.",
        "ACCESS_DENIED",
        requiredAccess="`read_orders` access scope.",
    )
    with pytest.raises(AuthenticationError, match="Give the app the 'read_orders' access scope"):
        extract(FakeAdminApi(Orders=body))


def test_a_missing_scope_for_customers_has_a_second_way_out() -> None:
    # Recorded wording; Order.customer needs read_customers: https://shopify.dev/docs/api/usage/access-scopes
    body = error_body(
        "Access denied for customer field. Required access: `read_customers` access scope.",
        "ACCESS_DENIED",
        requiredAccess="`read_customers` access scope.",
    )
    with pytest.raises(
        AuthenticationError, match=r"'read_customers' access scope.*Or extract with personal_data=False"
    ):
        extract(FakeAdminApi(Orders=body))


@pytest.mark.parametrize("code", ["ACCESS_DENIED", None])
def test_protected_customer_data_has_its_own_remedy(code: str | None) -> None:
    message = (
        "This app is not approved to access the Order object. "
        "See https://shopify.dev/docs/apps/launch/protected-customer-data for more details."
    )
    with pytest.raises(AuthenticationError, match="personal_data=False"):
        extract(FakeAdminApi(Orders=error_body(message, code)))


def test_an_unknown_search_field_is_an_error_that_names_it() -> None:
    search = {"warnings": [{"field": "emial", "message": "Invalid search field for this query."}]}
    with pytest.raises(ConfigurationError, match="'emial'"):
        extract(FakeAdminApi(Orders=orders_body(order_node(), search=[search])), query="emial:x")


def test_a_refused_token_is_recognized_if_the_errors_are_a_text() -> None:
    body = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
    with pytest.raises(AuthenticationError, match="access token") as caught:
        extract(FakeAdminApi(OrdersCount=httpx.Response(401, json=body)))
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
def test_every_status_has_a_remedy(status: int, kind: type[Exception], remedy: str) -> None:
    with pytest.raises(kind, match=remedy):
        extract(FakeAdminApi(OrdersCount=httpx.Response(status, json={"errors": "no"})))


def test_an_internal_error_is_retried() -> None:
    body = error_body("Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR")
    assert len(extract(FakeAdminApi(Orders=[body, orders_body(order_node())]))) == 1
    with pytest.raises(TransientError):
        extract(FakeAdminApi(Orders=body))


@pytest.mark.parametrize("message", ["Timeout", "Timeout on Order.lineItems"])
def test_a_timeout_with_a_successful_status_and_without_a_code_is_retried(message: str) -> None:
    # Reported in https://github.com/travis-r6s/gridsome-source-shopify/issues/49 as status 200 with this body; the
    # second wording is graphql-ruby's (lib/graphql/schema/timeout.rb).
    body = {"errors": [{"message": message}]}
    assert len(extract(FakeAdminApi(Orders=[body, orders_body(order_node())]))) == 1


def test_an_inactive_shop_is_no_passing_error() -> None:
    # The code is documented at https://shopify.dev/docs/api/admin-graphql/latest#status-and-error-codes.
    with pytest.raises(ConfigurationError, match="contact Shopify"):
        extract(FakeAdminApi(Orders=error_body("The shop is not active.", "SHOP_INACTIVE")))


def test_an_unknown_code_is_unexpected_and_not_the_users_fault() -> None:
    with pytest.raises(UnexpectedResponseError, match="Shard is moving"):
        extract(FakeAdminApi(Orders=error_body("Shard is moving", "SHARD_MOVING")))


REJECTION = "<html><head><title>Shopify Security Rejection</title></head><body>430</body></html>"
"""A page as users report it: https://github.com/Shopify/shopify-api-js/issues/1030."""


def test_a_security_rejection_is_waited_for() -> None:
    # Status 430: https://shopify.dev/docs/api/usage/response-codes. Bursts of it pass, see
    # https://github.com/kirillplatonov/shopify_graphql/issues/38.
    refused = httpx.Response(430, html=REJECTION)
    client = make_client(FakeAdminApi(Orders=[refused, refused, orders_body(order_node())]))
    started_at = client._clock.monotonic()
    assert len(list(client.extract("orders", since=SINCE, until=UNTIL).records())) == 1
    assert client._clock.monotonic() > started_at


def test_a_lasting_security_rejection_reschedules_and_says_what_it_is() -> None:
    with pytest.raises(ThrottledError, match=r"Security Rejection.*HTTP 430.*address of your own"):
        extract(FakeAdminApi(OrdersCount=httpx.Response(430, html=REJECTION)))


def test_an_error_in_the_document_is_shown_in_shopifys_words() -> None:
    body = {
        "errors": [{"message": "Field 'x' doesn't exist on type 'Order'", "extensions": {"code": "undefinedField"}}]
    }
    with pytest.raises(ConfigurationError, match="Field 'x' doesn't exist on type 'Order'"):
        extract(FakeAdminApi(Orders=body))


def test_an_answer_of_another_version_is_an_error_with_strict_version() -> None:
    counted = {"data": {"ordersCount": {"count": 0, "precision": "EXACT"}}}
    answer = httpx.Response(200, json=counted, headers={"X-Shopify-API-Version": "2025-10"})
    with pytest.raises(ConfigurationError, match="2025-10 answered"):
        extract(FakeAdminApi(OrdersCount=answer), client_options={"strict_version": True, "api_version": "2024-01"})
