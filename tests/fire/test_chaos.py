"""The main job in storms: a share of all requests fails in every way that the sandbox knows, and it ends as in calm.

The kinds are those of the sandbox, from the partners' pages (``sandbox/faults/kinds.py``). What the job must leave is
what it leaves without faults, which other tests hold against an independent mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from main_job import MainJob, short_waits
from open_connections import all_closed
from sandbox import restored_settings, run_sandbox
from storms import (
    ABSORBED,
    SLOW,
    Trial,
    add_single_faults,
    add_storm,
    empty_store,
    quiet,
    request_number,
    run_trial,
    small_pages,
)

from airflow_provider_partners._compat import AirflowRescheduleException
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.task_errors import FatalTaskError, PartnerTaskError

SEEDS = 1
NOW = datetime(2026, 6, 1, tzinfo=UTC)
ORDERS = 16

FAILURES = (FatalTaskError, PartnerTaskError, AirflowRescheduleException)

REFUSALS = frozenset({"refused_once", "dead_token"})
"""Three refusals of one call in a row are taken as true, which a tenth of the requests would show now and then."""


@pytest.fixture(autouse=True)
def _no_connection_stays_open() -> Iterator[None]:
    with all_closed():
        yield


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=ORDERS, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def calm(running: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The job without faults."""
    empty_store(running)
    return run_trial(running, tmp_path_factory.mktemp("calm"))


def assert_equal(trial: Trial, calm: Trial) -> None:
    """Compare what was read, what Yotpo holds, and the outcomes. ``end_state`` refuses two records of one id."""
    assert trial.state == calm.state
    for step in ("extract_orders", "extract_returns", "extract_customers", "extract_claims", "extract_redemptions"):
        assert sorted(map(repr, trial.read[step])) == sorted(map(repr, calm.read[step])), step
    assert set(trial.outcomes) <= {"created", "updated", "unchanged"}
    assert trial.outcomes.total() == calm.outcomes.total()


def test_one_try_ends_as_in_calm_while_one_request_of_ten_fails(
    running: RunningSandbox, calm: Trial, tmp_path: Path, seed: int, fire_row: Callable[..., None]
) -> None:
    with restored_settings(running):
        empty_store(running)
        rules = add_storm(running, seed, 0.1)

        trial = run_trial(running, tmp_path, rules=rules)

        fire_row(**describe(trial, calm))
        assert_equal(trial, calm)
        assert trial.requests <= 2 * calm.requests


ELSEWHERE = frozenset({"shopify_partner_throttled", "cut_file"})
"""The lane neither calls the Partner API nor downloads a file. ``test_chaos_jobs`` does."""

ROUNDS = 10

GROUPS = 3
"""Neighbours in the table of kinds are alike: three strange answers to one call in a row would be taken as true."""


@pytest.mark.parametrize("group", range(GROUPS))
def test_one_try_ends_as_in_calm_while_each_kind_happens_once(
    running: RunningSandbox, calm: Trial, tmp_path: Path, group: int
) -> None:
    kinds = ABSORBED[group::GROUPS]
    with restored_settings(running):
        empty_store(running)
        rules = add_single_faults(running, group, kinds)

        trial = run_trial(running, tmp_path, rules=rules)

        assert_equal(trial, calm)
        assert trial.requests <= 2 * calm.requests
        missed = {kind for kind, used in trial.faults.items() if not used}
        assert missed <= ELSEWHERE


@pytest.mark.parametrize("kind", [kind for kind in ABSORBED if kind not in ELSEWHERE])
def test_one_try_ends_as_in_calm_while_one_request_of_ten_fails_in_one_way(
    running: RunningSandbox,
    calm: Trial,
    tmp_path: Path,
    kind: str,
    seed: int,
    long_form: None,
    fire_row: Callable[..., None],
) -> None:
    share = 0.03 if kind in REFUSALS | SLOW else 0.1
    with restored_settings(running):
        # A kind that few requests can meet may happen to none of them.
        for number in range(ROUNDS):
            running.faults.clear()
            empty_store(running)
            rules = add_storm(running, seed * ROUNDS + number, share, [kind])

            trial = run_trial(running, tmp_path / str(number), rules=rules)

            assert_equal(trial, calm)
            assert trial.requests <= 2 * calm.requests
            if trial.faults.total():
                break
        fire_row(**describe(trial, calm))
        assert trial.faults.total()


def test_some_tries_end_as_in_calm_while_three_requests_of_ten_fail(
    running: RunningSandbox, calm: Trial, tmp_path: Path, seed: int, fire_row: Callable[..., None]
) -> None:
    with restored_settings(running):
        empty_store(running)
        rules = add_storm(running, seed, 0.3)

        trial = run_trial(running, tmp_path, rules=rules, tries=12)

        fire_row(**describe(trial, calm))
        assert_equal(trial, calm)
        # A try goes on where the one before it stopped.
        assert trial.requests <= 4 * calm.requests


ENDLESS = [
    ("same_cursor", "/shopify-admin"),
    ("empty_page", "/voucherify"),
    ("html", "/yotpo"),
]
ENDLESS_TOO = [
    ("status_501", "/shopify-admin"),
    ("status_501", "/yofi"),
    ("status_501", "/voucherify"),
    ("status_501", "/yotpo"),
    ("throttled_long", "/shopify-admin"),
    ("throttled_long", "/yotpo"),
    ("endless_list", "/shopify-admin"),
    ("empty_page", "/shopify-admin"),
    ("empty_page", "/yofi"),
    ("repeated_page", "/voucherify"),
    ("json_null", "/yofi"),
    ("refused_once", "/shopify-admin"),
    ("dead_token", "/yofi"),
    ("status_500", "/yotpo"),
    ("reset", "/voucherify"),
]
"""What no client can absorb while it lasts: each with the partner that it happens to."""


@pytest.mark.parametrize(("kind", "partner"), ENDLESS)
def test_what_lasts_fails_clearly_and_the_next_try_ends_as_in_calm(
    running: RunningSandbox, calm: Trial, tmp_path: Path, kind: str, partner: str
) -> None:
    fail_and_heal(running, calm, tmp_path, kind, partner)


@pytest.mark.parametrize(("kind", "partner"), ENDLESS_TOO)
def test_what_lasts_elsewhere_fails_clearly_too(
    running: RunningSandbox, calm: Trial, tmp_path: Path, kind: str, partner: str, long_form: None
) -> None:
    fail_and_heal(running, calm, tmp_path, kind, partner)


def fail_and_heal(running: RunningSandbox, calm: Trial, tmp_path: Path, kind: str, partner: str) -> None:
    """Let one kind last: the job fails within bounds. Then let it be over: the next try ends as in calm."""
    job = MainJob(running, None, tmp_path)
    small_pages(job)
    with restored_settings(running):
        empty_store(running)
        running.faults.add(kind=kind, path_prefix=partner, times=None, after=2)
        begun = request_number(running)
        with quiet(), short_waits(200.0) as waits, pytest.raises(FAILURES) as failed:
            job.run()

        if isinstance(failed.value, AirflowRescheduleException):
            assert kind == "throttled_long"
        else:
            assert str(failed.value), "the error says what failed"
        assert request_number(running) - begun <= 2 * calm.requests
        assert waits.slept < 15 * 60

        running.faults.clear()
        with quiet():
            trial = run_trial(running, tmp_path)
        assert_equal(trial, calm)


@pytest.mark.parametrize(
    "switches",
    [
        {"yotpo.token_calls": 7},
        {"yotpo.external_ids_list": "first"},
        {"yotpo.external_ids_list": "nothing"},
        {"yotpo.external_ids_list": "ignored"},
        {"yotpo.patch_status": 204},
        {"yofi.drift": False, "yotpo.invalid_token_status": 403, "yotpo.token_calls": 9},
    ],
    ids=str,
)
def test_a_storm_over_a_partner_that_behaves_otherwise_ends_as_in_calm(
    running: RunningSandbox, calm: Trial, tmp_path: Path, switches: dict[str, Any], seed: int, long_form: None
) -> None:
    """Tokens that die after some calls, and look-ups that take no list: https://core-api.yotpo.com/reference."""
    with restored_settings(running):
        empty_store(running)
        running.sandbox.switches.update(switches)
        rules = add_storm(running, seed, 0.05)

        assert_equal(run_trial(running, tmp_path, rules=rules), calm)


def test_a_write_that_yotpo_loses_is_sent_by_the_next_run(
    running: RunningSandbox, calm: Trial, tmp_path: Path, seed: int
) -> None:
    """Nobody sees that an acknowledged write is lost. A run that reads the order again finds it missing."""
    with restored_settings(running):
        empty_store(running)
        rules = add_storm(running, seed, 0.2, ["lost_write"])
        lost = run_trial(running, tmp_path, rules=rules)
        running.faults.clear()
        assert lost.faults["lost_write"] > 0

        healed = run_trial(running, tmp_path, run_id="next")

        assert_equal(healed, calm)


def describe(trial: Trial, calm: Trial) -> dict[str, Any]:
    """Return a row of the table at the end of the long form."""
    return {
        "faults": sum(trial.faults.values()),
        "requests": trial.requests,
        "extra": trial.requests - calm.requests,
        "waited": round(trial.waited, 1),
        "seconds": round(trial.seconds, 1),
        "kinds": " ".join(sorted(kind for kind, used in trial.faults.items() if used)),
    }
