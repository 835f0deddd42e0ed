"""The retry policy: by the kind of a failure, and nothing of it in the stored Dag but a flag."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG, task

from airflow_provider_partners import _compat
from airflow_provider_partners import retry_policy as policies
from airflow_provider_partners._compat import RETRY_POLICIES, AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    DatasetError,
    RejectThresholdError,
    ThrottledError,
    TransientError,
)
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.retry_policy import PartnerRetryPolicy, default_args
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

from_3_3 = pytest.mark.skipif(not RETRY_POLICIES, reason="Airflow has no retry policies before 3.3")


def decided(exception):
    found = PartnerRetryPolicy().evaluate(exception, try_number=1, max_tries=3, context=None)
    return found.action.value, found.retry_delay, found.reason


def raised(error, **context):
    """What Airflow gets to see when an operator's steps, or a function in :func:`translate_errors`, end in an error."""
    with pytest.raises(Exception) as caught, translate_errors(context):  # noqa: PT011  # the callers look at it
        raise error
    return caught.value


@from_3_3
@pytest.mark.parametrize("error", [AuthenticationError("a"), ConfigurationError("c"), RejectThresholdError("r")])
def test_what_a_retry_cannot_cure_fails_at_once(error):
    assert decided(error) == ("fail", None, str(error))


@from_3_3
@pytest.mark.parametrize("error", [TransientError("t"), DatasetError("d"), KeyError("x"), SystemExit(1)])
def test_anything_else_is_left_to_the_task(error):
    assert decided(error) == ("default", None, None)


@from_3_3
def test_a_partners_wait_is_waited_for():
    error = ThrottledError("busy", retry_after=900, partner="Yotpo")
    assert decided(error) == ("retry", timedelta(minutes=15), "Yotpo: busy")


@from_3_3
def test_a_wait_of_nothing_is_still_a_wait():
    assert decided(ThrottledError("busy", retry_after=0))[1] == timedelta(seconds=1)


@from_3_3
def test_an_operator_that_gave_its_slot_back_too_often_waits_as_long_as_was_asked(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_RESCHEDULES", "3")
    seen = raised(ThrottledError("busy", retry_after=900), task_reschedule_count=3)
    assert type(seen) is PartnerTaskError
    assert decided(seen)[:2] == ("retry", timedelta(minutes=15))


def test_operators_need_no_policy_to_fail_at_once_or_to_give_their_slot_back(monkeypatch):
    """Airflow never asks a policy about these two."""
    assert type(raised(AuthenticationError("refused"))) is AirflowFailException
    monkeypatch.setattr(_compat, "RESCHEDULES", True)
    assert type(raised(ThrottledError("busy", retry_after=900))) is AirflowRescheduleException


@from_3_3
def test_a_failure_that_was_wrapped_counts():
    wrapped = RuntimeError("my own")
    wrapped.__cause__ = ValueError("between")
    wrapped.__cause__.__cause__ = AuthenticationError("refused")
    assert decided(wrapped)[0] == "fail"


@from_3_3
def test_of_several_failures_of_ours_the_last_one_raised_decides():
    later = TransientError("the next try signs in anew")
    later.__cause__ = AuthenticationError("refused")
    assert decided(later)[0] == "default"


@from_3_3
def test_causes_that_go_round_end():
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert decided(first)[0] == "default"


def test_a_dags_own_arguments_go_with_the_policy_where_there_is_one():
    assert ("retry_policy" in default_args()) is RETRY_POLICIES
    assert default_args(retries=2)["retries"] == 2


def test_before_3_3_there_is_no_policy_that_airflow_would_refuse(monkeypatch):
    monkeypatch.setattr(policies, "RETRY_POLICIES", False)
    assert default_args(retries=2) == {"retries": 2}


def test_a_dag_may_have_a_policy_of_its_own():
    assert default_args(retry_policy=None) == {"retry_policy": None}


@from_3_3
def test_of_the_policy_only_a_flag_is_stored():
    from airflow.serialization import serialized_objects

    kind = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    found = []
    for _ in range(2):
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        with DAG("d", schedule=None, start_date=begin, default_args=default_args(retries=2)) as dag:

            @task
            def simple():
                """Nothing."""

            simple()
            YofiExtractOperator(task_id="single", resource="claims")
            YofiExtractOperator.partial(task_id="mapped", resource="claims").expand(shop=["a", "b"])
        found.append(json.dumps(kind.to_dict(dag), sort_keys=True))
    assert "PartnerRetryPolicy" not in found[0]
    assert found[0].count('"has_retry_policy": true') >= 3
    assert found[0] == found[1]
