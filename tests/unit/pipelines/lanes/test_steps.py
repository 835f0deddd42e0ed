"""The steps of lanes as values: each declaration can be found again, and its steps are in an order that can run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines import lanes, new_returns, order_reconcile, replay_rejects
from airflow_provider_partners.pipelines.lanes.steps import LaneSteps, load_steps

DECLARED = [
    lanes.ORDER_LANE,
    new_returns.NEW_RETURNS_LANE,
    order_reconcile.RECONCILE_LANE,
    replay_rejects.REPLAY_LANE,
]


class Results(dict[str, Any]):
    """Results of all steps; remembers which were taken."""

    def __missing__(self, name: str) -> str:
        self[name] = f"output of {name}"
        return self[name]


@pytest.mark.parametrize("steps", DECLARED, ids=lambda steps: steps.path.partition(":")[2])
def test_a_task_finds_the_steps_by_their_path(steps: LaneSteps) -> None:
    assert load_steps(steps.path) is steps


@pytest.mark.parametrize("steps", DECLARED, ids=lambda steps: steps.path.partition(":")[2])
def test_each_step_takes_the_results_of_steps_before_it(steps: LaneSteps) -> None:
    lane = SimpleNamespace(**dict.fromkeys(steps.lane_fields, "value"))
    before: set[str] = set()
    for step in steps.steps:
        results = Results()
        step.arguments(lane, results)
        assert {*results, *step.after} <= before
        assert step.needs is None or step.needs in steps.lane_fields
        before.add(step.name)


@pytest.mark.parametrize(
    "path", ["airflow_provider_partners:NOTHING", "no_such_package:X", "json:dumps", "nothing", ":X"]
)
def test_a_path_without_steps_is_an_error(path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"no steps of lanes at '{path}'"):
        load_steps(path)
