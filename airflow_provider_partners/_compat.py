"""The only place that knows Airflow versions (3.0 and later). Everything else imports these names from here.

Names moved between releases: ``BaseHook`` and ``mask_secret`` entered the SDK in 3.1, exceptions and ``conf``
in 3.2. Retry policies, and the state that is kept for a task and for an asset, came with 3.3.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Asset, BaseHook, RetryDecision, RetryPolicy, conf
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
    )
    from airflow.sdk.log import mask_secret
    from airflow.sdk.timezone import utcnow
    from airflow.triggers.shared_stream import SharedStreamProducer
else:
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
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "BaseHook",
    "RetryDecision",
    "RetryPolicy",
    "SharedStreamProducer",
    "asset_state",
    "asset_state_stores",
    "conf",
    "in_thread",
    "mask_secret",
    "stats",
    "task_state",
    "utcnow",
]


T = TypeVar("T")


async def in_thread(function: Callable[[], T]) -> T:
    """Do something that blocks, off the event loop.

    In such a thread the synchronous ways to connections and to the masking of secrets work in every version: what they
    tell the supervisor goes back over the loop that waits here. Of ``asyncio.to_thread`` versions before 3.2 don't know
    that loop and would begin another one on the same socket; on the loop itself the synchronous ways are an error, and
    the asynchronous ones don't exist in 3.0, lock up before 3.3.2, and aren't served by ``dag.test()``.

    Whoever waits and is cancelled gets the very cancellation, since its message tells the triggerer that a user stopped
    the task; without the shield asgiref raises one of its own.

    :param function: called once; it goes on to its end even if nobody waits any more
    """
    from asgiref.sync import sync_to_async

    return await asyncio.shield(asyncio.ensure_future(sync_to_async(function, thread_sensitive=False)()))


def task_state(context: Mapping[str, Any]) -> Any | None:
    """What a task can leave to its later tries and to itself after a reschedule: ``get``, ``set`` and ``delete``.

    :param context: the task's context
    :returns: ``None`` before Airflow 3.3, which has no such store
    """
    return context.get("task_state_store")


def asset_state(context: Mapping[str, Any], asset: Asset) -> Any | None:
    """What is kept for an asset from run to run: ``get``, ``set`` and ``delete``.

    Of the task's own thread alone, as the task's state: ``dag.test()`` serves one question at a time.

    :param context: of a task that has the asset among its inlets or outlets
    :param asset: a concrete one; nothing is kept for an alias
    :returns: ``None`` before Airflow 3.3
    :raises KeyError: when the task doesn't have the asset
    """
    stores = context.get("asset_state_store")
    return None if stores is None else stores[asset]


def __getattr__(name: str) -> Any:
    """Names that few need and that take long to import: the producer of a poll that triggers share (3.3 and later)."""
    if name != "SharedStreamProducer":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        from airflow.triggers.shared_stream import SharedStreamProducer as Producer
    except ImportError:  # before 3.3
        return object
    return Producer


def asset_state_stores(watcher: Any) -> list[Any]:
    """Where a watcher can leave what it must know when it starts anew: a store for each asset that it watches for.

    Two assets whose watchers are made alike share one trigger, and then Airflow's own short cuts refuse to choose.

    :param watcher: an event trigger, run by a triggerer
    :returns: none before Airflow 3.3, which has no such store
    """
    held = getattr(watcher, "asset_state_store", None)
    if held is None:
        return []
    single = [*getattr(held, "_by_name", {}).values(), *getattr(held, "_by_uri", {}).values()]
    return single or [held]


def stats() -> Any:
    """Airflow's own metrics, as configured in ``[metrics]``: ``incr``, ``gauge`` and ``timing``."""
    try:
        from airflow.sdk.observability.stats import Stats
    except ImportError:  # 3.0, 3.1
        from airflow.stats import Stats
    return Stats


def _sdk() -> tuple[int, int]:
    """Major and minor version of the task SDK: 1.0 came with Airflow 3.0, 1.1 with 3.1 and so on."""
    try:
        major, minor, *_ = version("apache-airflow-task-sdk").split(".")
        return int(major), int(minor)
    except (PackageNotFoundError, ValueError):
        return 1, 0


RESCHEDULES = _sdk() >= (1, 1)
"""Whether the scheduler waits until the date of an ``AirflowRescheduleException`` from a task that is no
sensor. Airflow 3.0 accepted the exception but started the task again at once."""

ASSET_STATE = _sdk() >= (1, 3)
"""Whether Airflow keeps state for an asset."""

RETRY_POLICIES = RetryDecision is not None
"""Whether a task may have a retry policy, from 3.3 on; before, the argument is refused."""
