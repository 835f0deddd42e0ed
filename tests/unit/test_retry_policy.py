"""The retry policy: the class of an error decides, and a stored Dag has only a flag of the policy."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import DAG, task

from airflow_provider_partners import _compat, retry_policy
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


def decision_for(exception):
    decision = PartnerRetryPolicy().evaluate(exception, try_number=1, max_tries=3, context=None)
    return decision.action.value, decision.retry_delay, decision.reason


def translated(error, **context):
    """The exception of an operator, or of a function in :func:`translate_errors`, that ends in an error."""
    with pytest.raises(Exception) as caught, translate_errors(context):  # noqa: PT011  # the callers check it
        raise error
    return caught.value


@from_3_3
@pytest.mark.parametrize("error", [AuthenticationError("a"), ConfigurationError("c"), RejectThresholdError("r")])
def test_a_fatal_error_fails_at_once(error):
    assert decision_for(error) == ("fail", None, str(error))


@from_3_3
@pytest.mark.parametrize("error", [TransientError("t"), DatasetError("d"), KeyError("x"), SystemExit(1)])
def test_other_errors_follow_the_task_s_retries(error):
    assert decision_for(error) == ("default", None, None)


@from_3_3
def test_a_partner_s_wait_is_the_retry_delay():
    error = ThrottledError("busy", retry_after=900, partner="Yotpo")
    assert decision_for(error) == ("retry", timedelta(minutes=15), "Yotpo: busy")


@from_3_3
def test_a_wait_of_zero_is_a_second():
    assert decision_for(ThrottledError("busy", retry_after=0))[1] == timedelta(seconds=1)


@from_3_3
def test_after_too_many_reschedules_the_partner_s_wait_is_the_retry_delay(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_RESCHEDULES", "3")
    raised = translated(ThrottledError("busy", retry_after=900), task_reschedule_count=3)
    assert type(raised) is PartnerTaskError
    assert decision_for(raised)[:2] == ("retry", timedelta(minutes=15))


def test_operators_fail_or_reschedule_without_the_policy(monkeypatch):
    """Airflow calls no policy for these two exceptions."""
    assert isinstance(translated(AuthenticationError("refused")), AirflowFailException)
    monkeypatch.setattr(_compat, "RESCHEDULES", True)
    assert type(translated(ThrottledError("busy", retry_after=900))) is AirflowRescheduleException


@from_3_3
def test_the_cause_of_a_wrapped_error_decides():
    wrapped = RuntimeError("my own")
    wrapped.__cause__ = ValueError("between")
    wrapped.__cause__.__cause__ = AuthenticationError("refused")
    assert decision_for(wrapped)[0] == "fail"


@from_3_3
def test_the_latest_of_several_partner_errors_decides():
    later = TransientError("the next try signs in again")
    later.__cause__ = AuthenticationError("refused")
    assert decision_for(later)[0] == "default"


@from_3_3
def test_circular_causes_end():
    first, second = RuntimeError(), RuntimeError()
    first.__cause__, second.__cause__ = second, first
    assert decision_for(first)[0] == "default"


def test_a_dag_s_own_arguments_are_kept():
    assert ("retry_policy" in default_args()) is RETRY_POLICIES
    assert default_args(retries=2)["retries"] == 2


def test_before_airflow_3_3_there_is_no_policy(monkeypatch):
    monkeypatch.setattr(retry_policy, "RETRY_POLICIES", False)
    assert default_args(retries=2) == {"retries": 2}


def test_a_dag_may_have_its_own_policy():
    assert default_args(retry_policy=None) == {"retry_policy": None}


@from_3_3
def test_a_stored_dag_has_only_a_flag_of_the_policy():
    from airflow.serialization import serialized_objects

    serializer = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
    stored = []
    for _ in range(2):
        start = datetime(2026, 1, 1, tzinfo=UTC)
        with DAG("d", schedule=None, start_date=start, default_args=default_args(retries=2)) as dag:

            @task
            def simple():
                """Nothing."""

            simple()
            YofiExtractOperator(task_id="single", resource="claims")
            YofiExtractOperator.partial(task_id="mapped", resource="claims").expand(shop=["a", "b"])
        stored.append(json.dumps(serializer.to_dict(dag), sort_keys=True))
    assert "PartnerRetryPolicy" not in stored[0]
    assert stored[0].count('"has_retry_policy": true') >= 3
    assert stored[0] == stored[1]
