"""GraphQL: answers that are data, answers that are errors, and the documents that users write."""

from __future__ import annotations

import json
import logging
import re

import httpx
import pytest

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.shopify.graphql import GraphQLCaller, is_at_least, validate_version
from airflow_provider_partners.api.shopify.graphql_errors import GraphQLErrorHandler
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, UnexpectedResponseError

TABLE = GraphQLErrorHandler(codes={}, messages=((re.compile("^Too many requests"), ResponseAction.THROTTLE),))


class StandingClock(Clock):
    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0)


class Endpoint:
    """Returns the given answers in turn, and then the last one again."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.sent: list[dict] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def caller(endpoint: Endpoint, *, strict: bool = False, version: str = "2026-07", rate_limit=None) -> GraphQLCaller:
    transport = Transport(
        partner="Test",
        base_url="https://api.test",
        error_handler=ErrorHandler().with_overrides(inspect=TABLE.inspect),
        rate_limit=rate_limit,
        options=ClientOptions(handler=httpx.MockTransport(endpoint), clock=StandingClock()),
    )
    return GraphQLCaller(transport=transport, path="/graphql.json", api_version=version, strict_version=strict)


@pytest.mark.covers("shopify.request.operation_name")
def test_a_document_is_posted_with_its_variables_and_its_operation() -> None:
    endpoint = Endpoint(answer({"data": {"a": 1}, "extensions": {"b": 2}}))
    result = caller(endpoint).execute("query Q { a }", {"x": 1}, operation_name="Q")
    assert endpoint.sent == [{"query": "query Q { a }", "variables": {"x": 1}, "operationName": "Q"}]
    assert (result.data, result.extensions) == ({"a": 1}, {"b": 2})


def test_the_message_names_the_path_of_the_error() -> None:
    endpoint = Endpoint(answer({"errors": [{"message": "App not found", "path": ["app"]}], "data": {"app": None}}))
    with pytest.raises(UnexpectedResponseError, match=r"App not found \(at app\)"):
        caller(endpoint).execute("{ app }")


def test_a_throttled_request_is_retried() -> None:
    endpoint = Endpoint(answer({"errors": "Too many requests"}), answer({"data": {"a": 1}}))
    assert caller(endpoint).execute("{ a }").data == {"a": 1}
    assert len(endpoint.sent) == 2


def test_an_unknown_refusal_of_the_request_is_retried_and_stays_unexpected() -> None:
    assert caller(Endpoint(answer({"errors": "Zu viele Anfragen"}), answer({"data": {"a": 1}}))).execute("{ a }")
    with pytest.raises(UnexpectedResponseError, match="Zu viele Anfragen"):
        caller(Endpoint(answer({"errors": "Zu viele Anfragen"}))).execute("{ a }")


@pytest.mark.parametrize("body", [{}, {"data": None}, [], "text", {"data": []}])
def test_an_answer_without_data_and_errors_is_an_error(body: object) -> None:
    with pytest.raises(UnexpectedResponseError):
        caller(Endpoint(answer(body))).execute("{ a }")


@pytest.mark.covers("shopify.version.header")
def test_an_answer_of_another_version_logs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    graphql = caller(Endpoint(answer({"data": {}}, X_Shopify_API_Version="2025-10")), version="2024-01")
    with caplog.at_level(logging.WARNING):
        graphql.execute("{ a }")
        graphql.execute("{ a }")
    warnings = [record.getMessage() for record in caplog.records if "2024-01 was requested" in record.getMessage()]
    assert len(warnings) == 1
    assert "2025-10" in warnings[0]


def test_an_answer_of_another_version_is_an_error_with_strict_version() -> None:
    graphql = caller(Endpoint(answer({"data": {}}, X_Shopify_API_Version="2025-10")), version="2024-01", strict=True)
    with pytest.raises(ConfigurationError, match="2024-01 was requested, 2025-10 answered"):
        graphql.execute("{ a }")


def test_an_answer_of_the_same_version_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caller(Endpoint(answer({"data": {}}, X_Shopify_API_Version="2026-07")), strict=True).execute("{ a }")
    assert not caplog.records


def test_deprecated_fields_are_named_in_one_warning_per_client(caplog: pytest.LogCaptureFixture) -> None:
    # The header names the fields since 2025-04: https://shopify.dev/changelog/graphql-return-actual-deprecation-reasons
    deprecated = answer({"data": {}}, X_Shopify_API_Deprecated_Reason="Shop.products, Shop.productVariants")
    graphql = caller(Endpoint(deprecated))
    graphql.execute("{ a }", label="shop")
    graphql.execute("{ b }")
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "shop uses what a later version removes: Shop.products, Shop.productVariants" in warning


@pytest.mark.covers("shopify.version.dated")
@pytest.mark.parametrize("version", ["2026-7", "2026-02", "latest", "", "2026-07-01"])
def test_a_version_that_cannot_exist_is_refused(version: str) -> None:
    with pytest.raises(ConfigurationError, match="api_version"):
        validate_version(version)


def test_versions_are_compared_by_date_and_unstable_is_the_latest() -> None:
    assert is_at_least("2026-07", "2026-07")
    assert is_at_least("2026-10", "2026-07")
    assert is_at_least("unstable", "2026-07")
    assert not is_at_least("2026-04", "2026-07")


def test_an_ignored_search_field_is_an_error_that_names_it() -> None:
    warning = {"field": "emial", "message": "Invalid search field for this query.", "code": "invalid_field"}
    search = [{"path": ["orders"], "query": "emial:x", "warnings": [warning]}]
    with pytest.raises(ConfigurationError, match="'emial': Invalid search field"):
        caller(Endpoint(answer({"data": {}, "extensions": {"search": search}}))).execute("{ a }")


def test_a_search_without_warnings_passes() -> None:
    graphql = caller(Endpoint(answer({"data": {"a": 1}, "extensions": {"search": [{"path": ["orders"]}]}})))
    assert graphql.execute("{ a }").data == {"a": 1}


class RecordingRateLimit:
    """Remembers the reserved costs."""

    def __init__(self) -> None:
        self.costs: list[float] = []

    def use(self) -> None:
        """No limit is reported."""

    def acquire(self, cost: float = 1.0, *, max_wait: float = 0.0) -> float:
        self.costs.append(cost)
        return 0.0

    def postpone(self, seconds: float) -> None:
        """Nothing is late here."""

    def update_from_server(self, **figures: object) -> None:
        """Ignore the figures."""


def test_a_request_reserves_the_previous_cost_of_the_same_page() -> None:
    rate_limit = RecordingRateLimit()
    costly = answer({"data": {}, "extensions": {"cost": {"requestedQueryCost": 331}}})
    graphql = caller(Endpoint(costly), rate_limit=rate_limit)
    graphql.execute("{ a }", {"first": 50})
    graphql.execute("{ a }", {"first": 50})
    graphql.execute("{ a }", {"first": 25})
    graphql.execute("{ b }", {"first": 50})
    assert rate_limit.costs == [1.0, 331.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"message": "Variable $query of value email:'jane' AND city:Bonn is too long"}]},
        {"errors": [{"message": "no city Bonn, no jane", "extensions": {"code": "BAD_REQUEST"}}]},
        {"data": {}, "extensions": {"search": [{"warnings": [{"field": "city", "message": "Bonn? jane?"}]}]}},
    ],
)
def test_values_of_variables_are_hidden_in_errors(body: object) -> None:
    """The GraphQL specification (October 2021, 7.1.2) lets a message hold anything, such as the refused value."""
    with pytest.raises(PartnersError) as raised:
        caller(Endpoint(answer(body))).execute("query { shop }", {"query": "email:'jane' AND city:Bonn"})
    assert "jane" not in str(raised.value)
    assert "Bonn" not in str(raised.value)


def test_values_of_variables_are_hidden_in_user_errors() -> None:
    payload = {"userErrors": [{"field": ["name"], "message": "Jane Doe is taken", "code": "TAKEN"}], "customer": None}
    result = caller(Endpoint(answer({"data": {"create": payload}}))).execute("mutation", {"name": "Jane Doe"})
    assert result.data["create"]["userErrors"] == [{"field": ["name"], "message": "*** is taken", "code": "TAKEN"}]


def test_a_requested_field_that_is_missing_is_an_error_of_the_answer():
    """GraphQL's specification, section 7.1: ``data`` has an entry for each field of the operation."""
    data = caller(Endpoint(answer({"data": {"orders": "a page for another question"}}))).execute("{ shop { id } }").data
    assert "shop" not in data
    with pytest.raises(UnexpectedResponseError, match="the answer has no 'shop'"):
        data["shop"]
