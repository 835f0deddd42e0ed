"""A stand-in for Airflow's task instance, with the XComs of a run in a dict."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

__all__ = ["TaskInstance", "xcom_name"]

RETURNED = "return_value"


def xcom_name(task_id: str, map_index: int = -1, key: str = RETURNED) -> str:
    """The name of an XCom in the run's dict: its task's, with the map index of a mapped one.

    A key follows, unless the value is what the task returns.
    """
    instance = task_id if map_index < 0 else f"{task_id}[{map_index}]"
    return instance if key == RETURNED else f"{instance}/{key}"


class TaskInstance(SimpleNamespace):
    """What operators need of Airflow's task instance: its identity, and XComs that have been through JSON."""

    def __init__(self, xcoms: dict[str, Any], *, task_id: str, map_index: int = -1, **identity: Any) -> None:
        super().__init__(task_id=task_id, map_index=map_index, log_url="", **identity)
        self._xcoms = xcoms

    def xcom_push(self, key: str, value: Any, **_: Any) -> None:
        self._xcoms[xcom_name(self.task_id, self.map_index, key)] = json.loads(json.dumps(value))

    def xcom_pull(
        self, task_ids: Any = None, key: str = RETURNED, default: Any = None, map_indexes: Any = None, **_: Any
    ) -> Any:
        index = map_indexes if isinstance(map_indexes, int) else -1
        return self._xcoms.get(xcom_name(str(task_ids), index, key), default)
