"""Watermarks: they only move forward, never over a gap, in every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk import Asset, AssetAlias

from airflow_provider_partners import _compat, watermarks
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.watermarks import (
    Gaps,
    SharedValueStore,
    Watermark,
    XComStateStore,
    add_gap,
    cover_gaps,
    covered_until,
    extend_to_watermark,
    watermark_assets,
    watermark_stores,
)
from airflow_provider_partners.windows import Window

TEN, HOUR = datetime(2026, 5, 1, 10, tzinfo=UTC), timedelta(hours=1)
WINDOW = Window(TEN - 3 * HOUR, TEN, "data interval")
"""The run at ten of an hourly Dag: its interval starts at nine, and its lookback is two hours."""
ASSET = Asset("orders")


class FakeAssetStore(dict):
    """A store that refuses ``None``, as Airflow's does."""

    def set(self, key, value):
        if value is None:
            message = "Cannot set value as None"
            raise ValueError(message)
        self[key] = value


class FakeTaskInstance:
    """The task instance of one run among several: XComs by run, the latest one first."""

    def __init__(self, date, xcoms):
        self.date, self.xcoms = date, xcoms

    def xcom_push(self, key, value):
        self.xcoms[self.date, key] = value

    def xcom_pull(self, *, task_ids, key, include_prior_dates, map_indexes):
        assert (task_ids, include_prior_dates, map_indexes) == ("confirm", True, -1)
        task_context = {date: value for (date, name), value in self.xcoms.items() if name == key and date <= self.date}
        return task_context[max(task_context)] if task_context else None


def stored_watermark(**values):
    store = FakeAssetStore({f"watermark:{shop}": value for shop, value in values.items()})
    return store, Watermark("a", [store])


def test_there_is_no_watermark_before_the_first_run():
    assert stored_watermark()[1].get() is None


def test_each_shop_has_its_own_watermark():
    store, watermark = stored_watermark(b="2026-05-01T08:00:00Z")
    watermark.advance(TEN)
    assert store == {"watermark:a": "2026-05-01T10:00:00Z", "watermark:b": "2026-05-01T08:00:00Z"}
    assert watermark.get() == TEN


def test_a_watermark_only_moves_forward():
    store, watermark = stored_watermark(a="2026-05-01T10:00:00Z")
    assert not watermark.advance(TEN - HOUR)
    assert not watermark.advance(TEN)
    assert store["watermark:a"] == "2026-05-01T10:00:00Z"
    assert watermark.advance(TEN + HOUR)
    assert watermark.get() == TEN + HOUR


def test_a_window_that_reaches_the_watermark_moves_it():
    assert stored_watermark(a="2026-05-01T09:00:00Z")[1].advance_over(WINDOW, began=TEN)
    assert stored_watermark(a="2026-05-01T07:00:00Z")[1].advance_over(WINDOW, began=TEN)


def test_a_window_after_a_gap_does_not_move_the_watermark():
    store, watermark = stored_watermark(a="2026-05-01T06:00:00Z")
    assert not watermark.advance_over(WINDOW, began=TEN)
    assert store["watermark:a"] == "2026-05-01T06:00:00Z"


def test_the_first_window_sets_the_watermark():
    store, watermark = stored_watermark()
    assert watermark.advance_over(WINDOW, began=TEN)
    assert store == {"watermark:a": "2026-05-01T10:00:00Z"}


def test_the_first_window_sets_the_watermark_only_without_a_gap_after_the_start():
    store, watermark = stored_watermark()
    assert not watermark.advance_over(WINDOW, began=TEN, start=TEN - 4 * HOUR)
    assert store == {}
    assert watermark.advance_over(WINDOW, began=TEN, start=TEN - 3 * HOUR)


def test_a_stored_value_that_is_no_time_is_refused_with_its_key():
    with pytest.raises(ConfigurationError, match="'watermark:a' is not a timestamp: 'yesterday'"):
        stored_watermark(a="yesterday")[1].get()


def test_a_watermark_never_moves_past_the_start_of_the_reading():
    """A window may end in 2030 (``airflow dags test … 2030-01-01``), but nobody has read what comes until then."""
    store, watermark = stored_watermark(a="2026-05-01T09:00:00Z")
    far = Window(TEN - 3 * HOUR, datetime(2030, 1, 1, tzinfo=UTC), "data interval")
    assert covered_until(far, began=TEN) == TEN
    assert watermark.advance_over(far, began=TEN)
    assert store["watermark:a"] == "2026-05-01T10:00:00Z"


# --- gaps ---


def hours(start, end):
    """A time range in hours from ten o'clock."""
    return Window(TEN + start * HOUR, TEN + end * HOUR, "gap")


def test_gaps_are_kept_per_stream_in_the_same_store():
    store = FakeAssetStore()
    assert Gaps("a", [store]).get() == []
    Gaps("a", [store]).set([hours(0, 1)])
    assert store == {"gaps:a": [{"since": "2026-05-01T10:00:00Z", "until": "2026-05-01T11:00:00Z"}]}
    assert Gaps("a", [store]).get() == [hours(0, 1)]
    assert Gaps("b", [store]).get() == []


def test_no_gaps_are_an_empty_list_because_airflow_stores_no_none():
    store = FakeAssetStore()
    Gaps("a", [store, FakeAssetStore({"gaps:a": [hours(0, 1).to_dict()]})]).set([])
    assert store == {"gaps:a": []}
    assert Gaps("a", [store]).get() == []


@pytest.mark.parametrize(
    ("gap", "merged"),
    [
        (hours(5, 6), [hours(0, 2), hours(5, 6)]),
        (hours(2, 3), [hours(0, 3)]),
        (hours(1, 4), [hours(0, 4)]),
        (hours(-3, -2), [hours(-3, -2), hours(0, 2)]),
        (hours(-1, 9), [hours(-1, 9)]),
        (hours(0, 1), [hours(0, 2)]),
    ],
)
def test_gaps_that_touch_become_one(gap, merged):
    assert add_gap([hours(0, 2)], gap) == merged


@pytest.mark.parametrize(
    ("since", "until", "remaining"),
    [
        (0, 4, []),
        (-9, 9, []),
        (1, 2, [hours(0, 1), hours(2, 4)]),
        (0, 1, [hours(1, 4)]),
        (3, 9, [hours(0, 3)]),
        (4, 9, [hours(0, 4)]),
        (-9, 0, [hours(0, 4)]),
        (2, 2, [hours(0, 4)]),
        (3, 1, [hours(0, 4)]),
    ],
)
def test_what_was_read_is_taken_out_of_the_gaps(since, until, remaining):
    assert cover_gaps([hours(0, 4)], since=TEN + since * HOUR, until=TEN + until * HOUR) == remaining


# --- stores ---


def context(date=TEN, xcoms=None, **entries):
    return {"ti": FakeTaskInstance(date, {} if xcoms is None else xcoms), "logical_date": date, **entries}


def test_before_airflow_3_3_it_is_kept_in_xcoms_of_the_task_that_moves_it():
    xcoms = {}
    Watermark("a", watermark_stores(context(TEN, xcoms), ASSET, task_id="confirm")).advance(TEN)
    assert xcoms == {(TEN, "watermark:a"): "2026-05-01T10:00:00Z"}
    later = Watermark("a", watermark_stores(context(TEN + HOUR, xcoms), ASSET, task_id="confirm"))
    assert later.get() == TEN


def test_a_run_without_a_watermark_does_not_hide_an_earlier_one():
    xcoms = {(TEN, "watermark:a"): "2026-05-01T10:00:00Z", (TEN + HOUR, "watermark:b"): "2026-05-01T11:00:00Z"}
    assert Watermark("a", watermark_stores(context(TEN + 2 * HOUR, xcoms), ASSET, task_id="confirm")).get() == TEN


def test_a_gap_that_was_read_after_an_upgrade_to_airflow_3_3_does_not_come_back_from_the_xcoms():
    xcoms, values = {}, FakeAssetStore()
    before = [
        SharedValueStore(store) for store in watermark_stores(context(TEN - HOUR, xcoms), ASSET, task_id="confirm")
    ]
    Gaps("a", before).set([hours(0, 1)])
    before[0].save()

    def upgraded():
        task_context = context(TEN, xcoms, asset_state_store={ASSET: values})
        return [SharedValueStore(store) for store in watermark_stores(task_context, ASSET, task_id="confirm")]

    stores = upgraded()
    assert Gaps("a", stores).get() == [hours(0, 1)]
    Gaps("a", stores).set([])
    stores[0].save()
    assert Gaps("a", upgraded()).get() == []


def test_two_dags_that_save_at_the_same_time_lose_nothing():
    """The other one has read before this one writes, and writes after. Airflow's stores cannot compare and set."""
    values = FakeAssetStore({"gaps:*": {"b": [hours(2, 3).to_dict()]}})
    first, other = SharedValueStore(values), SharedValueStore(values)
    Gaps("a", [first]).set([hours(0, 1)])
    Gaps("b", [other]).set([])
    plain_set, loads = values.set, []

    def set_after_another(key, value):
        plain_set(key, value)
        if not loads:
            loads.append(1)
            # It read what was there before: without the gap of a.
            plain_set(key, {"b": []})

    values.set = set_after_another
    assert first.save()
    stores = [SharedValueStore(values)]
    assert (Gaps("a", stores).get(), Gaps("b", stores).get()) == ([hours(0, 1)], [])


def test_a_value_that_cannot_be_stored_ends_no_task():
    store = SharedValueStore(XComStateStore({**context(), "logical_date": None}, "confirm"))
    Gaps("a", [store]).set([hours(0, 1)])
    assert not store.save()
    assert Gaps("a", [store]).get() == [hours(0, 1)]


def test_a_run_without_a_date_pushes_no_xcom():
    """Airflow's order of such runs depends on the database."""
    task_context = context()
    store = XComStateStore({**task_context, "logical_date": None}, "confirm")
    store.set("watermark:a", "2026-05-01T10:00:00Z")
    assert task_context["ti"].xcoms == {}


def test_from_airflow_3_3_on_the_assets_store_is_written_and_xcoms_are_only_read():
    xcoms, values = {(TEN - HOUR, "watermark:a"): "2026-05-01T09:00:00Z"}, FakeAssetStore()
    task_context = context(TEN, xcoms, asset_state_store={ASSET: values})
    watermark = Watermark("a", watermark_stores(task_context, ASSET, task_id="confirm"))
    assert watermark.get() == TEN - HOUR
    assert watermark.advance(TEN)
    assert values == {"watermark:a": "2026-05-01T10:00:00Z"}
    assert len(xcoms) == 1
    assert watermark.get() == TEN


@pytest.mark.parametrize("has_state", [True, False])
def test_tasks_have_the_asset_only_where_airflow_keeps_its_state(monkeypatch, has_state):
    monkeypatch.setattr(watermarks, "ASSET_STATE", has_state)
    assert watermark_assets(ASSET) == ([ASSET] if has_state else [])


def test_airflow_keeps_asset_state_where_its_sdk_has_the_accessors():
    from airflow.sdk.execution_time import context as sdk_context

    assert hasattr(sdk_context, "AssetStateStoreAccessors") is _compat.ASSET_STATE


def test_without_a_store_an_asset_has_no_state():
    assert _compat.asset_state({}, ASSET) is None


@pytest.fixture
def accessors_class():
    """The accessors class that Airflow passes to a task, from 3.3 on."""
    from airflow.sdk.execution_time import context as sdk_context

    accessors = getattr(sdk_context, "AssetStateStoreAccessors", None)
    if accessors is None:
        pytest.skip("Airflow has no asset state store before 3.3")
    return accessors


def test_airflow_has_a_store_for_the_task_s_assets_only(accessors_class):
    task_context = {"asset_state_store": accessors_class(inlets=[], outlets=[ASSET, AssetAlias("x")])}
    assert _compat.asset_state(task_context, ASSET) is not None
    with pytest.raises(KeyError, match="not in this task's inlets or outlets"):
        _compat.asset_state(task_context, Asset("another"))


def test_airflow_has_no_store_for_an_alias(accessors_class):
    task_context = {"asset_state_store": accessors_class(inlets=[], outlets=[AssetAlias("x")])}
    with pytest.raises(TypeError):
        _compat.asset_state(task_context, AssetAlias("x"))


def test_airflows_store_gets_text_and_never_none(accessors_class, monkeypatch):
    from airflow.sdk.execution_time import task_runner

    sent = []
    supervisor = type("Supervisor", (), {"send": lambda self, message: sent.append(message)})()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    task_context = {"asset_state_store": accessors_class(inlets=[], outlets=[ASSET])}

    assert Watermark("a", [_compat.asset_state(task_context, ASSET)]).advance(TEN)
    assert [message.key for message in sent] == ["watermark:a", "watermark:a"]
    assert (sent[1].name, sent[1].value) == ("orders", "2026-05-01T10:00:00Z")


# --- windows ---


def extended(watermark):
    return extend_to_watermark(WINDOW, watermark=watermark, lookback=2 * HOUR, max_lookback=24 * HOUR, now=TEN)


@pytest.mark.parametrize("watermark", [None, TEN - HOUR, TEN, TEN + HOUR])
def test_without_a_gap_the_window_stays_the_same(watermark):
    assert extended(watermark) == (WINDOW, None)


def test_a_gap_is_covered_with_the_same_lookback():
    window, gap = extended(TEN - 5 * HOUR)
    assert (window.since, window.until, gap) == (TEN - 7 * HOUR, TEN, None)
    assert "extended to the watermark" in window.origin


def test_what_the_limit_cuts_off_remains_a_gap():
    window, gap = extended(TEN - 100 * HOUR)
    assert window.since == TEN - 24 * HOUR
    assert (gap.since, gap.until) == (TEN - 100 * HOUR, TEN - 24 * HOUR)


def test_a_shorter_lookback_is_no_gap():
    """Everything since the watermark is read; a part of the lookback before it is not."""
    window, gap = extended(TEN - 23 * HOUR)
    assert (window.since, gap) == (TEN - 24 * HOUR, None)


def test_the_limit_counts_from_now_if_the_window_ends_in_the_future():
    far = Window(datetime(2029, 12, 31, 22, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC), "data interval")
    window, gap = extend_to_watermark(far, watermark=TEN - 5 * HOUR, lookback=2 * HOUR, max_lookback=24 * HOUR, now=TEN)
    assert (window.since, window.until, gap) == (TEN - 7 * HOUR, far.until, None)


def test_the_limit_never_shortens_the_runs_own_window():
    window, gap = extend_to_watermark(
        WINDOW, watermark=TEN - 9 * HOUR, lookback=HOUR, max_lookback=timedelta(), now=TEN
    )
    assert window == WINDOW
    assert (gap.since, gap.until) == (TEN - 9 * HOUR, WINDOW.since)
