"""Run the steps of one lane one after the other, in one task: each with its real operator and a context of its own.

A step is what it would be as a task of its own: its folder, its arguments and templates, its tries in the report, and
what its state means for the steps after it. What has finished is stored, so that the next try begins at the step where
this one stopped. Inside a step, its operator resumes.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import BaseOperator

from airflow_provider_partners import _compat
from airflow_provider_partners._compat import (
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
    literal,
    run_nested,
)
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.exceptions import FatalError, ThrottledError
from airflow_provider_partners.pipelines.lanes.lane_summary import (
    SUMMARIZE_LANE,
    connections_of,
    needed_connections,
    sum_up,
)
from airflow_provider_partners.pipelines.lanes.progress import LaneProgress
from airflow_provider_partners.pipelines.lanes.steps import LaneSteps, Step
from airflow_provider_partners.task_errors import PartnerTaskError

__all__ = ["LaneEnd", "LaneRun", "StepInstance", "lane_uri", "step_context"]

log = logging.getLogger(__name__)

JOB_PAUSE = timedelta(seconds=60)
"""How long a task gives its slot back while a partner's job runs for one of its lanes."""

_DONE = frozenset({"success", "skipped"})


class StepInstance:
    """The task instance of a step, as its operator sees it: the running task's, with an identity of its own.

    :param task_instance: of the running task
    :param task_id: of the step, with its group
    :param map_index: the lane's number
    """

    def __init__(self, task_instance: Any, *, task_id: str, map_index: int) -> None:
        self._task_instance = task_instance
        self.task_id, self.map_index = task_id, map_index
        self.pushed: dict[str, Any] = {}
        """What the step has pushed to XCom. It stays in the task: its key is that of one step among many."""

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the running task's instance."""
        return getattr(self._task_instance, name)

    def xcom_push(self, key: str, value: Any, **_options: Any) -> None:
        """Keep a value."""
        self.pushed[key] = value


def step_context(context: Mapping[str, Any], *, group: str, step: str, number: int) -> dict[str, Any]:
    """Return the context of a lane's step.

    :param context: of the running task
    :param group: the id of the group that the step would be in, as a task of its own
    :param number: of the lane in the run
    """
    instance = StepInstance(context["ti"], task_id=f"{group}.{step}", map_index=number)
    return {**context, "ti": instance, "task_instance": instance}


@dataclass(slots=True)
class _State:
    """How a step ended."""

    state: str
    result: Any = None
    error: BaseException | None = None


class _Taken(Mapping[str, Any]):
    """The results of the steps before. It remembers which of them a step takes: these must come before it."""

    def __init__(self, states: Mapping[str, _State]) -> None:
        self._states = states
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return literal(self._states[name].result)

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)

    def __len__(self) -> int:
        return len(self._states)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneEnd:
    """How a lane ended in a try.

    :param summary: of a lane that is done or failed
    :param has_failed: True if a later try, or somebody, has to go on
    :param is_fatal: True if no retry mends it
    :param retry_after: seconds that a partner requires before the next try
    :param continues_at: when a lane goes on that waits for a partner
    """

    shop: str
    summary: Any = None
    has_failed: bool = False
    is_fatal: bool = False
    retry_after: float = 0.0
    continues_at: datetime | None = None

    @classmethod
    def of_failure(cls, shop: str, failure: Mapping[str, Any]) -> LaneEnd:
        """Return the end of a lane that has failed, from what its progress holds of that."""
        return cls(
            shop=shop,
            summary=failure["summary"],
            has_failed=True,
            is_fatal=failure["is_fatal"],
            retry_after=failure["retry_after"],
        )


@dataclass(slots=True)
class LaneRun:
    """One lane in a running task.

    :param steps: what it does
    :param lane: its arguments, with its window
    :param number: of the lane in the run
    :param group: the id of the group that its steps would be in
    :param context: of the running task
    :param progress: of earlier tries
    """

    steps: LaneSteps
    lane: Mapping[str, Any]
    number: int
    group: str
    context: Mapping[str, Any]
    progress: LaneProgress
    ran: list[BaseOperator] = field(default_factory=list)
    """The operators of the steps that ran, for the lineage."""
    _running: BaseOperator | None = None
    _is_stopped: bool = False
    _continues_at: datetime | None = None

    @property
    def shop(self) -> str:
        """The lane's shop."""
        return str(self.lane["shop"])

    def stop(self) -> None:
        """Stop the running step, and begin no other. Call it from a signal handler, for example."""
        self._is_stopped = True
        if self._running is not None:
            self._running.on_kill()

    def run(self) -> LaneEnd:
        """Run the steps that have not finished, sum up, and return how the lane ended in this try.

        :raises PartnerTaskError: when it was stopped
        """
        self.progress.update(is_running=True)
        states: dict[str, _State] = {}
        for step in self.steps.steps:
            stored = self.progress.steps.get(step.name)
            states[step.name] = _State(**stored) if stored else self._run_step(step, states)
            if self._is_stopped:
                message = f"The task was stopped at {self.shop}"
                raise PartnerTaskError(message)
            if self._continues_at is not None:
                return LaneEnd(shop=self.shop, continues_at=self._continues_at)
        summary = self._sum_up({name: state.result for name, state in states.items()})
        errors = [state.error for state in states.values() if state.error is not None]
        if not errors:
            self.progress.update(summary=summary, failure=None, is_running=False)
            log.info("%s: done", self.shop)
            return LaneEnd(shop=self.shop, summary=summary)
        failure = {
            "summary": summary,
            # The steps after it never run, so one such error decides.
            "is_fatal": any(map(is_fatal, errors)),
            "retry_after": max(map(_required_wait, errors)),
            "try_number": self.context["ti"].try_number,
            "max_tries": self.context["ti"].max_tries,
        }
        self.progress.update(failure=failure, is_running=False)
        log.error("%s: failed at %s", self.shop, summary["failed"])
        return LaneEnd.of_failure(self.shop, failure)

    def _run_step(self, step: Step, states: Mapping[str, _State]) -> _State:
        taken = _Taken(states)
        lane = self.steps.kind(**{name: literal(self.lane.get(name)) for name in self.steps.lane_fields})
        step.arguments(lane, taken)
        before = [states[name] for name in (*taken.names, *step.after)]
        rule, are_done = self._rule(step), all(each.state in _DONE for each in before)
        if rule != "all_done" and not are_done:
            return _State("upstream_failed")
        if rule == "all_success" and any(each.state == "skipped" for each in before):
            return _State("skipped")
        state = self._execute(step, lane, taken)
        # A step that runs after failures has to run again after the next try of those.
        if state.state in _DONE and are_done:
            self.progress.add_step(step.name, state.state, state.result)
        return state

    def _rule(self, step: Step) -> str:
        return str(step.operator.kwargs.get("trigger_rule", "all_success") if step.is_function else step.trigger_rule)

    def _execute(self, step: Step, lane: Any, results: Mapping[str, Any]) -> _State:
        context = step_context(self.context, group=self.group, step=step.name, number=self.number)
        instance, started = context["ti"], time.monotonic()
        # Each step has as many waits as a task of its own. Airflow counts those of the whole task, jobs included.
        context["task_reschedule_count"] = self.progress.waits(step.name, instance.try_number)
        log.info("%s: %s begins", self.shop, step.name)
        try:
            resumption = self.progress.resumption(step.name, instance.try_number)
            operator = self._create(step, lane, results, instance.task_id)
            result = self._execute_operator(operator, context, resumption)
        except AirflowSkipException as error:
            log.info("%s: %s is skipped: %s", self.shop, step.name, error)
            return _State("skipped")
        except AirflowRescheduleException as error:
            self._continues_at = error.reschedule_date
            self.progress.add_wait(step.name, instance.try_number)
            return _State("waiting")
        except TaskDeferred as deferral:
            self._continues_at = _compat.utcnow() + JOB_PAUSE
            self.progress.add_resumption(step.name, instance.try_number, _resumption(deferral))
            log.info("%s: %s waits for a job of the partner", self.shop, step.name)
            return _State("waiting")
        except (Exception, AirflowTaskTimeout) as error:
            if not isinstance(error, _compat.AirflowException):
                log.exception("%s: %s failed", self.shop, step.name)
            return _State("failed", _as_json(instance.pushed.get("return_value")), error)
        finally:
            self._running = None
        log.info("%s: %s done in %.1f s", self.shop, step.name, time.monotonic() - started)
        return _State("success", _as_json(result))

    def _create(self, step: Step, lane: Any, results: Mapping[str, Any], task_id: str) -> BaseOperator:
        task_args: dict[str, Any] = {"task_id": task_id}
        default_args = {**self.context["dag"].default_args}
        if step.is_function:
            task_args |= {name: default_args[name] for name in ("execution_timeout",) if name in default_args}
        else:
            task_args["default_args"] = default_args
        operator = step.create_alone(lane, results, **task_args)
        if hasattr(operator, "deferrable"):
            # While a job runs, the task runs other lanes, and then gives its slot back.
            operator.deferrable = _compat.RESCHEDULES
        return operator

    def _execute_operator(
        self, operator: BaseOperator, context: dict[str, Any], resumption: Mapping[str, Any] | None
    ) -> Any:
        self._running = operator
        context |= {"task": operator, "inlets": operator.inlets, "outlets": operator.outlets}
        own: Any = context
        operator.render_template_fields(own, context["dag"].get_template_env())
        try:
            return run_nested(operator, context, resume=resumption)
        finally:
            self.ran.append(operator)

    def _sum_up(self, results: Mapping[str, Any]) -> Any:
        lane = self.steps.kind(**{name: self.lane.get(name) for name in self.steps.lane_fields})
        needs = dict(self.steps.needs())
        return sum_up(
            step_context(self.context, group=self.group, step=SUMMARIZE_LANE, number=self.number),
            shop=self.shop,
            since=self.lane["since"],
            until=self.lane["until"],
            needs=needs,
            needed=needed_connections(lane, needs),
            connections=connections_of(lane),
            results=results,
            found_by=self.progress.found_by,
        )


def lane_uri(context: Mapping[str, Any], *, group: str, number: int) -> str:
    """Return the folder of a lane's progress.

    :param context: of the running task
    """
    return dataset_uri(step_context(context, group=group, step=SUMMARIZE_LANE, number=number))


def is_fatal(error: BaseException) -> bool:
    """Return True for an error that no retry mends."""
    return isinstance(error, _compat.AirflowFailException | FatalError)


def _required_wait(error: BaseException) -> float:
    """Return the seconds that a partner requires before the next try, if that is why a step failed."""
    cause = getattr(error, "error", error)
    return cause.retry_after if isinstance(cause, ThrottledError) else 0.0


def _resumption(deferral: Any) -> dict[str, Any]:
    """Return how an operator goes on that has deferred, as JSON. No triggerer waits for it: the task looks itself."""
    event = deferral.trigger.event("timeout", "no triggerer waited for it")
    return {"next_method": deferral.method_name, "next_kwargs": {**(deferral.kwargs or {}), "event": event}}


def _as_json(value: Any) -> Any:
    """Return a value as XCom would hand it on."""
    return json.loads(json.dumps(value, default=str))
