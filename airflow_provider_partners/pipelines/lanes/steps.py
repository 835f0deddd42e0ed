"""The steps of a lane as values. From one declaration, a Dag gets a task for each step, or one task runs them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines.lanes.lane import Lane

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

__all__ = ["SHOP_LABEL", "SINCE_LABEL", "LaneSteps", "Step", "Steps", "load_steps"]

SHOP_LABEL = "{{ task.shop }}"
SINCE_LABEL = "{{ ' ' ~ task.%s[:10] if params.get('window_days') else '' }}"
"""The first day of a lane's window, for Dags in which a shop has several lanes."""

Results = Mapping[str, Any]
"""What the steps before have returned, by name: the output of a task, or the value itself."""

Arguments = Callable[[Any, Results], dict[str, Any]]
"""Returns the arguments of a step from its lane and the results of the steps before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a lane.

    :param name: the task's id
    :param operator: the operator's class, or a function with Airflow's decorator ``@task``
    :param arguments: returns its arguments. The results that it takes are those of the steps that must come before
    :param needs: the lane's field with the connection without which the step is skipped
    :param after: further steps that must come before
    :param trigger_rule: of Airflow: ``all_success``, ``none_failed`` or ``all_done``; that of a function is its own
    :param label: template of the name that Airflow shows in place of the map index; that of a function is its own
    """

    name: str
    operator: Any
    arguments: Arguments
    needs: str | None = None
    after: tuple[str, ...] = ()
    trigger_rule: str = "all_success"
    label: str | None = None

    @property
    def is_function(self) -> bool:
        """True for a function with the decorator ``@task``."""
        return not isinstance(self.operator, type)

    def create(self, lane: Any, results: Results, **task_args: Any) -> Any:
        """Return the step's operator, or for a function its output.

        :param lane: with a value, or something that Airflow resolves, in each field
        :param results: of the steps before, likewise
        :param task_args: further arguments of the task, such as ``task_id``
        """
        arguments = self.arguments(lane, results)
        if self.is_function:
            return (self.operator.override(**task_args) if task_args else self.operator)(**arguments)
        own = {"task_id": self.name, "trigger_rule": self.trigger_rule, "map_index_template": self.label}
        return self.operator(**{**own, **task_args}, **arguments)

    def create_alone(self, lane: Any, results: Results, **task_args: Any) -> BaseOperator:
        """Return the step's operator outside of a Dag; the parameters are those of :meth:`create`."""
        created = self.create(lane, results, **task_args)
        operator: BaseOperator = created.operator if self.is_function else created
        return operator


Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSteps:
    """What the lanes of a Dag do.

    :param path: where this value is: ``package.module:NAME``. Airflow stores a task's arguments as text, so a task that
        runs the steps finds them by it
    :param steps: in an order in which they can run one after the other
    :param kind: the lane's class: its fields are the arguments that a lane must have
    :param is_changed: returns whether there is anything to do in a lane, by one cheap request. See
        :mod:`~airflow_provider_partners.pipelines.lanes.changes`. ``None`` runs the steps of every lane
    """

    path: str
    steps: Steps
    kind: type[Lane] = Lane
    is_changed: Any = None

    @property
    def lane_fields(self) -> list[str]:
        """The names of a lane's fields."""
        return [field.name for field in fields(self.kind) if field.name != "found_by" or self.is_changed]

    def needs(self) -> Iterator[tuple[str, str]]:
        """Yield the steps that are skipped without a connection, each with the lane's field of it."""
        for step in self.steps:
            if step.needs is not None:
                yield step.name, step.needs


def load_steps(path: str) -> LaneSteps:
    """Return the steps that an import path names.

    :param path: ``package.module:NAME``
    :raises ConfigurationError: when there are none
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if isinstance(found, LaneSteps):
        return found
    message = f"There are no steps of lanes at '{path}'"
    raise ConfigurationError(message, remedy="Write the path of a module's value: package.module:NAME.")
