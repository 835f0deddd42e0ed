"""A sensor that waits for nothing of any partner, and the contexts that tasks of it have."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from airflow_provider_partners.exceptions import ThrottledError, TransientError
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.sensors.base import PartnerSensor
from airflow_provider_partners.triggers.conditions import ConditionResult

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
FOUND = {"orders": 1}
YES, NO, NEVER = (
    ConditionResult(True, FOUND),
    ConditionResult(False, {"orders": 0}),
    ConditionResult(False, {}, impossible_reason="it was cancelled"),
)
DOWN, BUSY = TransientError("the network is down"), ThrottledError("busy", retry_after=300)


class Waiting(PartnerSensor):
    condition_name = "looked"

    def __init__(self, *, wrong=None, **kwargs):
        super().__init__(**{"task_id": "wait", **kwargs})
        self.wrong, self.questions = wrong, 0

    def hook(self):
        return YotpoHook("store")

    def hook_params(self):
        return {"shop": "a"}

    def condition_spec(self):
        self.questions += 1
        if self.wrong:
            raise self.wrong
        return {"ids": ["1"]}


class Store(dict):
    """A task's state store."""

    def set(self, key, value):
        self[key] = json.loads(json.dumps(value))

    def delete(self, key):
        self.pop(key, None)


def context(store=None, first=None, try_number=1):
    task = SimpleNamespace(
        dag_id="d",
        task_id="wait",
        run_id="r",
        map_index=-1,
        try_number=try_number,
        get_first_reschedule_date=lambda _: first,
    )
    return {"ti": task, **({} if store is None else {"task_state_store": store})}


def raised(sensor, given=None):
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # which one is asserted by the caller
        sensor.execute(given or context())
    return caught.value
