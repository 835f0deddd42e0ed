"""Errors: their one-line text, and what their class says about a retry."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ExpiredError,
    FatalError,
    JobFailedError,
    NotFoundError,
    PartnersError,
    RejectedError,
    RejectThresholdError,
    RetryableError,
    ThrottledError,
    TransientError,
    UnexpectedResponseError,
)


def test_the_text_has_partner_message_status_request_id_and_remedy() -> None:
    error = RejectedError(
        "the order is invalid.", partner="Yotpo", status=400, request_id="r-1", remedy="Correct the order."
    )

    assert str(error) == "Yotpo: the order is invalid (HTTP 400, request id r-1). Correct the order."


@pytest.mark.parametrize("text", ["ann@example.com", "a.b+c@mail.example.co", "zoë%40example.com"])
def test_an_error_names_no_e_mail_address(text: str) -> None:
    """A file without a header has its first record there, and its names are in the error."""
    error = PartnersError(f"The header has two columns '{text}'.", remedy=f"Its columns are: id, {text}.")

    assert "example" not in str(error)
    assert str(error) == "The header has two columns '<e-mail>'. Its columns are: id, <e-mail>."


@pytest.mark.parametrize("text", ["sftp://ann@files.example.com/in", "s3://bucket/a@2x.png", "partners==1.0@main"])
def test_what_only_looks_like_an_address_stays(text: str) -> None:
    assert str(PartnersError(f"Nothing is at {text}.")) == f"Nothing is at {text}."


def test_the_text_without_details_is_the_message() -> None:
    assert str(PartnersError("the network failed")) == "the network failed"


@pytest.mark.parametrize("error", [ConfigurationError, AuthenticationError, RejectThresholdError])
def test_a_retry_does_not_help_after_a_fatal_error(error: type[PartnersError]) -> None:
    assert issubclass(error, FatalError)
    assert not issubclass(error, RetryableError)


@pytest.mark.parametrize("error", [ThrottledError, TransientError, ExpiredError, JobFailedError])
def test_a_retry_may_help_after_a_retryable_error(error: type[PartnersError]) -> None:
    assert issubclass(error, RetryableError)
    assert not issubclass(error, FatalError)


@pytest.mark.parametrize("error", [RejectedError, NotFoundError, UnexpectedResponseError])
def test_rejected_records_and_unexpected_responses_are_neither(error: type[PartnersError]) -> None:
    assert not issubclass(error, FatalError | RetryableError)


@pytest.mark.parametrize("message", ["did you mean 'dry_run'?", "Stop!", "It is wrong.", "It is wrong"])
def test_the_remedy_follows_one_mark(message):
    text = str(PartnersError(message, remedy="Correct it."))
    assert text in {f"{message} Correct it.", f"{message}. Correct it."}
    assert "?." not in text
    assert "!." not in text
    assert ".." not in text


@pytest.mark.parametrize(
    "error",
    [
        ThrottledError("busy", retry_after=5, partner="Yotpo", status=429),
        ConfigurationError("wrong", remedy="Correct it."),
        NotFoundError("no such order", request_id="r-1"),
    ],
)
@pytest.mark.parametrize("copied", [copy.copy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(6))])
def test_an_error_can_be_copied_and_pickled(error: PartnersError, copied: Any) -> None:
    """Airflow and process pools send errors from one process to another."""
    twin = copied(error)
    assert (type(twin), str(twin), twin.args, vars(twin)) == (type(error), str(error), error.args, vars(error))
