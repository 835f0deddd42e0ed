"""The errors in successful answers of GraphQL: read in every shape, and which action each of them means."""

from __future__ import annotations

import json
import re

import pytest

from airflow_provider_partners.api.http.errors import ResponseAction
from airflow_provider_partners.api.http.messages import Response
from airflow_provider_partners.api.shopify.graphql_errors import GraphQLError, GraphQLErrorHandler, parse_errors

TABLE = GraphQLErrorHandler(
    codes={"429": ResponseAction.THROTTLE, "500": ResponseAction.RETRY, "DENIED": ResponseAction.REFUSE_CREDENTIALS},
    messages=((re.compile("^Too many requests"), ResponseAction.THROTTLE),),
)


def response(body: object, status: int = 200) -> Response:
    return Response(status=status, headers={}, content=json.dumps(body).encode())


@pytest.mark.covers("shopify.error.text")
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
        # A document that does not fit the schema: recorded answers of the Admin API, whose codes are graphql-ruby's
        # (https://github.com/rmosolgo/graphql-ruby/tree/master/lib/graphql/static_validation/rules).
        (
            [
                {
                    "message": "Field 'x' doesn't exist on type 'Order'",
                    "locations": [{"line": 1, "column": 9}],
                    "path": ["query Orders", "orders", "x"],
                    "extensions": {"code": "undefinedField"},
                }
            ],
            ResponseAction.MISCONFIGURED,
        ),
        ([{"message": "Zyklus", "extensions": {"code": "infiniteLoop"}}], ResponseAction.MISCONFIGURED),
        ([{"message": "…", "locations": [], "path": ["query Q", "a"]}], ResponseAction.MISCONFIGURED),
        # A parse error has neither a code nor a path (graphql-ruby, lib/graphql/parse_error.rb).
        ([{"message": "syntax error", "locations": [{"line": 1, "column": 1}]}], ResponseAction.MISCONFIGURED),
        # An unknown error may pass: a retry of the task helps more than advice about its arguments.
        ([{"message": "odd", "path": ["app"]}], ResponseAction.UNEXPECTED),
        ([{"message": "odd", "extensions": {"code": "SERVICE_DEGRADED"}}], ResponseAction.UNEXPECTED),
        ([{"message": "odd", "locations": [], "path": ["queryResult"]}], ResponseAction.UNEXPECTED),
        # Accept-Language translates messages (https://shopify.dev/docs/api/partner). Without a code and a place, the
        # error is about the request.
        ([{"message": "Zu viele Anfragen"}], ResponseAction.RETRY),
        ("Demasiadas solicitudes", ResponseAction.RETRY),
    ],
)
def test_a_successful_answer_with_errors_is_an_error(errors: object, action: ResponseAction) -> None:
    assert TABLE.inspect(response({"errors": errors, "data": None})).action is action


def test_the_status_decides_on_a_refused_answer_of_an_unknown_code() -> None:
    assert TABLE.inspect(response({"errors": [{"message": "who knows"}]}, 502)) is None
    assert TABLE.inspect(response({"errors": [{"message": "x", "extensions": {"code": "429"}}]}, 400)).action is (
        ResponseAction.THROTTLE
    )


def test_the_most_important_of_several_errors_decides() -> None:
    errors = [
        {"message": "a field"},
        {"message": "oops", "extensions": {"code": "500"}},
        {"message": "no", "extensions": {"code": "DENIED"}},
    ]
    assert TABLE.inspect(response({"errors": errors})).action is ResponseAction.REFUSE_CREDENTIALS


def test_a_data_field_called_errors_is_not_an_error() -> None:
    assert TABLE.inspect(response({"data": {"errors": [{"message": "a field of this name"}]}})) is None


def test_the_status_decides_on_a_body_that_is_not_json() -> None:
    assert TABLE.inspect(Response(status=502, headers={}, content=b'<html>"errors"</html>')) is None
