"""Extract tasks with a watermark: where they start, when it moves, and what a second try reads."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import Asset, AssetAlias
from fakes.claims import NINE, RECORDS, TEN, ClaimsOperator, Client, run

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.task_errors import PartnerTaskError

ORDERS = Asset("claims")
LATER = "2026-05-02T12:00:00+00:00"


class FakeStateStore(dict):
    """The state store of one asset; it records the threads that use it."""

    def __init__(self, **values):
        super().__init__(values)
        self.threads, self.fails = set(), False

    def get(self, key):
        self.threads.add(threading.get_ident())
        return super().get(key)

    def set(self, key, value):
        self.threads.add(threading.get_ident())
        if self.fails:
            message = "Airflow's API doesn't answer"
            raise RuntimeError(message)
        self[key] = value


@pytest.fixture
def context(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    task = SimpleNamespace(dag_id="dag", task_id="extract", run_id="run", map_index=-1)
    return {"ti": task, "data_interval_start": NINE, "data_interval_end": TEN}


@pytest.fixture
def state_store(context):
    """The state store of an asset that triggered the run; Airflow has it from 3.3 on."""
    del context["data_interval_start"], context["data_interval_end"]
    context["asset_state_store"] = {ORDERS: FakeStateStore()}
    return context["asset_state_store"][ORDERS]


def run_later(context, client=None, **arguments):
    """Run the task at :data:`LATER`, with an asset among its outlets."""
    with time_machine.travel(LATER, tick=False):
        return run(context, client, **{"outlets": [AssetAlias("alias"), ORDERS], **arguments})


KEY = "watermark:yofi_default:claims"


def test_the_first_run_starts_at_initial_since_and_stores_a_watermark(context, state_store):
    client, _ = run_later(context, initial_since="2026-04-01")
    assert (client.query["since"].isoformat(), client.query["until"].isoformat()) == (
        "2026-04-01T00:00:00+00:00",
        LATER,
    )
    assert state_store == {KEY: "2026-05-02T12:00:00Z"}


def test_a_later_run_starts_at_the_watermark_minus_the_lookback(context, state_store):
    state_store[KEY] = "2026-05-01T10:00:00Z"
    client, _ = run_later(context, initial_since="2026-04-01", lookback=timedelta(hours=1))
    assert client.query["since"] == NINE
    assert state_store[KEY] == "2026-05-02T12:00:00Z"


def test_the_default_lookback_is_that_of_the_settings(context, state_store):
    state_store[KEY] = "2026-05-01T11:00:00Z"
    assert run_later(context)[0].query["since"] == NINE


def test_arguments_and_intervals_override_the_watermark(context, state_store):
    state_store[KEY] = "2026-05-01T11:00:00Z"
    assert run_later(context, since="2026-01-01", until="2026-01-02")[0].query["since"].month == 1
    context |= {"data_interval_start": NINE, "data_interval_end": TEN}
    assert run_later(context)[0].query["since"] == NINE


def test_without_a_watermark_the_error_names_initial_since(context, state_store):
    with pytest.raises(AirflowFailException, match="'initial_since'"):
        run_later(context)


def test_a_window_after_a_gap_does_not_move_the_watermark(context, state_store):
    state_store[KEY] = "2026-05-01T08:00:00Z"
    context |= {"data_interval_start": NINE, "data_interval_end": TEN}
    run_later(context)
    assert state_store[KEY] == "2026-05-01T08:00:00Z"


def test_an_old_window_does_not_move_the_watermark_back(context, state_store):
    state_store[KEY] = "2026-05-01T08:00:00Z"
    run_later(context, since="2026-01-01", until="2026-01-02")
    assert state_store[KEY] == "2026-05-01T08:00:00Z"


def test_a_window_after_initial_since_does_not_start_a_watermark(context, state_store):
    run_later(context, since="2026-04-10", until="2026-04-11", initial_since="2026-04-01")
    assert state_store == {}


def test_each_shop_list_and_filter_has_its_own_watermark(context, state_store):
    run_later(context, initial_since="2026-04-01", shop="a.myshopify.com")
    context["ti"].map_index = 1
    run_later(context, initial_since="2026-04-01", shop="b.myshopify.com")
    context["ti"].map_index = 2
    run_later(context, initial_since="2026-04-01", shop="b.myshopify.com", filters="x==1")
    assert len(state_store) == 3
    assert {"watermark:a.myshopify.com:claims", "watermark:b.myshopify.com:claims"} < set(state_store)


def test_the_watermark_moves_after_the_manifest_is_written(context, state_store, tmp_path):
    with pytest.raises(PartnerTaskError):
        run_later(context, Client(fails_at=2), initial_since="2026-04-01")
    assert state_store == {}
    state_store.set = lambda key, value: state_store.update({
        key: (tmp_path / "dag/extract/run/-1/manifest.json").exists()
    })
    run_later(context, initial_since="2026-04-01")
    assert state_store == {KEY: True}


def test_a_second_try_keeps_the_window_and_resumes_after_the_last_page(context, state_store):
    first = Client(fails_at=2)
    with pytest.raises(PartnerTaskError):
        run_later(context, first, initial_since="2026-04-01")
    # Some hours later, when another run has moved the watermark.
    state_store[KEY] = "2026-05-02T11:00:00Z"
    second, reference = run(context, initial_since="2026-04-01", outlets=[ORDERS])
    assert second.query == {"resource": "claims", "since": first.query["since"], "until": first.query["until"]}
    assert second.fetched == [2]
    assert list(read_dataset(reference)) == RECORDS


def test_a_try_that_crashes_after_moving_the_watermark_is_repeated_completely(context, state_store):
    """Downstream tasks need the whole window, not only the part after the watermark."""
    _, before = run_later(context, initial_since="2026-04-01")
    client, after = run(context, initial_since="2026-04-01", outlets=[ORDERS])
    assert after["window"] == before["window"] == {"since": "2026-04-01T00:00:00Z", "until": "2026-05-02T12:00:00Z"}
    assert client.fetched == [0, 1, 2]
    assert state_store[KEY] == "2026-05-02T12:00:00Z"


def test_a_watermark_that_cannot_be_moved_fails_the_try(context, state_store):
    state_store.fails = True
    with pytest.raises(RuntimeError):
        run_later(context, initial_since="2026-04-01")
    state_store.fails = False
    run_later(context, initial_since="2026-04-01")
    assert state_store[KEY] == "2026-05-02T12:00:00Z"


def test_another_initial_since_resolves_the_window_again(context, state_store):
    with pytest.raises(PartnerTaskError):
        run_later(context, Client(fails_at=1), initial_since="2026-04-01")
    assert run_later(context, initial_since="2026-03-01")[0].query["since"].month == 3


def test_a_window_that_ends_now_stays_the_same_over_tries_without_a_state_store(context):
    del context["data_interval_start"], context["data_interval_end"]
    first = Client(fails_at=2)
    with time_machine.travel(LATER, tick=False), pytest.raises(PartnerTaskError):
        run(context, first, since="2026-04-01")
    second, _ = run(context, since="2026-04-01")
    assert second.query["until"] == first.query["until"] == datetime.fromisoformat(LATER)
    assert second.fetched == [2]


def test_two_runs_within_a_second_are_no_error(context, state_store):
    state_store[KEY] = "2026-05-02T12:00:03Z"
    client, _ = run_later(context, lookback=timedelta())
    assert client.query["since"] < client.query["until"]
    assert state_store[KEY] == "2026-05-02T12:00:03Z"


def test_a_read_by_ids_stores_no_watermark(context, state_store):
    client, _ = run_later(context, match={"order_id": ["1"]}, initial_since="2026-04-01")
    assert "since" not in client.query
    assert state_store == {}


def test_a_list_without_a_time_filter_uses_a_watermark_when_initial_since_is_given(context, state_store):
    assert "since" not in run_later(context, resource="customers")[0].query
    context["ti"].map_index = 1
    assert run_later(context, resource="customers", initial_since="2026-04-01")[0].query["since"].month == 4
    assert list(state_store) == ["watermark:yofi_default:customers"]


@pytest.mark.parametrize("outlets", [[], [AssetAlias("alias")]])
def test_without_a_concrete_asset_no_watermark_is_stored_and_a_warning_is_logged(
    context, state_store, outlets, caplog, capsys
):
    client, _ = run_later(context, outlets=outlets, initial_since="2026-04-01")
    assert client.query["since"].month == 4
    assert state_store == {}
    assert "No watermark is stored" in caplog.text + capsys.readouterr().out


def test_before_airflow_3_3_every_run_reads_from_initial_since(context):
    del context["data_interval_start"], context["data_interval_end"]
    assert run_later(context, initial_since="2026-04-01")[0].query["since"].month == 4


def test_the_state_store_is_used_only_by_the_tasks_own_thread(context, state_store):
    """``dag.test()`` serves no other thread, even if pages are fetched in parallel."""
    with time_machine.travel(LATER, tick=False):
        operator = ClaimsOperator(
            client=Client(), resource="claims", workers=4, initial_since="2026-04-01", outlets=[ORDERS]
        )
        operator.execute(context)
    assert state_store.threads == {threading.get_ident()}


def test_a_window_that_ends_in_the_future_moves_the_watermark_to_the_start_of_the_first_try(context, state_store):
    """``airflow dags test … 2030-01-01``: later runs would leave out everything until then."""
    context["data_interval_start"], context["data_interval_end"] = NINE, datetime.fromisoformat("2030-01-01T00:00Z")
    with pytest.raises(PartnerTaskError):
        run_later(context, Client(fails_at=1))
    with time_machine.travel("2026-05-03T12:00:00+00:00", tick=False):
        run(context, outlets=[ORDERS])
    assert state_store == {KEY: "2026-05-02T12:00:00Z"}
