"""Watermarks: only forward, never over a gap, in whichever store there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import Asset, AssetAlias

from airflow_provider_partners import _compat
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.watermarks import (
    Watermark,
    XComStateStore,
    extend_to_watermark,
    watermark_assets,
    watermark_stores,
)
from airflow_provider_partners.windows import Window

TEN, HOUR = datetime(2026, 5, 1, 10, tzinfo=UTC), timedelta(hours=1)
WINDOW = Window(TEN - 3 * HOUR, TEN, "data interval")
"""The run at ten of an hourly Dag: its interval begins at nine, its lookback is two hours."""
ASSET = Asset("orders")


class Kept(dict):
    """A store as Airflow's: refuses ``None``."""

    def set(self, key, value):
        if value is None:
            message = "Cannot set value as None"
            raise ValueError(message)
        self[key] = value


class Runs:
    """The task instance of one run among several: XComs by run, the latest one first."""

    def __init__(self, date, xcoms):
        self.date, self.xcoms = date, xcoms

    def xcom_push(self, key, value):
        self.xcoms[self.date, key] = value

    def xcom_pull(self, *, task_ids, key, include_prior_dates, map_indexes):
        assert (task_ids, include_prior_dates, map_indexes) == ("confirm", True, -1)
        found = {date: value for (date, name), value in self.xcoms.items() if name == key and date <= self.date}
        return found[max(found)] if found else None


def mark(**kept):
    store = Kept({f"watermark:{shop}": value for shop, value in kept.items()})
    return store, Watermark("a", [store])


def test_nothing_is_covered_before_a_first_run():
    assert mark()[1].get() is None


def test_each_shop_has_its_own():
    store, watermark = mark(b="2026-05-01T08:00:00Z")
    watermark.advance(TEN)
    assert store == {"watermark:a": "2026-05-01T10:00:00Z", "watermark:b": "2026-05-01T08:00:00Z"}
    assert watermark.get() == TEN


def test_it_only_moves_forward():
    store, watermark = mark(a="2026-05-01T10:00:00Z")
    assert not watermark.advance(TEN - HOUR)
    assert not watermark.advance(TEN)
    assert store["watermark:a"] == "2026-05-01T10:00:00Z"
    assert watermark.advance(TEN + HOUR)
    assert watermark.get() == TEN + HOUR


def test_a_window_that_reaches_it_moves_it():
    assert mark(a="2026-05-01T09:00:00Z")[1].advance_over(WINDOW)
    assert mark(a="2026-05-01T07:00:00Z")[1].advance_over(WINDOW)


def test_a_window_behind_a_gap_does_not_move_it():
    store, watermark = mark(a="2026-05-01T06:00:00Z")
    assert not watermark.advance_over(WINDOW)
    assert store["watermark:a"] == "2026-05-01T06:00:00Z"


def test_the_first_window_begins_it():
    store, watermark = mark()
    assert watermark.advance_over(WINDOW)
    assert store == {"watermark:a": "2026-05-01T10:00:00Z"}


def test_the_first_window_begins_it_only_where_no_gap_is_left_behind_the_beginning():
    store, watermark = mark()
    assert not watermark.advance_over(WINDOW, start=TEN - 4 * HOUR)
    assert store == {}
    assert watermark.advance_over(WINDOW, start=TEN - 3 * HOUR)


def test_what_is_no_time_is_refused_by_its_key():
    with pytest.raises(ConfigurationError, match="'watermark:a' is not a timestamp: 'yesterday'"):
        mark(a="yesterday")[1].get()


# --- stores ---


def context(date=TEN, xcoms=None, **entries):
    return {"ti": Runs(date, {} if xcoms is None else xcoms), "logical_date": date, **entries}


def test_before_airflow_3_3_it_rests_in_xcoms_of_the_task_that_moves_it():
    xcoms = {}
    Watermark("a", watermark_stores(context(TEN, xcoms), ASSET, task_id="confirm")).advance(TEN)
    assert xcoms == {(TEN, "watermark:a"): "2026-05-01T10:00:00Z"}
    later = Watermark("a", watermark_stores(context(TEN + HOUR, xcoms), ASSET, task_id="confirm"))
    assert later.get() == TEN


def test_a_run_that_left_none_does_not_hide_an_earlier_one():
    xcoms = {(TEN, "watermark:a"): "2026-05-01T10:00:00Z", (TEN + HOUR, "watermark:b"): "2026-05-01T11:00:00Z"}
    assert Watermark("a", watermark_stores(context(TEN + 2 * HOUR, xcoms), ASSET, task_id="confirm")).get() == TEN


def test_a_run_without_a_date_leaves_no_xcom():
    """Airflow puts such runs before all others, or behind, as the database sees fit."""
    found = context()
    store = XComStateStore({**found, "logical_date": None}, "confirm")
    store.set("watermark:a", "2026-05-01T10:00:00Z")
    assert found["ti"].xcoms == {}


def test_from_airflow_3_3_on_the_assets_store_is_written_and_xcoms_are_only_read():
    xcoms, kept = {(TEN - HOUR, "watermark:a"): "2026-05-01T09:00:00Z"}, Kept()
    found = context(TEN, xcoms, asset_state_store={ASSET: kept})
    watermark = Watermark("a", watermark_stores(found, ASSET, task_id="confirm"))
    assert watermark.get() == TEN - HOUR
    assert watermark.advance(TEN)
    assert kept == {"watermark:a": "2026-05-01T10:00:00Z"}
    assert len(xcoms) == 1
    assert watermark.get() == TEN


@pytest.mark.parametrize("kept", [True, False])
def test_tasks_have_the_asset_only_where_something_is_kept_for_it(monkeypatch, kept):
    monkeypatch.setattr("airflow_provider_partners.watermarks.ASSET_STATE", kept)
    assert watermark_assets(ASSET) == ([ASSET] if kept else [])


def test_airflow_keeps_state_for_assets_where_its_own_code_says_so():
    from airflow.sdk.execution_time import context as of_tasks

    assert hasattr(of_tasks, "AssetStateStoreAccessors") is _compat.ASSET_STATE


def test_without_a_store_there_is_no_state_of_an_asset():
    assert _compat.asset_state({}, ASSET) is None


@pytest.fixture
def airflows_own():
    """The accessors that Airflow hands to a task, where it has them."""
    from airflow.sdk.execution_time import context as of_tasks

    made = getattr(of_tasks, "AssetStateStoreAccessors", None)
    if made is None:
        pytest.skip("Airflow has no asset state store before 3.3")
    return made


def test_airflow_has_a_store_for_assets_of_the_task_alone(airflows_own):
    found = {"asset_state_store": airflows_own(inlets=[], outlets=[ASSET, AssetAlias("x")])}
    assert _compat.asset_state(found, ASSET) is not None
    with pytest.raises(KeyError, match="not in this task's inlets or outlets"):
        _compat.asset_state(found, Asset("another"))


def test_airflow_has_no_store_for_an_alias(airflows_own):
    found = {"asset_state_store": airflows_own(inlets=[], outlets=[AssetAlias("x")])}
    with pytest.raises(TypeError):
        _compat.asset_state(found, AssetAlias("x"))


def test_airflows_store_gets_text_and_never_none(airflows_own, monkeypatch):
    from airflow.sdk.execution_time import task_runner

    sent = []
    supervisor = type("Supervisor", (), {"send": lambda self, message: sent.append(message)})()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    found = {"asset_state_store": airflows_own(inlets=[], outlets=[ASSET])}

    assert Watermark("a", [_compat.asset_state(found, ASSET)]).advance(TEN)
    assert [message.key for message in sent] == ["watermark:a", "watermark:a"]
    assert (sent[1].name, sent[1].value) == ("orders", "2026-05-01T10:00:00Z")


# --- reaching back ---


def reached(watermark):
    return extend_to_watermark(WINDOW, watermark=watermark, lookback=2 * HOUR, max_lookback=24 * HOUR)


@pytest.mark.parametrize("watermark", [None, TEN - HOUR, TEN, TEN + HOUR])
def test_without_a_gap_the_window_is_the_runs_own(watermark):
    assert reached(watermark) == (WINDOW, None)


def test_a_gap_is_covered_with_the_same_lookback():
    window, warning = reached(TEN - 5 * HOUR)
    assert (window.since, window.until, warning) == (TEN - 7 * HOUR, TEN, None)
    assert "reaching back" in window.origin


def test_a_gap_beyond_the_limit_is_cut_and_told():
    window, warning = reached(TEN - 100 * HOUR)
    assert window.since == TEN - 24 * HOUR
    assert "Nothing was covered since 2026-04-27T06:00:00Z" in warning
    assert "catchup_hours" in warning


def test_the_limit_never_shortens_the_runs_own_window():
    window, warning = extend_to_watermark(WINDOW, watermark=TEN - 9 * HOUR, lookback=HOUR, max_lookback=timedelta())
    assert window == WINDOW
    assert warning is None
