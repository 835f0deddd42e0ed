"""Count of the failed checks in a row of a sensor, also when each check runs in another process.

In ``reschedule`` mode no process survives a check, and Airflow clears a task's XComs when it starts again. So the count
is kept in the task's state store (Airflow 3.3 and later), or else in the folder of the task's datasets.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_partners._compat import task_state
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.storage import FAILURES_FILE, DatasetFolder

if TYPE_CHECKING:
    from airflow_provider_partners.task_errors import Context

log = logging.getLogger("airflow_provider_partners.sensors")

STATE_KEY = "failures_in_a_row"


class FailureCount:
    """The failed checks in a row of one try of a task.

    :param context: the task's context
    :param persistent: True if other processes of this try continue the count
    """

    def __init__(self, context: Context, *, persistent: bool) -> None:
        self._context = context
        self._persistent = persistent
        self._try = int(getattr(context["ti"], "try_number", None) or 0)
        self._count: int | None = None

    def add(self) -> int:
        """Count one more failure, and return the count."""
        self._count = self._current() + 1
        if self._persistent:
            self._write({"try": self._try, "count": self._count})
        return self._count

    def reset(self) -> None:
        """Set the count to zero."""
        if self._current() and self._persistent:
            self._write(None)
        self._count = 0

    def _current(self) -> int:
        if self._count is None:
            stored = self._read() if self._persistent else None
            own_count = stored if isinstance(stored, dict) and stored.get("try") == self._try else {}
            self._count = int(own_count.get("count", 0))
        return self._count

    def _read(self) -> Any:
        store = task_state(self._context)
        return store.get(STATE_KEY) if store is not None else self._folder().read_json(FAILURES_FILE)

    def _write(self, value: dict[str, int] | None) -> None:
        store = task_state(self._context)
        try:
            if store is not None:
                store.delete(STATE_KEY) if value is None else store.set(STATE_KEY, value)
            elif value is None:
                self._folder().remove(FAILURES_FILE)
            else:
                self._folder().write_json(FAILURES_FILE, value)
        except OSError as error:
            # This error must not hide the failure that is being counted.
            log.warning("The count of failed checks can't be saved (%s), so each failure counts as the first", error)

    def _folder(self) -> DatasetFolder:
        return DatasetFolder(dataset_uri(self._context))
