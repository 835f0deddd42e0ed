"""What a response means, and the partner's message in it."""

from __future__ import annotations

import json

import pytest

from airflow_provider_partners.api.http.errors import (
    DEFAULT_ERROR_HANDLER,
    ErrorHandler,
    ErrorResolution,
    ResponseAction,
    default_message,
    retry_after,
)
from airflow_provider_partners.api.http.messages import Response


def make_response(status: int = 400, body: object = None, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, content=content)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (400, ResponseAction.REJECT),
        (401, ResponseAction.REAUTHENTICATE),
        (402, ResponseAction.REJECT),
        (403, ResponseAction.REFUSE_CREDENTIALS),
        (404, ResponseAction.NOT_FOUND),
        (407, ResponseAction.MISCONFIGURED),
        (408, ResponseAction.RETRY),
        (409, ResponseAction.CONFLICT),
        (422, ResponseAction.REJECT),
        (425, ResponseAction.RETRY),
        (429, ResponseAction.THROTTLE),
        (430, ResponseAction.THROTTLE),  # https://shopify.dev/docs/api/usage/response-codes
        (301, ResponseAction.UNEXPECTED),
        (304, ResponseAction.UNEXPECTED),
        (500, ResponseAction.RETRY),
        (501, ResponseAction.UNEXPECTED),
        (502, ResponseAction.RETRY),
        (503, ResponseAction.RETRY),
        (504, ResponseAction.RETRY),
        (522, ResponseAction.RETRY),
        (700, ResponseAction.UNEXPECTED),
    ],
)
def test_each_status_has_one_action(status: int, action: ResponseAction) -> None:
    fault = DEFAULT_ERROR_HANDLER.resolve(make_response(status))
    assert fault is not None
    assert fault.action is action


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_has_no_resolution(status: int) -> None:
    assert DEFAULT_ERROR_HANDLER.resolve(make_response(status)) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"errors": [{"message": "Order with external_id 1 already exists"}]},
            "Order with external_id 1 already exists",
        ),
        (
            {"errors": [{"status": "400", "title": "Bad filter", "detail": "no selector x"}]},
            "Bad filter: no selector x",
        ),
        ({"errors": [{"message": "one"}, {"message": "two"}, {"message": "one"}]}, "one; two"),
        ({"errors": "[API] Invalid API key or access token"}, "[API] Invalid API key or access token"),
        ({"errors": {"external_id": ["is too long"], "name": ["is empty"]}}, "external_id is too long: name is empty"),
        ({"message": "Unauthorized"}, "Unauthorized"),
        (
            {"code": 404, "message": "Resource not found", "details": "Cannot find it"},
            "Resource not found: Cannot find it",
        ),
        ({"detail": "Not here"}, "Not here"),
        ({"detail": {"errors": [{"detail": "deep"}]}}, "deep"),
        ({"error": "invalid_client", "error_description": "wrong secret"}, "invalid_client: wrong secret"),
        (b"<html><head><title>502 Bad Gateway</title></head></html>", "an HTML page: 502 Bad Gateway"),
        (b"<p>upstream <b>down</b></p><script>x()</script>", "an HTML page: upstream down"),
        (b"plain words", "plain words"),
        (b"", "no explanation given"),
        ({"data": None}, "no explanation found in 14 characters of JSON"),
        ([], "no explanation found in 2 characters of JSON"),
    ],
)
def test_the_partners_message_is_found_in_the_usual_bodies(body: object, message: str) -> None:
    assert " ".join(default_message(make_response(body=body)).split()) == message


def test_messages_are_cut_and_put_on_one_line() -> None:
    fault = DEFAULT_ERROR_HANDLER.resolve(make_response(body={"message": "line\nbreak " + "x" * 1000}))
    assert fault is not None
    assert fault.message.startswith("line break xxx")
    assert len(fault.message) == 300


def test_secrets_are_removed_before_the_cut() -> None:
    def redact(text: str) -> str:
        return text.replace("SECRETSECRET", "***")

    fault = DEFAULT_ERROR_HANDLER.resolve(make_response(body={"message": "x" * 294 + "SECRETSECRET"}), redact=redact)
    assert fault is not None
    assert "SEC" not in fault.message


def test_an_inspection_finds_failures_in_successful_responses() -> None:
    def inspect(response: Response) -> ErrorResolution | None:
        return (
            ErrorResolution(ResponseAction.THROTTLE, "throttled in the body", retry_after=2.0)
            if b"errors" in response.content
            else None
        )

    table = ErrorHandler(inspect=inspect)
    assert table.resolve(make_response(200, {"data": {}})) is None
    fault = table.resolve(make_response(200, {"errors": []}))
    assert fault is not None
    assert (fault.action, fault.retry_after) == (ResponseAction.THROTTLE, 2.0)


def test_without_a_finding_the_status_decides() -> None:
    fault = ErrorHandler(inspect=lambda _: None).resolve(make_response(409))
    assert fault is not None
    assert fault.action is ResponseAction.CONFLICT


def test_overrides_do_not_change_the_original_handler() -> None:
    table = DEFAULT_ERROR_HANDLER.with_overrides(
        {402: ResponseAction.REFUSE_CREDENTIALS}, remedies={402: "Pay the plan."}
    )
    fault = table.resolve(make_response(402))
    assert fault is not None
    assert (fault.action, fault.remedy) == (ResponseAction.REFUSE_CREDENTIALS, "Pay the plan.")
    assert table.action(404) is ResponseAction.NOT_FOUND
    assert DEFAULT_ERROR_HANDLER.action(402) is ResponseAction.REJECT


def test_a_new_handler_still_knows_the_default_statuses() -> None:
    assert ErrorHandler({400: ResponseAction.NOT_FOUND}).action(429) is ResponseAction.THROTTLE


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-4", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_parsed_as_seconds_and_as_a_date(header: str, seconds: float | None) -> None:
    assert retry_after(make_response(429, retry_after=header), now=10.0) == seconds


def test_a_retry_date_is_compared_with_the_partners_clock() -> None:
    response = make_response(429, retry_after="Thu, 01 Jan 1970 00:01:40 GMT", date="Thu, 01 Jan 1970 00:01:35 GMT")
    assert retry_after(response, now=9_999.0) == 5.0
