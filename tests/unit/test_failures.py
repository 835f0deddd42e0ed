"""What a person reads of a failure: short lines, with what to do below what failed."""

from __future__ import annotations

import pytest

from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, StorageError
from airflow_provider_partners.failures import LINE_WIDTH, TaskFailure, wrapped

SHOP = "a.myshopify.com"


def test_the_first_line_says_what_failed_for_which_shop_and_connection_and_the_next_what_to_do():
    error = AuthenticationError(
        "The secret is invalid", partner="Yotpo", status=401, request_id="r-1", remedy="Check the password."
    )
    assert TaskFailure.of(error, shop=SHOP, connection="yotpo_a").lines() == [
        "a.myshopify.com, connection yotpo_a: Yotpo: The secret is invalid (HTTP 401).",
        "What to do: Check the password.",
        "Request id:  r-1",
    ]


def test_what_the_message_names_is_not_said_twice():
    error = ConfigurationError("The connection 'yotpo_a' of a.myshopify.com has no password")
    failure = TaskFailure.of(error, shop=SHOP, connection="yotpo_a")
    assert failure.lines() == ["The connection 'yotpo_a' of a.myshopify.com has no password"]


def test_no_line_is_wider_than_the_log_viewer_and_no_word_is_lost():
    """The width is that of Airflow 3.3.2's log viewer in a window of 1440 pixels, measured in Chromium."""
    remedy = "Give every worker the same storage, and set [partners] staging_uri to its address. " * 4
    lines = TaskFailure(message="word " * 60, remedy=remedy, shop=SHOP, connection="yotpo_a").lines()
    assert max(map(len, lines)) <= LINE_WIDTH
    assert " ".join(" ".join(lines).split()) == " ".join(
        f"{SHOP}, connection yotpo_a: {'word ' * 60} What to do: {remedy}".split()
    )


def test_an_address_stays_whole():
    uri = "s3://bucket/" + "folder/" * 30
    assert list(wrapped(f"See {uri}")) == ["See", uri]


@pytest.mark.parametrize(("text", "lines"), [("", []), ("a\nb", ["To do: a", "       b"])])
def test_line_breaks_stay(text, lines):
    assert list(wrapped(text, first="To do: ")) == lines


def test_an_error_without_a_remedy_has_one_line():
    assert TaskFailure.of(StorageError("The disk is full")).lines() == ["The disk is full"]
