from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine

from airflow_provider_partners import _compat
from airflow_provider_partners._compat import AirflowException, AirflowFailException, AirflowRescheduleException
from airflow_provider_partners.datasets.writer import Progress
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
from airflow_provider_partners.operators import base
from airflow_provider_partners.operators.base import (
    PartnerOperator,
    PartnerTaskError,
    ProgressLog,
    dataset_uri,
    parse_bool,
)

CONTEXT = {"task_reschedule_count": 0}
NOW = "2026-05-01T10:00:00+00:00"


class Failing(PartnerOperator):
    """A task whose steps fail."""

    def __init__(self, *, error, **kwargs):
        super().__init__(task_id="failing", **kwargs)
        self.error = error

    def run(self, context):
        raise self.error


def failure(error, context=CONTEXT):
    with pytest.raises(Exception) as raised:  # noqa: PT011  # which one is asserted by the caller
        Failing(error=error).execute(context)
    return raised.value


@pytest.mark.parametrize("error", [ConfigurationError("c"), AuthenticationError("a"), RejectThresholdError("r")])
def test_what_a_retry_cannot_cure_fails_at_once(error):
    assert type(failure(error)) is AirflowFailException


@pytest.mark.parametrize(
    "error",
    [TransientError("t"), UnexpectedResponseError("u"), PagingError("p"), DatasetError("d"), RejectedError("r")],
)
def test_anything_else_is_left_to_the_retries(error):
    found = failure(error)
    assert type(found) is PartnerTaskError
    assert isinstance(found, AirflowException)
    assert not isinstance(found, AirflowFailException)


def test_the_message_keeps_partner_status_and_remedy():
    error = AuthenticationError(
        "the token was refused", partner="Yotpo", status=401, request_id="r-1", remedy="Renew it."
    )
    assert str(failure(error)) == "Yotpo: the token was refused (HTTP 401, request id r-1). Renew it."


@time_machine.travel(NOW, tick=False)
def test_a_long_wait_gives_the_slot_back_until_then():
    found = failure(ThrottledError("busy", retry_after=900))
    assert type(found) is AirflowRescheduleException
    assert found.reschedule_date == datetime.fromisoformat(NOW) + timedelta(minutes=15)


def test_too_many_reschedules_use_up_a_retry(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_RESCHEDULES", "3")
    assert (
        type(failure(ThrottledError("busy", retry_after=900), {"task_reschedule_count": 2}))
        is AirflowRescheduleException
    )
    assert type(failure(ThrottledError("busy", retry_after=900), {"task_reschedule_count": 3})) is PartnerTaskError


def test_where_airflow_does_not_honour_the_date_the_retry_waits(monkeypatch):
    monkeypatch.setattr(base, "RESCHEDULES", False)
    assert type(failure(ThrottledError("busy", retry_after=900))) is PartnerTaskError


def test_failures_that_are_not_this_providers_pass_through():
    assert type(failure(KeyError("x"))) is KeyError


@pytest.mark.parametrize(
    ("installed", "honours"), [("1.0.6", False), ("1.1.0", True), ("1.3.2", True), ("2.0.0", True), ("odd", False)]
)
def test_the_date_of_a_reschedule_is_honoured_from_airflow_3_1_on(monkeypatch, installed, honours):
    monkeypatch.setattr(_compat, "version", lambda name: installed)
    assert (_compat._sdk() >= (1, 1)) is honours


@pytest.mark.parametrize("value", [True, "True", "true", " yes ", "1", 1])
def test_a_flag_that_came_through_a_template_is_true(value):
    assert parse_bool(value, "dry_run") is True


@pytest.mark.parametrize("value", [False, "False", "false", "0", 0, None, "None", ""])
def test_a_flag_that_came_through_a_template_is_false(value):
    assert parse_bool(value, "dry_run") is False


def test_a_flag_that_is_neither_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="'dry_run' is neither true nor false: 'perhaps'"):
        parse_bool("perhaps", "dry_run")


@pytest.fixture
def staging(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "file:///staging/")


def task(run_id="run-1", task_id="lane.extract", map_index=2):
    return {"ti": SimpleNamespace(dag_id="dag", task_id=task_id, run_id=run_id, map_index=map_index)}


@pytest.mark.usefixtures("staging")
def test_a_dataset_rests_below_dag_task_run_and_map_index():
    assert dataset_uri(task()) == "file:///staging/dag/lane.extract/run-1/2"
    assert dataset_uri(task(map_index=-1)) == "file:///staging/dag/lane.extract/run-1/-1"
    assert dataset_uri(task(), "rejects") == "file:///staging/dag/lane.extract/run-1/2-rejects"


@pytest.mark.usefixtures("staging")
def test_a_run_id_becomes_a_safe_folder_that_is_still_its_own():
    uris = {
        dataset_uri(task(run_id=run_id))
        for run_id in ("manual__2026-05-01T10:00:00+00:00", "a/b", "a:b", "a_b", "..", "x" * 300)
    }
    folders = {uri.split("/")[-2] for uri in uris}
    assert len(folders) == 6
    assert all(folder.strip(".") and len(folder) < 170 and not set(folder) & set(":+/%") for folder in folders)


def progress(records, total=None, resumed=0, seconds=10.0):
    return Progress(records=records, parts=4, total=total, seconds=seconds, resumed_records=resumed)


def test_progress_is_told_every_few_seconds_and_not_with_every_page():
    lines, now = [], [0.0]
    log = ProgressLog(lambda line, *facts: lines.append(line % facts), "orders", interval=15, clock=lambda: now[0])
    for second in range(0, 46, 5):
        now[0] = float(second)
        log(progress(second))
    assert [line.split(":")[0] for line in lines] == ["orders so far"] * 3


def test_progress_tells_rate_and_what_is_left():
    assert (
        base.format_progress(progress(400, total=1000))
        == "400 of 1000 records in 4 parts, 40.0 records/s, about 15 s left"
    )


def test_progress_tells_what_an_earlier_try_had_done():
    assert (
        base.format_progress(progress(400, resumed=300))
        == "400 records in 4 parts, 10.0 records/s, 300 of them by an earlier try"
    )
