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
