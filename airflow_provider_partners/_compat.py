"""The only place that knows Airflow versions (3.0 and later). Everything else imports these names from here.

Names moved between releases: ``BaseHook`` and ``mask_secret`` entered the SDK in 3.1, exceptions and ``conf``
in 3.2.
"""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.sdk import BaseHook, conf
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowRescheduleException,
        AirflowSkipException,
    )
    from airflow.sdk.log import mask_secret
    from airflow.sdk.timezone import utcnow
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
            AirflowSkipException,
        )
    except ImportError:  # 3.0, 3.1
        from airflow.configuration import conf
        from airflow.exceptions import (
            AirflowException,
            AirflowFailException,
            AirflowNotFoundException,
            AirflowRescheduleException,
            AirflowSkipException,
        )

__all__ = [
    "RESCHEDULES",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowRescheduleException",
    "AirflowSkipException",
    "BaseHook",
    "conf",
    "in_thread",
    "mask_secret",
    "utcnow",
]


T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Do something that blocks, off the event loop.

    In such a thread the synchronous ways to connections and to the masking of secrets work in every version: what they
    tell the supervisor goes back over the loop that waits here. Of ``asyncio.to_thread`` versions before 3.2 don't know
    that loop and would begin another one on the same socket; on the loop itself the synchronous ways are an error, and
    the asynchronous ones don't exist in 3.0, lock up before 3.3.2, and aren't served by ``dag.test()``.

    Whoever waits and is cancelled gets the very cancellation, since its message tells the triggerer that a user stopped
    the task; without the shield asgiref raises one of its own.

    :param work: called once; it goes on to its end even if nobody waits any more
    """
    from asgiref.sync import sync_to_async

    return await asyncio.shield(asyncio.ensure_future(sync_to_async(work, thread_sensitive=False)()))


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
