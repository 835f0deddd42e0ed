"""The only module that knows Airflow versions (3.0 and later). All others import these names from here.

Names moved between releases: ``BaseHook`` and ``mask_secret`` entered the SDK in 3.1, exceptions and ``conf`` in 3.2.
Retry policies, and the state stores of tasks and assets, came with 3.3.
"""

from __future__ import annotations

import asyncio
import contextvars
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Asset, BaseHook, BaseOperator, RetryDecision, RetryPolicy, conf
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowRuntimeError,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
        TaskDeferred,
    )
    from airflow.sdk.log import mask_secret
    from airflow.sdk.timezone import utcnow
    from airflow.triggers.shared_stream import SharedStreamProducer
else:
    from airflow.sdk.exceptions import AirflowRuntimeError

    try:
        from airflow.sdk import BaseHook, timezone
        from airflow.sdk.log import mask_secret

        utcnow = timezone.utcnow
    except ImportError:  # 3.0
        from airflow.hooks.base import BaseHook
        from airflow.sdk.execution_time.secrets_masker import mask_secret
        from airflow.utils.timezone import utcnow
    try:
        from airflow.sdk import conf
        from airflow.sdk.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowRescheduleException,
            AirflowSensorTimeout,
            AirflowSkipException,
            AirflowTaskTimeout,
            TaskDeferred,
        )
    except ImportError:  # 3.0, 3.1
        from airflow.configuration import conf
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowRescheduleException,
            AirflowSensorTimeout,
            AirflowSkipException,
            AirflowTaskTimeout,
            TaskDeferred,
        )
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:  # before 3.3
        RetryDecision, RetryPolicy = None, object

__all__ = [
    "ASSET_STATE",
    "RESCHEDULES",
    "RETRY_POLICIES",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowRescheduleException",
    "AirflowRuntimeError",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "BaseHook",
    "RetryDecision",
    "RetryPolicy",
    "SharedStreamProducer",
    "TaskDeferred",
    "asset_state",
    "asset_state_stores",
    "conf",
    "hook_lineage",
    "in_thread",
    "literal",
    "mask_secret",
    "run_nested",
    "stats",
    "task_state",
    "utcnow",
]


T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Run a blocking function in a thread, off the event loop, and return its result.

    In such a thread Airflow's synchronous APIs for connections and for masking secrets work in every version of Airflow
    3. Their messages to the supervisor go back over the waiting loop. ``asyncio.to_thread`` does not work before 3.2:
    it does not know that loop and starts another one on the same socket. On the loop itself the synchronous APIs raise
    an error. The asynchronous ones do not exist in 3.0, deadlock before 3.3.2, and ``dag.test()`` does not serve them.

    A cancelled caller gets its own ``CancelledError``: its message shows the triggerer that a user stopped the task.
    Without the shield, asgiref raises a new one without the message.

    :param function: called once; it runs to its end even if the caller is cancelled
    """
    from asgiref.sync import sync_to_async

    return await asyncio.shield(asyncio.ensure_future(sync_to_async(function, thread_sensitive=False)()))


@cache
def _lineage_context() -> Any:
    """Return the hook that accesses are attributed to: one a process, so that equal accesses are counted together."""
    return BaseHook()


def hook_lineage(uri: str, *, is_output: bool) -> None:
    """Add an asset to the inputs or outputs that Airflow collects of hooks. Without a reader of them, nothing happens.

    :param uri: an asset's URI
    """
    try:
        module = import_module("airflow.sdk.lineage")
    except ImportError:  # before 3.2
        module = import_module("airflow.lineage.hook")
    collector = module.get_hook_lineage_collector()
    (collector.add_output_asset if is_output else collector.add_input_asset)(_lineage_context(), uri=uri)


def task_state(context: Mapping[str, Any]) -> Any | None:
    """Return the store that a task's later tries can read (``get``, ``set``, ``delete``).

    :returns: ``None`` before Airflow 3.3
    """
    return context.get("task_state_store")


def asset_state(context: Mapping[str, Any], asset: Asset) -> Any | None:
    """Return the store that an asset keeps from run to run (``get``, ``set``, ``delete``).

    Use it in the task's own thread only, as the task's store: ``dag.test()`` serves one request at a time.

    :param context: of a task with the asset among its inlets or outlets
    :param asset: a concrete asset; an alias has no store
    :returns: ``None`` before Airflow 3.3
    :raises KeyError: when the asset is not an inlet or outlet of the task
    """
    stores = context.get("asset_state_store")
    return None if stores is None else stores[asset]


def literal(value: Any) -> Any:
    """Return a value that templates leave as it is, as an argument of an operator."""
    # In 3.0, ``airflow.sdk`` lists the name, and does not have it.
    from airflow.sdk.definitions.template import literal as as_it_is

    return as_it_is(value)


def run_nested(operator: BaseOperator, context: dict[str, Any], *, resume: Mapping[str, Any] | None = None) -> Any:
    """Run an operator inside of a running task, as Airflow's task runner would, and return its result.

    Airflow's own safeguard warns of an ``execute`` that something else than its runner calls. The operator's templates
    must have been rendered. Airflow has one timer a process, so the running task must not have a timeout of its own.

    :param context: of the operator; functions get it as Airflow's current context
    :param resume: for an operator that has deferred, how it goes on: ``next_method`` and ``next_kwargs``
    :raises AirflowTaskTimeout: after the operator's ``execution_timeout``; its ``on_kill`` has been called then
    """
    from airflow.sdk.bases.operator import ExecutorSafeguard
    from airflow.sdk.execution_time.context import set_current_context

    own: Any = context
    inside = contextvars.copy_context()
    inside.run(ExecutorSafeguard.tracker.set, operator)
    limit = operator.execution_timeout
    run = operator.execute if resume is None else partial(operator.resume_execution, **resume)
    with set_current_context(own):
        if limit is None:
            return inside.run(run, context=own)
        try:
            with _timer()(limit.total_seconds()):
                return inside.run(run, context=own)
        except AirflowTaskTimeout:
            operator.on_kill()
            raise


def _timer() -> Any:
    """Return Airflow's context manager that limits the time of a task."""
    try:
        module = import_module("airflow.sdk.execution_time.timeout")
    except ImportError:  # 3.0
        module = import_module("airflow.utils.timeout")
    return module.timeout


def __getattr__(name: str) -> Any:
    """Import the producer of a shared poll (Airflow 3.3 and later) on first use.

    Few modules need it, and it loads slowly.
    """
    if name != "SharedStreamProducer":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        from airflow.triggers.shared_stream import SharedStreamProducer as Producer
    except ImportError:  # before 3.3
        return object
    return Producer


def asset_state_stores(watcher: Any) -> list[Any]:
    """Return the stores in which a watcher keeps its state across restarts, one per watched asset.

    Airflow shares one trigger between two assets with equal watchers. Its own accessor refuses to choose a store then.

    :param watcher: an event trigger that runs in a triggerer
    :returns: an empty list before Airflow 3.3
    """
    stores = getattr(watcher, "asset_state_store", None)
    if stores is None:
        return []
    by_asset = [*getattr(stores, "_by_name", {}).values(), *getattr(stores, "_by_uri", {}).values()]
    return by_asset or [stores]


def stats() -> Any:
    """Return Airflow's metrics client, as configured in ``[metrics]``: ``incr``, ``gauge`` and ``timing``."""
    try:
        from airflow.sdk.observability.stats import Stats
    except ImportError:  # 3.0, 3.1
        from airflow.stats import Stats
    return Stats


def team_of_dag(dag_id: str) -> str | None:
    """Return the team that a Dag belongs to, for Airflow's auth manager; ``None`` without teams. For the API server."""
    from airflow.models.dag import DagModel

    team: str | None = DagModel.get_team_name(dag_id)
    return team


def _sdk() -> tuple[int, int]:
    """Return the major and minor version of the task SDK: 1.0 is Airflow 3.0, 1.1 is 3.1, and so on."""
    try:
        major, minor, *_ = version("apache-airflow-task-sdk").split(".")
        return int(major), int(minor)
    except (PackageNotFoundError, ValueError):
        return 1, 0


RESCHEDULES = _sdk() >= (1, 1)
"""Whether the scheduler honours the date of an ``AirflowRescheduleException`` from a task that is not a sensor. Airflow
3.0 accepts the exception but starts the task again at once.
"""

PLUGIN_PAGES = _sdk() >= (1, 1)
"""Whether the pages of a plugin appear in Airflow's navigation (3.1 and later)."""

ASSET_STATE = _sdk() >= (1, 3)
"""Whether Airflow keeps state for an asset (3.3 and later)."""

RETRY_POLICIES = RetryDecision is not None
"""Whether a task may have a retry policy (3.3 and later); before, the argument is refused."""
