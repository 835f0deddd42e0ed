"""Lanes as tasks: which lanes a task runs, and which tasks a Dag has for them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_provider_partners import pipelines
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines.lanes import LanesOperator
from airflow_provider_partners.pipelines.lanes.lane_summary import sum_up_unchanged
from airflow_provider_partners.pipelines.lanes.mapping import batch_lanes, select_lanes

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
    found = [
        {"found_by": {"calls": []}},
        sum_up_unchanged({**shops(2)[1], "since": "", "until": ""}, None),
        {"found_by": None},
    ]
    selected = select_lanes.function(shops(3), None, found)
    assert [(lane["shop"], lane["found_by"]) for lane in selected] == [
        ("0.myshopify.com", {"calls": []}),
        ("2.myshopify.com", None),
    ]


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
