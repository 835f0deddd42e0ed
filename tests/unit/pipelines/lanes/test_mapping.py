"""Lanes as tasks: which lanes a task runs, and which tasks a Dag has for them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_partners import pipelines
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines.lanes import ORDER_LANE, LanesOperator, mapping
from airflow_provider_partners.pipelines.lanes.changes import Answer
from airflow_provider_partners.pipelines.lanes.lane_summary import sum_up_unchanged
from airflow_provider_partners.pipelines.lanes.mapping import batch_lanes, select_lanes
from airflow_provider_partners.task_errors import FatalTaskError

FACTORIES = [
    pipelines.order_sync_dag,
    pipelines.order_backfill_dag,
    pipelines.order_reconcile_dag,
    pipelines.new_returns_dag,
    pipelines.replay_rejects_dag,
]
by_name = pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)


def shops(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"shop": f"{number}.myshopify.com", **fields} for number in range(count)]


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [
        (0, 25, []),
        (1, 25, [1]),
        (25, 25, [25]),
        (26, 25, [13, 13]),
        (1000, 25, [25] * 40),
        (5, 1, [1] * 5),
        (7, 3, [2, 2, 3]),
    ],
)
def test_lanes_are_shared_out_evenly_and_in_order(count: int, size: int, sizes: list[int]) -> None:
    batches = batch_lanes.function(shops(count), size)
    assert [len(batch["lanes"]) for batch in batches] == sizes
    assert [number for batch in batches for number in batch["lanes"]] == [*range(count)]


def test_a_batch_is_named_after_its_shops() -> None:
    lanes = [*shops(3), {"shop": "2.myshopify.com"}]
    assert [batch["label"] for batch in batch_lanes.function(lanes, 2)] == [
        "0.myshopify.com and 1 more",
        "2.myshopify.com",
    ]


def test_a_batch_has_lanes_of_one_placement() -> None:
    lanes = [lane for pair in zip(shops(3), shops(3, pool="large"), strict=True) for lane in pair]
    default, large = ({"pool": pool, "queue": None} for pool in (None, "large"))
    assert [batch["lanes"] for batch in batch_lanes.function(lanes, 2, default)] == [[0], [2, 4]]
    assert [batch["lanes"] for batch in batch_lanes.function(lanes, 2, large)] == [[1], [3, 5]]
    assert [lane["shop"] for lane in select_lanes.function(lanes, large)] == [lane["shop"] for lane in shops(3)]


def test_lanes_without_changes_are_not_mapped() -> None:
    unchanged = sum_up_unchanged({**shops(2)[1], "since": "", "until": ""}, None)
    found = [
        [{"lane": 0, "found_by": {"calls": []}}, {"lane": 1, "unchanged": unchanged}],
        [{"lane": 2, "found_by": None}],
    ]
    selected = select_lanes.function(shops(3), None, [{"lanes": [0, 1]}, {"lanes": [2]}], found)
    assert [(lane["shop"], lane["found_by"]) for lane in selected] == [
        ("0.myshopify.com", {"calls": []}),
        ("2.myshopify.com", None),
    ]


def test_more_lanes_than_airflow_maps_a_task_over_are_named_with_the_remedy(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API server refuses them with the status 400: ``airflow.api_fastapi.execution_api.routes.xcoms``."""
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "3")
    select_lanes.function(shops(3))
    assert not caplog.records
    select_lanes.function(shops(4))
    assert "4 lanes" in caplog.text
    assert "granularity='shop'" in caplog.text


def test_the_shops_of_a_batch_that_failed_count_as_changed() -> None:
    """A failed task returns nothing. Airflow passes what the other instances returned, without a gap."""
    found = [[{"lane": 2, "found_by": {"calls": []}}, {"lane": 3, "unchanged": {}}]]
    selected = select_lanes.function(shops(4), None, [{"lanes": [0, 1]}, {"lanes": [2, 3]}], found)
    assert [(lane["shop"], lane["found_by"]) for lane in selected] == [
        ("0.myshopify.com", None),
        ("1.myshopify.com", None),
        ("2.myshopify.com", {"calls": []}),
    ]


def test_a_run_without_batches_does_not_take_all_shops_as_changed(tmp_path: Path, monkeypatch: Any) -> None:
    """A thousand shops without changes would be nine thousand tasks."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    instance = SimpleNamespace(dag_id="sync", run_id="run", task_id="select_lane", map_index=-1, try_number=1)
    context: Any = {"ti": instance, "task_instance": instance}
    with set_current_context(context), pytest.raises(FatalTaskError, match="'batch_shops' did not succeed"):
        select_lanes.function(shops(2), None, None, [])


def test_a_task_asks_for_the_shops_of_its_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    requested: list[str] = []
    found_by: Any = {"calls": []}

    def answer(lanes: Any, _is_changed: Any) -> Any:
        requested.extend(lane["shop"] for lane in lanes)
        return [Answer(may_have_changes=lane["shop"] == "3.myshopify.com", found_by=found_by) for lane in lanes]

    monkeypatch.setattr(mapping, "find_changes", answer)
    lanes = shops(5, since="2026-05-01", until="2026-05-02")
    found = mapping.find_changed.function(lanes, ORDER_LANE.path, {"lanes": [1, 3]})
    assert requested == ["1.myshopify.com", "3.myshopify.com"]
    assert found == [
        {"lane": 1, "unchanged": sum_up_unchanged(lanes[1], found_by)},
        {"lane": 3, "found_by": found_by},
    ]


@pytest.mark.parametrize("factory", [pipelines.order_sync_dag, pipelines.order_backfill_dag])
def test_the_shops_are_looked_at_in_batches_that_the_grid_names(factory: Any) -> None:
    dag = factory(granularity="step", placements=[{"pool": "large"}], shops_per_task=7)
    find, batches = dag.get_task("find_changes"), dag.get_task("batch_shops")
    assert find.is_mapped
    assert find.upstream_task_ids >= {"batch_shops"}
    assert batches.op_args[1] == 7
    assert "batch" in find.partial_kwargs["map_index_template"]
    assert not dag.get_task("batch_shops").is_mapped
    for name in ("select_lane", "select_lane_large"):
        # A batch that fails keeps no other shop from running.
        assert dag.get_task(name).trigger_rule == "all_done"
        assert dag.get_task(name).upstream_task_ids >= {"batch_shops", "find_changes"}
    assert "find_changes" in dag.get_task("summarize").upstream_task_ids


@by_name
def test_a_lane_is_one_task_or_a_task_for_each_step(factory: Any) -> None:
    by_step, by_shop = factory(granularity="step"), factory(granularity="shop")
    assert {"lane.extract_orders", "lane.upsert_orders", "lane.summarize_lane"} <= set(by_step.task_ids)
    assert not [task for task in by_shop.task_ids if task.startswith("lane.")]
    assert isinstance(by_shop.get_task("lane").unmap({"batch": {"lanes": [], "label": ""}}), LanesOperator)
    for dag in (by_step, by_shop):
        assert len(dag.roots) == 1
        assert [leaf.task_id for leaf in dag.leaves] == ["confirm"]


@by_name
def test_the_stored_dag_is_the_same_each_time_it_is_parsed(factory: Any) -> None:
    """Otherwise Airflow makes a new version of it each time."""
    first, second = (
        json.dumps(DagSerialization.to_dict(factory(granularity="shop")), sort_keys=True, default=str) for _ in range(2)
    )
    assert first == second


def test_tasks_of_a_placement_run_there() -> None:
    dag = pipelines.order_sync_dag(granularity="shop", placements=[{"pool": "large", "queue": "heavy"}])
    found = {name: dag.get_task(name).partial_kwargs for name in ("lane", "lane_large_heavy")}
    assert (found["lane_large_heavy"]["pool"], found["lane_large_heavy"]["queue"]) == ("large", "heavy")
    assert found["lane"].get("pool", "default_pool") == "default_pool"
    assert {"batch_lane", "batch_lane_large_heavy"} <= set(dag.task_ids)


def test_a_timeout_limits_the_steps_and_not_the_task_that_runs_them() -> None:
    arguments = {"default_args": {"execution_timeout": timedelta(minutes=5)}, "shops_per_task": 10}
    dag = pipelines.order_sync_dag(granularity="shop", **arguments)
    assert dag.get_task("lane").partial_kwargs["execution_timeout"] is None
    assert dag.get_task("batch_lane").execution_timeout == timedelta(minutes=5)
    by_step = pipelines.order_sync_dag(granularity="step", **arguments)
    assert by_step.get_task("lane.build").execution_timeout == timedelta(minutes=5)


@by_name
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"granularity": "shops"}, "The argument 'granularity' is 'shops': did you mean 'shop'"),
        ({"granularity": None}, "The argument 'granularity' is None"),
        ({"shops_per_task": 0}, "'shops_per_task' is 0, and a whole number"),
        ({"shops_per_task": "5"}, "'shops_per_task' is the text '5'"),
        ({"shops_per_tasks": 5}, "has no argument 'shops_per_tasks': did you mean 'shops_per_task'"),
    ],
)
def test_a_wrong_argument_is_named(factory: Any, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        factory(**arguments)
