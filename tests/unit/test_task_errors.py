from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from structlog.tracebacks import extract

from airflow_provider_partners import _compat
from airflow_provider_partners._compat import AirflowException, AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DatasetError,
    PagingError,
    RejectedError,
    RejectThresholdError,
    ThrottledError,
    TransientError,
    UnexpectedResponseError,
)
from airflow_provider_partners.task_errors import FatalTaskError, PartnerTaskError, translate_errors

CONTEXT = {"task_reschedule_count": 0}
NOW = "2026-05-01T10:00:00+00:00"


def translated(error, context=CONTEXT):
    """Return what Airflow sees of an error."""
    with pytest.raises(Exception) as raised, translate_errors(context):  # noqa: PT011  # the caller checks the type
        raise error
    return raised.value


@pytest.mark.parametrize("error", [ConfigurationError("c"), AuthenticationError("a"), RejectThresholdError("r")])
def test_a_fatal_error_fails_the_task_at_once(error):
    assert isinstance(translated(error), AirflowFailException)


@pytest.mark.parametrize(
    "error",
    [TransientError("t"), UnexpectedResponseError("u"), PagingError("p"), DatasetError("d"), RejectedError("r")],
)
def test_any_other_error_uses_the_retries(error):
    task_error = translated(error)
    assert type(task_error) is PartnerTaskError
    assert isinstance(task_error, AirflowException)
    assert not isinstance(task_error, AirflowFailException)


def test_the_message_keeps_partner_status_and_remedy():
    error = AuthenticationError(
        "the token was refused", partner="Yotpo", status=401, request_id="r-1", remedy="Renew it."
    )
    assert str(translated(error)) == "Yotpo: the token was refused (HTTP 401, request id r-1). Renew it."


def test_a_library_s_error_that_is_replaced_is_not_kept():
    """``from None`` hides it only: https://docs.python.org/3/library/exceptions.html#BaseException.__suppress_context__.
    A reporter of errors finds its text, its fields and its frames."""

    def fail():
        try:
            try:
                raise ValueError("Ann Lee")
            except ValueError:
                raise TransientError("the database failed") from None
        except TransientError as error:
            raise DatasetError("no dataset") from error

    with pytest.raises(PartnerTaskError) as raised, translate_errors(CONTEXT):
        fail()
    error = raised.value.error
    assert isinstance(error.__cause__, TransientError)
    assert error.__cause__.__context__ is None


@pytest.mark.parametrize("seconds", [3_601, 1e9, 1e300, float("inf")])
@time_machine.travel(NOW, tick=False)
def test_no_partner_postpones_a_task_by_more_than_an_hour(seconds):
    """`Retry-After` has no limit (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after); a date has one."""
    error = translated(ThrottledError("busy", retry_after=seconds))
    assert type(error) is AirflowRescheduleException
    assert error.reschedule_date == datetime.fromisoformat(NOW) + timedelta(hours=1)


@pytest.mark.parametrize("seconds", [0, 1, 29])
@time_machine.travel(NOW, tick=False)
def test_a_task_stays_away_until_airflow_has_heard_of_its_end(seconds):
    """Otherwise it may fail as killed from outside: https://github.com/apache/airflow/issues/71172."""
    error = translated(ThrottledError("busy", retry_after=seconds))
    assert error.reschedule_date == datetime.fromisoformat(NOW) + timedelta(seconds=30)


@pytest.mark.parametrize("seconds", [-5, float("nan"), float("-inf")])
def test_a_wait_that_is_no_duration_is_none(seconds):
    assert ThrottledError("busy", retry_after=seconds).retry_after == 0


@time_machine.travel(NOW, tick=False)
def test_a_long_wait_reschedules_the_task():
    error = translated(ThrottledError("busy", retry_after=900))
    assert type(error) is AirflowRescheduleException
    assert error.reschedule_date == datetime.fromisoformat(NOW) + timedelta(minutes=15)


def test_too_many_reschedules_use_up_a_retry(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_RESCHEDULES", "3")
    busy = ThrottledError("busy", retry_after=900)
    assert type(translated(busy, {"task_reschedule_count": 2})) is AirflowRescheduleException
    assert type(translated(busy, {"task_reschedule_count": 3})) is PartnerTaskError


def test_where_airflow_ignores_the_date_the_task_retries(monkeypatch):
    monkeypatch.setattr(_compat, "RESCHEDULES", False)
    assert type(translated(ThrottledError("busy", retry_after=900))) is PartnerTaskError


def test_errors_of_other_code_pass_through():
    assert type(translated(KeyError("x"))) is KeyError


@pytest.mark.parametrize(
    ("installed", "honours"), [("1.0.6", False), ("1.1.0", True), ("1.3.2", True), ("2.0.0", True), ("odd", False)]
)
def test_the_date_of_a_reschedule_is_honoured_from_airflow_3_1_on(monkeypatch, installed, honours):
    monkeypatch.setattr(_compat, "version", lambda name: installed)
    assert (_compat._sdk() >= (1, 1)) is honours


# --- what the log says ---


def test_the_log_says_what_failed_for_whom_and_what_to_do_before_airflow_prints_a_traceback(caplog):
    error = AuthenticationError("The secret is invalid", partner="Yotpo", status=401, remedy="Check the password.")
    with pytest.raises(FatalTaskError), translate_errors(CONTEXT, subject=lambda: ("a.myshopify.com", "yotpo_a")):
        raise error
    (line,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert line.getMessage() == (
        "a.myshopify.com, connection yotpo_a: Yotpo: The secret is invalid (HTTP 401).\nWhat to do: Check the password."
    )


def test_airflow_sees_no_cause_whose_frames_and_message_it_would_repeat():
    """Airflow prints an exception with its causes, each with all frames: ``structlog.tracebacks.extract``."""

    def call():
        try:
            raise OSError("the socket is closed")
        except OSError as error:
            raise TransientError("The network is down") from error

    with pytest.raises(PartnerTaskError) as raised, translate_errors(CONTEXT):
        call()
    stacks = extract(type(raised.value), raised.value, raised.value.__traceback__).stacks
    assert [stack.exc_type for stack in stacks] == ["PartnerTaskError"]
    assert isinstance(raised.value.error, TransientError)


def test_the_own_traceback_is_in_the_log_at_level_debug(caplog):
    caplog.set_level("DEBUG", logger="airflow_provider_partners.task_errors")
    translated(TransientError("The network is down"))
    assert [record.levelname for record in caplog.records if record.exc_info] == ["DEBUG"]


@time_machine.travel(NOW, tick=False)
def test_a_task_that_waits_says_why_and_until_when(caplog):
    translated(ThrottledError("Too many calls", partner="Yofi", retry_after=900))
    (line,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert line.getMessage() == (
        "Yofi: Too many calls\nThe task gives its slot back and goes on at 2026-05-01 10:15:00 UTC."
    )


def test_what_describes_a_failure_can_not_hide_it(caplog):
    def broken():
        raise KeyError("shop")

    with pytest.raises(PartnerTaskError, match="The network is down"), translate_errors(CONTEXT, subject=broken):
        raise TransientError("The network is down")
    assert "The network is down" in caplog.text
