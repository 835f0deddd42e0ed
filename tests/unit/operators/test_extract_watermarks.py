"""Extract tasks that go by a watermark: where they begin, when it moves, and what a second try sees."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from airflow.sdk import Asset, AssetAlias
from fake_claims import NINE, ROWS, TEN, ClaimsOperator, Client, run

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.operators.base import PartnerTaskError

ORDERS = Asset("claims")
LATER = "2026-05-02T12:00:00+00:00"


class Kept(dict):
    """The state of one asset, for the task's own thread."""

    def __init__(self, **kept):
        super().__init__(kept)
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
def kept(context):
    """A run that was triggered by an asset, under an Airflow that keeps state for assets."""
    del context["data_interval_start"], context["data_interval_end"]
    context["asset_state_store"] = {ORDERS: Kept()}
    return context["asset_state_store"][ORDERS]


def marked(context, client=None, **arguments):
    """A run at :data:`LATER`."""
    with time_machine.travel(LATER, tick=False):
        return run(context, client, **{"outlets": [AssetAlias("alias"), ORDERS], **arguments})


MARK = "watermark:yofi_default:claims"


def test_the_first_run_begins_at_initial_since_and_leaves_a_watermark(context, kept):
    client, _ = marked(context, initial_since="2026-04-01")
    assert (client.asked["since"].isoformat(), client.asked["until"].isoformat()) == (
        "2026-04-01T00:00:00+00:00",
        LATER,
    )
    assert kept == {MARK: "2026-05-02T12:00:00Z"}


def test_a_later_run_goes_on_at_the_watermark_less_the_lookback(context, kept):
    kept[MARK] = "2026-05-01T10:00:00Z"
    client, _ = marked(context, initial_since="2026-04-01", lookback=timedelta(hours=1))
    assert client.asked["since"] == NINE
    assert kept[MARK] == "2026-05-02T12:00:00Z"


def test_without_a_lookback_of_its_own_the_settings_one_is_taken_off_the_watermark(context, kept):
    kept[MARK] = "2026-05-01T11:00:00Z"
    assert marked(context)[0].asked["since"] == NINE


def test_arguments_and_intervals_go_before_the_watermark(context, kept):
    kept[MARK] = "2026-05-01T11:00:00Z"
    assert marked(context, since="2026-01-01", until="2026-01-02")[0].asked["since"].month == 1
    context |= {"data_interval_start": NINE, "data_interval_end": TEN}
    assert marked(context)[0].asked["since"] == NINE


def test_without_watermark_and_beginning_the_error_says_what_to_set(context, kept):
    with pytest.raises(AirflowFailException, match="'initial_since'"):
        marked(context)


def test_a_window_before_a_gap_moves_no_watermark(context, kept):
    kept[MARK] = "2026-05-01T08:00:00Z"
    context |= {"data_interval_start": NINE, "data_interval_end": TEN}
    marked(context)
    assert kept[MARK] == "2026-05-01T08:00:00Z"


def test_an_old_window_moves_no_watermark_back(context, kept):
    kept[MARK] = "2026-05-01T08:00:00Z"
    marked(context, since="2026-01-01", until="2026-01-02")
    assert kept[MARK] == "2026-05-01T08:00:00Z"


def test_a_window_begins_no_watermark_above_the_beginning(context, kept):
    marked(context, since="2026-04-10", until="2026-04-11", initial_since="2026-04-01")
    assert kept == {}


def test_each_shop_list_and_question_has_its_own(context, kept):
    marked(context, initial_since="2026-04-01", shop="a.myshopify.com")
    context["ti"].map_index = 1
    marked(context, initial_since="2026-04-01", shop="b.myshopify.com")
    context["ti"].map_index = 2
    marked(context, initial_since="2026-04-01", shop="b.myshopify.com", wanted="x==1")
    assert len(kept) == 3
    assert {"watermark:a.myshopify.com:claims", "watermark:b.myshopify.com:claims"} < set(kept)


def test_the_watermark_moves_after_the_manifest_is_written(context, kept, tmp_path):
    with pytest.raises(PartnerTaskError):
        marked(context, Client(fails_at=2), initial_since="2026-04-01")
    assert kept == {}
    kept.set = lambda key, value: kept.update({key: (tmp_path / "dag/extract/run/-1/manifest.json").exists()})
    marked(context, initial_since="2026-04-01")
    assert kept == {MARK: True}


def test_a_second_try_keeps_the_window_and_goes_on_behind_the_last_page(context, kept):
    first = Client(fails_at=2)
    with pytest.raises(PartnerTaskError):
        marked(context, first, initial_since="2026-04-01")
    # Some hours later, and as if another run had moved the watermark meanwhile.
    kept[MARK] = "2026-05-02T11:00:00Z"
    second, reference = run(context, initial_since="2026-04-01", outlets=[ORDERS])
    assert second.asked == {"resource": "claims", "since": first.asked["since"], "until": first.asked["until"]}
    assert second.fetched == [2]
    assert list(read_dataset(reference)) == ROWS


def test_a_try_that_dies_behind_the_watermark_is_repeated_whole(context, kept):
    """What follows must be handed the whole window, not the little behind the watermark."""
    _, before = marked(context, initial_since="2026-04-01")
    client, after = run(context, initial_since="2026-04-01", outlets=[ORDERS])
    assert after["window"] == before["window"] == {"since": "2026-04-01T00:00:00Z", "until": "2026-05-02T12:00:00Z"}
    assert client.fetched == [0, 1, 2]
    assert kept[MARK] == "2026-05-02T12:00:00Z"


def test_a_watermark_that_cannot_be_moved_fails_the_try(context, kept):
    kept.fails = True
    with pytest.raises(RuntimeError):
        marked(context, initial_since="2026-04-01")
    kept.fails = False
    marked(context, initial_since="2026-04-01")
    assert kept[MARK] == "2026-05-02T12:00:00Z"


def test_another_beginning_is_chosen_anew(context, kept):
    with pytest.raises(PartnerTaskError):
        marked(context, Client(fails_at=1), initial_since="2026-04-01")
    assert marked(context, initial_since="2026-03-01")[0].asked["since"].month == 3


def test_a_window_up_to_the_present_does_not_move_over_tries_without_any_store_too(context):
    del context["data_interval_start"], context["data_interval_end"]
    first = Client(fails_at=2)
    with time_machine.travel(LATER, tick=False), pytest.raises(PartnerTaskError):
        run(context, first, since="2026-04-01")
    second, _ = run(context, since="2026-04-01")
    assert second.asked["until"] == first.asked["until"] == datetime.fromisoformat(LATER)
    assert second.fetched == [2]


def test_two_runs_within_a_second_are_no_error(context, kept):
    kept[MARK] = "2026-05-02T12:00:03Z"
    client, _ = marked(context, lookback=timedelta())
    assert client.asked["since"] < client.asked["until"]
    assert kept[MARK] == "2026-05-02T12:00:03Z"


def test_ids_keep_no_watermark(context, kept):
    client, _ = marked(context, match={"order_id": ["1"]}, initial_since="2026-04-01")
    assert "since" not in client.asked
    assert kept == {}


def test_a_list_without_a_time_goes_by_watermark_where_it_is_given_a_beginning(context, kept):
    assert "since" not in marked(context, resource="customers")[0].asked
    context["ti"].map_index = 1
    assert marked(context, resource="customers", initial_since="2026-04-01")[0].asked["since"].month == 4
    assert list(kept) == ["watermark:yofi_default:customers"]


@pytest.mark.parametrize("outlets", [[], [AssetAlias("alias")]])
def test_without_a_concrete_asset_nothing_is_kept_and_that_is_said(context, kept, outlets, caplog, capsys):
    client, _ = marked(context, outlets=outlets, initial_since="2026-04-01")
    assert client.asked["since"].month == 4
    assert kept == {}
    assert "No watermark is kept" in caplog.text + capsys.readouterr().out


def test_before_airflow_3_3_every_run_reads_from_the_beginning(context):
    del context["data_interval_start"], context["data_interval_end"]
    assert marked(context, initial_since="2026-04-01")[0].asked["since"].month == 4


def test_the_store_is_used_by_the_tasks_own_thread_alone(context, kept):
    """Airflow's own ``dag.test()`` serves no other, however many pages are fetched side by side."""
    with time_machine.travel(LATER, tick=False):
        operator = ClaimsOperator(
            client=Client(), resource="claims", workers=4, initial_since="2026-04-01", outlets=[ORDERS]
        )
        operator.execute(context)
    assert kept.threads == {threading.get_ident()}
