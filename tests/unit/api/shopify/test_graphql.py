"""GraphQL answers: which are data, which are faults, and of which kind."""

from __future__ import annotations

import json
import logging
import re

import httpx
import pytest

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction
from airflow_provider_partners.api.http.messages import Response
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.shopify.graphql import (
    GraphQLCaller,
    GraphQLError,
    GraphQLErrorHandler,
    is_at_least,
    parse_errors,
    validate_version,
)
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

TABLE = GraphQLErrorHandler(
    codes={"429": ResponseAction.THROTTLE, "500": ResponseAction.RETRY, "DENIED": ResponseAction.REFUSE_CREDENTIALS},
    messages=((re.compile("^Too many requests"), ResponseAction.THROTTLE),),
)


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
    """Answers with what it is given, in turn; the last one stays."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.sent: list[dict] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(json.loads(request.content))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def caller(endpoint: Endpoint, *, strict: bool = False, version: str = "2026-07", budget=None) -> GraphQLCaller:
    transport = Transport(
        partner="Test",
        base_url="https://api.test",
        error_handler=ErrorHandler().with_overrides(inspect=TABLE.inspect),
        handler=httpx.MockTransport(endpoint),
        clock=StandingClock(),
        rate_limit=budget,
    )
    return GraphQLCaller(transport=transport, path="/graphql.json", api_version=version, strict_version=strict)


def response(body: object, status: int = 200) -> Response:
    return Response(status=status, headers={}, content=json.dumps(body).encode())


def test_a_document_is_posted_with_its_variables_and_its_operation() -> None:
    endpoint = Endpoint(answer({"data": {"a": 1}, "extensions": {"b": 2}}))
    got = caller(endpoint).execute("query Q { a }", {"x": 1}, operation_name="Q")
    assert endpoint.sent == [{"query": "query Q { a }", "variables": {"x": 1}, "operationName": "Q"}]
    assert (got.data, got.extensions) == ({"a": 1}, {"b": 2})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errors": "text"}, [GraphQLError("text")]),
        ({"errors": ["text"]}, [GraphQLError("text")]),
        ({"errors": {"message": "text"}}, [GraphQLError("text")]),
        (
            {"errors": [{"message": "text", "path": ["a", 0, "b"], "extensions": {"code": 404}}]},
            [GraphQLError("text", "404", "a.0.b", {"code": 404})],
        ),
        ({"errors": [{"message": "text", "extensions": None}]}, [GraphQLError("text")]),
        ({"errors": []}, []),
        ({"errors": None, "data": {}}, []),
        ([], []),
    ],
)
def test_errors_are_read_in_every_shape(body: object, expected: list[GraphQLError]) -> None:
    assert parse_errors(body) == expected


@pytest.mark.parametrize(
    ("errors", "action"),
    [
        ([{"message": "slow", "extensions": {"code": "429"}}], ResponseAction.THROTTLE),
        ([{"message": "Too many requests"}], ResponseAction.THROTTLE),
        ("Too many requests", ResponseAction.THROTTLE),
        ([{"message": "oops", "extensions": {"code": "500"}}], ResponseAction.RETRY),
        ([{"message": "App not found", "path": ["app"]}], ResponseAction.MISCONFIGURED),
    ],
)
def test_a_successful_answer_with_errors_is_a_fault(errors: object, action: ResponseAction) -> None:
    assert TABLE.inspect(response({"errors": errors, "data": None})).action is action


def test_a_refused_answer_goes_by_its_status_unless_its_code_is_known() -> None:
    assert TABLE.inspect(response({"errors": [{"message": "who knows"}]}, 502)) is None
    assert TABLE.inspect(response({"errors": [{"message": "x", "extensions": {"code": "429"}}]}, 400)).action is (
        ResponseAction.THROTTLE
    )


def test_the_gravest_of_several_errors_decides() -> None:
    errors = [
        {"message": "a field"},
        {"message": "oops", "extensions": {"code": "500"}},
        {"message": "no", "extensions": {"code": "DENIED"}},
    ]
    assert TABLE.inspect(response({"errors": errors})).action is ResponseAction.REFUSE_CREDENTIALS


def test_an_error_inside_the_data_is_no_error_of_the_answer() -> None:
    assert TABLE.inspect(response({"data": {"errors": [{"message": "a field of this name"}]}})) is None


def test_a_body_that_is_no_json_is_left_to_the_status() -> None:
    assert TABLE.inspect(Response(status=502, headers={}, content=b'<html>"errors"</html>')) is None


def test_the_message_says_where_in_the_answer_it_went_wrong() -> None:
    endpoint = Endpoint(answer({"errors": [{"message": "App not found", "path": ["app"]}], "data": {"app": None}}))
    with pytest.raises(ConfigurationError, match=r"App not found \(at app\)"):
        caller(endpoint).execute("{ app }")


def test_a_throttled_answer_is_asked_again() -> None:
    endpoint = Endpoint(answer({"errors": "Too many requests"}), answer({"data": {"a": 1}}))
    assert caller(endpoint).execute("{ a }").data == {"a": 1}
    assert len(endpoint.sent) == 2


@pytest.mark.parametrize("body", [{}, {"data": None}, [], "text", {"data": []}])
def test_an_answer_without_data_and_errors_cannot_be_understood(body: object) -> None:
    with pytest.raises(UnexpectedResponseError):
        caller(Endpoint(answer(body))).execute("{ a }")


def test_an_answer_of_another_version_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    asking = caller(Endpoint(answer({"data": {}}, X_Shopify_API_Version="2025-10")), version="2024-01")
    with caplog.at_level(logging.WARNING):
        asking.execute("{ a }")
        asking.execute("{ a }")
    told = [record.getMessage() for record in caplog.records if "2024-01 was asked for" in record.getMessage()]
    assert len(told) == 1
    assert "2025-10" in told[0]


def test_an_answer_of_another_version_is_an_error_where_that_is_wished() -> None:
    asking = caller(Endpoint(answer({"data": {}}, X_Shopify_API_Version="2025-10")), version="2024-01", strict=True)
    with pytest.raises(ConfigurationError, match="2024-01 was asked for, 2025-10 answered"):
        asking.execute("{ a }")


def test_an_answer_of_the_same_version_is_no_matter(caplog: pytest.LogCaptureFixture) -> None:
    caller(Endpoint(answer({"data": {}}, X_Shopify_API_Version="2026-07")), strict=True).execute("{ a }")
    assert not caplog.records


@pytest.mark.parametrize("version", ["2026-7", "2026-02", "latest", "", "2026-07-01"])
def test_a_version_that_cannot_exist_is_refused(version: str) -> None:
    with pytest.raises(ConfigurationError, match="api_version"):
        validate_version(version)


def test_versions_are_compared_by_date_and_unstable_has_everything() -> None:
    assert is_at_least("2026-07", "2026-07")
    assert is_at_least("2026-10", "2026-07")
    assert is_at_least("unstable", "2026-07")
    assert not is_at_least("2026-04", "2026-07")


def test_an_ignored_search_field_is_an_error_that_names_it() -> None:
    warning = {"field": "emial", "message": "Invalid search field for this query.", "code": "invalid_field"}
    search = [{"path": ["orders"], "query": "emial:x", "warnings": [warning]}]
    with pytest.raises(ConfigurationError, match="'emial': Invalid search field"):
        caller(Endpoint(answer({"data": {}, "extensions": {"search": search}}))).execute("{ a }")


def test_a_search_without_warnings_is_no_matter() -> None:
    got = caller(Endpoint(answer({"data": {"a": 1}, "extensions": {"search": [{"path": ["orders"]}]}})))
    assert got.execute("{ a }").data == {"a": 1}


class Purse:
    """A budget that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def reserve(self, cost: float = 1.0, *, within: float = 0.0) -> float:
        self.asked.append(cost)
        return 0.0

    def observe(self, **told: object) -> None:
        """Nothing is learnt."""


def test_the_budget_is_asked_for_what_the_same_page_cost_before() -> None:
    purse = Purse()
    costly = answer({"data": {}, "extensions": {"cost": {"requestedQueryCost": 331}}})
    asking = caller(Endpoint(costly), budget=purse)
    asking.execute("{ a }", {"first": 50})
    asking.execute("{ a }", {"first": 50})
    asking.execute("{ a }", {"first": 25})
    asking.execute("{ b }", {"first": 50})
    assert purse.asked == [1.0, 331.0, 1.0, 1.0]
